"""Where interpreters are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix import interpreters

ELF = b"\x7fELF"


def put(path: Path, content: bytes = ELF) -> Path:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("place", "variable", "value"),
    [
        pytest.param("bin", "PATH", "bin", id="path"),
        pytest.param("root/versions/3.11.7/bin", "PYENV_ROOT", "root", id="pyenv-root"),
        pytest.param("home/.pyenv/versions/3.11.7/bin", "", "", id="pyenv-home"),
        pytest.param("uv/cpython-3.11.9-linux-x86_64-gnu/bin", "UV_PYTHON_INSTALL_DIR", "uv", id="uv-variable"),
        pytest.param("xdg/uv/python/cpython-3.11.9-linux/bin", "XDG_DATA_HOME", "xdg", id="uv-xdg"),
        pytest.param("home/.local/share/uv/python/cpython-3.11.9-linux/bin", "", "", id="uv-home"),
        pytest.param("conda/bin", "CONDA_PREFIX", "conda", id="conda-active"),
        pytest.param("home/miniconda3/envs/tf/bin", "", "", id="conda-home"),
    ],
)
def test_each_place_is_looked_at(tmp_path: Path, place: str, variable: str, value: str) -> None:
    """
    PATH, pyenv, uv and conda: wherever one of them keeps an interpreter, it is found by its absolute path.
    """
    expected = put(tmp_path / place / "python3.11")
    environ = {variable: str(tmp_path / value)} if variable else {}

    found = interpreters.find("3.11", environ, tmp_path / "home")

    assert found.path == expected
    assert expected.parent in found.places


def test_a_shim_is_no_interpreter(tmp_path: Path) -> None:
    """
    A script on PATH is passed over, even when it would answer: pyenv's shims fail for versions that are not global.
    """
    put(tmp_path / "shims" / "python3.8", b"#!/usr/bin/env bash\nexit 127\n")
    real = put(tmp_path / ".pyenv" / "versions" / "3.8.18" / "bin" / "python3.8")

    found = interpreters.find("3.8", {"PATH": str(tmp_path / "shims")}, tmp_path)

    assert found.path == real


def test_broken_places_are_survived(tmp_path: Path) -> None:
    """
    Broken links, folders, files without the executable bit, relative and missing entries of PATH stop nothing.
    """
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "python3.8").symlink_to(tmp_path / "gone")
    (tmp_path / "b" / "python3.8").mkdir(parents=True)
    put(tmp_path / "c" / "python3.8").chmod(0o644)
    (tmp_path / ".pyenv").write_text("a file", encoding="utf-8")
    path = ":".join(["", "relative", *(str(tmp_path / name) for name in ("a", "b", "c", "none"))])

    found = interpreters.find("3.8", {"PATH": path}, tmp_path)

    assert found.path is None
    assert tmp_path / "none" in found.places


def test_the_newest_patch_is_taken(tmp_path: Path) -> None:
    """
    Of several patches the newest wins, by number: 3.8.9 is older than 3.8.18.
    """
    for patch in ("3.8.9", "3.8.18", "3.8.2"):
        put(tmp_path / ".pyenv" / "versions" / patch / "bin" / "python3.8")

    found = interpreters.find("3.8", {}, tmp_path)

    assert found.path is not None
    assert "3.8.18" in str(found.path)


def test_what_uv_can_download() -> None:
    """
    Builds of uv start with 3.8; older ones and inventions must be brought by the user.
    """
    assert [interpreters.downloadable(python) for python in ("3.7", "3.8", "3.11", "3.99")] == [
        False,
        True,
        True,
        False,
    ]
