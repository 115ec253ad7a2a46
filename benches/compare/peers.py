#!/usr/bin/env python3
"""s3sieve beside the engines that people would use instead, on the same question and files.

The question: bucket, key and version id (`null` where it is empty) of all rows whose
BucketKeyStatus is DISABLED and which are no delete markers, written as CSV. Each engine reads the
same .csv.gz files with all columns as text, uses two threads, and is a process of its own, timed
from start to end. Every engine's lines are first held against s3sieve's, sorted and without quotes.

    cargo build --release
    target/release/s3sieve synth --rows 8000000 --files 16 --out /tmp/report
    benches/compare/peers.py /tmp/report --scratch /tmp/peers --results benches/compare/results

Installs DuckDB, Polars, chdb, DataFusion and pyarrow from PyPI into the scratch folder. igzip
(Debian `isal`), ripgrep and xan (`cargo install xan`) take part where they are on the path.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["duckdb", "polars", "chdb", "datafusion", "pyarrow"]
COLUMNS = ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "BucketKeyStatus"]
THREADS = 2


# --- one function for each engine: runs in a process of its own ---


def with_duckdb(files, out):
    import duckdb

    types = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS) + "}"
    duckdb.sql(f"SET threads = {THREADS}")
    duckdb.sql(
        f"""COPY (
            SELECT Bucket, Key, coalesce(nullif(VersionId, ''), 'null')
            FROM read_csv({files}, header = false, columns = {types}, auto_detect = false,
                quote = '"', escape = '"', delim = ',')
            WHERE BucketKeyStatus = 'DISABLED' AND IsDeleteMarker = 'false'
        ) TO '{out}' (HEADER false)"""
    )


def with_polars(files, out):
    import polars

    rows = polars.scan_csv(
        files, has_header=False, schema={name: polars.String for name in COLUMNS}
    )
    version = polars.col("VersionId")
    rows.filter(
        (polars.col("BucketKeyStatus") == "DISABLED") & (polars.col("IsDeleteMarker") == "false")
    ).select(
        "Bucket",
        "Key",
        polars.when(version.is_null() | (version == ""))
        .then(polars.lit("null"))
        .otherwise(version)
        .alias("VersionId"),
    ).sink_csv(out, include_header=False)


def with_chdb(files, out):
    import chdb

    schema = ", ".join(f"{name} String" for name in COLUMNS)
    folder = os.path.dirname(files[0])
    chdb.query(
        f"""SELECT Bucket, Key, if(VersionId = '', 'null', VersionId)
        FROM file('{folder}/*.csv.gz', CSV, '{schema}')
        WHERE BucketKeyStatus = 'DISABLED' AND IsDeleteMarker = 'false'
        INTO OUTFILE '{out}' FORMAT CSV
        SETTINGS max_threads = {THREADS}"""
    )


def with_datafusion(files, out):
    import datafusion
    import pyarrow

    config = datafusion.SessionConfig().with_target_partitions(THREADS)
    context = datafusion.SessionContext(config)
    context.register_csv(
        "report",
        os.path.dirname(files[0]),
        schema=pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS]),
        has_header=False,
        file_extension=".csv.gz",
        file_compression_type="gzip",
    )
    context.sql(
        """SELECT "Bucket", "Key", coalesce(nullif("VersionId", ''), 'null') AS "VersionId"
        FROM report WHERE "BucketKeyStatus" = 'DISABLED' AND "IsDeleteMarker" = 'false'"""
    ).write_csv(out)


def with_pyarrow(files, out):
    import pyarrow
    from pyarrow import compute, csv, dataset

    pyarrow.set_cpu_count(THREADS)
    kinds = {name: pyarrow.string() for name in COLUMNS}
    formatted = dataset.CsvFileFormat(
        read_options=csv.ReadOptions(column_names=COLUMNS),
        convert_options=csv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
    )
    field = dataset.field
    rows = dataset.dataset(files, format=formatted)
    version = compute.if_else(field("VersionId") == "", "null", field("VersionId"))
    scanner = rows.scanner(
        columns={"Bucket": field("Bucket"), "Key": field("Key"), "VersionId": version},
        filter=(field("BucketKeyStatus") == "DISABLED") & (field("IsDeleteMarker") == "false"),
    )
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    with csv.CSVWriter(out, scanner.projected_schema, write_options=options) as writer:
        for batch in scanner.to_batches():
            writer.write_batch(batch)


ENGINES = {
    "DuckDB": with_duckdb,
    "Polars": with_polars,
    "chdb": with_chdb,
    "DataFusion": with_datafusion,
    "pyarrow": with_pyarrow,
}


# --- the comparison ---


def commands(arguments, python, files):
    """Name to command; each writes its lines to the output that is put in."""
    program = str(arguments.s3sieve)
    filtered = [
        program, "filter", str(arguments.report), "--where", "BucketKeyStatus = 'DISABLED'",
        "--threads", str(THREADS), "--out", "{out}",
    ]
    found = {"s3sieve": filtered, "s3sieve --verify crc": [*filtered, "--verify", "crc"]}
    for name in ENGINES:
        found[name] = [python, __file__, "--engine", name, "--out", "{out}", *files]
    listing = arguments.scratch / "files"
    listing.write_text("\n".join(files))
    parallel = f"xargs -a {listing} -P {THREADS} -I FILE sh -c"
    if shutil.which("igzip") and shutil.which("rg"):
        # Any column that holds the word; keys are left as they are, whole rows come out.
        found["igzip | rg"] = [
            "sh", "-c",
            f"{parallel} 'igzip -dc FILE | rg -F \\\"DISABLED\\\" > {{out}}.$(basename FILE)'",
        ]
        found["igzip (no question asked)"] = [
            "sh", "-c", f"{parallel} 'igzip -dc FILE > /dev/null'",
        ]
    if shutil.which("xan"):
        found["xan"] = [
            "sh", "-c",
            f"{parallel} 'xan filter -n \"col(5) == \\\"DISABLED\\\" && col(4) == \\\"false\\\"\" "
            "FILE | xan select -n 0,1,2 > {out}.$(basename FILE)'",
        ]
    return found


def installed(scratch):
    """A Python with the engines."""
    python = scratch / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", scratch / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return str(python)


def clean(scratch):
    for path in scratch.glob("out*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def run(command, scratch):
    """Seconds and peak memory in MiB."""
    clean(scratch)
    out = str(scratch / "out")
    filled = [part.replace("{out}", out) for part in command]
    begun = time.perf_counter()
    child = subprocess.Popen(filled, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{filled[:4]} ended with {child.returncode}")
    return seconds, usage.ru_maxrss / 1024


def lines_digest(scratch):
    """How many lines came out, and the SHA-256 of them sorted and without quotes."""
    paths = sorted(path for path in scratch.glob("out*") if path.is_file())
    paths += sorted(scratch.glob("out/*.csv")) + sorted(scratch.glob("out/manifests/*.csv"))
    lines = []
    for path in paths:
        with open(path, "rb") as file:
            lines += [line.rstrip(b"\r\n").replace(b'"', b"") for line in file]
    lines.sort()
    digest = hashlib.sha256(b"\n".join(lines)).hexdigest()
    return len(lines), digest


def versions(python, program):
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    found = {
        item["name"]: item["version"]
        for item in json.loads(listed.stdout)
        if item["name"] in PACKAGES
    }
    own = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found["s3sieve"] = own.stdout.split()[-1]
    for tool in ("igzip", "rg", "xan"):
        if shutil.which(tool):
            told = subprocess.run([tool, "--version"], capture_output=True, text=True)
            found[tool] = (told.stdout or told.stderr).splitlines()[0]
    return found


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    return {
        "processor": model.group(1) if model else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


def compare(arguments):
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    python = installed(arguments.scratch)
    files = sorted(str(path) for path in arguments.report.resolve().rglob("*.csv.gz"))
    found = commands(arguments, python, files)
    wanted = None
    agrees = {}
    for name, command in list(found.items()):
        run(command, arguments.scratch)
        digest = lines_digest(arguments.scratch)
        wanted = wanted or digest
        agrees[name] = digest == wanted
        print(f"{name}: {digest[0]} lines, {'as' if agrees[name] else 'NOT as'} s3sieve's")
    seconds = {name: [] for name in found}
    peaks = {name: 0 for name in found}
    for round_number in range(arguments.runs):
        for name, command in found.items():
            took, peak = run(command, arguments.scratch)
            seconds[name].append(round(took, 3))
            peaks[name] = max(peaks[name], round(peak))
        print(f"round {round_number + 1} of {arguments.runs} is done")
    clean(arguments.scratch)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    own = medians["s3sieve"]
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(python, str(arguments.s3sieve)),
        "report": {
            "files": len(files),
            "bytes_compressed": sum(os.path.getsize(path) for path in files),
            "rows_selected": wanted[0],
        },
        "runs": arguments.runs,
        "engines": [
            {
                "name": name,
                "seconds": seconds[name],
                "median": medians[name],
                "ratio": round(medians[name] / own, 2),
                "peak_mib": peaks[name],
                "same_lines": agrees[name],
            }
            for name in sorted(found, key=medians.get)
        ],
    }


def table(result):
    lines = [
        "| engine | seconds | times s3sieve's | peak MiB | same lines |",
        "|---|---|---|---|---|",
    ]
    for engine in result["engines"]:
        lines.append(
            f"| {engine['name']} | {engine['median']:.2f} | {engine['ratio']:.2f} | "
            f"{engine['peak_mib']} | {'yes' if engine['same_lines'] else 'no'} |"
        )
    return "\n".join(lines)


def chart(result):
    """The medians as an SVG bar chart."""
    engines = result["engines"]
    longest = max(engine["median"] for engine in engines)
    height = 24 * len(engines) + 40
    rows = []
    for number, engine in enumerate(engines):
        top = 24 * number + 8
        width = max(1, round(420 * engine["median"] / longest))
        colour = "#c0561b" if engine["name"].startswith("s3sieve") else "#8a94a0"
        rows.append(
            f'<text x="170" y="{top + 13}" text-anchor="end">{engine["name"]}</text>'
            f'<rect x="178" y="{top}" width="{width}" height="17" fill="{colour}"/>'
            f'<text x="{184 + width}" y="{top + 13}">{engine["median"]:.2f} s</text>'
        )
    foot = f"Median of {result['runs']} runs, {result['date']}, {result['machine']['processor']}"
    foot += f", {result['machine']['cores']} cores. Shorter is faster."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="680" height="{height}" fill="white"/>\n'
        + "\n".join(rows)
        + f'\n<text x="8" y="{height - 8}" font-size="11" fill="#555">{foot}</text>\n</svg>\n'
    )


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
    result = compare(arguments)
    print(table(result))
    if arguments.results:
        arguments.results.mkdir(parents=True, exist_ok=True)
        name = arguments.results / result["date"]
        name.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        name.with_suffix(".md").write_text(table(result) + "\n")
        name.with_suffix(".svg").write_text(chart(result))


if __name__ == "__main__":
    main()
