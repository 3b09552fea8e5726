"""What a save left behind: files that are looked at by their bytes, never opened by a library."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .model import Format, Save
from .protocol import Saved
from .results import Attempt

FILE_NAMES = {
    Format.H5: "model.h5",
    Format.KERAS: "model.keras",
    Format.SAVED_MODEL: "saved_model",
    Format.EXPORT: "export",
    Format.WEIGHTS_H5: "model.weights.h5",
}
_MAGIC = ((b"\x89HDF\r\n\x1a\n", "hdf5"), (b"PK\x03\x04", "zip"))


class Trust(Enum):
    """Whose word a file is."""

    OURS = "ours"  # a run of this tool wrote it, and knows its digest
    VOUCHED = "vouched for"  # it came from elsewhere, and the user answers for who made it
    FOREIGN = "foreign"  # it came from elsewhere: it is opened where it can do no harm; see `foreign.py`


class ArtifactError(ValueError):
    """What is on disk is no artifact: missing, empty, or with links in it."""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """How one save ended.

    Attributes:
        save, key: which one, and its key.
        path: where the artifact is; None when there is none.
        digest: of its files when they were written.
        saved: what its writer fed and predicted; None when there is none.
        container: what was really written.
        unsupported: why the writer has no such format; empty when it has.
        failed: how the save went wrong; None when it did not.
        fault: what on our side kept it from being saved; empty when nothing did. Never stored.
        trust: whose word it is.
    """

    save: Save
    key: str
    path: Path | None = None
    digest: str = ""
    saved: Saved | None = None
    container: str = ""
    unsupported: str = ""
    failed: Attempt | None = None
    fault: str = ""
    trust: Trust = Trust.OURS

    @property
    def brought(self) -> bool:
        """Whether it came from elsewhere: nobody here can save it again, and what it does says nothing of our saves."""
        return self.trust is not Trust.OURS

    @property
    def foreign(self) -> bool:
        """Whether it may be opened in a sandbox only."""
        return self.trust is Trust.FOREIGN

    @property
    def intact(self) -> bool:
        """Whether the files are still those that were written."""
        try:
            return self.path is not None and tree_digest(self.path) == self.digest
        except (ArtifactError, OSError):
            return False

    @property
    def inode(self) -> int:
        """Tells its files from those of another save, which come to the same place; 0 where none are."""
        try:
            return self.path.stat().st_ino if self.path is not None else 0
        except OSError:
            return 0


def container(path: Path) -> str:
    """Return what was really written at `path`: `hdf5`, `zip`, `saved_model` or `unknown`."""
    if path.is_dir():
        return "saved_model" if (path / "saved_model.pb").is_file() else "unknown"
    with path.open("rb") as file:
        head = file.read(8)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "unknown")


def tree_digest(path: Path) -> str:
    """Return one SHA-256 for a file, or for a folder with its sorted relative paths.

    Raises:
        ArtifactError: nothing is there, or something in it is neither a file nor a folder.
    """
    if path.is_symlink() or not path.exists():
        raise ArtifactError(f"{path.name} is missing")
    files = (
        [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_symlink() or not item.is_dir())
    )
    listed = []
    for file in files:
        if file.is_symlink() or not file.is_file():
            raise ArtifactError(f"{file.name} is a link or a device")
        name = "" if file == path else file.relative_to(path).as_posix()
        with file.open("rb") as content:  # in parts: it may be larger than our memory
            listed.append((name, hashlib.file_digest(content, "sha256").hexdigest()))
    if not listed:
        raise ArtifactError(f"{path.name} is empty")
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; links are not followed."""
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return sum(item.lstat().st_size for item in files)
