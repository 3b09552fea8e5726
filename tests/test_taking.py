"""What others left on a disk is taken as regular files and folders, or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from matrix.artifact import tree_digest
from matrix.taking import BYTES, DEPTH, FILES, Hostile, taken


def deep(folder: Path, levels: int) -> Path:
    """A folder with a file under so many folders in each other, deeper than a path can name."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a", dir_fd=here)
        inner = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)
    return folder


def sparse(path: Path, size: int) -> Path:
    """A file of a size that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_folder_is_copied_whole_and_owes_nothing_to_the_original(tmp_path: Path) -> None:
    """
    Names of any bytes included; what could be executed cannot be any more.
    """
    source = deep(tmp_path / "model", DEPTH - 1)
    for name in (b"-rf", b"new\nline", b"\xff\xfe", "\u202etxt".encode(), b"x" * 255):
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_bytes(name)
    (source / "-rf").chmod(0o4755)

    taken(source, tmp_path / "copy")

    assert tree_digest(tmp_path / "copy") == tree_digest(source)
    assert not (tmp_path / "copy" / "-rf").stat().st_mode & 0o7111


@pytest.mark.parametrize("levels", [DEPTH + 1, 5_000], ids=["one-more", "deeper-than-a-path"])
def test_folders_in_folders_have_an_end(tmp_path: Path, levels: int) -> None:
    """
    However deep they are, that is one sentence.
    """
    source = deep(tmp_path / "model", levels)

    with pytest.raises(Hostile, match="folders in each other"):
        taken(source, tmp_path / "copy")

    subprocess.run(["rm", "-rf", source], check=True)  # Python's own rmtree gets lost in it, and pytest's cleaning


def test_more_entries_than_any_model_has_are_refused(tmp_path: Path) -> None:
    """
    Before they are copied.
    """
    source = tmp_path / "model"
    source.mkdir()
    for number in range(FILES + 1):
        (source / str(number)).touch()

    with pytest.raises(Hostile, match="entries"):
        taken(source, tmp_path / "copy")

    assert not any((tmp_path / "copy").iterdir())


@pytest.mark.parametrize("parts", [1, 2], ids=["one-file", "two-together"])
def test_a_model_larger_than_any_is_refused_before_it_is_copied(tmp_path: Path, parts: int) -> None:
    """
    A file with holes takes no room where it is, and would take all there is where it goes.
    """
    source = tmp_path / "model"
    source.mkdir()
    for number in range(parts):
        sparse(source / str(number), BYTES + 1 if parts == 1 else number * BYTES + 1)

    with pytest.raises(Hostile, match="larger than 4 GB"):
        taken(source, tmp_path / "copy")

    assert sum(file.stat().st_blocks for file in (tmp_path / "copy").iterdir()) < 100


def test_names_in_a_refusal_cannot_write_on_a_terminal(tmp_path: Path) -> None:
    """
    They are told with their control characters spelled out.
    """
    source = tmp_path / "model"
    source.mkdir()
    (source / "\x1b]0;owned\x07\n").symlink_to("/etc/passwd")

    with pytest.raises(Hostile) as refused:
        taken(source, tmp_path / "copy")

    assert str(refused.value).isprintable()
