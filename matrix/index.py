"""The one door to the package index: which files a project has, and since when.

Speaks the simple API as JSON (https://peps.python.org/pep-0691/) and needs its upload times
(https://peps.python.org/pep-0700/): without them nothing can be resolved with the packages of its own time.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from packaging.tags import Tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from .errors import Incomplete

PYPI = "https://pypi.org/simple"
TIMEOUT = 30.0
_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a project on the index.

    Attributes:
        version: which release it belongs to.
        uploaded: when it came to the index.
        yanked: taken back by its project (https://peps.python.org/pep-0592/).
        tags: what a wheel runs on; empty for a source distribution.
    """

    version: Version
    uploaded: datetime
    yanked: bool = False
    tags: frozenset[Tag] = frozenset()

    def runs_on(self, python: str) -> bool:
        """Whether it is a wheel for this CPython (`3.11`) on Linux x86-64 with glibc."""
        return any(_interpreter(tag, python) and _platform(tag) for tag in self.tags)


class Index(Protocol):
    """Where files are looked up; tests answer from memory."""

    def files(self, project: str) -> tuple[File, ...]:
        """Return all files of a project, oldest upload first; none when there is no such project.

        Raises:
            Incomplete: the index does not answer.
        """


class PackageIndex:
    """An index over HTTP. Each project is asked about once.

    Args:
        url: of its simple API, see `index_url`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._known: dict[str, tuple[File, ...]] = {}
        self._lock = threading.Lock()

    def files(self, project: str) -> tuple[File, ...]:
        """Return all files of a project. Raises Incomplete when the index does not answer."""
        with self._lock:
            if project not in self._known:
                self._known[project] = self._asked(project)
            return self._known[project]

    def _asked(self, project: str) -> tuple[File, ...]:
        import pypi_simple  # noqa: PLC0415 - with all that it needs a third of the start of every command

        try:
            with pypi_simple.PyPISimple(self.url) as client:
                page = client.get_project_page(project, timeout=TIMEOUT)
        except pypi_simple.NoSuchProjectError:
            return ()
        except (OSError, pypi_simple.UnsupportedContentTypeError) as error:  # what requests raises is an OSError
            raise Incomplete(
                f"The package index {shown(self.url)} does not answer about {project} "
                f"({type(error).__name__}). Set UV_DEFAULT_INDEX if there is another one."
            ) from None
        found = []
        for package in page.packages:
            named = _named(package.filename)
            if named is None:
                continue
            if package.upload_time is None:
                raise Incomplete(
                    f"The package index {shown(self.url)} does not say when {package.filename} was uploaded "
                    "(PEP 700). Set UV_DEFAULT_INDEX to one that does."
                )
            version, tags = named
            found.append(File(version=version, uploaded=package.upload_time, yanked=package.is_yanked, tags=tags))
        return tuple(sorted(found, key=lambda file: file.uploaded))


def index_url(environ: Mapping[str, str]) -> str:
    """Return the index that uv or pip would use; PyPI when none is set."""
    return next((environ[name] for name in _VARIABLES if environ.get(name)), PYPI)


def shown(url: str) -> str:
    """Return the URL without the password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _named(filename: str) -> tuple[Version, frozenset[Tag]] | None:
    """Return what a file name says; None for eggs, installers, and names from before there were rules."""
    try:
        if filename.endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(filename)
            return version, tags
        return parse_sdist_filename(filename)[1], frozenset()
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def _interpreter(tag: Tag, python: str) -> bool:
    major, minor = (int(part) for part in python.split("."))
    if tag.interpreter in {f"py{major}", f"py{major}{minor}", f"cp{major}{minor}"}:
        return True
    return tag.abi == "abi3" and tag.interpreter in {f"cp{major}{older}" for older in range(2, minor)}


def _platform(tag: Tag) -> bool:
    return tag.platform == "any" or (
        "linux" in tag.platform and tag.platform.endswith("_x86_64") and "musl" not in tag.platform
    )
