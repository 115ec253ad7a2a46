//! Tests of finding data files by their keys.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{ChecksumState, DataFile, FileFormat, KEY_BYTES_MAX, Schema};
use super::*;
use crate::diagnostic::{Diagnostic, ErrorClass};

fn report(manifest: &Path, keys: &[&str]) -> Report {
    Report {
        manifest_path: manifest.into(),
        source_bucket: "b".into(),
        destination_bucket: "d".into(),
        partition: "aws".into(),
        version: String::new(),
        created: None,
        format: FileFormat::Csv,
        schema: Schema::from_names(["Bucket", "Key"]),
        files: keys
            .iter()
            .map(|key| DataFile { key: (*key).into(), bytes: 0, md5: None })
            .collect(),
        manifest_md5: [0; 16],
        checksum: ChecksumState::Absent,
    }
}

/// The paths of all data files, looked up one by one; and in listings, which must say the same.
fn locate_files(report: &Report, root: Option<&Path>) -> Result<Vec<PathBuf>, ReportError> {
    let root = root.map(Location::from);
    let located = |files| {
        let names = FolderNames::new(files);
        super::locate_files(report, &report.files, root.as_ref(), &names, None)
    };
    let (found, listed) = (located(0), located(MANY_FILES));
    assert_eq!(format!("{found:?}"), format!("{listed:?}"));
    Ok(found?.iter().map(|location| location.as_path().unwrap().to_owned()).collect())
}

/// So many that folders are listed.
const MANY_FILES: usize = 100_000;

fn touch(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
}

/// The rule as it is told, one key at a time: every suffix, every folder, every link followed.
fn oracle(bases: &[PathBuf], key: &str) -> Result<PathBuf, &'static str> {
    let names: Vec<&str> = key.split('/').filter(|name| !name.is_empty()).collect();
    for start in 0..names.len() {
        for base in bases {
            let path = base.join(names[start..].join("/"));
            if path.is_file() {
                let path = path.canonicalize().unwrap();
                return if path.starts_with(base) { Ok(path) } else { Err("outside") };
            }
        }
    }
    Err("missing")
}

fn outcome(result: Result<Vec<PathBuf>, ReportError>) -> Result<PathBuf, &'static str> {
    match result {
        Ok(mut paths) => Ok(paths.remove(0)),
        Err(ReportError::Outside { .. }) => Err("outside"),
        Err(ReportError::DataFileMissing { .. }) => Err("missing"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_mirror_of_any_depth_is_followed() {
    let top = tempfile::tempdir().unwrap();
    let top = top.path().canonicalize().unwrap();
    let key = "prefix//bucket/config/data/x.csv.gz";
    for (folder, data) in [
        ("all/prefix/bucket/config/2026-01-01T00-00Z", "all/prefix/bucket/config/data"),
        ("config-only/config/2026-01-01T00-00Z", "config-only/config/data"),
        ("inside/2026-01-01T00-00Z", "inside/data"),
        ("flat", "flat"),
        ("below", "below/data"),
    ] {
        let manifest = top.join(folder).join("manifest.json");
        let data = top.join(data).join("x.csv.gz");
        touch(&manifest);
        touch(&data);
        assert_eq!(locate_files(&report(&manifest, &[key]), None).unwrap(), [data], "{folder}");
    }
}

#[test]
fn the_longest_suffix_wins_before_the_nearest_folder() {
    let top = tempfile::tempdir().unwrap();
    let top = top.path().canonicalize().unwrap();
    let manifest = top.join("config/2026-01-01T00-00Z/manifest.json");
    let (near, far) = (manifest.with_file_name("x"), top.join("config/data/x"));
    touch(&manifest);
    touch(&near);
    let report = report(&manifest, &["config/data/x"]);
    assert_eq!(locate_files(&report, None).unwrap(), [near]);
    touch(&far);
    assert_eq!(locate_files(&report, None).unwrap(), [far]);
}

#[test]
fn a_root_is_the_only_folder_that_is_looked_in() {
    let top = tempfile::tempdir().unwrap();
    let top = top.path().canonicalize().unwrap();
    let manifest = top.join("here/manifest.json");
    let (beside, elsewhere) = (manifest.with_file_name("x"), top.join("there/data/x"));
    touch(&manifest);
    touch(&beside);
    touch(&elsewhere);
    let report = report(&manifest, &["a/data/x"]);
    assert_eq!(locate_files(&report, Some(&top.join("there"))).unwrap(), [elsewhere]);
    let empty = top.join("empty");
    fs::create_dir(&empty).unwrap();
    let error = locate_files(&report, Some(&empty)).unwrap_err().to_string();
    assert!(error.contains("\"a/data/x\" is not below") && error.contains("`root`"), "{error}");
    let error = locate_files(&report, Some(&beside)).unwrap_err();
    assert!(matches!(error, ReportError::RootNotAFolder(_)), "{error}");
    let error = locate_files(&report, Some(&top.join("nowhere"))).unwrap_err();
    assert!(matches!(error, ReportError::RootMissing(_)), "{error}");
}

#[test]
fn what_is_missing_is_named_with_the_remedy() {
    let top = tempfile::tempdir().unwrap();
    let manifest = top.path().join("manifest.json");
    touch(&manifest);
    // A folder of the name is not a file.
    fs::create_dir(top.path().join("x.csv.gz")).unwrap();
    let error = locate_files(&report(&manifest, &["c/data/x.csv.gz"]), None).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Input);
    let error = error.to_string();
    for part in ["\"c/data/x.csv.gz\"", "\"c/data\"", "`root` DIR", "manifest.json"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_key_that_begins_with_a_slash_is_looked_for_below_the_report() {
    let top = tempfile::tempdir().unwrap();
    let top = top.path().canonicalize().unwrap();
    let manifest = top.join("inv/b/all/2026-01-31T01-00Z/manifest.json");
    let data = top.join("inv/b/all/data/x.csv.gz");
    touch(&manifest);
    touch(&data);
    let listed = report(&manifest, &["/inv/b/all/data/x.csv.gz"]);
    for root in [None, Some(top.as_path())] {
        assert_eq!(locate_files(&listed, root).unwrap(), std::slice::from_ref(&data));
    }
    // Not the file that the key would name from the root of this disk.
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().canonicalize().unwrap().join("y");
    touch(&outside);
    let listed = report(&manifest, &[outside.to_str().unwrap()]);
    let error = locate_files(&listed, Some(top.as_path())).unwrap_err();
    assert!(matches!(error, ReportError::DataFileMissing { .. }), "{error}");
    assert_eq!(key_components("/a//b/").unwrap(), ["a", "b"]);
}

#[test]
fn keys_that_lead_elsewhere_are_refused() {
    for (key, fault) in [
        ("", KeyFault::Empty),
        ("/", KeyFault::Empty),
        ("//", KeyFault::Empty),
        ("/../b", KeyFault::Dots),
        ("..", KeyFault::Dots),
        ("a/../../b", KeyFault::Dots),
        ("a/./b", KeyFault::Dots),
        ("a/b/..", KeyFault::Dots),
        ("a\0b", KeyFault::Nul),
        (&"a".repeat(KEY_BYTES_MAX + 1), KeyFault::TooLong),
    ] {
        assert_eq!(key_components(key), Err(fault), "{key:?}");
        let top = tempfile::tempdir().unwrap();
        let manifest = top.path().join("sub/manifest.json");
        touch(&manifest);
        touch(&top.path().join("b"));
        for root in [None, Some(top.path())] {
            let error = locate_files(&report(&manifest, &[key]), root).unwrap_err();
            assert!(matches!(&error, ReportError::Key { fault: f, .. } if *f == fault), "{error}");
            assert_eq!(error.class(), ErrorClass::Input);
        }
    }
    assert_eq!(key_components("a//b/c d/...").unwrap(), ["a", "b", "c d", "..."]);
    assert_eq!(key_components("a/b/").unwrap(), ["a", "b"]);
}

#[cfg(windows)]
#[test]
fn names_that_are_more_than_names_are_refused() {
    for key in ["C:/x", "a/C:x", "a\\..\\b", "a/x:stream"] {
        assert_eq!(key_components(key), Err(KeyFault::NotAName), "{key}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_must_stay_inside() {
    use std::os::unix::fs::symlink;
    let top = tempfile::tempdir().unwrap();
    let top = top.path().canonicalize().unwrap();
    let root = top.join("root");
    touch(&root.join("store/x"));
    touch(&top.join("secret/x"));
    for (link, target) in [("in", "root/store"), ("out", "secret"), ("gone", "nowhere")] {
        symlink(top.join(target), root.join(link)).unwrap();
    }
    fs::create_dir(root.join("files")).unwrap();
    symlink(top.join("secret/x"), root.join("files/out")).unwrap();
    symlink(root.join("store/x"), root.join("files/in")).unwrap();
    symlink(root.join("files/circle"), root.join("files/circle")).unwrap();
    let manifest = top.join("manifest.json");
    touch(&manifest);
    let locate = |key: &str| outcome(locate_files(&report(&manifest, &[key]), Some(&root)));
    for key in ["in/x", "files/in"] {
        assert_eq!(locate(key), Ok(root.join("store/x")), "{key}");
    }
    for key in ["out/x", "files/out", "a/b/out/x"] {
        assert_eq!(locate(key), Err("outside"), "{key}");
        let error = locate_files(&report(&manifest, &[key]), Some(&root)).unwrap_err().to_string();
        assert!(error.contains("`root` DIR") && error.contains(key), "{error}");
    }
    for key in ["gone/x", "files/circle", "store/y"] {
        assert_eq!(locate(key), Err("missing"), "{key}");
    }
    // A manifest in a linked folder finds what lies beside the folder's real place.
    touch(&root.join("deep/dated/manifest.json"));
    touch(&root.join("deep/data/y"));
    symlink(root.join("deep/dated"), top.join("latest")).unwrap();
    let report = report(&top.join("latest/manifest.json"), &["c/data/y"]);
    assert_eq!(locate_files(&report, None).unwrap(), [root.join("deep/data/y")]);
}

#[test]
fn a_look_up_ends_when_it_is_told_to() {
    let top = tempfile::tempdir().unwrap();
    let manifest = top.path().join("manifest.json");
    touch(&manifest);
    let report = report(&manifest, &["x"]);
    let stop = AtomicBool::new(true);
    let names = FolderNames::new(0);
    let error = super::locate_files(&report, &report.files, None, &names, Some(&stop)).unwrap_err();
    assert!(matches!(error, ReportError::Interrupted), "{error}");
    let error = survey(&report, &report.files, None, Some(&stop)).unwrap_err();
    assert!(matches!(error, ReportError::Interrupted), "{error}");
}

#[test]
fn folders_are_forgotten_when_there_are_too_many() {
    let top = tempfile::tempdir().unwrap();
    let top = top.path().canonicalize().unwrap();
    touch(&top.join("manifest.json"));
    touch(&top.join("x"));
    let keys: Vec<String> = (0..FOLDERS_KEPT_MAX + 10).map(|place| format!("{place}/x")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = locate_files(&report(&top.join("manifest.json"), &keys), Some(&top)).unwrap();
    assert!(found.len() == keys.len() && found.iter().all(|path| *path == top.join("x")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn resolution_is_the_rule_whatever_was_looked_up_before(
        files in proptest::collection::vec("([ab]/){0,3}[xyz]", 1..12),
        links in proptest::collection::vec(("([ab]/){0,2}[abxz]", "([ab]/){0,2}[abxz]"), 0..4),
        manifest in "([ab]/){0,3}m",
        keys in proptest::collection::vec("([abc]/){0,4}/?[xyz]", 1..12),
        rooted in any::<bool>(),
    ) {
        let outer = tempfile::tempdir().unwrap();
        let top = outer.path().canonicalize().unwrap().join("top");
        for file in files.iter().chain([&manifest]) {
            let path = top.join(file);
            let made = path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok());
            prop_assert!(made);
            if !path.exists() {
                fs::write(path, "").unwrap();
            }
        }
        #[cfg(unix)]
        for (link, target) in &links {
            // Where something lies already, or the folder is missing, there is no link.
            drop(std::os::unix::fs::symlink(top.join(target), top.join(link)));
        }
        #[cfg(not(unix))]
        drop(links);
        let manifest = top.join(manifest);
        let root = rooted.then_some(top.as_path());
        let bases = if rooted { vec![top.clone()] } else { folders_above(&manifest).unwrap() };
        let keys: BTreeSet<&str> =
            keys.iter().map(String::as_str).filter(|key| !key.starts_with('/')).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        // One by one, and all that resolve in one go, so that what is remembered is put to use.
        let wanted: Vec<_> = keys.iter().map(|key| oracle(&bases, key)).collect();
        for (key, wanted) in keys.iter().zip(&wanted) {
            let found = outcome(locate_files(&report(&manifest, &[key]), root));
            prop_assert_eq!(&found, wanted, "{}", key);
        }
        let (good, paths): (Vec<&str>, Vec<PathBuf>) = keys
            .iter()
            .zip(&wanted)
            .filter_map(|(key, wanted)| Some((*key, wanted.clone().ok()?)))
            .unzip();
        prop_assert_eq!(locate_files(&report(&manifest, &good), root).unwrap(), paths);
    }
}
