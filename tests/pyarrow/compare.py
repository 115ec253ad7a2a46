#!/usr/bin/env python3
"""Holds s3sieve against pyarrow on Parquet and ORC files that others wrote.

Makes rows with odd keys, NULLs and dates, writes them with pyarrow and DuckDB in all the ways
that a rewriting tool may choose (row groups, page indexes, dictionaries, page versions,
encodings, int96, time zones, every compression), and compares the manifests of s3sieve with what
pyarrow selects.

    pip install pyarrow duckdb
    cargo build --release
    tests/pyarrow/compare.py
"""

import argparse
import datetime
import hashlib
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import urllib.parse

import duckdb
import pyarrow
from pyarrow import compute, orc, parquet

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Name, type for the manifest's two spellings, and how often it is NULL.
COLUMNS = {
    "bucket": ("binary {} (STRING)", "string"),
    "key": ("binary {} (STRING)", "string"),
    "version_id": ("binary {} (STRING)", "string"),
    "is_latest": ("boolean {}", "boolean"),
    "is_delete_marker": ("boolean {}", "boolean"),
    "size": ("int64 {}", "bigint"),
    "last_modified_date": ("int64 {} (TIMESTAMP(MILLIS,true))", "timestamp"),
    "storage_class": ("binary {} (STRING)", "string"),
    "bucket_key_status": ("binary {} (STRING)", "string"),
}

field = compute.field
DATE = pyarrow.scalar(datetime.datetime(2024, 6, 1, 12), pyarrow.timestamp("ms"))

# What a question means to s3sieve, and to pyarrow.
QUESTIONS = {
    "BucketKeyStatus = 'DISABLED'": field("bucket_key_status") == "DISABLED",
    "Size BETWEEN 1000 AND 500000 OR VersionId IS NULL":
        ((field("size") >= 1000) & (field("size") <= 500_000)) | field("version_id").is_null(),
    "last_modified_date < '2024-06-01T12:00:00Z' AND NOT IsLatest":
        (field("last_modified_date") < DATE) & ~field("is_latest"),
    "Key LIKE 'a%' OR Key >= 'x'":
        compute.starts_with(field("key"), "a") | (field("key") >= "x"),
    "StorageClass IN ('GLACIER', 'DEEP_ARCHIVE') AND Size IS NOT NULL":
        field("storage_class").isin(["GLACIER", "DEEP_ARCHIVE"]) & field("size").is_valid(),
    "Size = 777777777 OR Key = 'nowhere'":
        (field("size") == 777_777_777) | (field("key") == "nowhere"),
    "Size > 900 AND Size < 1100": (field("size") > 900) & (field("size") < 1100),
}


def made(rows, sorted_by_size):
    """A table of rows; the same ones each time."""
    lots = random.Random(7)
    names = ["a b", "é/ü", "x=1", "plain", "100%", "q\"uote", "co,mma", "til~de", "st*r", "+"]

    def perhaps(value, often=0.1):
        return None if lots.random() < often else value

    start = datetime.datetime(2023, 1, 1)
    columns = {
        "bucket": ["demo"] * rows,
        "key": [f"{lots.choice('abxyz')}/{lots.choice(names)}/{n:07}" for n in range(rows)],
        "version_id": [perhaps(f"v{lots.getrandbits(64):x}") for _ in range(rows)],
        "is_latest": [perhaps(lots.random() < 0.8, 0.02) for _ in range(rows)],
        "is_delete_marker": [perhaps(lots.random() < 0.1, 0.02) for _ in range(rows)],
        "size": [perhaps(lots.randrange(1 << lots.randrange(1, 40))) for _ in range(rows)],
        "last_modified_date": [
            perhaps(start + datetime.timedelta(milliseconds=lots.randrange(1 << 36)), 0.05)
            for _ in range(rows)
        ],
        "storage_class": [
            perhaps(lots.choice(["STANDARD", "GLACIER", "DEEP_ARCHIVE"])) for _ in range(rows)
        ],
        "bucket_key_status": [
            perhaps("DISABLED" if lots.random() < 0.3 else "ENABLED", 0.01) for _ in range(rows)
        ],
    }
    if sorted_by_size:
        columns["size"].sort(key=lambda size: -1 if size is None else size)
    kinds = {"size": pyarrow.int64(), "last_modified_date": pyarrow.timestamp("ms")}
    return pyarrow.table({
        name: pyarrow.array(values, kinds.get(name)) for name, values in columns.items()
    })


def with_zone(table):
    place = table.column_names.index("last_modified_date")
    zoned = table.column(place).cast(pyarrow.timestamp("ms", "UTC"))
    return table.set_column(place, "last_modified_date", zoned)


def with_dictionaries(table):
    for name in ("storage_class", "bucket_key_status"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(place).dictionary_encode())
    return table


def parquet_files(table, folder):
    """Name and path of Parquet files, each written in another way."""

    def write(name, rows=table, **options):
        path = folder / f"{name}.parquet"
        parquet.write_table(rows, path, **options)
        return name, path

    for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
        for version, dictionary in itertools.product(("1.0", "2.0"), (True, False)):
            yield write(
                f"{codec}-{version}-{'dictionary' if dictionary else 'plain'}",
                compression=codec, data_page_version=version, use_dictionary=dictionary,
                row_group_size=7_000, data_page_size=4_096, write_page_index=True,
            )
    yield write("one-group", with_zone(table))
    yield write("int96", use_deprecated_int96_timestamps=True, row_group_size=9_000)
    yield write("micros", coerce_timestamps="us", write_page_checksum=True)
    yield write("nanos", version="2.6", rows=table.set_column(
        6, "last_modified_date", table.column(6).cast(pyarrow.timestamp("ns"))))
    yield write("categories", with_dictionaries(table))
    yield write("no-statistics", write_statistics=False)
    yield write("other-order", table.select(table.column_names[::-1]))
    yield write(
        "deltas", use_dictionary=False, data_page_size=3_000,
        column_encoding={
            "key": "DELTA_BYTE_ARRAY", "version_id": "DELTA_LENGTH_BYTE_ARRAY",
            "size": "DELTA_BINARY_PACKED", "last_modified_date": "DELTA_BINARY_PACKED",
        },
    )
    for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw"):
        path = folder / f"duckdb-{codec}.parquet"
        duckdb.from_arrow(table).write_parquet(
            str(path), compression=codec, row_group_size=10_000
        )
        yield f"duckdb-{codec}", path


def orc_files(table, folder):
    for codec in ("uncompressed", "zlib", "snappy", "lz4", "zstd"):
        for threshold in (0.0, 1.0):
            path = folder / f"{codec}-{threshold}.orc"
            orc.write_table(
                table, path, compression=codec, dictionary_key_size_threshold=threshold,
                stripe_size=1 << 18, compression_block_size=1 << 16,
            )
            yield path.stem, path
    path = folder / "old.orc"
    orc.write_table(table, path, file_version="0.11", row_index_stride=1_000)
    yield "0.11", path
    path = folder / "zoned.orc"
    orc.write_table(with_zone(table), path, row_index_stride=1_000)
    yield "zoned", path


def schema(kind):
    if kind == "Parquet":
        columns = (f"optional {text.format(name)};" for name, (text, _) in COLUMNS.items())
        return "message s3.inventory { " + " ".join(columns) + "}"
    return "struct<" + ",".join(f"{name}:{text}" for name, (_, text) in COLUMNS.items()) + ">"


def manifest_of(path, kind):
    data = path.read_bytes()
    manifest = path.with_suffix(".manifest.json")
    manifest.write_text(json.dumps({
        "sourceBucket": "demo", "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30", "creationTimestamp": "1767225600000", "fileFormat": kind,
        "fileSchema": schema(kind),
        "files": [{"key": path.name, "size": len(data),
                   "MD5checksum": hashlib.md5(data).hexdigest()}],
    }))
    return manifest


def encoded(key):
    """A key as S3 writes it in CSV reports."""
    return urllib.parse.quote_plus(key, safe="/*").replace("~", "%7E")


def expected(table, question):
    rows = table.filter(question)
    live = compute.fill_null(compute.invert(rows["is_delete_marker"]), True)
    rows = rows.filter(live)
    return [
        f"{bucket},{encoded(key)},{version or 'null'}"
        for bucket, key, version in zip(
            rows["bucket"].to_pylist(), rows["key"].to_pylist(), rows["version_id"].to_pylist()
        )
    ]


def found(program, manifest, question, out):
    subprocess.run(
        [program, "filter", manifest, "--where", question, "--out", out],
        check=True, stdout=subprocess.DEVNULL,
    )
    shards = json.loads((out / "plan.json").read_text())["shards"]
    return [line for shard in shards for line in (out / shard["path"]).read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    parser.add_argument("--rows", type=int, default=30_000)
    arguments = parser.parse_args()
    compared = 0
    with tempfile.TemporaryDirectory() as scratch:
        for sorted_by_size in (False, True):
            table = made(arguments.rows, sorted_by_size)
            wanted = {ours: expected(table, theirs) for ours, theirs in QUESTIONS.items()}
            folder = pathlib.Path(scratch) / str(sorted_by_size)
            folder.mkdir()
            files = [("Parquet", *file) for file in parquet_files(table, folder)]
            files += [("ORC", *file) for file in orc_files(table, folder)]
            for kind, name, path in files:
                manifest = manifest_of(path, kind)
                for question, lines in wanted.items():
                    got = found(arguments.s3sieve, manifest, question, folder / f"plan-{compared}")
                    if got != lines:
                        pairs = itertools.zip_longest(got, lines)
                        place, (one, other) = next(
                            (place, pair) for place, pair in enumerate(pairs) if pair[0] != pair[1]
                        )
                        sys.exit(
                            f"{kind} {name}: {question}\n{len(got)} lines where pyarrow has "
                            f"{len(lines)};\nline {place + 1}: {one!r}\npyarrow: {other!r}"
                        )
                    compared += 1
                print(f"{kind} {name}: {len(wanted)} questions agree")
    print(f"{compared} comparisons agree")


if __name__ == "__main__":
    main()
