"""The checker of the fault tests notices each breach: one that finds nothing would prove nothing."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checker import Records, false_passes, survivors, unsound
from ordeals import Ordeal, measured
from small import Small

from matrix.model import Format, Status
from matrix.results import Result


@pytest.fixture
def ordeal(fake_environment: Path, tmp_path: Path) -> Ordeal:
    """A run in whose store everything is as it should be."""
    return Ordeal(measured(Small(tmp_path, fake_environment, formats=(Format.H5,))))


def results(ordeal: Ordeal) -> tuple[Result, ...]:
    """What it says."""
    made = ordeal.small.engine()
    found = made.snapshot().results
    made.store.close()
    return found


def settled(ordeal: Ordeal, found: tuple[Result, ...]) -> None:
    """Check all."""
    ordeal.checker.settled(found, ordeal.small.engine().plan.cells)


def test_a_calm_run_has_nothing_to_complain_of(ordeal: Ordeal) -> None:
    """
    Neither of its store nor of its results.
    """
    found = results(ordeal)

    settled(ordeal, found)
    assert all(result.status.measured for result in found)


def record(store: Path, kind: str) -> Path:
    """The file of the only record of a kind."""
    ((path, _),) = getattr(Records(store), kind).values()
    return Path(path)


def artifact(store: Path) -> Path:
    """The only artifact."""
    (path,) = store.glob("artifacts/*/*/*")
    return path


BREACHES: dict[str, Callable[[Path], object]] = {
    "a draft": lambda store: (store / "results" / ".draft").write_text("half", "utf-8"),
    "a desk": lambda store: (store / "desk" / "x").mkdir(parents=True),
    "half a record": lambda store: os.truncate(record(store, "cells"), 50),
    "a record of nothing": lambda store: record(store, "saves").write_text('{"schema": 1, "said": 7}', "utf-8"),
    "another artifact": lambda store: artifact(store).write_text("other", "utf-8"),
    "no artifact": lambda store: artifact(store).unlink(),
    "an artifact of nobody": lambda store: (store / "artifacts" / "ab" / "abc").mkdir(parents=True),
    "a changed traceback": lambda store: _written(store / "tracebacks" / "ab" / "abc.txt", "[]"),
    "no facts": lambda store: _written(store / "facts" / "ab" / "abc.json", "7"),
    "a damaged index": lambda store: os.truncate(store / "ledger.sqlite", 6000),
}


def _written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_a_store_that_is_not_whole_is_noticed(ordeal: Ordeal, breach: Callable[[Path], object]) -> None:
    """
    Each kind of half, lost, changed or forgotten file.
    """
    assert unsound(ordeal.small.store) == []

    breach(ordeal.small.store)

    assert unsound(ordeal.small.store) != []


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a record in its file."""
    facts = json.loads(path.read_bytes())
    change(facts)
    path.write_text(json.dumps(facts), "utf-8")


def died(facts: dict[str, Any]) -> None:
    """Let the child have been killed."""
    facts["said"][0]["ending"] = "signal 9"


def raised(facts: dict[str, Any]) -> None:
    """Let it have answered something else."""
    facts["said"][0]["answer"] = {"raised": []}


def differs(facts: dict[str, Any]) -> None:
    """Let it have predicted something else."""
    outputs = facts["said"][0]["answer"]["loaded"]["outputs"]
    outputs["data"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize("change", [died, raised, differs], ids=lambda item: item.__name__)
def test_a_false_pass_is_noticed(ordeal: Ordeal, change: Callable[[dict[str, Any]], None]) -> None:
    """
    A letter that the child's own words, or its numbers, do not bear out.
    """
    found = results(ordeal)
    assert {one.status for one in found} == {Status.PASS}
    assert false_passes(ordeal.small.store, found) == []

    changed(record(ordeal.small.store, "cells"), change)

    assert false_passes(ordeal.small.store, found) != []


def test_a_pass_on_a_changed_artifact_is_noticed(ordeal: Ordeal) -> None:
    """
    Also when the numbers are right.
    """
    artifact(ordeal.small.store).write_text("other", "utf-8")

    assert false_passes(ordeal.small.store, results(ordeal)) != []


def test_wrong_results_are_noticed(ordeal: Ordeal) -> None:
    """
    A lost cell, one too many, a wrong letter, another number; but `E` blames nobody.
    """
    (one,) = results(ordeal)
    failed = replace(one, status=Status.FAIL)
    other = replace(one, attempts=(replace(one.attempts[0], max_abs_error=1e-6),))
    for wrong in ((), (one, one), (failed,), (other,)):
        with pytest.raises(AssertionError):
            settled(ordeal, wrong)

    ordeal.checker.blamed([replace(one, status=Status.ENVIRONMENT, attempts=())])
    with pytest.raises(AssertionError):
        ordeal.checker.blamed([failed])


def test_what_was_lost_or_done_twice_is_noticed(ordeal: Ordeal) -> None:
    """
    An acknowledged cell without a record, and one that was asked for although it was done.
    """
    (one,) = results(ordeal)
    ordeal.checker.survived([one.cell.id])
    with pytest.raises(AssertionError):
        ordeal.checker.settled([one], [one.cell], [one.cell.id])

    record(ordeal.small.store, "cells").unlink()

    with pytest.raises(AssertionError):
        ordeal.checker.survived()


def test_what_is_left_over_is_noticed(ordeal: Ordeal) -> None:
    """
    A process with the folder in its variables, a lock, a file that stays open.
    """
    environ = {**os.environ, "TMPDIR": str(ordeal.small.folder)}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environ) as left:
        assert len(survivors(ordeal.small.folder, 0.1)) == 1
        left.kill()
    ordeal.checker.survived()

    with (ordeal.small.store / "owner").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(AssertionError):
            ordeal.checker.survived()
    with closing((ordeal.small.store / "owner").open("rb")), pytest.raises(AssertionError):
        ordeal.checker.survived()
