"""The environments that come with the package, and those of a project."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from matrix import catalog, entries
from matrix.catalog import DATA, environments
from matrix.entries import Entry
from matrix.errors import UsageError
from matrix.fingerprint import fingerprint
from matrix.model import LEGACY, USE_LEGACY, legacy_sibling
from matrix.releases import Seeds


def test_all_minors_are_there_in_order(tmp_path: Path) -> None:
    """
    The package brings every minor from the oldest on, each with a lock in which everything has a hash.
    """
    found = [item for item in environments(tmp_path) if not item.id.endswith(LEGACY)]

    minors = [item.id.removeprefix("tf-") for item in found]
    assert minors == sorted(minors, key=Version)
    assert len(minors) >= 23
    assert {"1.15", "2.0", "2.21"} <= set(minors)
    for item in found:
        assert Version(item.tensorflow).release[:2] == Version(item.id.removeprefix("tf-")).release
        pins = [line for line in item.lock.splitlines() if not line.startswith(" ")]
        assert all(line.endswith(" \\") for line in pins)
        assert item.download > 100e6


def test_profiles_are_those_of_the_seeds(tmp_path: Path) -> None:
    """
    Each profile has as many environments as the seeds name.
    """
    found = environments(tmp_path)

    for name, chosen in Seeds.read().profiles.items():
        assert sum(name in item.profiles for item in found) == len(chosen)


def test_every_keras_3_has_a_legacy_sibling(tmp_path: Path) -> None:
    """
    The same TensorFlow on the same Python, with tf_keras of that minor, its variable, and no profile.

    They stand behind all releases, in the same order: an axis has each generation of Keras in one piece.
    """
    found = environments(tmp_path)
    plain = [item for item in found if item.generation == 3]
    siblings = found[-len(plain) :]

    assert [item.id for item in found if item.id.endswith(LEGACY)] == [legacy_sibling(item.id) for item in plain]
    for release, sibling in zip(plain, siblings, strict=True):
        assert sibling.id == legacy_sibling(release.id)
        assert (sibling.python, sibling.tensorflow) == (release.python, release.tensorflow)
        assert (sibling.generation, sibling.variables, sibling.profiles) == (2, (USE_LEGACY,), frozenset())
        assert Version(sibling.keras).release[:2] == Version(sibling.tensorflow).release[:2]
        assert sibling.requirements == (f"tensorflow=={release.tensorflow}", f"tf-keras=={sibling.keras}")
        assert f"\ntf-keras=={sibling.keras} \\\n" in sibling.lock
        assert "tensorflow-cpu==" not in sibling.lock


def test_keras_three_is_pinned_by_number(tmp_path: Path) -> None:
    """
    An environment of Keras 3 asks for its Keras, older ones leave it to TensorFlow.
    """
    for item in environments(tmp_path):
        asked = any(requirement.startswith("keras==") for requirement in item.requirements)
        assert asked == (item.generation == 3)


def test_a_project_has_environments_of_its_own(tmp_path: Path) -> None:
    """
    What `matrix env lock` wrote is listed at its place, with the fingerprint that the noxfile computes.
    """
    entry = Entry(
        id="tf-2.12.0",
        python="3.11",
        tensorflow="2.12.0",
        keras="2.12.0",
        requirements=("tensorflow-cpu==2.12.0",),
        cutoff="2023-03-26T00:00:00Z",
        download=5,
        lock="tensorflow-cpu==2.12.0 \\\n    --hash=sha256:00\n",
    )
    entries.write(tmp_path / "locks", tmp_path / "locks", [entry], by="a test")

    found = environments(tmp_path)

    ids = [item.id for item in found]
    assert ids[ids.index("tf-2.12.0") - 1 : ids.index("tf-2.12.0") + 2] == ["tf-2.11", "tf-2.12.0", "tf-2.12"]
    assert found[ids.index("tf-2.12.0")].fingerprint == entry.fingerprint


def test_two_variables_make_two_environments() -> None:
    """
    Everything that changes an outcome is in the fingerprint, variables included.
    """
    entry = entries.read(DATA, DATA / "locks", catalog.toml)[0]

    assert entry.variables == ()
    assert catalog.environment(entry).fingerprint == entry.fingerprint
    assert len({fingerprint("3.11", "a", ()), fingerprint("3.11", "a", (("X", "1"),))}) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("[a]\npyhton = '3.11'", "Did you mean 'python'", id="unknown-key"),
        pytest.param("[a]\npython = '3.11'", "not complete", id="missing-key"),
        pytest.param("a = 1", "must be a table", id="no-table"),
        pytest.param("[a", "not valid TOML", id="no-toml"),
        pytest.param("['../a']", "no id", id="path-as-id"),
        pytest.param("[b]", "env lock b", id="lock-missing"),
    ],
)
def test_a_file_changed_by_hand_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """
    What is not understood is refused with a sentence that names the file.
    """
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "environments.toml").write_text(text, encoding="utf-8")
    (folder / "a.txt").write_text("", encoding="utf-8")

    with pytest.raises(UsageError, match=why):
        environments(tmp_path)
