"""Advice that circulates about saved models, and what the results say of it.

The claims are data (`data/claims.toml`): a sentence, which cells it is about, and what it says of them. The verdict is
computed; where it is not `true`, there are cells that show why.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from . import analysis
from .model import Variant
from .results import EnvironmentReport

FILE = Path(__file__).parent / "data" / "claims.toml"
SHOWN = 3
PAIR = ["saved_with", "loaded_with"]


class Truth(StrEnum):
    """What the results say of a claim."""

    TRUE = "true"
    PARTLY = "partly"
    FALSE = "false"
    UNKNOWN = "not measured"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of advice, as `data/claims.toml` explains its parts; `than` belongs to the kind `more`."""

    says: str
    kind: str
    of: str
    does: str
    than: str = ""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A claim with its verdict.

    Attributes:
        claim: what is claimed.
        truth: what the results say.
        because: the numbers behind that, in a sentence.
        cells: names of some that decide, against it where it is not true, else for it.
    """

    claim: Claim
    truth: Truth
    because: str
    cells: tuple[tuple[str, ...], ...] = ()


def claims() -> tuple[Claim, ...]:
    """Return all claims, in their order."""
    return tuple(Claim(**entry) for entry in tomllib.loads(FILE.read_text(encoding="utf-8"))["claim"])


def judged(table: analysis.Table, environments: Iterable[EnvironmentReport]) -> tuple[Judged, ...]:
    """Return every claim with what a run says of it.

    Args:
        table: the cells of the run, see `analysis.frame`.
        environments: of the run; they tell which Keras is which.
    """
    cells = _asked(table, environments)
    return tuple(_more(claim, cells) if claim.kind == "more" else _each(claim, cells) for claim in claims())


def _asked(table: analysis.Table, environments: Iterable[EnvironmentReport]) -> analysis.Table:
    """Return the measured cells, with the columns that claims may ask for."""
    keras = {one.environment.id: _generation(one) for one in environments}
    places = {name: table[name].cat.codes.astype("int64") for name in (*PAIR, *analysis.CASE)}
    sizes = {name: len(table[name].cat.categories) for name in places}

    def number(**other: Any) -> Any:
        """Return a number for each cell, or for the one that differs from it in some of its names."""
        found = 0
        for name, place in places.items():
            found = found * sizes[name] + other.get(name, place)
        return found

    letters = dict(zip(number(), table["status"], strict=True))
    handed = list(table["variant"].cat.categories).index(str(Variant.CUSTOM_OBJECTS))
    # half a surrogate, which a stored run may hold, cannot be encoded, and so not compared by pandas
    remedies = [str(name).encode("utf-8", "replace").decode() for name in table["remedy"].cat.categories]
    cells = table.assign(
        remedy=[remedies[code] if code >= 0 else "" for code in table["remedy"].cat.codes],
        step=places["loaded_with"] - places["saved_with"],
        saved_keras=table["saved_with"].astype(str).map(keras),
        loaded_keras=table["loaded_with"].astype(str).map(keras),
        home=number(loaded_with=places["saved_with"]).map(letters),
        handed=number(variant=handed).map(letters),
    )
    return cells[cells["status"].isin(list(analysis.MEASURED))]


def _generation(one: EnvironmentReport) -> int:
    """Return 2 or 3: which Keras an environment has. What is not known is a Keras of a TensorFlow."""
    text = one.keras or one.environment.keras
    return max(2, int(text.partition(".")[0])) if text[:1].isdecimal() else 2


def _each(claim: Claim, cells: analysis.Table) -> Judged:
    """Judge a claim about single cells."""
    of = cells.query(claim.of)
    yes = of.query(claim.does)
    no = of.drop(yes.index)
    if of.empty:
        return Judged(claim=claim, truth=Truth.UNKNOWN, because="No such cell was measured.")
    because = f"{'Seen in' if claim.kind == 'some' else 'Holds for'} {len(yes):,} of {len(of):,} measured cells."
    if claim.kind == "some":
        truth = Truth.TRUE if len(yes) else Truth.FALSE
        return Judged(claim=claim, truth=truth, because=because, cells=_examples(yes if len(yes) else no))
    truth = Truth.TRUE if no.empty else Truth.PARTLY if len(yes) else Truth.FALSE
    return Judged(claim=claim, truth=truth, because=because, cells=_examples(yes if no.empty else no))


def _more(claim: Claim, cells: analysis.Table) -> Judged:
    """Judge a comparison: in which pairs of versions has one kind a larger share, and in which the other?"""
    one, other = (cells.query(text) for text in (claim.of, claim.than))
    ours, theirs = _shares(claim, one), _shares(claim, other)
    both = ours.keys() & theirs.keys()
    if not both:
        return Judged(claim=claim, truth=Truth.UNKNOWN, because="No pair of versions has both.")
    more = {pair for pair in both if ours[pair] > theirs[pair]}
    less = {pair for pair in both if ours[pair] < theirs[pair]}
    truth = (Truth.PARTLY if less else Truth.TRUE) if more else Truth.FALSE
    because = f"In {len(more):,} of {len(both):,} pairs of versions; in {len(less):,} it is the other way round."
    failing = one.drop(one.query(claim.does).index)
    pairs = zip(failing["saved_with"], failing["loaded_with"], strict=True)
    against = failing[[pair in less for pair in pairs]] if less else failing
    return Judged(claim=claim, truth=truth, because=because, cells=_examples(against))


def _shares(claim: Claim, cells: analysis.Table) -> dict[tuple[str, str], float]:
    """Return for each pair of versions how many of its cells do what is claimed."""
    yes, every = (
        Counter(zip(side["saved_with"], side["loaded_with"], strict=True)) for side in (cells.query(claim.does), cells)
    )
    return {pair: yes[pair] / number for pair, number in every.items()}


def _examples(cells: analysis.Table) -> tuple[tuple[str, ...], ...]:
    """Return the names of some cells, from versions that are near each other before those that are far apart."""
    near = cells.assign(far=cells["step"].abs()).sort_values("far", kind="stable")
    first: dict[tuple[str, str], int] = {}  # of each pair; pandas cannot hash every text that a name may hold
    for place, pair in enumerate(zip(near["saved_with"], near["loaded_with"], strict=True)):
        if len(first) == SHOWN:
            break
        first.setdefault(pair, place)
    names: Sequence[str] = [*PAIR, *analysis.CASE]
    return tuple(tuple(row[name] for name in names) for row in analysis.rows(near.iloc[list(first.values())]))
