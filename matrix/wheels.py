"""Builds the few packages that had no wheel in their time, once, into a folder that every backend installs from.

Also imported by the noxfile: the standard library, and Python 3.10.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from .entries import Entry, Sdist
from .errors import EnvironmentFailed

JOURNAL = "wheels.json"
BUILDING = ".building-"
TIMEOUT = 60.0
TRIES = 3
ABSENT = {401, 403, 404, 410}  # what does not get better by asking again
TEXT_SHOWN = 1500

Build = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Wheel:
    """A built package."""

    path: Path
    sha256: str


def built(folder: Path, entry: Entry, sdist: Sdist, build: Build) -> Wheel:
    """Return the wheel of one sdist for the Python of an environment; build it unless that was done before.

    Args:
        folder: of all wheels; one builder at a time works in it.
        entry: the environment that needs it first; its cut-off also holds for what the build itself needs.
        sdist: what to build, fetched from where the lock found it and checked against the lock's hash.
        build: turns an sdist (first) into a wheel in a folder (second); see `with_uv`.

    Raises:
        EnvironmentFailed: it cannot be fetched, is not what was locked, or does not build.
    """
    key = f"{sdist.name}-{sdist.version}-py{entry.python}-{sdist.sha256[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        journal = _journal(folder)
        known = _known(folder / key, journal.get(key))
        if known is not None:
            return known
        for left in (folder / key, *folder.glob(f"{BUILDING}*")):  # of a builder that was killed: it is our turn
            shutil.rmtree(left, ignore_errors=True)
        wheel = _made(folder, key, sdist, build)
        journal[key] = {
            "file": wheel.path.name,
            "sha256": wheel.sha256,
            "sdist": sdist.sha256,
            "url": sdist.url,
            "built_as_of": entry.cutoff,
        }
        _write_journal(folder, journal)
        return wheel


def with_uv(uv: str, python: Path, cutoff: str) -> Build:
    """Return a Build with uv and one interpreter; setuptools and the like are taken as they were at the cut-off."""

    def build(source: Path, target: Path) -> None:
        command = [uv, "build", "--wheel", str(source), "--out-dir", str(target), "--python", str(python)]
        command += ["--exclude-newer", cutoff, "--no-config"]
        # The same source gives the same bytes (https://reproducible-builds.org/docs/source-date-epoch/).
        environ = {**os.environ, "SOURCE_DATE_EPOCH": "315532800", "UV_NO_PROGRESS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=target, check=False)
        if done.returncode:
            raise EnvironmentFailed(
                f"{source.name} has no wheel and does not build: {done.stderr.strip()[-TEXT_SHOWN:]}",
                remedy="It may need a C compiler: apt-get install gcc",
            )

    return build


def installable(lock: str, wheels: Mapping[tuple[str, str], Wheel]) -> str:
    """Return the lock with the hashes of sdists replaced by those of the wheels built from them.

    Args:
        lock: as written by `matrix.lock`.
        wheels: (name, version) of an sdist → its wheel.
    """
    hashes = {f"{name}=={version}": wheel.sha256 for (name, version), wheel in wheels.items()}
    blocks = lock.replace(" \\\n", "\0").splitlines()
    lines = []
    for block in blocks:
        pin, _, _ = block.partition("\0")
        given = f"{pin}\0    --hash=sha256:{hashes[pin]}" if pin in hashes else block
        lines.append(given.replace("\0", " \\\n") + "\n")
    return "".join(lines)


def _made(folder: Path, key: str, sdist: Sdist, build: Build) -> Wheel:
    with tempfile.TemporaryDirectory(dir=folder, prefix=BUILDING) as place:
        source = Path(place) / sdist.url.rpartition("/")[2]
        source.write_bytes(_fetched(sdist))
        target = Path(place) / key
        target.mkdir()
        build(source, target)
        found = list(target.glob("*.whl"))
        if len(found) != 1:
            raise EnvironmentFailed(f"Building {sdist.name} {sdist.version} left {len(found)} wheels.")
        target.rename(folder / key)
        path = folder / key / found[0].name
        return Wheel(path, hashlib.sha256(path.read_bytes()).hexdigest())


def _fetched(sdist: Sdist) -> bytes:
    """Return the source, whole and as it was locked; what may be the network's fault is asked for again."""
    reason = ""
    for tries in range(1, TRIES + 1):
        try:
            with urllib.request.urlopen(sdist.url, timeout=TIMEOUT) as answer:  # noqa: S310 - checked by its hash
                content: bytes = answer.read()
        except (OSError, HTTPException) as error:  # HTTPException: it ended too early
            reason = f"The source of {sdist.name} {sdist.version} cannot be fetched from {sdist.url} ({error})."
            if isinstance(error, HTTPError) and error.code in ABSENT:
                break
        else:
            if hashlib.sha256(content).hexdigest() == sdist.sha256:
                return content
            reason = f"{sdist.url} is not the file that was locked: its SHA-256 differs."
        if tries < TRIES:
            time.sleep(tries * random.uniform(0.25, 0.75))  # noqa: S311 - so that many do not come back at once
    raise EnvironmentFailed(reason, remedy="Look at the network, then run the same command again.")


def _known(folder: Path, facts: Any) -> Wheel | None:
    """Return a wheel of an earlier build, if it is still what was recorded."""
    if not isinstance(facts, dict):
        return None
    path = folder / str(facts.get("file"))
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != facts.get("sha256"):
        return None
    return Wheel(path, facts["sha256"])


def _journal(folder: Path) -> dict[str, Any]:
    try:
        known = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not yet there, or half written by another program: build again
        return {}
    return known if isinstance(known, dict) else {}


def _write_journal(folder: Path, journal: Mapping[str, Any]) -> None:
    temporary = folder / f".{JOURNAL}"
    temporary.write_text(json.dumps(journal, indent=1, sort_keys=True), encoding="utf-8")
    temporary.replace(folder / JOURNAL)
