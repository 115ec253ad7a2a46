#!/usr/bin/env python3
"""How close is s3sieve to the cost of merely decompressing a report?

Runs, in turn and several times over, `igzip -dc` on all data files (two at a time, output thrown
away) and s3sieve on the same files with two threads, and prints medians, ratios and peak memory.

    cargo build --release
    target/release/s3sieve synth --columns bucket-keys --rows 8000000 --files 16 --out /tmp/report
    benches/compare/floor.py /tmp/report

Needs igzip (Debian package `isal`) and nothing else.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PREDICATE = "BucketKeyStatus = 'DISABLED'"


def run(command):
    """Seconds and peak memory in MiB of a command."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command} ended with {child.returncode}")
    return seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--s3sieve", default="target/release/s3sieve")
    arguments = parser.parse_args()
    files = sorted(str(path) for path in arguments.report.rglob("*.csv.gz"))
    if not files or shutil.which("igzip") is None:
        sys.exit("needs a report with .csv.gz files, and igzip (Debian package `isal`)")

    with tempfile.TemporaryDirectory(dir=arguments.report.parent) as scratch:
        listing = pathlib.Path(scratch) / "files"
        listing.write_text("\n".join(files))
        common = [str(arguments.report), "--where", PREDICATE, "--threads", "2"]
        out = str(pathlib.Path(scratch) / "plan")
        commands = {
            "igzip, two at a time": [
                "xargs", "-a", str(listing), "-P", "2", "-n", "1", "igzip", "-dc",
            ],
            "count --verify crc": [arguments.s3sieve, "count", *common, "--verify", "crc"],
            "count": [arguments.s3sieve, "count", *common],
            "filter --verify crc": [
                arguments.s3sieve, "filter", *common, "--verify", "crc", "--out", out,
            ],
            "filter": [arguments.s3sieve, "filter", *common, "--out", out],
        }
        seconds = {name: [] for name in commands}
        peaks = {name: 0 for name in commands}
        for _ in range(arguments.runs):
            for name, command in commands.items():
                shutil.rmtree(out, ignore_errors=True)
                took, peak = run(command)
                seconds[name].append(took)
                peaks[name] = max(peaks[name], peak)

    base = statistics.median(seconds["igzip, two at a time"])
    print(f"{'median of ' + str(arguments.runs):<24}{'seconds':>9}{'ratio':>8}{'peak MiB':>10}")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:<24}{median:>9.2f}{median / base:>8.2f}{peaks[name]:>10.0f}")


if __name__ == "__main__":
    main()
