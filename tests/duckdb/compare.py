#!/usr/bin/env python3
"""Holds s3sieve's manifests against DuckDB on the same data files, line for line.

Makes a synthetic report of about 100 MB with odd keys, delete markers and null versions, and takes
real reports as well where they lie beside the project. DuckDB reads the same .csv.gz files, and
gives the lines that a manifest should hold; their order is not compared, as large files take turns.

    pip install duckdb
    cargo build --release
    tests/duckdb/compare.py
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the predicate means to s3sieve, and to DuckDB on columns of text where '' is NULL.
QUESTIONS = {
    "BucketKeyStatus = 'DISABLED'": "BucketKeyStatus = 'DISABLED'",
    "BucketKeyStatus <> 'DISABLED' OR VersionId IS NULL":
        "BucketKeyStatus <> 'DISABLED' OR VersionId IS NULL",
    "Key LIKE '%7%' AND NOT IsLatest": "decoded LIKE '%7%' AND NOT IsLatest::BOOLEAN",
    "Size BETWEEN 1000 AND '1MiB' AND LastModifiedDate < '2025-01-01'":
        "Size::BIGINT BETWEEN 1000 AND 1048576 AND LastModifiedDate::TIMESTAMP < '2025-01-01'",
    "StorageClass IN ('GLACIER', 'DEEP_ARCHIVE') OR EncryptionStatus IS NULL":
        "StorageClass IN ('GLACIER', 'DEEP_ARCHIVE') OR EncryptionStatus IS NULL",
}


def data_files(manifest, document):
    """Paths of the data files: the key's longest suffix below a folder above the manifest."""
    for entry in document["files"]:
        parts = entry["key"].split("/")
        candidates = (
            folder.joinpath(*parts[start:])
            for start in range(len(parts))
            for folder in manifest.parents
        )
        yield str(next(path for path in candidates if path.is_file()))


def expected(manifest, question):
    """The manifest lines that DuckDB finds, or None where the report lacks a column."""
    document = json.loads(manifest.read_text())
    columns = [name.strip() for name in document["fileSchema"].split(",")]
    types = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in columns) + "}"
    version = ", coalesce(VersionId, 'null')" if "VersionId" in columns else ""
    live = "AND NOT IsDeleteMarker::BOOLEAN" if "IsDeleteMarker" in columns else ""
    lines = []
    for path in data_files(manifest, document):
        relation = f"""
            SELECT *, url_decode(replace(Key, '+', '%20')) AS decoded
            FROM read_csv('{path}', header = false, columns = {types}, nullstr = '',
                allow_quoted_nulls = true, quote = '"', escape = '"', delim = ',',
                auto_detect = false)
        """
        try:
            rows = duckdb.sql(
                f"SELECT concat_ws(',', Bucket, Key{version}) FROM ({relation}) "
                f"WHERE ({question}) {live}"
            )
        except duckdb.BinderException:
            return None
        lines += [line for (line,) in rows.fetchall()]
    return lines


def found(program, manifest, question, out):
    """The lines of the manifests that s3sieve writes."""
    subprocess.run(
        [program, "filter", manifest, "--where", question, "--out", out],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shards = json.loads((out / "plan.json").read_text())["shards"]
    return [line for shard in shards for line in (out / shard["path"]).read_text().splitlines()]


def reports(program, scratch, rows):
    """The manifests to compare on."""
    columns = "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,StorageClass," \
              "EncryptionStatus,BucketKeyStatus"
    for name, extra in {"six": ["--columns", "bucket-keys"], "ten": ["--columns", columns]}.items():
        out = scratch / name
        subprocess.run(
            [program, "synth", "--rows", str(rows), "--files", "4", "--odd-keys", "0.1",
             "--delete-markers", "0.05", "--null-versions", "0.05", "--out", out, *extra],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        yield next(out.rglob("manifest.json"))
    real = ROOT.parent / "shared" / "real-reports"
    yield from sorted(real.glob("csv_*_manifest.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    parser.add_argument("--rows", type=int, default=600_000)
    arguments = parser.parse_args()
    compared = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for manifest in reports(arguments.s3sieve, scratch, arguments.rows):
            for ours, theirs in QUESTIONS.items():
                wanted = expected(manifest, theirs)
                if wanted is None:
                    continue
                got = found(arguments.s3sieve, manifest, ours, scratch / f"plan-{compared}")
                got, wanted = sorted(got), sorted(wanted)
                if got != wanted:
                    pairs = zip(got + [None], wanted + [None])
                    place, (one, other) = next(
                        (place, pair) for place, pair in enumerate(pairs) if pair[0] != pair[1]
                    )
                    sys.exit(
                        f"{manifest}: {ours}\n{len(got)} lines where DuckDB has {len(wanted)};\n"
                        f"line {place + 1}: {one!r}\nDuckDB: {other!r}"
                    )
                compared += 1
                print(f"{manifest.name}: {len(got)} lines agree: {ours}")
    if compared < len(QUESTIONS):
        sys.exit(f"only {compared} comparisons were made")


if __name__ == "__main__":
    main()
