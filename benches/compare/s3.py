#!/usr/bin/env python3
"""How much of its speed does s3sieve keep when a report is read from an S3 server?

Runs `s3sieve count` and `s3sieve filter` in turn on a report on disk and on the same report behind
servers on this machine, and prints medians, the part of the local throughput that is left, and
how much processor time the server took meanwhile. The servers share the processors with s3sieve, as
no server in real life does, so one column says what is left when their time is not counted: local
seconds against seconds times the part of the busy processors that was not the server's.

    cargo build --release -p s3sieve-aws-tests
    target/release/s3sieve-under-test synth --columns bucket-keys --rows 8000000 --files 16 \\
        --out /tmp/report
    benches/compare/s3.py /tmp/report

`bare` only sends files, at the least cost. `bare, far` answers each request after 30 ms and sends
at most 1 Gbit/s over a connection, as S3 does from another building: what it shows is whether
enough is asked for ahead of time. `s3s-fs` is a whole S3 server, which reads 4 KiB at a time and
hashes an object that was not uploaded to it anew for each request.

A run that does not end in time is killed and named, and the others go on; the exit code is then 1.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable

from measure import PREDICATE, Comparison, Failed, Run, end_in_order, kill_group, run, verdict

# Without `--verify`, the program's default.
ASKED = ("count --verify crc", "count", "count --verify md5", "filter", "filter --verify md5")
# Where the servers find the report: one folder is one bucket.
BUCKET = "synthetic-inventory"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_EC2_METADATA_DISABLED": "true",
}
LOCAL, BARE, FAR, WHOLE = "local", "bare", "bare, far", "s3s-fs"
# Of local speed, the server's time apart: what must be left, and what is aimed for.
BOUND, AIM = 0.90, 0.95
# Until a server says where it listens, and until it ends when it is told to.
SERVER_SECONDS_MAX = 20.0


class Server:
    """An S3 server as a process of its own."""

    def __init__(self, program: str, root: pathlib.Path, *flags: str) -> None:
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(
            [program, *flags, str(root)], stdin=pipe, stdout=pipe, text=True,
            start_new_session=True,
        )
        assert self.child.stdout is not None
        is_there, _, _ = select.select([self.child.stdout], [], [], SERVER_SECONDS_MAX)
        self.endpoint = self.child.stdout.readline().strip() if is_there else ""
        if not self.endpoint:
            self.stop()
            raise Failed(f"{program} {' '.join(flags)} did not say where it listens")

    def processor_seconds(self) -> float:
        """What it has taken of the processors so far."""
        text = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text()
        fields = text.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ends it: by the end of its input, or, when that takes too long, by force."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        try:
            self.child.wait(SERVER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            kill_group(self.child.pid)
            self.child.wait(SERVER_SECONDS_MAX)


@dataclasses.dataclass(frozen=True)
class ServedRun(Run):
    """A run, and what its server took of the processors meanwhile."""

    server_seconds: float = 0.0


def question(
    s3sieve: str, command: str, report: str, server: Server | None, threads: str, out: pathlib.Path
) -> Callable[[], Run]:
    """A command on a report in one place."""
    line = [s3sieve, *command.split(), report, "--where", PREDICATE, "--threads", threads]
    line += ["--out", str(out)] if command.startswith("filter") else []
    line += ["--endpoint-url", server.endpoint] if server else []

    def ask() -> Run:
        shutil.rmtree(out, ignore_errors=True)
        before = server.processor_seconds() if server else 0.0
        found = run(line, environment=ENVIRONMENT)
        after = server.processor_seconds() if server else 0.0
        return ServedRun(**dataclasses.asdict(found), server_seconds=after - before)

    return ask


def started(
    arguments: argparse.Namespace, root: pathlib.Path
) -> tuple[dict[str, Server], dict[str, str]]:
    """The servers, and why those that are missing did not start."""
    flags = {
        BARE: ["--bare"],
        FAR: ["--bare", "--delay", arguments.delay, "--rate", arguments.rate],
        WHOLE: [],
    }
    found, failures = {}, {}
    for name in arguments.servers or flags:
        try:
            found[name] = Server(str(arguments.programs / "s3-server"), root, *flags[name])
        except Failed as failure:
            failures[name] = str(failure)
    return found, failures


def compare(arguments: argparse.Namespace, root: pathlib.Path) -> Comparison:
    """Asks everything in turn, on disk and behind each server."""
    # Hard links: the same files, in memory once.
    shutil.copytree(arguments.report, root / BUCKET, copy_function=os.link)
    manifest = next((root / BUCKET).rglob("manifest.json"))
    address = f"s3://{manifest.relative_to(root)}"
    with contextlib.ExitStack() as stack:
        places: dict[str, tuple[str, Server | None]] = {LOCAL: (str(manifest), None)}
        servers, failures = started(arguments, root)
        for name, server in servers.items():
            stack.callback(server.stop)
            places[name] = (address, server)
        s3sieve = str(arguments.programs / "s3sieve-under-test")
        comparison = Comparison(
            {
                f"{command}; {place}": question(
                    s3sieve, command, report, server, arguments.threads, root / "plan"
                )
                for command in ASKED
                for place, (report, server) in places.items()
            }
        )
        comparison.ask_all(arguments.runs)
    comparison.failures |= failures
    return comparison


def table(comparison: Comparison, rounds: int) -> str:
    """Medians, and what is left of local speed."""
    lines = [
        f"{'median of ' + str(rounds):<32}{'seconds':>8}{'of local':>9}{'CPU s':>7}"
        f"{'server':>8}{'peak MiB':>9}{'server apart':>13}"
    ]
    for name, runs in comparison.runs.items():
        command, place = name.split("; ")
        local = f"{command}; {LOCAL}"
        seconds, own = comparison.median(name), comparison.median(name, "processor_seconds")
        server = comparison.median(name, "server_seconds")
        line = f"{name:<32}{seconds:>8.2f}"
        if not comparison.runs.get(local):
            lines.append(line)
            continue
        part = comparison.median(local) / seconds
        # Each run's own, for server and program vary together.
        apart = statistics.median(
            comparison.median(local) / each.seconds
            * (1 + each.server_seconds / each.processor_seconds)
            for each in runs
        )
        line += f"{part:>9.0%}{own:>7.2f}{server:>8.2f}{comparison.peak_mib(name):>9.0f}"
        line += f"{apart:>13.0%}"
        if place == BARE and command in ("count", "filter"):
            line += f"  at least {BOUND:.0%}: {verdict(apart, BOUND, AIM, less_is_better=False)}"
        lines.append(line)
    return "\n".join(lines) + "\n" + comparison.told_failures()


def main() -> None:
    """Reads the flags, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--programs", type=pathlib.Path, default="target/release")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--servers", nargs="+", choices=[BARE, FAR, WHOLE], help="these alone")
    parser.add_argument("--delay", default="30", help="of `bare, far`, in ms [default: 30]")
    parser.add_argument("--rate", default="125000000",
                        help="of `bare, far`, in bytes a second and connection [default: 1 Gbit/s]")
    parser.add_argument("--results", type=pathlib.Path, help="also write all figures as JSON")
    arguments = parser.parse_args()
    end_in_order()
    with tempfile.TemporaryDirectory(dir=arguments.report.parent) as scratch:
        comparison = compare(arguments, pathlib.Path(scratch))
    print(table(comparison, arguments.runs), end="")
    if arguments.results:
        named = [
            {
                "command": name.split("; ")[0],
                "place": name.split("; ")[1],
                "runs": [
                    {
                        "seconds": each.seconds,
                        "own": each.processor_seconds,
                        "server": each.server_seconds,
                        "peak": each.peak_mib,
                    }
                    for each in runs
                ],
            }
            for name, runs in comparison.runs.items()
        ]
        arguments.results.write_text(json.dumps(named, indent=1) + "\n")
    if comparison.failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
