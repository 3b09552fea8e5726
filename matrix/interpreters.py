"""Finds a CPython by looking at files only. Also imported by the noxfile: the standard library, and Python 3.10.

No candidate is run: `nox -l` must stay quick, and a pyenv shim is a script that may answer "command not found".
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# What helps on a platform without locks.
ELSEWHERE = "Run it in a Linux container for x86-64: docker run --rm -it -v .:/project -w /project python:3.11 bash"
OLDEST_DOWNLOAD = (3, 8)  # uv has builds of CPython from 3.8 on: `uv python list --all-versions`
_VERSION = re.compile(r"(?:^|-|python)(\d+)\.(\d+)\.(\d+)(?=$|[-+])")


@dataclass(frozen=True)
class Search:
    """What a search for one interpreter came to.

    Attributes:
        path: of the newest patch that was found; None when there is none.
        places: the folders that were looked at.
    """

    path: Path | None
    places: tuple[Path, ...]


def find(version: str, environ: Mapping[str, str], home: Path) -> Search:
    """Look for CPython `version` (`3.11`) on PATH and where pyenv, uv and conda keep theirs.

    Args:
        version: major and minor.
        environ: the variables that say where these tools keep their interpreters.
        home: the user's home folder.
    """
    places = tuple(dict.fromkeys(_places(environ, home)))
    name = f"python{version}"
    found = [
        (_patch(place, version), -order, place / name)
        for order, place in enumerate(places)
        if _is_interpreter(place / name)
    ]
    newest = max(found, default=None)
    return Search(newest[2] if newest else None, places)


def downloadable(version: str) -> bool:
    """Whether uv can fetch this CPython by itself."""
    major, minor = (int(part) for part in version.split("."))
    return (major, minor) >= OLDEST_DOWNLOAD and minor < 40


def supported_platform() -> bool:
    """Whether the locks fit this machine: they hold wheels for Linux on x86-64 only."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def _places(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Yield every folder that may hold `pythonX.Y`, those the user put first first."""
    for folder in environ.get("PATH", "").split(os.pathsep):
        if Path(folder).is_absolute():
            yield Path(folder)
    for root in (_given(environ, "PYENV_ROOT"), home / ".pyenv"):
        yield from _inside(root, "versions")
    shared = _given(environ, "XDG_DATA_HOME") or home / ".local" / "share"
    for root in (_given(environ, "UV_PYTHON_INSTALL_DIR"), shared / "uv" / "python"):
        yield from _inside(root, ".")
    yield from _conda(environ, home)


def _conda(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    names = ("miniconda3", "anaconda3", "miniforge3", "mambaforge")
    roots = [home / name for name in names] + [Path("/opt") / name for name in ("conda", *names)]
    for root in (_given(environ, "CONDA_PREFIX"), *roots):
        if root is not None:
            yield root / "bin"
            yield from _inside(root, "envs")


def _given(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _inside(root: Path | None, folder: str) -> Iterator[Path]:
    """Yield the `bin` of every installation in a folder of installations."""
    if root is None:
        return
    try:
        yield from (item / "bin" for item in sorted((root / folder).iterdir()) if item.is_dir())
    except OSError:  # not there, or not ours to read
        return


def _is_interpreter(path: Path) -> bool:
    """Whether it is a program that can be started and no script: shims and wrappers begin with `#!`."""
    try:
        with path.open("rb") as file:
            return os.access(path, os.X_OK) and file.read(2) != b"#!"
    except OSError:  # missing, a broken link, a folder
        return False


def _patch(place: Path, version: str) -> int:
    """Return the patch that the path speaks of; -1 when it says nothing."""
    real = (place / f"python{version}").resolve()
    for part in (*place.parts[::-1], *real.parts[::-1]):
        match = _VERSION.search(part)
        if match and f"{match[1]}.{match[2]}" == version:
            return int(match[3])
    return -1
