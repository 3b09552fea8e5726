"""The engine with real workers, real processes and a fake TensorFlow."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeBackend, Heard, engine, environment, letters, scenario

from matrix.lives import Means
from matrix.model import Format, Status, Tolerance
from matrix.saves import Limits

OLD, NEW, NEWER = environment("1.0.0"), environment("2.0.0"), environment("3.0.0")


def test_every_cell_gets_one_letter_and_totals_add_up(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Three environments and two scenarios give one result for each planned cell, and nothing twice.
    """
    scenarios, heard = [scenario("plain_fake"), scenario("custom_fake")], Heard()
    running = engine(backend, tmp_path, [OLD, NEW, NEWER], scenarios, heard=heard)

    outcome = running.run()

    assert heard.parts == heard.totals["measuring"] == len(running.plan.cells) + len(running.plan.saves)
    assert [result.cell for result in outcome.results] == list(running.plan.cells)
    assert len(letters(outcome)) == len(running.plan.cells) == 9 * (5 + 15)
    assert outcome.complete


def test_own_way_pass_fail_and_remedy_are_told_apart(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A file of the same generation passes, one from a newer generation fails, and a string loss is remedied.
    """
    found = letters(engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")]).run())

    assert found["tf-2.0/tf-2.0/plain_fake/bare/h5"] == "P"
    assert found["tf-3.0/tf-2.0/plain_fake/bare/h5"] == "F"
    assert found["tf-2.0/tf-3.0/plain_fake/bare/h5"] == "R"


def test_a_remedy_is_named_after_what_passed(backend: FakeBackend, tmp_path: Path) -> None:
    """
    The remedy of a cell is the first rung that passed, and all that were tried are kept.
    """
    outcome = engine(backend, tmp_path, [NEW, NEWER], [scenario("custom_fake")]).run()

    (result,) = [item for item in outcome.results if item.cell.id == "tf-2.0/tf-3.0/custom_fake/bare/h5"]

    assert result.remedy == "custom_objects+compile=False"
    assert [attempt.rung for attempt in result.attempts] == [
        "own way",
        "compile=False",
        "config_patch",
        "custom_objects",
        "custom_objects+compile=False",
    ]


def test_a_reader_never_gets_what_the_writer_predicted(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A load is asked with the writer's inputs; its outputs are in no request, so that no cell can echo them.
    """
    running = engine(backend, tmp_path, [NEW], [scenario("plain_fake")])

    running.run()

    loads = json.dumps([request.to_json("1") for request in backend.asked if request.task == "load"])
    (saved,) = {
        (item.saved.inputs["data"], item.saved.outputs["data"])
        for item in running.board.artifacts.values()
        if item.saved
    }
    assert saved[0] in loads
    assert saved[1] not in loads


def test_code_that_weights_need_never_reaches_a_bare_load(backend: FakeBackend, tmp_path: Path) -> None:
    """
    The cells of one group that run the scenario have a child of their own: a class that registers itself at import
    is there for the weights, and unknown to every load that sees only the file.
    """
    found = letters(engine(backend, tmp_path, [NEW], [scenario("self_registering")]).run())

    assert found["tf-2.0/tf-2.0/self_registering/bare/weights_h5"] == "P"
    assert found["tf-2.0/tf-2.0/self_registering/bare/h5"] == "F"
    assert found["tf-2.0/tf-2.0/self_registering/bare/keras"] == "F"


@pytest.mark.faults
def test_isolation_by_cell_gives_the_same_letters(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A child for each cell and a child for each group come to the same result.
    """
    scenarios = [scenario("plain_fake"), scenario("custom_fake")]
    alone = Limits(timeout=20, memory=2 << 30, isolation="cell")

    grouped = engine(backend, tmp_path / "a", [NEW, NEWER], scenarios).run()
    single = engine(backend, tmp_path / "b", [NEW, NEWER], scenarios, limits=alone).run()

    assert letters(grouped) == letters(single)


def test_a_format_that_the_writer_lacks_is_unsupported(backend: FakeBackend, tmp_path: Path) -> None:
    """
    What Keras has no API for is `U` with the reason in its own terms, for every reader.
    """
    outcome = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")]).run()

    lacking = {item.cell.id: item.reason for item in outcome.results if item.status is Status.UNSUPPORTED}

    assert lacking == {
        "tf-3.0/tf-2.0/plain_fake/bare/saved_model": "tf-3.0: model.save has no argument save_format",
        "tf-3.0/tf-3.0/plain_fake/bare/saved_model": "tf-3.0: model.save has no argument save_format",
    }


def test_a_writer_without_registry_is_unsupported_and_a_reader_without_it_fails(
    backend: FakeBackend, tmp_path: Path
) -> None:
    """
    `U` is decided by the writer alone; a reader that lacks the API fails.
    """
    found = letters(engine(backend, tmp_path, [OLD, NEW], [scenario("custom_fake")]).run())

    assert found["tf-1.0/tf-2.0/custom_fake/registered/h5"] == "U"
    assert found["tf-2.0/tf-1.0/custom_fake/registered/h5"] == "F"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("raises", "RuntimeError: this scenario raises", id="raises"),
        pytest.param("exits", "SystemExit: 0", id="exits"),
        pytest.param("vanishes", "ended without a result", id="vanishes"),
        pytest.param("hangs", "killed after its time limit", id="hangs"),
        pytest.param("dies", "killed by SIGKILL", id="dies"),
        pytest.param("eats", "MemoryError", id="eats"),
    ],
)
def test_a_bad_scenario_costs_its_own_cells(backend: FakeBackend, tmp_path: Path, name: str, said: str) -> None:
    """
    A scenario that misbehaves while it builds is `S` with the reason, and its neighbour passes.
    """
    limits = Limits(timeout=3 if name == "hangs" else 60, memory=1 << 30)  # taking a gigabyte is slow on a busy machine

    outcome = engine(backend, tmp_path, [NEW], [scenario(name), scenario("plain_fake")], limits=limits).run()

    bad = [item for item in outcome.results if item.cell.scenario == name]
    good = [item for item in outcome.results if item.cell.scenario == "plain_fake"]

    assert {item.status for item in bad} == {Status.NOT_SAVED}
    assert all(said in item.reason for item in bad)
    assert {item.status for item in good} == {Status.PASS}


@pytest.mark.faults
@pytest.mark.parametrize("name", ["floods", "forks", "forges"])
def test_noise_and_leftovers_change_nothing(backend: FakeBackend, tmp_path: Path, name: str) -> None:
    """
    A gigabyte of output, a process left behind and bytes on foreign descriptors do not reach the result.
    """
    outcome = engine(backend, tmp_path, [NEW], [scenario(name)]).run()

    assert set(letters(outcome).values()) <= {"P", "S"}
    assert not [item for item in outcome.results if item.status is Status.ENVIRONMENT]


def test_a_full_disk_is_never_an_incompatibility(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A save that meets a fault of this machine is `E`, is not kept, and is done again by the next run.
    """
    full = engine(backend, tmp_path, [NEW], [scenario("full_disk")]).run()
    heard = Heard()
    engine(backend, tmp_path, [NEW], [scenario("full_disk")], heard=heard).run()

    assert {item.status for item in full.results} == {Status.ENVIRONMENT}
    assert "No space left on device" in full.results[0].reason
    assert heard.totals["measuring"] == 2 * len(full.results)


def test_an_environment_that_cannot_be_had_is_never_an_incompatibility(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Its row and its column are `E` with the reason; every other cell is measured.
    """
    backend.unbuildable = frozenset({"tf-3.0"})

    outcome = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")]).run()

    touched = [item for item in outcome.results if "tf-3.0" in (item.cell.writer, item.cell.reader)]
    assert {item.status for item in touched} == {Status.ENVIRONMENT}
    assert all("tf-3.0 has no lock." in item.reason for item in touched)
    assert letters(outcome)["tf-2.0/tf-2.0/plain_fake/bare/h5"] == "P"


def test_a_tensorflow_that_does_not_import_is_an_environment_error(backend: FakeBackend, tmp_path: Path) -> None:
    """
    The exception of the import is in the reason.
    """
    broken = environment("2.0.0", FAKETF_BROKEN="libcuda is missing")

    outcome = engine(backend, tmp_path, [broken], [scenario("plain_fake")]).run()

    assert {item.status for item in outcome.results} == {Status.ENVIRONMENT}
    assert "ImportError: libcuda is missing" in outcome.environments[0].error


def test_another_version_than_asked_for_is_an_environment_error(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A worker that finds another TensorFlow than the lock pins is not believed about anything.
    """
    lying = environment("2.0.0", FAKETF_VERSION="2.0.1")

    outcome = engine(backend, tmp_path, [lying], [scenario("plain_fake")]).run()

    assert {item.status for item in outcome.results} == {Status.ENVIRONMENT}
    assert "holds TensorFlow 2.0.1, not 2.0.0" in outcome.environments[0].error


def test_another_keras_than_asked_for_is_an_environment_error(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Where the variables ask for tf_keras, a worker that finds Keras 3 is not believed about anything.
    """
    asking = replace(environment("3.0.0", TF_USE_LEGACY_KERAS="true"), keras="2.0.0")

    outcome = engine(backend, tmp_path, [asking], [scenario("plain_fake")]).run()

    assert {item.status for item in outcome.results} == {Status.ENVIRONMENT}
    assert "is to use tf_keras, and its tf.keras is Keras 3.0.0" in outcome.environments[0].error


@pytest.mark.faults
def test_where_a_fork_is_not_safe_each_group_gets_a_fresh_process(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A thread that lives after the import makes the worker start processes, with the same letters.
    """
    threaded = environment("2.0.0", FAKETF_THREAD="1")

    outcome = engine(backend, tmp_path, [threaded], [scenario("custom_fake")]).run()
    forked = engine(backend, tmp_path / "b", [NEW], [scenario("custom_fake")]).run()

    assert letters(outcome) == letters(forked)


def test_an_unchanged_run_measures_nothing(backend: FakeBackend, tmp_path: Path) -> None:
    """
    The second run has the same results and prepares no environment.
    """
    first = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")]).run()
    backend.prepared.clear()

    second = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")]).run()

    assert second.results == first.results
    assert backend.prepared == []
    assert second.cached == len([item for item in first.results if item.status.measured])


def test_a_new_environment_costs_its_row_and_its_column(backend: FakeBackend, tmp_path: Path) -> None:
    """
    With a third environment only the cells that it writes or reads are run.
    """
    engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")]).run()
    heard = Heard()

    outcome = engine(backend, tmp_path, [OLD, NEW, NEWER], [scenario("plain_fake")], heard=heard).run()

    new = [
        item for item in outcome.results if item.status.measured and "tf-1.0" in (item.cell.writer, item.cell.reader)
    ]
    assert heard.counts["load"] == len(new)


def test_a_damaged_artifact_is_saved_again(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A flipped byte in the store is found before the artifact is used; the save is done again, and only that.
    """
    engine(backend, tmp_path, [NEW], [scenario("plain_fake")]).run()
    (victim,) = tmp_path.glob("artifacts/*/*/model.h5")
    victim.chmod(0o600)
    victim.write_bytes(victim.read_bytes() + b"!")
    heard = Heard()

    outcome = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")], heard=heard).run()
    calm = engine(backend, tmp_path / "calm", [NEW, NEWER], [scenario("plain_fake")]).run()

    assert heard.counts["save"] == 1 + len(Format)  # and those of the new environment
    assert letters(outcome) == letters(calm)
    assert list(tmp_path.glob("quarantine/*/model.h5"))


@pytest.mark.faults
def test_an_interrupt_keeps_what_is_finished_and_the_next_run_goes_on(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Ctrl-C while loading leaves a partial outcome; the same run again measures only what is missing.
    """

    class Impatient(Heard):
        def done(self, what: str = "", parts: int = 1) -> None:
            super().done(what, parts)
            if what == "load" and self.counts["load"] == 3:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)  # what comes after the signal is not finished in time

    partial = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")], heard=Impatient()).run()
    heard = Heard()
    complete = engine(backend, tmp_path, [NEW, NEWER], [scenario("plain_fake")], heard=heard).run()

    done = [item for item in partial.results if item.status.measured]
    assert not partial.complete
    assert len(done) >= 3
    assert complete.complete
    assert heard.counts["load"] + len(done) == len([item for item in complete.results if item.status.measured])


def test_a_worker_that_dies_is_started_once_more(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A worker that is killed from outside costs no cell; the run ends as an undisturbed one.
    """

    class Murderous(Heard):
        def done(self, what: str = "", parts: int = 1) -> None:
            super().done(what, parts)
            if what == "load" and self.counts["load"] == 1:
                backend.workers[-1].kill()

    disturbed = engine(backend, tmp_path / "a", [NEW], [scenario("custom_fake")], heard=Murderous()).run()
    calm = engine(backend, tmp_path / "b", [NEW], [scenario("custom_fake")]).run()

    assert letters(disturbed) == letters(calm)


@pytest.mark.faults
def test_a_run_with_one_seat_comes_to_the_same(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Where memory holds one worker only, workers leave for others and come back; nobody waits for ever.
    """
    narrow = Means(jobs=1, workers=1)

    alone = engine(backend, tmp_path / "a", [OLD, NEW, NEWER], [scenario("custom_fake")], means=narrow).run()
    calm = engine(backend, tmp_path / "b", [OLD, NEW, NEWER], [scenario("custom_fake")]).run()

    assert letters(alone) == letters(calm)


def test_one_import_is_enough_for_a_life(backend: FakeBackend, tmp_path: Path) -> None:
    """
    An environment saves and loads in one worker, when memory lasts.
    """
    engine(backend, tmp_path, [OLD, NEW, NEWER], [scenario("plain_fake")]).run()

    assert len(backend.workers) == 3


def test_what_a_budget_cuts_off_is_not_run(backend: FakeBackend, tmp_path: Path) -> None:
    """
    When the time is over nothing more begins; the run is complete, and says in each cell why it was not measured.
    """
    short = Means(jobs=1, workers=1, seconds=0.0)

    outcome = engine(backend, tmp_path, [OLD, NEW, NEWER], [scenario("custom_fake")], means=short).run()

    cut_off = [item for item in outcome.results if item.status is Status.NOT_RUN]
    assert outcome.complete
    assert {item.reason for item in cut_off} == {"cut off by --budget before its turn"}


def test_a_changed_tolerance_judges_again_and_runs_nothing(backend: FakeBackend, tmp_path: Path) -> None:
    """
    What the readers predicted is kept, and the host's verdict is made of it.
    """
    plain = scenario("plain_fake")
    engine(backend, tmp_path, [NEW, NEWER], [plain]).run()
    backend.prepared.clear()

    strict = replace(plain, tolerance=Tolerance(absolute=-1.0, relative=0.0))
    outcome = engine(backend, tmp_path, [NEW, NEWER], [strict]).run()

    assert backend.prepared == []
    assert letters(outcome)["tf-2.0/tf-2.0/plain_fake/bare/h5"] == "D"


def test_what_changes_a_model_is_saved_after_what_does_not(backend: FakeBackend, tmp_path: Path) -> None:
    """
    A .keras file is written before the .h5 that would mark its model, and both before a model is traced.
    """
    engine(backend, tmp_path, [OLD], [scenario("plain_fake")]).run()

    saved = next(request for request in backend.asked if request.task == "save")
    assert [str(item.format) for item in saved.items] == ["weights_h5", "keras", "h5", "saved_model", "export"]
