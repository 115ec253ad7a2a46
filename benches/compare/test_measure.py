"""Tests of what all comparisons share: bounds in time, failures, and exact figures of threads.

    python3 -m unittest discover benches/compare
"""

import os
import subprocess
import sys
import time
import unittest

from measure import Comparison, Failed, Run, run
from thread_times import is_allowed, run_by_threads

# Long enough that a test which waits for it is seen to hang.
LONG = "sleep 300"
SOON = 0.3


CAN_TRACE = is_allowed()


def ends_soon(pid: int) -> bool:
    """Whether a process that was killed ends, in a second."""
    for _ in range(100):
        if not is_running(pid):
            return True
        time.sleep(0.01)
    return False


def is_running(pid: int) -> bool:
    """Whether a process runs, or is about to be given up as a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Bounds(unittest.TestCase):
    """A run that hangs is ended."""

    def test_a_run_that_hangs_is_killed_with_its_children(self):
        for runner in (run, run_by_threads) if CAN_TRACE else (run,):
            with self.subTest(runner.__name__):
                told, tell = os.pipe()
                # The shell's child, which a kill of the shell alone would leave behind.
                script = f"{LONG} & echo $! >/proc/{os.getpid()}/fd/{tell}; {LONG}"
                begun = time.perf_counter()
                with self.assertRaisesRegex(Failed, "did not end in 0.3 s"):
                    runner(["sh", "-c", script], seconds_max=SOON)
                self.assertLess(time.perf_counter() - begun, 30)
                child = int(os.read(told, 20))
                os.close(told)
                os.close(tell)
                self.assertTrue(ends_soon(child))

    def test_what_a_program_leaves_running_ends_with_it(self):
        child = int(run(["sh", "-c", f"{LONG} & echo $!"], with_output=True).output)
        self.assertTrue(ends_soon(child))

    def test_a_script_that_is_asked_to_end_ends_what_it_runs(self):
        script = (
            "import measure; measure.end_in_order(); "
            f"measure.run(['sh', '-c', 'echo $$ >/proc/{os.getpid()}/fd/TELL; {LONG}'])"
        )
        told, tell = os.pipe()
        folder = os.path.dirname(os.path.abspath(__file__))
        asked = subprocess.Popen(
            [sys.executable, "-c", script.replace("TELL", str(tell))],
            cwd=folder, stderr=subprocess.DEVNULL,
        )
        child = int(os.read(told, 20))
        os.close(told)
        os.close(tell)
        asked.terminate()
        asked.wait(30)
        self.assertTrue(ends_soon(child))

    def test_an_error_gives_its_last_line(self):
        with self.assertRaisesRegex(Failed, "ended with 3: second"):
            run(["sh", "-c", "echo first >&2; echo second >&2; exit 3"])
        with self.assertRaisesRegex(Failed, "did not start"):
            run(["/no/such/program"])


class Comparisons(unittest.TestCase):
    """One question that fails does not end the others."""

    def test_a_question_that_fails_once_is_left_out_and_named(self):
        asked = {"sound": 0, "late": 0}

        def sound() -> Run:
            asked["sound"] += 1
            return Run(float(asked["sound"]), 0.0, 1.0)

        def late() -> Run:
            asked["late"] += 1
            if asked["late"] == 2:
                return run(["sh", "-c", LONG], seconds_max=SOON)
            return Run(1.0, 0.0, 1.0)

        comparison = Comparison({"sound": sound, "late": late})
        comparison.ask_all(3)
        self.assertEqual(asked, {"sound": 3, "late": 2})
        self.assertEqual(comparison.median("sound"), 2.0)
        self.assertEqual(list(comparison.runs), ["sound"])
        self.assertIn("late: did not end in 0.3 s", comparison.told_failures())


class Figures(unittest.TestCase):
    """Figures are those of the program, and of all of its threads."""

    @unittest.skipUnless(CAN_TRACE, "programs may not be traced here")
    def test_threads_that_ended_long_before_are_counted_whole(self):
        # Two threads work in turn for a known time, then the main one does nothing for longer.
        work = (
            "import threading, time\n"
            "def spin(seconds):\n"
            "    until = time.thread_time() + seconds\n"
            "    while time.thread_time() < until: pass\n"
            "for seconds in (0.05, 0.1):\n"
            "    thread = threading.Thread(target=spin, args=(seconds,))\n"
            "    thread.start(); thread.join()\n"
            "time.sleep(0.1)\n"
        )
        found = run_by_threads([sys.executable, "-S", "-c", work])
        others = sorted(each.seconds for each in found.threads if not each.is_main)
        self.assertEqual(len(others), 2)
        for seconds, wanted in zip(others, (0.05, 0.1)):
            self.assertGreaterEqual(seconds, wanted)
            self.assertLess(seconds, wanted + 0.05)
        whole = sum(each.seconds for each in found.threads)
        self.assertLessEqual(whole, found.processor_seconds + 0.001)
        self.assertLess(found.processor_seconds - whole, 0.05)

    @unittest.skipUnless(CAN_TRACE, "programs may not be traced here")
    def test_bytes_given_are_those_of_all_threads(self):
        count = 300_000
        work = (
            "import os, threading\n"
            "null = os.open('/dev/null', os.O_WRONLY)\n"
            f"write = lambda: os.write(null, bytes({count}))\n"
            "thread = threading.Thread(target=write)\n"
            "thread.start(); thread.join(); write()\n"
        )
        found = run_by_threads([sys.executable, "-S", "-c", work])
        self.assertGreaterEqual(found.bytes_given, 2 * count)
        self.assertLess(found.bytes_given, 2 * count + 1000)

    def test_a_small_program_has_a_small_peak(self):
        # The system counts a child's peak from that of the process it was forked from.
        self.assertLess(run(["sleep", "0.2"]).peak_mib, 6)
        grown = [sys.executable, "-S", "-c", "b'x' * (100 << 20); import time; time.sleep(0.1)"]
        self.assertGreater(run(grown).peak_mib, 100)


if __name__ == "__main__":
    unittest.main()
