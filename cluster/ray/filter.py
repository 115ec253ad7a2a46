#!/usr/bin/env python3
"""Runs `s3sieve filter` on a Ray cluster, one partition a task, and merges the parts into a plan.

    ray job submit --working-dir tools -- python filter.py \\
        --partitions 480 --threads 4 --out s3://plans/bucket-keys -- \\
        s3://reports/inventory/photos/daily/2026-01-31T01-00Z/manifest.json \\
        --where "BucketKeyStatus = 'DISABLED'"

The folder `tools` holds this file and the program, which Ray copies to every node; or the program
is on the path of every node, or named with --program. What follows `--` goes to `s3sieve filter` as
it is. Choose 4 to 10 partitions for each task that runs at the same time. OUT is in S3, or in a
folder that all nodes mount at the same path.

Each task takes --threads processors of Ray's and runs the program as a process of its own. Exit
codes 2, 3 and 4 are final. After any other failure, and when a worker or a node dies, Ray runs the
task again, --retries times at most. Two attempts of a partition may run at the same time: the first
one to commit counts. So the same command may be run again; it skips the parts that exist.

Costs: the cluster while it runs. Ray's own processes take about 400 MB on each node; the program
takes about 100 MB and 40 MB a thread.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys

import ray

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
    parser.add_argument("--threads", type=int, default=1, help="of each task [default: 1]")
    parser.add_argument("--retries", type=int, default=3, help="of each task [default: 3]")
    parser.add_argument("--address", help="of the cluster [default: RAY_ADDRESS, or a local one]")
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
    """The program's path on this node: in the working folder, which Ray ships, or installed."""
    folders = [os.getcwd(), os.environ.get("PATH", os.defpath)]
    path = shutil.which(program, path=os.pathsep.join(folders))
    if path is None:
        raise FileNotFoundError(f"{program} is not on {socket.gethostname()}: put it on the path")
    return path


def run(options: argparse.Namespace, partition: int) -> tuple[int, str]:
    """What a task does: returns the exit code and what the program complained."""
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
    if done.returncode != 0 and done.returncode not in FINAL:
        # Ray runs the task again after this exception.
        raise RuntimeError(f"exit code {done.returncode}: {complaint}")
    return done.returncode, complaint


def main() -> int:
    options = parse()
    ray.init(address=options.address)
    task = ray.remote(run).options(
        num_cpus=options.threads,
        max_retries=options.retries,
        retry_exceptions=[RuntimeError],
    )
    chosen = options.only or list(range(options.partitions))
    running = {task.remote(options, partition): partition for partition in chosen}
    failures: dict[tuple[int, str], list[tuple[int, str]]] = {}
    waiting = list(running)
    while waiting:
        [done], waiting = ray.wait(waiting)
        try:
            code, complaint = ray.get(done)
        except ray.exceptions.RayError as error:
            code, complaint = 1, str(error).strip().splitlines()[-1]
        if code != 0:
            alike = failures.setdefault((code, complaint.partition("\n")[0]), [])
            alike.append((running[done], complaint))
    ray.shutdown()

    # Partitions that failed in the same way are reported together.
    for (code, _), alike in failures.items():
        partition, complaint = alike[0]
        others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        print(f"partition {partition}{others}: exit code {code}: {complaint}", file=sys.stderr)
    if failures:
        # A final code if there is one. The same command again runs only the parts that are missing.
        return min((code for code, _ in failures if code in FINAL), default=1)
    return subprocess.run([locate(options.program), "merge", options.out], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
