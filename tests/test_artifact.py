"""What a save left behind, looked at by its bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrix.artifact import FILE_NAMES, ArtifactError, container, size, tree_digest
from matrix.model import Format


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A SavedModel of two files."""
    folder = tmp_path / "saved_model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    return folder


def test_every_format_has_its_own_name() -> None:
    """
    The ending decides in Keras, so no two formats share a file name.
    """
    assert set(FILE_NAMES) == set(Format)
    assert len(set(FILE_NAMES.values())) == len(Format)
    assert FILE_NAMES[Format.WEIGHTS_H5].endswith(".weights.h5")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(b"\x89HDF\r\n\x1a\n rest", "hdf5", id="hdf5"),
        pytest.param(b"PK\x03\x04 rest", "zip", id="zip"),
        pytest.param(b"PK\x05\x06", "unknown", id="empty-zip"),
        pytest.param(b"\x89HDF", "unknown", id="cut-off"),
        pytest.param(b"", "unknown", id="empty"),
    ],
)
def test_the_bytes_say_what_was_written(tmp_path: Path, data: bytes, name: str) -> None:
    """
    Whatever the file is called.
    """
    path = tmp_path / "model.keras"
    path.write_bytes(data)

    assert container(path) == name


def test_a_folder_is_a_saved_model_by_its_graph(tree: Path) -> None:
    """
    Without `saved_model.pb` it is something unknown.
    """
    assert container(tree) == "saved_model"

    (tree / "saved_model.pb").unlink()
    assert container(tree) == "unknown"


def test_equal_trees_have_equal_digests(tree: Path, tmp_path: Path) -> None:
    """
    Where it is, and when its files were written, does not matter.
    """
    before = tree_digest(tree)

    moved = tree.rename(tmp_path / "elsewhere")
    os.utime(moved / "saved_model.pb", (0, 0))

    assert tree_digest(moved) == before


def test_every_change_of_a_tree_changes_its_digest(tree: Path) -> None:
    """
    One byte, a new file, a new name, a file that went away.
    """
    seen = [tree_digest(tree)]
    index = tree / "variables" / "variables.index"

    index.write_bytes(b"indeX")
    seen.append(tree_digest(tree))
    (tree / "fingerprint.pb").write_bytes(b"")
    seen.append(tree_digest(tree))
    index.rename(tree / "variables" / "index")
    seen.append(tree_digest(tree))
    (tree / "fingerprint.pb").unlink()
    seen.append(tree_digest(tree))

    assert len(set(seen)) == 5


def test_a_file_is_not_a_folder_with_that_file(tmp_path: Path) -> None:
    """
    Their digests differ.
    """
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file", tmp_path / "folder" / "file"):
        path.write_bytes(b"same")

    assert tree_digest(tmp_path / "file") != tree_digest(tmp_path / "folder")


def test_names_can_be_any_bytes(tmp_path: Path) -> None:
    """
    Line ends, quotes and bytes that are no UTF-8 are names too.
    """
    for name in (b"line\nend", b'quote"', b"\xff\xfe", "é".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")

    assert len(tree_digest(tmp_path)) == 64


def test_nothing_is_no_artifact(tmp_path: Path) -> None:
    """
    A missing path and a folder without files.
    """
    (tmp_path / "empty" / "variables").mkdir(parents=True)

    with pytest.raises(ArtifactError, match="missing"):
        tree_digest(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="empty"):
        tree_digest(tmp_path / "empty")


@pytest.mark.parametrize("target", ["file", "folder", "nowhere"])
@pytest.mark.parametrize("place", ["assets", "variables/assets"])
def test_a_link_in_a_tree_is_refused(tree: Path, tmp_path: Path, target: str, place: str) -> None:
    """
    What a link points to could change under the digest, also when it is a folder.
    """
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    (tree / place).symlink_to(tmp_path / target)

    with pytest.raises(ArtifactError, match="is a link"):
        tree_digest(tree)


@pytest.mark.parametrize("target", ["saved_model", "nowhere"])
def test_a_link_in_place_of_an_artifact_is_refused(tree: Path, target: str) -> None:
    """
    An artifact is there itself, or it is not there.
    """
    link = tree.parent / "link"
    link.symlink_to(tree.parent / target)

    with pytest.raises(ArtifactError, match="missing"):
        tree_digest(link)


def test_a_pipe_in_a_tree_is_refused(tree: Path) -> None:
    """
    Reading it would wait for ever.
    """
    os.mkfifo(tree / "pipe")

    with pytest.raises(ArtifactError, match="device"):
        tree_digest(tree)


def test_size_counts_files_and_follows_no_link(tree: Path, tmp_path: Path) -> None:
    """
    The bytes of what is there itself.
    """
    (tmp_path / "big").write_bytes(b"x" * 10_000)
    (tree / "link").symlink_to(tmp_path / "big")

    assert size(tree / "saved_model.pb") == 5
    assert 10 <= size(tree) < 1_000
    assert size(tmp_path / "nowhere") == 0
