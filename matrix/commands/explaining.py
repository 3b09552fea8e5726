"""`explain`: what a traceback speaks of, and what helps."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version

from .. import catalog
from ..diagnosis.causes import Cause, Diagnosis, Facts, recognised
from ..diagnosis.naming import keras
from ..errors import UsageError
from ..model import legacy_sibling
from ..project import Project
from .answer import Answer

LONGEST = 16 << 20
_VERSION = re.compile(r"(?:(keras)|tf|tensorflow)?[-= ]*v?(\d{1,2}(?:\.\d{1,3}){1,2})(\+legacy)?", re.IGNORECASE)


def explain(options: argparse.Namespace, project: Project) -> Answer:
    """Name the cause of a failure from its text, with what helps and where to read more."""
    text = _text(options.file)
    if not text.strip():
        raise UsageError("There is no text to explain. Give a file, or a traceback on standard input.")
    facts = Facts(
        writer=_keras(options.start, project), reader=_keras(options.end, project), format=options.format or None
    )
    found = recognised(text, facts)
    if options.json:
        return Answer(json.dumps(_facts(found), indent=1))
    return Answer("\n".join(_known(found.cause, found) if found.cause else _unknown(found)))


def _text(name: str) -> str:
    """Return what is to be explained: of a file, or of standard input."""
    if name == "-":
        if sys.stdin.isatty():
            sys.stderr.write("Paste the traceback, then press Ctrl-D.\n")
        return sys.stdin.buffer.read(LONGEST).decode("utf-8", "replace")
    try:
        with Path(name).open("rb") as file:
            return file.read(LONGEST).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}. For standard input: matrix explain -") from None


def _keras(name: str | None, project: Project) -> Version | None:
    """Return the Keras that an environment or a release stands for, e.g. 3.8 for `tf-2.18`; see `naming.keras`."""
    if name is None:
        return None
    known = {item.id: item for item in catalog.environments(project.config.project)}
    match = _VERSION.fullmatch(name.strip())
    if match and match[1]:
        return Version(match[2])
    found = known.get(name) or (known.get(_catalogued(match)) if match else None)
    if found is not None:
        return keras(match[2] if match else found.tensorflow, found.keras)
    if match:
        return Version(match[2])
    raise UsageError(f"{name!r} is no version. Say e.g. tf-2.12, 2.12.1 or keras-3.4.")


def _catalogued(version: re.Match[str]) -> str:
    """Return the environment of the catalogue that has a minor of TensorFlow."""
    minor = "tf-" + ".".join(version[2].split(".")[:2])
    return legacy_sibling(minor) if version[3] else minor


def _facts(found: Diagnosis) -> dict[str, object]:
    """Return a diagnosis as an object for programs."""
    cause = found.cause
    nearest = [{"cause": one.slug, "title": one.title} for one in found.nearest]
    facts = {"cause": found.slug, "confidence": found.confidence, "title": cause.title if cause else "", "remedies": []}
    if cause is None:
        return {**facts, "nearest": nearest}
    return {
        **facts,
        "happened": cause.happened,
        "side": cause.side,
        "since": cause.since,
        "until": cause.until,
        "remedies": list(cause.remedies) or [cause.advice],
        "advice": cause.advice,
        "links": list(cause.links),
        "nearest": nearest,
    }


def _known(cause: Cause, found: Diagnosis) -> Iterator[str]:
    yield cause.title
    yield f"  {cause.slug}, confidence {found.confidence}" + (f", since {cause.since}" if cause.since else "")
    yield ""
    yield cause.happened
    if cause.advice:
        yield from ("", "What helps:", f"  {cause.advice}")
    if cause.remedies:
        yield f"  Worth trying: {', '.join(cause.remedies)}."
    if cause.links:
        yield from ("", "Read more:", *(f"  {link}" for link in cause.links))
    if found.nearest:
        yield from ("", "Less likely:", *_listed(found))


def _unknown(found: Diagnosis) -> Iterator[str]:
    yield "The cause is not known."
    if found.nearest:
        yield from ("", "It may be one of these; --from, --to and --format may tell them apart:", *_listed(found))
    else:
        yield "Give the whole traceback, if this was only a part of it."
    yield from ("", "To see since which version it happens: matrix run --from tf-A --to tf-B")


def _listed(found: Diagnosis) -> Iterator[str]:
    return (f"  {cause.slug}: {cause.title}" for cause in found.nearest)
