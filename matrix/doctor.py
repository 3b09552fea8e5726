"""What this machine has and lacks for a run, and what would help."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from uv import find_uv_bin

from . import interpreters
from .backends.docker import daemon
from .errors import Incomplete, MatrixError
from .index import PackageIndex, index_url
from .model import Environment
from .outlook import needed, size


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: whether it is as it should be, what was found, and what would help."""

    good: bool
    what: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """For a terminal."""
        return f"{'ok  ' if self.good else 'LACK'}  {self.what}" + (f"\n      {self.remedy}" if self.remedy else "")


def examined(
    environments: Sequence[Environment], envdir: Path, environ: Mapping[str, str], home: Path
) -> Iterator[Finding]:
    """Yield what was found, cheapest first. Nothing is changed."""
    yield _platform()
    yield Finding(good=True, what=f"Python {platform.python_version()}, {os.cpu_count()} cores")
    yield _tool("nox", "pip install 'nox[uv]'")
    yield _uv()
    memory = psutil.virtual_memory().available
    yield Finding(
        good=memory > 3 << 29,
        what=f"{size(memory)} of memory are free; a worker takes up to 1.5 GB",
        remedy="" if memory > 3 << 29 else "Close something, or run with --jobs 1.",
    )
    yield _disk(environments, envdir)
    for python in sorted({item.python for item in environments if item.python}, key=_number):
        yield _interpreter(python, environ, home)
    yield _index(environ)
    yield _engine(environ)


def _number(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def _platform() -> Finding:
    good = interpreters.supported_platform()
    return Finding(
        good=good,
        what=f"{platform.system()} on {platform.machine()}",
        remedy="" if good else f"The locks are for Linux on x86-64. {interpreters.ELSEWHERE}",
    )


def _tool(name: str, remedy: str) -> Finding:
    try:
        return Finding(good=True, what=f"{name} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
        return Finding(good=False, what=f"{name} is not installed", remedy=remedy)


def _uv() -> Finding:
    try:
        done = subprocess.run([find_uv_bin(), "--version"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(good=False, what=f"uv does not run: {error}", remedy="pip install --force-reinstall uv")
    return Finding(good=True, what=done.stdout.strip())


def _disk(environments: Sequence[Environment], envdir: Path) -> Finding:
    place = next(path for path in (envdir, *envdir.parents) if path.exists())
    free, wanted = shutil.disk_usage(place).free, needed(environments)
    good = free > wanted
    return Finding(
        good=good,
        what=f"{size(free)} are free below {envdir}; all {len(environments)} environments take about {size(wanted)}",
        remedy="" if good else "Choose a smaller profile, or set NOX_ENVDIR to a folder on a bigger disk.",
    )


def _interpreter(python: str, environ: Mapping[str, str], home: Path) -> Finding:
    found = interpreters.find(python, environ, home)
    if found.path:
        return Finding(good=True, what=f"Python {python}: {found.path}")
    if interpreters.downloadable(python):
        return Finding(good=True, what=f"Python {python}: not here; uv downloads it when it is needed")
    return Finding(
        good=False,
        what=f"Python {python}: not found in {len(found.places)} places, and uv has no build of it",
        remedy=f"Its environments will be `E`. Install it, e.g.: pyenv install {python}",
    )


def _engine(environ: Mapping[str, str]) -> Finding:
    """Tell of the Docker engine. That there is none is no lack: virtual environments need none."""
    try:
        with closing(daemon.connected(environ)) as client:
            facts, rootless = client.info(), daemon.rootless(client)
    except MatrixError as error:
        return Finding(good=True, what=f"no containers (--backend docker): {error}")
    walls = ("rootless" if rootless else "as root", "with gVisor" if "runsc" in facts["Runtimes"] else "without gVisor")
    return Finding(
        good=True, what=f"containers: engine {facts['ServerVersion']}, {', '.join([facts['Driver'], *walls])}"
    )


def _index(environ: Mapping[str, str]) -> Finding:
    url = index_url(environ)
    try:
        PackageIndex(url).files("six")
    except Incomplete as error:
        return Finding(good=False, what=str(error), remedy="What is built and locked already still works.")
    return Finding(good=True, what=f"the package index answers: {url}")
