"""What `known.toml` and a run say of each other, in each file."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import golden
import hostile
import pytest
import synthetic

from matrix import known, report
from matrix.report import answer, expectations, summary
from matrix.results import Run

WHOLE = golden.whole()
FOUND = known.judged(WHOLE)


def markdown(run: Run, *, limit: int = summary.LIMIT) -> str:
    """The summary of a run."""
    return summary.markdown(run, answer.about(run, report.table(run)), known.judged(run), limit=limit)


def test_nothing_is_said_where_nothing_is_known() -> None:
    """
    A run without a `known.toml` has no word about it, but in `verdict.json`, which always has all its parts.
    """
    run = golden.old()

    assert list(expectations.lines(run, known.judged(run))) == []
    assert "known" not in report.terminal(run).lower()
    assert expectations.machine(run, {}) == {
        "counts": {"expected": 0, "unexpected pass": 0, "another reason": 0, "expired": 0},
        "surprises": [],
        "entries": [],
    }


def test_each_surprise_is_named_with_reason_and_link() -> None:
    """
    The headline counts, the lines name; failures come first, and an entry that has expired is said.
    """
    head, *lines = expectations.lines(WHOLE, FOUND)

    assert head == (
        "Known failures: 4 cells as expected, 4 for another reason, 4 unexpectedly working, 3 no longer excused"
    )
    assert lines[0] == (
        "another reason: tf-2.15/tf-2.21/functional/bare/saved_model "
        "(The module has moved, https://example.com/issues/1)"
    )
    assert [line.partition(":")[0] for line in lines] == [
        *["another reason"] * 4,
        *["expired"] * 3,
        *["unexpected pass"] * 4,
        "expired on 2026-01-01, and counts no more",
    ]


def test_of_many_surprises_some_are_named() -> None:
    """
    The others are counted, and stand in the CSV.
    """
    lines = list(expectations.lines(WHOLE, FOUND, shown=2))

    assert lines[3] == "and 9 more: see the column `known` of results.csv"


def test_a_machine_is_told_of_each_entry() -> None:
    """
    The counts of the entries add up to those of the run, and a surprise leads to its entry.
    """
    told = expectations.machine(WHOLE, FOUND)

    for name, number in told["counts"].items():
        assert sum(entry["counts"][name] for entry in told["entries"]) == number
    assert [entry["expired"] for entry in told["entries"]] == [False, False, False, True]
    for surprise in told["surprises"]:
        assert told["entries"][surprise["entry"]]["counts"][surprise["finding"]] > 0


def test_the_same_is_said_in_the_terminal_and_in_the_summary() -> None:
    """
    One text, in two spellings.
    """
    terminal, told = report.terminal(WHOLE), markdown(WHOLE).replace("\\", "")

    for line in expectations.lines(WHOLE, FOUND):
        assert line in terminal
        assert line in told


@pytest.mark.faults
def test_hostile_entries_stay_text() -> None:
    """
    Reasons, links and signatures of a stored run are data in lines, Markdown and JSON.
    """
    harmless = tuple(replace(one, reason="x", link="x", signature="x") for one in WHOLE.known)
    lines = len(markdown(replace(WHOLE, known=harmless)).splitlines())
    for text in hostile.PAYLOADS:
        entries = tuple(replace(one, reason=text, link=text, signature=text) for one in WHOLE.known)
        evil = replace(WHOLE, known=entries)

        told, terminal = markdown(evil), report.terminal(evil)

        assert not re.search(r"<[a-z/!]", re.sub(r"`[^`\n]*`", "", told))
        assert len(told.splitlines()) == lines
        assert "\x1b" not in told + terminal
        assert "\u202e" not in told + terminal
        found = known.judged(evil)
        answered = json.loads(summary.verdict(evil, answer.about(evil, report.table(evil)), found))
        assert answered["known"]["entries"][0]["reason"] == text


@pytest.mark.parametrize("limit", [2_000, 5_000])
def test_what_is_known_is_told_before_what_may_be_cut(limit: int) -> None:
    """
    A summary that is too long loses causes at its end, not the surprises.
    """
    whole = synthetic.run(signatures=300)
    run = replace(whole, known=WHOLE.known)

    told = markdown(run, limit=limit)

    assert "Known failures" in told
    assert "Cut here" in told
    assert len(told.encode()) <= limit


def test_the_summary_of_the_worst_run_fits_a_ci_job() -> None:
    """
    Thousands of reasons, each with the longest text: below 1 MiB, and the last line says how much was cut.
    """
    long = hostile.spoiled(WHOLE, lambda old: (old + "x<`|\N{GRINNING FACE}" * 2_000) if old else "")
    told = answer.about(long, report.table(long))

    said = summary.markdown(long, replace(told, reasons=told.reasons * 3_000), known.judged(long))

    assert 900_000 < len(said.encode("utf-8", "replace")) < 1 << 20
    assert re.search(r"\*\*Cut here:\*\* \d+ more lines\.", said.splitlines()[-1])
