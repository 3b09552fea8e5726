"""Comma lists with globs: which of the known names the user means."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from .errors import UsageError, unknown


def selected(kind: str, wanted: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the known names that a comma list of names and globs picks, in the order of `known`.

    Raises:
        UsageError: a name or a glob picks nothing; with the nearest known name.
    """
    picked: set[str] = set()
    for pattern in filter(None, (part.strip() for part in wanted.split(","))):
        found = fnmatch.filter(known, pattern)
        if not found:
            raise UsageError(unknown(kind, pattern, known))
        picked.update(found)
    if not picked:
        raise UsageError(f"No {kind} is named by {wanted!r}. Known: {', '.join(known)}.")
    return tuple(name for name in known if name in picked)
