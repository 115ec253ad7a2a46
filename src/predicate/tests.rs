//! The language construct by construct, its errors, and matcher, oracle and canonical text held
//! against each other on random predicates and rows.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::diagnostic::explain;
use crate::values::Row;

struct Fields(Vec<Vec<u8>>);

impl Row for Fields {
    fn field(&self, column: usize) -> &[u8] {
        &self.0[column]
    }
}

/// The order of the S3 User Guide's example, and a column that S3 may add one day.
const NAMES: [&str; 22] = [
    "Bucket",
    "Key",
    "VersionId",
    "IsLatest",
    "IsDeleteMarker",
    "Size",
    "LastModifiedDate",
    "ETag",
    "StorageClass",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
    "LifecycleExpirationDate",
    "Select",
];

fn schema() -> Schema {
    Schema::from_names(NAMES)
}

/// 2024-03-31T12:00:00Z.
fn now() -> Timestamp {
    Timestamp::constant(1_711_886_400, 0)
}

fn parse(text: &str) -> Predicate {
    match Predicate::parse(text, &schema(), now()) {
        Ok(predicate) => predicate,
        Err(error) => panic!("{text}\n{error}"),
    }
}

fn error(text: &str) -> String {
    explain(&Predicate::parse(text, &schema(), now()).unwrap_err())
}

fn row(fields: &[(&str, &str)]) -> Fields {
    let mut row = vec![Vec::new(); NAMES.len()];
    for (name, value) in fields {
        row[schema().position(name).unwrap()] = value.as_bytes().to_vec();
    }
    Fields(row)
}

/// The truth value for a row, by the oracle; the matcher and the canonical text must agree.
fn truth(text: &str, fields: &[(&str, &str)]) -> Option<bool> {
    let row = row(fields);
    let predicate = parse(text);
    let truth = predicate.evaluate_slowly(&row);
    assert_eq!(predicate.compile().matches(&row), truth == Some(true), "{text}");
    // `now()` is an instant in the canonical text, so that any clock reads it back.
    check_agreement(&predicate.to_string(), &schema(), &row).unwrap();
    assert_eq!(parse(&predicate.to_string()), predicate, "{text}");
    truth
}

/// Each case: a predicate, one field, and the truth value: `T`, `F` or `N`.
fn check(cases: &[(&str, (&str, &str), char)]) {
    for (text, field, expected) in cases {
        let got = match truth(text, &[*field]) {
            Some(true) => 'T',
            Some(false) => 'F',
            None => 'N',
        };
        assert_eq!(got, *expected, "{text} where {field:?}");
    }
}

#[test]
fn tokens_are_compared_without_case() {
    check(&[
        ("BucketKeyStatus = 'DISABLED'", ("BucketKeyStatus", "DISABLED"), 'T'),
        ("BucketKeyStatus = 'disabled'", ("BucketKeyStatus", "Disabled"), 'T'),
        ("'DISABLED' = BucketKeyStatus", ("BucketKeyStatus", "DISABLED"), 'T'),
        ("bucket_key_status = 'DISABLED'", ("BucketKeyStatus", "ENABLED"), 'F'),
        ("BUCKETKEYSTATUS <> 'DISABLED'", ("BucketKeyStatus", ""), 'N'),
        ("_17 != 'DISABLED'", ("BucketKeyStatus", "ENABLED"), 'T'),
        ("StorageClass LIKE '%_ia'", ("StorageClass", "STANDARD_IA"), 'T'),
        ("regexp_like(StorageClass, '^glacier')", ("StorageClass", "GLACIER_IR"), 'T'),
        ("LOWER(StorageClass) = 'glacier'", ("StorageClass", "GLACIER"), 'T'),
        ("StorageClass IN ('SNOW', 'glacier')", ("StorageClass", "GLACIER"), 'T'),
        ("StorageClass NOT IN ('SNOW', 'GLACIER')", ("StorageClass", "STANDARD"), 'T'),
        ("ChecksumAlgorithm = 'SHA-256'", ("ChecksumAlgorithm", "SHA256"), 'T'),
        ("ChecksumAlgorithm = 'crc64nvme'", ("ChecksumAlgorithm", "CRC64-NVME"), 'T'),
        ("ChecksumAlgorithm LIKE 'SHA-%'", ("ChecksumAlgorithm", "SHA1"), 'T'),
        ("ChecksumAlgorithm = '-'", ("ChecksumAlgorithm", "-"), 'T'),
    ]);
}

#[test]
fn numbers_are_compared_exactly() {
    let size = |value| ("Size", value);
    check(&[
        ("Size = 5", size("5"), 'T'),
        ("Size = '5'", size("05"), 'T'),
        ("Size < '5GiB'", size("5368709119"), 'T'),
        ("Size < '5GiB'", size("5368709120"), 'F'),
        ("Size < 5*1024*1024*1024", size("5368709119"), 'T'),
        ("5 < Size", size("6"), 'T'),
        ("Size > -1", size("0"), 'T'),
        ("Size > -1", size(""), 'N'),
        ("Size < 1.5", size("1"), 'T'),
        ("Size <= 1.5", size("2"), 'F'),
        ("Size > 1.5", size("2"), 'T'),
        ("Size >= 1.5", size("1"), 'F'),
        ("Size = 1.5", size("1"), 'F'),
        ("Size <> 1.5", size("1"), 'T'),
        ("Size <> 1.5", size(""), 'N'),
        ("Size IN (1, 1.5, '2')", size("2"), 'T'),
        ("Size NOT IN (1, 2)", size("3"), 'T'),
        ("Size NOT IN (1, 2)", size("abc"), 'N'),
        ("Size BETWEEN 1 AND 2 + 1", size("3"), 'T'),
        ("Size NOT BETWEEN 1 AND 3", size("4"), 'T'),
        ("Size < 1e3", size("999"), 'T'),
        ("Size > 99999999999999999999999", size("9223372036854775807"), 'F'),
        ("Size = 9223372036854775807", size("9223372036854775807"), 'T'),
        ("Size IS NULL", size("abc"), 'T'),
        ("Size = ''", size(""), 'T'),
        ("Size <> ''", size("0"), 'T'),
        ("CAST(Size AS VARCHAR) LIKE '12%'", size("123"), 'T'),
        ("CAST(_6 AS INT) > 5", size("6"), 'T'),
        ("CAST(ETag AS BIGINT) = -7", ("ETag", "-7"), 'T'),
        ("CAST(Key AS INT) = 15", ("Key", "%315"), 'T'),
        ("CAST(ETag AS DECIMAL) > 0", ("ETag", "abc"), 'N'),
        // What 64 bits with a sign don't hold is NULL, fast or computed, cast or not.
        ("CAST(ETag AS BIGINT) > 5", ("ETag", "9223372036854775808"), 'N'),
        ("CAST(ETag AS BIGINT) + 0 > 5", ("ETag", "9223372036854775808"), 'N'),
        ("CAST(ETag AS BIGINT) = 9223372036854775807", ("ETag", "9223372036854775807"), 'T'),
        ("CAST(ETag AS BIGINT) < -9223372036854775807", ("ETag", "-9223372036854775808"), 'T'),
        ("CAST(ETag AS BIGINT) < 0", ("ETag", "-9223372036854775809"), 'N'),
        ("Size = 18446744073709551615", size("18446744073709551615"), 'N'),
        ("Size + 0 > 5", size("18446744073709551615"), 'N'),
    ]);
}

#[test]
fn dates_are_read_in_every_form() {
    let date = |value| ("LastModifiedDate", value);
    let noon = "2024-01-01T12:00:00.000Z";
    check(&[
        ("LastModifiedDate < '2024-01-02'", date(noon), 'T'),
        ("LastModifiedDate < '2024-01-01'", date(noon), 'F'),
        ("LastModifiedDate = '2024-01-01T13:00:00+01:00'", date(noon), 'T'),
        ("LastModifiedDate = '2024-01-01 12:00:00'", date(noon), 'T'),
        ("LastModifiedDate = TIMESTAMP '2024-01-01 12:00:00'", date(noon), 'T'),
        ("LastModifiedDate >= DATE '2024-01-01'", date(noon), 'T'),
        ("LastModifiedDate > '2024-01-01T11:59:59.999999999Z'", date(noon), 'T'),
        ("LastModifiedDate BETWEEN '2024-01-01' AND '2024-01-02'", date(noon), 'T'),
        ("LastModifiedDate IN ('2024-01-01T12:00Z', '2023-01-01')", date(noon), 'T'),
        ("LastModifiedDate < '2025-01-01'", date("soon"), 'N'),
        ("LastModifiedDate IS NULL", date("soon"), 'T'),
        ("LastModifiedDate IS NOT NULL", date(noon), 'T'),
        ("LastModifiedDate < '9999-12-31'", date("9999-12-30T23:59:59Z"), 'T'),
        ("LastModifiedDate < CAST('2024-02-01' AS TIMESTAMP)", date(noon), 'T'),
        ("LastModifiedDate < TO_TIMESTAMP('2024-02-01T00:00:00Z')", date(noon), 'T'),
        ("TO_TIMESTAMP(_7) < UTCNOW()", date(noon), 'T'),
        ("CAST(VersionId AS TIMESTAMP) = '2024-01-01'", ("VersionId", "2024-01-01"), 'T'),
        // Spaces around it are left out, fast or computed.
        ("CAST(VersionId AS TIMESTAMP) = '2024-01-01'", ("VersionId", " 2024-01-01 "), 'T'),
        ("year(CAST(VersionId AS TIMESTAMP)) = 2024", ("VersionId", " 2024-01-01 "), 'T'),
        ("LastModifiedDate = '2024-01-01'", date(" 2024-01-01"), 'N'),
        ("CAST(LastModifiedDate AS VARCHAR) LIKE '2024-01-%'", date(noon), 'T'),
    ]);
}

#[test]
fn intervals_count_from_now_in_calendar_units() {
    for (text, shown) in [
        ("now()", "2024-03-31T12:00:00Z"),
        ("current_timestamp", "2024-03-31T12:00:00Z"),
        ("current_date", "2024-03-31T00:00:00Z"),
        ("now() - interval '30 days'", "2024-03-01T12:00:00Z"),
        ("now() - INTERVAL '30' DAY", "2024-03-01T12:00:00Z"),
        ("now() - INTERVAL 2 WEEK", "2024-03-17T12:00:00Z"),
        ("now() - interval '1 month'", "2024-02-29T12:00:00Z"),
        ("now() - interval '1 year 1 month'", "2023-02-28T12:00:00Z"),
        ("now() + interval '12 hours'", "2024-04-01T00:00:00Z"),
        ("DATE '2024-01-01' - interval '1 sec'", "2023-12-31T23:59:59Z"),
        ("'2024-01-01' + interval '1 mins 30 secs'", "2024-01-01T00:01:30Z"),
    ] {
        let predicate = parse(&format!("LastModifiedDate < {text}"));
        assert_eq!(predicate.to_string(), format!("LastModifiedDate < '{shown}'"), "{text}");
    }
}

#[test]
fn keys_are_compared_decoded() {
    let key = |value| ("Key", value);
    check(&[
        ("Key = 'a b=c'", key("a+b%3Dc"), 'T'),
        ("Key = 'a b=c'", key("a%20b%3dc"), 'T'),
        ("Key = 'a+b'", key("a+b"), 'F'),
        ("Key LIKE 'dt=2024/%'", key("dt%3D2024/x"), 'T'),
        ("Key LIKE '%é%'", key("caf%C3%A9s"), 'T'),
        ("Key LIKE 'caf_'", key("caf%C3%A9"), 'T'),
        ("Key LIKE '100!%' ESCAPE '!'", key("100%25"), 'T'),
        ("Key NOT LIKE 'photos/%'", key("music/x"), 'T'),
        ("Key ILIKE '%.JPG'", key("x.jPg"), 'T'),
        ("Key ILIKE '%É'", key("caf%C3%A9"), 'T'),
        ("LOWER(Key) LIKE '%.jpg'", key("x.JPG"), 'T'),
        ("UPPER(Key) = 'É'", key("%C3%A9"), 'T'),
        ("regexp_like(Key, '^a b$')", key("a+b"), 'T'),
        ("regexp_like(Key, '(?-u)\\xff')", key("%ff"), 'T'),
        ("Key >= 'm' AND Key < 'n'", key("music"), 'T'),
        ("Key IN ('a b', 'c')", key("a+b"), 'T'),
        ("Key > 'a'", key("%61"), 'F'),
    ]);
}

#[test]
fn boolean_columns_stand_alone() {
    let latest = |value| ("IsLatest", value);
    check(&[
        ("IsLatest", latest("true"), 'T'),
        ("IsLatest", latest("TRUE"), 'T'),
        ("NOT IsLatest", latest("False"), 'T'),
        ("IsLatest", latest("yes"), 'N'),
        ("IsLatest = TRUE", latest("true"), 'T'),
        ("IsLatest = 'False'", latest("false"), 'T'),
        ("IsLatest <> true", latest("false"), 'T'),
        ("IsLatest IN (true, 'false')", latest("false"), 'T'),
        ("IsLatest IS NOT TRUE", latest(""), 'T'),
        ("IsLatest IS UNKNOWN", latest("yes"), 'T'),
        ("IsLatest IS FALSE", latest("false"), 'T'),
        ("IsLatest IS NULL", latest("true"), 'F'),
        ("IsLatest AND NOT IsDeleteMarker", latest("false"), 'F'),
        ("TRUE", latest(""), 'T'),
        ("NOT (FALSE OR NULL)", latest(""), 'N'),
        ("1 = 1 AND IsLatest", latest("true"), 'T'),
    ]);
}

#[test]
fn null_follows_sql_and_empty_text_is_null() {
    let etag = |value| ("ETag", value);
    check(&[
        ("ETag = ''", etag(""), 'T'),
        ("ETag <> ''", etag("x"), 'T'),
        ("ETag IN ('', 'A')", etag(""), 'T'),
        ("ETag IN ('', 'A')", etag("A"), 'T'),
        ("ETag NOT IN ('', 'A')", etag(""), 'F'),
        ("ETag NOT IN ('', 'A')", etag("B"), 'T'),
        ("ETag = NULL", etag(""), 'N'),
        ("ETag IN ('A', NULL)", etag("A"), 'T'),
        ("ETag NOT IN ('A', NULL)", etag("B"), 'N'),
        ("ETag NOT LIKE 'a%'", etag(""), 'N'),
        ("NOT (ETag = 'a' AND ETag = 'b')", etag(""), 'N'),
        ("(ETag = 'a') IS UNKNOWN", etag(""), 'T'),
        ("(ETag = 'a') IS NULL", etag(""), 'T'),
        ("(ETag = 'a' OR IsLatest) IS NOT TRUE", etag(""), 'T'),
        ("ETag = 'a' OR TRUE", etag(""), 'T'),
        ("ETag BETWEEN 'a' AND NULL", etag("b"), 'N'),
    ]);
    assert_eq!(parse("ETag IN ('', 'A')").to_string(), "ETag IS NULL OR ETag = 'A'");
    assert_eq!(parse("ETag <> ''").to_string(), "ETag IS NOT NULL");
}

#[test]
fn the_canonical_text_shows_what_was_understood() {
    for (text, canonical) in [
        ("bucket_key_status = 'disabled'", "BucketKeyStatus = 'DISABLED'"),
        ("Size == 5", "Size = 5"),
        ("size<'5GiB'", "Size < 5368709120"),
        ("_6 BETWEEN 1 AND 2", "Size >= 1 AND Size <= 2"),
        ("((Size = 1)) OR (Size = 2 AND IsLatest)", "Size = 1 OR Size = 2 AND IsLatest"),
        ("(Size=1 OR Size=2) AND IsLatest", "(Size = 1 OR Size = 2) AND IsLatest"),
        ("not (not (size = 1))", "Size = 1"),
        ("not (size = 1 and islatest)", "NOT (Size = 1 AND IsLatest)"),
        ("not size = 1", "NOT Size = 1"),
        ("Size IN (3, 1, 3)", "Size IN (1, 3)"),
        ("Size IN (3)", "Size = 3"),
        ("lower(key) = 'it''s'", "LOWER(Key) = 'it''s'"),
        ("\"key\" like 'a%'", "Key LIKE 'a%'"),
        ("\"select\" = 'x'", "\"Select\" = 'x'"),
        ("LastModifiedDate < '2024-01-01'", "LastModifiedDate < '2024-01-01T00:00:00Z'"),
        ("IsLatest is not unknown", "IsLatest IS NOT NULL"),
        ("(Size = 1 or IsLatest) is not false", "(Size = 1 OR IsLatest) IS NOT FALSE"),
        ("cast(etag as int) = 5", "CAST(ETag AS BIGINT) = 5"),
        ("WHERE `size` >= 1_000;", "Size >= 1000"),
        ("s3_inventory.key = 'a' -- a comment", "Key = 'a'"),
        ("size / 1024 > 5", "Size / 1024 > 5"),
        ("(size + 1) * 2 > length(key)", "(Size + 1) * 2 > length(Key)"),
        ("starts_with(key, 'a_%')", "Key LIKE 'a\\_\\%%' ESCAPE '\\'"),
        ("position('2024' in key) > 0", "Key LIKE '%2024%'"),
        ("coalesce(etag, '') <> 'a'", "ETag IS NULL OR ETag <> 'a'"),
        ("coalesce(etag, '') = 'a'", "ETag IS NOT NULL AND ETag = 'a'"),
        ("split(key,'/')[1] = 'logs'", "element_at(split(Key, '/'), 1) = 'logs'"),
        ("if(islatest, 1, 2) = 1", "CASE WHEN IsLatest THEN 1 ELSE 2 END = 1"),
        (
            "date_add('day', -30, current_date) > lastmodifieddate",
            "LastModifiedDate < '2024-03-01T00:00:00Z'",
        ),
        (
            "date(lastmodifieddate) = '2024-01-01'",
            "CAST(LastModifiedDate AS DATE) = DATE '2024-01-01'",
        ),
        ("extract(year from lastmodifieddate) = 2024", "year(LastModifiedDate) = 2024"),
        ("(size > 0) = true", "Size > 0"),
        ("key || etag || 'x' = 'ax'", "Key || ETag || 'x' = 'ax'"),
        ("cast(size as double) / 1024 > 1.0", "CAST(Size AS DOUBLE) / 1024 > 1"),
        (
            "from_iso8601_timestamp(lastmodifieddate) < '2024-01-01'",
            "LastModifiedDate < '2024-01-01T00:00:00Z'",
        ),
        (
            "lastmodifieddate + interval '1' day > now()",
            "LastModifiedDate + INTERVAL '1 days' > TIMESTAMP '2024-03-31T12:00:00Z'",
        ),
    ] {
        let predicate = parse(text);
        assert_eq!(predicate.to_string(), canonical);
        assert_eq!(parse(canonical), predicate, "{text}");
    }
    assert_eq!(Predicate::always().to_string(), "TRUE");
}

#[test]
fn columns_are_listed_once_in_order() {
    assert_eq!(parse("Size = 1 AND Key = 'a' OR NOT (Size > 2)").columns(), [1, 5]);
    assert_eq!(Predicate::always().columns(), [0; 0]);
}

#[test]
fn unlikely_values_give_warnings() {
    let warnings = |text: &str| parse(text).warnings().join("\n");
    assert_eq!(
        warnings("EncryptionStatus = 'SSE_KMS'"),
        "EncryptionStatus has no known value `SSE_KMS`; known: SSE-S3, SSE-KMS, DSSE-KMS, SSE-C, \
         NOT-SSE; did you mean SSE-KMS?"
    );
    assert_eq!(warnings("EncryptionStatus IN ('sse-kms') AND ChecksumAlgorithm = 'SHA-1'"), "");
    assert!(warnings("LOWER(Key) = 'ABC'").contains("never equals"));
    assert!(warnings("LastModifiedDate <= '2024-01-31'").contains("first instant"));
    assert_eq!(warnings("LastModifiedDate < '2024-01-31'"), "");
    assert!(warnings("Key LIKE ''").contains("never true"));
}

#[test]
fn errors_mark_the_place_and_say_what_to_write() {
    let shown = error("Size > 0 AND BucketKeyStats = 'DISABLED'");
    let expected = "the report has no column `BucketKeyStats`\n  \
                    Size > 0 AND BucketKeyStats = 'DISABLED'\n               \
                    ^^^^^^^^^^^^^^\nhint: did you mean BucketKeyStatus? This report has: Bucket";
    assert!(shown.starts_with(expected), "{shown}");
    assert_eq!(
        error("Key = 'a' AND\n(Size > 5 "),
        "this `(` is never closed\n  line 2: (Size > 5\n          ^\n\
         hint: write a `)` where it is to end"
    );
    for (text, mark, words) in [
        ("ObjectLockEventHoldStatus = 'ON'", "ObjectLockEventHoldStatus", "switch on"),
        ("BucketKeyStatus = DISABLED", "DISABLED", "quotes: 'DISABLED'"),
        ("BucketKeyStatus = \"DISABLED\"", "", "'DISABLED'"),
        ("Size = Key", "Key", "CAST"),
        ("Size = 'big'", "'big'", "5GiB"),
        ("Size = TRUE", "TRUE", "whole numbers"),
        ("ETag = 5", "5", "single quotes"),
        ("LastModifiedDate < 5", "5", "dates"),
        ("LastModifiedDate < 'yesterday'", "'yesterday'", "is no date"),
        ("LastModifiedDate LIKE '2024%'", "LastModifiedDate", "CAST(LastModifiedDate AS VARCHAR)"),
        ("Key", "Key", "alone it is no condition"),
        ("5", "5", "no condition"),
        ("IsLatest > TRUE", "TRUE", "no order"),
        ("Size > ", ">", "a value is missing"),
        ("Size > 5 Key = 'a'", "Key", "AND or OR is missing"),
        ("(Size > 5", "(", "never closed"),
        ("Size > 5)", ")", "closes nothing"),
        ("Key = 'abc", "'", "single quote"),
        ("Key ~ 'a'", "", "regexp_like"),
        ("Key IN (SELECT 1)", "(SELECT", "the values themselves"),
        ("regexp_like(Key, '(')", "'('", "unclosed group"),
        ("regexp_like(Key, '(\\w{900}){900}')", "", "bytes"),
        ("regexp_like(Key, 'a', 'i')", "", "(?i)"),
        ("Key LIKE 'a!' ESCAPE '!'", "'a!'", "escape"),
        ("_23 = 'a'", "_23", "22 columns"),
        ("_0 = 'a'", "_0", "22 columns"),
        ("SELECT * FROM S3Object", "SELECT", "`filter statement`"),
        ("", "", "empty"),
        ("DATE '2024-01-01T12:00' < LastModifiedDate", "'2024-01-01T12:00'", "TIMESTAMP"),
        ("now() - interval '1 fortnight' < LastModifiedDate", "'1 fortnight'", "INTERVAL '30"),
    ] {
        check_error(text, mark, words);
    }
}

#[test]
fn wrong_types_and_functions_say_what_to_write() {
    for (text, mark, words) in [
        ("'StorageClass' = 'GLACIER'", "'StorageClass' = 'GLACIER'", "two constants"),
        ("lengths(Key) > 5", "lengths", "where.md"),
        ("length(Size) > 5", "Size", "CAST(Size AS VARCHAR)"),
        ("Key + 1 > 5", "Key", "CAST(Key AS BIGINT)"),
        ("substr(Key, '1') = 'a'", "'1'", "whole number"),
        ("length(Key, 1) = 1", "length", "takes one argument, not 2"),
        ("length(Key) = 'long'", "'long'", "a number is needed"),
        ("length(Key)", "", "not true or false"),
        ("year(ETag) = 2024", "ETag", "from_iso8601_timestamp(ETag)"),
        ("now() - LastModifiedDate > INTERVAL '1' DAY", "", "date_diff"),
        ("date_diff('fortnight', LastModifiedDate, now()) > 1", "'fortnight'", "'quarter'"),
        ("parse_datetime(ETag, 'yyyy') < now()", "", "from_iso8601_timestamp(ETag)"),
        ("regexp_extract(Key, 'a') = 'a'", "regexp_extract", "split_part"),
        ("split(Key, '/') = 'a'", "split", "split_part"),
        ("Key LIKE Bucket || '%'", "", "starts_with"),
        ("(Key = 'a') > (Key = 'b')", "", "no order"),
        ("greatest(Size, Key) > 1", "Key", "CAST"),
        ("dt = '2026-01-31-01-00'", "dt", "leave"),
        ("StorageClass = \"GLACIERS\"", "", "single quotes"),
    ] {
        check_error(text, mark, words);
    }
}

/// What is marked (anything, where `mark` is empty), and words of the message.
fn check_error(text: &str, mark: &str, words: &str) {
    let shown = error(text);
    let marked: String = match shown.lines().collect::<Vec<_>>().as_slice() {
        [_, line, marks, ..] if marks.contains('^') => line
            .chars()
            .zip(marks.chars())
            .filter(|(_, mark)| *mark == '^')
            .map(|(c, _)| c)
            .collect(),
        _ => String::new(),
    };
    assert!(shown.contains(words), "{text}\n{shown}");
    assert!(mark.is_empty() || marked == mark, "{text}\n{shown}");
}

#[test]
fn hostile_texts_are_refused_without_harm() {
    let deep = [
        "IsLatest".to_owned() + &" AND IsLatest".repeat(10_000),
        "IsLatest".to_owned() + &" IS TRUE".repeat(10_000),
        "IsLatest".to_owned() + &" IS UNKNOWN".repeat(900),
        format!("Size > 1{}", " + 1".repeat(10_000)),
        format!("Size > 1{}", " + 1".repeat(900)),
        format!("{}IsLatest{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}IsLatest", "(".repeat(10_000)),
        "NOT ".repeat(10_000) + "IsLatest",
        format!("Size = {}1", "- ".repeat(10_000)),
        format!("{}{}", "NOT (IsLatest AND (".repeat(24), "IsLatest"),
        format!("{}1", "CAST(".repeat(40)),
        format!("{}1", "CASE ".repeat(900)),
        "(IsLatest OR Size = 1 AND ".repeat(45) + "IsLatest" + &")".repeat(45),
        "a.".repeat(900) + "b",
        "x".repeat(PREDICATE_BYTES_MAX + 1),
        format!("Key = '{}", "x".repeat(PREDICATE_BYTES_MAX / 2)),
        "[".repeat(900),
        "{".repeat(900),
        "a -> ".repeat(900),
        "Size BETWEEN ".repeat(900),
        "INTERVAL ".repeat(900),
        "f(".repeat(48),
        "CASE WHEN ".repeat(8) + "Size > 5" + &" THEN TRUE END".repeat(8),
        "(".repeat(12) + "Size > 5" + &") = IsLatest".repeat(12),
    ];
    for text in deep {
        let start: String = text.chars().take(30).collect();
        let shown = error(&text);
        assert!(shown.len() < 2_000, "{start}: {}", shown.len());
    }
    parse(&("IsLatest".to_owned() + &" AND IsLatest".repeat(900)));
    parse(&format!("Size{} > 5", " + Size".repeat(28)));
    parse("CASE WHEN CASE WHEN Size > 5 THEN TRUE END THEN TRUE END");
    parse(&format!("{}IsLatest{}", "(".repeat(48), ")".repeat(48)));
    let keys: Vec<String> = (0..40_000).map(|n| format!("'photos/{n}'")).collect();
    assert_eq!(
        truth(&format!("Key IN ({})", keys.join(",")), &[("Key", "photos/39999")]),
        Some(true)
    );
}

fn select(sql: &str) -> Select {
    match Select::parse(sql, &schema(), now()) {
        Ok(select) => select,
        Err(error) => panic!("{sql}\n{error}"),
    }
}

#[test]
fn statements_of_s3_select_run_as_they_are() {
    let schema = Schema::from_names([
        "Bucket",
        "Key",
        "VersionId",
        "IsLatest",
        "IsDeleteMarker",
        "BucketKeyStatus",
    ]);
    let seed = "select s._1, s._2, s._3 from s3object s where s._6 = 'DISABLED'";
    let select = Select::parse(seed, &schema, now()).unwrap();
    assert_eq!(select.predicate.to_string(), "BucketKeyStatus = 'DISABLED'");
    assert_eq!(select.limit, None);
    assert_eq!(select.predicate.warnings(), [""; 0]);
    assert_eq!(select.predicate.columns(), [5]);
}

#[test]
fn statements_take_any_alias_limit_and_spelling() {
    for (sql, predicate, limit) in [
        ("SELECT * FROM S3Object", "TRUE", None),
        ("SELECT * FROM s3OBJECT s;", "TRUE", None),
        ("SELECT s.* FROM S3Object AS s WHERE s.size > 5 LIMIT 10;", "Size > 5", Some(10)),
        ("SELECT Bucket, \"Key\" FROM S3Object WHERE S3Object.IsLatest", "IsLatest", None),
        (
            "select t.bucket b, t.\"Key\" as k from s3object t where t.\"Key\" like 'a%'",
            "Key LIKE 'a%'",
            None,
        ),
        (
            "SELECT * FROM S3Object s WHERE CAST(s._6 AS INT) > 5 AND s._2 <> ''",
            "Size > 5 AND Key IS NOT NULL",
            None,
        ),
        ("SELECT * FROM S3Object[*] s WHERE s.size > 5", "Size > 5", None),
        (
            "SELECT bucket, key, CASE WHEN version_id IS NULL THEN 'null' ELSE version_id END AS v \
             FROM \"db\".\"tbl\" WHERE is_latest -- the newest",
            "IsLatest",
            None,
        ),
        ("SELECT bucket, url_encode(key) FROM t WHERE t.IsLatest", "IsLatest", None),
        ("SELECT * FROM a.b.c /* all */ WHERE b.c.IsLatest", "IsLatest", None),
    ] {
        let select = select(sql);
        assert_eq!((select.predicate.to_string().as_str(), select.limit), (predicate, limit));
    }
    let wide = select("SELECT Bucket, Key, Size FROM S3Object");
    assert!(wide.predicate.warnings()[0].contains("left out"));
}

#[test]
fn what_statements_cannot_say_is_refused() {
    for (sql, words) in [
        ("SELECT count(*) FROM S3Object", "count REPORT"),
        ("SELECT Key FROM S3Object", "Bucket and Key"),
        ("SELECT LOWER(Key), Bucket FROM S3Object", "plain columns"),
        ("SELECT * FROM S3Object s, S3Object t", "one table"),
        ("SELECT * FROM S3Object s JOIN S3Object t ON TRUE", "JOIN"),
        ("SELECT * FROM S3Object TABLESAMPLE BERNOULLI (1)", "LIMIT 1000"),
        ("SELECT * FROM S3Object GROUP BY Key", "GROUP BY"),
        ("SELECT * FROM S3Object ORDER BY Key", "ORDER BY"),
        ("SELECT DISTINCT * FROM S3Object", "DISTINCT"),
        ("SELECT * FROM S3Object LIMIT 5 OFFSET 2", "OFFSET"),
        ("SELECT * FROM S3Object LIMIT -1", "whole number"),
        ("SELECT * FROM S3Object UNION SELECT * FROM S3Object", "one SELECT"),
        ("SELECT * FROM S3Object s WHERE t.Key = 'a'", "write s.Key"),
        ("SELECT * FROM S3Object s WHERE Kee = 'a'", "did you mean Key"),
        ("SELECT * FROM S3Object WHERE", "a condition is missing after `WHERE`"),
        ("SELECT * FROM S3Object; DROP TABLE x", "nothing behind it"),
        ("DELETE FROM S3Object", "no SELECT"),
        ("", "no SELECT"),
        ("SELECT * FROM db.inventory t WHERE db.inventory.Key = 'a'", "write t.Key"),
        ("SELECT FROM S3Object", ""),
    ] {
        let shown = explain(&Select::parse(sql, &schema(), now()).unwrap_err());
        assert!(shown.contains(words), "{sql}\n{shown}");
    }
}

#[test]
fn functions_are_athenas() {
    let key = |value| ("Key", value);
    let date = |value| ("LastModifiedDate", value);
    check(&[
        ("lower(substr(key, -4)) IN ('.jpg', '.log')", key("a.JPG"), 'T'),
        ("split_part(key, '/', 1) = 'logs'", key("logs/a"), 'T'),
        ("split_part(key, '/', 9) = 'logs'", key("logs/a"), 'N'),
        ("element_at(split(key, '/'), -1) = 'a b'", key("logs/a+b"), 'T'),
        ("cardinality(split(key, '/')) = 3", key("a/b/c"), 'T'),
        ("length(key) = 1", key("%C3%A9"), 'T'),
        ("strpos(key, '2024') > 0", key("x2024"), 'T'),
        ("strpos(key, ETag) > 0", key("x2024"), 'N'),
        ("key || '' = 'x'", key("x"), 'T'),
        ("url_decode(key) = 'a b'", key("a+b"), 'T'),
        ("substr(key, 9) = ''", key("x"), 'T'),
        ("trim(key) = 'a' AND rtrim(key) = ' a'", key("+a+"), 'T'),
        ("replace(key, 'a', 'b') = 'bb'", key("ab"), 'T'),
        ("reverse(key) LIKE 'gpj%'", key("x.jpg"), 'T'),
        ("concat(key, 'x') ILIKE 'AX'", key("a"), 'T'),
        ("regexp_like(lower(key), '[.]jpg$')", key("X.JPG"), 'T'),
        ("Key = ETag", key("x"), 'N'),
        ("coalesce(ETag, Key) = 'x'", key("x"), 'T'),
        ("nullif(Key, 'x') IS NULL", key("x"), 'T'),
        ("Key IN (ETag, 'x')", key("x"), 'T'),
        ("Key NOT IN (ETag, 'y')", key("x"), 'N'),
        ("upper(key) BETWEEN 'A' AND concat('B', 'C')", key("b"), 'T'),
        ("CASE key WHEN 'x' THEN 1 WHEN 'y' THEN 2 END = 2", key("y"), 'T'),
        ("CASE WHEN key = 'x' THEN 'null' ELSE etag END IS NULL", key("y"), 'T'),
        ("starts_with(key, etag)", key("y"), 'N'),
        ("(strpos(key, 'a') > 0) IS NULL", ("ETag", "x"), 'T'),
        ("TRY_CAST(key AS BIGINT) > 5", key("7"), 'T'),
        ("CAST(key AS DOUBLE) = 1.5", key("1.5"), 'T'),
        ("CAST(key AS VARCHAR(2)) = 'ab'", key("abc"), 'T'),
        ("CAST(key AS DECIMAL(5,1)) = 2.4", key("2.35"), 'T'),
        ("size / 2 = 3", ("Size", "7"), 'T'),
        ("size / 2.0 = 3.5", ("Size", "7"), 'T'),
        ("size % 2 = 1 AND mod(size, 4) = 3", ("Size", "7"), 'T'),
        ("size / 0 > 1", ("Size", "7"), 'N'),
        ("size * 9223372036854775807 > 1", ("Size", "7"), 'N'),
        ("abs(size - 10) = 3", ("Size", "7"), 'T'),
        ("size > 1e6", ("Size", "1000001"), 'T'),
        ("year(last_modified_date) = 2024", date("2024-01-31T00:00:00.000Z"), 'T'),
        ("hour(last_modified_date) = 23", date("2024-01-31T23:00:00.000Z"), 'T'),
        ("date(last_modified_date) = DATE '2024-01-31'", date("2024-01-31T23:00:00.000Z"), 'T'),
        ("CAST(last_modified_date AS DATE) IN ('2024-01-31')", date("2024-01-31T23:00:00Z"), 'T'),
        ("date_diff('day', last_modified_date, now()) > 30", date("2024-02-28T00:00:00Z"), 'T'),
        ("date_trunc('month', last_modified_date) = '2024-02-01'", date("2024-02-28T01:00Z"), 'T'),
        ("parse_datetime(_7, 'yyyy') < timestamp '2025-01-01'", date("2024-02-28T00:00:00Z"), 'T'),
        ("TO_TIMESTAMP(_7) < TO_TIMESTAMP('2025-01-01T00:00:00Z')", date("2024-02-28"), 'T'),
        ("last_modified_date < from_unixtime(1704067200)", date("2023-12-31"), 'T'),
        ("last_modified_date AT TIME ZONE 'UTC' < '2024-01-01'", date("2023-12-31"), 'T'),
        (
            "last_modified_date BETWEEN '2024-01-01' AND now() + INTERVAL '1' DAY",
            date("2024-02-28"),
            'T',
        ),
        ("object_lock_retain_until_date > last_modified_date", date("2024-02-28"), 'N'),
        ("coalesce(is_latest, true)", ("IsLatest", ""), 'T'),
        ("if(is_latest, is_delete_marker, NOT is_latest)", ("IsLatest", "false"), 'T'),
        ("is_latest = is_latest", ("IsLatest", "false"), 'T'),
        ("coalesce(storage_class, '') <> 'standard'", ("StorageClass", "STANDARD"), 'F'),
        ("lower('ABC') = 'abc' AND 5 / 2 = 2", key("a"), 'T'),
        ("'b' BETWEEN Key AND 'c'", key("a"), 'T'),
        ("extract(day_of_year FROM _7) = 60", date("2024-02-29"), 'T'),
    ]);
}

#[test]
fn deep_expressions_are_refused_without_harm() {
    for text in [
        format!("Size{} > 1", " + Size".repeat(900)),
        format!("{}Size{} > 1", "abs(".repeat(47), ")".repeat(47)),
        format!("{}Size = 1{}", "(".repeat(40), ") = TRUE".repeat(40)),
        format!("{}1{} = 1", "CASE WHEN IsLatest THEN ".repeat(40), " END".repeat(40)),
        format!("Key{} = 'a'", " || Key".repeat(1_100)),
        format!("{}Key{} = 'a'", "CAST(".repeat(40), " AS VARCHAR)".repeat(40)),
        format!("Key{} = 'a'", "[1]".repeat(500)),
    ] {
        match Predicate::parse(&text, &schema(), now()) {
            Ok(predicate) => assert_eq!(parse(&predicate.to_string()), predicate),
            Err(error) => assert!(explain(&error).len() < 2_000),
        }
    }
    parse(&format!("Key{} = 'a'", " || Key".repeat(900)));
    // Each `replace` would double the text: past its bound it is NULL.
    let doubled = format!("{}Key{}", "replace(".repeat(25), ", 'a', 'aa')".repeat(25));
    assert_eq!(truth(&format!("{doubled} IS NULL"), &[("Key", "a")]), Some(true));
}

/// One of a few pieces of SQL.
fn one_of(pieces: &'static [&'static str]) -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(pieces)
}

const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">="];
const NOT: &[&str] = &["", "NOT "];

const TEXT_COLUMNS: &[&str] = &[
    "Key",
    "LOWER(Key)",
    "UPPER(Key)",
    "ETag",
    "LOWER(ETag)",
    "EncryptionStatus",
    "ChecksumAlgorithm",
    "\"Select\"",
    "CAST(Size AS VARCHAR)",
    "UPPER(CAST(IsLatest AS VARCHAR))",
    "ObjectAccessControlList",
    "LOWER(ObjectAccessControlList)",
];
const TEXTS: &[&str] = &[
    "''",
    "'a'",
    "'A'",
    "'a b'",
    "'é'",
    "'É'",
    "'%'",
    "'ab+c'",
    "'12'",
    "'-3'",
    "'true'",
    "'sse-kms'",
    "'SHA-256'",
    "'-'",
    "'2024-01-01'",
    "NULL",
    "'{}'",
];
const NUMBER_COLUMNS: &[&str] = &["Size", "_6", "CAST(Key AS INT)", "CAST(ETag AS INT)"];
const NUMBERS: &[&str] =
    &["0", "-1", "1.5", "12", "'12'", "'1k'", "2*3", "-3", "9223372036854775807", "''", "NULL"];
const DATE_COLUMNS: &[&str] =
    &["LastModifiedDate", "CAST(Key AS TIMESTAMP)", "CAST(EncryptionStatus AS TIMESTAMP)"];
const DATES: &[&str] = &[
    "'2024-01-01'",
    "'2024-01-01T12:00:00.5Z'",
    "DATE '2023-12-31'",
    "now() - interval '1 month'",
    "''",
    "NULL",
];

/// Comparisons, lists and ranges of columns and values of one type.
fn any_relation(
    columns: &'static [&'static str],
    values: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let ordered = values.contains(&"'a'");
    let fits = move |by: &str, value: &str| ordered || value != "''" || matches!(by, "=" | "<>");
    prop_oneof![
        (one_of(columns), one_of(COMPARISONS), one_of(values), any::<bool>())
            .prop_filter("no order with ''", move |(_, by, value, _)| fits(by, value))
            .prop_map(|(column, by, value, flipped)| match flipped {
                true => format!("{value} {by} {column}"),
                false => format!("{column} {by} {value}"),
            }),
        (one_of(columns), one_of(NOT), prop::collection::vec(one_of(values), 1..5))
            .prop_map(|(column, not, list)| format!("{column} {not}IN ({})", list.join(", "))),
        (one_of(columns), one_of(NOT), one_of(values), one_of(values))
            .prop_filter("no order with ''", move |(_, _, a, b)| fits("<", a) && fits("<", b))
            .prop_map(|(column, not, a, b)| format!("{column} {not}BETWEEN {a} AND {b}")),
        (one_of(columns), one_of(NOT)).prop_map(|(column, not)| format!("{column} IS {not}NULL")),
    ]
}

fn any_pattern_test() -> impl Strategy<Value = String> {
    const REGEXES: &[&str] = &["^a", "b.?é", "[^a]$", "(?-u:\\xff)", "S", ""];
    const ILIKE_COLUMNS: &[&str] = &["Key", "ETag", "EncryptionStatus"];
    let pattern = "'[ab%_é+ A{}\"-]{0,5}'";
    let escaped = "'([ab%_é A-]|[+][%_a+]){0,5}'";
    prop_oneof![
        (one_of(TEXT_COLUMNS), one_of(NOT), pattern)
            .prop_map(|(column, not, like)| format!("{column} {not}LIKE {like}")),
        (one_of(TEXT_COLUMNS), one_of(NOT), escaped)
            .prop_map(|(column, not, like)| format!("{column} {not}LIKE {like} ESCAPE '+'")),
        (one_of(ILIKE_COLUMNS), one_of(NOT), pattern)
            .prop_map(|(column, not, like)| format!("{column} {not}ILIKE {like}")),
        (one_of(TEXT_COLUMNS), one_of(REGEXES))
            .prop_map(|(column, regex)| format!("regexp_like({column}, '{regex}')")),
    ]
}

fn any_flag_test() -> impl Strategy<Value = String> {
    const FLAGS: &[&str] = &["IsLatest", "CAST(ETag AS BOOLEAN)"];
    const TESTS: &[&str] =
        &["", " = TRUE", " <> 'true'", " IN (FALSE, '')", " IS NULL", " IS NOT NULL"];
    prop_oneof![
        4 => (one_of(FLAGS), one_of(TESTS)).prop_map(|(flag, test)| format!("{flag}{test}")),
        1 => one_of(&["TRUE", "FALSE", "NULL", "1 < 2"]).prop_map(str::to_owned),
    ]
}

/// SQL text of one test, well typed.
fn any_test() -> impl Strategy<Value = String> {
    prop_oneof![
        any_relation(TEXT_COLUMNS, TEXTS),
        any_relation(NUMBER_COLUMNS, NUMBERS),
        any_relation(DATE_COLUMNS, DATES),
        any_pattern_test(),
        any_flag_test(),
    ]
}

/// Expressions of each type, and conditions on them.
#[derive(Clone)]
struct Expressions {
    text: BoxedStrategy<String>,
    number: BoxedStrategy<String>,
    date: BoxedStrategy<String>,
    condition: BoxedStrategy<String>,
}

/// Expressions of this many levels.
fn any_expressions(levels: usize) -> Expressions {
    const PLACES: &[&str] = &["-2", "0", "1", "2", "9"];
    const UNITS: &[&str] = &["'second'", "'day'", "'week'", "'month'", "'year'"];
    if levels == 0 {
        return Expressions {
            text: one_of(&["Key", "ETag", "EncryptionStatus", "\"Select\"", "'a'", "''", "'é/a'"])
                .prop_map(str::to_owned)
                .boxed(),
            number: one_of(&["Size", "0", "-1", "12", "1.5", "2.0", "1e3", "9223372036854775807"])
                .prop_map(str::to_owned)
                .boxed(),
            date: one_of(&["LastModifiedDate", "DATE '2024-02-29'", "now()", "date(_7)"])
                .prop_map(str::to_owned)
                .boxed(),
            condition: any_test().boxed(),
        };
    }
    let Expressions { text, number, date, condition } = any_expressions(levels - 1);
    let unary = one_of(&["lower", "upper", "trim", "rtrim", "reverse", "url_decode", "url_encode"]);
    let parts = one_of(&["year", "month", "day", "hour", "day_of_week", "week"]);
    let pair = || (text.clone(), text.clone());
    Expressions {
        text: prop_oneof![
            text.clone(),
            (unary, text.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (text.clone(), one_of(PLACES)).prop_map(|(a, n)| format!("substr({a}, {n})")),
            (pair(), one_of(PLACES)).prop_map(|((a, b), n)| format!("split_part({a}, {b}, {n})")),
            (pair(), one_of(PLACES)).prop_map(|((a, b), n)| format!("split({a}, {b})[{n}]")),
            (pair(), text.clone()).prop_map(|((a, b), c)| format!("replace({a}, {b}, {c})")),
            pair().prop_map(|(a, b)| format!("({a} || {b})")),
            pair().prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            pair().prop_map(|(a, b)| format!("nullif({a}, {b})")),
            (condition.clone(), pair())
                .prop_map(|(c, (a, b))| format!("CASE WHEN {c} THEN {a} ELSE {b} END")),
            number.clone().prop_map(|n| format!("CAST({n} AS VARCHAR)")),
            date.clone().prop_map(|d| format!("CAST({d} AS VARCHAR)")),
        ]
        .boxed(),
        number: prop_oneof![
            number.clone(),
            (number.clone(), one_of(&["+", "-", "*", "/", "%"]), number.clone())
                .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            text.clone().prop_map(|a| format!("length({a})")),
            pair().prop_map(|(a, b)| format!("strpos({a}, {b})")),
            (parts, date.clone()).prop_map(|(part, d)| format!("{part}({d})")),
            (one_of(UNITS), date.clone(), date.clone())
                .prop_map(|(unit, a, b)| format!("date_diff({unit}, {a}, {b})")),
            (one_of(&["abs", "floor", "round", "-"]), number.clone())
                .prop_map(|(f, a)| format!("{f}({a})")),
            (one_of(&["BIGINT", "DOUBLE", "DECIMAL(12,3)"]), text.clone())
                .prop_map(|(to, a)| format!("TRY_CAST({a} AS {to})")),
            (condition.clone(), number.clone(), number.clone())
                .prop_map(|(c, a, b)| format!("if({c}, {a}, {b})")),
            (number.clone(), number.clone()).prop_map(|(a, b)| format!("greatest({a}, {b})")),
        ]
        .boxed(),
        date: prop_oneof![
            date.clone(),
            (one_of(UNITS), date.clone()).prop_map(|(unit, d)| format!("date_trunc({unit}, {d})")),
            (one_of(UNITS), one_of(&["-13", "1", "99999"]), date.clone())
                .prop_map(|(unit, n, d)| format!("date_add({unit}, {n}, {d})")),
            date.clone().prop_map(|d| format!("({d} - INTERVAL '1' MONTH)")),
            text.clone().prop_map(|a| format!("CAST({a} AS TIMESTAMP)")),
            (date.clone(), date).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
        ]
        .boxed(),
        condition: any_computed_condition(&condition, &text, &number),
    }
}

fn any_computed_condition(
    condition: &BoxedStrategy<String>,
    text: &BoxedStrategy<String>,
    number: &BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let texts = (text.clone(), text.clone());
    prop_oneof![
        condition.clone(),
        (texts.clone(), one_of(COMPARISONS)).prop_map(|((a, b), by)| format!("{a} {by} {b}")),
        (number.clone(), one_of(COMPARISONS), number.clone())
            .prop_map(|(a, by, b)| format!("{a} {by} {b}")),
        (texts.clone(), text.clone(), one_of(NOT))
            .prop_map(|((a, b), c, not)| format!("{a} {not}IN ({b}, 'a', {c})")),
        (number.clone(), number.clone(), number.clone(), one_of(NOT))
            .prop_map(|(a, b, c, not)| format!("{a} {not}BETWEEN {b} AND {c}")),
        (text.clone(), one_of(NOT), "'[ab%_é]{0,4}'")
            .prop_map(|(a, not, like)| format!("{a} {not}LIKE {like}")),
        (text.clone(), one_of(NOT)).prop_map(|(a, not)| format!("{a} IS {not}NULL")),
        texts.clone().prop_map(|(a, b)| format!("starts_with({a}, {b})")),
        text.clone().prop_map(|a| format!("regexp_like({a}, '^a')")),
        condition.clone().prop_map(|c| format!("NOT ({c})")),
        (condition.clone(), condition.clone()).prop_map(|(a, b)| format!("(({a}) OR ({b}))")),
        condition.clone().prop_map(|c| format!("(({c}) IS UNKNOWN)")),
        condition.clone().prop_map(|c| format!("coalesce({c}, FALSE)")),
    ]
    .boxed()
}

fn any_predicate() -> impl Strategy<Value = String> {
    let state = || prop::sample::select(vec!["TRUE", "FALSE", "UNKNOWN", "NULL"]);
    any_test().prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            (inner, state()).prop_map(|(inner, state)| format!("(({inner}) IS {state})")),
        ]
    })
}

fn any_field() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop::sample::select(vec![
        "",
        "a",
        "A",
        "b",
        "a+b",
        "a%20b",
        "%C3%A9",
        "é",
        "É",
        "%c3",
        "%",
        "ab%2Bc",
        "12",
        "012",
        "6",
        "1",
        "-3",
        "0",
        "true",
        "FALSE",
        "SSE-KMS",
        "sse-kms",
        "SHA256",
        "-",
        "--",
        "%2D",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T12:00:00.500Z",
        "2023-12-31",
        "2024-01-01 00:00",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        " 2024-01-01 ",
        "9999-12-31T23:59:59-01:00",
        "S%C5%BF",
        "\u{130}",
        "e30=",
        "eyJhIjoiw6kgYiJ9",
        "e30",
        "W10=",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![
        6 => usual,
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => "[ab%_éÉ+ A3-]{0,6}".prop_map(String::into_bytes),
    ]
}

fn any_row() -> impl Strategy<Value = Fields> {
    prop::collection::vec(any_field(), NAMES.len()..=NAMES.len()).prop_map(Fields)
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |field: &Vec<u8>| field.escape_ascii().to_string();
        f.debug_list().entries(self.0.iter().map(shown)).finish()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn matcher_oracle_and_canonical_text_agree(text in any_predicate(), row in any_row()) {
        prop_assert!(Predicate::parse(&text, &schema(), now()).is_ok(), "{}", error(&text));
        check_agreement(&text, &schema(), &row).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn computed_conditions_read_back_and_agree(
        text in any_expressions(3).condition,
        row in any_row(),
    ) {
        check_agreement(&text, &schema(), &row).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn any_words_are_parsed_or_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "Key", "Size", "IsLatest", "s._6", "_2", "\"Key\"", "LastModifiedDate", "'a'", "''",
            "5",
            "1.5", "(", ")", ",", "AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "ESCAPE", "IS", "NULL",
            "TRUE", "UNKNOWN", "=", "<>", "<", "-", "+", "*", "BETWEEN", "CAST(", "AS", "INT",
            "LOWER(", "regexp_like(", "now()", "INTERVAL", "'1 day'", "DATE", "'2024-01-01'",
            "CASE",
            "length(", "substr(", "coalesce(", "split(", "WHEN", "THEN", "END", "||", "/", "1",
            "SELECT", "FROM", "S3Object", "WHERE", "LIMIT", ";", ".", "::", "[", "]", "\n", "é",
        ]), 0..14),
        row in any_row(),
    ) {
        let text = words.join(" ");
        check_agreement(&text, &schema(), &row).map_err(TestCaseError::fail)?;
        let _ = Select::parse(&text, &schema(), now()).map_err(|error| explain(&error));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,40}", row in any_row()) {
        check_agreement(&text, &schema(), &row).map_err(TestCaseError::fail)?;
        let _ = Select::parse(&text, &schema(), now()).map_err(|error| explain(&error));
    }
}
