"""What counts as a change from one run to the next."""

from __future__ import annotations

from itertools import product

import pytest
import values

from matrix.changes import Change, between, kind
from matrix.diff import Kind
from matrix.exits import judged
from matrix.model import Status
from matrix.runs import Measured


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)), ids=str)
def test_a_regression_is_what_fails_a_run(before: Status, after: Status) -> None:
    """
    The site calls a cell regressed exactly where `--baseline` exits with 1.
    """
    code, _ = judged(Measured(run=values.run(str(after))), values.run(str(before)), "regression")

    assert (kind(before, after) is Kind.REGRESSED) == (code == 1)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("P", "P", None, id="the-same"),
        pytest.param("P", "F", Kind.REGRESSED, id="breaks"),
        pytest.param("R", "S", Kind.REGRESSED, id="cannot-be-saved"),
        pytest.param("F", "R", Kind.REPAIRED, id="works-after-a-change"),
        pytest.param("S", "P", Kind.REPAIRED, id="can-be-saved"),
        pytest.param("P", "R", Kind.CHANGED, id="needs-a-change"),
        pytest.param("F", "C", Kind.CHANGED, id="breaks-otherwise"),
        pytest.param("U", "P", Kind.NEW, id="a-format-that-came"),
        pytest.param("P", "U", Kind.GONE, id="a-format-that-went"),
        pytest.param("P", "E", None, id="not-known-now"),
        pytest.param(".", "F", None, id="not-known-then"),
        pytest.param("", "F", Kind.NEW, id="new"),
        pytest.param("", ".", None, id="new-and-not-measured"),
        pytest.param("D", "", Kind.GONE, id="gone"),
        pytest.param("E", "", None, id="gone-and-never-known"),
    ],
)
def test_each_change_has_one_name(before: str, after: str, expected: Kind | None) -> None:
    """
    What worked and breaks, what broke and works, what is new or gone; what is not known is no change.
    """
    old, new = (Status(letter) if letter else None for letter in (before, after))

    assert kind(old, new) is expected


def test_changes_come_in_the_order_of_the_later_run() -> None:
    """
    Equal cells are left out, and what is gone comes last.
    """
    before = {"gone": Status.PASS, "a": Status.PASS, "b": Status.FAIL}
    after = {"b": Status.PASS, "new": Status.FAIL, "a": Status.PASS}

    assert between(before, after) == (
        Change(cell="b", kind=Kind.REPAIRED, before=Status.FAIL, after=Status.PASS),
        Change(cell="new", kind=Kind.NEW, before=None, after=Status.FAIL),
        Change(cell="gone", kind=Kind.GONE, before=Status.PASS, after=None),
    )
