"""Detours with real workers, real processes and a fake TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fakes import FakeBackend, engine, environment, scenario

from matrix.bridging import around
from matrix.engine import Engine, Outcome
from matrix.model import Status
from matrix.results import Result

OLD, NEW, NEWER = environment("1.0.0"), environment("2.0.0"), environment("3.0.0")
SIBLING = replace(NEWER, id="tf-2.0+legacy", lock="its own")
LOST = "tf-3.0/tf-2.0/plain_fake/bare/h5"


def of(outcome: Outcome, cell: str) -> Result:
    """The result of one cell."""
    (found,) = [result for result in outcome.results if result.cell.id == cell]
    return found


def measured(backend: FakeBackend, store: Path) -> tuple[Engine, Outcome]:
    """An engine that has run."""
    running = engine(backend, store, [OLD, NEW, NEWER], [scenario("plain_fake")])
    return running, running.run()


def test_a_bridge_is_run_from_end_to_end(backend: FakeBackend, tmp_path: Path) -> None:
    """
    What no remedy opened is saved again by who opens it, and its numbers are compared with those of the first writer.
    """
    running, outcome = measured(backend, tmp_path)
    assert of(outcome, LOST).status is Status.FAIL

    helped = of(around(running, outcome, {}, Engine.run), LOST)

    assert (helped.status, helped.remedy) == (Status.REMEDIED, "bridge(tf-3.0>weights_h5)")
    passed = next(one for one in helped.attempts if one.rung == helped.remedy)
    assert passed.max_abs_error == 0.0
    again = next(one for one in backend.asked for item in one.items if item.resave)
    assert (again.task, again.code) == ("load", "none")


def test_detours_that_are_known_are_not_run_again(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Neither their saves nor their loads; a snapshot finds them too, and `fresh` measures them anew.
    """
    running, outcome = measured(backend, tmp_path)
    first = around(running, outcome, {}, Engine.run)
    asked = len(backend.asked)

    assert around(running, outcome, {}, Engine.run).results == first.results
    assert around(running, outcome, {}, Engine.snapshot).results == first.results
    assert len(backend.asked) == asked
    around(replace(running, fresh=True), outcome, {}, Engine.run)
    assert len(backend.asked) > asked


def test_nothing_is_run_where_everything_opens(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A run without helpless cells has no detours.
    """
    running = engine(backend, tmp_path, [NEW], [scenario("plain_fake")])
    outcome = running.run()

    assert around(running, outcome, {"tf-2.0": NEWER}, Engine.run) == outcome


def test_a_sibling_loads_in_the_place_of_its_reader(backend: FakeBackend, tmp_path: Path) -> None:
    """
    It is no part of the axes.
    """
    running, outcome = measured(backend, tmp_path)

    helped = around(running, outcome, {"tf-2.0": SIBLING}, Engine.run)

    assert of(helped, LOST).remedy == "legacy"
    assert [one.environment.id for one in helped.environments] == ["tf-1.0", "tf-2.0", "tf-3.0"]


def test_a_sibling_that_cannot_be_had_changes_nothing(backend: FakeBackend, tmp_path: Path) -> None:
    """
    The run says so, and goes on to the next detour.
    """
    backend.unbuildable = frozenset({"tf-2.0+legacy"})
    running, outcome = measured(backend, tmp_path)

    helped = around(running, outcome, {"tf-2.0": SIBLING}, Engine.run)

    assert of(helped, LOST).remedy == "bridge(tf-3.0>weights_h5)"


def test_a_damaged_origin_does_not_count_as_a_failure(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A bridge that begins with a file that is gone was not tried.
    """
    running, outcome = measured(backend, tmp_path)
    for written in running.board.artifacts.values():
        if written.save.id == "tf-3.0/plain_fake/plain/h5" and written.path:
            written.path.write_bytes(b"damaged")

    told = of(around(running, outcome, {}, Engine.run), LOST)

    assert told.status is Status.FAIL
    assert not [one for one in told.attempts if one.rung.startswith("bridge")]
