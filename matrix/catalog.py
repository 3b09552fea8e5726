"""The environments that there are: the catalogue of the package, and a project's own locks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from . import entries
from .entries import Entry
from .model import LEGACY, Environment

DATA = Path(__file__).parent / "data"
LOCKS = "locks"  # in a project, beside pyproject.toml


def locked(project: Path) -> tuple[Entry, ...]:
    """Return every locked environment with all that is known of it; a project's own replace those of the package.

    Raises:
        UsageError: a file was changed by hand into something else, or a lock is missing.
    """
    own = project / LOCKS
    found = (*entries.read(DATA, DATA / "locks", toml), *entries.read(own, own, toml))
    return tuple(sorted({entry.id: entry for entry in found}.values(), key=_order))


def environments(project: Path) -> tuple[Environment, ...]:
    """Return the environments of the package and of a project, oldest TensorFlow first, legacy siblings behind all.

    Raises:
        UsageError: as `locked` does.
    """
    return tuple(environment(entry) for entry in locked(project))


def environment(entry: Entry) -> Environment:
    """Return the value that the rest of the program works with."""
    return Environment(
        id=entry.id,
        python=entry.python,
        tensorflow=entry.tensorflow,
        keras=entry.keras,
        requirements=entry.requirements,
        lock=entry.lock,
        variables=entry.variables,
        profiles=frozenset(entry.profiles),
        download=entry.download,
    )


def _order(entry: Entry) -> tuple[bool, Version, str]:
    # Siblings stand behind all releases: on an axis between them, "since when" would alternate with the Keras in use.
    return entry.id.endswith(LEGACY), Version(entry.tensorflow or "0"), entry.id


def toml(path: Path) -> Mapping[str, Any]:
    """Return the tables of a TOML file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))
