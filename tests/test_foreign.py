"""Files from elsewhere: how they come in, and where they are opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import indent

import pytest
from fakes import SCENARIOS, FakeBackend, engine, environment, letters, scenario

from matrix.artifact import Artifact, Trust
from matrix.backends import Worker, WorkerDied
from matrix.backends.local import LocalBackend
from matrix.backends.nox import NoxEnvironments
from matrix.bridging import around
from matrix.engine import Engine, Outcome
from matrix.errors import Untrusted, UsageError
from matrix.foreign import brought
from matrix.lives import LIVES
from matrix.model import Environment, Format, Save, Scenario, Status
from matrix.protocol import Facts, Hello, Request
from matrix.results import Result
from matrix.scenarios import read
from matrix.shared import Shared

HOME, READER = environment("2.0.0"), environment("3.0.0")
CELL = "tf-2.0/tf-3.0/plain_fake/bare/h5"
SAVE = Save(writer="tf-2.0", scenario="plain_fake", registered=False, format=Format.H5)


@pytest.fixture
def elsewhere(backend: FakeBackend, tmp_path: Path) -> Mapping[Save, Artifact]:
    """Files that some run left somewhere."""
    kinds = [Format.H5, Format.WEIGHTS_H5]
    made = engine(backend, tmp_path / "elsewhere", [HOME], [scenario("plain_fake")], formats=kinds)
    made.run()
    return made.board.artifacts


@pytest.fixture
def written(elsewhere: Mapping[Save, Artifact]) -> Artifact:
    """One of them."""
    return elsewhere[SAVE]


def harmful(folder: Path, name: str, harm: str) -> Scenario:
    """A scenario whose model does harm when it is loaded."""
    code = (SCENARIOS / "plain_fake.py").read_text("utf-8")
    acts = f"import os\n\n\ndef build():\n    if '(loaded)' in __name__:\n{indent(harm, ' ' * 8)}\n"
    (folder / f"{name}.py").write_text(code.replace("def build():\n", acts), "utf-8")
    return read(folder / f"{name}.py")


def loaded(
    backend: FakeBackend, elsewhere: Mapping[Save, Artifact], folder: Path, *harms: str
) -> tuple[FakeBackend, dict[str, Result]]:
    """What comes of a run in a sandbox with foreign files that do harm, beside one of ours."""
    walled = replace(backend, sandboxed=True)
    bad = [harmful(folder, f"bad_{number}", harm) for number, harm in enumerate(harms)]
    given = {}
    for one in bad:
        save = replace(SAVE, scenario=one.name, format=Format.WEIGHTS_H5)
        written = replace(elsewhere[replace(SAVE, format=Format.WEIGHTS_H5)], save=save)
        given[save] = taken(written, folder / one.name)
    scenarios = [*bad, scenario("plain_fake")]
    made = engine(walled, folder / "store", [HOME], scenarios, formats=[Format.WEIGHTS_H5], given=given)
    return walled, {result.cell.scenario: result for result in made.run().results}


def reading(backend: FakeBackend, store: Path, artifact: Artifact) -> Engine:
    """An engine that is given a file."""
    both = [HOME, READER]
    return engine(backend, store, both, [scenario("plain_fake")], formats=[Format.H5], given={artifact.save: artifact})


def taken(written: Artifact, desk: Path, *, trusted: bool = False) -> Artifact:
    """The file, brought here."""
    desk.mkdir()
    assert written.path is not None
    assert written.saved is not None
    return brought(written.path, written.save, written.saved, desk, trusted=trusted)


def test_a_foreign_file_is_opened_in_no_process_of_the_user(
    backend: FakeBackend, written: Artifact, tmp_path: Path
) -> None:
    """
    A backend without walls refuses before anything is built, and says in three lines why and what to do.
    """
    backend.prepared.clear()

    with pytest.raises(Untrusted) as refused:
        reading(backend, tmp_path / "store", taken(written, tmp_path / "desk")).run()

    lines = str(refused.value).splitlines()
    assert refused.value.exit_code == 2
    assert len(lines) == 3
    assert "Lambda" in lines[1]
    assert "SavedModel" in lines[1]
    assert "--backend docker" in lines[2]
    assert "--i-trust-this-file" in lines[2]
    assert backend.prepared == []


def test_a_virtual_environment_has_no_worker_for_foreign_files(tmp_path: Path) -> None:
    """
    The backend refuses by itself, whoever asks.
    """
    local = LocalBackend(NoxEnvironments(tmp_path, tmp_path / ".nox"), tmp_path / "desk")

    with pytest.raises(Untrusted), local.worker(HOME, foreign=True):
        pass


def test_a_sandbox_opens_each_foreign_file_in_a_worker_of_its_own(
    backend: FakeBackend, written: Artifact, tmp_path: Path
) -> None:
    """
    It has the letter that it has as one of ours, and takes no way that shares a worker.
    """
    walled = replace(backend, sandboxed=True)
    made = reading(walled, tmp_path / "store", taken(written, tmp_path / "desk"))

    outcome = made.run()

    ours = letters(reading(backend, tmp_path / "ours", written).run())
    assert letters(outcome) == ours
    assert sorted(walled.apart) == ["tf-2.0", "tf-3.0"]
    assert around(made, outcome, {}, lambda _engine: pytest.fail("a detour")).results == outcome.results


def test_a_file_that_the_user_trusts_is_like_one_of_ours(
    backend: FakeBackend, written: Artifact, tmp_path: Path
) -> None:
    """
    It is read where all others are.
    """
    outcome: Outcome = reading(backend, tmp_path / "store", taken(written, tmp_path / "desk", trusted=True)).run()

    assert letters(outcome)[CELL] == "R"
    assert backend.apart == []


def test_what_a_run_wrote_is_not_foreign(written: Artifact) -> None:
    """
    Its digest is known, and it is marked as ours.
    """
    assert written.trust is Trust.OURS
    assert not written.foreign
    assert written.intact


def test_a_copy_is_taken_and_nothing_follows_the_original(written: Artifact, tmp_path: Path) -> None:
    """
    Who brought a file can change it afterwards, and changes nothing here.
    """
    assert written.path is not None
    copy = taken(written, tmp_path / "desk")

    written.path.write_bytes(b"other")

    assert copy.foreign
    assert copy.intact
    assert not written.intact


@pytest.mark.parametrize("kind", ["link", "link-inside", "pipe", "missing", "empty"])
def test_what_is_no_model_is_not_taken(written: Artifact, tmp_path: Path, kind: str) -> None:
    """
    Links, devices and nothing at all are refused in one sentence, with the name as it was typed.
    """
    place, folder = tmp_path / "odd", tmp_path / "folder"
    folder.mkdir()
    if kind == "link":
        place.symlink_to("/etc/hostname")
    elif kind == "link-inside":
        (folder / "model").symlink_to("/etc/hostname")
        place = folder
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "empty":
        place = folder

    (tmp_path / "desk").mkdir()
    assert written.saved is not None
    with pytest.raises(UsageError, match=r"is no model that can be taken"):
        brought(place, SAVE, written.saved, tmp_path / "desk")


def test_what_a_file_does_is_told_of_that_file_alone(
    backend: FakeBackend, written: Artifact, elsewhere: Mapping[Save, Artifact], tmp_path: Path
) -> None:
    """
    What is known of our own save is not said of a file that stands for it, nor the other way round, in no cache.
    """
    assert written.path is not None
    store, cache, desk = tmp_path / "store", tmp_path / "cache", tmp_path / "desk"
    other = replace(written, path=tmp_path / "other.h5", saved=elsewhere[SAVE].saved)
    (tmp_path / "other.h5").write_bytes(written.path.read_bytes().replace(b"0.0", b"0.5"))
    both, plain = [HOME, READER], [scenario("plain_fake")]

    def ran(given: Mapping[Save, Artifact], where: Path) -> Outcome:
        kept = Shared(str(cache), pytest.fail)
        walled = replace(backend, sandboxed=True)
        return engine(walled, where, both, plain, formats=[Format.H5], given=given, shared=kept).run()

    brought_first = ran({SAVE: taken(other, desk)}, store)
    ours = ran({}, store)
    again = ran({SAVE: taken(other, tmp_path / "desk2")}, store)
    neighbour = ran({}, tmp_path / "neighbour")

    cell = "tf-2.0/tf-2.0/plain_fake/bare/h5"
    assert [letters(one)[cell] for one in (brought_first, ours, again, neighbour)] == ["D", "P", "D", "P"]
    assert again.cached == len(again.results)


@pytest.mark.parametrize("trusted", [False, True], ids=["foreign", "vouched-for"])
def test_a_file_that_was_changed_after_it_was_brought_is_not_measured(
    backend: FakeBackend, written: Artifact, tmp_path: Path, *, trusted: bool
) -> None:
    """
    Nor is one of ours saved in its place: its cells are `E`.
    """
    copy = taken(written, tmp_path / "desk", trusted=trusted)
    assert copy.path is not None
    copy.path.write_bytes(b"other")

    outcome = reading(replace(backend, sandboxed=True), tmp_path / "store", copy).run()

    touched = [one for one in outcome.results if one.cell.save == SAVE]
    assert {one.status for one in touched} == {Status.ENVIRONMENT}
    assert {one.reason for one in touched} == {"Writer: the file was changed after it was brought"}


def test_a_file_that_ends_its_worker_costs_its_own_cell(
    backend: FakeBackend, elsewhere: Mapping[Save, Artifact], tmp_path: Path
) -> None:
    """
    It is tried twice, and is a crash that says so. However many there are, those beside them are measured.
    """
    harms = ["os.kill(os.getppid(), 9)"] * LIVES

    walled, found = loaded(backend, elsewhere, tmp_path, *harms)

    bad = [one for name, one in found.items() if name.startswith("bad")]
    assert [str(one.status) for one in bad] == ["C"] * LIVES
    assert all("it ended its worker, twice" in one.attempts[0].message for one in bad)
    assert str(found["plain_fake"].status) == "P"
    assert len(walled.apart) == 2 * LIVES


@dataclass(frozen=True)
class Unheard:
    """A worker that nobody hears any more, for no reason that is known."""

    hello: Hello

    def ask(self, request: Request) -> Iterator[Facts]:
        """Say nothing of anything."""
        yield from ()
        raise WorkerDied("nobody hears it", [item.id for item in request.items], lost=True)


@dataclass
class Remote(FakeBackend):
    """A backend that loses the workers of foreign files."""

    sandboxed: bool = True

    @contextmanager
    def worker(self, environment: Environment, *, foreign: bool = False) -> Iterator[Worker]:
        """Start one that is heard, or not."""
        with super().worker(environment, foreign=foreign) as worker:
            yield Unheard(worker.hello) if foreign else worker


def test_a_worker_that_is_lost_is_no_crash_of_its_file(
    fake_environment: Path, written: Artifact, tmp_path: Path
) -> None:
    """
    An engine that goes away while a foreign file is open, twice, is a fault of this machine: `E`.
    """
    outcome = reading(Remote(fake_environment), tmp_path / "store", taken(written, tmp_path / "desk")).run()

    touched = [one for one in outcome.results if one.cell.save == SAVE]
    assert {one.status for one in touched} == {Status.ENVIRONMENT}
    assert {one.status.measured for one in outcome.results if one not in touched} == {True}


def test_a_full_sandbox_is_no_full_disk(
    backend: FakeBackend, elsewhere: Mapping[Save, Artifact], tmp_path: Path
) -> None:
    """
    A file that fills its scratch space, or says so, is a crash that names its sandbox; those beside it are measured.
    """
    _, found = loaded(backend, elsewhere, tmp_path, "raise OSError(28, 'No space left on device')")

    assert {name: str(one.status) for name, one in found.items()} == {"plain_fake": "P", "bad_0": "C"}
    assert "stopped by its sandbox: No space left on device" in found["bad_0"].attempts[0].message
