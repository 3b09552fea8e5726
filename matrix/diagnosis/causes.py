"""Why a load failed: a catalogue of causes, and which of them a text speaks of.

The catalogue is data (`data/causes/*.toml`), one entry a cause. A sign is what a cause leaves in a text: patterns that
must all be there, and facts that must not contradict. Where several causes fit, the one that accounts for the most of
the text is named; where none does alone, the answer is that it is not known. A wrong cause is worse than none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

FOLDER = Path(__file__).parents[1] / "data" / "causes"
READ = 1 << 16  # characters at either end of a text: what failed is told at the end, what was tried at the beginning
NEAREST = 3
_WORDS = ("slug", "title", "happened", "side", "since", "until", "advice")
_RAISED = re.compile(r"^\s*(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*(?:Error|Exception|Interrupt))\b", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known beside a text; None for what is not.

    Attributes:
        writer, reader: versions of Keras that saved and loaded; that of TensorFlow where Keras was part of it.
        format: of the file, as `Format` spells it.
    """

    writer: Version | None = None
    reader: Version | None = None
    format: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)  # compared and hashed as the entry that it is
class Sign:
    """What a cause leaves in a text.

    Attributes:
        text: patterns that must all be found.
        exception: one of these was raised, where the text names any; empty for whatever.
        writer, reader: which versions of Keras it needs.
        formats: which formats it needs; empty for any.
        proof: where it was seen: source code at a tag, or reports of users.
    """

    text: tuple[str, ...]
    exception: frozenset[str] = frozenset()
    writer: SpecifierSet | None = None
    reader: SpecifierSet | None = None
    formats: frozenset[str] = frozenset()
    proof: tuple[str, ...] = ()

    def weight(self, text: str, raised: frozenset[str]) -> int:
        """Return how many characters of a text it accounts for; 0 when it is not in there."""
        if raised and self.exception and not raised & self.exception:
            return 0
        total = 0
        for pattern in self.text:
            found = _compiled(pattern).search(text)
            if not found:
                return 0
            total += len(found[0])
        return total

    def allowed(self, facts: Facts) -> bool:
        """Whether nothing that is known contradicts."""
        return (
            _within(facts.writer, self.writer)
            and _within(facts.reader, self.reader)
            and not (facts.format and self.formats and facts.format not in self.formats)
        )

    def settled(self, facts: Facts) -> bool:
        """Whether everything is known that it needs."""
        needs = ((self.writer, facts.writer), (self.reader, facts.reader), (self.formats, facts.format))
        return all(known is not None for needed, known in needs if needed)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cause:
    """One reason why models do not open, or predict something else.

    Attributes:
        slug: its name for programs.
        title: its name for people.
        happened: what is in the file, what changed, and why that ends so.
        side: what is to blame, or must change: reader, writer, model, file or environment.
        since, until: first and last version that shows it; empty where that is not known.
        remedies: rungs of the ladder to try first.
        advice: what to do, for people.
        links: where to read more.
        signs: how it is recognised; one of them is enough.
    """

    slug: str
    title: str
    happened: str
    side: str
    since: str = ""
    until: str = ""
    remedies: tuple[str, ...] = ()
    advice: str = ""
    links: tuple[str, ...] = ()
    signs: tuple[Sign, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a text speaks of.

    Attributes:
        cause: None when it is not known.
        confidence: `high` when all that the sign needs is known, `medium` when the text alone is, else `none`.
        nearest: other causes that fit, the likeliest first.
    """

    cause: Cause | None
    confidence: str
    nearest: tuple[Cause, ...] = ()

    @property
    def slug(self) -> str:
        """The cause for programs; `unknown` when there is none."""
        return self.cause.slug if self.cause else "unknown"


@cache
def catalogue() -> tuple[Cause, ...]:
    """Return every cause, by its slug."""
    entries = [entry for path in FOLDER.glob("*.toml") for entry in tomllib.loads(path.read_text("utf-8"))["cause"]]
    return tuple(sorted(map(_cause, entries), key=lambda cause: cause.slug))


def titled(slug: str) -> Cause | None:
    """Return a cause by its name; None when the catalogue has none, as for a run of another edition."""
    return next((cause for cause in catalogue() if cause.slug == slug), None)


def recognised(text: str, facts: Facts = Facts(), causes: Sequence[Cause] | None = None) -> Diagnosis:
    """Return the cause of a failure.

    Args:
        text: a message, a traceback, or what a user pasted of either; only its two ends are read when it is long.
        facts: what else is known.
        causes: those to choose from; all of the catalogue when left out.
    """
    best: dict[Cause, tuple[int, bool]] = {}
    for weight, cause, sign in _fitting(text, tuple(catalogue() if causes is None else causes)):
        if sign.allowed(facts):
            best[cause] = max(best.get(cause, (0, False)), (weight, sign.settled(facts)))
    ranked = sorted(best, key=lambda cause: best[cause], reverse=True)
    if not ranked or (len(ranked) > 1 and best[ranked[0]][0] == best[ranked[1]][0]):
        return Diagnosis(cause=None, confidence="none", nearest=tuple(ranked[:NEAREST]))
    confidence = "high" if best[ranked[0]][1] else "medium"
    return Diagnosis(cause=ranked[0], confidence=confidence, nearest=tuple(ranked[1 : NEAREST + 1]))


@lru_cache(maxsize=4096)
def _fitting(text: str, causes: tuple[Cause, ...]) -> tuple[tuple[int, Cause, Sign], ...]:
    """Return every sign in a text, with its weight and its cause. Thousands of cells end in a few hundred ways."""
    if len(text) > 2 * READ:
        text = text[:READ] + "\n" + text[-READ:]
    raised = frozenset(_RAISED.findall(text))
    weighed = ((sign.weight(text, raised), cause, sign) for cause in causes for sign in cause.signs)
    return tuple(one for one in weighed if one[0])


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _within(version: Version | None, wanted: SpecifierSet | None) -> bool:
    return version is None or wanted is None or wanted.contains(version, prereleases=True)


def _cause(entry: Mapping[str, Any]) -> Cause:
    return Cause(
        **{name: str(entry.get(name, "")).strip() for name in _WORDS},
        remedies=tuple(entry.get("remedies", ())),
        links=tuple(entry["links"]),
        signs=tuple(_signs(entry["signs"])),
    )


def _signs(entries: Iterable[Mapping[str, Any]]) -> Iterable[Sign]:
    for entry in entries:
        yield Sign(
            text=tuple(entry["text"]),
            exception=frozenset(filter(None, entry.get("exception", "").split("|"))),
            writer=SpecifierSet(entry["writer"]) if "writer" in entry else None,
            reader=SpecifierSet(entry["reader"]) if "reader" in entry else None,
            formats=frozenset(entry.get("formats", ())),
            proof=tuple(entry["proof"]),
        )
