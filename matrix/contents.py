"""Whether a built environment is still what was installed: a look at its files that takes a fraction of a second.

A damaged environment must not answer for its TensorFlow. The RECORDs of its packages
(https://packaging.python.org/en/latest/specifications/recording-installed-packages/) name every file with its size and
its hash. Sizes are compared always; a hash only where a file was written after the mark, which comes last in a build.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from .folders import MARK, Mark


def damage(path: Path, mark: Mark) -> str:
    """Return the first file that is not what was installed, and why; empty when there is none.

    Args:
        path: of an environment; the caller keeps it from being rebuilt meanwhile.
        mark: its ready mark.
    """
    site = next(path.glob("lib/python*/site-packages"), None)
    if site is None:
        return "site-packages: missing"
    records = sorted(site.glob("*.dist-info/RECORD"))
    built = (path / MARK).stat().st_mtime_ns
    return _other_packages(records, mark) or next(_damaged(site, records, built, _cache_tag(mark.python)), "")


def _other_packages(records: list[Path], mark: Mark) -> str:
    found = {canonicalize_name(record.parent.name.split("-")[0]) for record in records}
    built = {canonicalize_name(name) for name in mark.packages}
    if found == built:
        return ""
    name = min(found ^ built)
    return f"{name}: {'installed since' if name in found else 'removed since'}"


def _damaged(site: Path, records: list[Path], built: int, tag: str) -> Iterator[str]:
    """Yield every file that is not what its RECORD says, and why."""
    for record in records:
        if record.stat().st_mtime_ns > built:
            yield f"{record.relative_to(site)}: installed again"
        try:
            with record.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.reader(file) if len(row) == 3]
        except (OSError, ValueError, csv.Error) as error:
            yield f"{record.relative_to(site)}: {error}"
            continue
        for name, expected, size in rows:
            if name.endswith(".pyc"):
                continue  # of the wheel; what counts was compiled here
            why = _objection(f"{site}/{name}", expected, size, built)
            if why:
                yield f"{name}: {why}"
            elif name.endswith(".py") and _newer(_bytecode(f"{site}/{name}", tag), built):
                yield f"{name}: its bytecode was written later"


def _objection(path: str, expected: str, size: str, built: int) -> str:
    try:
        facts = os.stat(path)  # noqa: PTH116 - thousands of them
        if size and str(facts.st_size) != size:
            return "another size"
        if facts.st_mtime_ns > built and expected.startswith("sha256=") and expected != _sha256(path):
            return "other contents"
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else str(error.strerror)
    return ""


def _newer(path: str, built: int) -> bool:
    try:
        return os.stat(path).st_mtime_ns > built  # noqa: PTH116 - thousands of them
    except OSError:  # what is seldom imported has none
        return False


def _bytecode(path: str, tag: str) -> str:
    """Return where the Python of the environment keeps the bytecode of a file (https://peps.python.org/pep-3147/)."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _cache_tag(python: str) -> str:
    return f"cpython-{''.join(python.split('.')[:2])}"


def _sha256(path: str) -> str:
    """Return the digest of a file, as RECORD spells it."""
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
