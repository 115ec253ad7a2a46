//! A job's manifest, read as strictly as the guide says that the service does: UTF-8 without a byte
//! order mark, no header, no blank line, no space at an end, the same columns everywhere, one
//! bucket, keys that decode, version ids for all rows or for none.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::front::decode;
use super::state::Task;
use crate::fixture::md5;

/// The manifest of an inventory report, as far as a job needs it.
pub struct Report {
    /// Where the data files are.
    pub bucket: String,
    pub columns: Vec<String>,
    /// Key and MD5 of each.
    pub files: Vec<(String, String)>,
}

impl Report {
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a text is missing");
        let columns = text(&document["fileSchema"])?;
        let files = document["files"].as_array().ok_or("files are missing")?;
        let file = |file: &Value| Ok((text(&file["key"])?, text(&file["MD5checksum"])?));
        Ok(Self {
            bucket: text(&document["destinationBucket"])?.replace("arn:aws:s3:::", ""),
            columns: columns.split(", ").map(str::to_owned).collect(),
            files: files.iter().map(file).collect::<Result<_, &str>>()?,
        })
    }
}

/// The rows of a data file with this MD5, their quotes taken off.
pub fn data_file(bytes: &[u8], sum: &str) -> Result<String, String> {
    if md5(bytes) != sum {
        return Err("a data file's MD5 is wrong".to_owned());
    }
    let mut text = String::new();
    MultiGzDecoder::new(bytes).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let line = |line: &str| Some(line.strip_prefix('"')?.strip_suffix('"')?.replace("\",\"", ","));
    let lines: Option<Vec<String>> = text.lines().map(line).collect();
    Ok(lines.ok_or("a field is not quoted")?.join("\n") + "\n")
}

/// The tasks of a manifest, or what is wrong with it.
pub fn read(bytes: &[u8], fields: &[String]) -> Result<Vec<Task>, String> {
    let place = |name: &str| fields.iter().position(|field| field == name);
    let (Some(bucket), Some(key)) = (place("Bucket"), place("Key")) else {
        return Err("Fields lack Bucket or Key".to_owned());
    };
    let version = place("VersionId");
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err("a byte order mark".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Err("the manifest is empty".to_owned());
    }
    let mut tasks: Vec<Task> = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        let wrong = |what: &str| Err(format!("line {}: {what}", number + 1));
        let columns: Vec<&str> = line.split(',').collect();
        if line.is_empty() || line.trim() != line {
            return wrong("blank, or a space at an end");
        }
        if columns.len() != fields.len() {
            return wrong("another number of columns");
        }
        let version = version.map(|place| columns[place].to_owned());
        if version.as_deref() == Some("") {
            return wrong("a version id is missing");
        }
        let task = Task {
            bucket: columns[bucket].to_owned(),
            key: columns[key].to_owned(),
            version: version.unwrap_or_default(),
        };
        if task.key.is_empty() || decode(&task.key).is_none() {
            return wrong("the key can't be decoded");
        }
        if tasks.first().is_some_and(|first| first.bucket != task.bucket) {
            return wrong("another bucket");
        }
        tasks.push(task);
    }
    Ok(tasks)
}

#[test]
fn a_manifest_is_read_strictly() {
    let fields: Vec<String> = ["Bucket", "Key", "VersionId"].map(str::to_owned).to_vec();
    let tasks = |text: &str| read(text.as_bytes(), &fields);
    assert_eq!(tasks("b,a%20b,null\nb,c+d,v1\n").unwrap().len(), 2);
    for wrong in [
        "",
        "\n",
        "\u{feff}b,k,v\n",
        "b,k,v\n\n",
        "b,k,v \n",
        "b,k\n",
        "b,k,\n",
        "b,%zz,v\n",
        "b,k,v\nc,k,v\n",
        "b,k,v\r\n",
    ] {
        assert!(tasks(wrong).is_err(), "{wrong:?}");
    }
}
