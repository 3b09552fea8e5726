"""Whether a built environment holds what its lock says. Also imported by the noxfile: packaging, and Python 3.10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from .entries import Entry

UNCOMPILED = 0.1  # a few files of some packages are in the syntax of another Python


def objections(entry: Entry, facts: Mapping[str, Any]) -> list[str]:
    """Return where the inventory of an environment differs from its lock."""
    pins = (line.partition(" ")[0].partition("==") for line in entry.lock.splitlines() if "==" in line)
    wanted = {canonicalize_name(name): Version(version) for name, _, version in pins}
    found = {canonicalize_name(name): Version(version) for name, version in facts["distributions"]}
    wrong = [f"{name} {version} is missing" for name, version in wanted.items() if name not in found]
    wrong += [
        f"{name} is {version}, not {wanted.get(name, 'in the lock')}"
        for name, version in found.items()
        if wanted.get(name) != version
    ]
    wrong += [f"{path}: {why}" for path, why in facts["damaged"]]
    if not facts["python"].startswith(f"{entry.python}."):
        wrong.append(f"its Python is {facts['python']}, not {entry.python}")
    if facts["uncompiled"] > UNCOMPILED * facts["sources"]:
        wrong.append(f"{facts['uncompiled']} of {facts['sources']} files have no bytecode")
    return wrong
