"""What an image is built from: the packages of a lock, fetched and checked here, and a Dockerfile.

The build itself sees neither a network nor a credential: proxies, certificates and the index are those of uv on this
machine (https://docs.astral.sh/uv/reference/environment/).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from jinja2 import Environment as Templates
from jinja2 import StrictUndefined
from uv import find_uv_bin

from ... import interpreters, wheels
from ...entries import Entry
from ...errors import EnvironmentFailed
from ...recipe import GUEST
from .. import guard

PREFIX = "/opt/matrix"
PLATFORM = "x86_64-manylinux_2_28"  # what the locks are for, and every Debian since 10 can load
INVENTORY = GUEST / "inventory.py"
GUARD = Path(guard.__file__)
TEMPLATE = GUEST.parent / "data" / "Dockerfile.j2"
LOG_SHOWN = 1500


@contextmanager
def context(entry: Entry, base: str, shelf: Path, desk: Path) -> Iterator[IO[bytes]]:
    """Give the archive that an image is built from.

    Args:
        entry: the environment, locked.
        base: the image below it, by what it is called and its digest.
        shelf: where packages are kept that had to be built from source, for all backends.
        desk: where it is made.

    Raises:
        EnvironmentFailed: a package cannot be fetched or built, or is not what was locked.
    """
    with tempfile.TemporaryDirectory(prefix="matrix-image-", dir=desk) as scratch:
        site = Path(scratch) / "site"
        _fetched(entry, site, shelf, Path(scratch))
        dockerfile = Path(scratch) / "Dockerfile"
        dockerfile.write_text(_dockerfile(base, entry.python), encoding="utf-8")
        archive = Path(scratch) / "context.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(dockerfile, "Dockerfile", filter=_anybody)
            tar.add(INVENTORY, "inventory.py", filter=_anybody)
            tar.add(site, "site", filter=_anybody)
        with archive.open("rb") as file:
            yield file


def _dockerfile(base: str, python: str) -> str:
    template = Templates(undefined=StrictUndefined, autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(base=base, python=python, prefix=PREFIX)


def _anybody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out of the archive who owns a file here, and when it was made: equal contents make equal layers."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _fetched(entry: Entry, site: Path, shelf: Path, scratch: Path) -> None:
    """Put the packages of a lock into a folder, each as its hash says."""
    uv = find_uv_bin()
    interpreter = interpreters.find(entry.python, os.environ, Path.home()).path or Path(entry.python)
    made = {
        (sdist.name, sdist.version): wheels.built(shelf, entry, sdist, wheels.with_uv(uv, interpreter, entry.cutoff))
        for sdist in entry.sdists
    }
    lock = scratch / "lock.txt"
    lock.write_text(wheels.installable(entry.lock, made), encoding="utf-8")
    command = [uv, "pip", "install", "--target", str(site), "--python-version", entry.python]
    command += ["--python-platform", PLATFORM, "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += [option for wheel in made.values() for option in ("--find-links", str(wheel.path.parent))]
    code, said = _guarded([*command, "-r", str(lock)])
    if code:
        raise EnvironmentFailed(
            f"{entry.id}: the packages of its lock could not be fetched: {said.strip()[-LOG_SHOWN:]}",
            remedy="Look at the network, then run the same command again.",
        )


def _guarded(command: Sequence[str]) -> tuple[int, str]:
    """Run a command that ends when we do, and return its exit code and what it said."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARD), *command],
        stdin=subprocess.PIPE,  # nobody writes to it: it tells the guard that we are there
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1", "UV_NO_PROGRESS": "1"},
    )
    with child:
        assert child.stderr is not None  # noqa: S101 - we asked for the pipe
        said = child.stderr.read().decode("utf-8", "backslashreplace")
        return child.wait(), said
