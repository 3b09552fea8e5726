"""What a user pasted as requirements: kept when the package index can answer it, refused line by line when not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .errors import EnvironmentFailed

_SHOWN = 10
_ELSEWHERE = "a path or a link, not a release on the package index"
_REFUSED = {
    ("-e ", "--editable"): "an editable checkout exists on one machine only",
    ("-",): "options of pip are not read",
    (".", "/", "git+", "file:", "http:", "https:"): _ELSEWHERE,
}
_HASH = re.compile(r"\s+--hash[= ]\S+")


def read(path: Path, id_: str) -> tuple[str, ...]:
    """Return the lines of a requirements.txt. Raises EnvironmentFailed when it cannot be read."""
    try:
        return tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFailed(
            f"{id_}: {path} cannot be read ({error}).", remedy=f"Write it anew: pip freeze > {path.name}"
        ) from None


def parsed(lines: Iterable[str], id_: str) -> tuple[Requirement, ...]:
    """Return what a `pip freeze`, a requirements.txt or a list of requirements asks for.

    Comments, blank lines and hashes are left out: the lock brings hashes of its own.

    Raises:
        EnvironmentFailed: names every line that cannot be answered by a package index, and why.
    """
    good: list[Requirement] = []
    bad: list[str] = []
    for number, line in _logical(lines):
        why = _objection(line)
        if why:
            bad.append(f"line {number}: `{line}` ({why})")
        else:
            good.append(Requirement(line))
    if bad:
        more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise EnvironmentFailed(
            f"{id_}: these requirements cannot be locked: {'; '.join(bad[:_SHOWN])}{more}.",
            remedy="Remove these lines, or write each as `name==version` of a release on the package index.",
        )
    if not good:
        raise EnvironmentFailed(
            f"{id_}: the requirements are empty.", remedy="Name at least TensorFlow, e.g. tensorflow==2.15.1"
        )
    return tuple(good)


def pins(requirements: Iterable[Requirement]) -> dict[str, Version]:
    """Return the projects that are pinned to exactly one version."""
    found: dict[str, Version] = {}
    for requirement in requirements:
        for specifier in requirement.specifier:
            if specifier.operator == "==" and not specifier.version.endswith(".*"):
                found[canonicalize_name(requirement.name)] = Version(specifier.version)
    return found


def _logical(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every requirement, with continued lines joined, comments and hashes gone."""
    start, text = 1, ""
    for number, line in enumerate((*lines, ""), 1):
        if not text:
            start = number
        text += re.sub(r"(^|\s)#.*$", "", line)
        if text.endswith("\\"):
            text = text[:-1]
            continue
        if text.strip():
            yield start, _HASH.sub("", text).strip()
        text = ""


def _objection(line: str) -> str:
    """Return why a line cannot be locked; empty when it can."""
    for prefixes, why in _REFUSED.items():
        if line.startswith(prefixes):
            return why
    try:
        requirement = Requirement(line)
        local = [version.local for version in pins([requirement]).values() if version.local]
    except (InvalidRequirement, InvalidVersion) as error:
        return f"not a requirement: {str(error).splitlines()[0]}"
    if requirement.url:
        return _ELSEWHERE
    return f"+{local[0]} is a local build that no package index has" if local else ""
