//! The rows of a synthetic report, as S3 writes them: every field quoted, empty ones too, LF.
//!
//! Values that depend on each other do so here: large objects are multipart and their `ETag`
//! says so, only SSE-KMS objects have a Bucket Key, only objects of one storage class have a
//! tier, and a delete marker has nothing but its names, its date and a DISABLED Bucket Key.
//!
//! Never knows about files, or about compression.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::draw::{DrawSource, Probability, WeightedChoice, quoted};
use super::error::SynthError;
use super::options::Synth;
use crate::report::{Schema, known_column, known_columns};
use crate::values::encode_key;

/// The longest key of an S3 object, in bytes.
const KEY_BYTES_MAX: usize = crate::report::KEY_BYTES_MAX;

/// How many rows in sequence lie in one folder: S3 lists a bucket's keys in order, piece by piece.
const FOLDER_ROWS: u64 = 400;

/// Objects of this size and more were uploaded in parts, of 8 MiB each.
pub(super) const MULTIPART_BYTES: u64 = 16 << 20;
const PART_BYTES: u64 = 8 << 20;

/// Sizes are spread evenly over the powers of two below this one: 1 byte to 64 GiB.
const SIZE_POWERS: u64 = 36;

/// Objects were last modified in the five years before the report.
const AGE_SECONDS_MAX: u64 = 5 * 365 * 86_400;

/// Dates in the future lie in the year after the report.
const TERM_SECONDS_MAX: u64 = 365 * 86_400;

const EMPTY: &[u8] = b"\"\"";
const ENABLED: &[u8] = b"\"ENABLED\"";
const DISABLED: &[u8] = b"\"DISABLED\"";
const TIERED: &[u8] = b"\"INTELLIGENT_TIERING\"";

/// One owner for all objects, and its full control as S3 writes access control lists: Base64 of
/// JSON.
const OWNER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ACL: &str = "eyJ2ZXJzaW9uIjoiMjAyMi0xMS0xMCIsInN0YXR1cyI6IkFWQUlMQUJMRSIsImdyYW50cy\
                   I6W3siY2Fub25pY2FsSWQiOiIwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAx\
                   MjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmIiwidHlwZSI6IkNhbm9uaWNhbFVzZX\
                   IiLCJwZXJtaXNzaW9uIjoiRlVMTF9DT05UUk9MIn1dfQ==";

/// Where a column's value comes from.
#[derive(Debug)]
enum ValueSource {
    Bucket,
    Key,
    VersionId,
    IsDeleteMarker,
    Size,
    LastModifiedDate,
    ETag,
    IsMultipartUploaded,
    EncryptionStatus(WeightedChoice),
    BucketKeyStatus,
    StorageClass,
    ObjectLockMode,
    ObjectLockRetainUntilDate,
    IntelligentTieringAccessTier(WeightedChoice),
    IntelligentTieringReferenceDate,
    LifecycleExpirationDate(Probability),
    /// Drawn without regard to the rest of the row; a delete marker has none.
    Chosen(WeightedChoice),
    /// Drawn for delete markers too.
    Always(WeightedChoice),
}

/// Columns whose values are drawn without regard to the rest of the row, with S3's spellings.
const CHOSEN: [(&str, &[(&str, f64)]); 6] = [
    (
        "ReplicationStatus",
        &[("", 80.0), ("COMPLETED", 15.0), ("REPLICA", 3.0), ("PENDING", 1.0), ("FAILED", 1.0)],
    ),
    ("ObjectLockLegalHoldStatus", &[("", 98.0), ("Off", 1.0), ("On", 1.0)]),
    ("ObjectLockEventHoldStatus", &[("", 99.0), ("ON", 1.0)]),
    ("ChecksumAlgorithm", &[("", 50.0), ("CRC64NVME", 30.0), ("SHA256", 10.0), ("CRC32", 10.0)]),
    ("ObjectAccessControlList", &[(ACL, 1.0)]),
    ("ObjectOwner", &[(OWNER, 1.0)]),
];

/// All columns that rows can have without being given values, in the order of S3's own reports.
pub(crate) fn columns() -> impl Iterator<Item = &'static str> {
    known_columns().filter(|name| *name != "ObjectLockEventHoldDuration")
}

/// Columns that other columns depend on, and the weights of their values.
const BUCKET_KEYS: [(&str, f64); 2] = [("DISABLED", 30.0), ("ENABLED", 70.0)];
const CLASSES: [(&str, f64); 6] = [
    ("STANDARD", 60.0),
    ("STANDARD_IA", 15.0),
    ("INTELLIGENT_TIERING", 12.0),
    ("GLACIER_IR", 5.0),
    ("GLACIER", 5.0),
    ("DEEP_ARCHIVE", 3.0),
];
const LOCKS: [(&str, f64); 3] = [("", 95.0), ("GOVERNANCE", 3.0), ("COMPLIANCE", 2.0)];

/// How an object without a Bucket Key is encrypted; one with a Bucket Key is SSE-KMS.
const WITHOUT_BUCKET_KEY: [(&str, f64); 5] =
    [("SSE-KMS", 60.0), ("SSE-S3", 34.0), ("DSSE-KMS", 2.0), ("SSE-C", 2.0), ("NOT-SSE", 2.0)];

/// Tiers of objects in `INTELLIGENT_TIERING`.
const TIERS: [(&str, f64); 3] =
    [("FREQUENT", 50.0), ("INFREQUENT", 30.0), ("ARCHIVE_INSTANT_ACCESS", 20.0)];

/// Keys are unique here, so most versions are the latest of theirs.
const LATEST: [(&str, f64); 2] = [("true", 85.0), ("false", 15.0)];

/// Share of objects that a lifecycle rule will remove.
const EXPIRING_SHARE: f64 = 0.05;

/// Columns that have an option of their own, and its name.
const OWN_OPTION: [(&str, &str); 3] = [
    ("Key", "odd_key_share"),
    ("VersionId", "null_version_share"),
    ("IsDeleteMarker", "delete_marker_share"),
];

/// A [`Synth`] made ready: what a row needs, looked up and checked once.
#[derive(Debug)]
pub(super) struct RowRecipe {
    makers: Vec<ValueSource>,
    /// The bucket's name, quoted.
    bucket: Vec<u8>,
    bucket_keys: WeightedChoice,
    classes: WeightedChoice,
    locks: WeightedChoice,
    delete_markers: Probability,
    null_versions: Probability,
    odd_keys: Probability,
    /// Rows are padded to this length, LF included.
    row_bytes: usize,
    /// Seconds since 1970.
    created: i64,
    seed: u64,
}

impl RowRecipe {
    /// Checks the options that rows depend on.
    pub(super) fn new(synth: &Synth, row_bytes: usize) -> Result<Self, SynthError> {
        let schema = checked_columns(&synth.columns)?;
        for (column, _) in &synth.shares {
            if schema.position(column).is_none() {
                return Err(SynthError::option("shares", format!("no column {column:?}")));
            }
            let known = Schema::from_names([column.as_str()]);
            for (name, option) in OWN_OPTION {
                if known.position(name).is_some() {
                    let fault = format!("{name} has an option of its own, {option}");
                    return Err(SynthError::option("shares", fault));
                }
            }
        }
        let share = |name, share| {
            Probability::new(share)
                .ok_or_else(|| SynthError::option(name, format!("{share} is not from 0 to 1")))
        };
        let versioned = schema.position("IsDeleteMarker").is_some();
        let delete_markers = share("delete_marker_share", synth.delete_marker_share)?;
        Ok(Self {
            makers: synth
                .columns
                .iter()
                .map(|name| maker(synth, name))
                .collect::<Result<_, _>>()?,
            bucket: quoted(synth.bucket.as_bytes()),
            bucket_keys: choice_for(synth, "BucketKeyStatus", &BUCKET_KEYS)?,
            classes: choice_for(synth, "StorageClass", &CLASSES)?,
            locks: choice_for(synth, "ObjectLockMode", &LOCKS)?,
            // A report that can't tell them apart has none.
            delete_markers: if versioned { delete_markers } else { share("", 0.0)? },
            null_versions: share("null_version_share", synth.null_version_share)?,
            odd_keys: share("odd_key_share", synth.odd_key_share)?,
            row_bytes,
            created: synth.created.as_second(),
            seed: synth.seed,
        })
    }
}

/// The columns as a schema: named so that fileSchema can list them, Bucket and Key among them,
/// none twice.
fn checked_columns(columns: &[String]) -> Result<Schema, SynthError> {
    let error = |fault: String| Err(SynthError::option("columns", fault));
    let schema = Schema::from_names(columns);
    for (place, name) in columns.iter().enumerate() {
        if name.is_empty() || name.trim() != name || name.contains([',', '"', '\n', '\r']) {
            return error(format!("{name:?} can't be the name of a column"));
        }
        if schema.position(name) != Some(place) {
            return error(format!("{name} is listed twice"));
        }
    }
    for name in ["Bucket", "Key"] {
        if schema.position(name).is_none() {
            return error(format!("{name} is missing; every report has it"));
        }
    }
    Ok(schema)
}

/// The weights the user gave for a column, if any.
fn shares_of<'a>(synth: &'a Synth, column: &str) -> Option<&'a [(String, f64)]> {
    let known = Schema::from_names([column]);
    let (_, shares) = synth.shares.iter().find(|(name, _)| known.position(name).is_some())?;
    Some(shares)
}

/// The user's weights for a column, or else the given ones.
fn choice_for(
    synth: &Synth,
    column: &str,
    otherwise: &[(&str, f64)],
) -> Result<WeightedChoice, SynthError> {
    shares_of(synth, column)
        .map_or_else(|| WeightedChoice::new(otherwise), WeightedChoice::new)
        .ok_or_else(|| {
            let fault = format!("{column}: needs weights of 0 and more, and one above 0");
            SynthError::option("shares", fault)
        })
}

/// How the values of a column are made.
fn maker(synth: &Synth, name: &str) -> Result<ValueSource, SynthError> {
    let known = known_column(name);
    // These are drawn with the user's weights already, before the columns that depend on them.
    match known {
        Some("BucketKeyStatus") => return Ok(ValueSource::BucketKeyStatus),
        Some("StorageClass") => return Ok(ValueSource::StorageClass),
        Some("ObjectLockMode") => return Ok(ValueSource::ObjectLockMode),
        Some("IsLatest") => return choice_for(synth, name, &LATEST).map(ValueSource::Always),
        Some("Bucket") if shares_of(synth, name).is_some() => {
            return choice_for(synth, name, &[]).map(ValueSource::Always);
        }
        _ => {}
    }
    if shares_of(synth, name).is_some() {
        return choice_for(synth, name, &[]).map(ValueSource::Chosen);
    }
    if let Some((_, usual)) = CHOSEN.iter().find(|(chosen, _)| known == Some(*chosen)) {
        return choice_for(synth, name, usual).map(ValueSource::Chosen);
    }
    Ok(match known {
        Some("Bucket") => ValueSource::Bucket,
        Some("Key") => ValueSource::Key,
        Some("VersionId") => ValueSource::VersionId,
        Some("IsDeleteMarker") => ValueSource::IsDeleteMarker,
        Some("Size") => ValueSource::Size,
        Some("LastModifiedDate") => ValueSource::LastModifiedDate,
        Some("ETag") => ValueSource::ETag,
        Some("IsMultipartUploaded") => ValueSource::IsMultipartUploaded,
        Some("EncryptionStatus") => {
            ValueSource::EncryptionStatus(choice_for(synth, name, &WITHOUT_BUCKET_KEY)?)
        }
        Some("ObjectLockRetainUntilDate") => ValueSource::ObjectLockRetainUntilDate,
        Some("IntelligentTieringAccessTier") => {
            ValueSource::IntelligentTieringAccessTier(choice_for(synth, name, &TIERS)?)
        }
        Some("IntelligentTieringReferenceDate") => ValueSource::IntelligentTieringReferenceDate,
        Some("LifecycleExpirationDate") => Probability::new(EXPIRING_SHARE)
            .map(ValueSource::LifecycleExpirationDate)
            .ok_or_else(|| SynthError::option("columns", name.to_owned()))?,
        _ => {
            let fault = format!("nothing is known of {name}: give its values in shares");
            return Err(SynthError::option("columns", fault));
        }
    })
}

/// What is drawn once for a row, because several columns depend on it.
struct ObjectDraw<'a> {
    delete_marker: bool,
    size: u64,
    bucket_key: &'a [u8],
    class: &'a [u8],
    lock: &'a [u8],
}

/// Makes the rows of one file, one after another.
pub(super) struct RowMaker<'a> {
    recipe: &'a RowRecipe,
    lots: DrawSource,
    /// The leading folders of the keys now being made, with the final slash.
    folder: Vec<u8>,
    /// The ending of their names.
    ending: &'static str,
    /// How many rows are still to come before the folder changes.
    folder_rows: u64,
    /// A key before it is encoded; kept for its memory.
    key: Vec<u8>,
}

impl<'a> RowMaker<'a> {
    /// The rows of the file with this index.
    pub(super) fn new(recipe: &'a RowRecipe, file: u64) -> Self {
        Self {
            recipe,
            lots: DrawSource::new(recipe.seed, file, 0),
            folder: Vec::new(),
            ending: "",
            folder_rows: 0,
            key: Vec::new(),
        }
    }

    /// Appends the row with this number; the number is in the key and makes it unique.
    pub(super) fn push(&mut self, number: u64, out: &mut Vec<u8>) {
        let recipe = self.recipe;
        let lots = &mut self.lots;
        let power = lots.below(SIZE_POWERS);
        let object = ObjectDraw {
            delete_marker: lots.hit(recipe.delete_markers),
            size: (1 << power) + lots.below(1 << power),
            bucket_key: recipe.bucket_keys.draw(lots),
            class: recipe.classes.draw(lots),
            lock: recipe.locks.draw(lots),
        };
        let start = out.len();
        let mut ending_start = start;
        for maker in &recipe.makers {
            match maker {
                ValueSource::Key => {
                    self.push_key(number, out);
                    // The ending and the quote stand as they are: neither is ever encoded.
                    ending_start = out.len() - 1 - self.ending.len();
                }
                _ if object.delete_marker => self.push_of_delete_marker(maker, out),
                _ => self.push_of_object(maker, &object, out),
            }
            out.push(b',');
        }
        // The comma after the last field becomes the end of the line.
        if let Some(last) = out.last_mut() {
            *last = b'\n';
        }
        self.pad(start, ending_start, out);
    }

    /// Lengthens the key at a place until the row is as long as wanted, or the key as long as it
    /// may be.
    fn pad(&self, row_start: usize, place: usize, out: &mut Vec<u8>) {
        let lacking = self.recipe.row_bytes.saturating_sub(out.len() - row_start);
        let room = KEY_BYTES_MAX.saturating_sub(self.key.len());
        if lacking > 0 {
            let padding = b"-padded-to-length".iter().copied().cycle().take(lacking.min(room));
            out.splice(place..place, padding);
        }
    }

    fn push_key(&mut self, number: u64, out: &mut Vec<u8>) {
        if self.folder_rows == 0 {
            self.next_folder();
            self.folder_rows = FOLDER_ROWS;
        }
        self.folder_rows -= 1;
        self.key.clear();
        self.key.extend_from_slice(&self.folder);
        if self.lots.hit(self.recipe.odd_keys) {
            self.key.extend_from_slice(self.lots.one_of(&ODD_NAMES).as_bytes());
            self.key.push(b'/');
        }
        self.key.extend_from_slice(b"part-");
        push_number(number, 10, &mut self.key);
        self.key.push(b'-');
        push_hex(self.lots.number(), 16, &mut self.key);
        push_hex(self.lots.number(), HASH_DIGITS - 16, &mut self.key);
        self.key.extend_from_slice(self.ending.as_bytes());
        out.push(b'"');
        encode_key(&self.key, out);
        out.push(b'"');
    }

    fn next_folder(&mut self) {
        let lots = &mut self.lots;
        self.folder.clear();
        for names in [&AREAS[..], &TEAMS[..], &SETS[..]] {
            self.folder.extend_from_slice(lots.one_of(names).as_bytes());
            self.folder.push(b'/');
        }
        self.folder.extend_from_slice(b"dt=");
        for (bound, first, digits, mark) in [(6, 2020, 4, b'-'), (12, 1, 2, b'-'), (28, 1, 2, b'/')]
        {
            push_number(first + lots.below(bound), digits, &mut self.folder);
            self.folder.push(mark);
        }
        self.ending = lots.one_of(&ENDINGS);
    }

    fn push_of_delete_marker(&mut self, maker: &ValueSource, out: &mut Vec<u8>) {
        match maker {
            ValueSource::Bucket => out.extend_from_slice(&self.recipe.bucket),
            ValueSource::VersionId => self.push_version_id(out),
            ValueSource::IsDeleteMarker => out.extend_from_slice(b"\"true\""),
            ValueSource::LastModifiedDate => self.push_past_date(out),
            ValueSource::BucketKeyStatus => out.extend_from_slice(DISABLED),
            ValueSource::Always(choice) => out.extend_from_slice(choice.draw(&mut self.lots)),
            _ => out.extend_from_slice(EMPTY),
        }
    }

    fn push_of_object(&mut self, maker: &ValueSource, object: &ObjectDraw<'_>, out: &mut Vec<u8>) {
        let tiered = object.class == TIERED;
        match maker {
            ValueSource::Bucket => out.extend_from_slice(&self.recipe.bucket),
            ValueSource::Key => {}
            ValueSource::VersionId => self.push_version_id(out),
            ValueSource::IsDeleteMarker => out.extend_from_slice(b"\"false\""),
            ValueSource::Size => {
                out.push(b'"');
                push_number(object.size, 1, out);
                out.push(b'"');
            }
            ValueSource::LastModifiedDate => self.push_past_date(out),
            ValueSource::ETag => self.push_etag(object.size, out),
            ValueSource::IsMultipartUploaded => {
                let multipart = object.size >= MULTIPART_BYTES;
                out.extend_from_slice(if multipart { b"\"true\"" } else { b"\"false\"" });
            }
            ValueSource::EncryptionStatus(choice) if object.bucket_key == ENABLED => {
                // Drawn all the same, so that other shares of bucket keys give the same objects.
                choice.draw(&mut self.lots);
                out.extend_from_slice(b"\"SSE-KMS\"");
            }
            ValueSource::BucketKeyStatus => out.extend_from_slice(object.bucket_key),
            ValueSource::StorageClass => out.extend_from_slice(object.class),
            ValueSource::ObjectLockMode => out.extend_from_slice(object.lock),
            ValueSource::ObjectLockRetainUntilDate if object.lock != EMPTY => {
                self.push_future_date(out);
            }
            ValueSource::IntelligentTieringAccessTier(tiers) if tiered => {
                out.extend_from_slice(tiers.draw(&mut self.lots));
            }
            ValueSource::IntelligentTieringReferenceDate if tiered => self.push_past_date(out),
            ValueSource::LifecycleExpirationDate(share) if self.lots.hit(*share) => {
                self.push_future_date(out);
            }
            ValueSource::Chosen(choice)
            | ValueSource::Always(choice)
            | ValueSource::EncryptionStatus(choice) => {
                out.extend_from_slice(choice.draw(&mut self.lots));
            }
            ValueSource::ObjectLockRetainUntilDate
            | ValueSource::IntelligentTieringAccessTier(_)
            | ValueSource::IntelligentTieringReferenceDate
            | ValueSource::LifecycleExpirationDate(_) => out.extend_from_slice(EMPTY),
        }
    }

    /// 32 characters of the 64 that S3 uses, or nothing for a null version.
    fn push_version_id(&mut self, out: &mut Vec<u8>) {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
        out.push(b'"');
        if !self.lots.hit(self.recipe.null_versions) {
            // Ten characters of six bits from each number, but two from the last.
            for count in [10, 10, 10, 2] {
                let mut bits = self.lots.number();
                for _ in 0..count {
                    out.push(ALPHABET[(bits & 63) as usize]);
                    bits >>= 6;
                }
            }
        }
        out.push(b'"');
    }

    fn push_etag(&mut self, size: u64, out: &mut Vec<u8>) {
        out.push(b'"');
        push_hex(self.lots.number(), 16, out);
        push_hex(self.lots.number(), 16, out);
        if size >= MULTIPART_BYTES {
            out.push(b'-');
            push_number(size.div_ceil(PART_BYTES), 1, out);
        }
        out.push(b'"');
    }

    fn push_past_date(&mut self, out: &mut Vec<u8>) {
        let age = self.lots.below(AGE_SECONDS_MAX) as i64;
        push_date(self.recipe.created.saturating_sub(age), out);
    }

    fn push_future_date(&mut self, out: &mut Vec<u8>) {
        let term = self.lots.below(TERM_SECONDS_MAX) as i64;
        push_date(self.recipe.created.saturating_add(term), out);
    }
}

/// How many random digits a key has: with them a row compresses as real ones do.
const HASH_DIGITS: usize = 28;

const _: () = assert!(HASH_DIGITS >= 16 && HASH_DIGITS <= 32);

const AREAS: [&str; 4] = ["datalake", "warehouse", "archive", "media"];
const TEAMS: [&str; 8] = [
    "clickstream",
    "telemetry",
    "billing",
    "imaging",
    "genomics",
    "search",
    "payments",
    "logistics",
];
const SETS: [&str; 8] =
    ["raw", "curated", "events", "sessions", "snapshots", "exports", "thumbnails", "daily"];
const ENDINGS: [&str; 5] = [".c000.snappy.parquet", ".json.gz", ".avro", ".orc", ".jpg"];

/// Folder names that only come through encoding unharmed, or that look encoded already.
const ODD_NAMES: [&str; 10] = [
    "My Photos (final)",
    "a+b=c",
    "100% sure",
    "%41%2F",
    "~home",
    "café",
    "日本語",
    "quote\"and,comma",
    "line\nbreak",
    "null",
];

/// Appends a number in decimal with at least this many digits.
fn push_number(mut number: u64, digits_min: usize, out: &mut Vec<u8>) {
    // A u64 has at most 20 digits.
    let mut digits = [b'0'; 20];
    let mut place = digits.len();
    while number > 0 || digits.len() - place < digits_min.min(digits.len()) {
        place -= 1;
        digits[place] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[place..]);
}

/// Appends the lowest hexadecimal digits of a number: this many, 16 at most.
fn push_hex(number: u64, digits: usize, out: &mut Vec<u8>) {
    for place in (0..digits.min(16)).rev() {
        out.push(b"0123456789abcdef"[(number >> (4 * place) & 15) as usize]);
    }
}

/// Appends a quoted instant as S3 writes it: `"2026-01-31T23:59:59.000Z"`.
fn push_date(seconds: i64, out: &mut Vec<u8>) {
    let instant = Timestamp::from_second(seconds).unwrap_or_default();
    let date = Offset::UTC.to_datetime(instant);
    out.push(b'"');
    let number = |value: i16| u64::from(value.unsigned_abs());
    let parts = [
        (number(date.year()), 4, b'-'),
        (number(date.month().into()), 2, b'-'),
        (number(date.day().into()), 2, b'T'),
        (number(date.hour().into()), 2, b':'),
        (number(date.minute().into()), 2, b':'),
        (number(date.second().into()), 2, b'.'),
    ];
    for (value, digits, mark) in parts {
        push_number(value, digits, out);
        out.push(mark);
    }
    out.extend_from_slice(b"000Z\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_written_out() {
        let mut out = Vec::new();
        for (number, digits) in [(0, 1), (7, 3), (u64::MAX, 1), (123, 2)] {
            push_number(number, digits, &mut out);
            out.push(b' ');
        }
        push_hex(0xabc, 4, &mut out);
        push_date(1_767_225_599, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "0 007 18446744073709551615 123 0abc\"2025-12-31T23:59:59.000Z\""
        );
    }

    #[test]
    fn padded_rows_have_the_wanted_length_until_the_key_is_full() {
        let synth = Synth::default();
        for (wanted, exact) in [(300, true), (900, true), (4_000, false)] {
            let recipe = RowRecipe::new(&synth, wanted).unwrap();
            let mut rows = RowMaker::new(&recipe, 0);
            for number in 0..500 {
                let mut out = Vec::new();
                rows.push(number, &mut out);
                assert_eq!(out.len() == wanted, exact, "{}", out.len());
                assert!(out.len() <= wanted && out.ends_with(b"\"\n"));
            }
        }
    }
}
