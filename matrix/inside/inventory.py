"""Runs inside an environment: is every file what was installed, and what does it hold?

    python -I -B inventory.py [--compile [--like SITE-PACKAGES ...]] [--thorough]

With `--compile` modules get their bytecode first. Writes one JSON object. A guest: Python 3.7 and its standard library,
nothing from the package around it. `uv pip check` says OK on an empty environment, and `uv pip sync` does not notice a
missing file: this does.

Compiling is most of a build, and two releases have most of their modules in common. So bytecode is linked from other
environments of the same Python where the source is the same, by its hash. It does not depend on times of files
(https://peps.python.org/pep-0552/), learns where it is when it is imported, and ends with a hash of itself, which
Python ignores (https://docs.python.org/3/library/marshal.html#marshal.loads), and without which nobody links it.
"""

import argparse
import base64
import csv
import glob
import hashlib
import importlib.util
import json
import multiprocessing
import os
import platform
import py_compile
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from email.parser import HeaderParser

SHA256 = "sha256="
SHOWN = 20
CHUNK = 1 << 20
BATCH = 64
PROCESSES = 8
# A few libraries are most of the bytes. Installers have checked the hash of the wheel that they came from, so a look
# at their sizes must do; `--thorough` is for when something was damaged already.
HASHED = 1 << 20


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
    """Return (path, hash, size) of every file that a RECORD names; bytecode is written here, after RECORD."""
    with open(path, encoding="utf-8", newline="") as file:
        return [(row[0], row[1], row[2]) for row in csv.reader(file) if len(row) == 3 and not row[0].endswith(".pyc")]


def objection(path, expected, size, hashed):
    """Return what is wrong with one file; None when it is what was installed.

    Of what has more bytes than `hashed` and is no source, the size must do.
    """
    try:
        found = os.stat(path).st_size
        if size and found != int(size):
            return "another size"
        read = expected.startswith(SHA256) and (found <= hashed or path.endswith(".py"))
        if read and sha256(path) != expected[len(SHA256) :]:
            return "other contents"
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else str(error)
    return None


def sha256(path):
    """Return the digest of a file, as RECORD spells it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def module(name):
    """Whether a file wants bytecode: tests are a tenth of all files, and no library imports its own."""
    return name.endswith(".py") and not name.startswith("..") and "tests" not in name.split("/")


def compiled(path, like):
    """Give a module its bytecode; return whether it could be had: a few files are in the syntax of another Python.

    `like` is where there may be bytecode of the same source.
    """
    target = importlib.util.cache_from_source(path)
    if like and linked(like, target):
        return True
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        py_compile.compile(path, target, doraise=True, invalidation_mode=unchecked)
        seal(target)
    except (py_compile.PyCompileError, RecursionError, OSError):
        return False
    return True


def linked(like, target):
    """Link bytecode; return whether there is any, and it is whole."""
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.link(like, target)
        if is_sealed(target):
            return True
        os.unlink(target)
    except OSError:  # it has none, or went away, or this disk knows no links
        return False
    return False


def seal(path):
    """Let a file end with the hash of what it holds."""
    with open(path, "r+b") as file:
        file.write(hashlib.sha256(file.read()).digest())


def is_sealed(path):
    """Whether a file ends with the hash of what comes before."""
    with open(path, "rb") as file:
        content = file.read()
    size = hashlib.sha256().digest_size
    return content[-size:] == hashlib.sha256(content[:-size]).digest()


def bytecode(sites):
    """Return hash of source -> where its bytecode should be, of all modules in other environments."""
    found = {}
    for site in sites:
        for record in glob.glob(os.path.join(glob.escape(site), "*.dist-info", "RECORD")):
            try:
                rows = recorded(record)
            except OSError:
                continue  # that environment is being removed
            for name, digest, _ in rows:
                if module(name) and digest.startswith(SHA256):
                    found[digest] = importlib.util.cache_from_source(os.path.join(site, name))
    return found


def looked_at(task):
    """Return (what is wrong, whether it is a module, whether that has bytecode) of one file."""
    path, (name, expected, size), compiling, like, hashed = task
    why = objection(path, expected, size, hashed)
    if why or not module(name):
        return why, False, False
    return None, True, compiled(path, like) if compiling else os.path.exists(importlib.util.cache_from_source(path))


def each(tasks):
    """Yield what `looked_at` returns for every task, in their order. A pool notices when one of its processes dies."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ProcessPoolExecutor(min(processors, PROCESSES), multiprocessing.get_context("fork")) as pool:
        yield from pool.map(looked_at, tasks, chunksize=BATCH)


def main():
    """Write the inventory of the environment whose interpreter runs this."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--like", nargs="*", default=[])
    parser.add_argument("--thorough", action="store_true")
    options = parser.parse_args()
    site = sysconfig.get_paths()["purelib"]
    found, like = distributions(site), bytecode(options.like)
    hashed = sys.maxsize if options.thorough else HASHED
    files = [(distribution[0], row) for distribution in found for row in recorded(distribution[2])]
    tasks = [(os.path.join(site, row[0]), row, options.compile, like.get(row[1]), hashed) for _, row in files]
    seen = list(each(tasks))
    damaged = [(owner, row[0], why) for (owner, row), (why, _, _) in zip(files, seen) if why]
    facts = {
        "python": platform.python_version(),
        "platform": sysconfig.get_platform(),
        "distributions": [[name, version] for name, version, _ in found],
        "damaged": [[name, why] for _, name, why in damaged[:SHOWN]],
        "damaged_files": len(damaged),
        "damaged_distributions": sorted({owner for owner, _, _ in damaged}),
        "sources": sum(is_module for _, is_module, _ in seen),
        "uncompiled": sum(is_module and not has_bytecode for _, is_module, has_bytecode in seen),
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
