//! Each known mistake gets its sentence and what to write, and nothing of a parser's shows.

use proptest::prelude::*;

use crate::diagnostic::{Diagnostic, explain};
use crate::predicate::{Predicate, Select};
use crate::report::Schema;

fn schema() -> Schema {
    Schema::from_names([
        "Bucket",
        "Key",
        "VersionId",
        "IsLatest",
        "Size",
        "LastModifiedDate",
        "StorageClass",
    ])
}

fn said(text: &str) -> String {
    match Predicate::parse(text, &schema(), jiff::Timestamp::UNIX_EPOCH) {
        Ok(predicate) => format!("understood as {predicate}"),
        Err(error) => explain(&error),
    }
}

/// What is wrong, what is marked, and what to write.
#[track_caller]
fn check(cases: &[(&str, &str, &str, &str)]) {
    for (text, message, marked, advice) in cases {
        let error = Predicate::parse(text, &schema(), jiff::Timestamp::UNIX_EPOCH).unwrap_err();
        let shown = explain(&error);
        let lines: Vec<&str> = shown.lines().collect();
        let from = lines[2].find('^').unwrap();
        let width = lines[2].matches('^').count();
        let found: String = lines[1].chars().skip(from).take(width).collect();
        assert_eq!(
            (error.to_string().as_str(), found.as_str(), error.hint().as_deref()),
            (*message, *marked, Some(*advice)),
            "{text}"
        );
    }
}

#[test]
fn what_is_suggested_for_dates_is_what_was_meant_and_reads() {
    for (text, meant) in [
        ("LastModifiedDate > now() - 30", "now() - INTERVAL '30' DAY"),
        ("LastModifiedDate > current_date - 7", "current_date - INTERVAL '7' DAY"),
        ("LastModifiedDate + 30 < now()", "LastModifiedDate + INTERVAL '30' DAY"),
        ("30 + LastModifiedDate < now()", "LastModifiedDate + INTERVAL '30' DAY"),
        ("LastModifiedDate > dateadd(day, -30, now())", "date_add('day', -30, now())"),
        ("LastModifiedDate > DATEADD('days', 1, now())", "date_add('day', 1, now())"),
        ("datediff(LastModifiedDate, now()) > 3", "date_diff('day', now(), LastModifiedDate)"),
        ("datediff(day, LastModifiedDate, now()) > 3", "date_diff('day', LastModifiedDate, now())"),
        ("LastModifiedDate * 2 < now()", "LastModifiedDate + INTERVAL '30' DAY, or"),
        ("LastModifiedDate - Size < now()", "LastModifiedDate + INTERVAL '30' DAY, or"),
    ] {
        let shown = said(text);
        let (_, hint) = shown.split_once("hint: write ").unwrap_or((&shown, ""));
        assert!(hint.starts_with(meant), "{text}: {shown}");
        let written = format!("{} IS NOT NULL", hint.split(", or ").next().unwrap_or_default());
        assert!(said(&written).starts_with("understood as "), "{written}: {}", said(&written));
    }
}

#[test]
fn values_that_lack_their_quotes() {
    check(&[
        (
            "Size > 5GB",
            "`5GB` is not a number",
            "5GB",
            "put a size with a unit in quotes: Size > '5GB'",
        ),
        (
            "Size > 5 gigabytes",
            "`5 gigabytes` is not a number",
            "5 gigabytes",
            "put a size with a unit in quotes: Size > '5GB'",
        ),
        ("Key = logs/a.txt", "a text stands in single quotes", "logs/a.txt", "write 'logs/a.txt'"),
        ("Key LIKE logs/%", "a text stands in single quotes", "logs/%", "write 'logs/%'"),
        (
            "LastModifiedDate < 2024-01-31",
            "a date without quotes is a subtraction",
            "2024-01-31",
            "write '2024-01-31'",
        ),
        (
            "LastModifiedDate < 2024-01-31T12:30:00Z",
            "a date without quotes is a subtraction",
            "2024-01-31T12:30:00Z",
            "write '2024-01-31T12:30:00Z'",
        ),
        (
            "StorageClass = GLACIER AND Size > 1",
            "the report has no column `GLACIER`",
            "GLACIER",
            "if it is a value, put it in single quotes: 'GLACIER'",
        ),
        (
            "Key LIKE \"logs/%\"",
            "double quotes make the name of a column, and the report has no such column",
            "\"logs/%\"",
            "put a text in single quotes: 'logs/%'",
        ),
        (
            "Key = “logs”",
            "`“` is a typographic quote; SQL has plain ones",
            "“",
            "type the quotes anew, straight and single: Key = 'logs/a'",
        ),
        (
            "Key = 'it's'",
            "this quote ends the text in the middle of a word",
            "'",
            "write a quote inside a text twice: 'it''s'",
        ),
        (
            "Key = logs/*",
            "`/*` begins a comment, which is never closed",
            "/",
            "put a text in single quotes; LIKE has % where a shell has *: Key LIKE 'logs/%'",
        ),
        (
            "LastModifiedDate < now() - 30 days",
            "`30 days` is not a number",
            "30 days",
            "write INTERVAL '30 days': LastModifiedDate < now() - INTERVAL '30 days'",
        ),
    ]);
}

#[test]
fn the_in_of_position_begins_no_list() {
    let shown = said("position('a' IN Key) > 0 AND 'b' <= 'c'");
    assert!(shown.contains("two constants"), "{shown}");
}

#[test]
fn operators_of_other_languages() {
    check(&[
        (
            "Size IS NOT 'X'",
            "`IS NOT` goes before NULL, TRUE or FALSE only, not before a value",
            "IS NOT 'X'",
            "write Size <> 'X'",
        ),
        (
            "Key GLOB 'logs/*'",
            "`GLOB` is not an operator here",
            "GLOB",
            "write Key LIKE 'logs/%': % stands for *, _ for ?",
        ),
        ("IsLatest && Size > 5", "`&&` is not an operator of SQL's", "&&", "write AND"),
        ("IsLatest || Size > 5", "`||` joins texts in SQL; it does not mean or", "||", "write OR"),
        (
            "Key = (SELECT MAX(Key) FROM t)",
            "a condition can't hold a SELECT of its own",
            "(SELECT",
            "write the values themselves: Key = 'a', or Key IN ('a', 'b')",
        ),
        ("[Key] = 'a'", "brackets do not make a name here", "[Key]", "write Key or \"Key\""),
        (
            "!IsLatest",
            "`!` is not an operator of SQL's",
            "!",
            "write NOT before a condition, <> between two values",
        ),
        (
            "contains(Key, 'a')",
            "there is no function `contains`",
            "contains",
            "write Key LIKE '%a%'",
        ),
        (
            "LOWER(Key) =~ 'a'",
            "`=~` is not an operator here",
            "=~",
            "write regexp_like(LOWER(Key), 'a')",
        ),
        (
            "Key NOT RLIKE 'a'",
            "`RLIKE` is not an operator here",
            "RLIKE",
            "write NOT regexp_like(Key, 'a')",
        ),
        (
            "Size is not equal to 5",
            "`is not equal to` is not an operator of SQL's",
            "is not equal to",
            "write Size <> 5",
        ),
        (
            "Size greater than or equal to 5",
            "`greater than or equal to` is not an operator of SQL's",
            "greater than or equal to",
            "write Size >= 5",
        ),
    ]);
}

#[test]
fn what_is_missing_or_too_many() {
    check(&[
        ("(Size > 5", "this `(` is never closed", "(", "write a `)` where it is to end"),
        (
            "Size > 5)",
            "this `)` closes nothing",
            ")",
            "leave it out, or write the `(` that belongs to it",
        ),
        (
            "Size >",
            "a value is missing after `>`",
            ">",
            "write what Size is compared with: a number, a text in single quotes or a date",
        ),
        (
            "Size > AND Key = 'a'",
            "a value is missing after `>`",
            ">",
            "write what the column is compared with",
        ),
        (
            "Size > 5 Key = 'a'",
            "AND or OR is missing before `Key`",
            "Key",
            "conditions are joined by AND or OR: Size > 100 AND Key LIKE 'logs/%'",
        ),
        (
            "Size 5",
            "an operator is missing between `Size` and `5`",
            "Size 5",
            "write what they have to do with each other: Size = 5",
        ),
        (
            "Size BETWEEN 1 AND",
            "the second value of BETWEEN is missing",
            "AND",
            "write it behind AND: Size BETWEEN 1 AND 100",
        ),
    ]);
}

#[test]
fn the_line_of_a_long_expression_is_shown_around_the_place() {
    let shown = said("Size > 5\nAND Key GLOB 'a*'\nAND IsLatest");
    assert!(shown.contains("\n  line 2: AND Key GLOB 'a*'\n                  ^^^^\n"), "{shown}");
    let keys: Vec<String> = (0..5_000).map(|number| format!("'logs/{number}'")).collect();
    let shown = said(&format!("Key IN ({}) && IsLatest", keys.join(", ")));
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines[2].find('^').unwrap();
    let marked: String = lines[1].chars().skip(at).take(2).collect();
    assert_eq!((marked.as_str(), lines[0]), ("&&", "`&&` is not an operator of SQL's"));
}

#[test]
fn a_statement_is_explained_like_a_condition() {
    let text = "SELECT * FROM S3Object s WHERE s.Size > 5GB";
    let error = Select::parse(text, &schema(), jiff::Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("put a size with a unit in quotes: s.Size > '5GB'"));
}

#[test]
fn a_text_that_is_only_too_long_when_written_out_is_not_marked() {
    let ranges: Vec<String> = (0..450).map(|n| format!("Size BETWEEN {n} AND {n}9")).collect();
    let shown = said(&ranges.join(" OR "));
    let wanted = "written out, the predicate has more than 2000 words and operators\nhint: ";
    assert!(shown.starts_with(wanted), "{shown}");
}

/// Each text that is cut off, or lacks a word, gets a message that says what to write.
#[test]
fn every_broken_text_has_a_hint_and_nothing_of_a_parser() {
    let texts = [
        "SELECT s._1, s._2 FROM S3Object s WHERE CAST(s._5 AS INT) > 1000 LIMIT 5",
        "SELECT bucket, CASE WHEN version_id = '' THEN 'null' ELSE key END AS k FROM t WHERE x = 1",
        "is_latest = true AND key LIKE 'logs/%' OR NOT (size BETWEEN 1 AND 5) AND key IN ('a')",
        "last_modified_date < current_date - INTERVAL '30' DAY",
        "date_diff('day', last_modified_date, now()) > 30 AND split(key, '/')[1] = 'logs'",
        "extract(year FROM last_modified_date) = 2024 AND lower(substr(key, -4)) = `key`",
        "CAST(size AS double) / 1024 > 1.0 AND position('a' IN key) > 0 AND version_id IS NULL",
    ];
    for text in texts {
        let words: Vec<&str> = text.split_inclusive([' ', '(', ',', '.', ')']).collect();
        let cut = (1..words.len()).map(|end| words[..end].concat());
        let lacking = (0..words.len()).map(|at| [&words[..at], &words[at + 1..]].concat().concat());
        for broken in cut.chain(lacking) {
            let now = jiff::Timestamp::UNIX_EPOCH;
            let error = match text.starts_with("SELECT") {
                true => Select::parse(&broken, &schema(), now).err(),
                false => Predicate::parse(&broken, &schema(), now).err(),
            };
            let Some(error) = error else { continue };
            let shown = explain(&error);
            assert!(error.hint().is_some(), "{broken}\n{shown}");
            for part in ["Expected", "found:", "EOF", "Token", "Word(", "Some(", "= ')'", "= )"] {
                assert!(!shown.contains(part), "{broken}\n{shown}");
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_of_a_parser_shows_and_nothing_panics(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "Key", "Size", "IsLatest", "x", "'a'", "''", "\"b\"", "5", "GB", "=", "<", ">",
                "!", "&&", "||", "~", "(", ")", "[", "]", ",", ".", "/", "%", "*", "-", ";", ":",
                "AND", "OR", "NOT", "IS", "NULL", "LIKE", "IN", "BETWEEN", "SELECT", "CASE",
                "contains", "starts", "with", "GLOB", "REGEXP", "2024", "“", "$1", "{", "\n",
                "greater", "than", "to", "equal", "INTERVAL", "#", "\\", "&", "gt", "ANY",
            ]),
            0..12,
        ),
        blank in proptest::bool::ANY,
    ) {
        let text = words.join(if blank { " " } else { "" });
        let shown = said(&text);
        for part in ["Expected", "found:", "EOF", "Token", "infix", "Unterminated"] {
            prop_assert!(!shown.contains(part), "{}\n{}", text, shown);
        }
    }
}
