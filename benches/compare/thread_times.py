#!/usr/bin/env python3
"""Processor time of each thread of a program, to the nanosecond, and the bytes that it wrote.

A thread's figures vanish with it, so reading them now and then would miss its last milliseconds.
Here the program is traced (ptrace), but stopped only where a thread begins or ends: at its end each
thread waits until its figures have been read. A thread costs two stops of some microseconds, system
calls and signals cost nothing, so what is measured runs as it would alone. Linux only.

    benches/compare/thread_times.py    # ends with 0 if programs may be traced here
"""

import ctypes
import dataclasses
import os
import pathlib
import signal
import sys
import time
from collections.abc import Sequence

from measure import RUN_SECONDS_MAX, Failed, kill_group

# From <sys/ptrace.h>.
PTRACE_CONT, PTRACE_SEIZE = 7, 0x4206
TRACE_CLONE, TRACE_EXIT, EXIT_KILL = 1 << 3, 1 << 6, 1 << 20
EVENT_EXIT = 6
# From <linux/wait.h>: threads too.
WAIT_ALL = 0x40000000

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


@dataclasses.dataclass(frozen=True)
class Thread:
    """A thread at its end."""

    name: str
    seconds: float
    is_main: bool


@dataclasses.dataclass(frozen=True)
class ThreadTimes:
    """A program's run, thread by thread."""

    seconds: float
    processor_seconds: float
    peak_mib: float
    threads: list[Thread]
    # What it gave to `write` and its like, pipes included.
    bytes_given: int
    # What the system counted for disks: pages made dirty, less those dropped before they got there.
    bytes_for_disk: int

    def of(self, name: str) -> list[float]:
        """Processor seconds of the threads of a name, other than the main one."""
        return [each.seconds for each in self.threads if each.name == name and not each.is_main]

    def of_main(self) -> float:
        """Processor seconds of the main thread."""
        return sum(each.seconds for each in self.threads if each.is_main)


def _ptrace(request: int, thread: int, argument: int) -> None:
    if LIBC.ptrace(request, thread, None, argument) != 0:
        number = ctypes.get_errno()
        # A thread that another's end has killed meanwhile.
        if request == PTRACE_CONT and number == 3:
            return
        raise OSError(number, f"ptrace: {os.strerror(number)}; is tracing allowed here?")


def _begin(command: Sequence[str]) -> int:
    """The command as a traced process in a group of its own, output thrown away."""
    wait_for_tracer, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.close(go)
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1):
                os.dup2(nothing, descriptor)
            if os.read(wait_for_tracer, 1):
                os.execvp(command[0], list(command))
        finally:
            os._exit(127)
    os.close(wait_for_tracer)
    try:
        _ptrace(PTRACE_SEIZE, pid, TRACE_CLONE | TRACE_EXIT | EXIT_KILL)
        os.write(go, b"g")
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(go)
    return pid


class _Tracing:
    """What is known of a traced process so far."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.threads: list[Thread] = []
        self.written: dict[str, int] = {}
        self.peak_kib = 0

    def on_end(self, thread: int) -> None:
        """Reads a thread's figures; of the main thread, which is the last, the process's too."""
        task = pathlib.Path(f"/proc/{self.pid}/task/{thread}")
        try:
            name = (task / "comm").read_text().rstrip("\n")
            seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
            self.threads.append(Thread(name, seconds, thread == self.pid))
            if thread != self.pid:
                return
            for line in pathlib.Path(f"/proc/{self.pid}/io").read_text().splitlines():
                key, value = line.split(": ")
                self.written[key] = int(value)
            for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    self.peak_kib = int(line.split()[1])
        except (FileNotFoundError, ProcessLookupError):
            # Killed in the middle: the run fails anyway.
            return

    def follow(self):
        """Until the process has ended: its exit code and what the system counted for it."""
        while True:
            thread, status, usage = os.wait4(-1, WAIT_ALL)
            if os.WIFSTOPPED(status):
                event, stopped_by = status >> 16, os.WSTOPSIG(status)
                if event == EVENT_EXIT:
                    self.on_end(thread)
                # A stop without an event is a signal on its way, which is passed on.
                _ptrace(PTRACE_CONT, thread, 0 if event else stopped_by)
            elif thread == self.pid:
                return os.waitstatus_to_exitcode(status), usage


def is_allowed() -> bool:
    """Whether programs may be traced here; containers may forbid it."""
    try:
        run_by_threads(["true"])
    except OSError:
        return False
    return True


def run_by_threads(
    command: Sequence[str], *, seconds_max: float = RUN_SECONDS_MAX
) -> ThreadTimes:
    """Runs a command to its end, and gives each thread's processor time.

    Waits for any child of this process, so nothing else may run beside it. Raises `Failed` when the
    command doesn't end in time, or ends with an error.
    """
    begun = time.perf_counter()
    pid = _begin(command)
    was_late = False

    def on_late(*_) -> None:
        nonlocal was_late
        was_late = True
        kill_group(pid)

    before = signal.signal(signal.SIGALRM, on_late)
    signal.setitimer(signal.ITIMER_REAL, seconds_max)
    tracing = _Tracing(pid)
    has_ended = False
    try:
        code, usage = tracing.follow()
        has_ended = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if not has_ended:
            kill_group(pid)
    seconds = time.perf_counter() - begun
    if was_late:
        raise Failed(f"did not end in {seconds_max:g} s, and was killed")
    if code != 0:
        raise Failed(f"ended with {code}")
    written = tracing.written
    return ThreadTimes(
        seconds,
        usage.ru_utime + usage.ru_stime,
        tracing.peak_kib / 1024,
        tracing.threads,
        written["wchar"],
        written["write_bytes"] - written["cancelled_write_bytes"],
    )


if __name__ == "__main__":
    sys.exit(0 if is_allowed() else 1)
