"""Artifacts are damaged or cannot be read: they are put aside and saved again, and no model is blamed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from checker import Records, told
from hardships import needs_strace, traced, until_traced
from ordeals import Ordeal, measured
from small import Small

from matrix.backends.process import WorkerProcess
from matrix.model import Format
from matrix.protocol import Request

TWO = ("2.0.0", "3.0.0")


def flipped(path: Path) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    """Lose the second half."""
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    """Lose everything but the name."""
    os.truncate(path, 0)


def dangling(path: Path) -> None:
    """Point to nowhere."""
    path.unlink()
    path.symlink_to("nowhere")


def a_pipe(path: Path) -> None:
    """Become something that blocks whoever opens it."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damages",
    [
        pytest.param((flipped, cut_off), id="changed"),
        pytest.param((emptied, Path.unlink), id="lost"),
        pytest.param((dangling, a_pipe), id="unreadable"),
    ],
)
def test_fault_22_a_damaged_artifact_is_saved_again_before_anyone_reads_it(
    fake_environment: Path, tmp_path: Path, damages: Sequence[Callable[[Path], None]]
) -> None:
    """
    Damaged (22) or unreadable (23) since the last run: it is put aside, saved again, and every reader gets the letter
    of a calm run; nothing else is saved again.
    """
    formats = (Format.H5, Format.KERAS, Format.WEIGHTS_H5)
    first = measured(Small(tmp_path, fake_environment, formats=formats))
    before = Records(first.store)
    ordeal = Ordeal(replace(first, versions=TWO))
    victims = {save: before.artifact(save) for save in sorted(before.saves)[:2]}
    for damage, path in zip(damages, victims.values(), strict=True):
        damage(path)

    outcome = ordeal.here()

    assert told(outcome.results) == ordeal.calm
    assert {name for name in ordeal.small.journal.read("asked") if name in before.saves} == victims.keys()
    assert len(list(first.store.glob("quarantine/*"))) == 2
    ordeal.survived()
    ordeal.ends()


@pytest.mark.parametrize("damage", [flipped, dangling], ids=lambda item: item.__name__)
@pytest.mark.parametrize("when", [1, 3])
def test_fault_22_an_artifact_that_is_damaged_while_it_is_read_blames_nobody(
    fake_environment: Path, tmp_path: Path, damage: Callable[[Path], None], when: int
) -> None:
    """
    Damaged after it was checked, when a reader is about to open it for the first time or for a remedy: what that
    reader says is not kept, the artifact is saved again, and every letter is that of a calm run.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment, TWO, formats=(Format.H5,)))
    loads: list[Request] = []

    def fate(_name: str, _worker: WorkerProcess, request: Request) -> None:
        loads.extend([request] if request.task == "load" else [])
        if request.task == "load" and len(loads) == when:
            damage(Path(request.items[0].path))

    outcome = ordeal.here(ordeal.perilous(fate))

    assert told(outcome.results) == ordeal.calm
    ordeal.survived()
    ordeal.ends()


def test_fault_22_an_artifact_that_is_always_damaged_is_given_up(fake_environment: Path, tmp_path: Path) -> None:
    """
    A disk that spoils every file gives `E` with the reason, never `F`, and the run ends.
    """
    ordeal = Ordeal(Small(tmp_path, fake_environment, formats=(Format.H5,)))

    def fate(_name: str, _worker: WorkerProcess, request: Request) -> None:
        if request.task == "load":
            flipped(Path(request.items[0].path))

    outcome = ordeal.here(ordeal.perilous(fate))

    assert {str(one.status) for one in outcome.results} == {"E"}
    assert "changed on disk" in outcome.results[0].reason
    ordeal.checker.survived()


@pytest.mark.parametrize(
    ("reads", "aside", "letters"),
    [
        pytest.param("1", 0, set(), id="once"),
        pytest.param("1..2", 1, set(), id="until-it-is-saved-again"),
        pytest.param("1+", 2, {"E"}, id="always"),
    ],
)
def test_fault_23_an_artifact_that_the_disk_does_not_give_is_never_a_failed_load(
    fake_environment: Path, tmp_path: Path, reads: str, aside: int, letters: set[str]
) -> None:
    """
    Input/output errors while it is checked: it is looked at again, then saved again, then given up as `E`; a later run
    ends as a calm one.
    """
    needs_strace()
    first = measured(Small(tmp_path, fake_environment, formats=(Format.H5,)))
    ordeal = Ordeal(replace(first, versions=TWO))
    (victim,) = first.store.glob("artifacts/*/*/*")

    code = traced(ordeal.started(before=until_traced), "read", f"error=EIO:when={reads}", only=victim)

    found = told(ordeal.small.results)
    assert code == 0
    assert len(list(first.store.glob("quarantine/*"))) == aside
    assert {str(one[0]) for name, one in found.items() if one != ordeal.calm[name]} == letters
    ordeal.checker.survived()
    ordeal.ends()
