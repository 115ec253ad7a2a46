#!/usr/bin/env python3
"""How close is s3sieve to the cost of merely decompressing a report?

Runs, in turn and several times over, `igzip -dc` on all data files (two at a time, output thrown
away) and s3sieve on the same files with two threads, and prints medians, ratios and peak memory.

    cargo build --release
    target/release/s3sieve synth --columns bucket-keys --rows 8000000 --files 16 --out /tmp/report
    benches/compare/floor.py /tmp/report

Needs igzip (Debian package `isal`) and nothing else. A run that does not end in time is killed and
named, and the others go on; the exit code is then 1.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Callable

from measure import PREDICATE, Comparison, Run, end_in_order, run, verdict

FLOOR = "igzip, two at a time"
# Times the floor: what must hold, and what is aimed for.
BOUNDS = {"count --verify crc": (0.97, 0.90), "filter": (1.25, 1.15)}


def questions(
    s3sieve: str, report: pathlib.Path, listing: pathlib.Path, out: pathlib.Path
) -> dict[str, Callable[[], Run]]:
    """What is asked in turn."""
    common = [str(report), "--where", PREDICATE, "--threads", "2"]
    plan = ["--out", str(out)]
    commands = {
        FLOOR: ["xargs", "-a", str(listing), "-P", "2", "-n", "1", "igzip", "-dc"],
        "count --verify crc": [s3sieve, "count", *common, "--verify", "crc"],
        "count": [s3sieve, "count", *common],
        "filter --verify crc": [s3sieve, "filter", *common, "--verify", "crc", *plan],
        "filter": [s3sieve, "filter", *common, *plan],
    }

    def ask(command: list[str]) -> Run:
        shutil.rmtree(out, ignore_errors=True)
        return run(command)

    return {name: lambda command=command: ask(command) for name, command in commands.items()}


def table(comparison: Comparison, rounds: int) -> str:
    """Medians, beside the floor where that could be taken."""
    base = comparison.median(FLOOR) if comparison.runs.get(FLOOR) else None
    lines = [f"{'median of ' + str(rounds):<24}{'seconds':>9}{'ratio':>8}{'peak MiB':>10}"]
    for name in comparison.runs:
        median = comparison.median(name)
        ratio = "" if base is None else f"{median / base:.2f}"
        told = ""
        if base is not None and name in BOUNDS:
            bound, aim = BOUNDS[name]
            told = verdict(median / base, bound, aim, less_is_better=True)
            told = f"  at most {bound}, aim {aim:g}: {told}"
        lines.append(f"{name:<24}{median:>9.2f}{ratio:>8}{comparison.peak_mib(name):>10.0f}{told}")
    return "\n".join(lines) + "\n" + comparison.told_failures()


def main() -> None:
    """Reads the flags, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--s3sieve", default="target/release/s3sieve")
    arguments = parser.parse_args()
    end_in_order()
    files = sorted(str(path) for path in arguments.report.rglob("*.csv.gz"))
    if not files or shutil.which("igzip") is None:
        sys.exit("needs a report with .csv.gz files, and igzip (Debian package `isal`)")
    with tempfile.TemporaryDirectory(dir=arguments.report.parent) as scratch:
        listing, out = pathlib.Path(scratch) / "files", pathlib.Path(scratch) / "plan"
        listing.write_text("\n".join(files))
        comparison = Comparison(questions(arguments.s3sieve, arguments.report, listing, out))
        comparison.ask_all(arguments.runs)
    print(table(comparison, arguments.runs), end="")
    if comparison.failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
