#!/usr/bin/env python3
"""How much of a filter is done by one thread, and how much more is written than the plan holds?

The serial part: processor time of the process less N times that of a worker (the median one), over
that of the process, with N workers on 16 equal files. A processor more than one over this part
makes a filter no faster. Bytes written: what the process gave to `write`, over the bytes of the
plan's files; more than 1 where output waits on disk for its turn.

    cargo build --release
    benches/compare/serial.py --scratch /tmp/serial --results /tmp/serial.json
    benches/compare/scaling.py /tmp/serial.json

`--quick` takes half a minute, and too few rows for output to wait on disk. The whole takes some
minutes, and 9 GB of disk: each data file of the second part has 3 million rows, and stands there
once, linked 16 times. Times are exact to some microseconds a thread (see thread_times.py), whatever
the number of processors; figures of one run vary with what else the machine does, so each is a
median.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import statistics
import sys

from measure import (
    PREDICATE, ROOT, Failed, end_in_order, machine, make_report, must_run, share_flags, verdict,
)
from thread_times import ThreadTimes, run_by_threads

FILES = 16
# Of the serial part, by the percentage of rows selected: what must hold, and what is aimed for.
SERIAL_BOUNDS = {30: (0.02, 0.01), 100: (0.04, 0.02)}
WRITTEN_BOUNDS = (1.1, 1.0)
# A run of the second part: 48 million rows, all selected, take 30 s on two cores.
WRITTEN_SECONDS_MAX = 600.0


def filtered(arguments: argparse.Namespace, report: pathlib.Path, threads: int) -> ThreadTimes:
    """One filter, its output in the folder `plan` of the scratch folder."""
    out = arguments.scratch / "plan"
    shutil.rmtree(out, ignore_errors=True)
    return run_by_threads(
        [
            arguments.s3sieve, "filter", str(report), "--where", PREDICATE,
            "--threads", str(threads), "--out", str(out),
        ],
        seconds_max=WRITTEN_SECONDS_MAX,
    )


def plan_bytes(scratch: pathlib.Path) -> int:
    """Of all files of the plan that was written last."""
    return sum(path.stat().st_size for path in (scratch / "plan").rglob("*") if path.is_file())


def totals(scratch: pathlib.Path) -> dict[str, int]:
    """What the plan that was written last says of its input."""
    found = json.loads((scratch / "plan/plan.json").read_text())["totals"]
    return {name: found[name] for name in ("rows", "rows_matched", "bytes_compressed", "bytes_raw")}


def parts(run: ThreadTimes, workers: int) -> dict[str, float]:
    """Who took how much of a run's processor time."""
    each = run.of("worker")
    # The end of the program may overtake that of a worker, which is then not seen: it did its work.
    if not workers / 2 <= len(each) <= workers:
        sys.exit(f"{len(each)} threads were named `worker`, not {workers}")
    each += [statistics.median(each)] * (workers - len(each))
    whole = run.processor_seconds
    return {
        "wall_seconds": run.seconds,
        "processor_seconds": whole,
        "workers_seconds": sum(each),
        "main_seconds": run.of_main(),
        "serial_part": (whole - workers * statistics.median(each)) / whole,
        "outside_workers": (whole - sum(each)) / whole,
        "peak_mib": run.peak_mib,
    }


def serial_part(arguments: argparse.Namespace, percent: int) -> dict:
    """The figures of one share of selected rows: each the median of all runs."""
    flags = ["--rows", str(arguments.rows), "--files", str(FILES), *share_flags(percent)]
    folder = arguments.scratch / f"serial-{arguments.rows}-{percent}"
    report = make_report(arguments.s3sieve, folder, flags)
    runs = [
        parts(filtered(arguments, report, arguments.workers), arguments.workers)
        for _ in range(arguments.runs)
    ]
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    found |= totals(arguments.scratch)
    found |= {"percent": percent, "plan_bytes": plan_bytes(arguments.scratch), "runs": runs}
    if not arguments.keep:
        shutil.rmtree(report)
    return found


def written(arguments: argparse.Namespace, percent: int) -> dict:
    """Bytes written over bytes of the plan, for one share of selected rows: the worst run."""
    flags = ["--rows", str(arguments.file_rows), "--files", "1", "--repeat", str(FILES)]
    folder = arguments.scratch / f"written-{arguments.file_rows}-{percent}"
    report = make_report(arguments.s3sieve, folder, [*flags, *share_flags(percent)])
    runs = []
    for _ in range(arguments.written_runs):
        run = filtered(arguments, report, arguments.written_threads)
        whole = plan_bytes(arguments.scratch)
        runs.append(
            {
                "wall_seconds": run.seconds,
                "plan_bytes": whole,
                "bytes_given": run.bytes_given,
                "bytes_for_disk": run.bytes_for_disk,
                "ratio": run.bytes_given / whole,
                "peak_mib": run.peak_mib,
            }
        )
    found = {name: max(run[name] for run in runs) for name in runs[0]}
    found |= {"percent": percent, "runs": runs, **totals(arguments.scratch)}
    if not arguments.keep:
        shutil.rmtree(report)
    return found


def tables(result: dict) -> str:
    """The figures, with what was wanted."""
    lines = [
        f"{result['workers']} workers, {FILES} equal files, median of {result['rounds']}",
        "",
        "| selected | CPU s | workers | main thread | others | serial part | at most | aim | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in result["serial"]:
        bound, aim = SERIAL_BOUNDS.get(each["percent"], (0.04, 0.02))
        others = each["processor_seconds"] - each["workers_seconds"] - each["main_seconds"]
        lines.append(
            f"| {each['percent']} % | {each['processor_seconds']:.2f} | "
            f"{each['workers_seconds']:.2f} | {each['main_seconds']:.2f} | {others:.2f} | "
            f"{each['serial_part']:.1%} | {bound:.0%} | {aim:.0%} | "
            f"{verdict(each['serial_part'], bound, aim, less_is_better=True)} |"
        )
    lines += [
        "",
        f"{result['written_threads']} threads, {FILES} files of {result['file_rows']:,} rows",
        "",
        "| selected | plan, MB | written, MB | for disk, MB | written / plan | at most | |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in result["written"]:
        bound, aim = WRITTEN_BOUNDS
        lines.append(
            f"| {each['percent']} % | {each['plan_bytes'] / 1e6:,.0f} | "
            f"{each['bytes_given'] / 1e6:,.0f} | {each['bytes_for_disk'] / 1e6:,.0f} | "
            f"{each['ratio']:.2f} | {bound} | "
            f"{verdict(each['ratio'], bound, aim, less_is_better=True)} |"
        )
    return "\n".join([*lines, *(f"LEFT OUT: {reason}" for reason in result["left_out"])])


def measured(arguments: argparse.Namespace) -> dict:
    """All figures; a question that does not end is named among those left out."""
    found = {"serial": [], "written": [], "left_out": []}
    for part, ask in (("serial", serial_part), ("written", written)):
        for percent in arguments.selected:
            try:
                found[part].append(ask(arguments, percent))
            except Failed as failure:
                found["left_out"].append(f"{part}, {percent} % selected: {failure}")
    shutil.rmtree(arguments.scratch / "plan", ignore_errors=True)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "s3sieve": must_run([arguments.s3sieve, "--version"]).split()[-1],
        "workers": arguments.workers,
        "rounds": arguments.runs,
        "file_rows": arguments.file_rows,
        "written_threads": arguments.written_threads,
        **found,
    }


def main() -> None:
    """Reads the flags, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp/serial"))
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    parser.add_argument("--rows", type=int, help="of the first part [default: 8000000]")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--runs", type=int, help="of each question [default: 9]")
    parser.add_argument("--selected", type=int, nargs="+", default=[30, 100], metavar="PERCENT")
    parser.add_argument("--file-rows", type=int, help="of the second part [default: 3000000]")
    parser.add_argument("--written-threads", type=int, default=16)
    parser.add_argument("--written-runs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="2 million rows, 300,000 a file")
    parser.add_argument("--keep", action="store_true", help="leave the reports there")
    parser.add_argument("--results", type=pathlib.Path, help="also write all figures as JSON")
    arguments = parser.parse_args()
    end_in_order()
    arguments.rows = arguments.rows or (2_000_000 if arguments.quick else 8_000_000)
    arguments.runs = arguments.runs or (3 if arguments.quick else 9)
    arguments.file_rows = arguments.file_rows or (300_000 if arguments.quick else 3_000_000)
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    result = measured(arguments)
    print(tables(result))
    if arguments.results:
        arguments.results.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
