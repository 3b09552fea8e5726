"""Shortcuts are found out when they change an answer, and no cell helps another one to pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes import FakeBackend, Heard, Overheard, engine, environment, letters, scenario
from values import CELL, of_array, result

from matrix.artifact import tree_digest
from matrix.audit import Audit, Auditor, sample
from matrix.backends import Worker
from matrix.engine import Engine, Outcome
from matrix.model import Environment, Format, Status, Variant
from matrix.protocol import Facts, Hello, Isolation, Request, arrays

OLD, NEW = environment("2.0.0"), environment("3.0.0")
FORMATS = (Format.H5, Format.KERAS)
LIED = "tf-2.0/tf-2.0/plain_fake/bare/h5"
Lie = Callable[[Request, Facts], Facts]


@dataclass(frozen=True)
class Liar:
    """A worker whose answers are changed."""

    worker: Overheard
    lie: Lie

    @property
    def hello(self) -> Hello:
        """What the worker found."""
        return self.worker.hello

    def ask(self, request: Request) -> Iterator[Facts]:
        """Ask, and lie."""
        return (self.lie(request, facts) for facts in self.worker.ask(request))


@dataclass
class Lying(FakeBackend):
    """Real workers, and a lie."""

    lie: Lie = field(default=lambda _request, facts: facts)

    @contextmanager
    def worker(self, environment: Environment, *, foreign: bool = False) -> Iterator[Worker]:
        """Start a real worker."""
        with super().worker(environment, foreign=foreign) as worker:
            assert isinstance(worker, Overheard)
            yield Liar(worker, self.lie)


def audited(backend: FakeBackend, folder: Path, *environments: Environment) -> tuple[Engine, Outcome, Audit]:
    """Run some environments, and audit all of their cells."""
    made = engine(backend, folder, list(environments), [scenario("plain_fake")], formats=FORMATS)
    outcome = made.run()
    return made, outcome, auditor(made).audit(outcome.results, 50)


def auditor(made: Engine) -> Auditor:
    """Return who audits what an engine has done."""
    return Auditor(
        environments=made.recipes.environments,
        artifacts=made.known[0] | made.board.artifacts,
        backend=made.backend,
        writer=made.writer,
        reader=made.reader,
        listener=Heard(),
        jobs=2,
    )


@pytest.mark.faults
def test_an_honest_run_has_no_difference(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Each cell that was measured gives the same letter, failure and numbers in a process of its own.
    """
    _, outcome, audit = audited(backend, tmp_path, OLD, NEW)

    measured = sum(one.status.measured for one in outcome.results)
    assert audit == Audit(repeated=measured, differences=())
    assert audit.sentence == f"Audit: {measured} cells repeated in fresh processes, none differs."
    assert {request.isolation for request in backend.asked} == {"group", "fresh"}


def bent(request: Request, facts: Facts) -> Facts:
    """Answer other numbers for one cell, but not in a fresh process."""
    answer = facts["answer"] or {}
    if request.isolation == "fresh" or facts["cell"] != LIED or "loaded" not in answer:
        return facts
    (outputs,) = arrays(answer["loaded"]["outputs"])
    return {**facts, "answer": {"loaded": {**answer["loaded"], "outputs": of_array(outputs + 1)}}}


def refused(request: Request, facts: Facts) -> Facts:
    """Fail for one cell, but not in a fresh process."""
    if request.isolation == "fresh" or facts["cell"] != LIED or request.task == "save":
        return facts
    problem: Mapping[str, object] = {"type": "ValueError", "message": "no", "frames": []}
    return {**facts, "answer": {"raised": [problem]}}


@pytest.mark.parametrize(
    ("lie", "letter"), [pytest.param(bent, "D", id="numbers"), pytest.param(refused, "F", id="failure")]
)
def test_a_worker_that_lies_is_found_out(fake_environment: Path, tmp_path: Path, lie: Lie, letter: str) -> None:
    """
    The difference names the cell, what it was and what it is; no other cell differs.
    """
    backend = Lying(fake_environment, lie=lie)

    _, outcome, audit = audited(backend, tmp_path, OLD)

    assert letters(outcome)[LIED] == letter
    assert audit.differences
    assert all(one.startswith(f"{LIED} (own way): its ") for one in audit.differences)
    assert f"its letter was {letter}, and is P in a fresh process" in audit.differences[0]
    assert f"{len(audit.differences)} differences" in audit.sentence


def test_an_artifact_that_is_gone_is_a_difference(backend: FakeBackend, tmp_path: Path) -> None:
    """
    What cannot be repeated is not called proven.
    """
    made, outcome, _ = audited(backend, tmp_path, OLD)
    (victim,) = [one for one in made.board.artifacts.values() if one.save.id == "tf-2.0/plain_fake/plain/h5"]
    assert victim.path is not None
    assert tree_digest(victim.path) == victim.digest
    victim.path.unlink()

    audit = auditor(made).audit([one for one in outcome.results if one.cell.id == LIED], 1)

    assert audit.differences == (f"{LIED}: its artifact is not there any more",)


def test_an_environment_that_is_gone_is_a_difference(backend: FakeBackend, tmp_path: Path) -> None:
    """
    So is one whose worker does not start; the others are audited.
    """
    made, outcome, _ = audited(backend, tmp_path, OLD)
    backend.unbuildable = frozenset({"tf-2.0"})

    audit = auditor(made).audit(outcome.results, 50)

    assert audit.differences == ("tf-2.0 could not be audited: tf-2.0 has no lock. matrix env lock",)


def test_a_sample_has_every_reader_and_every_letter() -> None:
    """
    The same one for the same run, and nothing that no reader tried.
    """
    results = [
        result(status, replace(CELL, reader=reader, scenario=f"{number}"))
        for status in Status
        for reader in ("a", "b")
        for number in range(20)
    ]

    chosen = sample(results, 24)

    assert chosen == sample(results, 24)
    assert len(set(chosen)) == 24
    assert Counter((one.cell.reader, str(one.status)) for one in chosen) == dict.fromkeys(
        ((reader, letter) for reader in "ab" for letter in "PDRFTC"), 2
    )
    assert sample(results, 10_000) == sample(results, 240)
    assert sample([], 5) == []


@pytest.mark.parametrize(
    ("isolation", "order"), [("group", 1), ("group", -1), ("cell", 1)], ids=["group", "the-other-way-round", "cell"]
)
def test_a_class_that_one_cell_registers_is_not_there_for_the_next(
    backend: FakeBackend, tmp_path: Path, isolation: Isolation, order: int
) -> None:
    """
    A worker that has registered a scenario's classes, and run a script that registers its own, still fails to open a
    bare file with them, in either order, and a fresh process agrees.
    """
    scenarios = [scenario("self_registering"), scenario("custom_fake")][::order]
    made = engine(backend, tmp_path, [OLD], scenarios, formats=(Format.H5, Format.WEIGHTS_H5))
    made.limits = replace(made.limits, isolation=isolation)

    outcome = made.run()

    found = letters(outcome)
    assert {found[f"tf-2.0/tf-2.0/{one.name}/bare/h5"] for one in scenarios} == {"F", "R"}
    assert found["tf-2.0/tf-2.0/self_registering/bare/weights_h5"] == "P"
    assert found["tf-2.0/tf-2.0/custom_fake/registered/h5"] == "P"
    (own,) = [one for one in outcome.results if one.cell.id == "tf-2.0/tf-2.0/custom_fake/bare/h5"]
    assert own.attempts[0].status is Status.FAIL
    if order < 0:
        bare = [one for one in outcome.results if one.cell.variant is Variant.BARE]
        assert auditor(made).audit(bare, 100).differences == ()
