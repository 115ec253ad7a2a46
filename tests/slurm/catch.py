#!/usr/bin/env python3
"""Lets a stopped process go on, and stops it again as soon as it has made a new folder.

    catch.py PID FOLDER PREFIX SECONDS

The folder is one in FOLDER whose name begins with PREFIX. So that the process can't do all its work
between two looks: both share one processor, and it only gets what this script leaves of that.
Fails where the process ends first, or needs more than so many seconds.
"""

import os
import signal
import sys
import time
from pathlib import Path

pid, folder, prefix, seconds_max = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
end = time.monotonic() + seconds_max


def state():
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except FileNotFoundError:
        return "Z"


def attempts():
    try:
        return {name for name in os.listdir(folder) if name.startswith(prefix)}
    except FileNotFoundError:
        return set()


def wait_until(what, holds):
    while not holds():
        if state() == "Z":
            sys.exit(f"process {pid} ended before {what}")
        if time.monotonic() > end:
            sys.exit(f"waited {seconds_max} s in vain: {what}")
        time.sleep(0.0001)


wait_until("it stopped itself", lambda: state() == "T")
before = attempts()
processors = os.sched_getaffinity(0)
one = {min(processors)}
os.sched_setaffinity(0, one)
os.sched_setaffinity(pid, one)
os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
os.kill(pid, signal.SIGCONT)
wait_until(f"it began in {folder}/{prefix}*", lambda: attempts() - before)
os.kill(pid, signal.SIGSTOP)
wait_until("it stopped", lambda: state() == "T")
if not attempts() - before:
    sys.exit(f"process {pid} was done before it could be stopped")
# When it goes on, it does so like any other.
for thread in os.listdir(f"/proc/{pid}/task"):
    os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))
    os.sched_setaffinity(int(thread), processors)
print(*(attempts() - before))
