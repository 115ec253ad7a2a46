//! What reaches a terminal: whatever names, manifests, rows, plans, files and arguments hold, no
//! control character and no mark of direction.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{ReportFolder, Run, gzip, listed, manifest_json, row, s3sieve, tree};
use crate::plans::PLACE;

/// What a terminal would obey: escape sequences, those of one character too, a bell, a step back,
/// marks of direction, a line separator.
const EVIL: &str = "\u{1b}[31m\u{1b}]0;x\u{7}\u{9b}1m\u{7f}\u{202e}\u{2066}\u{2028}\r\u{8}";

/// The same, as a part of a file's name and of a key.
fn evil(name: &str) -> String {
    format!("{name}{EVIL}")
}

/// Whether a terminal shows this rather than obeys it.
fn is_plain(c: char) -> bool {
    let turns =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}'..='\u{2029}');
    matches!(c, '\n' | '\t') || !(c.is_control() || turns)
}

/// Runs the program, for people and for programs, and looks at all it says.
#[track_caller]
fn run_clean<I>(arguments: I) -> Run
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let run = s3sieve(arguments);
    assert_clean(&run);
    run
}

#[track_caller]
fn assert_clean(run: &Run) {
    for stream in [&run.output.stdout, &run.output.stderr] {
        let text = std::str::from_utf8(stream).unwrap_or("\u{0}");
        let story = || run.story().escape_debug().to_string().replace("\\n", "\n");
        assert!(text.chars().all(is_plain), "{}", story());
        assert!(!text.contains("panicked"), "{}", story());
    }
}

/// A report with something evil in all that it may hold it in. Buckets have names that are checked.
fn evil_report() -> ReportFolder {
    let rows = row(&["demo", &evil("key"), &evil("DISABLED"), "12"])
        + &row(&["demo", "plain", "ENABLED", "7"]);
    let columns = format!("Bucket, Key, {}, Size", evil("Odd"));
    let report = ReportFolder::of_compressed("demo", &columns, &[]);
    let bytes = gzip(rows.as_bytes());
    let key = evil("data/one");
    fs::write(report.folder.path().join(&key), &bytes).unwrap();
    let document = manifest_json(&columns, &[listed(&key, &bytes)]);
    fs::write(&report.manifest, document.to_string()).unwrap();
    report
}

/// The commands that read a report, with a folder for their plans.
fn read_in_every_way(report: &Path, folder: &Path) -> Vec<Option<i32>> {
    let report = report.to_str().unwrap();
    let out = folder.join(evil("out"));
    let out = out.to_str().unwrap();
    let (odd, bench_out) = (evil("Odd"), evil(out));
    let (broken, unequal) = (evil("Size > "), format!("\"{odd}\" = 'a'"));
    let mut codes = Vec::new();
    for format in ["human", "json"] {
        let shown = ["--format", format];
        let filter = ["filter", report, "--where", "TRUE", "--out", out, "--split-by", &odd];
        let ways: [&[&str]; 8] = [
            &["inspect", report],
            &["count", report, "--by", &odd],
            &["count", report, "--by", "Key", "--keep-going"],
            &["count", report, "--where", &broken],
            &["count", report, "--where", &unequal],
            &filter,
            &["bench", report, "--where", "TRUE", "--runs", "1", "--out", &bench_out],
            &["filter", report, "--where", "TRUE", "--out", out, "--force", "--keep-going"],
        ];
        for way in ways {
            codes.push(run_clean([way, &shown].concat()).output.status.code());
        }
    }
    let _ = fs::remove_dir_all(out);
    codes
}

#[test]
fn keys_names_and_columns_are_shown_not_sent() {
    let report = evil_report();
    let codes = read_in_every_way(&report.manifest, report.folder.path());
    assert!(codes.contains(&Some(0)), "{codes:?}");
    let folder = report.folder.path().to_str().unwrap();
    let told = run_clean(["inspect", folder, "--format", "json"]).expect(0).json();
    // Programs get the values as they are.
    assert_eq!(told["reports"][0]["columns"][2]["name"], evil("Odd"));
    let shown = run_clean(["inspect", folder]).expect(0).stdout();
    assert!(shown.contains("Odd\\u{1b}[31m\\u{1b}]0;x\\u{7}\\u{9b}1m\\u{7f}\\u{202e}"), "{shown}");
    let shown = run_clean(["count", folder, "--by", "Key"]).expect(0).stdout();
    assert!(shown.contains("key\\u{1b}[31m"), "{shown}");
    // Files keep their bytes.
    let out = report.out();
    let arguments = ["filter", folder, "--where", "TRUE", "--out", out.to_str().unwrap()];
    run_clean(arguments).expect(0);
    let manifest = fs::read_to_string(out.join("manifests/00000.csv")).unwrap();
    assert!(manifest.contains(&evil("key").replace('\r', "%0D")), "{manifest:?}");
}

/// Puts something evil behind every text in a document, one at a time.
fn each_text_made_evil(document: &Value) -> Vec<Value> {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(at.to_owned()),
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    places(item, &format!("{at}/{number}"), found);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    places(member, &format!("{at}/{name}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(document, "", &mut found);
    let changed = found.iter().map(|place| {
        let mut changed = document.clone();
        let text = changed.pointer_mut(place).unwrap();
        *text = json!(evil(text.as_str().unwrap()));
        changed
    });
    changed.collect()
}

#[test]
fn every_member_of_a_manifest_is_shown_not_sent() {
    let report = ReportFolder::new("Bucket, Key, Odd, Size", &[b"demo,a,b,1\n"]);
    let good: Value = serde_json::from_slice(&fs::read(&report.manifest).unwrap()).unwrap();
    let all = each_text_made_evil(&good);
    assert!(all.len() >= 7, "{all:?}");
    for mut document in all {
        fs::write(&report.manifest, document.to_string()).unwrap();
        read_in_every_way(&report.manifest, report.folder.path());
        document[evil("member")] = json!([]);
        fs::write(&report.manifest, document.to_string() + EVIL).unwrap();
        run_clean(["inspect", report.manifest.to_str().unwrap()]).expect(3);
    }
    fs::write(report.folder.path().join("manifest.checksum"), EVIL).unwrap();
    run_clean(["inspect", report.manifest.to_str().unwrap()]).expect(3);
}

#[test]
fn every_member_of_a_plan_is_shown_not_sent() {
    let rows = row(&["demo", "a", "DISABLED", "12"]) + &row(&["demo", "b", "", "7"]);
    let report = ReportFolder::new("Bucket, Key, BucketKeyStatus, Size", &[rows.as_bytes()]);
    let (manifest, out) = (report.manifest.to_str().unwrap(), report.out());
    let plan = out.to_str().unwrap();
    let filter = ["filter", manifest, "--where", "TRUE", "--split-by", "BucketKeyStatus"];
    let copy = ["--for", "copy", "--storage-class", "STANDARD", "--out", plan];
    s3sieve(filter.iter().chain(&copy)).expect(0);
    let path = out.join("plan.json");
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let copy = ["--operation", "copy", "--target-bucket", "demo", "--storage-class", "STANDARD"];
    let submit = [&["submit", plan, "--dry-run"][..], &copy, &PLACE].concat();
    let policy = [&["policy", plan][..], &copy, &PLACE].concat();
    let mut ended_well = 0;
    for document in each_text_made_evil(&good) {
        fs::write(&path, document.to_string()).unwrap();
        for format in ["human", "json"] {
            let shown = ["--format", format];
            let verify: &[&str] = &["verify", plan, manifest];
            let estimate: &[&str] = &["estimate", plan];
            let ways: [&[&str]; 3] = [estimate, verify, &submit];
            for way in ways {
                let run = run_clean([way, &shown].concat());
                ended_well += usize::from(run.output.status.success());
            }
        }
        run_clean(&policy);
        #[cfg(feature = "aws")]
        for action in ["list", "report"] {
            run_clean(["jobs", plan, action]);
        }
        run_clean(["filter", manifest, "--where", "TRUE", "--out", plan]);
    }
    assert!(ended_well > 20, "{ended_well}");
}

#[test]
fn arguments_are_shown_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join(evil("none"));
    let (place, odd) = (place.to_str().unwrap(), evil("odd"));
    let seed = crate::fixture::seed();
    let seed = seed.to_str().unwrap();
    let flag = format!("--{odd}");
    let address = format!("s3://{odd}");
    let share = format!("{odd}=x");
    let below = format!("/dev/null/{odd}");
    let wrong: [&[&str]; 24] = [
        &[&odd],
        &[&flag],
        &["count", &flag],
        &["count", seed, &odd],
        &["count", place],
        &["count", &address],
        &["count", seed, "--threads", &odd],
        &["count", seed, "--format", &odd],
        &["count", seed, "--verify", &odd],
        &["count", seed, "--where", &odd],
        &["count", seed, "--by", &odd],
        &["count", seed, "--root", place],
        &["count", seed, "--as-of", &odd],
        &["filter", seed, "--sql", &odd, "--out", place],
        &["filter", seed, "--where", "TRUE", "--out", &below],
        &["filter", seed, "--where", "TRUE", "--out", place, "--for", &odd],
        &["filter", seed, "--where", "TRUE", "--out", place, "--max-bytes", &odd],
        &["filter", seed, "--where", "TRUE", "--out", place, "--split-by", &odd],
        &["estimate", place],
        &["policy", place, "--operation", &odd],
        &["submit", place, "--operation", "tag", "--tags", &odd],
        &["verify", place, seed],
        &["synth", "--rows", &odd, "--out", place],
        &["synth", "--rows", "9", "--columns", &odd, "--share", &share, "--out", place],
    ];
    for arguments in wrong {
        let run = run_clean(arguments);
        assert!(!run.output.status.success(), "{}", run.story());
        let told = run.stderr() + &run.stdout();
        assert!(!told.is_empty(), "{}", run.story());
    }
    // What is wrong is shown, not left out.
    run_clean(["count", seed, "--threads", &odd]).expect(2).says(&["odd\\u{1b}[31m", "--threads"]);
    run_clean([&odd]).expect(2).says(&["unrecognized subcommand", "odd\\u{1b}[31m"]);
    let prices = folder.path().join(evil("prices"));
    fs::write(&prices, format!("{{\"{odd}\": 1}}")).unwrap();
    let plan = crate::plans::seed_plan();
    let plan = plan.path.to_str().unwrap();
    run_clean(["estimate", plan, "--prices", prices.to_str().unwrap()]).expect(3);
    run_clean(["synth", "--rows", "9", "--out", place]).expect(0);
    run_clean(["synth", "--rows", "9", "--out", place]).expect(2);
}

/// The name of the program is an argument, too, and so is a name that is no text.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_shown() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::process::CommandExt;

    let mut command = crate::fixture::program();
    command.arg0(evil("s3sieve")).args(["count", "--odd"]);
    assert_clean(&Run::of(command));
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"plan\xff\x9b31m\xc2\x1b[2J");
    let place = folder.path().join(name);
    let seed = crate::fixture::seed();
    let count = |report: &OsStr| run_clean([OsStr::new("count"), report]);
    count(place.as_os_str()).expect(3);
    count(OsStr::from_bytes(b"--\xff\x1b[2J")).expect(2);
    let filter = ["filter", seed.to_str().unwrap(), "--where", "TRUE", "--out"];
    let filter = filter.map(OsStr::new).into_iter().chain([place.as_os_str()]);
    for (format, code) in [("human", 0), ("json", 2)] {
        let format = ["--format", format].map(OsStr::new);
        run_clean(filter.clone().chain(format)).expect(code);
    }
    run_clean([OsStr::new("estimate"), place.as_os_str()]).expect(0);
    assert!(!tree(&place).is_empty());
}

#[cfg(all(feature = "parquet", feature = "orc"))]
#[test]
fn columns_of_files_are_shown_not_sent() {
    for format in ["parquet", "orc"] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("report");
        let synth = ["synth", "--rows", "20", "--format", format, "--out", out.to_str().unwrap()];
        s3sieve(synth).expect(0);
        let manifests = tree(&out).into_iter().map(|(path, _)| path);
        let manifest = manifests.into_iter().find(|path| path.ends_with("manifest.json")).unwrap();
        let manifest = out.join(manifest);
        let text = fs::read_to_string(&manifest).unwrap();
        let changed = text.replace("key:", "odd\\u001b[31m\\u009b:").replace("key ", "odd\\u202e ");
        let changed = changed.replace("key\\t", "odd\\u202e\\t");
        fs::write(&manifest, &changed).unwrap();
        fs::remove_file(manifest.with_extension("checksum")).unwrap();
        for arguments in [["inspect", "--format"], ["count", "--format"]] {
            for shown in ["human", "json"] {
                run_clean([arguments[0], manifest.to_str().unwrap(), arguments[1], shown]);
            }
        }
        run_clean(["count", manifest.to_str().unwrap(), "--by", "odd"]);
    }
}

/// Nothing else writes to standard output or standard error, or what is written would not be
/// cleaned.
#[test]
fn text_leaves_in_one_place() {
    let folder = Path::new(crate::REPOSITORY).join("src");
    let mut found = Vec::new();
    for (path, text) in tree(&folder) {
        let text = String::from_utf8(text).unwrap();
        for (number, line) in text.lines().enumerate() {
            let asks = line.contains("std") && line.contains(".is_terminal()");
            let writes = ["::stdout()", "::stderr()", "println!(", "print!(", "dbg!("];
            if !asks && writes.iter().any(|way| line.contains(way)) {
                found.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    found.retain(|place| !place.starts_with("cli/print.rs:"));
    assert!(found.is_empty(), "{found:?}");
}
