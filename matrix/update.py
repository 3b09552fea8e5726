"""Writes lock files: the catalogue's (`nox -s update`) and a project's own (`matrix env lock`)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from packaging.version import Version

from . import entries, releases, requirements
from .catalog import DATA, LOCKS, toml
from .config import UserEnvironment
from .entries import Entry
from .errors import UsageError
from .index import PackageIndex, index_url
from .lock import Locker, with_uv
from .releases import Release, Seeds

PATCH = re.compile(r"tf-(\d+\.\d+\.\d+)")
MINOR = re.compile(r"3\.\d+")
SEVERAL = 4
Say = Callable[[str], None]


def online() -> Locker:
    """Return a locker that asks the package index of this machine and resolves with uv."""
    return Locker(index=PackageIndex(index_url(os.environ)), resolve=with_uv, seeds=Seeds.read(), now=datetime.now(UTC))


def catalogue(locker: Locker, say: Say) -> tuple[Entry, ...]:
    """Return the locks of all minors, oldest first, each with its legacy sibling behind it; several made at once.

    Siblings are part of no profile: they answer another question.

    Raises:
        Incomplete: the index does not answer.
        EnvironmentFailed: one release cannot be locked.
    """
    chosen = releases.minors(locker.index, locker.seeds, locker.now)
    members = releases.profiles(chosen, locker.seeds)

    def locked(release: Release) -> list[Entry]:
        entry = locker.release(f"tf-{release.minor}", release, members[release.minor])
        sibling = locker.legacy(entry, release)
        made = [entry] if sibling is None else [entry, sibling]
        for one in made:
            say(f"{one.id}: {one.requirements[0]}, Python {one.python}, Keras {one.keras or 'inside'}")
        return made

    with ThreadPoolExecutor(SEVERAL) as pool:
        return tuple(chain.from_iterable(pool.map(locked, chosen)))


def update(say: Say) -> None:
    """Write the catalogue anew from the package index. Raises Incomplete, and changes nothing then."""
    locked = catalogue(online(), say)
    entries.write(DATA, DATA / "locks", locked, by="nox -s update")


def lock(
    project: Path, own: dict[str, UserEnvironment], ids: Sequence[str], locker: Locker, say: Say
) -> tuple[Entry, ...]:
    """Lock environments of a project into its `locks/`, beside those that are there, and return the new ones.

    Args:
        project: the folder of pyproject.toml.
        own: `[tool.matrix.environments]`.
        ids: of `own`, or patches such as `tf-2.12.0`; all of `own` when empty.
        locker: see `online`.
        say: hears about each lock.

    Raises:
        UsageError: an id is neither, or its table is not understood.
        EnvironmentFailed: one cannot be locked; what was locked before it stays.
    """
    made = []
    for id_ in ids or tuple(own):
        entry = _own(project, id_, own[id_], locker) if id_ in own else _patch(id_, locker)
        folder = project / LOCKS
        kept = {old.id: old for old in entries.read(folder, folder, toml)}
        _write(folder, {**kept, id_: entry}.values())
        say(f"{id_}: locked {entry.lock.count('==')} packages as of {entry.cutoff}")
        made.append(entry)
    return tuple(made)


def asked(project: Path, id_: str, own: UserEnvironment) -> tuple[str, ...]:
    """Return what a user's environment asks for, one requirement each. Raises EnvironmentFailed."""
    given = own.requirements
    lines = requirements.read(project / given, id_) if isinstance(given, Path) else given
    return tuple(str(requirement) for requirement in requirements.parsed(lines, id_))


def _write(folder: Path, locked: Iterable[Entry]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entries.write(folder, folder, sorted(locked, key=lambda entry: entry.id), by="matrix env lock")


def _own(project: Path, id_: str, own: UserEnvironment, locker: Locker) -> Entry:
    if not entries.ID.fullmatch(id_):
        raise UsageError(f"[tool.matrix.environments.{id_}]: use small letters, digits, and . _ + - in between.")
    if not MINOR.fullmatch(own.python):
        raise UsageError(
            f"[tool.matrix.environments.{id_}]: python = {own.python!r} must be a minor version, e.g. '3.11'."
        )
    return locker.lock(id_, python=own.python, asked=asked(project, id_, own), variables=own.variables)


def _patch(id_: str, locker: Locker) -> Entry:
    match = PATCH.fullmatch(id_)
    if match is None:
        raise UsageError(f"{id_!r} is neither in [tool.matrix.environments] nor a release such as tf-2.12.0.")
    release = releases.patch(locker.index, locker.seeds, Version(match[1]))
    if release is None:
        raise UsageError(f"The package index has no TensorFlow {match[1]} for Linux on x86-64.")
    return locker.release(id_, release)
