"""Claims: advice as data, and the verdict that results come to."""

from __future__ import annotations

from dataclasses import replace

import pytest
import synthetic

from matrix import analysis, claims
from matrix.claims import Claim, Truth
from matrix.model import Status

RUN = synthetic.run(("2.12", "2.15", "2.18", "2.21"))


@pytest.fixture
def table() -> analysis.Table:
    """The cells of a run, with what claims may ask for."""
    return claims._asked(analysis.frame(RUN.results), RUN.environments)


def test_every_claim_can_be_asked(table: analysis.Table) -> None:
    """
    Each claim of the catalogue is a sentence with a kind, and its questions are in the columns that there are.
    """
    for claim in claims.claims():
        assert claim.says.endswith(".")
        assert claim.kind in {"all", "some", "more"}
        assert bool(claim.than) == (claim.kind == "more")
        for text in filter(None, (claim.of, claim.than)):
            table.query(text).query(claim.does)


@pytest.mark.parametrize(
    ("kind", "does", "truth"),
    [
        ("all", "status in ['P', 'R', 'D', 'F', 'T', 'C']", Truth.TRUE),
        ("all", "status == 'P'", Truth.PARTLY),
        ("all", "seconds < 0", Truth.FALSE),
        ("some", "status == 'P'", Truth.TRUE),
        ("some", "seconds < 0", Truth.FALSE),
    ],
)
def test_a_claim_about_cells_is_counted(table: analysis.Table, kind: str, does: str, truth: Truth) -> None:
    """
    All cells make it true, some of them partly, none false; where one is enough, one makes it true.
    """
    found = claims._each(Claim(says="", kind=kind, of="step >= 0", does=does), table)

    assert found.truth is truth
    assert found.cells


def test_the_cells_that_are_shown_decide(table: analysis.Table) -> None:
    """
    Against a claim that does not hold stand cells that do not what it says.
    """
    found = claims._each(Claim(says="", kind="all", of="step >= 0", does="status == 'P'"), table)
    letters = {one.cell.id: one.status for one in RUN.results}

    assert all(letters["/".join(names)] is not Status.PASS for names in found.cells)


def test_what_was_not_measured_decides_nothing(table: analysis.Table) -> None:
    """
    Without a cell there is no verdict, neither about cells nor about pairs.
    """
    nothing = Claim(says="", kind="all", of="scenario == 'nobody'", does="status == 'P'")
    compared = replace(nothing, kind="more", than="step == 0")

    assert claims._each(nothing, table).truth is Truth.UNKNOWN
    assert claims._more(compared, table).truth is Truth.UNKNOWN


def test_a_comparison_is_made_pair_by_pair(table: analysis.Table) -> None:
    """
    Nothing is better than itself; what works is more than what does not, wherever both are.
    """
    same = Claim(says="", kind="more", of="step == 0", than="step == 0", does="status == 'P'")

    assert claims._more(same, table).truth is Truth.FALSE
