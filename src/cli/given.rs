//! What a REPORT, a PLAN or an --out is that is not what the command takes: said by name, and what
//! to give instead.
//!
//! Names alone are looked at first ([`check`], [`check_out`]): an address of another kind, a
//! pattern that no shell has replaced. What is on this disk is only looked at when it could not be
//! read as what it should be ([`report_error`], [`plan_error`]): a data file, a table, a folder
//! without a report.
//!
//! Never opens an address in S3.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::CliError;
use crate::plan::ReadError;
use crate::read::ScanError;
use crate::report::ReportError;

/// Bytes at the beginning of a file that tell what it is.
const BEGIN_BYTES: u64 = 4 << 10;

/// Entries of a folder that are looked at to tell what it holds.
const ENTRIES_MAX: usize = 1_000;

/// What a report is, to who named something else.
const A_REPORT: &str = "REPORT is a manifest.json, a folder that holds reports, or an s3:// \
    address of either";

/// What a plan is, to who named something else.
const A_PLAN: &str = "a plan is the folder that `s3sieve filter --out` wrote, or its s3:// address";

/// Refuses what can't be a path or an address of ours, by its name alone.
pub(super) fn check(name: &Path) -> Result<(), CliError> {
    let Some(text) = name.to_str() else { return Ok(()) };
    let refuse = |what: String| Err(CliError::Usage(format!("{text}: {what}")));
    if text == "-" {
        return refuse(
            "standard input is not read: a report and a plan are several files. Name the folder, \
             the manifest.json or the s3:// address"
                .to_owned(),
        );
    }
    if let Some(address) = address_of(text) {
        return refuse(format!("this is not how an address in S3 is given: write {address}"));
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return refuse(
            "web addresses are not read: give the address as s3://BUCKET/KEY (for another server, \
             with --endpoint-url), or fetch the files and name the folder"
                .to_owned(),
        );
    }
    if lower.starts_with("arn:") {
        return refuse("an ARN is not read here: give a path, or s3://BUCKET/KEY".to_owned());
    }
    if let Some(path) = text.strip_prefix("file://") {
        return refuse(format!("write the path alone: {path}"));
    }
    // Whoever reads an address says what is wrong with it. A `?` is part of a key, if an odd one.
    if name.exists() || is_in_s3(name) && !text.contains('*') {
        return Ok(());
    }
    let is_sign = !text.is_empty() && text.chars().all(|c| "<>=!&|()".contains(c));
    if is_sign || ["AND", "OR", "NOT", "LIKE", "IN", "IS", "BETWEEN"].contains(&text) {
        return refuse(
            "nothing has this name. An expression is one argument: put quotes around all of it, \
             --where \"Size > 5\""
                .to_owned(),
        );
    }
    let is_expression = ["=", " <", " >", " LIKE ", " IN ", " IS "];
    let upper = text.to_ascii_uppercase();
    if text.contains([' ', '\'']) && is_expression.iter().any(|sign| upper.contains(sign)) {
        return refuse("nothing has this name. An expression is given to --where".to_owned());
    }
    if text.starts_with("~/") || text == "~" {
        return refuse("the shell puts a home folder for ~ outside of quotes only".to_owned());
    }
    if text.contains(['*', '?', '[']) {
        return refuse(
            "nothing has this name. Patterns are the shell's: leave the quotes out, or see what \
             matches with `ls`; in S3 there are none: name the folder"
                .to_owned(),
        );
    }
    Ok(())
}

fn is_in_s3(name: &Path) -> bool {
    name.to_str().is_some_and(|text| text.starts_with("s3://"))
}

/// The s3:// address that is meant by another spelling of it.
fn address_of(text: &str) -> Option<String> {
    let rest = |prefix: &str| {
        let (begin, rest) = text.split_at_checked(prefix.len())?;
        begin.eq_ignore_ascii_case(prefix).then_some(rest)
    };
    if text.starts_with("s3://") {
        return None;
    }
    for prefix in ["s3://", "s3a://", "s3n://", "s3:/"] {
        if let Some(rest) = rest(prefix) {
            return Some(format!("s3://{}", rest.trim_start_matches('/')));
        }
    }
    if let Some(rest) = text.strip_prefix("arn:") {
        let (_, place) = rest.split_once(":s3:::")?;
        return Some(format!("s3://{place}"));
    }
    let web = rest("https://").or_else(|| rest("http://"))?;
    let (host, path) = web.split_once('/').unwrap_or((web, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let host = host.strip_suffix(".amazonaws.com")?;
    if host == "s3" || host.starts_with("s3.") || host.starts_with("s3-") {
        return Some(format!("s3://{path}"));
    }
    let (bucket, _) = host.split_once(".s3.").or_else(|| host.split_once(".s3-"))?;
    Some(format!("s3://{bucket}/{path}"))
}

/// Refuses an --out that can't be a folder.
pub(super) fn check_out(name: &Path) -> Result<(), CliError> {
    let refuse = |what: String| CliError::Usage(format!("--out {}: {what}", name.display()));
    out_fault(name).map_or(Ok(()), |what| Err(refuse(what)))
}

/// Why an --out can't be a folder: rows are not printed, and addresses are written `s3://`.
pub(super) fn out_fault(name: &Path) -> Option<String> {
    let text = name.to_string_lossy();
    let streams = ["/dev/std", "/dev/fd/", "/proc/self/fd/"];
    if text == "-" || streams.iter().any(|begin| text.starts_with(begin)) {
        return Some(
            "this takes a folder, for what is written is several files, and no command prints \
             rows. Name a folder; the rows of a plan are then in DIR/manifests, where `cat` shows \
             them"
                .to_owned(),
        );
    }
    if name.is_file() {
        return Some("there is a file of this name: this takes a new or empty folder".to_owned());
    }
    if let Some(address) = address_of(&text) {
        return Some(format!(
            "this is not how an address in S3 is given: write {address} (or ./{text} for a folder \
             of this name)"
        ));
    }
    (text.contains("://") && !text.starts_with("s3://"))
        .then(|| "this takes a folder on this machine, or an address s3://BUCKET/PREFIX".to_owned())
}

/// The error of a report that could not be read, by what was named instead.
pub(super) fn report_error(error: ScanError) -> CliError {
    let ScanError::Report(report) = &error else { return error.into() };
    let told = match report {
        ReportError::Json { path, .. }
        | ReportError::Field { path, .. }
        | ReportError::TooLarge { path, .. } => path.as_path().and_then(file_instead_of_report),
        ReportError::NoReport { folder, .. } => match folder.as_path() {
            Some(path) => folder_instead_of_report(path),
            None => object_instead_of_report(&folder.display().to_string()),
        },
        _ => None,
    };
    told.map_or_else(|| error.into(), CliError::Misnamed)
}

/// As [`report_error`], for what looks reports up without opening them.
pub(super) fn found_error(error: ReportError) -> CliError {
    report_error(ScanError::Report(error))
}

/// What a file is, by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Empty,
    Gzip,
    Parquet,
    Orc,
    Zip,
    Symlink,
    Checksum,
    Plan,
    Manifest,
    Journal,
    Html,
    Csv,
    Other,
}

fn file_kind(path: &Path) -> Option<FileKind> {
    let mut begin = Vec::new();
    File::open(path).ok()?.take(BEGIN_BYTES).read_to_end(&mut begin).ok()?;
    let text = String::from_utf8_lossy(&begin);
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_md5 = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(match begin.as_slice() {
        [] => FileKind::Empty,
        [0x1f, 0x8b, ..] => FileKind::Gzip,
        [b'P', b'A', b'R', b'1', ..] => FileKind::Parquet,
        [b'O', b'R', b'C', ..] => FileKind::Orc,
        [b'P', b'K', 3, 4, ..] => FileKind::Zip,
        _ if is_md5 => FileKind::Checksum,
        _ if text.starts_with("s3://") => FileKind::Symlink,
        _ if text.starts_with('<') => FileKind::Html,
        _ if text.starts_with('{') && text.contains("\"fileSchema\"") => FileKind::Manifest,
        _ if text.starts_with('{') && path.ends_with("plan.json") => FileKind::Plan,
        _ if text.starts_with('{') && path.ends_with("jobs.jsonl") => FileKind::Journal,
        _ if !text.starts_with(['{', '[']) && text.contains(',') => FileKind::Csv,
        _ => FileKind::Other,
    })
}

/// Names a file that is not a report's manifest; `None` for one that may be a damaged manifest.
fn file_instead_of_report(path: &Path) -> Option<String> {
    let what = match file_kind(path)? {
        FileKind::Empty => "this file is empty. Fetch it again",
        FileKind::Gzip => "this is a gzip file: a data file of a report, not its manifest",
        FileKind::Parquet => "this is a Parquet file: a data file of a report, not its manifest",
        FileKind::Orc => "this is an ORC file: a data file of a report, not its manifest",
        FileKind::Zip => "this is a ZIP file. Unpack it first",
        FileKind::Symlink => {
            "this is the symlink.txt of a Hive table, not a report's manifest. The report's own \
             lies in a folder named like 2026-01-31T01-00Z, beside `hive`"
        }
        FileKind::Checksum => {
            "this is a manifest.checksum: it holds the MD5 of the manifest.json beside it. Name \
             that one"
        }
        FileKind::Plan => {
            "this is a plan, not a report. `estimate`, `policy`, `submit` and `verify` take its \
             folder"
        }
        FileKind::Journal => "this is the journal of a plan's jobs, not a report",
        FileKind::Html => "this is a web page or an XML answer, not a report's manifest",
        FileKind::Csv => {
            "this is a CSV file: a data file of a report or a list of objects, not a report's \
             manifest. The columns and files of a report stand in its manifest.json"
        }
        FileKind::Manifest | FileKind::Other => return None,
    };
    Some(format!("{}: {what}. {A_REPORT}", path.display()))
}

/// What an object in S3 is that was searched as if it were a folder.
fn object_instead_of_report(address: &str) -> Option<String> {
    let name = address.rsplit('/').next().unwrap_or_default();
    let what = match name.rsplit_once('.')?.1 {
        "gz" | "parquet" | "orc" | "csv" => "this is a data file of a report, not its manifest",
        "checksum" => "this holds the MD5 of the manifest.json beside it",
        "txt" => "this is not a report's manifest",
        _ => return None,
    };
    Some(format!("{address}: by its name, {what}. {A_REPORT}"))
}

/// What a folder holds.
#[derive(Default)]
struct FolderListing {
    entries: usize,
    plan: bool,
    data_files: usize,
    partitions: bool,
    symlink: bool,
}

fn holdings(path: &Path) -> Option<FolderListing> {
    let mut found = FolderListing::default();
    for entry in fs::read_dir(path).ok()?.take(ENTRIES_MAX) {
        let name = entry.ok()?.file_name();
        let name = name.to_string_lossy();
        found.entries += 1;
        found.plan |= name == "plan.json";
        found.symlink |= name == "symlink.txt";
        found.partitions |= name.starts_with("dt=");
        let is_data = [".gz", ".parquet", ".orc", ".csv"].iter().any(|end| name.ends_with(end));
        found.data_files += usize::from(is_data);
    }
    Some(found)
}

/// What a folder is that holds no report.
fn folder_instead_of_report(path: &Path) -> Option<String> {
    let found = holdings(path)?;
    let what = if found.entries == 0 {
        "this folder is empty. Fetch the report first: `aws s3 sync`, or name its s3:// address"
    } else if found.plan {
        "this folder holds a plan, not a report. `estimate`, `policy`, `submit` and `verify` take \
         it"
    } else if found.partitions || found.symlink {
        "this is a Hive table over reports, without their manifests. They lie in folders named \
         like 2026-01-31T01-00Z, beside `hive`: name the folder above"
    } else if found.data_files > 0 {
        "this folder holds data files, but no manifest.json, without which nobody can tell their \
         columns. Fetch the report's folder named like 2026-01-31T01-00Z, too, and name that one \
         (--root names where the data files are)"
    } else {
        return None;
    };
    Some(format!("{}: {what}. {A_REPORT}", path.display()))
}

/// The error of a plan that could not be read, by what was named instead.
pub(super) fn plan_error(name: &Path, error: ReadError) -> CliError {
    let told = match error {
        ReadError::Missing { .. } | ReadError::Io { .. } | ReadError::Malformed { .. } => {
            Some(name).filter(|name| !is_in_s3(name)).and_then(instead_of_plan)
        }
        _ => None,
    };
    told.map_or_else(|| error.into(), CliError::Misnamed)
}

fn instead_of_plan(name: &Path) -> Option<String> {
    let shown = name.display();
    let metadata = match fs::metadata(name) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(format!("{shown}: there is no such folder; {A_PLAN}"));
        }
        Err(_) => return None,
    };
    if metadata.is_dir() {
        return folder_instead_of_plan(name);
    }
    let folder = name.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let what = match file_kind(name)? {
        FileKind::Plan | FileKind::Journal => {
            format!("this file belongs to a plan. Name its folder: {}", folder.display())
        }
        FileKind::Manifest => {
            "this is a report's manifest. Make a plan of it first: `s3sieve filter`".to_owned()
        }
        _ if folder.ends_with("manifests") || folder.ends_with("excluded") => {
            let plan = folder.parent().unwrap_or(folder);
            format!("this file belongs to a plan. Name its folder: {}", plan.display())
        }
        _ => "this is a file, not a plan".to_owned(),
    };
    Some(format!("{shown}: {what}; {A_PLAN}"))
}

fn folder_instead_of_plan(name: &Path) -> Option<String> {
    let shown = name.display();
    let above = name.parent().filter(|above| above.join("plan.json").is_file());
    if let Some(above) = above {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        return Some(format!(
            "{shown}: this folder belongs to the plan in {0}: name {0}",
            above.display()
        ));
    }
    let found = holdings(name)?;
    if found.plan {
        return None;
    }
    let what = if name.join("manifest.json").is_file() {
        "this folder holds a report, not a plan. Make a plan of it first: `s3sieve filter`"
    } else if found.entries == 0 {
        "this folder is empty"
    } else {
        return None;
    };
    Some(format!("{shown}: {what}; {A_PLAN}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_of_an_address_are_told_by_the_right_one() {
        for (text, address) in [
            ("s3:/bucket/key", Some("s3://bucket/key")),
            ("S3://bucket/key", Some("s3://bucket/key")),
            ("s3a://bucket/key", Some("s3://bucket/key")),
            ("arn:aws:s3:::bucket/key", Some("s3://bucket/key")),
            ("arn:aws-cn:s3:::bucket", Some("s3://bucket")),
            ("https://bucket.s3.eu-central-1.amazonaws.com/a/b?x=1", Some("s3://bucket/a/b")),
            ("https://s3.eu-central-1.amazonaws.com/bucket/a", Some("s3://bucket/a")),
            ("https://example.com/a", None),
            ("arn:aws:iam::1:role/x", None),
            ("s3://bucket/key", None),
            ("folder", None),
        ] {
            assert_eq!(address_of(text).as_deref(), address, "{text}");
        }
    }
}
