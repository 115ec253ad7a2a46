#!/usr/bin/env python3
"""Fails unless two merged folders have the same files with the same bytes.

    compare.py FOLDER REFERENCE

Only the time that each took may differ: `totals.seconds` of plan.json and of every part.json.
"""

import re
import sys
from pathlib import Path

SECONDS = re.compile(rb'("seconds": )[-+.0-9e]+')


def contents(folder):
    """The bytes of all files by their names, also of attempts that were left behind."""
    files = {}
    for path in folder.rglob("*"):
        if path.is_dir():
            continue
        content = path.read_bytes()
        if path.name in ("plan.json", "part.json"):
            content, found = SECONDS.subn(rb"\g<1>0", content)
            if found != 1:
                sys.exit(f"{path}: {found} times in seconds, not one")
        files[str(path.relative_to(folder))] = content
    return files


found, wanted = (contents(Path(folder)) for folder in sys.argv[1:3])
wrong = [f"only in one of them: {name}" for name in sorted(found.keys() ^ wanted.keys())]
wrong += [f"differs: {name}" for name in sorted(found.keys() & wanted.keys())
          if found[name] != wanted[name]]
manifests = sum("/manifests/" in name for name in wanted)
if wrong or "plan.json" not in wanted or not manifests:
    sys.exit("\n".join(wrong) or "the reference has no plan, or a plan without a manifest")
print(f"{len(wanted)} files, {manifests} of them manifests: the same bytes")
