#!/usr/bin/env python3
"""How many rows a second a filter would do on more cores, and which resource ends first.

A simulation on paper: takes what serial.py measured of a row on this machine (a worker's processor
time, that of the serial part, bytes read and written), and holds it against what a machine with so
many cores has. The least of these is the rate:

- workers: all cores do workers' and the serial part's work, none waits;
- serial part: one core does it, alone; it gets no faster with more;
- memory: bytes a row moves between memory and the caches, over the bandwidth that the cores reach;
- disk: a row's compressed bytes are read and its output written, at the disks' speeds;
- network: the same over the network instead: a report in S3, and a plan that goes there.

    benches/compare/serial.py --scratch /tmp/serial --results /tmp/serial.json
    benches/compare/scaling.py /tmp/serial.json

The serial part is all that the workers don't do, taken as the work of one thread. A run's constant
cost (start, manifest, end) is counted with it, so short measurements make it too great.

What it leaves out: that cores run slower when all are busy, and that two threads may share a core;
`--worker-slowdown` is for both. Memory traffic is counted from how bytes pass, not measured:
windows and blocks are taken to stay in each core's second-level cache, as they fit there.
"""

import argparse
import json
import math
import pathlib
import sys

CORES = (4, 16, 64, 192)
# How often a compressed byte crosses to or from memory. From disk: into the page cache, from there
# to the worker that copies it, and once more to the one that takes the MD5. From S3: from the
# network card, to the kernel's copy, with that into the program's buffer (which is read before it
# is written over), and from there to the worker.
COMPRESSED_CROSSINGS_DISK = 3
COMPRESSED_CROSSINGS_NETWORK = 5
# How often an output byte does: out of the worker's cache and in again where another thread writes
# it (at most), into the page cache (which is read before it is written over), to the disk.
OUTPUT_CROSSINGS = 5


def row_costs(measured: dict, machine: argparse.Namespace) -> dict[str, float]:
    """What a row takes, from the medians of one share of selected rows."""
    rows, slowdown = measured["rows"], machine.worker_slowdown
    serial = measured["processor_seconds"] - measured["workers_seconds"]
    if machine.serial_part is not None:
        part = machine.serial_part / 100
        serial = measured["workers_seconds"] * part / (1 - part)
    return {
        "worker_seconds": slowdown * measured["workers_seconds"] / rows,
        # Clocks that disagree by microseconds are no gain.
        "serial_seconds": slowdown * max(serial, 0.0) / rows,
        "compressed_bytes": measured["bytes_compressed"] / rows,
        "output_bytes": measured["plan_bytes"] / rows,
    }


def limits(cost: dict[str, float], cores: int, machine: argparse.Namespace) -> dict[str, float]:
    """Rows a second that each resource allows."""
    sockets = math.ceil(cores / machine.socket_cores)
    bandwidth = 1e9 * min(cores * machine.core_memory, sockets * machine.socket_memory)
    read, written = cost["compressed_bytes"], cost["output_bytes"]

    def memory(crossings: int) -> float:
        return bandwidth / (crossings * read + OUTPUT_CROSSINGS * written)

    def at_most(rate: float, per_row: float) -> float:
        return rate / per_row if per_row > 0 else math.inf

    # One disk reads and writes at the same time; the network card too.
    disk = min(
        at_most(1e9 * machine.disk_read * machine.disks, read),
        at_most(1e9 * machine.disk_write * machine.disks, written),
    )
    network = 1e9 / 8 * machine.network
    return {
        "workers": cores / (cost["worker_seconds"] + cost["serial_seconds"]),
        "serial part": at_most(1.0, cost["serial_seconds"]),
        "memory, from disk": memory(COMPRESSED_CROSSINGS_DISK),
        "memory, from S3": memory(COMPRESSED_CROSSINGS_NETWORK),
        "disk": disk,
        "network": min(at_most(network, read), at_most(network, written)),
    }


def rate(found: dict[str, float], left_out: tuple[str, ...]) -> tuple[float, str]:
    """The least of the limits but some, and its name."""
    chosen = {name: limit for name, limit in found.items() if name not in left_out}
    name = min(chosen, key=lambda name: chosen[name])
    return chosen[name], name.split(",")[0]


def table(cost: dict[str, float], percent: int, machine: argparse.Namespace) -> str:
    """Millions of rows a second, for each number of cores."""
    lines = [
        f"{percent} % selected. A row takes {1e9 * cost['worker_seconds']:.0f} ns of a worker and "
        f"{1e9 * cost['serial_seconds']:.1f} ns of the serial part,",
        f"{cost['compressed_bytes']:.0f} compressed bytes in and {cost['output_bytes']:.0f} out.",
        "",
        "| cores | workers | serial part | memory | disk | network | from disk | ends first | "
        "from S3 | ends first |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cores in machine.cores:
        found = limits(cost, cores, machine)
        disk, by_disk = rate(found, ("memory, from S3", "network"))
        network, by_network = rate(found, ("memory, from disk", "disk"))
        cells = [
            found["workers"], found["serial part"], found["memory, from disk"], found["disk"],
            found["network"],
        ]
        told = " | ".join("-" if math.isinf(cell) else f"{cell / 1e6:,.0f}" for cell in cells)
        lines.append(
            f"| {cores} | {told} | {disk / 1e6:,.0f} | {by_disk} | {network / 1e6:,.0f} | "
            f"{by_network} |"
        )
    return "\n".join(lines)


def assumptions(machine: argparse.Namespace) -> str:
    """What the machine is taken to have."""
    return (
        f"Millions of rows a second. Assumed: {machine.core_memory:g} GB/s of memory a core, at "
        f"most {machine.socket_memory:g} GB/s a socket of {machine.socket_cores} cores;\n"
        f"{machine.disks} NVMe disk(s) that read {machine.disk_read:g} and write "
        f"{machine.disk_write:g} GB/s; {machine.network:g} Gbit/s of network each way; a worker\n"
        f"takes {machine.worker_slowdown:g} times the time that it takes here."
    )


def main() -> None:
    """Reads the flags and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("figures", type=pathlib.Path, help="what serial.py --results wrote")
    parser.add_argument("--cores", type=int, nargs="+", default=CORES)
    parser.add_argument("--core-memory", type=float, default=12.0,
                        help="GB/s of memory that one core reaches")
    parser.add_argument("--socket-memory", type=float, default=350.0,
                        help="GB/s that all cores of a socket reach: 12 channels of DDR5-4800, "
                        "of whose 460 three quarters are had")
    parser.add_argument("--socket-cores", type=int, default=96)
    parser.add_argument("--disks", type=int, default=1)
    parser.add_argument("--disk-read", type=float, default=7.0, help="GB/s of each, PCIe 4")
    parser.add_argument("--disk-write", type=float, default=5.0, help="GB/s of each")
    parser.add_argument("--network", type=float, default=100.0, help="Gbit/s each way")
    parser.add_argument("--worker-slowdown", type=float, default=1.0,
                        help="a row's time there over that here")
    parser.add_argument("--serial-part", type=float, metavar="PERCENT",
                        help="of all processor time, instead of what was measured")
    machine = parser.parse_args()
    measured = json.loads(machine.figures.read_text())["serial"]
    if not measured:
        sys.exit(f"{machine.figures} has no figures of a serial part")
    print(assumptions(machine))
    for each in measured:
        print("", table(row_costs(each, machine), each["percent"], machine), sep="\n")


if __name__ == "__main__":
    main()
