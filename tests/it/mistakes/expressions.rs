//! Mistakes in predicates and statements, and predicates that select nothing.

use super::ground::Ground;
use super::{assert_reviewed, shown};

const NOT_SQL: [&str; 75] = [
    "",
    "Size > 5GB",
    "Size > 5 gigabytes",
    "Size > 1,000",
    "Size > 1,5",
    "Size > 1,5GB",
    "Size > '1,5GB'",
    "Size IN ('1,2,3KB')",
    "Size + 0 > ',5KB'",
    "Size > 0x10",
    "Size > 5%",
    "Size > '5XB'",
    "Size > 'abc'",
    "Size 5",
    "Size >",
    "> 5",
    "Size => 5",
    "Size =< 5",
    "Size ≥ 5",
    "Size gt 5",
    "Size greater than or equal to 5",
    "Size BETWEEN 1",
    "Size BETWEEN 1, 5",
    "Size BETWEEN 5 AND",
    "Size IN 5",
    "Size IN ()",
    "Size IS NOT 'X'",
    "Size IS EMPTY",
    "Size &gt; 5",
    "Key GLOB 'logs/*'",
    "Key LIKE \"logs/%\"",
    "Key LIKE logs/%",
    "Key = logs/a.txt",
    "Key = logs/*",
    "Key = 'logs/a",
    "Key = 'it's'",
    "Key = “logs/a”",
    "Key = ''logs/a''",
    "Key = 'a' 'b'",
    "Key = $1",
    "Key =~ '^logs'",
    "Key RLIKE '^logs'",
    "Key NOT REGEXP '^logs'",
    "Key contains 'logs'",
    "Key starts with 'logs/'",
    "contains(Key, 'logs')",
    "regexp_like(Key, '[a-')",
    "Key IN ['a', 'b']",
    "Key NOT 'a'",
    "Key ILIKE ANY ('a', 'b')",
    "Key = (SELECT MAX(Key) FROM t)",
    "dt IN (SELECT MAX(dt) FROM t)",
    "VersionId NULL",
    "CAST(Size AS ) > 5",
    "LastModifiedDate now() - INTERVAL '30 days'",
    "[Key] = 'a'",
    "Storage Class = 'GLACIER'",
    "StorageClass = GLACIER",
    "StorageClas = 'GLACIER'",
    "ReplicationStatus = 'FAILED'",
    "LastModifiedDate < 2025-01-01",
    "LastModifiedDate < 2025-01-01T00:00:00Z",
    "LastModifiedDate < 'yesterday'",
    "LastModifiedDate < now() - 30 days",
    "IsLatest = yes",
    "IsLatest && Size > 5",
    "IsLatest || Size > 5",
    "!IsLatest",
    "IsLatest AND",
    "AND IsLatest",
    "IsLatest AND AND Size > 5",
    "(IsLatest AND Size > 5",
    "IsLatest AND Size > 5)",
    "IsLatest Size > 5",
    "IsLatest LIMIT 10",
];

const LONG: [&str; 3] = [
    "Size > 5\n  AND Key GLOB 'logs/*'\n  AND IsLatest",
    "Key IN ('logs/2025/01/01/a', 'logs/2025/01/02/a', 'logs/2025/01/03/a', 'logs/2025/01/04/a') \
     && Size > 5 AND StorageClass IN ('STANDARD', 'GLACIER', 'DEEP_ARCHIVE', 'STANDARD_IA')",
    "{\"Size\": {\"$gt\": 5}}",
];

#[test]
fn of_expressions() {
    let ground = Ground::new();
    let lines: Vec<[&str; 4]> =
        NOT_SQL.iter().chain(&LONG).map(|text| ["count", "report", "--where", text]).collect();
    let cases: Vec<&[&str]> = lines.iter().map(|line| line.as_slice()).collect();
    assert_reviewed("expressions", &shown(&ground, &cases));
}

#[test]
fn of_statements() {
    let ground = Ground::new();
    let filter = |sql| ["filter", "report", "--out", "new", "--sql", sql];
    let lines = [
        "",
        "Size > 5",
        "SELECT",
        "SELECT * FROM S3Object WHERE",
        "SELECT * FROM S3Object s WHERE s.Size > 5GB",
        "SELECT * FROM S3Object s WHERE s.Kee = 'a'",
        "SELECT COUNT(*) FROM S3Object",
        "SELECT Key FROM S3Object",
        "SELECT * FROM S3Object ORDER BY Size",
        "SELECT * FROM S3Object LIMIT many",
        "SELECT * FROM S3Object; DROP TABLE x",
        "UPDATE S3Object SET Size = 5",
        "SELECT *",
        "SELECT s._1, ._2 FROM S3Object s",
        "SELECT a.Bucket, a.Key FROM a JOIN b ON a.Key = b.Key",
        "SELECT * FROM a, b WHERE a.Key = b.Key",
        "SELECT * FROM a WHERE dt IN (SELECT MAX(dt) FROM a)",
        "SELECT * FROM (SELECT * FROM a) WHERE Size > 5",
        "WITH x AS (SELECT * FROM a) SELECT * FROM x",
        "SELECT * FROM a WHERE Size > 5 UNION ALL SELECT * FROM b",
        "SELECT * FROM S3Object s s.Size > 5",
    ]
    .map(filter);
    let cases: Vec<&[&str]> = lines.iter().map(|line| line.as_slice()).collect();
    assert_reviewed("statements", &shown(&ground, &cases));
}

#[test]
fn of_predicates_that_select_nothing() {
    let ground = Ground::new();
    let lines = [
        "Key LIKE 'logs/*'",
        "Key = 'logs/*'",
        "Key = 'photos/caf%C3%A9+1.jpg'",
        "Key LIKE '/logs/%'",
        "Key = 's3://demo/logs/a.txt'",
        "starts_with(Key, 's3://demo/logs/')",
        "ends_with(Key, '*.txt')",
        "Key = 'logs/'",
        "Key LIKE 'logs/'",
        "VersionId = 'null'",
        "VersionId = NULL",
        "StorageClass <> 'STANDARD'",
        "StorageClass = 'GLACIAR'",
        "ObjectAccessControlList = 'public-read'",
    ]
    .map(|text| ["count", "report", "--where", text]);
    let mut cases: Vec<&[&str]> = lines.iter().map(|line| line.as_slice()).collect();
    let plan = ["filter", "report", "--where", "Key LIKE 'logs/*'", "--out", "none"];
    cases.push(&plan);
    assert_reviewed("nothing-selected", &shown(&ground, &cases));
}

#[test]
fn access_lists_are_compared_decoded() {
    let ground = Ground::new();
    for (text, rows) in [
        ("ObjectAccessControlList LIKE '%AllUsers%'", 1),
        ("ObjectAccessControlList = '{}'", 1),
        ("ObjectAccessControlList IS NULL", 1),
        ("ObjectAccessControlList LIKE 'e%'", 0),
    ] {
        let run = ground.run(&["count", "report", "--where", text, "--format", "json"]).expect(0);
        assert_eq!(run.json()["rows_matched"], rows, "{text}{}", run.story());
    }
}

#[test]
fn hints_are_told_to_programs_too() {
    let ground = Ground::new();
    let arguments = ["count", "report", "--where", "Key = 'logs/*'", "--format", "json"];
    let result = ground.run(&arguments).expect(0).json();
    let warning = result["warnings"][0].as_str().unwrap();
    assert!(warning.contains("write Key LIKE 'logs/%'"), "{warning}");
}
