//! Listings from a server whose answers a test writes: keys that XML can't hold, and answers that
//! are not S3's.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ground::{Request, Script, ScriptProxy};
use tempfile::TempDir;

use crate::buckets::{program_with_keys, s3sieve_at};
use crate::fixture::{Run, tree};
use crate::plans::PLACE;

/// A server that answers by itself.
fn server(script: fn(&Request) -> Script) -> ScriptProxy {
    ScriptProxy::start(([127, 0, 0, 1], 1).into(), script).unwrap()
}

fn xml(body: &str) -> Script {
    let head = "content-type: application/xml\r\n".to_owned();
    Script::Answer("200 OK", head, format!("<?xml version=\"1.0\"?>{body}"))
}

const OBJECT: &str = "<LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size>\
    <ETag>\"0123456789abcdef0123456789abcdef\"</ETag><StorageClass>STANDARD</StorageClass>";

/// Two pages with keys of control characters; the second is found by the marker as the key is.
fn pages(request: &Request) -> Script {
    let target = request.target();
    if !target.contains("encoding-type=url") {
        return Script::Refuse("400 Bad Request", "KeysThatXmlCannotHold", String::new());
    }
    if target.contains("versions") {
        let key = |key: &str| {
            let id = "<VersionId>v1</VersionId><IsLatest>true</IsLatest>";
            format!("<Version><Key>{key}</Key>{id}{OBJECT}</Version>")
        };
        return match target.contains("key-marker=b%01") {
            true => xml(&format!(
                "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false\
                 </IsTruncated>{}</ListVersionsResult>",
                key("c+d%2Be")
            )),
            false => xml(&format!(
                "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true\
                 </IsTruncated><NextKeyMarker>b%01</NextKeyMarker>\
                 <NextVersionIdMarker>v1</NextVersionIdMarker>{}{}</ListVersionsResult>",
                key("a%0A%C3%BC"),
                key("b%01")
            )),
        };
    }
    let key = |key: &str| format!("<Contents><Key>{key}</Key>{OBJECT}</Contents>");
    if target.contains("prefix=x%1F%2F") {
        return xml(&format!(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{}\
             </ListBucketResult>",
            key("x%1F/y")
        ));
    }
    xml(&format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{}{}\
         <CommonPrefixes><Prefix>x%1F/</Prefix></CommonPrefixes></ListBucketResult>",
        key("a%0A%C3%BC"),
        key("c+d%2Be")
    ))
}

/// The keys of a report, as it writes them.
fn keys(folder: &Path) -> Vec<String> {
    let mut rows = String::new();
    for (path, bytes) in tree(folder) {
        if path.extension().is_some_and(|extension| extension == "gz") {
            GzDecoder::new(&bytes[..]).read_to_string(&mut rows).unwrap();
        }
    }
    let key = |row: &str| row.split("\",\"").nth(1).unwrap().trim_end_matches('"').to_owned();
    let mut keys: Vec<String> = rows.lines().map(key).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn keys_with_control_characters_are_listed() {
    let server = server(pages);
    let folder = tempfile::tempdir().unwrap();
    let list = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let list = ["list", "s3://odd", "--out", out.to_str().unwrap()];
        s3sieve_at(&server.endpoint(), list.iter().chain(more)).expect(0);
        keys(&out)
    };
    assert_eq!(list("objects", &[]), ["a%0A%C3%BC", "c+d%2Be", "x%1F/y"]);
    assert_eq!(list("versions", &["--versions"]), ["a%0A%C3%BC", "b%01", "c+d%2Be"]);
}

#[test]
fn an_answer_that_is_not_xml_is_told_with_its_status_and_first_characters() {
    let page = |_: &Request| {
        let body = format!("<!DOCTYPE html>\n<html><body>{}", "Sign in! ".repeat(50));
        Script::Answer("200 OK", "content-type: text/html\r\n".to_owned(), body)
    };
    let folder = tempfile::tempdir().unwrap();
    let list = |server: &ScriptProxy| {
        let out = folder.path().join("out");
        let list = ["list", "s3://reports", "--out", out.to_str().unwrap()];
        s3sieve_at(&server.endpoint(), list)
    };
    let run = list(&server(page)).expect(4);
    let run =
        run.says(&["not XML (HTTP 200, it begins with `<!DOCTYPE html> <html><body>Sign in!"]);
    assert!(run.stderr().len() < 400, "{}", run.story());
    let json = |_: &Request| {
        Script::Answer("403 Forbidden", String::new(), "{\"message\": \"blocked\"}".to_owned())
    };
    list(&server(json)).expect(4).says(&["not XML (HTTP 403, it begins with `{\"message\": \"bl"]);
    let json = server(json);
    let count = s3sieve_at(&json.endpoint(), ["count", "s3://reports/m.json"]);
    count.expect(4).says(&["not XML (HTTP 403", "HTTPS_PROXY"]);
    let busy = |_: &Request| {
        Script::Answer("503 Service Unavailable", String::new(), "upstream is down".to_owned())
    };
    let busy = server(busy);
    let mut command = program_with_keys();
    command.args(["count", "s3://reports", "--endpoint-url", &busy.endpoint()]);
    command.env("AWS_MAX_ATTEMPTS", "2");
    let said = ["did not answer after several tries (HTTP 503, it begins with `upstream is down`"];
    Run::of(command).expect(4).says(&said);
}

/// Runs the program in an empty folder, where nothing may appear.
fn refused_in(folder: &TempDir, arguments: &[&str]) {
    let mut command = program_with_keys();
    command.args(arguments).current_dir(folder.path());
    Run::of(command).expect(2).says(&["--out", "a folder on this machine only"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
}

#[test]
fn an_address_to_write_to_is_refused_where_only_a_folder_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = ["--out", "s3://plans/x"];
    let operation = ["--operation", "delete-tags"];
    for command in [
        &["list", "s3://reports"][..],
        &["synth", "--rows", "1"],
        &["bench", "."],
        &[&["submit", "plan", "--dry-run"], &operation[..], &PLACE].concat(),
        &[&["policy", "plan"], &operation[..], &PLACE].concat(),
    ] {
        refused_in(&folder, &[command, &out].concat());
    }
}
