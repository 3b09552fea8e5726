"""A static site of all runs: `publish` brings what is new below `reports/runs` into it, and a run stays where it is.

It needs neither a server nor a script: a folder of files with relative links, for Pages, any file server, or `file://`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import Incomplete, UsageError
from . import addresses, feed, history, pages, shelf
from .gathering import Refused, gathered

__all__ = ["Published", "publish"]


@dataclass(frozen=True, kw_only=True)
class Published:
    """What became of a site.

    Attributes:
        front: its first page.
        runs: how many it has.
        added: the runs that are new on it.
        unfinished: those that did not end by themselves, and are shown so.
        latest: the newest finished one; empty when none is.
        refused: what is not shown.
        size: bytes of all its files.
    """

    front: Path
    runs: int
    added: tuple[str, ...]
    unfinished: tuple[str, ...]
    latest: str
    refused: tuple[Refused, ...]
    size: int


def publish(reports: Path, site: Path, *, base_url: str = "", compress: bool = False) -> Published:
    """Bring a site up to date with the runs of a reports folder; a run that is deleted there stays on it.

    Args:
        reports: the folder that has the runs below `runs`.
        site: the folder of the site, new or from an earlier time.
        base_url: where it will be, for the addresses in its feed; may be empty.
        compress: whether the tables of runs that come in are packed.

    Raises:
        UsageError: there is no run, the site is no site, or the address is none.
        Incomplete: the disk does not take it.
    """
    base = feed.base(base_url)
    try:
        return _published(reports, site, base, compress=compress)
    except OSError as error:
        raise Incomplete(
            f"The site cannot be written to {site}: {error}. What is on it stays: mend that, and publish again."
        ) from None


def _published(reports: Path, site: Path, base: str, *, compress: bool) -> Published:
    if site.resolve().is_relative_to((reports / "runs").resolve()):
        raise UsageError(f"{site} is among the runs themselves. Name a folder outside of them: --site DIR")
    with shelf.locked(site):
        found = gathered(reports, site, compress=compress)
        if not found.runs:
            said = "".join(f" {one.name}: {one.why}" for one in found.refused)
            raise UsageError(f"There is no run to publish below {reports / 'runs'}. `matrix run` makes one.{said}")
        known = history.site(found.runs)
        if known.latest:
            shelf.mirror(site, known.latest.id)
        _write(site, known, found.refused, base)
    return Published(
        front=site / addresses.FRONT,
        runs=len(found.runs),
        added=found.added,
        unfinished=tuple(one.id for one in found.runs if not one.complete),
        latest=known.latest.id if known.latest else "",
        refused=found.refused,
        size=sum((site / name).stat().st_size for name in shelf.files(site)),
    )


def _write(site: Path, known: history.Site, refused: tuple[Refused, ...], base: str) -> None:
    """Write all pages, those that lead to others last, and take away those of what is no more."""
    files = [name for name in shelf.files(site / "latest") if addresses.allowed(name)] if known.latest else []
    written = set()
    for path, text in pages.pages(known, pages.Front(files=tuple(files), refused=refused)):
        shelf.write(site, path, text)
        written.add(path)
    shelf.write(site, addresses.FEED, feed.feed(known, base))
    shelf.write(site, ".nojekyll", "")  # else Pages of a branch would look for templates in every page
    for folder in ("pairs", "scenarios", "changes"):
        shelf.prune(site, folder, written)
