"""The files of a site: runs come in as whole copies and stay, pages replace pages, and links are never followed.

<site>/runs/<id>/           a run, as its folder was; a file keeps the form that it was published in
<site>/history/<id>.json    what history keeps of it
<site>/latest/              the newest finished run once more
<parent>/.<site>.lock       flock: one publishes at a time
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UsageError
from ..failpoints import reach
from ..report.files import place

PACKED = frozenset({"results.csv", "results.jsonl"})  # a full run has 18 MB of them, which pack to a thirtieth
NEEDED = "index.html"  # the last file that a run writes
DRAFT = ".draft-"
TRIES = 3


class Unsettled(Exception):
    """A run is being written while it is copied."""


@contextmanager
def locked(site: Path) -> Iterator[None]:
    """Hold a site alone, for as long as it takes; what a publish that was killed has left is cleared away.

    Raises:
        UsageError: the folder belongs to something else, or is a link in part.
    """
    site.parent.mkdir(parents=True, exist_ok=True)
    with (site.parent / f".{site.name}.lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if site.exists() and (not site.is_dir() or (any(site.iterdir()) and not (site / "history").is_dir())):
            raise UsageError(f"{site} holds something else than a site of the matrix. Name an empty folder: --site DIR")
        for name in ("history", "runs"):  # in this order: the first tells that this is a site
            room(site, name)
        for left in (site / "runs").glob(f"{DRAFT}*"):
            shutil.rmtree(left)
        for left in site.rglob(".*.part"):
            left.unlink()
        yield


def room(site: Path, name: str) -> Path:
    """Return a folder of the site, made where it is not there. UsageError when it is a link on the way."""
    folder = site
    folder.mkdir(exist_ok=True)
    for part in Path(name).parts:
        folder /= part
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link. What is published is written into {site} only: remove the link.")
        folder.mkdir(exist_ok=True)
    return folder


def write(site: Path, name: str, text: str) -> None:
    """Let a file of the site hold a text, whole at any time; one that holds it already is not touched."""
    path, held = _path(site, name), text.encode("utf-8", "replace")
    if _has(path, held):
        return
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    draft.write_bytes(held)  # not synced: a page can be made again, and to sync hundreds takes as long as to make them
    draft.replace(path)


def prune(site: Path, folder: str, keep: Collection[str]) -> None:
    """Remove the pages of a folder that are not to be kept: what they told of is not on the site any more."""
    for path in sorted((site / folder).rglob("*.html")):
        if path.relative_to(site).as_posix() not in keep:
            path.unlink()


def files(folder: Path) -> list[str]:
    """Return the names of the plain files below a folder, the page last; neither links nor hidden files."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(where, name)
            if not name.startswith(".") and stat.S_ISREG(path.lstat().st_mode):
                found.append(path.relative_to(folder).as_posix())
    return sorted(found, key=lambda name: (name == NEEDED, name))


def same(source: Path, published: Path) -> bool:
    """Whether all of a run is published as it is."""
    return published.is_dir() and all(_holds(published, name, _bytes(source / name)) for name in files(source))


def content(folder: Path, name: str) -> bytes:
    """Return what a file of a published run holds, be it packed or not. OSError when it is not there, or damaged."""
    form = _form(folder, name)
    held = _bytes(folder / form)
    try:
        return gzip.decompress(held) if form != name else held
    except (EOFError, zlib.error) as error:
        raise OSError(errno.EIO, f"it is damaged ({error})", form) from None


def digest(folder: Path) -> str:
    """Return what tells a published run from all others. OSError when it lacks a file."""
    told = hashlib.sha256()
    for name in ("run.json", "results.jsonl"):
        told.update(hashlib.sha256(content(folder, name)).digest())
    return told.hexdigest()


@contextmanager
def drafted(source: Path, site: Path) -> Iterator[Path]:
    """Yield a copy of a run in which all files are of the same moment.

    Raises:
        Unsettled: it is being written.
    """
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=room(site, "runs")))
    try:
        for _ in range(TRIES):
            copy, before = draft / "run", _stamps(source)
            for name in before:
                reach("site.before_copy")
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes(_bytes(source / name))
            if _stamps(source) == before and NEEDED in before:
                yield copy
                return
            shutil.rmtree(copy, ignore_errors=True)
        raise Unsettled
    finally:
        shutil.rmtree(draft)


def publish(draft: Path, site: Path, name: str, *, compress: bool) -> None:
    """Let a run be what its draft is. A new one appears at once; of one that is there, what changed is replaced."""
    published = room(site, "runs") / name
    if published.is_symlink():
        raise UsageError(f"{published} is a link. What is published is written into {site} only: remove the link.")
    target = published if published.exists() else draft.with_name("new")
    for file in files(draft):
        form = _form(target, file, compress=compress)
        held = _bytes(draft / file)
        if not _holds(target, file, held):
            place(_path(target, form), [held if form == file else gzip.compress(held, mtime=0)])
    if target is not published:
        reach("site.before_rename")
        target.rename(published)


def mirror(site: Path, name: str) -> None:
    """Let `latest` hold the files of a published run, and nothing else."""
    published, latest = site / "runs" / name, room(site, "latest")
    for file in files(published):
        path, held = _path(latest, file), _bytes(published / file)
        if not _has(path, held):
            place(path, [held])
    for file in {*files(latest)} - {*files(published)}:
        (latest / file).unlink()


def _form(folder: Path, name: str, *, compress: bool = False) -> str:
    """Return the name that a file of a run has where it is published: an address that was given stays."""
    if (folder / name).exists():
        return name
    return f"{name}.gz" if (folder / f"{name}.gz").exists() or (compress and name in PACKED) else name


def _holds(folder: Path, name: str, held: bytes) -> bool:
    try:
        return content(folder, name) == held
    except OSError:
        return False


def _path(folder: Path, name: str) -> Path:
    """Return where a file is to be written, its folders made."""
    path = Path(name)
    return room(folder, str(path.parent)) / path.name


def _has(path: Path, held: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and _bytes(path) == held


def _bytes(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def _stamps(folder: Path) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name in files(folder):
        facts = (folder / name).lstat()
        found[name] = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return found
