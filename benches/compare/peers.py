#!/usr/bin/env python3
"""s3sieve beside the engines that people would use instead, on the same question and files.

The question: bucket, key and version id (`null` where it is empty) of all rows whose
BucketKeyStatus is DISABLED and which are no delete markers, written as CSV. Each engine reads the
same .csv.gz files with all columns as text, uses two threads, and is a process of its own, timed
from start to end. Every engine's lines are first held against s3sieve's, sorted and without quotes.

    cargo build --release
    target/release/s3sieve synth --columns bucket-keys --rows 8000000 --files 16 --out /tmp/report
    benches/compare/peers.py /tmp/report --scratch /tmp/peers --results benches/compare/results

Installs DuckDB, Polars, chdb, DataFusion and pyarrow with pip and xan with cargo into the scratch
folder, which takes some minutes. igzip and ripgrep (Debian `isal` and `ripgrep`) take part
where they are on the path; without igzip there is no floor to compare with.

With --results it writes a dated result: figures, machine, versions and commands as JSON, tables as
Markdown, a chart as SVG. The second table holds the figures against the targets.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["duckdb", "polars", "chdb", "datafusion", "pyarrow"]
COLUMNS = ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "BucketKeyStatus"]
THREADS = 2
FLOOR = "igzip (no question asked)"
COUNT = "s3sieve count --verify crc"
# Start to finish on a report of ten rows: how often, and how many runs before those that count.
SMALL_RUNS, SMALL_RUNS_BEFORE = 25, 3


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
    found[COUNT] = [
        program, "count", str(arguments.report), "--where", "BucketKeyStatus = 'DISABLED'",
        "--threads", str(THREADS), "--verify", "crc",
    ]
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
        found[FLOOR] = [
            "sh", "-c", f"{parallel} 'igzip -dc FILE > /dev/null'",
        ]
    xan = arguments.scratch / "cargo/bin/xan"
    # xan's `==` compares numbers, `eq` text.
    found["xan"] = [
        "sh", "-c",
        f"{parallel} '{xan} filter -n \"col(5) eq \\\"DISABLED\\\" && col(4) eq \\\"false\\\"\" "
        f"FILE | {xan} select -n 0,1,2 | {xan} fill -n -s 2 -v null > {{out}}.$(basename FILE)'",
    ]
    return found


def installed(scratch):
    """A Python with the engines."""
    python = scratch / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", scratch / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    root = scratch / "cargo"
    if not (root / "bin/xan").exists():
        subprocess.run(["cargo", "install", "--quiet", "xan", "--root", root], check=True)
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
    """How many lines came out, and the SHA-256 of them sorted and without quotes.

    In a process of its own: a child's peak memory counts from that of the process it was forked
    from, so this one must stay small.
    """
    command = [sys.executable, __file__, str(scratch), "--digest"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(told[0]), told[1]


def lines_digest_here(scratch):
    paths = sorted(path for path in scratch.glob("out*") if path.is_file())
    paths += sorted(scratch.glob("out/*.csv")) + sorted(scratch.glob("out/manifests/*.csv"))
    lines = []
    for path in paths:
        with open(path, "rb") as file:
            lines += [line.rstrip(b"\r\n").replace(b'"', b"") for line in file]
    lines.sort()
    digest = hashlib.sha256(b"\n".join(lines)).hexdigest()
    return len(lines), digest


def versions(python, program, scratch):
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
    for tool in ("igzip", "rg", str(scratch / "cargo/bin/xan")):
        if shutil.which(tool):
            told = subprocess.run([tool, "--version"], capture_output=True, text=True)
            found[os.path.basename(tool)] = (told.stdout or told.stderr).splitlines()[0]
    return found


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    return {
        "processor": model.group(1) if model else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


def small_report_milliseconds(arguments):
    """Start to finish of a filter of ten rows, a median."""
    report = arguments.scratch / "ten-rows"
    program = str(arguments.s3sieve)
    if not report.exists():
        subprocess.run([program, "synth", "--columns", "bucket-keys", "--rows", "10",
                        "--out", str(report)],
                       check=True, stdout=subprocess.DEVNULL)
    command = [program, "filter", str(report), "--where", "TRUE", "--out", "{out}"]
    took = [run(command, arguments.scratch)[0] for _ in range(SMALL_RUNS_BEFORE + SMALL_RUNS)]
    return round(1000 * statistics.median(took[SMALL_RUNS_BEFORE:]), 1)


def agreeing(found, scratch):
    """Which commands give s3sieve's lines, and how many lines those are."""
    wanted, agrees = None, {}
    for name, command in found.items():
        if name in (FLOOR, COUNT):
            continue
        run(command, scratch)
        digest = lines_digest(scratch)
        wanted = wanted or digest
        agrees[name] = digest == wanted
        print(f"{name}: {digest[0]} lines, {'as' if agrees[name] else 'NOT as'} s3sieve's")
    return agrees, wanted[0]


def shown(command, files, arguments):
    """A command as a result file gives it: without the folders of this machine."""
    if command[-1] == files[-1]:
        command = command[: len(command) - len(files)] + ["FILE..."]
    text = shlex.join(command)
    for path, name in [
        (f"{ROOT}/", ""), (str(arguments.scratch), "SCRATCH"), (str(arguments.report), "REPORT"),
    ]:
        text = text.replace(path, name)
    return text


def compare(arguments):
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    python = installed(arguments.scratch)
    files = sorted(str(path) for path in arguments.report.resolve().rglob("*.csv.gz"))
    found = commands(arguments, python, files)
    agrees, rows_selected = agreeing(found, arguments.scratch)
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
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(python, str(arguments.s3sieve), arguments.scratch),
        "report": {
            "files": len(files),
            "bytes_compressed": sum(os.path.getsize(path) for path in files),
            "rows_selected": rows_selected,
        },
        "runs": arguments.runs,
        "small_report_milliseconds": small_report_milliseconds(arguments),
        "engines": [
            {
                "name": name,
                "command": shown(command, files, arguments),
                "seconds": seconds[name],
                "median": medians[name],
                "ratio": round(medians[name] / own, 2),
                "peak_mib": peaks[name],
                "same_lines": agrees.get(name),
            }
            for name, command in sorted(found.items(), key=lambda item: medians[item[0]])
        ],
    }
    clean(arguments.scratch)
    return result


def targets(result):
    """What was aimed for, and what came out: name, figure, bound, aim, whether less is better."""
    engines = {engine["name"]: engine for engine in result["engines"]}
    median = {name: engine["median"] for name, engine in engines.items()}
    rows = []
    if FLOOR in median:
        rows.append(("count --verify crc / igzip", median[COUNT] / median[FLOOR], 1.2, 1.0, True))
        rows.append(("filter / igzip", median["s3sieve"] / median[FLOOR], 1.6, 1.3, True))
    unverified = median["s3sieve --verify crc"]
    rows.append(("filter, MD5 checked / not", median["s3sieve"] / unverified, 1.1, 1.05, True))
    for name, bound, aim in [
        ("Polars", 2.0, 3), ("chdb", 2.0, 3), ("DataFusion", 2.0, 3), ("DuckDB", 2.8, 4),
    ]:
        rows.append((f"{name} / filter", median[name] / median["s3sieve"], bound, aim, False))
    memory = 64 + 16 * THREADS
    peak = engines["s3sieve"]["peak_mib"]
    rows.append(("peak memory of filter, MiB", peak, memory, memory / 2, True))
    small = result["small_report_milliseconds"]
    rows.append(("filter of ten rows, start to finish, ms", small, 20, 5, True))
    return rows


def targets_table(result):
    lines = ["| | measured | bound | aim | |", "|---|---|---|---|---|"]
    for name, figure, bound, aim, less in targets(result):
        word = "at most" if less else "at least"
        holds = lambda limit: figure <= limit if less else figure >= limit
        verdict = "aim reached" if holds(aim) else "holds" if holds(bound) else "MISSED"
        lines.append(f"| {name} | {figure:.2f} | {word} {bound:g} | {aim:g} | {verdict} |")
    return "\n".join(lines)


def table(result):
    same = {True: "yes", False: "no", None: ""}
    lines = [
        "| engine | seconds | times s3sieve's | peak MiB | same lines |",
        "|---|---|---|---|---|",
    ]
    for engine in result["engines"]:
        lines.append(
            f"| {engine['name'].replace('|', chr(92) + '|')} | {engine['median']:.2f} | "
            f"{engine['ratio']:.2f} | "
            f"{engine['peak_mib']} | {same[engine['same_lines']]} |"
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
    parser.add_argument("--digest", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        ENGINES[arguments.engine]([str(path) for path in arguments.paths], arguments.out)
        return
    if arguments.digest:
        print(*lines_digest_here(arguments.paths[0]))
        return
    arguments.report = arguments.paths[0]
    result = compare(arguments)
    print(table(result), targets_table(result), sep="\n\n")
    if arguments.results:
        arguments.results.mkdir(parents=True, exist_ok=True)
        name = arguments.results / result["date"]
        name.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        tables = f"{table(result)}\n\n{targets_table(result)}\n"
        name.with_suffix(".md").write_text(tables)
        name.with_suffix(".svg").write_text(chart(result))


if __name__ == "__main__":
    main()
