#!/usr/bin/env python3
"""What does it cost to cut a report into parts? `filter --partitions N` on this machine.

Makes a synthetic report of files small enough to be dealt out, filters it in 1, 16 and 64 parts in
turn, and prints medians, and each over one part.

    cargo build --release
    benches/compare/parts.py --scratch /tmp/parts
"""

import argparse
import pathlib
import shutil
import sys

from measure import (
    PREDICATE, ROOT, Comparison, Run, end_in_order, make_report, run, verdict,
)

# Parts, the first of which the others are held against.
PARTS = (1, 16, 64)
# Times the seconds of one part that the most parts may take: bound and aim.
BOUNDS = (1.05, 1.0)


class Parts:
    """Filters a report in so many parts into the same folder each time."""

    def __init__(self, program: str, manifest: pathlib.Path, parts: int, out: pathlib.Path) -> None:
        self._out = out
        self._command = [
            program, "filter", str(manifest), "--where", PREDICATE, "--partitions", str(parts),
            "--out", str(out), "--format", "json",
        ]

    def __call__(self) -> Run:
        shutil.rmtree(self._out, ignore_errors=True)
        return run(self._command)


def main() -> None:
    """Reads the flags, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/parts"))
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--files", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    arguments = parser.parse_args()
    end_in_order()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    flags = ["--rows", str(arguments.rows), "--files", str(arguments.files)]
    report = make_report(arguments.s3sieve, arguments.scratch / "report", flags)
    manifest = next(report.glob("*/*/*/manifest.json"))
    names = {parts: f"{parts} parts" for parts in PARTS}
    comparison = Comparison({
        name: Parts(arguments.s3sieve, manifest, parts, arguments.scratch / "plan")
        for parts, name in names.items()
    })
    comparison.ask_all(arguments.runs)
    shutil.rmtree(arguments.scratch / "plan", ignore_errors=True)
    failures = comparison.told_failures()
    if failures:
        print(failures, end="")
        sys.exit(1)
    one = comparison.median(names[1])
    print("| case | seconds | over one part | peak MiB |")
    print("|---|---|---|---|")
    for name in names.values():
        seconds = comparison.median(name)
        print(f"| {name} | {seconds:.2f} | {seconds / one:.2f} | {comparison.peak_mib(name):.0f} |")
    ratio = comparison.median(names[PARTS[-1]]) / one
    bound, aim = BOUNDS
    told = verdict(ratio, bound, aim, less_is_better=True)
    print(f"\n{PARTS[-1]} parts / 1: {ratio:.2f}, at most {bound}: {told}")


if __name__ == "__main__":
    main()
