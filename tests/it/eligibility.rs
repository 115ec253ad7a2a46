//! `--for`: each row that an operation can't do is excluded for the right reason, and no other.
//!
//! Held against a plain function for each operation, which looks at fields and knows nothing of the
//! predicate language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use proptest::prelude::*;
use s3sieve::{
    CopyClass, FilterOptions, OperationKind, OperationOptions, Plan, Query, ReportOptions,
    RunControl, ScanOptions, StorageClass,
};

use crate::fixture::{ReportFolder, plan_document, row, s3sieve};

/// What `now()` is in these tests.
const NOW: &str = "2026-01-01T00:00:00.000Z";

/// Columns that rules look at, and values that they may hold.
const COLUMNS: [(&str, &[&str]); 11] = [
    ("VersionId", &["", "v1", "v2"]),
    ("IsLatest", &["true", "false", "False", ""]),
    ("IsDeleteMarker", &["false", "false", "false", "true", "TRUE", ""]),
    ("Size", &["0", "17", "5368709120", "5368709121", ""]),
    (
        "StorageClass",
        &["STANDARD", "GLACIER", "Deep_Archive", "INTELLIGENT_TIERING", "GLACIER_IR", ""],
    ),
    ("EncryptionStatus", &["SSE-S3", "SSE-KMS", "SSE-C", "DSSE-KMS", "NOT-SSE", "not-sse", ""]),
    ("ObjectLockRetainUntilDate", &["", "2020-01-01T00:00:00.000Z", NOW, "2026-01-01T00:00:01Z"]),
    ("ObjectLockMode", &["", "", "GOVERNANCE", "Compliance"]),
    ("ObjectLockLegalHoldStatus", &["", "Off", "On", "ON"]),
    ("ObjectLockEventHoldStatus", &["", "OFF", "ON"]),
    (
        "IntelligentTieringAccessTier",
        &["", "FREQUENT", "ARCHIVE_INSTANT_ACCESS", "ARCHIVE", "Deep_Archive"],
    ),
];

/// The parts of each operation's rules: reasons with the columns that each part looks at.
fn parts(kind: OperationKind) -> Vec<(&'static str, &'static [&'static str])> {
    let archived: [(&str, &[&str]); 2] =
        [("archived", &["StorageClass"]), ("archived", &["IntelligentTieringAccessTier"])];
    let sse_c: (&str, &[&str]) = ("sse-c", &["EncryptionStatus"]);
    let own: Vec<(&str, &[&str])> = match kind {
        OperationKind::UpdateEncryption => vec![
            sse_c,
            ("dsse-kms", &["EncryptionStatus"]),
            ("not-encrypted", &["EncryptionStatus"]),
            ("object-locked", &["ObjectLockMode", "ObjectLockRetainUntilDate"]),
            ("object-locked", &["ObjectLockLegalHoldStatus"]),
            ("object-locked", &["ObjectLockEventHoldStatus"]),
            ("not-sse-kms", &["EncryptionStatus"]),
        ],
        OperationKind::Copy => vec![
            ("too-large", &["Size"]),
            archived[0],
            archived[1],
            sse_c,
            (NONCURRENT, &["IsLatest"]),
        ],
        OperationKind::Restore => vec![
            ("not-archived", &["StorageClass"]),
            ("not-archived", &["StorageClass", "IntelligentTieringAccessTier"]),
        ],
        OperationKind::Replicate => archived.to_vec(),
        OperationKind::Checksum => vec![sse_c],
        _ => Vec::new(),
    };
    [vec![("delete-marker", &["IsDeleteMarker"][..])], own].concat()
}

fn reasons(kind: OperationKind) -> Vec<&'static str> {
    let mut reasons: Vec<&str> = parts(kind).into_iter().map(|(reason, _)| reason).collect();
    reasons.dedup();
    if kind == OperationKind::Copy {
        reasons.insert(reasons.len() - 1, NO_CURRENT_VERSION);
    }
    reasons
}

/// The one reason that manifests without version ids have.
const NONCURRENT: &str = "noncurrent";

/// The one reason that depends on the other rows of a plan.
const NO_CURRENT_VERSION: &str = "no-current-version";

/// Keys, few enough that rows share them.
fn key(number: usize) -> String {
    format!("k/{}", number % 5)
}

/// A row by column, values in upper case; a column that the report lacks is not in it.
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    fn is(&self, column: &str, value: &str) -> bool {
        self.get(column) == Some(value)
    }
}

/// Whether the operation can't do the row for this reason.
fn is_true(reason: &str, row: &Fields) -> bool {
    match reason {
        "delete-marker" => row.is("IsDeleteMarker", "TRUE"),
        "sse-c" => row.is("EncryptionStatus", "SSE-C"),
        "dsse-kms" => row.is("EncryptionStatus", "DSSE-KMS"),
        "not-encrypted" => row.is("EncryptionStatus", "NOT-SSE"),
        "object-locked" => is_locked(row),
        "not-sse-kms" => matches!(row.get("EncryptionStatus"), Some("SSE-S3" | "")),
        "too-large" => bytes(row) > 5 * 1024 * 1024 * 1024,
        "archived" => is_archive_class(row) || is_archive_tier(row),
        "not-archived" => match row.get("StorageClass") {
            None | Some("" | "GLACIER" | "DEEP_ARCHIVE") => false,
            Some("INTELLIGENT_TIERING") => {
                row.get("IntelligentTieringAccessTier").is_some() && !is_archive_tier(row)
            }
            Some(_) => true,
        },
        NO_CURRENT_VERSION => false,
        NONCURRENT => row.is("IsLatest", "FALSE"),
        _ => panic!("{reason} is new: write here what it means"),
    }
}

fn bytes(row: &Fields) -> u64 {
    row.get("Size").and_then(|size| size.parse().ok()).unwrap_or(0)
}

fn is_archive_class(row: &Fields) -> bool {
    row.is("StorageClass", "GLACIER") || row.is("StorageClass", "DEEP_ARCHIVE")
}

fn is_archive_tier(row: &Fields) -> bool {
    row.is("IntelligentTieringAccessTier", "ARCHIVE")
        || row.is("IntelligentTieringAccessTier", "DEEP_ARCHIVE")
}

fn is_locked(row: &Fields) -> bool {
    let retained = match (row.get("ObjectLockMode"), row.get("ObjectLockRetainUntilDate")) {
        (None | Some(""), _) | (_, None) => false,
        (Some(_), Some("")) => true,
        (Some(_), Some(until)) => until.get(..19) > NOW.get(..19),
    };
    retained
        || row.is("ObjectLockLegalHoldStatus", "ON")
        || row.is("ObjectLockEventHoldStatus", "ON")
}

/// A filter to be tried.
#[derive(Debug, Clone)]
struct Case {
    kind: OperationKind,
    include: Option<usize>,
    named_class: bool,
    version_ids: bool,
    columns: Vec<&'static str>,
    /// Data files of rows; of each value its place in [`COLUMNS`].
    files: Vec<Vec<Vec<usize>>>,
    threads: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let least = COLUMNS.len() - 4;
    let columns = prop::sample::subsequence(names, least..=COLUMNS.len()).prop_shuffle();
    let rows = prop::collection::vec(prop::collection::vec(0..60usize, COLUMNS.len()), 0..30);
    let options = (prop::option::of(0..4usize), any::<bool>(), any::<bool>(), 1..4usize);
    let kind = prop::sample::select(OperationKind::ALL.to_vec());
    (kind, options, columns, prop::collection::vec(rows, 1..4)).prop_map(
        |(kind, (include, named_class, version_ids, threads), mut columns, files)| {
            // Replication is refused without version ids; another test has that.
            let replicates = kind == OperationKind::Replicate;
            if replicates && !columns.contains(&"VersionId") {
                columns.push("VersionId");
            }
            let version_ids = version_ids || replicates;
            // So are copies of versions of which nothing tells the current one.
            let copies_versions =
                kind == OperationKind::Copy && version_ids && columns.contains(&"VersionId");
            if copies_versions && !columns.contains(&"IsLatest") {
                columns.push("IsLatest");
            }
            Case { kind, include, named_class, version_ids, columns, files, threads }
        },
    )
}

impl Case {
    /// The values of a row in the order of the report's columns, behind bucket and key.
    fn values(&self, row: &[usize]) -> Vec<&'static str> {
        let value = |name: &&str| {
            let place = COLUMNS.iter().position(|(known, _)| known == name).unwrap();
            let values = COLUMNS[place].1;
            values[row[place] % values.len()]
        };
        self.columns.iter().map(value).collect()
    }

    fn report(&self) -> ReportFolder {
        let text = |(file, rows): (usize, &Vec<Vec<usize>>)| {
            let line = |(number, fields): (usize, &Vec<usize>)| {
                let key = key(file + number);
                row(&[&["demo", key.as_str()], self.values(fields).as_slice()].concat())
            };
            rows.iter().enumerate().map(line).collect::<String>()
        };
        let texts: Vec<String> = self.files.iter().enumerate().map(text).collect();
        let files: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let columns = [&["Bucket", "Key"], self.columns.as_slice()].concat();
        ReportFolder::new(&columns.join(", "), &files)
    }

    /// The reason that is not to be applied.
    fn included(&self) -> Option<&'static str> {
        let has_versions = self.version_ids && self.columns.contains(&"VersionId");
        let takes_markers =
            matches!(self.kind, OperationKind::Replicate | OperationKind::Lambda) && has_versions;
        let reasons = reasons(self.kind);
        let own = &reasons[usize::from(!takes_markers)..];
        self.include.filter(|_| !own.is_empty()).map(|place| own[place % own.len()])
    }

    fn run(&self, report: &ReportFolder) -> Plan {
        let reports = s3sieve::open(&[report.manifest.as_path().into()], &ReportOptions::default());
        let named = self.kind == OperationKind::Copy && self.named_class;
        let mut operation = OperationOptions::new(self.kind).include_ineligible(self.included());
        if named {
            operation = operation.storage_class(CopyClass::Of(StorageClass::StandardIa));
        }
        let options = FilterOptions::new(Query::All, report.out())
            .operation(operation)
            .version_ids(self.version_ids)
            .now(NOW.parse().unwrap())
            .scan(ScanOptions::default().threads(NonZeroUsize::new(self.threads).unwrap()));
        let outcome = s3sieve::filter(&reports.unwrap(), &options, RunControl::default());
        outcome.unwrap().plan
    }

    /// Whether noncurrent versions are looked for that no current version follows.
    fn copies_versions(&self) -> bool {
        let has = |name| self.columns.contains(&name);
        let knows = has("VersionId") && has("IsLatest") && self.version_ids;
        self.kind == OperationKind::Copy && knows && self.included() != Some(NO_CURRENT_VERSION)
    }

    /// Whether rows of noncurrent versions may be in manifests that don't name versions.
    fn may_be_nameless(&self) -> bool {
        let has = |name| self.columns.contains(&name);
        (has("VersionId") || has("IsLatest")) && !(has("VersionId") && self.version_ids)
    }

    /// Whether a reason can be true of any row.
    fn knows(&self, reason: &str) -> bool {
        match reason {
            NO_CURRENT_VERSION => self.columns.contains(&"IsLatest"),
            NONCURRENT => self.may_be_nameless(),
            _ => true,
        }
    }

    /// The columns that the plan must be split by.
    fn split_by(&self) -> Vec<&'static str> {
        let wanted: &[&str] = match self.kind {
            OperationKind::Copy if self.named_class => &["IsLatest"],
            OperationKind::Copy => &["StorageClass", "IsLatest"],
            OperationKind::Restore => &["StorageClass"],
            _ => &[],
        };
        wanted.iter().copied().filter(|column| self.columns.contains(column)).collect()
    }
}

type Split = BTreeMap<String, Option<String>>;

/// What must come of a case.
#[derive(Default)]
struct Expected {
    /// In plan order: what rows have in common, whether they are current versions whose copies
    /// fail, and the lines.
    shards: Vec<(Split, bool, String)>,
    /// By reason: the lines.
    excluded: BTreeMap<&'static str, String>,
    object_bytes: u64,
}

impl Expected {
    fn of(case: &Case) -> Self {
        let mut expected = Self::default();
        let split_by = case.split_by();
        for (file, rows) in case.files.iter().enumerate() {
            for (number, numbers) in rows.iter().enumerate() {
                let values = case.values(numbers);
                let place = |name: &str| case.columns.iter().position(|known| *known == name);
                let names = case.columns.iter().map(|name| (*name).to_owned());
                let upper = values.iter().map(|value| value.to_ascii_uppercase());
                let fields = Fields(names.zip(upper).collect());
                let version = place("VersionId").filter(|_| case.version_ids);
                let version = version.map(|place| match values[place] {
                    "" => ",null".to_owned(),
                    id => format!(",{id}"),
                });
                let key = key(file + number);
                let line = format!("demo,{key}{}\n", version.unwrap_or_default());
                let rules = reasons(case.kind).into_iter();
                let mut rules =
                    rules.filter(|reason| case.included() != Some(reason) && case.knows(reason));
                if let Some(reason) = rules.find(|reason| is_true(reason, &fields)) {
                    *expected.excluded.entry(reason).or_default() += &line;
                    continue;
                }
                expected.object_bytes += bytes(&fields);
                let split = split_by.iter().map(|name| {
                    let value = values[place(name).unwrap()];
                    ((*name).to_owned(), (!value.is_empty()).then(|| value.to_owned()))
                });
                let doomed = case.copies_versions()
                    && !fields.is("IsLatest", "FALSE")
                    && case.included().is_some_and(|reason| is_true(reason, &fields));
                expected.add(split.collect(), doomed, &line);
            }
        }
        if case.kind == OperationKind::Copy {
            let is_current = |split: &Split| {
                let latest = split.get("IsLatest").cloned().flatten();
                latest.is_none_or(|latest| !latest.eq_ignore_ascii_case("false"))
            };
            if case.copies_versions() {
                expected.exclude_unfollowed(is_current);
            }
            expected.shards.sort_by_key(|(split, ..)| is_current(split));
        }
        expected
    }

    /// Noncurrent versions stay where the current version of their key does.
    fn exclude_unfollowed(&mut self, is_current: impl Fn(&Split) -> bool) {
        let key = |line: &str| line.rsplit_once(',').unwrap().0.to_owned();
        let current = self.shards.iter().filter(|(split, doomed, _)| is_current(split) && !doomed);
        let keys: BTreeSet<String> =
            current.flat_map(|(_, _, text)| text.lines().map(key)).collect();
        for (_, _, text) in self.shards.iter_mut().filter(|(split, ..)| !is_current(split)) {
            let lines = text.split_inclusive('\n').map(str::to_owned);
            let (kept, gone): (Vec<_>, Vec<_>) = lines.partition(|line| keys.contains(&key(line)));
            *text = kept.concat();
            if !gone.is_empty() {
                *self.excluded.entry(NO_CURRENT_VERSION).or_default() += &gone.concat();
            }
        }
        self.shards.retain(|(_, _, text)| !text.is_empty());
    }

    fn add(&mut self, split: Split, doomed: bool, line: &str) {
        let is_of = |(known, is_doomed, _): &&mut (Split, bool, String)| {
            *known == split && *is_doomed == doomed
        };
        match self.shards.iter_mut().find(is_of) {
            Some((_, _, lines)) => lines.push_str(line),
            None => self.shards.push((split, doomed, line.to_owned())),
        }
    }
}

fn missing(case: &Case) -> Vec<(String, Vec<String>)> {
    let has = |name: &&str| case.columns.contains(name);
    let lists_versions = has(&"VersionId") || has(&"IsLatest");
    let mut found = Vec::new();
    for (reason, columns) in parts(case.kind) {
        let missing: Vec<String> =
            columns.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect();
        let is_needless = reason == "delete-marker" && !lists_versions;
        let is_known = reason != NONCURRENT || case.may_be_nameless();
        if !missing.is_empty() && !is_needless && is_known && case.included() != Some(reason) {
            found.push((reason.to_owned(), missing));
        }
    }
    found
}

fn check(case: &Case) {
    let report = case.report();
    let plan = case.run(&report);
    let out = report.out();
    let expected = Expected::of(case);
    let read = |path: &str| fs::read_to_string(out.join(path)).unwrap();
    let shards: Vec<_> =
        plan.shards.iter().map(|shard| (shard.split.clone(), read(&shard.path))).collect();
    let wanted = expected.shards.into_iter().map(|(split, _, text)| (split, text));
    assert_eq!(shards, wanted.collect::<Vec<_>>());
    for (number, shard) in plan.shards.iter().enumerate() {
        assert_eq!(shard.path, format!("manifests/{number:05}.csv"));
    }
    let listed: Vec<&str> = plan.excluded.iter().map(|excluded| &*excluded.reason).collect();
    let mut in_force = reasons(case.kind);
    in_force.retain(|reason| case.knows(reason));
    in_force.retain(|reason| case.included() != Some(reason));
    assert_eq!(listed, in_force);
    for excluded in &plan.excluded {
        let lines = excluded.paths.first().map(|path| read(path));
        assert_eq!(lines.as_ref(), expected.excluded.get(&*excluded.reason));
        assert_eq!(excluded.rows, lines.map_or(0, |lines| lines.lines().count() as u64));
    }
    let rows: u64 = plan.excluded.iter().map(|excluded| excluded.rows).sum();
    assert_eq!(plan.totals.rows_excluded, rows);
    let sized = case.columns.contains(&"Size").then_some(expected.object_bytes);
    let sized = sized.filter(|_| !expected.excluded.contains_key(NO_CURRENT_VERSION));
    assert_eq!(plan.totals.bytes_objects, sized);
    let operation = plan.operation.unwrap();
    let not_checked: Vec<_> =
        operation.not_checked.into_iter().map(|part| (part.reason, part.missing)).collect();
    assert_eq!(not_checked, missing(case));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_row_goes_where_a_plain_reading_says(case in cases()) {
        check(&case);
    }
}

/// Every kind of row that some operation can't do, by the name in its key.
const EVERY_KIND: [(&str, &[(&str, &str)]); 20] = [
    ("plain", &[]),
    ("marker", &[("IsDeleteMarker", "true"), ("Size", ""), ("StorageClass", "")]),
    ("large", &[("Size", "5368709121")]),
    ("largest", &[("Size", "5368709120")]),
    ("glacier", &[("StorageClass", "GLACIER")]),
    ("deep", &[("StorageClass", "DEEP_ARCHIVE")]),
    ("instant", &[("StorageClass", "GLACIER_IR")]),
    ("tier-none", &[("StorageClass", "INTELLIGENT_TIERING")]),
    (
        "tier-frequent",
        &[("StorageClass", "INTELLIGENT_TIERING"), ("IntelligentTieringAccessTier", "FREQUENT")],
    ),
    (
        "tier-archive",
        &[("StorageClass", "INTELLIGENT_TIERING"), ("IntelligentTieringAccessTier", "ARCHIVE")],
    ),
    ("kms", &[("EncryptionStatus", "SSE-KMS")]),
    ("customer", &[("EncryptionStatus", "SSE-C")]),
    ("twice", &[("EncryptionStatus", "DSSE-KMS")]),
    ("bare", &[("EncryptionStatus", "NOT-SSE")]),
    (
        "retained",
        &[("ObjectLockMode", "GOVERNANCE"), ("ObjectLockRetainUntilDate", "2999-01-01T00:00:00Z")],
    ),
    (
        "expired",
        &[("ObjectLockMode", "COMPLIANCE"), ("ObjectLockRetainUntilDate", "2001-01-01T00:00:00Z")],
    ),
    ("endless", &[("ObjectLockMode", "COMPLIANCE")]),
    ("legal", &[("ObjectLockLegalHoldStatus", "On")]),
    ("free", &[("ObjectLockLegalHoldStatus", "Off"), ("ObjectLockEventHoldStatus", "OFF")]),
    ("event", &[("ObjectLockEventHoldStatus", "ON")]),
];

/// A report of these rows; fields that a row doesn't name are those of an everyday object.
fn every_kind() -> ReportFolder {
    let everyday = [
        ("VersionId", "v"),
        ("IsLatest", "true"),
        ("IsDeleteMarker", "false"),
        ("Size", "10"),
        ("StorageClass", "STANDARD"),
        ("EncryptionStatus", "SSE-S3"),
    ];
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let line = |(key, own): &(&str, &[(&str, &str)])| {
        let value = |name: &&str| {
            let all = own.iter().chain(&everyday);
            let found = all.clone().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| *value)
        };
        let values: Vec<&str> = names.iter().map(value).collect();
        row(&[&["demo", *key], values.as_slice()].concat())
    };
    let text: String = EVERY_KIND.iter().map(line).collect();
    ReportFolder::new(
        &[&["Bucket", "Key"], names.as_slice()].concat().join(", "),
        &[text.as_bytes()],
    )
}

/// A reason, and the keys of the rows that are excluded for it.
type SetAside = (&'static str, &'static [&'static str]);

/// For each operation, in the order in which reasons are tried.
const SET_ASIDE: [(&str, &[SetAside]); 11] = [
    (
        "update-encryption",
        &[
            ("delete-marker", &["marker"]),
            ("sse-c", &["customer"]),
            ("dsse-kms", &["twice"]),
            ("not-encrypted", &["bare"]),
            ("object-locked", &["retained", "endless", "legal", "event"]),
            (
                "not-sse-kms",
                &[
                    "plain",
                    "large",
                    "largest",
                    "glacier",
                    "deep",
                    "instant",
                    "tier-none",
                    "tier-frequent",
                    "tier-archive",
                    "expired",
                    "free",
                ],
            ),
        ],
    ),
    (
        "copy",
        &[
            ("delete-marker", &["marker"]),
            ("too-large", &["large"]),
            ("archived", &["glacier", "deep", "tier-archive"]),
            ("sse-c", &["customer"]),
        ],
    ),
    ("tag", &[("delete-marker", &["marker"])]),
    ("delete-tags", &[("delete-marker", &["marker"])]),
    (
        "restore",
        &[
            ("delete-marker", &["marker"]),
            (
                "not-archived",
                &[
                    "plain",
                    "large",
                    "largest",
                    "instant",
                    "tier-none",
                    "tier-frequent",
                    "kms",
                    "customer",
                    "twice",
                    "bare",
                    "retained",
                    "expired",
                    "endless",
                    "legal",
                    "free",
                    "event",
                ],
            ),
        ],
    ),
    ("acl", &[("delete-marker", &["marker"])]),
    ("legal-hold", &[("delete-marker", &["marker"])]),
    ("retention", &[("delete-marker", &["marker"])]),
    (
        "replicate",
        &[("delete-marker", &["marker"]), ("archived", &["glacier", "deep", "tier-archive"])],
    ),
    ("checksum", &[("delete-marker", &["marker"]), ("sse-c", &["customer"])]),
    ("lambda", &[("delete-marker", &["marker"])]),
];

fn keys(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn every_operation_sets_aside_what_it_cannot_do() {
    let report = every_kind();
    let manifest = report.manifest.to_str().unwrap();
    assert_eq!(SET_ASIDE.map(|(name, _)| name), OperationKind::ALL.map(OperationKind::name));
    for (operation, reasons) in SET_ASIDE {
        let out = report.folder.path().join(operation);
        let run = s3sieve([
            "filter",
            manifest,
            "--where",
            "TRUE",
            "--for",
            operation,
            "--out",
            out.to_str().unwrap(),
        ])
        .expect(0);
        let plan = plan_document(&out);
        let mut keys_excluded = Vec::new();
        for (place, (reason, expected)) in reasons.iter().enumerate() {
            let excluded = &plan["excluded"][place];
            assert_eq!(excluded["reason"], *reason, "{operation}");
            let found = keys(&out.join(excluded["paths"][0].as_str().unwrap()));
            assert_eq!(found, *expected, "{operation} {reason}");
            let counted = format!("excluded: {reason} (excluded/{reason}.csv)");
            assert!(run.stdout().contains(&counted), "{}", run.story());
            keys_excluded.extend(found);
        }
        let excluded = plan["excluded"].as_array().unwrap().iter();
        let met = excluded.filter(|excluded| excluded["rows"] != 0).count();
        assert_eq!(met, reasons.len(), "{operation}");
        assert_eq!(plan["operation"]["name"], operation);
        assert_eq!(plan["operation"]["not_checked"].as_array().unwrap().len(), 0);
        let mut kept: Vec<String> = Vec::new();
        for shard in plan["shards"].as_array().unwrap() {
            kept.extend(keys(&out.join(shard["path"].as_str().unwrap())));
        }
        kept.sort();
        let all = EVERY_KIND.iter().map(|(key, _)| (*key).to_owned());
        let mut expected: Vec<_> = all.filter(|key| !keys_excluded.contains(key)).collect();
        expected.sort();
        assert_eq!(kept, expected, "{operation}");
    }
}

#[test]
fn every_reason_and_condition_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/eligibility.md");
    let text = fs::read_to_string(path).unwrap();
    for kind in OperationKind::ALL {
        assert!(text.contains(&format!("`{}`", kind.name())), "{}", kind.name());
        for rule in kind.rules() {
            assert!(text.contains(&format!("`{}`", rule.reason)), "{}", rule.reason);
            for part in rule.parts {
                assert!(text.contains(&format!("`{}`", part.condition)), "{}", part.condition);
            }
        }
    }
}
