//! `manifest.json` and the checksum beside it (S3 User Guide, "Inventory manifest").
//!
//! Never knows where the data files lie on this disk, or what is in them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::Read;

use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::excerpt;
use super::file_format::FileFormat;
use super::{ReportError, Schema, schema_text};
use crate::hex;
use crate::source::Location;

/// The largest manifest that is read, in bytes.
///
/// S3 puts about 3 million rows into a data file, so a report of 100 billion objects lists some
/// 33,000 of them. The bound leaves room for 100,000 entries with keys of the greatest length S3
/// allows (1,024 bytes); with common keys an entry takes 200 bytes.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 128 << 20;

const _: () = assert!(MANIFEST_BYTES_MAX >= 100_000 * (1_024 + 200));

/// The most of a checksum file that is read, in bytes: 32 digits and white space, with room.
const CHECKSUM_BYTES_MAX: u64 = 1_024;

/// The longest bucket name, in bytes: 63 today, 255 for old buckets in us-east-1.
const BUCKET_BYTES_MAX: usize = 255;

/// The longest version of a manifest's format, in bytes. S3's have 10.
const VERSION_BYTES_MAX: usize = 1 << 10;

/// One data file as the manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// The key in the destination bucket, as it is spelled in the manifest.
    pub key: String,
    /// Length of the file as delivered (compressed), in bytes.
    pub bytes: u64,
    /// MD5 of the file as delivered, if the manifest gives one.
    pub md5: Option<[u8; 16]>,
}

/// Whether the manifest was checked against the MD5 that S3 delivers with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumState {
    /// The checksum file lies beside the manifest, and its MD5 is the manifest's.
    Matched,
    /// There is no checksum file beside the manifest.
    Absent,
}

/// One inventory report: what its `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where the manifest was read from.
    pub manifest_path: Location,
    /// The bucket the report is about.
    pub source_bucket: String,
    /// The bucket the report was delivered to; the bare name, also if the manifest has an ARN.
    pub destination_bucket: String,
    /// The partition of AWS that the destination's ARN names; `aws` where it is a bare name.
    pub partition: String,
    /// Version of the manifest's format, such as `2016-11-30`; empty if not given.
    pub version: String,
    /// When S3 began the report, if given.
    pub created: Option<Timestamp>,
    /// How the data files are written.
    pub format: FileFormat,
    /// The columns of every row; never empty, always with Bucket and Key.
    pub schema: Schema,
    /// The data files in the manifest's order, each once. None for an empty bucket.
    pub files: Vec<DataFile>,
    /// MD5 of the manifest's bytes.
    pub manifest_md5: [u8; 16],
    /// Whether that MD5 was checked.
    pub checksum: ChecksumState,
}

impl Report {
    /// Reads a manifest of any name, and checks it if its checksum file lies beside it: the file
    /// of the same name with the ending `.checksum`.
    ///
    /// # Errors
    /// When a file can't be read, the checksum does not match, or the manifest is none.
    pub fn read(manifest_path: impl Into<Location>) -> Result<Self, ReportError> {
        ManifestBytes::read(&manifest_path.into())?.parse()
    }

    /// Takes the bytes of a manifest for a report; `path` is only used to name it.
    ///
    /// Touches no file. Fields that are not known are passed over, and so is a byte order mark.
    ///
    /// # Errors
    /// When the bytes are not a manifest, or one of its values can't be used.
    pub fn parse(bytes: &[u8], path: impl Into<Location>) -> Result<Self, ReportError> {
        Self::parsed(bytes, Md5::digest(bytes).into(), &path.into())
    }

    fn parsed(bytes: &[u8], manifest_md5: [u8; 16], path: &Location) -> Result<Self, ReportError> {
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let raw: RawManifest = serde_json::from_slice(json).map_err(|error| {
            something_else(json, path).unwrap_or_else(|| ReportError::Json {
                path: path.clone(),
                line: error.line(),
                column: error.column(),
                fault: if error.is_eof() {
                    "the text ends in the middle".to_owned()
                } else {
                    fault_alone(&error)
                },
            })
        })?;
        let field = |field: &str, fault: String| ReportError::Field {
            path: path.clone(),
            field: field.to_owned(),
            fault,
        };
        let format = file_format(&raw.file_format).map_err(|f| field("fileFormat", f))?;
        let schema = schema_text::parse(format, &raw.file_schema)
            .map_err(|fault| field("fileSchema", fault.to_string()))?;
        let source_bucket =
            bucket_name(&raw.source_bucket).map_err(|f| field("sourceBucket", f))?;
        let destination_bucket =
            bucket_name(&raw.destination_bucket).map_err(|f| field("destinationBucket", f))?;
        let created =
            creation(raw.creation_timestamp).map_err(|f| field("creationTimestamp", f))?;
        if raw.version.len() > VERSION_BYTES_MAX {
            let fault = format!("{:?} is longer than any version is", excerpt(&raw.version));
            return Err(field("version", fault));
        }
        let data_file = |(place, file): (usize, RawFile)| {
            file.checked().map_err(|(name, fault)| field(&format!("files[{place}].{name}"), fault))
        };
        let files =
            raw.files.into_iter().enumerate().map(data_file).collect::<Result<Vec<_>, _>>()?;
        if let Some((place, first)) = listed_twice(&files) {
            let key = excerpt(&files[place].key);
            let fault = format!(
                "{key:?} is listed twice (files[{first}] is the same file), so each of its rows \
                 would stand twice; S3 wrote no such manifest"
            );
            return Err(field(&format!("files[{place}].key"), fault));
        }
        Ok(Self {
            manifest_path: path.clone(),
            source_bucket,
            destination_bucket,
            partition: partition(&raw.destination_bucket).to_owned(),
            version: raw.version,
            created,
            format,
            schema,
            files,
            manifest_md5,
            checksum: ChecksumState::Absent,
        })
    }

    /// Length of all data files together as the manifest gives it, in bytes.
    #[must_use]
    pub fn bytes_compressed(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }
}

/// The first file that was listed before, and where. On a disk, and in reports that lie below a
/// prefix that ends in a slash, two slashes are as good as one.
fn listed_twice(files: &[DataFile]) -> Option<(usize, usize)> {
    let mut places = HashMap::with_capacity(files.len());
    files.iter().enumerate().find_map(|(place, file)| {
        let key = file.key.as_str();
        let name = if key.starts_with('/') || key.contains("//") {
            Cow::Owned(key.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
        } else {
            Cow::Borrowed(key)
        };
        Some((place, places.insert(name, place)?))
    })
}

/// The bytes of a manifest that were read and checked, but not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestBytes {
    /// Where it lies.
    pub path: Location,
    bytes: Vec<u8>,
    md5: [u8; 16],
    checksum: ChecksumState,
}

impl ManifestBytes {
    /// Reads a manifest, and checks it as [`Report::read`] does.
    ///
    /// # Errors
    /// When a file can't be read, or the checksum does not match.
    pub(crate) fn read(path: &Location) -> Result<Self, ReportError> {
        let bytes = read_at_most(path, MANIFEST_BYTES_MAX + 1)?;
        if bytes.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(ReportError::TooLarge {
                path: path.clone(),
                bytes_max: MANIFEST_BYTES_MAX,
            });
        }
        let md5 = Md5::digest(&bytes).into();
        let checksum = verify(path, md5)?;
        Ok(Self { path: path.clone(), bytes, md5, checksum })
    }

    /// Whether its MD5 was checked.
    #[must_use]
    pub(crate) fn checksum(&self) -> ChecksumState {
        self.checksum
    }

    /// The report that it describes.
    ///
    /// # Errors
    /// Those of [`Report::parse`].
    pub(crate) fn parse(&self) -> Result<Report, ReportError> {
        let report = Report::parsed(&self.bytes, self.md5, &self.path)?;
        Ok(Report { checksum: self.checksum, ..report })
    }
}

/// The manifest as the JSON gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManifest {
    source_bucket: String,
    destination_bucket: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    creation_timestamp: Option<Number>,
    file_format: String,
    file_schema: String,
    files: Vec<RawFile>,
}

/// An entry of `files` as the JSON gives it.
#[derive(Deserialize)]
struct RawFile {
    key: String,
    size: Number,
    /// Other stores spell it otherwise: Tencent's writes `md5Checksum`.
    #[serde(
        rename = "MD5checksum",
        alias = "md5Checksum",
        alias = "MD5Checksum",
        alias = "Md5Checksum",
        alias = "md5checksum",
        alias = "md5_checksum",
        default
    )]
    md5_checksum: Option<String>,
}

impl RawFile {
    /// The entry with its values read, or the field at fault and what is wrong with it.
    fn checked(self) -> Result<DataFile, (&'static str, String)> {
        let about = |fault: String| format!("{fault} (key {:?})", excerpt(&self.key));
        let bytes = self.size.value().map_err(|fault| ("size", about(fault)))?;
        let bytes = u64::try_from(bytes)
            .map_err(|_| ("size", about(format!("{bytes} is not a length in bytes"))))?;
        let md5 = match self.md5_checksum.as_deref() {
            None => None,
            Some(text) => Some(md5_of_hex(text).ok_or_else(|| {
                let shown = excerpt(text);
                ("MD5checksum", about(format!("{shown:?} is not 32 hexadecimal digits")))
            })?),
        };
        Ok(DataFile { key: self.key, bytes, md5 })
    }
}

/// A whole number, written as a number or as a string of digits.
enum Number {
    Value(i128),
    Text(String),
}

impl Number {
    fn value(&self) -> Result<i128, String> {
        match self {
            Self::Value(value) => Ok(*value),
            Self::Text(text) => text
                .trim()
                .parse::<i64>()
                .map(i128::from)
                .or_else(|_| text.trim().parse::<u64>().map(i128::from))
                .map_err(|_| format!("{:?} is not a whole number", excerpt(text))),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a string of digits")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Number::Value(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Number::Value(value.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Number::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// What the bytes are, if they are another file of an inventory.
fn something_else(bytes: &[u8], path: &Location) -> Option<ReportError> {
    const BEGINNINGS: [(&[u8], &str); 3] =
        [(b"\x1f\x8b", "gzip"), (b"PAR1", "Parquet"), (b"ORC", "ORC")];
    if bytes.starts_with(b"s3://") {
        return Some(ReportError::SymlinkNamed(path.clone()));
    }
    let (_, format) = BEGINNINGS.into_iter().find(|(start, _)| bytes.starts_with(start))?;
    Some(ReportError::DataFileNamed { path: path.clone(), format })
}

/// What the parser said, without the place, which is told apart.
fn fault_alone(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    excerpt(text.strip_suffix(&place).unwrap_or(&text))
}

fn file_format(text: &str) -> Result<FileFormat, String> {
    [FileFormat::Csv, FileFormat::Orc, FileFormat::Parquet]
        .into_iter()
        .find(|format| format.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("{:?} is none of CSV, ORC and Parquet", excerpt(text)))
}

/// The bare name of a bucket given as a name or as an ARN of any partition. Whether reports of
/// directory buckets name them by their ARNs (`bucket/NAME`) is not documented; they are read.
fn bucket_name(text: &str) -> Result<String, String> {
    let name = if text.starts_with("arn:") {
        let mut parts = text.splitn(6, ':');
        // arn, partition, service, region, account, name
        match (parts.nth(2), parts.nth(2)) {
            (Some("s3"), Some(name)) => name,
            (Some("s3express"), Some(resource)) => {
                resource.strip_prefix("bucket/").unwrap_or(resource)
            }
            _ => return Err(format!("{:?} is not the ARN of a bucket", excerpt(text))),
        }
    } else {
        text
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let named = name.bytes().any(|b| b != b'.') && name.len() <= BUCKET_BYTES_MAX;
    if named && name.bytes().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(format!("{:?} is not the name of a bucket", excerpt(text)))
    }
}

/// The partition of a bucket given as a name or as an ARN.
fn partition(bucket: &str) -> &str {
    bucket.strip_prefix("arn:").and_then(|rest| rest.split(':').next()).unwrap_or("aws")
}

/// The instant that milliseconds since 1970 stand for; no number or an empty one is not an instant.
fn creation(number: Option<Number>) -> Result<Option<Timestamp>, String> {
    let number = match number {
        None => return Ok(None),
        Some(Number::Text(text)) if text.trim().is_empty() => return Ok(None),
        Some(number) => number,
    };
    let value = number.value()?;
    i64::try_from(value)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .map(Some)
        .ok_or_else(|| format!("{value} is out of range for milliseconds since 1970"))
}

/// The 16 bytes that 32 hexadecimal digits of either case stand for.
fn md5_of_hex(text: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let digit = |d: u8| char::from(d).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut md5 = [0; 16];
    for (byte, pair) in md5.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(md5)
}

fn read_at_most(path: &Location, bytes_max: u64) -> Result<Vec<u8>, ReportError> {
    let read = || {
        let file = path.open()?;
        let length = file.len().min(bytes_max);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| ReportError::io(path.clone(), source))
}

/// Checks a manifest's digest against the checksum file beside it, if there is one.
fn verify(manifest: &Location, found: [u8; 16]) -> Result<ChecksumState, ReportError> {
    let path = manifest.with_extension("checksum");
    if path == *manifest {
        return Ok(ChecksumState::Absent);
    }
    let text = match read_at_most(&path, CHECKSUM_BYTES_MAX) {
        Err(error) if error.is_not_found() => return Ok(ChecksumState::Absent),
        text => text?,
    };
    let text = String::from_utf8_lossy(&text);
    let text = text.trim();
    let expected = md5_of_hex(text).ok_or_else(|| ReportError::ChecksumUnreadable {
        path: path.clone(),
        text: excerpt(text),
    })?;
    if found != expected {
        return Err(ReportError::ChecksumMismatch {
            manifest: manifest.clone(),
            checksum: path,
            expected: hex::encode(expected),
            found: hex::encode(found),
        });
    }
    Ok(ChecksumState::Matched)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::diagnostic::{Diagnostic, ErrorClass};

    const MANIFEST: &str = r#"{
  "sourceBucket": "photos",
  "destinationBucket": "arn:aws:s3:::inventory",
  "version": "2016-11-30",
  "creationTimestamp": "1767225600000",
  "fileFormat": "CSV",
  "fileSchema": "Bucket, Key, Size",
  "files": [
    {"key": "p/a.csv.gz", "size": 2147483648, "MD5checksum": "00112233445566778899AABBCCDDeeff"},
    {"key": "p/b.csv.gz", "size": "17"}
  ]
}"#;

    fn parse(text: &str) -> Result<Report, ReportError> {
        Report::parse(text.as_bytes(), "m.json")
    }

    /// The error of the manifest with one piece of text replaced by another.
    fn fault(old: &str, new: &str) -> String {
        assert!(MANIFEST.contains(old), "{old}");
        parse(&MANIFEST.replacen(old, new, 1)).unwrap_err().to_string()
    }

    #[test]
    fn every_field_is_read() {
        let report = parse(MANIFEST).unwrap();
        assert_eq!(report.source_bucket, "photos");
        assert_eq!(report.destination_bucket, "inventory");
        assert_eq!(report.partition, "aws");
        assert_eq!(report.version, "2016-11-30");
        assert_eq!(report.created.unwrap().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(report.format, FileFormat::Csv);
        assert_eq!(report.schema, Schema::from_names(["Bucket", "Key", "Size"]));
        assert_eq!(report.checksum, ChecksumState::Absent);
        let md5 = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        assert_eq!(
            report.files,
            [
                DataFile { key: "p/a.csv.gz".into(), bytes: 1 << 31, md5: Some(md5) },
                DataFile { key: "p/b.csv.gz".into(), bytes: 17, md5: None },
            ]
        );
        assert_eq!(report.bytes_compressed(), (1 << 31) + 17);
        assert_eq!(hex::encode(md5), "00112233445566778899aabbccddeeff");
    }

    #[test]
    fn what_other_writers_leave_out_or_add_is_tolerated() {
        for (old, new) in [
            ("{\n  \"source", "\u{feff}{\n  \"source"),
            ("\"1767225600000\"", "1767225600000"),
            ("\"creationTimestamp\": \"1767225600000\",", ""),
            ("\"1767225600000\"", "null"),
            ("\"1767225600000\"", "\"\""),
            ("\"version\": \"2016-11-30\",", ""),
            ("\"CSV\"", "\"csv\""),
            ("\"version\"", "\"new\": {\"deep\": [1, 2]}, \"version\""),
            ("\"size\": \"17\"", "\"size\": 17, \"MD5checksum\": null, \"new\": 1"),
            ("arn:aws:s3:::inventory", "inventory"),
            ("arn:aws:s3:::inventory", "arn:aws-us-gov:s3:::inventory"),
            ("arn:aws:s3:::inventory", "arn:aws-cn:s3:::inventory"),
        ] {
            assert!(MANIFEST.contains(old), "{old}");
            let report = parse(&MANIFEST.replacen(old, new, 1)).unwrap();
            assert_eq!(report.destination_bucket, "inventory");
            assert_eq!(report.files.len(), 2, "{new}");
        }
        let (head, _) = MANIFEST.split_once("\"files\"").unwrap();
        assert_eq!(parse(&format!("{head}\"files\": []}}")).unwrap().files, []);
    }

    #[test]
    fn a_bad_value_is_named_with_its_field() {
        for (old, new, message) in [
            ("\"CSV\"", "\"TSV\"", "m.json: fileFormat: \"TSV\" is none of CSV, ORC and Parquet"),
            ("Bucket, Key, Size", "Bucket, Size", "m.json: fileSchema: no column Key"),
            ("\"CSV\"", "\"ORC\"", "m.json: fileSchema: byte 0: expected `struct<`"),
            ("00112233", "0011223", "files[0].MD5checksum: \"001122344"),
            ("00112233", "g0112233", "is not 32 hexadecimal digits (key \"p/a.csv.gz\")"),
            ("\"17\"", "\"17x\"", "files[1].size: \"17x\" is not a whole number (key"),
            ("\"17\"", "-17", "files[1].size: -17 is not a length in bytes"),
            ("\"17\"", "18446744073709551616", "line 10, column"),
            ("\"17\"", "1.5", "line 10, column"),
            ("\"1767225600000\"", "\"soon\"", "creationTimestamp: \"soon\" is not a whole number"),
            ("\"1767225600000\"", "\"9223372036854775807\"", "out of range for milliseconds"),
            ("arn:aws:s3:::inventory", "arn:aws:sqs:::inventory", "not the ARN of a bucket"),
            ("arn:aws:s3:::inventory", "arn:aws:s3:::", "not the name of a bucket"),
            ("arn:aws:s3:::inventory", "arn:aws:s3", "not the ARN of a bucket"),
            ("p/b.csv.gz", "p/a.csv.gz", "files[1].key: \"p/a.csv.gz\" is listed twice (files[0]"),
            ("p/b.csv.gz", "/p//a.csv.gz", "files[1].key: \"/p//a.csv.gz\" is listed twice"),
            ("photos", "..", "sourceBucket: \"..\" is not the name of a bucket"),
            ("photos", "../photos", "not the name of a bucket"),
            ("\"photos\"", "null", "line 2, column 22: invalid type: null, expected a string"),
            ("\"sourceBucket\"", "\"source\"", "missing field `sourceBucket`"),
            ("\"files\": [", "\"files\": [,", "m.json: line 8, column 13: expected value;"),
        ] {
            let error = fault(old, new);
            assert!(error.contains(message), "{new}: {error}");
        }
    }

    #[test]
    fn a_manifest_cut_at_any_byte_is_an_error_and_says_where() {
        for end in 0..MANIFEST.len() {
            let error = parse(&MANIFEST[..end]).unwrap_err();
            let ReportError::Json { line, .. } = &error else { panic!("{end}: {error}") };
            assert!(*line <= MANIFEST[..end].lines().count() + 1, "{end}: {error}");
            assert_eq!(error.class(), ErrorClass::Input);
            assert!(error.to_string().contains("cut short"), "{end}: {error}");
        }
        assert!(parse(&format!("{MANIFEST}\n")).is_ok());
        assert!(parse(&format!("{MANIFEST}{{}}")).is_err());
    }

    #[test]
    fn other_files_of_an_inventory_are_told_as_what_they_are() {
        for (bytes, says) in [
            (&b"\x1f\x8b\x08\0"[..], "a data file (gzip)"),
            (b"PAR1\x15", "a data file (Parquet)"),
            (b"ORC\x0a", "a data file (ORC)"),
            (b"s3://reports/inv/data/x.csv.gz\n", "a symlink.txt"),
        ] {
            let error = Report::parse(bytes, "x").unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("name the manifest.json"), "{error}");
        }
    }

    #[test]
    fn a_manifest_with_any_byte_changed_never_panics() {
        let mut bytes = MANIFEST.as_bytes().to_vec();
        let (mut read, mut refused) = (0, 0);
        for place in 0..bytes.len() {
            let kept = bytes[place];
            for other in [0, b'"', b'{', b'9', 0x80, 0xff] {
                bytes[place] = other;
                match Report::parse(&bytes, "m.json") {
                    Ok(report) => {
                        read += 1;
                        assert!(!report.schema.is_empty());
                    }
                    Err(error) => {
                        refused += 1;
                        assert!(error.to_string().starts_with("m.json: "), "{error}");
                    }
                }
            }
            bytes[place] = kept;
        }
        assert!(read > 100 && refused > 100, "{read} {refused}");
    }

    #[test]
    fn the_checksum_beside_is_compared() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("x_manifest.json");
        let checksum = folder.path().join("x_manifest.checksum");
        fs::write(&manifest, MANIFEST).unwrap();
        assert_eq!(Report::read(&manifest).unwrap().checksum, ChecksumState::Absent);

        let right = hex::encode(Md5::digest(MANIFEST.as_bytes()));
        for text in [right.clone(), format!("{right}\n"), format!(" {}\r\n", right.to_uppercase())]
        {
            fs::write(&checksum, text).unwrap();
            let report = Report::read(&manifest).unwrap();
            assert_eq!(report.checksum, ChecksumState::Matched);
            assert_eq!(hex::encode(report.manifest_md5), right);
        }

        let wrong = "0".repeat(32);
        fs::write(&checksum, &wrong).unwrap();
        let error = Report::read(&manifest).unwrap_err().to_string();
        assert!(error.contains(&wrong) && error.contains(&right), "{error}");

        for text in ["", "not an MD5", &right[1..]] {
            fs::write(&checksum, text).unwrap();
            let error = Report::read(&manifest).unwrap_err().to_string();
            assert!(error.contains("x_manifest.checksum: holds"), "{error}");
        }
    }

    #[test]
    fn what_is_not_there_or_no_file_is_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none.json"), folder.path().to_path_buf()] {
            let error = Report::read(&path).unwrap_err();
            assert_eq!(error.class(), ErrorClass::Environment, "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_manifest_past_the_bound_is_refused_without_reading_it_all() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Sparse: takes no room on the disk.
        file.as_file().set_len(1 << 40).unwrap();
        let error = Report::read(file.path()).unwrap_err().to_string();
        assert!(error.contains("larger than 128 MiB"), "{error}");
    }

    /// Reports that S3 delivered; they lie beside the project on some machines only.
    #[test]
    #[ignore = "reads a folder outside of the project: run by name"]
    fn real_manifests_are_read_and_their_checksums_match() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/real-reports");
        for (name, format, columns) in [
            ("csv_inventory", FileFormat::Csv, 18),
            ("csv_inventory_no_version", FileFormat::Csv, 15),
            ("orc_inventory", FileFormat::Orc, 18),
            ("parquet_inventory", FileFormat::Parquet, 18),
        ] {
            let path = folder.join(format!("{name}_manifest.json"));
            let report = Report::read(&path).unwrap();
            assert_eq!((report.format, report.schema.len()), (format, columns), "{name}");
            assert_eq!(report.checksum, ChecksumState::Matched, "{name}");
            assert!(report.schema.position("BucketKeyStatus").is_some(), "{name}");
            let found = super::super::survey(&report, &report.files, None, None).unwrap();
            assert_eq!(found.present, report.files.len() as u64, "{name}");
        }
    }
}
