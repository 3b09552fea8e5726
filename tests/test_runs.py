"""Runs as they are kept and judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from values import run

from matrix.engine import INTERRUPTED
from matrix.errors import UsageError
from matrix.exits import judged
from matrix.results import Expectation
from matrix.runs import Measured, folder, written


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        pytest.param("PPP", "PPP", 0, id="the-same"),
        pytest.param("FFF", "PRF", 0, id="better"),
        pytest.param("PP", "PF", 1, id="fails-now"),
        pytest.param("P", "D", 1, id="drifts-now"),
        pytest.param("R", "C", 1, id="crashes-now"),
        pytest.param("P", "T", 1, id="times-out-now"),
        pytest.param("P", "S", 1, id="cannot-be-saved-now"),
        pytest.param("P", "R", 0, id="needs-a-change-now"),
        pytest.param("P", "U", 0, id="a-format-that-went-away"),
        pytest.param("P", "E", 0, id="not-measured-now"),
        pytest.param("P", ".", 0, id="cut-off-now"),
        pytest.param("FTCDSE.", "CFTFFFF", 0, id="never-worked"),
        pytest.param("P", "PF", 0, id="a-new-scenario"),
    ],
)
def test_regression_is_what_worked_and_does_not(before: str, after: str, code: int) -> None:
    """
    Only a cell that worked in the baseline and was measured as broken now fails the run.
    """
    assert judged(Measured(run=run(after)), run(before), "regression")[0] == code


def test_a_regression_names_a_cell_and_the_baseline() -> None:
    """
    The sentence says how many, since when, and where to begin.
    """
    code, sentence = judged(Measured(run=run("PFD")), replace(run("PPP"), id="yesterday"), "regression")

    assert code == 1
    assert sentence == "2 cells are worse than in yesterday, e.g. old/new/b/bare/h5."


@pytest.mark.parametrize(
    ("letters", "code"),
    [
        pytest.param("PRUE.", 0, id="nothing-broke"),
        pytest.param("PD", 1, id="drift"),
        pytest.param("PF", 1, id="fail"),
        pytest.param("T", 1, id="timeout"),
        pytest.param("C", 1, id="crash"),
        pytest.param("S", 1, id="not-saved"),
    ],
)
def test_failure_is_about_the_pair_of_the_verdict(letters: str, code: int) -> None:
    """
    Without a baseline, what breaks between the two environments fails the run.
    """
    assert judged(Measured(run=run(letters)), None, "failure")[0] == code
    assert judged(Measured(run=run(letters, focus=("new", "old"))), None, "failure")[0] == 0


@pytest.mark.parametrize("fail_on", ["regression", "never"])
def test_nothing_fails_a_run_without_a_measure(fail_on: str) -> None:
    """
    Without a baseline, or with `never`, a finished run exits with 0, and says so.
    """
    code, sentence = judged(Measured(run=run("FDC")), None, fail_on)

    assert code == 0
    assert "can fail" in sentence
    assert judged(Measured(run=run("F")), run("P"), "never")[0] == 0


def test_a_missing_environment_makes_a_run_incomplete() -> None:
    """
    4 names it, unless something worse was measured.
    """
    code, sentence = judged(Measured(run=run("PP", broken="new")), None, "regression")

    assert code == 4
    assert "  new: " in sentence
    assert judged(Measured(run=run("F", broken="new")), run("P"), "regression")[0] == 1


def test_an_interrupted_run_is_130_whatever_it_measured() -> None:
    """
    The same command goes on.
    """
    stopped = Measured(run=run("F", complete=False, broken="new"), stopped=INTERRUPTED)

    assert judged(stopped, run("P"), "regression")[0] == 130


def test_a_written_run_is_found(tmp_path: Path) -> None:
    """
    By its name, as the latest, and by its path.
    """
    page = written(run("PFS"), tmp_path).page

    assert page.name == "index.html"
    assert {folder(tmp_path, name) for name in ("latest", "2026-11-23T20-15-07", str(page.parent))} == {page.parent}


def test_latest_is_the_newest(tmp_path: Path) -> None:
    """
    The link moves with each run, is relative, and leaves no draft behind.
    """
    written(run("P"), tmp_path)
    second = written(replace(run("F"), id="2026-11-24T08-00-00"), tmp_path).page

    moved = tmp_path.rename(tmp_path.parent / "moved")

    assert folder(moved, "latest") == moved / second.parent.relative_to(tmp_path)
    assert sorted(path.name for path in moved.iterdir()) == ["latest", "runs"]


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """
    Before the first run it says what makes one; later it has the nearest name.
    """
    with pytest.raises(UsageError, match=r"There is no run below .* yet"):
        folder(tmp_path, "latest")

    written(run("P"), tmp_path)
    with pytest.raises(UsageError, match="Did you mean '2026-11-23T20-15-07'"):
        folder(tmp_path, "2026-11-23")


def test_a_folder_without_a_run_is_none(tmp_path: Path) -> None:
    """
    What was cut off before `run.json` is no baseline.
    """
    (tmp_path / "runs" / "half").mkdir(parents=True)

    with pytest.raises(UsageError):
        folder(tmp_path, "half")


KNOWN = Expectation(
    cells="*/a/*", letters="T", reason="It hangs", link="https://example.com", signature="", expires="2027-01-01"
)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        pytest.param("PP", "TP", 0, id="worse-as-known"),
        pytest.param("PP", "TF", 1, id="another-cell-is-worse"),
        pytest.param("PP", "FP", 1, id="worse-in-another-way"),
        pytest.param("TP", "FP", 1, id="no-worse-than-the-baseline-but-than-what-is-known"),
        pytest.param("TP", "PP", 1, id="works-now"),
        pytest.param("TP", "EP", 0, id="not-measured-now"),
        pytest.param(None, "TF", 0, id="no-baseline"),
        pytest.param(None, "FF", 1, id="no-baseline-and-not-as-known"),
    ],
)
def test_what_is_known_is_no_regression(before: str | None, after: str, code: int) -> None:
    """
    A failure as it is known is excused; one for another reason, and one that is repaired, are not as expected.
    """
    made = Measured(run=replace(run(after), known=(KNOWN,)))

    assert judged(made, run(before) if before else None, "regression")[0] == code
    assert judged(made, run(before) if before else None, "never")[0] == 0


def test_a_known_failure_of_the_pair_is_no_failure() -> None:
    """
    `--fail-on failure` is about what is not known, and says how much is.
    """
    assert judged(Measured(run=replace(run("T"), known=(KNOWN,))), None, "failure") == (
        0,
        "Nothing of the pair breaks but what is known.",
    )
    code, sentence = judged(Measured(run=replace(run("TF"), known=(KNOWN,))), None, "failure")
    assert (code, sentence) == (1, "1 cell of the verdict's pair does not work (known: 1 more).")


def test_an_entry_that_has_expired_fails_the_run() -> None:
    """
    From the day after its last one, what it excused counts.
    """
    over = replace(KNOWN, expires="2026-11-22")

    code, sentence = judged(Measured(run=replace(run("T"), known=(over,))), None, "regression")

    assert code == 1
    assert "has expired" in sentence
