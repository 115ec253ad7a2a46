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
folder, the newest of each, which takes some minutes. igzip and ripgrep (Debian `isal` and
`ripgrep`) take part where they are on the path; without igzip there is no floor to compare with.

An engine that can't be installed, ends with an error, or does not end in time (it is killed then)
is named and left out; the others go on. `--only` asks some engines beside s3sieve.

With --results it writes a dated result: figures, machine, versions and commands as JSON, tables as
Markdown, a chart as SVG. The second table holds the figures against the targets.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import statistics
import sys
from collections.abc import Callable

from chart import chart
from measure import (
    INSTALL_SECONDS_MAX, PREDICATE, ROOT, Comparison, Failed, Run, end_in_order, machine,
    make_report, must_run, run, verdict,
)

PACKAGES = ["duckdb", "polars", "chdb", "datafusion", "pyarrow"]
COLUMNS = ["Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "BucketKeyStatus"]
THREADS = 2
FLOOR = "igzip (no question asked)"
OWN = "s3sieve"
UNVERIFIED = "s3sieve --verify crc"
COUNT = "s3sieve count --verify crc"
# Engines that are no Python modules.
SHELLS = ["igzip | rg", "xan"]
# Start to finish on a report of ten rows: how often, and how many runs before those that count.
SMALL_RUNS, SMALL_RUNS_BEFORE = 25, 3


# --- one function for each engine: runs in a process of its own ---


def with_duckdb(files: list[str], out: str) -> None:
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


def with_polars(files: list[str], out: str) -> None:
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


def with_chdb(files: list[str], out: str) -> None:
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


def with_datafusion(files: list[str], out: str) -> None:
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


def with_pyarrow(files: list[str], out: str) -> None:
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


def commands(arguments: argparse.Namespace, python: str, files: list[str]) -> dict[str, list[str]]:
    """Name to command; each writes its lines to the output that is put in."""
    program = str(arguments.s3sieve)
    asked = [str(arguments.report), "--where", PREDICATE, "--threads", str(THREADS)]
    filtered = [program, "filter", *asked, "--out", "{out}"]
    found = {OWN: filtered, UNVERIFIED: [*filtered, "--verify", "crc"]}
    found[COUNT] = [program, "count", *asked, "--verify", "crc"]
    for name in ENGINES:
        found[name] = [python, __file__, "--engine", name, "--out", "{out}", *files]
    listing = arguments.scratch / "files"
    listing.write_text("\n".join(files))
    parallel = f"xargs -a {listing} -P {THREADS} -I FILE sh -c"
    if shutil.which("igzip"):
        found[FLOOR] = ["sh", "-c", f"{parallel} 'igzip -dc FILE > /dev/null'"]
    if shutil.which("igzip") and shutil.which("rg"):
        # Any column that holds the word; keys are left as they are, whole rows come out.
        found["igzip | rg"] = [
            "sh", "-c",
            f"{parallel} 'igzip -dc FILE | rg -F \\\"DISABLED\\\" > {{out}}.$(basename FILE)'",
        ]
    xan = arguments.scratch / "cargo/bin/xan"
    # xan's `==` compares numbers, `eq` text.
    found["xan"] = [
        "sh", "-c",
        f"{parallel} '{xan} filter -n \"col(5) eq \\\"DISABLED\\\" && col(4) eq \\\"false\\\"\" "
        f"FILE | {xan} select -n 0,1,2 | {xan} fill -n -s 2 -v null > {{out}}.$(basename FILE)'",
    ]
    own = {OWN, UNVERIFIED, COUNT, FLOOR}
    chosen = own | set(arguments.only) if arguments.only else set(found)
    return {name: command for name, command in found.items() if name in chosen}


def installed(scratch: pathlib.Path) -> str:
    """A Python with the engines; each that can't be installed is missing when it is asked."""
    python = scratch / "venv/bin/python"
    if not python.exists():
        must_run([sys.executable, "-m", "venv", str(scratch / "venv")])
        for package in PACKAGES:
            install(package, [str(python), "-m", "pip", "install", "--quiet", package])
    return str(python)


def install_xan(scratch: pathlib.Path) -> None:
    """Builds xan, where it is not there."""
    root = scratch / "cargo"
    if not (root / "bin/xan").exists():
        install("xan", ["cargo", "install", "--quiet", "xan", "--root", str(root)])


def install(name: str, command: list[str]) -> None:
    """Runs what installs a tool, and says so when it fails."""
    try:
        run(command, seconds_max=INSTALL_SECONDS_MAX)
    except Failed as failure:
        print(f"{name} could not be installed: {failure}", file=sys.stderr)


def clean(scratch: pathlib.Path) -> None:
    """Removes what a run wrote."""
    for path in scratch.glob("out*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def run_once(command: list[str], scratch: pathlib.Path) -> Run:
    """A run whose output begins from nothing."""
    clean(scratch)
    out = str(scratch / "out")
    return run([part.replace("{out}", out) for part in command])


def questions(
    found: dict[str, list[str]], scratch: pathlib.Path
) -> dict[str, Callable[[], Run]]:
    """The commands as what a comparison asks."""
    return {name: lambda command=command: run_once(command, scratch)
            for name, command in found.items()}


def lines_digest(scratch: pathlib.Path) -> tuple[int, str]:
    """How many lines came out, and the SHA-256 of them sorted and without quotes.

    In a process of its own: a child's peak memory counts from that of the process it was forked
    from, so this one must stay small.
    """
    command = [sys.executable, __file__, str(scratch), "--digest"]
    told = run(command, with_output=True).output.split()
    return int(told[0]), told[1]


def output_paths(scratch: pathlib.Path) -> list[pathlib.Path]:
    """The files that a run wrote, whichever engine it was."""
    paths = sorted(path for path in scratch.glob("out*") if path.is_file())
    return paths + sorted(scratch.glob("out/*.csv")) + sorted(scratch.glob("out/manifests/*.csv"))


def lines_digest_here(scratch: pathlib.Path) -> tuple[int, str]:
    """What `lines_digest` gives, in this process."""
    lines = []
    for path in output_paths(scratch):
        with open(path, "rb") as file:
            lines += [line.rstrip(b"\r\n").replace(b'"', b"") for line in file]
    lines.sort()
    digest = hashlib.sha256(b"\n".join(lines)).hexdigest()
    return len(lines), digest


def versions(python: str, program: str, scratch: pathlib.Path) -> dict[str, str]:
    """Of all that takes part."""
    listed = must_run([python, "-m", "pip", "list", "--format", "json"])
    found = {
        item["name"]: item["version"] for item in json.loads(listed) if item["name"] in PACKAGES
    }
    found[OWN] = must_run([program, "--version"]).split()[-1]
    for tool in ("igzip", "rg", str(scratch / "cargo/bin/xan")):
        if shutil.which(tool):
            lines = must_run(["sh", "-c", f"{shlex.quote(tool)} --version 2>&1"]).splitlines()
            found[os.path.basename(tool)] = lines[0]
    return found


def small_report_milliseconds(arguments: argparse.Namespace) -> float:
    """Start to finish of a filter of ten rows, a median."""
    program = str(arguments.s3sieve)
    report = make_report(program, arguments.scratch / "ten-rows", ["--rows", "10"])
    command = [program, "filter", str(report), "--where", "TRUE", "--out", "{out}"]
    rounds = SMALL_RUNS_BEFORE + SMALL_RUNS
    took = [run_once(command, arguments.scratch).seconds for _ in range(rounds)]
    return round(1000 * statistics.median(took[SMALL_RUNS_BEFORE:]), 1)


def agreeing(
    comparison: Comparison, digest: Callable[[str], tuple[int, str]], without: tuple[str, ...] = ()
) -> tuple[dict[str, bool], int]:
    """Which engines give s3sieve's lines, and how many lines those are.

    The first question is s3sieve's; without its lines nothing can be compared.
    """
    wanted, agrees = None, {}
    for name in list(comparison.runs):
        if name in without or comparison.ask(name) is None:
            continue
        try:
            found = digest(name)
        except Failed as failure:
            comparison.leave_out(name, f"its lines could not be read: {failure}")
            continue
        wanted = wanted or found
        agrees[name] = found == wanted
        print(f"{name}: {found[0]} lines, {'as' if agrees[name] else 'NOT as'} s3sieve's")
    if OWN not in agrees or wanted is None:
        sys.exit(f"s3sieve's lines are missing: {comparison.failures.get(OWN)}")
    return agrees, wanted[0]


def shown(command: list[str], files: list[str], arguments: argparse.Namespace) -> str:
    """A command as a result file gives it: without the folders of this machine."""
    if command[-1] == files[-1]:
        command = command[: len(command) - len(files)] + ["FILE..."]
    text = shlex.join(command)
    for path, name in [
        (f"{ROOT}/", ""), (str(arguments.scratch), "SCRATCH"), (str(arguments.report), "REPORT"),
    ]:
        text = text.replace(path, name)
    return text


def engine_figures(comparison: Comparison) -> list[dict]:
    """The figures of all that did not fail, the fastest first."""
    if not comparison.runs.get(OWN):
        sys.exit(f"s3sieve itself is left out: {comparison.failures.get(OWN)}")
    own = comparison.median(OWN)
    found = []
    for name in sorted(comparison.runs, key=comparison.median):
        median = comparison.median(name)
        found.append(
            {
                "name": name,
                "seconds": [round(each.seconds, 3) for each in comparison.runs[name]],
                "processor_seconds": round(comparison.median(name, "processor_seconds"), 3),
                "median": round(median, 3),
                "ratio": round(median / own, 2),
                "peak_mib": round(comparison.peak_mib(name)),
            }
        )
    return found


def compare(arguments: argparse.Namespace) -> dict:
    """All figures."""
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    python = installed(arguments.scratch)
    if not arguments.only or "xan" in arguments.only:
        install_xan(arguments.scratch)
    files = sorted(str(path) for path in arguments.report.resolve().rglob("*.csv.gz"))
    found = commands(arguments, python, files)
    comparison = Comparison(questions(found, arguments.scratch))

    def digest(_: str) -> tuple[int, str]:
        return lines_digest(arguments.scratch)

    agrees, rows_selected = agreeing(comparison, digest, without=(FLOOR, COUNT))
    comparison.ask_all(arguments.runs)
    shown_commands = {
        name: {
            "command": shown(found[name], files, arguments),
            "same_lines": agrees.get(name),
        }
        for name in comparison.runs
    }
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
        "engines": [each | shown_commands[each["name"]] for each in engine_figures(comparison)],
        "left_out": comparison.failures,
    }
    clean(arguments.scratch)
    return result


# Name, figure, bound, aim, whether less is better.
Target = tuple[str, float, float, float, bool]


def targets(result: dict) -> list[Target]:
    """What was aimed for, and what came out; without the engines that are left out."""
    own = {engine["name"]: engine for engine in result["engines"]}
    median = {name: engine["median"] for name, engine in own.items()}
    # Name, what is divided by what, bound, aim, whether less is better.
    ratios = [
        ("count --verify crc / igzip", COUNT, FLOOR, 0.97, 0.90, True),
        ("filter / igzip", OWN, FLOOR, 1.25, 1.15, True),
        ("filter, MD5 checked / not", OWN, UNVERIFIED, 1.1, 1.05, True),
        ("Polars / filter", "Polars", OWN, 2.8, 3, False),
        ("chdb / filter", "chdb", OWN, 2.8, 3, False),
        ("DataFusion / filter", "DataFusion", OWN, 2.8, 3, False),
        ("DuckDB / filter", "DuckDB", OWN, 2.8, 4, False),
    ]
    rows = [
        (name, median[upper] / median[lower], bound, aim, less)
        for name, upper, lower, bound, aim, less in ratios
        if upper in median and lower in median
    ]
    rows.append(("peak memory of filter, MiB", own[OWN]["peak_mib"], 96, 48, True))
    small = result["small_report_milliseconds"]
    rows.append(("filter of ten rows, start to finish, ms", small, 20, 5, True))
    return rows


def targets_table(result: dict) -> str:
    """The figures against the targets."""
    lines = ["| | measured | bound | aim | |", "|---|---|---|---|---|"]
    for name, figure, bound, aim, less in targets(result):
        word = "at most" if less else "at least"
        told = verdict(figure, bound, aim, less_is_better=less)
        lines.append(f"| {name} | {figure:.2f} | {word} {bound:g} | {aim:g} | {told} |")
    lines += [f"\nLEFT OUT: {name}: {reason}" for name, reason in result["left_out"].items()]
    return "\n".join(lines)


def table(result: dict) -> str:
    """The engines, the fastest first."""
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


def main() -> None:
    """Reads the flags; measures, or is one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="REPORT")
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/peers"))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--s3sieve", type=pathlib.Path, default=ROOT / "target/release/s3sieve")
    parser.add_argument("--only", nargs="+", choices=[*ENGINES, *SHELLS], metavar="ENGINE",
                        help="beside s3sieve and igzip")
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
    end_in_order()
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
