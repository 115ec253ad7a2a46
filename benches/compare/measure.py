"""Runs of programs that end in time, and their medians: what all comparisons here share.

Every run is a process group of its own, has a bound in time, and is killed as a group at the bound,
so that one engine that hangs does not hold up the others. Questions are asked in turn, so that what
else the machine does meets all of them alike.
"""

import contextlib
import dataclasses
import os
import pathlib
import platform
import re
import resource
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREDICATE = "BucketKeyStatus = 'DISABLED'"

# One run: the slowest on the page of figures takes 7 s, so this is a machine 17 times as slow.
RUN_SECONDS_MAX = 120.0
# A synthetic report: 48 million rows take 60 s on two cores.
SYNTH_SECONDS_MAX = 900.0
# Installing engines: a download of 300 MB, or a build of xan on two cores, which takes 10 minutes.
INSTALL_SECONDS_MAX = 1800.0
# From SIGKILL to the end: the system may have gigabytes of pages to give back.
KILL_SECONDS_MAX = 20.0
# How often the peak of a running program is looked at. A look takes 0.05 ms.
LOOK_SECONDS = 0.05
# The end of what a program says of its failure.
MESSAGE_BYTES_MAX = 2048


class Failed(Exception):
    """A run that did not end in time, or ended with an error."""


class _EndRequest:
    """A request to end this process, which waits while a program is just being started."""

    def __init__(self) -> None:
        self._must_wait = False
        self._is_there = False

    def on_signal(self, *_) -> None:
        """What the signals call."""
        self._is_there = True
        if not self._must_wait:
            self.heed()

    def defer(self) -> None:
        """From here on it waits."""
        self._must_wait = True

    def heed(self) -> None:
        """From here on it doesn't; ends this process if there was one."""
        self._must_wait = False
        if self._is_there:
            sys.exit("asked to end")


_END_REQUEST = _EndRequest()


def end_in_order() -> None:
    """Has Ctrl-C and SIGTERM end this process with all that it runs."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _END_REQUEST.on_signal)


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run took."""

    seconds: float
    processor_seconds: float
    peak_mib: float
    output: str = ""


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    seconds_max: float = RUN_SECONDS_MAX,
    environment: Mapping[str, str] | None = None,
    with_output: bool = False,
) -> Run:
    """Runs a command from start to end; its output is thrown away unless it is asked for.

    Raises `Failed` when it doesn't end in time (all its processes are killed then), doesn't start,
    or ends with an error.
    """
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        _END_REQUEST.defer()
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output if with_output else subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            _END_REQUEST.heed()
            raise Failed(f"did not start: {error}") from None
        has_ended, peak = False, 0
        try:
            _END_REQUEST.heed()
            has_ended, peak = _wait(child.pid, begun + seconds_max)
        finally:
            # What the program left behind, or the program itself. Its own process is not reaped
            # yet, so the number of the group is still its own.
            kill_group(child.pid)
            usage, code = _reap(child)
        seconds = time.perf_counter() - begun
        if not has_ended:
            raise Failed(f"did not end in {seconds_max:g} s, and was killed")
        if code != 0:
            raise Failed(f"ended with {code}: {_last_line(errors)}")
        output.seek(0)
        return Run(
            seconds,
            usage.ru_utime + usage.ru_stime,
            _peak_kib(usage.ru_maxrss, peak) / 1024,
            output.read().decode(),
        )


def _wait(pid: int, until: float) -> tuple[bool, int]:
    """Whether a process ends by then, and the greatest peak that was seen of it, in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status")
    peak = 0
    with _pidfd(pid) as descriptor:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while True:
            left = until - time.perf_counter()
            if left <= 0:
                return False, peak
            if poll.poll(1000 * min(left, LOOK_SECONDS)):
                return True, peak
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM"):
                    peak = int(line.split()[1])


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def kill_group(pid: int) -> None:
    """Kills all processes of a group whose leader has not been reaped."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _reap(child: subprocess.Popen[bytes]) -> tuple[resource.struct_rusage, int]:
    with _pidfd(child.pid) as descriptor:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(1000 * KILL_SECONDS_MAX):
            raise Failed(f"process {child.pid} did not end when it was killed")
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage, child.returncode


def _peak_kib(reaped: int, seen: int) -> int:
    """The peak of a child: the system's figure counts from the memory of this process.

    So where that figure is above this process's own peak it is exact, else the one that was seen
    while the child ran is nearer.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return reaped if reaped > own or seen == 0 else seen


def _last_line(errors) -> str:
    end = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, end - MESSAGE_BYTES_MAX))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it gave no reason"


def must_run(
    command: Sequence[str | os.PathLike[str]], *, seconds_max: float = RUN_SECONDS_MAX
) -> str:
    """The output of a command without which the comparison makes no sense."""
    try:
        return run(command, seconds_max=seconds_max, with_output=True).output
    except Failed as failure:
        sys.exit(f"{' '.join(str(part) for part in command[:4])} ...: {failure}")


def share_flags(percent: int) -> list[str]:
    """Flags of `synth` for a share of rows that `PREDICATE` selects."""
    share = f"BucketKeyStatus=DISABLED:{percent},ENABLED:{100 - percent}"
    return ["--share", share, "--delete-markers", "0"]


def machine() -> dict[str, str | int | None]:
    """Where figures are from."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    return {
        "processor": model.group(1) if model else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


def verdict(figure: float, bound: float, aim: float, *, less_is_better: bool) -> str:
    """Whether a figure reaches its aim, or its bound."""
    def holds(limit: float) -> bool:
        return figure <= limit if less_is_better else figure >= limit

    return "aim reached" if holds(aim) else "holds" if holds(bound) else "MISSED"


def make_report(program: str, folder: pathlib.Path, flags: Sequence[str]) -> pathlib.Path:
    """A synthetic report in a folder, of six columns unless the flags say otherwise.

    One that is there is taken as it is.
    """
    if not folder.exists():
        columns = [] if "--columns" in flags else ["--columns", "bucket-keys"]
        must_run(
            [program, "synth", *flags, *columns, "--out", str(folder), "--result", "json"],
            seconds_max=SYNTH_SECONDS_MAX,
        )
        # What is still on its way to the disk would be waited for by the first run.
        os.sync()
    return folder


class Comparison:
    """Questions asked in turn; one that fails is named, left out from then on, and not counted."""

    def __init__(self, questions: Mapping[str, Callable[[], Run]]) -> None:
        self.runs: dict[str, list[Run]] = {name: [] for name in questions}
        self.failures: dict[str, str] = {}
        self._questions = dict(questions)

    def ask(self, name: str) -> Run | None:
        """Asks one question; nothing when it fails, or has failed."""
        if name in self.failures:
            return None
        try:
            return self._questions[name]()
        except Failed as failure:
            self.leave_out(name, str(failure))
            return None

    def leave_out(self, name: str, reason: str) -> None:
        """Asks a question no more."""
        self.failures[name] = reason
        del self.runs[name]
        print(f"LEFT OUT: {name}: {reason}", file=sys.stderr, flush=True)

    def ask_all(self, rounds: int) -> None:
        """Asks all questions in turn, several times over."""
        for _ in range(rounds):
            for name in self._questions:
                found = self.ask(name)
                if found is not None:
                    self.runs[name].append(found)

    def median(self, name: str, figure: str = "seconds") -> float:
        """The median of a figure of a question that has not failed."""
        return statistics.median(getattr(run, figure) for run in self.runs[name])

    def peak_mib(self, name: str) -> float:
        """The greatest peak of all runs."""
        return max(run.peak_mib for run in self.runs[name])

    def told_failures(self) -> str:
        """A line for each question that failed, for the end of a table."""
        return "".join(f"LEFT OUT: {name}: {reason}\n" for name, reason in self.failures.items())
