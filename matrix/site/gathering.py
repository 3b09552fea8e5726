"""Which runs a site has: those that were published before, and those of the reports folder that can be read."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import report
from ..errors import UsageError
from . import addresses, shelf
from .past import Past, decoded, encoded, past

_UNREADABLE = (errno.EACCES, errno.EIO, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.EPERM)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A run that is not shown, or not as it is now, and why.

    Attributes:
        name: of its folder.
        why: in a sentence.
        busy: it is being written, or was cut off while it was: nobody has to mend anything.
    """

    name: str
    why: str
    busy: bool = False


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """All runs of a site in the order of time, the names of those that are new, and what is not shown."""

    runs: tuple[Past, ...]
    added: tuple[str, ...]
    refused: tuple[Refused, ...]


def gathered(reports: Path, site: Path, *, compress: bool) -> Gathered:
    """Copy into the site what is new or other than it was, and return all that is published now.

    Args:
        reports: the folder that has the runs below `runs`.
        site: of which the caller holds the lock.
        compress: whether to pack the tables of runs that come in.
    """
    published = site / "runs"
    before = set(_names(published))
    refused = list(_taken_in(reports, site, compress=compress))
    found: list[Past] = []
    for name in _names(published):
        try:
            found.append(_known(site, name))
        except (UsageError, ValueError, OSError) as error:
            refused.append(Refused(name=name, why=_plain(error, published / name)))
    runs = tuple(sorted(found, key=lambda one: (one.started_at, one.id)))
    added = tuple(one.id for one in runs if one.id not in before)
    return Gathered(runs=runs, added=added, refused=tuple(refused))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if not path.name.startswith("."))


def _taken_in(reports: Path, site: Path, *, compress: bool) -> Iterator[Refused]:
    """Copy runs into the site, and yield those that cannot be."""
    for name in _names(reports / "runs"):
        source, published = reports / "runs" / name, site / "runs" / name
        try:
            if not _looks_like_a_run(source):
                yield Refused(name=name, why="It has no page yet: it is being written, or was cut off.", busy=True)
            elif not shelf.same(source, published):
                _take_in(source, site, compress=compress)
        except shelf.Unsettled:
            yield Refused(name=name, why="It was being written while it was to be copied.", busy=True)
        except (UsageError, ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _UNREADABLE:
                raise  # the disk is full, say, and this run is as good as others
            yield Refused(name=name, why=_plain(error, source))


def _looks_like_a_run(source: Path) -> bool:
    """Whether a folder has the page that a run writes last. ValueError when it can be none."""
    if source.is_symlink():
        raise ValueError("It is a link, and links are not followed.")
    if not source.is_dir():
        raise ValueError("It is no folder.")
    if not addresses.allowed(source.name):
        raise ValueError("Its name cannot be an address: use letters, digits, dots, dashes, at most 100.")
    return (source / shelf.NEEDED).is_file()


def _take_in(source: Path, site: Path, *, compress: bool) -> None:
    with shelf.drafted(source, site) as draft:
        known = _read(draft, source.name)
        shelf.publish(draft, site, source.name, compress=compress)
        shelf.write(site, _history(source.name), encoded(known))


def _known(site: Path, name: str) -> Past:
    """Return what history has of a published run; where that is lost or outdated, it is read from the run again."""
    folder, kept = site / "runs" / name, site / _history(name)
    if folder.is_symlink() or not addresses.allowed(name):
        raise ValueError("It is a link, or has no name that can be an address.")
    if kept.is_file() and not kept.is_symlink():
        try:
            known = decoded(kept.read_text(encoding="utf-8"))
        except ValueError:
            known = None  # of another edition, or damaged: what it was made from is still there
        if known is not None and known.id == name and known.digest == shelf.digest(folder):
            return known
    with tempfile.TemporaryDirectory() as plain:
        for part in ("run.json", "results.jsonl"):
            Path(plain, part).write_bytes(shelf.content(folder, part))
        found = _read(Path(plain), name)
    shelf.write(site, _history(name), encoded(found))
    return found


def _read(folder: Path, name: str) -> Past:
    try:
        run = report.read(folder)
    except UsageError as error:
        raise UsageError(_plain(error, folder)) from None
    if run.id != name:
        raise ValueError(f"It holds the run {run.id}, and is called otherwise. Give the folder the name of its run.")
    return past(run, shelf.digest(folder))


def _history(name: str) -> str:
    return f"history/{name}.json"


def _plain(error: Exception, folder: Path) -> str:
    """Return what an error says without the place of this disk: a page is for strangers."""
    if isinstance(error, OSError):
        return f"{Path(error.filename).name if error.filename else 'A file'}: {error.strerror or error}."
    return str(error).replace(str(folder), "It")
