#!/usr/bin/env python3
"""How much of its speed does s3sieve keep when a report is read from an S3 server?

Runs `s3sieve count` and `s3sieve filter` in turn on a report on disk and on the same report behind
two servers on this machine, and prints medians, the part of the local throughput that is left, and
how much processor time the server took meanwhile. The servers share the processors with s3sieve, as
no server in real life does, so the last column says what is left when their time is not counted:
local seconds against seconds times the part of the busy processors that was not the server's.

    cargo build --release -p s3sieve-aws-tests
    target/release/s3sieve-under-test synth --columns bucket-keys --rows 8000000 --files 16 \\
        --out /tmp/report
    benches/compare/s3.py /tmp/report

`bare` only sends files, at the least cost; `s3s-fs` is a whole S3 server, which reads 4 KiB at a
time and hashes an object that was not uploaded to it anew for each request.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PREDICATE = "BucketKeyStatus = 'DISABLED'"
# `--verify etag` takes what S3 states of a file's MD5 for its MD5.
CHECKED = ("count --verify crc", "count", "count --verify etag", "filter", "filter --verify etag")
# Where the servers find the report: one folder is one bucket.
BUCKET = "synthetic-inventory"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def run(command):
    """Wall seconds, processor seconds and peak memory in MiB of a command."""
    begun = time.perf_counter()
    environment = {**os.environ, **ENVIRONMENT}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command} ended with {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def processor_seconds(pid):
    """What a process has taken of the processors so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """An S3 server as a process of its own."""

    def __init__(self, program, root, *flags):
        command = [program, *flags, str(root)]
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.endpoint = self.child.stdout.readline().strip()

    def stop(self):
        self.child.stdin.close()
        self.child.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--programs", type=pathlib.Path, default="target/release")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--results", type=pathlib.Path, help="also write all figures as JSON")
    arguments = parser.parse_args()
    s3sieve = str(arguments.programs / "s3sieve-under-test")
    server = str(arguments.programs / "s3-server")

    with tempfile.TemporaryDirectory(dir=arguments.report.parent) as scratch:
        root = pathlib.Path(scratch)
        # Hard links: the same files, in memory once.
        shutil.copytree(arguments.report, root / BUCKET, copy_function=os.link)
        manifest = next((root / BUCKET).rglob("manifest.json"))
        address = f"s3://{manifest.relative_to(root)}"
        servers = {"bare": Server(server, root, "--bare"), "s3s-fs": Server(server, root)}
        places = {"local": (str(manifest), None)}
        places |= {name: (address, server) for name, server in servers.items()}
        out = str(root / "plan")
        figures = {}
        for _ in range(arguments.runs):
            for command in CHECKED:
                for place, (report, behind) in places.items():
                    shutil.rmtree(out, ignore_errors=True)
                    line = [s3sieve, *command.split(), report, "--where", PREDICATE]
                    line += ["--threads", arguments.threads]
                    line += ["--out", out] if command.startswith("filter") else []
                    line += ["--endpoint-url", behind.endpoint] if behind else []
                    before = processor_seconds(behind.child.pid) if behind else 0
                    seconds, own, peak = run(line)
                    after = processor_seconds(behind.child.pid) if behind else 0
                    figures.setdefault((command, place), []).append(
                        {"seconds": seconds, "own": own, "server": after - before, "peak": peak}
                    )
        for behind in servers.values():
            behind.stop()

    def median(command, place, what):
        return statistics.median(run[what] for run in figures[command, place])

    print(
        f"{'median of ' + str(arguments.runs):<30}{'seconds':>8}{'of local':>9}{'CPU s':>7}"
        f"{'server':>8}{'peak MiB':>9}{'server apart':>13}"
    )
    for command, place in figures:
        seconds, own = median(command, place, "seconds"), median(command, place, "own")
        behind, local = median(command, place, "server"), median(command, "local", "seconds")
        apart = local / (seconds * own / (own + behind))
        print(
            f"{command + ', ' + place:<30}{seconds:>8.2f}{local / seconds:>9.0%}{own:>7.2f}"
            f"{behind:>8.2f}{median(command, place, 'peak'):>9.0f}{apart:>13.0%}"
        )
    if arguments.results:
        named = [{"command": c, "place": p, "runs": runs} for (c, p), runs in figures.items()]
        arguments.results.write_text(json.dumps(named, indent=1) + "\n")


if __name__ == "__main__":
    main()
