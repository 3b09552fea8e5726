"""Which releases of TensorFlow become environments, and on which Python: a pure rule over what the index holds."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from packaging.version import Version

from .index import File, Index

SEEDS = Path(__file__).parent / "data" / "selection.toml"
# The smaller one first: it has no CUDA in it, and is the same code.
PROJECTS = ("tensorflow-cpu", "tensorflow")
# Keras 2 after TensorFlow went over to Keras 3 (https://github.com/keras-team/tf-keras). It pulls `tensorflow`, whose
# files would lie over those of `tensorflow-cpu`.
TF_KERAS = "tf-keras"
_MINORS = range(5, 40)


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The few choices that no index can tell; explained in `data/selection.toml`."""

    oldest: Version
    newest_python: str
    minimum_age: timedelta
    cutoff: timedelta
    profiles: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path = SEEDS) -> Seeds:
        """Return what the file says."""
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            oldest=Version(table["oldest"]),
            newest_python=table["newest-python"],
            minimum_age=timedelta(days=table["minimum-age-days"]),
            cutoff=timedelta(days=table["cut-off-days"]),
            profiles={name: tuple(minors) for name, minors in table["profiles"].items()},
        )


@dataclass(frozen=True, kw_only=True)
class Release:
    """One TensorFlow to lock.

    Attributes:
        version: e.g. 2.12.1.
        project: `tensorflow-cpu` or `tensorflow`.
        python: the CPython to use, e.g. `3.11`.
        released: when its wheel was uploaded.
    """

    version: Version
    project: str
    python: str
    released: datetime

    @property
    def minor(self) -> str:
        """E.g. `2.12`."""
        return f"{self.version.major}.{self.version.minor}"

    @property
    def requirement(self) -> str:
        """What to ask for."""
        return f"{self.project}=={self.version}"


def minors(index: Index, seeds: Seeds, now: datetime) -> tuple[Release, ...]:
    """Return the newest patch of every minor, oldest first; yanked and too young ones are passed over."""
    files = {project: _wheels(index.files(project), yanked=False) for project in PROJECTS}
    newest: dict[str, Release] = {}
    for version in sorted({file.version for found in files.values() for file in found}):
        if version.is_prerelease or version.is_postrelease or version < seeds.oldest:
            continue
        release = _release(version, files, seeds.newest_python)
        if release is not None and now - release.released >= seeds.minimum_age:
            newest[release.minor] = release
    return tuple(newest.values())


def patch(index: Index, seeds: Seeds, version: Version) -> Release | None:
    """Return one release that was asked for by its number, yanked or not; None when it has no wheel for Linux."""
    files = {project: _wheels(index.files(project), yanked=True) for project in PROJECTS}
    return _release(version, files, seeds.newest_python)


def legacy(index: Index, seeds: Seeds, now: datetime, release: Release) -> tuple[str, ...]:
    """Return what to ask for to have a release with `tf_keras`: its newest patch of that minor; none without one.

    What is yanked, unfinished or too young is passed over, as it is among the releases of TensorFlow.
    """
    theirs = _wheels(index.files(TF_KERAS), yanked=False)
    found = [
        version
        for version in sorted({file.version for file in theirs})
        if version.release[:2] == release.version.release[:2] and not version.is_prerelease
        for since in [uploaded(theirs, version, release.python)]
        if since is not None and now - since >= seeds.minimum_age
    ]
    whole = PROJECTS[-1]
    ours = [file for file in index.files(whole) if file.version == release.version and file.runs_on(release.python)]
    return (f"{whole}=={release.version}", f"{TF_KERAS}=={found[-1]}") if found and ours else ()


def profiles(releases: Iterable[Release], seeds: Seeds) -> dict[str, tuple[str, ...]]:
    """Return minor → names of the profiles that it is part of; `full` has them all."""
    known = [release.minor for release in releases]
    named = {
        name: {known[-1] if minor == "newest" else minor for minor in chosen} for name, chosen in seeds.profiles.items()
    }
    named["full"] = set(known)
    return {minor: tuple(sorted(name for name in named if minor in named[name])) for minor in known}


def uploaded(files: Iterable[File], version: Version, python: str) -> datetime | None:
    """Return when a version came to the index: its wheels for this Python, or what else it has; None without files.

    A wheel for another system that was added years later does not count.
    """
    of_version = [file for file in files if file.version == version]
    usable = [file.uploaded for file in of_version if file.runs_on(python)]
    return max(usable, default=None) or min((file.uploaded for file in of_version), default=None)


def _wheels(files: Iterable[File], *, yanked: bool) -> list[File]:
    return [file for file in files if file.tags and (yanked or not file.yanked)]


def _release(version: Version, files: Mapping[str, list[File]], newest_python: str) -> Release | None:
    for project in PROJECTS:
        of_version = [file for file in files[project] if file.version == version]
        python = _python(of_version, newest_python)
        released = uploaded(of_version, version, python) if python else None
        if python and released:
            return Release(version=version, project=project, python=python, released=released)
    return None


def _python(files: Iterable[File], newest: str) -> str:
    """Return the newest Python with a wheel, up to `newest`; else the oldest above it; empty when there is none."""
    found = list(files)
    limit = int(newest.split(".")[1])
    having = [minor for minor in _MINORS if any(file.runs_on(f"3.{minor}") for file in found)]
    below = [minor for minor in having if minor <= limit]
    chosen = below[-1:] or having[:1]
    return f"3.{chosen[0]}" if chosen else ""
