"""Real environments: from the package index to an interpreter that imports TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from matrix import catalog, update
from matrix.backends.nox import NoxEnvironments
from matrix.config import UserEnvironment
from matrix.errors import EnvironmentFailed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
CODE = "import tensorflow as tf; print(tf.__version__)"


def imported(python: Path) -> str:
    """Return the version of the TensorFlow that an interpreter imports."""
    done = subprocess.run([python, "-I", "-B", "-c", CODE], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("id_", ["tf-1.15", "tf-2.21"])
def test_the_ends_of_the_catalogue_import(id_: str, tmp_path: Path) -> None:
    """
    The oldest environment (with sources to build) and the newest are built, and import the version they are named for.
    """
    environment = next(item for item in catalog.environments(tmp_path) if item.id == id_)

    built = NoxEnvironments(tmp_path, tmp_path / ".nox").ensure(environment, print)

    assert imported(built.python) == environment.tensorflow


def test_a_patch_is_an_environment_of_the_project(tmp_path: Path) -> None:
    """
    Any release can be locked by its number, with the packages of its own time, and imports.
    """
    (made,) = update.lock(tmp_path, {}, ["tf-2.12.0"], update.online(), print)
    environment = next(item for item in catalog.environments(tmp_path) if item.id == "tf-2.12.0")

    built = NoxEnvironments(tmp_path, tmp_path / ".nox").ensure(environment, print)

    assert (made.keras, made.python) == ("2.12.0", "3.11")
    assert imported(built.python) == "2.12.0"


def test_a_pasted_freeze_becomes_the_same_packages(tmp_path: Path) -> None:
    """
    What `pip freeze` says on a server is what the environment holds.
    """
    freeze = "absl-py==2.1.0\nnumpy==1.26.4\nsix==1.16.0\n"
    (tmp_path / "requirements.txt").write_text(f"# from the server\n\n{freeze}", encoding="utf-8")
    own = {"server": UserEnvironment(python="3.11", requirements=Path("requirements.txt"))}

    update.lock(tmp_path, own, [], update.online(), print)
    environment = next(item for item in catalog.environments(tmp_path) if item.id == "server")
    built = NoxEnvironments(tmp_path, tmp_path / ".nox").ensure(environment, print)

    held = "".join(f"{name}=={version}\n" for name, version in sorted(built.mark.packages.items()))
    assert held == freeze


def test_a_conflict_is_told_in_the_words_of_uv(tmp_path: Path) -> None:
    """
    Pins that exclude each other fail with the reason, and leave no lock.
    """
    own = {"broken": UserEnvironment(python="3.11", requirements=("tensorflow==2.15.1", "numpy==2.0.0"))}

    with pytest.raises(EnvironmentFailed, match=r"tensorflow==2\.15\.1 depends on numpy"):
        update.lock(tmp_path, own, [], update.online(), print)

    assert not (tmp_path / "locks").exists()


def test_the_sessions_work_from_an_installed_wheel(tmp_path: Path) -> None:
    """
    The wheel brings the noxfile, the catalogue and the locks; nothing of the checkout is needed.
    """
    uv = find_uv_bin()
    subprocess.run([uv, "build", "--wheel", "--out-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([uv, "venv", "--python", sys.executable, tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--python", python, wheel], check=True)

    code = "from matrix.backends.nox import NOXFILE; print(NOXFILE)"
    noxfile = subprocess.run(
        [python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.strip()
    listed = subprocess.run(
        [python, "-I", "-m", "nox", "-f", noxfile, "-l"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout

    assert noxfile.startswith(str(tmp_path / "venv"))
    assert "env(tf-2.12)" in listed
