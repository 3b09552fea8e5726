"""Locks one environment with the packages of its own time.

The rule, the same for the catalogue, a patch and a user's own requirements: packages are chosen as they were a few days
after the newest of the exactly pinned ones was uploaded. Without such a cut-off, resolving TensorFlow 2.4 today takes
a protobuf with which it does not import (https://github.com/tensorflow/tensorflow/issues/56266).
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from . import interpreters, releases, requirements
from .entries import Entry, Sdist
from .errors import EnvironmentFailed
from .index import Index
from .model import USE_LEGACY, legacy_sibling, uses_legacy
from .releases import PROJECTS, TF_KERAS, Release, Seeds

# TensorFlow 2.21 has no wheel for an older glibc than 2.27.
PLATFORM = "x86_64-manylinux_2_28"
TEXT_SHOWN = 2000
UNSATISFIABLE = 1  # uv ends with 2 for everything else


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the resolver is asked.

    Attributes:
        id: whose lock it will be, for messages.
        python: the minor version of CPython.
        requirements: one each, as in a requirements.txt.
        cutoff: no file that was uploaded later is seen.
    """

    id: str
    python: str
    requirements: tuple[str, ...]
    cutoff: datetime


# Returns a pylock.toml (https://packaging.python.org/en/latest/specifications/pylock-toml/).
Resolve = Callable[[Question], str]


@dataclass(frozen=True, kw_only=True)
class Locker:
    """Makes locks.

    Attributes:
        index: where uploads are looked up.
        resolve: what chooses the packages: `uv`, or a function of a test.
        seeds: the cut-off rule.
        now: the cut-off where nothing is pinned exactly, and what the age of a release is counted from.
    """

    index: Index
    resolve: Resolve
    seeds: Seeds
    now: datetime

    def release(self, id_: str, release: Release, profiles: tuple[str, ...] = ()) -> Entry:
        """Return the lock of one TensorFlow.

        Where its requirements leave the major version of Keras open, Keras is pinned to what was current: from 3.0 on,
        TensorFlow names no upper bound (https://github.com/tensorflow/tensorflow/releases/tag/v2.16.1).

        Raises:
            EnvironmentFailed: no set of packages satisfies it.
        """
        asked: tuple[str, ...] = (release.requirement,)
        entry = self.lock(id_, python=release.python, asked=asked, profiles=profiles)
        if _is_keras_3(entry):
            asked = (*asked, f"keras=={entry.keras}")
            entry = self.lock(id_, python=release.python, asked=asked, profiles=profiles)
        return entry

    def legacy(self, entry: Entry, release: Release) -> Entry | None:
        """Return the lock of a release with Keras 2, beside that with Keras 3; None where it has Keras 2 or no other.

        Args:
            entry: of the release.
            release: what it was made from.

        Raises:
            EnvironmentFailed: no set of packages satisfies it.
        """
        asked = releases.legacy(self.index, self.seeds, self.now, release) if _is_keras_3(entry) else ()
        if not asked:
            return None
        return self.lock(legacy_sibling(entry.id), python=release.python, asked=asked, variables=(USE_LEGACY,))

    def lock(
        self,
        id_: str,
        *,
        python: str,
        asked: tuple[str, ...],
        variables: tuple[tuple[str, str], ...] = (),
        profiles: tuple[str, ...] = (),
    ) -> Entry:
        """Return the lock of any requirements; see `requirements.parsed` for what they may hold.

        Raises:
            EnvironmentFailed: a line cannot be locked, or no set of packages satisfies all.
            Incomplete: the index does not answer.
        """
        cutoff, released = self._times(id_, python, asked)
        wanted = tuple(str(requirement) for requirement in requirements.parsed(asked, id_))
        question = Question(id=id_, python=python, requirements=wanted, cutoff=cutoff)
        packages = tomllib.loads(self.resolve(question)).get("packages", [])
        versions: dict[str, str] = {package["name"]: package["version"] for package in packages}
        return Entry(
            id=id_,
            python=python,
            tensorflow=next((versions[project] for project in PROJECTS if project in versions), ""),
            keras=versions.get(TF_KERAS if TF_KERAS in versions and uses_legacy(variables) else "keras", ""),
            requirements=asked,
            variables=variables,
            profiles=profiles,
            released=f"{released:%Y-%m-%d}" if released else "",
            cutoff=f"{cutoff:%Y-%m-%dT%H:%M:%SZ}",
            download=sum(_download(package) for package in packages),
            sdists=tuple(_sdist(package) for package in packages if not package.get("wheels")),
            lock="".join(_lines(package) for package in packages),
        )

    def _times(self, id_: str, python: str, asked: tuple[str, ...]) -> tuple[datetime, datetime | None]:
        """Return the cut-off, and when the pinned TensorFlow was uploaded."""
        pinned = requirements.pins(requirements.parsed(asked, id_))
        uploads = {}
        for project, version in pinned.items():
            when = releases.uploaded(self.index.files(project), version, python)
            if when is None:
                raise EnvironmentFailed(
                    f"{id_}: the package index has no {project} {version}.",
                    remedy=f"Look for the versions that there are: https://pypi.org/project/{project}/#history",
                )
            uploads[project] = when
        newest = max(uploads.values(), default=None)
        cutoff = newest + self.seeds.cutoff if newest else self.now
        released = [uploads[project] for project in PROJECTS if project in uploads]
        return cutoff.astimezone(UTC).replace(microsecond=0), max(released, default=None)


def _is_keras_3(entry: Entry) -> bool:
    """Whether Keras is the one that is no part of TensorFlow any more."""
    return bool(entry.keras) and int(entry.keras.split(".")[0]) >= 3


def with_uv(question: Question) -> str:
    """Resolve with uv. Raises EnvironmentFailed with what uv said."""
    found = interpreters.find(question.python, os.environ, Path.home())
    command = [
        find_uv_bin(),
        *("pip", "compile", "-", "--format", "pylock.toml", "--quiet", "--no-header", "--no-annotate"),
        *("--exclude-newer", f"{question.cutoff:%Y-%m-%dT%H:%M:%SZ}"),
        *("--python-platform", PLATFORM),
        # Where it is missing, uv takes another one, which matters only to packages that must be built to be asked.
        *(("--python", str(found.path)) if found.path else ("--python-version", question.python)),
    ]
    with tempfile.TemporaryDirectory() as folder:  # a pyproject.toml around us must not be read
        done = subprocess.run(
            command,
            input="\n".join(question.requirements),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        text = re.sub(r"\s+", " ", done.stderr).strip()[:TEXT_SHOWN]
        if done.returncode != UNSATISFIABLE:
            raise EnvironmentFailed(f"{question.id}: uv could not look for packages: {text}", remedy="matrix doctor")
        raise EnvironmentFailed(
            f"{question.id}: no set of packages satisfies {', '.join(question.requirements)}, "
            f"as of {question.cutoff:%Y-%m-%d}, on Python {question.python}: {text}",
            remedy=f"Loosen one of the versions that are named there, then: matrix env lock {question.id}",
        )
    return done.stdout


def _lines(package: Mapping[str, Any]) -> str:
    """Return one package as requirement lines: hashes of its wheels, of its source only where there is no wheel."""
    files = package.get("wheels") or [package["sdist"]]
    hashes = sorted(file["hashes"]["sha256"] for file in files)
    return (
        " \\\n".join([f"{package['name']}=={package['version']}", *(f"    --hash=sha256:{hash_}" for hash_ in hashes)])
        + "\n"
    )


def _download(package: Mapping[str, Any]) -> int:
    """Return the size of its largest usable file: one of them is fetched."""
    files = package.get("wheels") or [package["sdist"]]
    return max(int(file.get("size", 0)) for file in files)


def _sdist(package: Mapping[str, Any]) -> Sdist:
    sdist = package["sdist"]
    return Sdist(
        name=package["name"],
        version=package["version"],
        url=sdist["url"],
        sha256=sdist["hashes"]["sha256"],
    )
