#!/usr/bin/env python3
"""How does s3sieve grow: with rows, files, columns, row length and the share of rows selected?

Makes synthetic reports in a scratch folder, filters each several times, the reports of a group in
turn, and prints medians: seconds, rows a second, raw bytes a second, peak memory.

    cargo build --release
    benches/compare/growth.py --scratch /tmp/growth

`--billion` adds a run over one billion rows: a manifest that lists the same files 125 times.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TWENTY = (
    "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag,StorageClass,"
    "IsMultipartUploaded,ReplicationStatus,EncryptionStatus,ObjectLockRetainUntilDate,"
    "ObjectLockMode,ObjectLockLegalHoldStatus,IntelligentTieringAccessTier,BucketKeyStatus,"
    "ChecksumAlgorithm,ObjectAccessControlList,ObjectOwner"
)
DISABLED = "BucketKeyStatus = 'DISABLED'"


def disabled(percent):
    """Flags of synth for a share of rows that the predicate selects."""
    share = f"BucketKeyStatus=DISABLED:{percent},ENABLED:{100 - percent}"
    return ["--share", share, "--delete-markers", "0"]


# Group, name, flags of synth, predicate.
def cases(rows):
    usual = ["--rows", str(rows), "--files", "16"]
    return {
        "files": [
            ("16 files", usual, DISABLED),
            (f"{rows // 80:,} files of 80 rows", ["--rows", str(rows), "--files",
             str(rows // 80)], DISABLED),
            ("1 file", ["--rows", str(rows // 4), "--files", "1"], DISABLED),
        ],
        "selected": [
            (f"{percent} %", usual + disabled(percent), DISABLED) for percent in (0, 1, 30, 100)
        ],
        "columns": [
            ("2 columns", usual + ["--columns", "Bucket,Key"], "Key LIKE '%7.%'"),
            ("6 columns", usual, DISABLED),
            ("20 columns", ["--rows", str(rows // 2), "--files", "16", "--columns", TWENTY],
             DISABLED),
        ],
        "row length": [
            ("about 60 bytes", usual + ["--columns", "Bucket,Key", "--bucket", "b12"],
             "Key LIKE '%7.%'"),
            ("1,000 bytes", ["--rows", str(rows // 6), "--files", "16", "--row-bytes", "1000"],
             DISABLED),
        ],
    }


def measured(command):
    """Seconds, peak memory in MiB, and the plan that a filter prints as JSON."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = 0
    status = pathlib.Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            break
        peak = max([peak] + [int(line.split()[1]) for line in lines if line.startswith("VmHWM")])
        # The plan is longer than a pipe holds only where there are many shards.
        time.sleep(0.002)
    out, _ = child.communicate()
    seconds = time.perf_counter() - begun
    if child.returncode != 0:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return seconds, peak / 1024, json.loads(out)


def filtered(program, report, question, out, flags=()):
    shutil.rmtree(out, ignore_errors=True)
    return measured(
        [program, "filter", str(report), "--where", question, "--out", str(out),
         "--format", "json", *flags]
    )


def show(name, runs):
    seconds = statistics.median(run[0] for run in runs)
    totals = runs[0][2]["totals"]
    print(
        f"| {name} | {totals['rows']:,} | {totals['bytes_raw'] / 1e9:.2f} | {seconds:.2f} | "
        f"{totals['rows'] / seconds / 1e6:.2f} | {totals['bytes_raw'] / seconds / 1e9:.2f} | "
        f"{max(run[1] for run in runs):.0f} |",
        flush=True,
    )


def made(program, scratch, number, flags):
    folder = scratch / f"report-{number}"
    if not folder.exists():
        columns = [] if "--columns" in flags else ["--columns", "bucket-keys"]
        subprocess.run([program, "synth", *flags, *columns, "--out", folder, "--result", "json"],
                       check=True, stdout=subprocess.DEVNULL)
        # What is still on its way to the disk would be waited for by the first plan.
        os.sync()
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/growth"))
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--billion", action="store_true")
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    out = arguments.scratch / "plan"
    print("| case | rows | raw GB | seconds | million rows/s | raw GB/s | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    number = 0
    for group, members in cases(arguments.rows).items():
        reports = []
        for name, flags, question in members:
            report = made(arguments.s3sieve, arguments.scratch, number, flags)
            reports.append((f"{group}: {name}", report, question))
            number += 1
        runs = {name: [] for name, _, _ in reports}
        for _ in range(arguments.runs):
            for name, report, question in reports:
                runs[name].append(filtered(arguments.s3sieve, report, question, out))
        for name, found in runs.items():
            show(name, found)
        for _, report, _ in reports:
            shutil.rmtree(report)
    if arguments.billion:
        flags = ["--rows", str(arguments.rows), "--files", "16"]
        once = made(arguments.s3sieve, arguments.scratch, "once", flags)
        often = made(arguments.s3sieve, arguments.scratch, "often", [*flags, "--repeat", "125"])
        # Few rows are selected, so that the disk holds the plan.
        question = "Key LIKE '%77.%'"
        runs = {"once": [], "125 times": []}
        for _ in range(arguments.runs):
            runs["once"].append(filtered(arguments.s3sieve, once, question, out))
        runs["125 times"].append(filtered(arguments.s3sieve, often, question, out))
        for name, found in runs.items():
            show(f"the same files {name}", found)
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
