"""Runs inside an environment: what does it hold, and is every file still what was installed?

    python -I -B inventory.py

Writes one JSON object. A guest: Python 3.7 and its standard library, nothing from the package around it. `uv pip check`
says OK on an empty environment, and `uv pip sync` does not notice a missing file: this does.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import json
import os
import platform
import sys
import sysconfig
from email.parser import HeaderParser

SHOWN = 20
CHUNK = 1 << 20


def distributions(site):
    """Return (name, version, path of RECORD) of everything installed in a site-packages."""
    found = []
    for folder in sorted(os.listdir(site)):
        if folder.endswith(".dist-info"):
            with open(os.path.join(site, folder, "METADATA"), encoding="utf-8", errors="replace") as file:
                headers = HeaderParser().parse(file)
            found.append((headers["Name"], headers["Version"], os.path.join(site, folder, "RECORD")))
    return found


def recorded(path):
    """Return (path, hash, size) of every file that a RECORD names."""
    with open(path, encoding="utf-8", newline="") as file:
        return [(row[0], row[1], row[2]) for row in csv.reader(file) if len(row) == 3]


def objection(path, expected, size):
    """Return what is wrong with one file; None when it is what was installed."""
    try:
        if size and os.stat(path).st_size != int(size):
            return "another size"
        if expected.startswith("sha256=") and sha256(path) != expected[len("sha256=") :]:
            return "other contents"
        return None if os.path.exists(path) else "missing"
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else str(error)


def sha256(path):
    """Return the digest of a file, as RECORD spells it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def main():
    """Write the inventory of the environment whose interpreter runs this."""
    site = sysconfig.get_paths()["purelib"]
    found = distributions(site)
    damaged, sources, uncompiled = [], 0, 0
    for _, _, record in found:
        for name, expected, size in recorded(record):
            path = os.path.join(site, name)
            if name.endswith(".pyc"):
                continue  # written here, after RECORD
            why = objection(path, expected, size)
            if why:
                damaged.append([name, why])
            elif name.endswith(".py") and not name.startswith(".."):
                sources += 1
                uncompiled += not os.path.exists(importlib.util.cache_from_source(path))
    facts = {
        "python": platform.python_version(),
        "platform": sysconfig.get_platform(),
        "distributions": [[name, version] for name, version, _ in found],
        "damaged": damaged[:SHOWN],
        "damaged_files": len(damaged),
        "sources": sources,
        "uncompiled": uncompiled,
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
