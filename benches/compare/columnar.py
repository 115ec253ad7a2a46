#!/usr/bin/env python3
"""s3sieve beside other engines on reports in Parquet and in ORC.

The question is that of peers.py: bucket, key and version id (`null` where there is none) of all
rows whose bucket_key_status is DISABLED and which are no delete markers, written as CSV, on two
threads, each engine in a process of its own. Other engines write keys as they stand, where s3sieve
encodes them for a manifest: before lines are compared, theirs are encoded by Python.

An engine that fails, or does not end in time (it is killed then), is named and left out.

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
import os
import pathlib
import re
import sys
import urllib.parse

import peers
from measure import ROOT, Comparison, end_in_order, machine, run, verdict
from peers import OWN, THREADS, UNVERIFIED

COLUMNS = ["bucket", "key", "version_id"]
WHERE = "bucket_key_status = 'DISABLED' AND NOT is_delete_marker"
# How many times as fast as an engine s3sieve must be, and is meant to be.
TARGETS = {
    "parquet": {"Polars": (1.25, 1.5), "DuckDB": (1.5, 1.5)},
    "orc": {"chdb": (1.8, 1.8)},
}
# Reading the lines of an engine, millions of keys of which Python encodes, takes 10 s here.
DIGEST_SECONDS_MAX = 300.0
# Keys that are written as they stand.
PLAIN_KEY = re.compile(r"[A-Za-z0-9/*_.-]*")


# --- one function for each engine: runs in a process of its own ---


def with_duckdb(files: list[str], out: str) -> None:
    import duckdb

    duckdb.sql(f"SET threads = {THREADS}")
    duckdb.sql(
        f"""COPY (SELECT bucket, key, coalesce(version_id, 'null') FROM read_parquet({files})
        WHERE {WHERE}) TO '{out}' (HEADER false)"""
    )


def with_polars(files: list[str], out: str) -> None:
    import polars

    chosen = (polars.col("bucket_key_status") == "DISABLED") & ~polars.col("is_delete_marker")
    polars.scan_parquet(files).filter(chosen).select(
        "bucket", "key", polars.col("version_id").fill_null("null")
    ).sink_csv(out, include_header=False)


def with_datafusion(files: list[str], out: str) -> None:
    import datafusion

    config = datafusion.SessionConfig().with_target_partitions(THREADS)
    context = datafusion.SessionContext(config)
    context.register_parquet("report", os.path.dirname(files[0]))
    context.sql(
        f"""SELECT bucket, key, coalesce(version_id, 'null') AS version_id FROM report
        WHERE {WHERE}"""
    ).write_csv(out)


def with_chdb(files: list[str], out: str) -> None:
    import chdb

    ending = pathlib.Path(files[0]).suffix
    kind = {".parquet": "Parquet", ".orc": "ORC"}[ending]
    chdb.query(
        f"""SELECT bucket, key, ifNull(version_id, 'null')
        FROM file('{os.path.dirname(files[0])}/*{ending}', {kind})
        WHERE {WHERE} INTO OUTFILE '{out}' FORMAT CSV SETTINGS max_threads = {THREADS}"""
    )


def with_pyarrow(files: list[str], out: str) -> None:
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


def encoded(key: str) -> str:
    """A key as S3 writes it in CSV reports."""
    if PLAIN_KEY.fullmatch(key):
        return key
    return urllib.parse.quote_plus(key, safe="/*").replace("~", "%7E")


def lines_digest_here(scratch: pathlib.Path, is_own: bool) -> tuple[int, str]:
    """How many lines came out, and the SHA-256 of them sorted, without quotes, keys encoded."""
    found = []
    for path in peers.output_paths(scratch):
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if not is_own and row != COLUMNS:
                    row[1] = encoded(row[1])
                if row != COLUMNS:
                    found.append(",".join(row))
    text = "\n".join(sorted(found))
    return len(found), hashlib.sha256(text.encode()).hexdigest()


def lines_digest(scratch: pathlib.Path, is_own: bool) -> tuple[int, str]:
    """The same in a process of its own: what is measured later begins with the memory of this."""
    command = [sys.executable, __file__, str(scratch), "--digest", "own" if is_own else "other"]
    told = run(command, seconds_max=DIGEST_SECONDS_MAX, with_output=True).output.split()
    return int(told[0]), told[1]


def compare(arguments: argparse.Namespace, kind: str, files: list[str]) -> dict:
    """All figures."""
    python = peers.installed(arguments.scratch)
    program = str(arguments.s3sieve)
    filtered = [program, "filter", str(arguments.report), "--where", "BucketKeyStatus = 'DISABLED'",
                "--threads", str(THREADS), "--out", "{out}"]
    found = {OWN: filtered, UNVERIFIED: [*filtered, "--verify", "crc"]}
    for name in arguments.only or READERS[kind]:
        found[name] = [python, __file__, "--engine", name, "--out", "{out}", *files]
    comparison = Comparison(peers.questions(found, arguments.scratch))

    def digest(name: str) -> tuple[int, str]:
        return lines_digest(arguments.scratch, name in (OWN, UNVERIFIED))

    agrees, rows_selected = peers.agreeing(comparison, digest)
    comparison.ask_all(arguments.runs)
    peers.clean(arguments.scratch)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": peers.versions(python, program, arguments.scratch),
        "format": kind,
        "files": len(files),
        "bytes_compressed": sum(os.path.getsize(path) for path in files),
        "rows_selected": rows_selected,
        "runs": arguments.runs,
        "engines": [
            each | {"same_lines": agrees[each["name"]]}
            for each in peers.engine_figures(comparison)
        ],
        "left_out": comparison.failures,
    }


def table(result: dict) -> str:
    """The engines, the fastest first, and the figures against the targets."""
    kind = result["format"]
    rows = [
        f"| {kind} | seconds | times s3sieve's | CPU s | peak MiB | same lines |",
        "|---|---|---|---|---|---|",
    ]
    for each in result["engines"]:
        rows.append(
            f"| {each['name']} | {each['median']:.2f} | {each['ratio']:.2f} | "
            f"{each['processor_seconds']:.2f} | {each['peak_mib']} | "
            f"{'yes' if each['same_lines'] else 'no'} |"
        )
    ratios = {each["name"]: each["ratio"] for each in result["engines"]}
    rows.append("")
    for name, (bound, aim) in TARGETS[kind].items():
        if name in ratios:
            ratio = ratios[name]
            told = verdict(ratio, bound, aim, less_is_better=False)
            rows.append(f"{name} / s3sieve: {ratio:.2f}, at least {bound}, aim {aim}: {told}")
    rows += [f"LEFT OUT: {name}: {reason}" for name, reason in result["left_out"].items()]
    return "\n".join(rows)


def main() -> None:
    """Reads the flags; measures, or is one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="REPORT")
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/peers"))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--s3sieve", type=pathlib.Path, default=ROOT / "target/release/s3sieve")
    parser.add_argument("--only", nargs="+", choices=ENGINES, metavar="ENGINE",
                        help="these engines beside s3sieve")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--digest", choices=["own", "other"], help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        ENGINES[arguments.engine]([str(path) for path in arguments.paths], arguments.out)
        return
    if arguments.digest:
        print(*lines_digest_here(arguments.paths[0], arguments.digest == "own"))
        return
    end_in_order()
    arguments.report = arguments.paths[0]
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    files = sorted(
        str(path) for path in arguments.report.resolve().rglob("*")
        if re.search(r"\.(parquet|orc)$", path.name)
    )
    if not files:
        sys.exit(f"{arguments.report} has no .parquet and no .orc files")
    result = compare(arguments, files[0].rsplit(".", 1)[1], files)
    print(table(result))
    if arguments.results:
        arguments.results.mkdir(parents=True, exist_ok=True)
        name = arguments.results / f"{result['date']}-{result['format']}"
        name.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        name.with_suffix(".md").write_text(table(result) + "\n")


if __name__ == "__main__":
    main()
