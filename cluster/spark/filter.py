#!/usr/bin/env python3
"""Runs `s3sieve filter` on a Spark cluster, one partition a task, and merges the parts into a plan.

    spark-submit --files s3://tools/s3sieve --conf spark.task.maxFailures=4 \\
        --conf spark.task.cpus=4 --conf spark.executor.cores=4 \\
        filter.py --partitions 480 --out s3://plans/bucket-keys -- \\
        s3://reports/inventory/photos/daily/2026-01-31T01-00Z/manifest.json \\
        --where "BucketKeyStatus = 'DISABLED'"

On EMR this is a step of type Spark. On Databricks it is a Python script task whose parameters are
those behind `filter.py`; there, put the program on the path of every node with an init script, or
name it with --program (/Volumes/...). --files ships it to every node and makes it executable.
What follows `--` goes to `s3sieve filter` as it is. Choose 4 to 10 partitions for each task that
runs at the same time. OUT is in S3, or in a folder that all nodes mount at the same path.

Each task runs the program as a process of its own and returns its exit code. Codes 2, 3 and 4 are
final; any other failure fails the task, and Spark tries it again, spark.task.maxFailures times in
all. Two attempts of a partition may run at the same time: the first one to commit counts. So
speculation is safe, and the same command may be run again; it skips the parts that exist.

Costs: the cluster while it runs. Spark itself only waits: an executor with 512 MB of heap is
enough. The program needs memory beside the heap, about 100 MB and 40 MB a thread: on YARN, set
spark.executor.memoryOverhead.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable

from pyspark import SparkConf, SparkContext, SparkFiles, TaskContext

# Wrong command line, bad input, refused by AWS: the next attempt would end in the same way.
FINAL = {2, 3, 4}
STDERR_CHARS_MAX = 2000


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    lines = __doc__.splitlines()
    parser = argparse.ArgumentParser(description=lines[0], epilog="See the head of this file.")
    parser.add_argument("--partitions", type=int, required=True, metavar="N")
    parser.add_argument("--out", required=True, help="folder or s3:// address of the plan")
    parser.add_argument("--only", type=numbers, metavar="LIST", help="for example 3,7,40-43")
    parser.add_argument("--program", default="s3sieve", help="its name, or its path on every node")
    parser.add_argument("--threads", type=int, help="of each task [default: spark.task.cpus]")
    parser.add_argument("filter", nargs="+", metavar="ARGUMENT", help="of `s3sieve filter`")
    return parser.parse_args(arguments)


def numbers(text: str) -> list[int]:
    """The numbers of `3,7,40-43`, the form in which `s3sieve merge` prints missing parts."""
    found: list[int] = []
    for span in text.split(","):
        first, _, last = span.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def locate(program: str) -> str:
    """The program's path on this node: shipped by --files, in the working folder, or installed."""
    folders = [SparkFiles.getRootDirectory(), os.getcwd(), os.environ.get("PATH", os.defpath)]
    path = shutil.which(program, path=os.pathsep.join(folders))
    if path is None:
        raise FileNotFoundError(f"{program} is not on {socket.gethostname()}: ship it with --files")
    return path


def runner(options: argparse.Namespace, attempts: int) -> Callable[[int], tuple[int, int, str]]:
    """What a task does: returns the partition, its exit code and what the program complained."""

    def run(partition: int) -> tuple[int, int, str]:
        command = [locate(options.program), "filter", *options.filter]
        command += ["--partition", f"{partition}/{options.partitions}", "--out", options.out]
        command += ["--threads", str(options.threads)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        complaint = done.stderr[-STDERR_CHARS_MAX:].strip()
        context = TaskContext.get()
        is_last = context is None or context.attemptNumber() + 1 >= attempts
        if done.returncode == 0 or done.returncode in FINAL or is_last:
            return partition, done.returncode, complaint
        # An exception fails this attempt, and Spark starts the next one.
        raise RuntimeError(f"partition {partition}: exit code {done.returncode}: {complaint}")

    return run


def filter_and_merge(options: argparse.Namespace, context: SparkContext) -> int:
    settings = context.getConf()
    options.threads = options.threads or int(settings.get("spark.task.cpus", "1"))
    attempts = int(settings.get("spark.task.maxFailures", "4"))
    chosen = options.only or list(range(options.partitions))
    # As many slices as numbers: each task is one partition, so that a retry repeats just one.
    tasks = context.parallelize(chosen, len(chosen))
    results = tasks.map(runner(options, attempts)).collect()

    failures: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for partition, code, complaint in results:
        if code != 0:
            alike = failures.setdefault((code, complaint.partition("\n")[0]), [])
            alike.append((partition, complaint))
    # Partitions that failed in the same way are reported together.
    for (code, _), alike in failures.items():
        partition, complaint = alike[0]
        others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        print(f"partition {partition}{others}: exit code {code}: {complaint}", file=sys.stderr)
    if failures:
        # A final code if there is one. The same command again runs only the parts that are missing.
        return min((code for code, _ in failures if code in FINAL), default=1)
    return subprocess.run([locate(options.program), "merge", options.out], check=False).returncode


def main() -> int:
    options = parse()
    context = SparkContext(conf=SparkConf().setAppName(f"s3sieve filter, {options.out}"))
    # Shipped files are gone when it stops, the program among them.
    try:
        return filter_and_merge(options, context)
    finally:
        context.stop()


if __name__ == "__main__":
    # Databricks takes any SystemExit for a failure, also that of 0.
    if code := main():
        sys.exit(code)
