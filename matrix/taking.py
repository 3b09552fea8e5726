"""Takes what others left on a disk: regular files and folders of a model's size, and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

BYTES = 4 << 30  # of one model
FILES = 100_000
CHUNK = 1 << 20


class Hostile(ValueError):
    """There is more than regular files and folders of a model's size."""


def taken(source: Path, target: Path) -> None:
    """Copy a model that somebody else left: regular files and folders, opened so that no link is ever followed.

    Args:
        source: a file or a folder; who wrote it may change it while it is read.
        target: where to; nothing is there yet.

    Raises:
        Hostile: there is something else, or too much.
        OSError: nothing is there.
    """
    room, left = BYTES, FILES
    kind = source.lstat().st_mode
    if stat.S_ISREG(kind):
        _file(source.parent, None, source.name, target, room)
        return
    if not stat.S_ISDIR(kind):
        raise Hostile(f"{source.name} is a link or a device")
    target.mkdir()
    for folder, folders, files, descriptor in os.fwalk(source):
        here = target / Path(folder).relative_to(source)
        left -= len(folders) + len(files)
        if left < 0:
            raise Hostile(f"{source.name} has more than {FILES:,} entries")
        for name in folders:
            if not stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                raise Hostile(f"{name} is a link")
            (here / name).mkdir()
        for name in files:
            room -= _file(None, descriptor, name, here / name, room)


def _file(parent: Path | None, folder: int | None, name: str, target: Path, room: int) -> int:
    """Copy one regular file of at most so many bytes, and return how many it had."""
    path = name if parent is None else str(parent / name)
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(handle, "rb") as file, target.open("xb") as copy:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Hostile(f"{name} is a device")
        written = 0
        while data := file.read(CHUNK):
            written += len(data)
            if written > room:
                raise Hostile(f"{name} is larger than {BYTES >> 30} GB")
            copy.write(data)
    return written
