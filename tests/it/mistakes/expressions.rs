//! Mistakes in predicates and statements, and predicates that select nothing.

use super::ground::Ground;
use super::{assert_reviewed, shown};

const NOT_SQL: [&str; 80] = [
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
    "LastModifiedDate > now() - 30",
    "LastModifiedDate > current_date - 7",
    "LastModifiedDate + 30 < now()",
    "LastModifiedDate > dateadd(day, -30, now())",
    "Tags = 'x'",
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
        "SELECT * FROM S3Object ORDER BY Size DESC LIMIT 10",
        "SELECT * FROM S3Object LIMIT many",
        "SELECT * FROM S3Object; DROP TABLE x",
        "SELECT * FROM S3Object; SELECT * FROM S3Object",
        "EXPLAIN SELECT * FROM S3Object",
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
        "Key LIKE '%*%'",
        "Key LIKE 'logs/?.txt'",
        "Key LIKE '/logs/%'",
        "Key = 's3://demo/logs/a.txt'",
        "starts_with(Key, 's3://demo/logs/')",
        "ends_with(Key, '*.txt')",
        "Key = 'logs/'",
        "Key LIKE 'logs/'",
        "VersionId = 'null'",
        "VersionId = NULL",
        "StorageClass NOT IN ('GLACIER', NULL)",
        "Size IN (NULL)",
        "Key LIKE NULL",
        "length(Key) = NULL",
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
fn a_column_that_the_report_lacks_is_bad_input_in_every_form() {
    let ground = Ground::new();
    for text in [
        "StorageClas = 'GLACIER'",
        "StorageClass = STANDARD",
        "STANDARD = StorageClass",
        "StorageClass = \"STANDARD\"",
        "Size > Foo",
        "Foo",
        "length(Foo) > 5",
        "Foo IN ('a')",
        "StorageClass IN (\"STANDARD\")",
        "_24 = 1",
        "1 = _24",
        "_0 = 1",
    ] {
        ground.run(&["count", "report", "--where", text]).expect(3);
        let sql = format!("SELECT * FROM s WHERE {text}");
        ground.run(&["filter", "report", "--out", "new", "--sql", &sql]).expect(3);
    }
    for name in ["Foo", "_24", "_0", "\"Foo\""] {
        ground.run(&["count", "report", "--by", name]).expect(3);
        let filter = ["filter", "report", "--where", "TRUE", "--out", "new", "--split-by", name];
        ground.run(&filter).expect(3);
    }
}

#[test]
fn columns_to_group_by_go_by_place_and_in_quotes_too() {
    let ground = Ground::new();
    let counted = |name| {
        let run = ground.run(&["count", "report", "--by", name, "--format", "json"]).expect(0);
        run.json()["groups"].clone()
    };
    let named = counted("StorageClass");
    assert!(named[0]["values"].get("StorageClass").is_some(), "{named}");
    for name in ["_9", "\"StorageClass\"", "`storage_class`"] {
        assert_eq!(counted(name), named, "{name}");
    }
    for (name, out) in [("StorageClass", "a"), ("_9", "b"), ("\"StorageClass\"", "c")] {
        let filter = ["filter", "report", "--where", "TRUE", "--out", out, "--split-by", name];
        ground.run(&filter).expect(0);
    }
    let split = |out: &str| {
        let text = std::fs::read_to_string(ground.path(out).join("plan.json")).unwrap();
        let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
        let shards = plan["shards"].as_array().unwrap().clone();
        shards.iter().map(|shard| shard["split"].clone()).collect::<Vec<_>>()
    };
    assert!(split("a").iter().any(|value| value.get("StorageClass").is_some()));
    assert_eq!(split("a"), split("b"));
    assert_eq!(split("a"), split("c"));
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
