"""Two runs, cell by cell."""

from __future__ import annotations

from dataclasses import replace

import hostile
import pytest
import synthetic
from values import run

from matrix.diff import FACTS, Change, Kind, compared, counts, regressed, summed
from matrix.model import Status
from matrix.report import difference
from matrix.results import Run

RECORDED = tuple((name, "as ever") for name in FACTS)


def told(letters: str, *, machine: tuple[tuple[str, str], ...] = ()) -> Run:
    """A run with these letters that tells so much of what decided them."""
    return replace(run(letters), machine=machine)


def kinds(before: Run, now: Run) -> list[str]:
    """What became of the cells."""
    return [str(change.kind) for change in compared(before, now).values()]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        *((good, bad, Kind.REGRESSED) for good in "PR" for bad in "DFTCS"),
        *((bad, good, Kind.REPAIRED) for good in "PR" for bad in "DFTCS"),
        *((nothing, now, Kind.NEW) for nothing in "UE." for now in "PRDFTCS"),
        *((before, nothing, Kind.GONE) for nothing in "UE." for before in "PRDFTCS"),
        *((letter, letter, Kind.SAME) for letter in "PRDFTCUSE."),
        *((before, now, Kind.SAME) for before in "UE." for now in "UE."),
        *((before, now, Kind.CHANGED) for before in "DFTCS" for now in "DFTCS" if before != now),
        ("P", "R", Kind.CHANGED),
        ("R", "P", Kind.CHANGED),
    ],
)
def test_each_pair_of_letters_is_one_kind(before: str, now: str, kind: Kind) -> None:
    """
    Worse, better, neither, or nothing to compare: what could not be measured is never a regression.
    """
    assert kinds(run(before), run(now)) == [kind]


def test_a_cell_of_one_run_only_is_new_or_gone() -> None:
    """
    What the other run did not plan has no letter there.
    """
    more, less = run("PF"), run("P")
    second = more.results[1].cell

    assert compared(less, more)[second].kind is Kind.NEW
    assert compared(less, more)[second].before is None
    assert compared(more, less)[second].kind is Kind.GONE
    assert compared(more, less)[second].now is None


@pytest.mark.parametrize(("before", "now"), [("P", "F"), ("F", "P"), ("D", "T"), ("P", "U"), ("U", "F")])
def test_another_letter_from_the_same_recipe_is_flaky(before: str, now: str) -> None:
    """
    When nothing that decides a cell is another one, no change is to blame.
    """
    assert kinds(told(before, machine=RECORDED), told(now, machine=RECORDED)) == ["flaky"]


@pytest.mark.parametrize("nothing", "E.")
def test_what_could_not_be_measured_is_not_flaky(nothing: str) -> None:
    """
    A missing environment or a stop is no second opinion.
    """
    assert kinds(told("P", machine=RECORDED), told(nothing, machine=RECORDED)) == ["gone"]


@pytest.mark.parametrize("name", FACTS)
def test_a_recipe_that_is_not_recorded_may_be_another_one(name: str) -> None:
    """
    A run of an earlier edition does not tell all, so its cells regress, and what may be the cause is named.
    """
    less = tuple(fact for fact in RECORDED if fact[0] != name)
    other = (*less, (name, "another"))

    for before, now in ((less, RECORDED), (RECORDED, less), (less, less), (RECORDED, other)):
        (change,) = compared(told("P", machine=before), told("F", machine=now)).values()

        assert change == Change(kind=Kind.REGRESSED, before=Status.PASS, now=Status.FAIL, since=(name,))


def test_what_changed_is_named() -> None:
    """
    The writer, the reader or the scenario: each by comparison of what it was made from.
    """
    before = told("PP", machine=RECORDED)
    writer, reader = before.environments
    relocked = replace(reader, environment=replace(reader.environment, lock="tensorflow==9"))
    first, second = before.scenarios
    now = replace(
        told("FF", machine=RECORDED),
        environments=(writer, relocked),
        scenarios=(first, replace(second, digest="edited")),
    )

    assert [change.since for change in compared(before, now).values()] == [("reader",), ("reader", "scenario")]


def test_regressed_names_the_cells_in_their_order() -> None:
    """
    What a baseline fails is what got worse, and nothing else.
    """
    before, now = run("PPFR"), run("FPPD")

    assert [cell.scenario for cell in regressed(before, now)] == ["a", "d"]


def test_counts_have_every_kind_and_add_up() -> None:
    """
    No cell is counted twice or left out.
    """
    before, now = synthetic.run(("2.9", "2.15")), synthetic.run(("2.15", "2.21"))
    changes = compared(before, now)
    numbers = counts(changes.values())

    assert list(numbers) == list(Kind)
    assert sum(numbers.values()) == len(changes) == len({one.cell for one in (*before.results, *now.results)})
    assert summed(dict.fromkeys(Kind, 0) | {Kind.NEW: 2, Kind.SAME: 1_000}) == "2 new, 1,000 the same"


def test_the_text_names_each_kind_and_cuts_long_lists() -> None:
    """
    Regressions come first; of many cells some are named and the rest counted.
    """
    before, now = run("PPPF"), run("FFFP")

    said = difference.text(before, now, compared(before, now), shown=2).splitlines()

    assert said[0] == "2026-11-23T20-15-07 -> 2026-11-23T20-15-07: 3 regressed, 1 repaired, 0 the same"
    assert said[2] == "REGRESSED: worked, and does not any more (3)"
    assert said[3].startswith("  P -> F  old/new/a/bare/h5  may be due to: code")
    assert said[5] == "  and 1 more: --json has them all"
    assert said[7] == "REPAIRED: did not work, and does (1)"


def test_foreign_text_does_not_reach_the_terminal_as_it_is() -> None:
    """
    Ids and messages of a stored run are data: no escape, no second line.
    """
    for text in hostile.PAYLOADS:
        before, now = (hostile.spoiled(run(letter), hostile.always(text)) for letter in "PF")

        said = difference.text(before, now, compared(before, now))

        assert "\x1b" not in said
        assert "\u202e" not in said
        assert len(said.splitlines()) <= 5
