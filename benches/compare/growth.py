#!/usr/bin/env python3
"""How does s3sieve grow: with rows, files, columns, row length and the share of rows selected?

Makes synthetic reports in a scratch folder, filters each several times, the reports of a group in
turn, and prints medians: seconds, rows a second, raw bytes a second, peak memory.

    cargo build --release
    benches/compare/growth.py --scratch /tmp/growth

`--group files` asks one group alone: there, the same rows in many small files are held against 16
files. `--billion` adds a run over one billion rows: a manifest that lists the same files 125 times.
"""

import argparse
import json
import pathlib
import shutil
import sys

from measure import (
    PREDICATE, ROOT, RUN_SECONDS_MAX, Comparison, Run, end_in_order, make_report, run,
    share_flags, verdict,
)

TWENTY = (
    "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag,StorageClass,"
    "IsMultipartUploaded,ReplicationStatus,EncryptionStatus,ObjectLockRetainUntilDate,"
    "ObjectLockMode,ObjectLockLegalHoldStatus,IntelligentTieringAccessTier,BucketKeyStatus,"
    "ChecksumAlgorithm,ObjectAccessControlList,ObjectOwner"
)
# Rows in each file of the report of many small files.
SMALL_FILE_ROWS = 80
# Times the seconds of 16 files that the same rows in small files may take: bound and aim.
SMALL_FILES_BOUNDS = (1.25, 1.0)
# A billion rows take 90 s on two cores, so this is a machine 20 times as slow.
BILLION_SECONDS_MAX = 1800.0

# Name, flags of synth, predicate.
Case = tuple[str, list[str], str]


def cases(rows: int) -> dict[str, list[Case]]:
    """The reports of each group."""
    usual = ["--rows", str(rows), "--files", "16"]
    small_files = max(1, rows // SMALL_FILE_ROWS)
    return {
        "files": [
            ("16 files", usual, PREDICATE),
            (f"{small_files:,} files of {SMALL_FILE_ROWS} rows",
             ["--rows", str(rows), "--files", str(small_files)], PREDICATE),
            ("1 file", ["--rows", str(rows // 4), "--files", "1"], PREDICATE),
        ],
        "selected": [
            (f"{percent} %", usual + share_flags(percent), PREDICATE)
            for percent in (0, 1, 30, 100)
        ],
        "columns": [
            ("2 columns", usual + ["--columns", "Bucket,Key"], "Key LIKE '%7.%'"),
            ("6 columns", usual, PREDICATE),
            ("20 columns", ["--rows", str(rows // 2), "--files", "16", "--columns", TWENTY],
             PREDICATE),
        ],
        "row length": [
            ("about 60 bytes", usual + ["--columns", "Bucket,Key", "--bucket", "b12"],
             "Key LIKE '%7.%'"),
            ("1,000 bytes", ["--rows", str(rows // 6), "--files", "16", "--row-bytes", "1000"],
             PREDICATE),
        ],
    }


class Filter:
    """Filters a report into the same folder each time; knows the totals of the last plan."""

    def __init__(
        self, program: str, report: pathlib.Path, question: str, out: pathlib.Path,
        seconds_max: float = RUN_SECONDS_MAX,
    ) -> None:
        self.totals: dict[str, int] = {}
        self._out = out
        self._seconds_max = seconds_max
        self._command = [
            program, "filter", str(report), "--where", question, "--out", str(out),
            "--format", "json",
        ]

    def __call__(self) -> Run:
        shutil.rmtree(self._out, ignore_errors=True)
        found = run(self._command, seconds_max=self._seconds_max, with_output=True)
        self.totals = json.loads(found.output)["totals"]
        return found


def show(comparison: Comparison, filters: dict[str, Filter]) -> None:
    """A line of the table for each report."""
    for name in comparison.runs:
        seconds, totals = comparison.median(name), filters[name].totals
        print(
            f"| {name} | {totals['rows']:,} | {totals['bytes_raw'] / 1e9:.2f} | {seconds:.2f} | "
            f"{totals['rows'] / seconds / 1e6:.2f} | {totals['bytes_raw'] / seconds / 1e9:.2f} | "
            f"{comparison.peak_mib(name):.0f} |",
            flush=True,
        )


def compare_group(
    arguments: argparse.Namespace, group: str, members: list[Case]
) -> Comparison:
    """Makes the reports of a group, filters them in turn, and removes them."""
    out = arguments.scratch / "plan"
    filters, reports = {}, []
    for number, (name, flags, question) in enumerate(members):
        folder = arguments.scratch / f"report-{group.replace(' ', '-')}-{number}"
        reports.append(make_report(arguments.s3sieve, folder, flags))
        filters[f"{group}: {name}"] = Filter(arguments.s3sieve, folder, question, out)
    comparison = Comparison(filters)
    comparison.ask_all(arguments.runs)
    show(comparison, filters)
    for report in reports:
        shutil.rmtree(report)
    return comparison


def small_files_verdict(comparison: Comparison) -> str:
    """The same rows in small files against 16 files."""
    names = list(comparison.runs)
    usual = next((name for name in names if name.endswith(": 16 files")), None)
    small = next((name for name in names if name.endswith(f" of {SMALL_FILE_ROWS} rows")), None)
    if usual is None or small is None:
        return "small files / 16 files: not known, for one of them is left out"
    ratio = comparison.median(small) / comparison.median(usual)
    bound, aim = SMALL_FILES_BOUNDS
    told = verdict(ratio, bound, aim, less_is_better=True)
    return f"small files / 16 files: {ratio:.2f}, at most {bound}: {told}"


def compare_billion(arguments: argparse.Namespace) -> Comparison:
    """The same files once, and 125 times in one report."""
    flags = ["--rows", str(arguments.rows), "--files", "16"]
    often_flags = [*flags, "--repeat", "125"]
    once = make_report(arguments.s3sieve, arguments.scratch / "report-once", flags)
    often = make_report(arguments.s3sieve, arguments.scratch / "report-often", often_flags)
    # Few rows are selected, so that the disk holds the plan.
    question, out = "Key LIKE '%77.%'", arguments.scratch / "plan"
    long = "the same files 125 times"
    filters = {
        "the same files once": Filter(arguments.s3sieve, once, question, out),
        long: Filter(arguments.s3sieve, often, question, out, BILLION_SECONDS_MAX),
    }
    comparison = Comparison({"the same files once": filters["the same files once"]})
    comparison.ask_all(arguments.runs)
    show(comparison, filters)
    comparison_long = Comparison({long: filters[long]})
    comparison_long.ask_all(1)
    show(comparison_long, filters)
    comparison.failures |= comparison_long.failures
    shutil.rmtree(once)
    shutil.rmtree(often)
    return comparison


def main() -> None:
    """Reads the flags, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/growth"))
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--group", choices=list(cases(SMALL_FILE_ROWS)), help="this group alone")
    parser.add_argument("--billion", action="store_true")
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    arguments = parser.parse_args()
    end_in_order()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    print("| case | rows | raw GB | seconds | million rows/s | raw GB/s | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    ends, failures = [], ""
    for group, members in cases(arguments.rows).items():
        if arguments.group not in (None, group):
            continue
        comparison = compare_group(arguments, group, members)
        failures += comparison.told_failures()
        if group == "files":
            ends.append(small_files_verdict(comparison))
    if arguments.billion:
        failures += compare_billion(arguments).told_failures()
    shutil.rmtree(arguments.scratch / "plan", ignore_errors=True)
    print("", *ends, failures, sep="\n", end="")
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
