"""Files from elsewhere: how they come in, and where they are opened."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeBackend, engine, environment, letters, scenario

from matrix.artifact import Artifact
from matrix.backends.local import LocalBackend
from matrix.backends.nox import NoxEnvironments
from matrix.bridging import around
from matrix.engine import Engine, Outcome
from matrix.errors import Untrusted, UsageError
from matrix.foreign import brought
from matrix.model import Format, Save

HOME, READER = environment("2.0.0"), environment("3.0.0")
CELL = "tf-2.0/tf-3.0/plain_fake/bare/h5"
SAVE = Save(writer="tf-2.0", scenario="plain_fake", registered=False, format=Format.H5)


@pytest.fixture
def written(backend: FakeBackend, tmp_path: Path) -> Artifact:
    """A file that some run left somewhere."""
    made = engine(backend, tmp_path / "elsewhere", [HOME], [scenario("plain_fake")], formats=[Format.H5])
    made.run()
    return made.board.artifacts[SAVE]


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
