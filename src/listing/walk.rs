//! Walking through a bucket: folders that lie beside each other are listed at the same time.
//!
//! The keys below a prefix are looked at folder by folder until there are enough folders to keep
//! all lists busy; what lies below each of those is then listed in one go. Pages come out in the
//! order in which they arrive: an inventory has no order either.
//!
//! Never knows how rows are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{ChecksumAlgorithm, EncodingType, ServerSideEncryption};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::columns::{ASKED, OF_VERSIONS};
use super::error::ListingError;
use super::request::Listing;
use super::rows::ListingRow;
use crate::aws::{AwsError, AwsErrorKind};
use crate::source::Location;
use crate::values::decode_key;

/// Folders that are listed at the same time. 16: S3 takes 5,500 such requests a second for each
/// prefix, and one list gives about 5,000 objects a second.
const LISTS_AT_ONCE: usize = 16;

/// Objects that are asked about at the same time.
const ASKED_AT_ONCE: usize = 64;

/// Folders below which nothing is looked at folder by folder any more: a few for each list, so
/// that none is idle while the last ones end.
const FOLDERS_MIN: usize = 4 * LISTS_AT_ONCE;

/// Pages that wait to be written, at most. A page has 1,000 rows, about 300 KiB.
const PAGES_MAX: usize = 16;

/// A thousand objects at most.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<ListingRow>,
    pub(super) seen: u64,
    pub(super) asked: u64,
}

/// A walk that goes on.
pub(super) struct PrefixWalk {
    pages: Receiver<Result<Page, ListingError>>,
}

impl PrefixWalk {
    pub(super) fn begin(listing: &Listing, columns: &[&'static str]) -> Self {
        let (sender, pages) = mpsc::channel(PAGES_MAX);
        let session = listing.prefix.session();
        let walker = Walker {
            shared: Arc::new(WalkState {
                client: session.s3().clone(),
                payer: session.request_payer(),
                bucket: listing.prefix.bucket().to_owned(),
                columns: columns[2..].to_vec(),
                versions: listing.versions,
                newer_than: listing.newer_than,
                lists: Semaphore::new(LISTS_AT_ONCE),
                asks: Semaphore::new(ASKED_AT_ONCE),
                folders: AtomicUsize::new(0),
            }),
            handle: session.handle().clone(),
            sender,
        };
        walker.spawn(listing.prefix.key().to_owned());
        Self { pages }
    }

    /// The next page; none at the end. After an error nothing of use comes.
    pub(super) fn next(&mut self) -> Option<Result<Page, ListingError>> {
        self.pages.blocking_recv()
    }
}

struct WalkState {
    client: aws_sdk_s3::Client,
    payer: Option<aws_sdk_s3::types::RequestPayer>,
    bucket: String,
    /// Behind `Bucket` and `Key`.
    columns: Vec<&'static str>,
    versions: bool,
    newer_than: Option<Timestamp>,
    lists: Semaphore,
    asks: Semaphore,
    /// Folders met so far.
    folders: AtomicUsize,
}

#[derive(Clone)]
struct Walker {
    shared: Arc<WalkState>,
    handle: Handle,
    sender: Sender<Result<Page, ListingError>>,
}

/// What a listing tells of an object.
#[derive(Debug, Default)]
struct ListedObject {
    key: String,
    version: Option<String>,
    is_latest: bool,
    is_delete_marker: bool,
    size: Option<i64>,
    modified: Option<DateTime>,
    etag: Option<String>,
    storage_class: Option<String>,
    checksums: Vec<ChecksumAlgorithm>,
}

/// Where a list goes on.
#[derive(Default)]
struct PageMarker {
    key: Option<String>,
    version: Option<String>,
}

/// How an answer writes keys. XML can't hold every character of a key, so they are asked for as in
/// a URL; a server that doesn't know that says nothing of it, and sends them as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Encoded,
    Plain,
}

impl Names {
    fn of(encoding: Option<&EncodingType>) -> Self {
        if encoding == Some(&EncodingType::Url) { Self::Encoded } else { Self::Plain }
    }

    fn decoded(self, name: String) -> String {
        // Some servers say that they encode, and don't.
        if self == Self::Plain || !is_encoded(&name) {
            return name;
        }
        let mut decoded = Vec::with_capacity(name.len());
        decode_key(name.as_bytes(), &mut decoded);
        // Keys are UTF-8 (S3 User Guide, "Naming Amazon S3 objects").
        String::from_utf8(decoded).unwrap_or(name)
    }
}

/// Whether a name can be what encoding gives: visible ASCII, and each percent sign with two digits.
fn is_encoded(name: &str) -> bool {
    let digits = |rest: &str| {
        rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    name.bytes().all(|byte| byte.is_ascii_graphic()) && name.split('%').skip(1).all(digits)
}

/// An answer to a list.
struct ListPage {
    found: Vec<ListedObject>,
    folders: Vec<String>,
    next: Option<PageMarker>,
}

impl Walker {
    /// Lists all below a prefix on the network's threads.
    fn spawn(&self, prefix: String) {
        let walker = self.clone();
        self.handle.spawn(async move {
            if let Err(error) = walker.walk(&prefix).await {
                // After an earlier error the receiver is gone.
                let _ = walker.sender.send(Err(error)).await;
            }
        });
    }

    async fn walk(&self, prefix: &str) -> Result<(), ListingError> {
        let shared = &self.shared;
        let by_folder = shared.folders.fetch_add(1, Ordering::Relaxed) < FOLDERS_MIN;
        let mut marker = Some(PageMarker::default());
        while let Some(from) = marker.take() {
            let listed = {
                let _turn = shared.lists.acquire().await;
                shared.list(prefix, by_folder, from).await.map_err(|error| shared.at("", error))?
            };
            marker = listed.next;
            listed.folders.into_iter().for_each(|folder| self.spawn(folder));
            let page = self.page(listed.found).await?;
            if self.sender.send(Ok(page)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Makes rows of objects; asks about each where that is needed.
    async fn page(&self, found: Vec<ListedObject>) -> Result<Page, ListingError> {
        let mut page = Page { seen: found.len() as u64, ..Page::default() };
        let asks = self.shared.columns.iter().any(|column| ASKED.contains(column));
        let wanted = found.into_iter().filter(|found| self.shared.is_wanted(found));
        let mut rows = Vec::new();
        for found in wanted {
            let shared = Arc::clone(&self.shared);
            let ask = asks && !found.is_delete_marker;
            page.asked += u64::from(ask);
            rows.push(self.handle.spawn(async move {
                let answer =
                    if ask { shared.ask(&found).await? } else { Some(HeadFields::default()) };
                Ok(answer.map(|asked| shared.row(found, &asked)))
            }));
        }
        for row in rows {
            let row: Result<Option<ListingRow>, ListingError> = match row.await {
                Ok(row) => row,
                Err(error) => Err(self.shared.at("", AwsError::broken("list it", &error))),
            };
            page.rows.extend(row?);
        }
        Ok(page)
    }
}

/// What only a request of its own tells.
#[derive(Default)]
struct HeadFields {
    encryption: &'static str,
    bucket_key: &'static str,
    replication: String,
    lock_mode: String,
    lock_until: String,
    legal_hold: String,
}

impl WalkState {
    fn at(&self, key: &str, error: AwsError) -> ListingError {
        // Only a name to show; no request goes by it.
        let at = Location::from(format!("s3://{}/{key}", self.bucket).as_str());
        ListingError::Aws { at, error }
    }

    async fn list(
        &self,
        prefix: &str,
        by_folder: bool,
        from: PageMarker,
    ) -> Result<ListPage, AwsError> {
        let delimiter = by_folder.then(|| "/".to_owned());
        if self.versions {
            return self.list_versions(prefix, delimiter, from).await;
        }
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_delimiter(delimiter)
            .set_continuation_token(from.key)
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.payer.clone());
        let answer = request.send().await.map_err(|error| AwsError::new("list it", &error))?;
        let more = answer.is_truncated.unwrap_or_default();
        let next = answer.next_continuation_token.filter(|_| more);
        let names = Names::of(answer.encoding_type.as_ref());
        let found = answer.contents.unwrap_or_default().into_iter().map(|object| ListedObject {
            key: names.decoded(object.key.unwrap_or_default()),
            is_latest: true,
            size: object.size,
            modified: object.last_modified,
            etag: object.e_tag,
            storage_class: object.storage_class.map(|class| class.as_str().to_owned()),
            checksums: object.checksum_algorithm.unwrap_or_default(),
            ..ListedObject::default()
        });
        let folders = answer.common_prefixes.unwrap_or_default().into_iter();
        Ok(ListPage {
            found: found.collect(),
            folders: folders.filter_map(|folder| folder.prefix.map(|p| names.decoded(p))).collect(),
            next: next.map(|key| PageMarker { key: Some(key), version: None }),
        })
    }

    async fn list_versions(
        &self,
        prefix: &str,
        delimiter: Option<String>,
        from: PageMarker,
    ) -> Result<ListPage, AwsError> {
        let request = self
            .client
            .list_object_versions()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_delimiter(delimiter)
            .set_key_marker(from.key)
            .set_version_id_marker(from.version)
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.payer.clone());
        let answer = request.send().await.map_err(|error| AwsError::new("list it", &error))?;
        let more = answer.is_truncated.unwrap_or_default();
        let names = Names::of(answer.encoding_type.as_ref());
        let key = answer.next_key_marker.map(|key| names.decoded(key));
        let next = PageMarker { key, version: answer.next_version_id_marker };
        let versions =
            answer.versions.unwrap_or_default().into_iter().map(|version| ListedObject {
                key: names.decoded(version.key.unwrap_or_default()),
                version: version.version_id,
                is_latest: version.is_latest.unwrap_or_default(),
                size: version.size,
                modified: version.last_modified,
                etag: version.e_tag,
                storage_class: version.storage_class.map(|class| class.as_str().to_owned()),
                checksums: version.checksum_algorithm.unwrap_or_default(),
                ..ListedObject::default()
            });
        let markers =
            answer.delete_markers.unwrap_or_default().into_iter().map(|marker| ListedObject {
                key: names.decoded(marker.key.unwrap_or_default()),
                version: marker.version_id,
                is_latest: marker.is_latest.unwrap_or_default(),
                is_delete_marker: true,
                modified: marker.last_modified,
                ..ListedObject::default()
            });
        let folders = answer.common_prefixes.unwrap_or_default().into_iter();
        Ok(ListPage {
            found: versions.chain(markers).collect(),
            folders: folders.filter_map(|folder| folder.prefix.map(|p| names.decoded(p))).collect(),
            next: more.then_some(next).filter(|next| next.key.is_some()),
        })
    }

    fn is_wanted(&self, found: &ListedObject) -> bool {
        let Some(newer_than) = self.newer_than else { return true };
        found.modified.as_ref().is_none_or(|modified| modified.secs() > newer_than.as_second())
    }

    /// What a request of its own tells of an object; `None` if it is gone.
    async fn ask(&self, found: &ListedObject) -> Result<Option<HeadFields>, ListingError> {
        let _turn = self.asks.acquire().await;
        let request = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(&found.key)
            .set_version_id(found.version.clone())
            .set_request_payer(self.payer.clone());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let status = error.raw_response().map(|raw| raw.status().as_u16());
                let error = AwsError::new("ask about it", &error);
                return match error.kind {
                    AwsErrorKind::NoSuchKey => Ok(None),
                    // Whoever has no key of an object encrypted with one learns nothing of it.
                    _ if status == Some(400) => {
                        Ok(Some(HeadFields { encryption: "SSE-C", ..HeadFields::default() }))
                    }
                    _ => Err(self.at(&found.key, error)),
                };
            }
        };
        let encryption = match &answer.server_side_encryption {
            None if answer.sse_customer_algorithm.is_some() => "SSE-C",
            None => "NOT-SSE",
            Some(ServerSideEncryption::AwsKms) => "SSE-KMS",
            Some(ServerSideEncryption::AwsKmsDsse) => "DSSE-KMS",
            Some(_) => "SSE-S3",
        };
        let enabled = answer.bucket_key_enabled.unwrap_or_default();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Some(HeadFields {
            encryption,
            bucket_key: if enabled { "ENABLED" } else { "DISABLED" },
            replication: text(answer.replication_status.as_ref().map(|status| status.as_str())),
            lock_mode: text(answer.object_lock_mode.as_ref().map(|mode| mode.as_str())),
            lock_until: date(answer.object_lock_retain_until_date.as_ref()),
            legal_hold: text(answer.object_lock_legal_hold_status.as_ref().map(|s| s.as_str())),
        }))
    }

    fn row(&self, found: ListedObject, asked: &HeadFields) -> ListingRow {
        debug_assert!(OF_VERSIONS.len() == 3 && ASKED.len() == 6);
        let etag = found.etag.as_deref().unwrap_or_default().trim_matches('"');
        let field = |column: &&'static str| match *column {
            // What was written before the bucket had versions has an empty one in reports.
            "VersionId" => found.version.clone().filter(|id| id != "null").unwrap_or_default(),
            "IsLatest" => found.is_latest.to_string(),
            "IsDeleteMarker" => found.is_delete_marker.to_string(),
            "LastModifiedDate" => date(found.modified.as_ref()),
            _ if found.is_delete_marker => String::new(),
            "Size" => found.size.map(|size| size.to_string()).unwrap_or_default(),
            "ETag" => etag.to_owned(),
            "StorageClass" => found.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned()),
            "IsMultipartUploaded" => etag.contains('-').to_string(),
            "ChecksumAlgorithm" => {
                found.checksums.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(",")
            }
            "EncryptionStatus" => asked.encryption.to_owned(),
            "BucketKeyStatus" => asked.bucket_key.to_owned(),
            "ReplicationStatus" => asked.replication.clone(),
            "ObjectLockMode" => asked.lock_mode.clone(),
            "ObjectLockRetainUntilDate" => asked.lock_until.clone(),
            "ObjectLockLegalHoldStatus" => asked.legal_hold.clone(),
            _ => String::new(),
        };
        let fields = self.columns.iter().map(field).collect();
        ListingRow { key: found.key, fields }
    }
}

/// A time as inventories write it, with milliseconds; empty if there is none.
fn date(time: Option<&DateTime>) -> String {
    let time = time.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
    let time = time.and_then(|text| text.parse::<Timestamp>().ok());
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()).unwrap_or_default()
}
