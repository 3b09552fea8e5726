"""Takes what others left on a disk: regular files and folders of a model's size, and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

BYTES = 4 << 30  # of one model
FILES = 100_000
DEPTH = 64  # of folders in folders
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
        raise Hostile(f"{source.name!r} is a link or a device")
    target.mkdir()
    for folder, folders, files, descriptor in os.fwalk(source):
        inner = Path(folder).relative_to(source)
        here = target / inner
        left -= len(folders) + len(files)
        if left < 0:
            raise Hostile(f"{source.name!r} has more than {FILES:,} entries")
        if len(inner.parts) > DEPTH:
            raise Hostile(f"{source.name!r} has more than {DEPTH} folders in each other")
        for name in (*folders, *files):
            if stat.S_ISLNK(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                raise Hostile(f"{name!r} is a link")
        for name in folders:
            (here / name).mkdir()
        for name in files:
            room -= _file(None, descriptor, name, here / name, room)


def _file(parent: Path | None, folder: int | None, name: str, target: Path, room: int) -> int:
    """Copy one regular file of at most so many bytes, and return how many it had."""
    path = name if parent is None else str(parent / name)
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(handle, "rb") as file, target.open("xb") as copy:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise Hostile(f"{name!r} is a device")
        written, data = found.st_size, b""  # before anything is copied: a file with holes takes no room, its copy would
        while written <= room and (data := file.read(CHUNK)):
            copy.write(data)
            written = max(written, file.tell())  # it may grow
        if written > room:
            raise Hostile(f"{name!r} makes it larger than {BYTES >> 30} GB")
    return written
