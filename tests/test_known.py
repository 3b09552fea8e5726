"""`known.toml`: what is known to fail, and what a run says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from values import run

from matrix.errors import UsageError
from matrix.known import DAYS, Finding, expired, judged, read, sentences, surprises
from matrix.model import Stage, Status
from matrix.results import Attempt, Expectation, Result, Run

TODAY = date(2026, 11, 23)
ENTRY = {
    "cells": '"old/new/a/*"',
    "letters": '"F"',
    "signature": '"Unknown layer: <name>"',
    "reason": '"Its layer is gone"',
    "link": '"https://example.com/1"',
    "expires": "2027-01-01",
}
EXPECTED = Expectation(
    cells="old/new/a/*",
    letters="F",
    reason="Its layer is gone",
    link="https://example.com/1",
    signature="Unknown layer: <name>",
    expires="2027-01-01",
)


def written(folder: Path, **other: str | None) -> Path:
    """A file with an empty line, and then one entry that differs in this."""
    path = folder / "known.toml"
    lines = [f"{name} = {value}" for name, value in {**ENTRY, **other}.items() if value is not None]
    path.write_text("\n[[expect]]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def failing(letters: str, *known: Expectation, signature: str = "ValueError: Unknown layer: <name>.") -> Run:
    """A run whose cells got these letters, those that fail with this signature."""
    whole = run(letters)

    def failed(one: Result) -> Result:
        if one.status not in {Status.FAIL, Status.NOT_SAVED}:
            return one
        own = Attempt(
            rung="as it is", status=Status.FAIL, stage=Stage.CONFIG, exception="ValueError", signature=signature
        )
        return replace(one, attempts=(own,))

    return replace(whole, results=tuple(map(failed, whole.results)), known=known)


def findings(whole: Run) -> dict[str, str]:
    """What is said of each cell, by its scenario."""
    return {cell.scenario: str(one.finding) for cell, one in judged(whole).items()}


def test_an_entry_is_read(tmp_path: Path) -> None:
    """
    Each option lands where it belongs; a file without entries has none.
    """
    assert read(written(tmp_path), TODAY) == (EXPECTED,)
    (tmp_path / "known.toml").write_text("# nothing yet\n", encoding="utf-8")
    assert read(tmp_path / "known.toml", TODAY) == ()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        pytest.param({"cells": None}, "line 2: this entry has no `cells`", id="no-cells"),
        pytest.param({"reason": None}, "no `reason`", id="no-reason"),
        pytest.param({"reason": '" "'}, "reason is empty", id="empty-reason"),
        pytest.param({"link": None}, "no `link`", id="no-link"),
        pytest.param({"link": '"javascript:alert(1)"'}, "begin with https://", id="no-address"),
        pytest.param({"expires": None}, "no `expires`", id="no-end"),
        pytest.param({"expires": '"2027-01-01"'}, "must be a day such as", id="end-as-text"),
        pytest.param({"expires": "2027-01-01T10:00:00"}, "must be a day such as", id="end-with-time"),
        pytest.param({"expires": "2028-01-01"}, "more than 180 days from today", id="too-long"),
        pytest.param({"letters": '"P"'}, "must be some of R, D, F, T, C, S", id="works"),
        pytest.param({"letters": '""'}, "must be some of", id="no-letter"),
        pytest.param({"letters": "1"}, "must be a string", id="not-text"),
        pytest.param({"signature": None}, "needs a `signature`", id="no-signature"),
        pytest.param({"cells": '"old/new"'}, "WRITER/READER", id="no-cell"),
        pytest.param({"colour": '"red"'}, "no option 'colour'", id="unknown-option"),
        pytest.param({"sIgnature": '"x"'}, "Did you mean 'signature'", id="typo"),
        pytest.param({"cells": "x"}, "not valid TOML.*line 3", id="no-toml"),
    ],
)
def test_what_is_not_understood_is_a_sentence_with_its_line(
    other: dict[str, str | None], message: str, tmp_path: Path
) -> None:
    """
    Whoever wrote the entry is told where it is wrong and what belongs there.
    """
    with pytest.raises(UsageError, match=message) as caught:
        read(written(tmp_path, **other), TODAY)

    assert "line" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("text", ["expect = 1", "expect = [1]", "[expect]", "[[except]]", "\x00", '"' * 3])
def test_a_file_of_another_shape_is_a_sentence(text: str, tmp_path: Path) -> None:
    """
    So is a file that is not there.
    """
    path = tmp_path / "known.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=r"known\.toml"):
        read(path, TODAY)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "other.toml", TODAY)


def test_an_entry_holds_for_half_a_year_at_most(tmp_path: Path) -> None:
    """
    The last day is accepted and the one after it is not.
    """
    last = TODAY + timedelta(DAYS)

    assert read(written(tmp_path, expires=str(last)), TODAY)[0].expires == str(last)
    with pytest.raises(UsageError, match=f"the last day is {last}"):
        read(written(tmp_path, expires=str(last + timedelta(1))), TODAY)


@pytest.mark.parametrize(
    ("letter", "finding"),
    [
        ("F", Finding.EXPECTED),
        ("P", Finding.PASSES),
        ("R", Finding.PASSES),
        *((letter, Finding.OTHER) for letter in "DTCS"),
    ],
)
def test_each_letter_is_as_expected_or_a_surprise(letter: str, finding: Finding) -> None:
    """
    A cell that works is as much of a surprise as one that fails in another way.
    """
    assert findings(failing(letter, EXPECTED)) == {"a": finding}


@pytest.mark.parametrize("letter", "UE.")
def test_nothing_is_said_of_what_was_not_measured(letter: str) -> None:
    """
    An environment that could not be had neither keeps nor breaks an expectation.
    """
    assert findings(failing(letter, EXPECTED)) == {}


def test_another_signature_is_another_reason() -> None:
    """
    The same letter for another cause is told apart.
    """
    assert findings(failing("F", EXPECTED, signature="OSError: no such file")) == {"a": "another reason"}
    assert findings(failing("F", EXPECTED, signature="")) == {"a": "another reason"}


def test_a_failure_without_an_exception_needs_no_signature() -> None:
    """
    A drift or a crash raises nothing, so its letter is all that can be expected.
    """
    entry = replace(EXPECTED, letters="DTC", signature="")

    assert findings(failing("DTC", replace(entry, cells="*"))) == dict.fromkeys("abc", "expected")


def test_a_glob_names_cells_and_no_others() -> None:
    """
    What no entry names is not this file's business.
    """
    assert findings(failing("FFF", replace(EXPECTED, cells="*/[ab]/bare/h5"))) == {"a": "expected", "b": "expected"}


def test_one_entry_that_fits_is_enough() -> None:
    """
    Entries may overlap; the first that says how it ended is the one.
    """
    other = replace(EXPECTED, cells="*", letters="T")

    assert findings(failing("FT", other, EXPECTED)) == {"a": "expected", "b": "expected"}


def test_an_expired_entry_excuses_nothing() -> None:
    """
    The last day counts, the next does not; what works by then is no surprise.
    """
    last = replace(EXPECTED, expires="2026-11-23")
    over = replace(EXPECTED, expires="2026-11-22")

    assert findings(failing("F", last)) == {"a": "expected"}
    assert findings(failing("F", over)) == {"a": "expired"}
    assert findings(failing("P", over)) == {}
    assert findings(failing("F", over, EXPECTED)) == {"a": "expected"}
    assert expired(failing("F", over, EXPECTED)) == (over,)


def test_surprises_are_failures_first_and_each_kind_is_a_sentence() -> None:
    """
    What fails for another reason comes before what can be deleted.
    """
    found = judged(failing("PFT", replace(EXPECTED, cells="*")))

    assert [cell.scenario for cell in surprises(found)] == ["c", "a"]
    other, passes = sentences(found)
    assert other.startswith("1 cell fails not as known.toml says, e.g. old/new/c/bare/h5")
    assert passes.startswith("1 cell works against known.toml, e.g. old/new/a/bare/h5: delete the entry")


def test_the_example_in_the_documentation_is_one() -> None:
    """
    Who copies the entry from the first lines of the module has a file that is understood.
    """
    import tempfile

    from matrix import known

    example = (known.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "known.toml"
        path.write_text(example.replace("2027-05-01", str(today)), encoding="utf-8")
        (entry,) = read(path, today)

    assert entry.letters == "F"
