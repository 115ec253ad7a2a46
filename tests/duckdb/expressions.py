#!/usr/bin/env python3
"""Holds s3sieve's predicates against DuckDB on random expressions of the whole language.

Makes a small report with all columns, with empty fields, odd keys and edge values, and typed
expressions over it. Each is written twice: as s3sieve reads it (Athena's functions), and as DuckDB
does. `s3sieve count --by ObjectOwner` gives the rows that match, for each row has an owner of its
own; they must be those that DuckDB finds. A difference ends the run with both texts and the rows.

What differs between the two languages, and how it is translated:

- What ends a query in DuckDB or in Athena is NULL in s3sieve: overflow, division by zero, casts
  that fail, doubles that are not finite. The macros below say so in DuckDB's words.
- Quotients: whole numbers are cut (`//`), those of decimals are doubles.
- `substr` at 0 and before the beginning, `split_part` out of range, `greatest` of NULL.
- Casts of text are narrower here: digits with a sign for BIGINT, ISO 8601 for TIMESTAMP.
- A column compared with '' is a test for NULL. Columns of names are compared without case, so that
  only capitals are used with them. Sums of constants alone are exact, and so none overflows here.

    pip install duckdb
    tests/duckdb/expressions.py --s3sieve target/debug/s3sieve --count 1000
"""

import argparse
import concurrent.futures
import csv
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.parse

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]

COLUMNS = [
    "Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "ETag",
    "StorageClass", "IsMultipartUploaded", "ReplicationStatus", "EncryptionStatus",
    "ObjectLockRetainUntilDate", "ObjectLockMode", "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier", "BucketKeyStatus", "ChecksumAlgorithm", "ObjectOwner",
    "LifecycleExpirationDate",
]
TYPES = {
    "IsLatest": "BOOLEAN", "IsDeleteMarker": "BOOLEAN", "IsMultipartUploaded": "BOOLEAN",
    "Size": "BIGINT", "LastModifiedDate": "TIMESTAMP", "ObjectLockRetainUntilDate": "TIMESTAMP",
    "LifecycleExpirationDate": "TIMESTAMP",
}

KEYS = [
    "logs/2024/01/31/a.log", "logs/2024/02/b.log.gz", "photos/café 1.jpg", "photos/a+b.JPG", "a",
    "A", "a_b/c%d.txt", "/lead/slash", "trail/", "中/文.txt", "x😀y/é", "dt=2024-01-01/part-0",
    "12", "-7", " sp ", "007", "a//b", "Éa/ÉB", "1.5", "2024-02-29", "true", "a.b.c", "aaa",
    "photos/2023/x.png", "9223372036854775807", "-0", "a/b/c/d/e/f",
]
VALUES = {
    "Bucket": ["field-bucket", "other"],
    "VersionId": ["v1", "null", "3HL4kqtJ", "12", "a/b"],
    "Size": ["0", "1", "2", "3", "7", "100", "1024", "1048576", "5368709120", "4503599627370497"],
    "LastModifiedDate": [
        "2024-01-31T12:30:59.000Z", "2024-02-29T00:00:00.000Z", "2023-12-31T23:59:59.000Z",
        "2024-01-01T00:00:00.000Z", "1970-01-01T00:00:00.001Z", "2025-03-30T01:15:00.000Z",
        "2000-02-28T06:07:08.500Z", "1999-12-27T00:00:00.000Z",
    ],
    "ETag": ["d41d8cd98f00b204e9800998ecf8427e", "abc-2", "ABC", "12", "3.25", "1e3", "-5", "true",
             "2024-01-31", "é"],
    "StorageClass": ["STANDARD", "GLACIER", "STANDARD_IA", "DEEP_ARCHIVE"],
    "ReplicationStatus": ["COMPLETED", "FAILED", "PENDING"],
    "EncryptionStatus": ["SSE-S3", "SSE-KMS", "NOT-SSE"],
    "ObjectLockMode": ["GOVERNANCE", "COMPLIANCE"],
    "ObjectLockLegalHoldStatus": ["ON", "OFF"],
    "IntelligentTieringAccessTier": ["FREQUENT", "ARCHIVE"],
    "BucketKeyStatus": ["ENABLED", "DISABLED"],
    "ChecksumAlgorithm": ["SHA256", "CRC32", "SHA1"],
    "ObjectLockRetainUntilDate": ["2030-01-01T00:00:00.000Z", "2024-02-29T00:00:00.000Z"],
    "LifecycleExpirationDate": ["2024-06-30T00:00:00.000Z", "2024-01-31T12:30:59.000Z"],
}

MACROS = """
CREATE MACRO add_(a, b) AS try_cast(a::HUGEINT + b::HUGEINT AS BIGINT);
CREATE MACRO sub_(a, b) AS try_cast(a::HUGEINT - b::HUGEINT AS BIGINT);
CREATE MACRO mul_(a, b) AS try_cast(a::HUGEINT * b::HUGEINT AS BIGINT);
CREATE MACRO div_(a, b) AS
    CASE WHEN b <> 0 THEN try_cast(a::HUGEINT // b::HUGEINT AS BIGINT) END;
CREATE MACRO mod_(a, b) AS CASE WHEN b <> 0 THEN (a::HUGEINT % b::HUGEINT)::BIGINT END;
CREATE MACRO fin_(x) AS CASE WHEN isfinite(x::DOUBLE) THEN x::DOUBLE END;
CREATE MACRO substr2_(s, f) AS CASE
    WHEN s IS NULL OR f IS NULL THEN NULL WHEN f = 0 OR f > length(s) OR -f > length(s) THEN ''
    WHEN f > 0 THEN substring(s, f) ELSE substring(s, length(s) + f + 1) END;
CREATE MACRO substr3_(s, f, n) AS CASE
    WHEN s IS NULL OR f IS NULL OR n IS NULL THEN NULL WHEN n <= 0 THEN ''
    ELSE substring(substr2_(s, f), 1, least(n, 1000000)) END;
CREATE MACRO part_(s, d, n) AS CASE
    WHEN s IS NULL OR d IS NULL OR n IS NULL OR n < 1 THEN NULL
    WHEN n > len(string_split(s, d)) THEN NULL ELSE string_split(s, d)[n] END;
CREATE MACRO element_(s, d, n) AS CASE
    WHEN s IS NULL OR d IS NULL OR n IS NULL OR d = '' OR n = 0 THEN NULL
    WHEN abs(n::HUGEINT) > len(string_split(s, d)) THEN NULL ELSE string_split(s, d)[n] END;
CREATE MACRO trim_(s) AS trim(s, ' \t\n\r');
CREATE MACRO ltrim_(s) AS ltrim(s, ' \t\n\r');
CREATE MACRO rtrim_(s) AS rtrim(s, ' \t\n\r');
CREATE MACRO int_(s) AS
    CASE WHEN regexp_full_match(s, '[+-]?[0-9]+') THEN try_cast(s AS BIGINT) END;
CREATE MACRO dbl_(s) AS CASE
    WHEN regexp_full_match(trim_(s), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')
    THEN fin_(try_cast(trim_(s) AS DOUBLE)) END;
CREATE MACRO ts_(s) AS CASE
    WHEN regexp_full_match(s,
        '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?Z?)?')
    THEN try_cast(replace(s, 'Z', '') AS TIMESTAMP) END;
CREATE MACRO bool_(s) AS
    CASE lower(s) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END;
CREATE MACRO greatest_(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE greatest(a, b) END;
CREATE MACRO least_(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE least(a, b) END;
CREATE MACRO iso_(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S.%g') || 'Z';
CREATE MACRO encode_(s) AS
    replace(replace(replace(url_encode(s), '%20', '+'), '~', '%7E'), '%2A', '*');
"""


def rows(random_, count):
    """The fields of each row; every column is empty in some."""
    for number in range(count):
        row = dict.fromkeys(COLUMNS, "")
        row["Key"] = KEYS[number % len(KEYS)]
        row["ObjectOwner"] = f"o{number}"
        for name in COLUMNS:
            if TYPES.get(name) == "BOOLEAN":
                row[name] = random_.choice(["true", "false", ""])
            elif name in VALUES and (name == "Bucket" or random_.random() > 0.2):
                row[name] = random_.choice(VALUES[name])
        yield row


def write_report(folder, data):
    """A CSV report of the rows, as S3 writes it."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in data:
        encoded = {**row, "Key": urllib.parse.quote_plus(row["Key"], safe="/-_.*")}
        writer.writerow([encoded[name] for name in COLUMNS])
    file = gzip.compress(text.getvalue().encode())
    key = "inv/field-bucket/all/data/0.csv.gz"
    (folder / key).parent.mkdir(parents=True)
    (folder / key).write_bytes(file)
    manifest = folder / "inv/field-bucket/all/2026-01-31T01-00Z/manifest.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({
        "sourceBucket": "field-bucket",
        "destinationBucket": "arn:aws:s3:::inventory",
        "version": "2016-11-30",
        "creationTimestamp": "1769821200000",
        "fileFormat": "CSV",
        "fileSchema": ", ".join(COLUMNS),
        "files": [{"key": key, "size": len(file), "MD5checksum": hashlib.md5(file).hexdigest()}],
    }))
    return manifest


def load(connection, data):
    """The same rows as a table; empty fields are NULL."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(MACROS)
    typed = ", ".join(f'"{name}" {TYPES.get(name, "VARCHAR")}' for name in COLUMNS)
    connection.execute(f"CREATE TABLE report ({typed})")
    places = ", ".join("?" * len(COLUMNS))
    for row in data:
        values = [row[name].replace("Z", "") if TYPES.get(name) == "TIMESTAMP" else row[name]
                  for name in COLUMNS]
        connection.execute(
            f"INSERT INTO report VALUES ({places})", [value or None for value in values])


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def both(text):
    """An expression that the two write alike."""
    return (text, text)


class Generator:
    """Typed expressions as pairs: what s3sieve reads, what DuckDB reads."""

    TEXT_COLUMNS = ["Key", "Key", "Key", "ETag", "VersionId", "Bucket"]
    TOKEN_COLUMNS = ["StorageClass", "ReplicationStatus", "EncryptionStatus", "ObjectLockMode",
                     "BucketKeyStatus", "ChecksumAlgorithm", "IntelligentTieringAccessTier"]
    DATE_COLUMNS = ["LastModifiedDate", "ObjectLockRetainUntilDate", "LifecycleExpirationDate"]
    FLAGS = ["IsLatest", "IsDeleteMarker", "IsMultipartUploaded"]
    TEXTS = ["a", "logs/", ".log", "/", "é", "2024", "A", "1", "b", "中", "null", "photos", " ",
             "x", ".", "aa", "it's", "%", "_"]
    UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
    PARTS = {"year": "year", "quarter": "quarter", "month": "month", "week": "week", "day": "day",
             "day_of_week": "isodow", "day_of_year": "dayofyear", "hour": "hour",
             "minute": "minute", "second": "second"}

    def __init__(self, random_):
        self.random = random_

    def pick(self, *makers):
        return self.random.choice(makers)()

    def chance(self, share):
        return self.random.random() < share

    def text_literal(self):
        return both(quoted(self.random.choice(self.TEXTS)))

    def text_column(self):
        return both(self.random.choice(self.TEXT_COLUMNS))

    def small(self):
        return both(str(self.random.choice([-3, -2, -1, 0, 1, 2, 3, 5, 10])))

    def text(self, depth):
        if depth <= 0:
            return self.pick(
                self.text_column, self.text_column, self.text_literal,
                # Alone, it would be compared without case.
                lambda: both(f"({self.random.choice(self.TOKEN_COLUMNS)} || '')"))
        text = lambda: self.text(depth - 1)
        whole = lambda: self.integer(depth - 1)
        return self.pick(
            self.text_column,
            lambda: self.call(self.random.choice(["lower", "upper", "reverse"]), text()),
            lambda: self.translated(self.random.choice(["trim", "ltrim", "rtrim"]), text()),
            lambda: self.trimmed(text(), quoted(self.random.choice(["a", "/a", ".é"]))),
            lambda: self.renamed("substr", "substr2_", text(), self.small()),
            lambda: self.renamed("substring", "substr3_", text(), self.small(), whole()),
            lambda: self.renamed("split_part", "part_", text(), self.text_literal(), self.small()),
            lambda: self.element(text(), self.text_literal(), self.small()),
            lambda: self.call("replace", text(), self.text_literal(), text()),
            lambda: self.joined(text(), text()),
            lambda: self.concat(text(), text()),
            lambda: self.call("coalesce", text(), text()),
            lambda: self.call("nullif", text(), text()),
            lambda: self.case(lambda: self.text(depth - 1), depth),
            lambda: self.renamed(*self.extreme(), text(), text()),
            lambda: self.renamed("url_encode", "encode_", self.text_column()),
            lambda: self.cast_text(depth),
        )

    def trimmed(self, text, letters):
        side, macro = self.random.choice(
            [("BOTH", "trim"), ("LEADING", "ltrim"), ("TRAILING", "rtrim")])
        return f"TRIM({side} {letters} FROM {text[0]})", f"{macro}({text[1]}, {letters})"

    def element(self, text, delimiter, number):
        ours = self.random.choice([
            f"element_at(split({text[0]}, {delimiter[0]}), {number[0]})",
            f"split({text[0]}, {delimiter[0]})[{number[0]}]",
        ])
        return ours, f"element_({text[1]}, {delimiter[1]}, {number[1]})"

    def cast_text(self, depth):
        which = self.random.randrange(4)
        if which == 0:
            value = self.integer(depth - 1)
            return f"CAST({value[0]} AS VARCHAR)", f"CAST({value[1]} AS VARCHAR)"
        if which == 1:
            column = self.random.choice(self.DATE_COLUMNS)
            return f"CAST({column} AS VARCHAR)", f"iso_({column})"
        if which == 2:
            value = self.date(depth - 1)
            return f"CAST({value[0]} AS VARCHAR)", f"strftime({value[1]}, '%Y-%m-%d')"
        value = self.random.choice(self.FLAGS)
        return both(f"CAST({value} AS VARCHAR)")

    def extreme(self):
        name = self.random.choice(["greatest", "least"])
        return name, f"{name}_"

    def call(self, name, *arguments):
        return tuple(f"{name}({', '.join(a[side] for a in arguments)})" for side in (0, 1))

    def renamed(self, ours, theirs, *arguments):
        return (f"{ours}({', '.join(a[0] for a in arguments)})",
                f"{theirs}({', '.join(a[1] for a in arguments)})")

    def translated(self, name, *arguments):
        return self.renamed(name, f"{name}_", *arguments)

    def joined(self, left, right):
        return tuple(f"({left[side]} || {right[side]})" for side in (0, 1))

    def concat(self, left, right):
        return f"concat({left[0]}, {right[0]})", f"({left[1]} || {right[1]})"

    def case(self, value, depth):
        first, second = value(), value()
        when = self.condition(depth - 1)
        form = self.random.randrange(4)
        if form == 0:
            return f"if({when[0]}, {first[0]}, {second[0]})", \
                f"CASE WHEN {when[1]} THEN {first[1]} ELSE {second[1]} END"
        if form == 1:
            return tuple(f"CASE WHEN {when[s]} THEN {first[s]} END" for s in (0, 1))
        if form == 2:
            of, equal = self.integer(depth - 2), self.small()
            return tuple(f"CASE {of[s]} WHEN {equal[s]} THEN {first[s]} ELSE {second[s]} END"
                         for s in (0, 1))
        return tuple(f"CASE WHEN {when[s]} THEN {first[s]} ELSE {second[s]} END" for s in (0, 1))

    def integer(self, depth):
        if depth <= 0:
            return self.pick(
                lambda: both("Size"), lambda: both("Size"), self.small,
                lambda: both(self.random.choice(["1024", "1009"])))
        whole = lambda: self.integer(depth - 1)
        text = lambda: self.text(depth - 1)
        return self.pick(
            lambda: both("Size"),
            lambda: self.operator(whole(), whole()),
            lambda: self.operator(whole(), whole()),
            lambda: self.operator(both("Size"), both("9223372036854775807")),
            lambda: self.call("length", text()),
            lambda: self.renamed("strpos", "instr", text(), self.text_literal()),
            lambda: self.position(text(), self.text_literal()),
            lambda: self.split_count(text(), self.text_literal()),
            lambda: self.part(self.moment(depth - 1)),
            lambda: self.difference(depth),
            lambda: self.call("coalesce", whole(), whole()),
            lambda: self.call("nullif", whole(), whole()),
            lambda: self.case(lambda: self.integer(depth - 1), depth),
            lambda: self.renamed(*self.extreme(), whole(), whole()),
            lambda: self.magnitude(whole()),
            lambda: self.whole_cast(depth),
        )

    def operator(self, left, right):
        sign, macro = self.random.choice(
            [("+", "add_"), ("-", "sub_"), ("*", "mul_"), ("/", "div_"), ("%", "mod_")])
        if sign == "%" and self.chance(0.5):
            return f"mod({left[0]}, {right[0]})", f"mod_({left[1]}, {right[1]})"
        return f"({left[0]} {sign} {right[0]})", f"{macro}({left[1]}, {right[1]})"

    def magnitude(self, value):
        return f"abs({value[0]})", f"try_cast(abs({value[1]}::HUGEINT) AS BIGINT)"

    def position(self, text, wanted):
        return f"position({wanted[0]} IN {text[0]})", f"instr({text[1]}, {wanted[1]})"

    def split_count(self, text, delimiter):
        return (f"cardinality(split({text[0]}, {delimiter[0]}))",
                f"len(string_split({text[1]}, {delimiter[1]}))")

    def part(self, moment):
        ours, theirs = self.random.choice(list(self.PARTS.items()))
        if self.chance(0.5):
            return f"extract({ours} FROM {moment[0]})", f"{theirs}({moment[1]})"
        return f"{ours}({moment[0]})", f"{theirs}({moment[1]})"

    def difference(self, depth):
        unit = self.random.choice(self.UNITS)
        start, end = self.moment(depth - 1), self.moment(depth - 1)
        return (f"date_diff('{unit}', {start[0]}, {end[0]})",
                f"datesub('{unit}', {start[1]}, {end[1]})")

    def whole_cast(self, depth):
        kind = self.random.choice(["CAST", "TRY_CAST"])
        which = self.random.randrange(3)
        if which == 0:
            value = self.text(depth - 1)
            return f"{kind}({value[0]} AS BIGINT)", f"int_({value[1]})"
        if which == 1:
            value = self.double(depth - 1)
            return f"{kind}({value[0]} AS BIGINT)", f"try_cast(round({value[1]}) AS BIGINT)"
        value = self.condition(depth - 1)
        return f"{kind}({value[0]} AS BIGINT)", f"CAST(({value[1]}) AS BIGINT)"

    def double(self, depth):
        if depth <= 0:
            return self.pick(
                lambda: both("CAST(Size AS DOUBLE)"),
                lambda: self.random.choice(
                    [("1e3", "1e3"), ("2.5e0", "2.5e0"), ("1e-1", "1e-1"), ("0e0", "0e0")]))
        double = lambda: self.double(depth - 1)
        return self.pick(
            lambda: self.float_operator(double(), double()),
            lambda: self.float_operator(double(), self.integer(depth - 1)),
            lambda: self.call(self.random.choice(["abs", "floor", "ceil", "round"]), double()),
            lambda: self.of_text(depth),
            lambda: (lambda m: (f"to_unixtime({m[0]})", f"(epoch_ms({m[1]}) / 1000.0::DOUBLE)"))(
                self.instant(depth - 1)),
            lambda: self.call("coalesce", double(), double()),
            lambda: self.case(lambda: self.double(depth - 1), depth),
            lambda: self.quotient(depth),
        )

    def of_text(self, depth):
        value = self.text(depth - 1)
        return f"CAST({value[0]} AS DOUBLE)", f"dbl_({value[1]})"

    def quotient(self, depth):
        left, right = self.decimal(depth - 1), self.decimal(depth - 1)
        return (f"({left[0]} / {right[0]})",
                f"fin_(({left[1]})::DOUBLE / ({right[1]})::DOUBLE)")

    def float_operator(self, left, right):
        sign = self.random.choice("+-*/")
        return (f"({left[0]} {sign} {right[0]})",
                f"fin_(({left[1]})::DOUBLE {sign} ({right[1]})::DOUBLE)")

    def decimal(self, depth):
        """Exact numbers, small enough for DuckDB's 38 digits."""
        literal = lambda: self.random.choice(
            [(n, f"{n}::DECIMAL(38,6)") for n in ["1.5", "0.25", "100.75", "2.0", "0.001"]])
        column = lambda: ("CAST(Size AS DECIMAL(20,2))", "Size::DECIMAL(38,6)")
        if depth <= 0:
            return self.pick(literal, column)
        decimal = lambda: self.decimal(depth - 1)
        return self.pick(
            literal,
            column,
            lambda: self.plain_operator(decimal(), decimal()),
            lambda: self.plain_operator(decimal(), ("Size", "Size::DECIMAL(38,6)")),
            lambda: self.call("abs", decimal()),
            lambda: self.call("coalesce", decimal(), decimal()),
            lambda: self.rounded(decimal(), "round({}, 2)"),
            lambda: self.rounded(decimal(), self.random.choice(["floor({})", "ceil({})"])),
        )

    def rounded(self, value, form):
        return form.format(value[0]), f"{form.format(value[1])}::DECIMAL(38,6)"

    def plain_operator(self, left, right):
        sign = self.random.choice("+-")
        return tuple(f"({left[s]} {sign} {right[s]})" for s in (0, 1))

    INSTANTS = ["2024-01-31 12:30:59", "2024-02-29 00:00:00", "2000-01-01 00:00:00",
                "2023-12-31 23:59:59", "2025-06-15 10:00:00"]
    DAYS = ["2024-01-31", "2024-02-29", "2000-01-01", "2023-12-31", "2025-06-15"]

    def instant(self, depth):
        if depth <= 0:
            return self.pick(
                lambda: both(self.random.choice(self.DATE_COLUMNS)),
                lambda: both(f"TIMESTAMP '{self.random.choice(self.INSTANTS)}'"))
        moment = lambda: self.instant(depth - 1)
        return self.pick(
            lambda: both(self.random.choice(self.DATE_COLUMNS)),
            lambda: self.truncated(moment()),
            lambda: self.added(moment(), "TIMESTAMP", self.UNITS),
            lambda: self.shifted(moment()),
            lambda: self.call("coalesce", moment(), moment()),
            lambda: self.case(lambda: self.instant(depth - 1), depth),
            lambda: (lambda t: (f"TRY_CAST({t[0]} AS TIMESTAMP)", f"ts_({t[1]})"))(
                self.text(depth - 1)),
            lambda: (lambda d: (f"CAST({d[0]} AS TIMESTAMP)", f"CAST({d[1]} AS TIMESTAMP)"))(
                self.date(depth - 1)),
            lambda: ("from_unixtime(Size % 4000000000)",
                     "epoch_ms(mod_(Size, 4000000000) * 1000)"),
            lambda: (lambda c: (f"from_iso8601_timestamp({c})", c))(
                self.random.choice(self.DATE_COLUMNS)),
        )

    def date(self, depth):
        if depth <= 0:
            return self.pick(
                lambda: both(f"DATE '{self.random.choice(self.DAYS)}'"),
                lambda: (lambda c: (f"date({c})", f"CAST({c} AS DATE)"))(
                    self.random.choice(self.DATE_COLUMNS)))
        return self.pick(
            lambda: (lambda m: (f"date({m[0]})", f"CAST({m[1]} AS DATE)"))(
                self.instant(depth - 1)),
            lambda: (lambda m: (f"CAST({m[0]} AS DATE)", f"CAST({m[1]} AS DATE)"))(
                self.instant(depth - 1)),
            lambda: self.added(self.date(depth - 1), "DATE", ["day", "week", "month", "year"]),
            lambda: self.call("coalesce", self.date(depth - 1), self.date(depth - 1)),
        )

    def moment(self, depth):
        return self.pick(lambda: self.instant(depth), lambda: self.instant(depth),
                         lambda: self.date(depth))

    def truncated(self, moment):
        unit = self.random.choice(self.UNITS)
        return (f"date_trunc('{unit}', {moment[0]})",
                f"CAST(date_trunc('{unit}', {moment[1]}) AS TIMESTAMP)")

    def added(self, moment, of, units):
        unit = self.random.choice(units)
        number = self.random.choice([-13, -1, 0, 1, 2, 12, 30])
        scale, base = (3, "month") if unit == "quarter" else (1, unit)
        return (f"date_add('{unit}', {number}, {moment[0]})",
                f"CAST({moment[1]} + INTERVAL ({number * scale}) {base} AS {of})")

    def shifted(self, moment):
        sign = self.random.choice("+-")
        number = self.random.choice([1, 2, 30])
        unit = self.random.choice(["second", "minute", "hour", "day", "month", "year"])
        return (f"({moment[0]} {sign} INTERVAL '{number}' {unit})",
                f"({moment[1]} {sign} INTERVAL {number} {unit})")

    def condition(self, depth):
        if depth <= 0:
            return self.simple()
        inner = lambda: self.condition(depth - 1)
        return self.pick(
            self.simple,
            lambda: self.compared(depth), lambda: self.compared(depth),
            lambda: self.compared(depth), lambda: self.compared(depth),
            lambda: self.listed(depth),
            lambda: self.between(depth),
            lambda: self.pattern(depth),
            lambda: self.null_test(depth),
            lambda: self.affix(depth),
            lambda: self.logic(inner(), inner()),
            lambda: tuple(f"NOT ({part})" for part in inner()),
            lambda: self.state(inner()),
            lambda: (lambda c, f: tuple(f"coalesce({c[s]}, {f})" for s in (0, 1)))(
                inner(), self.random.choice(["TRUE", "FALSE"])),
        )

    def logic(self, left, right):
        word = self.random.choice(["AND", "OR"])
        return tuple(f"({left[s]} {word} {right[s]})" for s in (0, 1))

    def state(self, inner):
        state = self.random.choice(["TRUE", "FALSE", "NULL"])
        negation = self.random.choice(["", "NOT "])
        return tuple(f"(({part}) IS {negation}{state})" for part in inner)

    def simple(self):
        """What the fast tests do."""
        return self.pick(
            lambda: both(self.random.choice(self.FLAGS)),
            lambda: both(f"{self.random.choice(self.TEXT_COLUMNS)} {self.sign()} "
                         f"{quoted(self.random.choice(self.TEXTS))}"),
            self.token_test,
            lambda: both(f"Size {self.sign()} {self.random.choice(['1', '1024', '1.5', '-1'])}"),
            lambda: both(f"{self.random.choice(self.DATE_COLUMNS)} {self.sign()} "
                         f"TIMESTAMP '{self.random.choice(self.INSTANTS)}'"),
            lambda: (lambda c: (f"{c} = ''", f"{c} IS NULL"))(
                self.random.choice(self.TEXT_COLUMNS)),
            lambda: both(f"{self.random.choice(COLUMNS)} IS NULL"),
        )

    def token_test(self):
        column = self.random.choice(self.TOKEN_COLUMNS)
        value = self.random.choice(VALUES[column])
        return both(f"{column} {self.sign()} {quoted(value)}")

    def sign(self):
        return self.random.choice(["=", "<>", "<", "<=", ">", ">="])

    def kinds(self):
        return [self.text, self.text, self.integer, self.integer, self.double, self.decimal,
                self.instant, self.date]

    def compared(self, depth):
        kind = self.random.choice(self.kinds())
        other = kind
        if kind == self.integer and self.chance(0.3):
            other = self.random.choice([self.decimal, self.double])
        if kind == self.date and self.chance(0.3):
            other = self.instant
        left, right = self.not_empty(kind(depth - 1)), self.not_empty(
            other(self.random.randrange(depth)))
        sign = self.sign()
        return tuple(f"({left[s]} {sign} {right[s]})" for s in (0, 1))

    def not_empty(self, value):
        """Not an empty text that is computed of constants: with a column it tests for NULL."""
        if value[0].startswith("'") or any(name in value[0] for name in COLUMNS):
            return value
        texts = ("lower(", "upper(", "reverse(", "trim(", "substr", "split", "replace(",
                 "element_at(", "concat(", "coalesce('", "nullif('", "greatest('", "least('", "('")
        return self.text_literal() if value[0].lower().startswith(texts) else value

    def listed(self, depth):
        kind = self.random.choice(self.kinds())
        value = kind(depth - 1)
        value = self.not_empty(value)
        items = [self.not_empty(kind(self.random.randrange(depth)))
                 for _ in range(self.random.randrange(1, 4))]
        if self.chance(0.1):
            items.append(both("NULL"))
        negation = self.random.choice(["", "NOT "])
        return tuple(f"({value[s]} {negation}IN ({', '.join(i[s] for i in items)}))"
                     for s in (0, 1))

    def between(self, depth):
        kind = self.random.choice(self.kinds())
        value, low, high = kind(depth - 1), kind(depth - 1), kind(0)
        negation = self.random.choice(["", "NOT "])
        return tuple(f"({value[s]} {negation}BETWEEN {low[s]} AND {high[s]})" for s in (0, 1))

    def pattern(self, depth):
        text = self.text(depth - 1)
        if self.chance(0.3):
            regex = self.random.choice(["^a", "[0-9]+", "g$", "a.c", "^$", "(a|é)"])
            return (f"regexp_like({text[0]}, {quoted(regex)})",
                    f"regexp_matches({text[1]}, {quoted(regex)})")
        pieces = ["a", "%", "_", "/", "é", ".", "log", "%", "B"]
        like = "".join(self.random.choice(pieces) for _ in range(self.random.randrange(1, 5)))
        negation = self.random.choice(["", "NOT "])
        return tuple(f"({text[s]} {negation}LIKE {quoted(like)})" for s in (0, 1))

    def null_test(self, depth):
        value = self.random.choice(self.kinds())(depth - 1)
        negation = self.random.choice(["", "NOT "])
        return tuple(f"({value[s]} IS {negation}NULL)" for s in (0, 1))

    def affix(self, depth):
        text = self.text(depth - 1)
        part = self.pick(self.text_literal, lambda: self.text(depth - 1))
        return self.call(self.random.choice(["starts_with", "ends_with"]), text, part)


def found(program, manifest, expression):
    """The owners of the rows that s3sieve selects, or its words when it refuses."""
    run = subprocess.run(
        [program, "count", manifest, "--where", expression, "--by", "ObjectOwner",
         "--format", "json", "--threads", "1"],
        capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return f"exit code {run.returncode}: {run.stderr.strip()} {run.stdout.strip()}"
    groups = json.loads(run.stdout).get("groups") or []
    return {group["values"]["ObjectOwner"] for group in groups}


class Comparison:
    """The report in both programs."""

    def __init__(self, program, folder, seed):
        self.program = program
        data = list(rows(random.Random(seed), 3 * len(KEYS)))
        self.data = {row["ObjectOwner"]: row for row in data}
        self.manifest = write_report(folder, data)
        self.connection = duckdb.connect()
        load(self.connection, data)

    def difference(self, expression):
        """Whether the two agree, and words: None where they don't, False where one refused."""
        ours, theirs = expression
        try:
            query = f"SELECT ObjectOwner FROM report WHERE {theirs}"
            wanted = {owner for (owner,) in self.connection.cursor().execute(query).fetchall()}
        except duckdb.Error as error:
            return False, f"DuckDB: {str(error).splitlines()[0]}\n  {theirs}"
        got = found(self.program, self.manifest, ours)
        if got == wanted:
            return True, len(wanted)
        if isinstance(got, str) and "this compares two constants" in got:
            return False, got
        if isinstance(got, str):
            return None, f"s3sieve: {got}\n  {ours}"
        lines = [f"s3sieve: {ours}", f"DuckDB:  {theirs}"]
        for owner in sorted(got ^ wanted)[:3]:
            who = "s3sieve" if owner in got else "DuckDB"
            row = {name: value for name, value in self.data[owner].items() if value}
            lines.append(f"  only {who} selects {json.dumps(row, ensure_ascii=False)}")
        return None, "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    parser.add_argument("--count", type=int, default=1000, help="how many expressions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--depth", type=int, default=3, help="levels of expressions at most")
    parser.add_argument("--keep-going", action="store_true", help="show all differences")
    arguments = parser.parse_args()
    agreed = refused = differences = some = 0
    # By DuckDB: numbers that outgrow its decimals, dates out of its range. By s3sieve: two texts
    # that are constants, where one was probably meant to be a column.
    refused_max = arguments.count // 50 + 5
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        comparison = Comparison(arguments.s3sieve, pathlib.Path(scratch), arguments.seed)

        def one(number):
            random_ = random.Random(f"{arguments.seed}/{number}")
            expression = Generator(random_).condition(1 + number % arguments.depth)
            return comparison.difference(expression)

        step = 2000
        for start in range(0, arguments.count, step):
            numbers = range(start, min(start + step, arguments.count))
            for number, (same, words) in zip(numbers, pool.map(one, numbers)):
                if same:
                    agreed += 1
                    some += 0 < words < len(comparison.data)
                    continue
                if same is False:
                    refused += 1
                else:
                    differences += 1
                if same is None or arguments.keep_going or refused > refused_max:
                    print(f"expression {number} of seed {arguments.seed}:\n{words}", flush=True)
                if same is None and not arguments.keep_going:
                    sys.exit(1)
                if refused > refused_max:
                    sys.exit(f"{refused} expressions were refused")
    print(f"{agreed} expressions agree, {some} of them with some rows but not all; "
          f"{refused} were refused")
    if differences or agreed < arguments.count - refused_max:
        sys.exit(1)


if __name__ == "__main__":
    main()
