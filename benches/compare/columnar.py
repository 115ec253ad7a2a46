#!/usr/bin/env python3
"""s3sieve beside other engines on reports in Parquet and in ORC.

The question is that of peers.py: bucket, key and version id (`null` where there is none) of all
rows whose bucket_key_status is DISABLED and which are no delete markers, written as CSV, on two
threads, each engine in a process of its own. Other engines write keys as they stand, where s3sieve
encodes them for a manifest: before lines are compared, theirs are encoded by Python.

    cargo build --release
    target/release/s3sieve synth --columns bucket-keys --rows 8000000 --files 16 \\
        --format parquet --out /tmp/parquet
    benches/compare/columnar.py /tmp/parquet --scratch /tmp/peers
    target/release/s3sieve synth --columns bucket-keys --rows 8000000 --files 16 \\
        --format orc --out /tmp/orc
    benches/compare/columnar.py /tmp/orc --scratch /tmp/peers
"""

import argparse
import csv
import datetime
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import statistics
import urllib.parse

import peers
from peers import ROOT, THREADS

COLUMNS = ["bucket", "key", "version_id"]
WHERE = "bucket_key_status = 'DISABLED' AND NOT is_delete_marker"
# s3sieve must be so many times as fast as the fastest of the others.
BOUND = 1.5


# --- one function for each engine: runs in a process of its own ---


def with_duckdb(files, out):
    import duckdb

    duckdb.sql(f"SET threads = {THREADS}")
    duckdb.sql(
        f"""COPY (SELECT bucket, key, coalesce(version_id, 'null') FROM read_parquet({files})
        WHERE {WHERE}) TO '{out}' (HEADER false)"""
    )


def with_polars(files, out):
    import polars

    chosen = (polars.col("bucket_key_status") == "DISABLED") & ~polars.col("is_delete_marker")
    polars.scan_parquet(files).filter(chosen).select(
        "bucket", "key", polars.col("version_id").fill_null("null")
    ).sink_csv(out, include_header=False)


def with_datafusion(files, out):
    import datafusion

    config = datafusion.SessionConfig().with_target_partitions(THREADS)
    context = datafusion.SessionContext(config)
    context.register_parquet("report", os.path.dirname(files[0]))
    context.sql(
        f"""SELECT bucket, key, coalesce(version_id, 'null') AS version_id FROM report
        WHERE {WHERE}"""
    ).write_csv(out)


def with_chdb(files, out):
    import chdb

    ending = pathlib.Path(files[0]).suffix
    kind = {".parquet": "Parquet", ".orc": "ORC"}[ending]
    chdb.query(
        f"""SELECT bucket, key, ifNull(version_id, 'null')
        FROM file('{os.path.dirname(files[0])}/*{ending}', {kind})
        WHERE {WHERE} INTO OUTFILE '{out}' FORMAT CSV SETTINGS max_threads = {THREADS}"""
    )


def with_pyarrow(files, out):
    import pyarrow
    from pyarrow import compute, csv, dataset

    pyarrow.set_cpu_count(THREADS)
    field = dataset.field
    rows = dataset.dataset(files, format=pathlib.Path(files[0]).suffix[1:])
    scanner = rows.scanner(
        columns={
            "bucket": field("bucket"),
            "key": field("key"),
            "version_id": compute.coalesce(field("version_id"), "null"),
        },
        filter=(field("bucket_key_status") == "DISABLED") & ~field("is_delete_marker"),
    )
    options = csv.WriteOptions(include_header=False)
    with csv.CSVWriter(out, scanner.projected_schema, write_options=options) as writer:
        for batch in scanner.to_batches():
            writer.write_batch(batch)


ENGINES = {
    "DuckDB": with_duckdb,
    "Polars": with_polars,
    "DataFusion": with_datafusion,
    "chdb": with_chdb,
    "pyarrow": with_pyarrow,
}
READERS = {"parquet": list(ENGINES), "orc": ["chdb", "pyarrow"]}


# --- the comparison ---


def encoded(key):
    """A key as S3 writes it in CSV reports."""
    return urllib.parse.quote_plus(key, safe="/*").replace("~", "%7E")


def lines_digest(scratch, is_own):
    """How many lines came out, and the SHA-256 of them sorted, without quotes, keys encoded."""
    paths = sorted(path for path in scratch.glob("out*") if path.is_file())
    paths += sorted(scratch.glob("out/*.csv")) + sorted(scratch.glob("out/manifests/*.csv"))
    found = []
    for path in paths:
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if not is_own and row != COLUMNS:
                    row[1] = encoded(row[1])
                if row != COLUMNS:
                    found.append(",".join(row))
    text = "\n".join(sorted(found))
    return len(found), hashlib.sha256(text.encode()).hexdigest()


def apart(work, *arguments):
    """Does work in a process of its own: what is measured later begins with the memory of this."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def compare(arguments, kind, files):
    python = peers.installed(arguments.scratch)
    program = str(arguments.s3sieve)
    filtered = [program, "filter", str(arguments.report), "--where",
                "BucketKeyStatus = 'DISABLED'", "--threads", str(THREADS), "--out", "{out}"]
    found = {"s3sieve": filtered, "s3sieve --verify crc": [*filtered, "--verify", "crc"]}
    for name in READERS[kind]:
        found[name] = [python, __file__, "--engine", name, "--out", "{out}", *files]
    wanted = None
    for name, command in found.items():
        peers.run(command, arguments.scratch)
        told = apart(lines_digest, arguments.scratch, name.startswith("s3sieve"))
        wanted = wanted or told
        print(f"{name}: {told[0]} lines, {'as' if told == wanted else 'NOT as'} s3sieve's")
    seconds = {name: [] for name in found}
    peaks = {name: 0 for name in found}
    for _ in range(arguments.runs):
        for name, command in found.items():
            took, peak = peers.run(command, arguments.scratch)
            seconds[name].append(round(took, 3))
            peaks[name] = max(peaks[name], round(peak))
    peers.clean(arguments.scratch)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": peers.machine(),
        "versions": peers.versions(python, program, arguments.scratch),
        "format": kind,
        "files": len(files),
        "bytes_compressed": sum(os.path.getsize(path) for path in files),
        "rows_selected": wanted[0],
        "runs": arguments.runs,
        "engines": [
            {"name": name, "seconds": times, "median": statistics.median(times),
             "peak_mib": peaks[name]}
            for name, times in sorted(seconds.items(), key=lambda item: statistics.median(item[1]))
        ],
    }


def table(result):
    own = next(engine for engine in result["engines"] if engine["name"] == "s3sieve")
    rows = [f"| {result['format']} | seconds | times s3sieve's | peak MiB |", "|---|---|---|---|"]
    for engine in result["engines"]:
        ratio = engine["median"] / own["median"]
        rows.append(
            f"| {engine['name']} | {engine['median']:.2f} | {ratio:.2f} | {engine['peak_mib']} |"
        )
    others = [e["median"] for e in result["engines"] if not e["name"].startswith("s3sieve")]
    ratio = min(others) / own["median"]
    rows.append(f"\n{'holds' if ratio >= BOUND else 'MISSED'}: {ratio:.2f} times as fast as the "
                f"fastest other, where {BOUND} is the bound")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="REPORT")
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/peers"))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--s3sieve", type=pathlib.Path, default=ROOT / "target/release/s3sieve")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        ENGINES[arguments.engine]([str(path) for path in arguments.paths], arguments.out)
        return
    arguments.report = arguments.paths[0]
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    files = sorted(
        str(path) for path in arguments.report.resolve().rglob("*")
        if re.search(r"\.(parquet|orc)$", path.name)
    )
    result = compare(arguments, files[0].rsplit(".", 1)[1], files)
    print(table(result))
    if arguments.results:
        arguments.results.mkdir(parents=True, exist_ok=True)
        name = arguments.results / f"{result['date']}-{result['format']}"
        name.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        name.with_suffix(".md").write_text(table(result) + "\n")


if __name__ == "__main__":
    main()
