"""What is kept of a worker's words."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from values import FRAME, line, loaded, packed, raised, saved

from matrix.judge import attempt
from matrix.model import Stage, Status, Tolerance
from matrix.protocol import ProtocolError, Saved, transcript
from matrix.records import anonymous, understood, unpacked
from matrix.records import packed as kept


class Shelf(dict[str, str]):
    """Where frames are put aside."""

    def keep(self, key: str, text: str) -> None:
        """Take some frames."""
        self[key] = text

    def fetch(self, key: str) -> str:
        """Give them back; nothing when they are lost."""
        return self.get(key, "")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="silence"),
        pytest.param(loaded(packed(1.0)), id="loaded"),
        pytest.param(saved(packed(1.0)), id="saved"),
        pytest.param({"unsupported": "no export"}, id="unsupported"),
        pytest.param(raised(("RuntimeError", "outer"), ("ValueError", "inner é\n")), id="raised"),
    ],
)
def test_what_is_kept_is_what_was_said(answer: Any) -> None:
    """
    Through the store and back, a line means what it meant.
    """
    shelf = Shelf()

    stored = json.loads(json.dumps(kept(line(answer), shelf.keep)))

    assert unpacked(stored, shelf.fetch) == transcript(line(answer))


def test_equal_frames_are_kept_once() -> None:
    """
    A thousand cells that fail alike share their frames, and a record has only the digest.
    """
    shelf = Shelf()
    facts = line(raised(("RuntimeError", "outer"), ("ValueError", "inner"), frames=(FRAME,) * 60))

    stored = [kept(facts, shelf.keep) for _ in range(1_000)]

    assert len(shelf) == 1
    assert all(len(json.dumps(record)) < 600 for record in stored)


def test_packing_changes_nothing_that_was_said() -> None:
    """
    The line itself stays as it is.
    """
    facts = line(raised(("ValueError", "x")))

    kept(facts, Shelf().keep)

    assert facts == line(raised(("ValueError", "x")))


def test_lost_frames_cost_only_the_frames() -> None:
    """
    A traceback that somebody deleted leaves an exception without frames.
    """
    stored = kept(line(raised(("ValueError", "x"))), Shelf().keep)

    found = unpacked(stored, Shelf().fetch)

    assert found == transcript(line(raised(("ValueError", "x"), frames=())))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[["keras/src/sav', id="cut-off"),
        pytest.param('{"a": 1}', id="another-value"),
        pytest.param("[[1, 2]]", id="another-shape"),
        pytest.param("5", id="a-number"),
    ],
)
def test_spoiled_frames_are_a_broken_record(text: str) -> None:
    """
    The only exception is ProtocolError, which has the cell measured again.
    """
    stored = kept(line(raised(("ValueError", "x"))), Shelf().keep)

    with pytest.raises(ProtocolError):
        unpacked(stored, lambda _key: text)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"raised": [{"type": "E"}]}, id="without-frames"),
        pytest.param({"raised": [5]}, id="no-problem"),
        pytest.param({"raised": 5}, id="no-chain"),
        pytest.param({"passed": 1}, id="unknown-kind"),
    ],
)
def test_a_record_of_another_time_is_a_broken_record(answer: Any) -> None:
    """
    What an older or a newer matrix wrote is not guessed at.
    """
    with pytest.raises(ProtocolError):
        unpacked(line(answer), Shelf().fetch)


def test_a_line_that_is_understood_stays_as_it_was_said() -> None:
    """
    The facts for the store are those of the worker.
    """
    facts = line(loaded(packed(1.0)))

    assert understood(facts) == (facts, transcript(facts))


def test_a_line_that_means_nothing_is_an_ending() -> None:
    """
    A forged answer is a crash of that cell, with the reason, and can be kept like any other.
    """
    forged = line(loaded({"dtype": "|O", "shape": [1], "data": "AAAAAAAAAAA="}), stage="predict")

    facts, said = understood(forged)

    found = attempt(said, None, Tolerance())
    assert (said.cell, said.rung) == (forged["cell"], forged["rung"])
    assert (found.status, found.stage) == (Status.CRASH, Stage.IMPORT)
    assert found.message.startswith("wrote something that is no result\n")
    assert "an array of object" in found.message
    assert unpacked(json.loads(json.dumps(kept(facts, Shelf().keep))), Shelf().fetch) == said


JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    float("nan"),
    10**400,
    "",
    "|O",
    "\ud800",
    [],
    {},
    [1],
    {"a": 1},
    {"dict": {}},
    packed(1.0),
)


def spoiled(value: Any, chance: random.Random) -> Any:
    """A value with some of its parts replaced or taken away."""
    if chance.random() < 0.1:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {key: spoiled(item, chance) for key, item in value.items() if chance.random() > 0.02}
    if isinstance(value, list):
        return [spoiled(item, chance) for item in value]
    return value


def test_nothing_tells_whose_machine_it_was() -> None:
    """
    Neither where the artifact was, nor the name that TensorFlow puts into a message.
    """
    said = line(raised(("NotFoundError", "no op in /store/ab/model.h5, in binary running on my-box.lan. Make sure")))

    slim = anonymous({**said, "noise": "/store/ab/model.h5 is odd"}, Path("/store/ab"))

    assert slim["answer"]["raised"][0]["message"] == "no op in model.h5, in binary running on HOST. Make sure"
    assert slim["noise"] == "model.h5 is odd"


def test_no_spoiled_line_gets_past_the_door() -> None:
    """
    Three thousand damaged lines are each judged, kept and read back without an exception.
    """
    chance = random.Random(20261123)  # noqa: S311 - the same lines every time
    outputs = {"list": [packed(1.0, 2.0), {"dict": {"a": packed(3.0)}}]}
    whole = [line(loaded(outputs)), line(saved(outputs)), line(raised(("A", "b"), ("C", "d"))), line()]
    reference = Saved({}, outputs, {})
    shelf = Shelf()
    letters: Counter[str] = Counter()

    for _ in range(3_000):
        damaged = {name: spoiled(part, chance) for name, part in chance.choice(whole).items()}
        facts, said = understood(damaged)
        letters[attempt(said, chance.choice([reference, None]), Tolerance()).status] += 1
        unpacked(json.loads(json.dumps(kept(facts, shelf.keep))), shelf.fetch)

    assert letters.total() == 3_000
    assert letters["P"]
    assert letters["C"]
