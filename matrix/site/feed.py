"""The feed: an entry for each finished run with which something changed, valid wherever the site will be."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ..diff import Kind
from ..errors import UsageError
from ..report import words
from . import addresses
from .history import Site
from .pages import Writer, by_case, by_pair, told
from .past import Past

LIMIT = 50  # entries
EXAMPLES = 25  # changes of one kind that an entry lists; where there are more, by scenario and format
_SPACE = uuid.UUID("6e1d2f0c-6c5b-5a52-9f57-2d7c1a8b5f43")  # of all ids below, so that they are the same everywhere


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one run changed."""

    id: str
    title: str
    updated: str
    page: str
    lead: str
    items: tuple[str, ...]


def feed(known: Site, base: str) -> str:
    """Return the feed of a site that has a run, as Atom (https://www.rfc-editor.org/rfc/rfc4287).

    Args:
        known: the runs of the site, at least one.
        base: where it will be, with a slash at its end; empty when nobody knows, and then links are relative.
    """
    newest = known.latest or known.runs[-1]
    _, made = Writer().page(
        "feed.xml.j2",
        addresses.FEED,
        id=_named("feed", known.runs[0].id),
        updated=_stamp(newest),
        base=base,
        entries=list(_entries(known))[:LIMIT],
    )
    return made


def base(url: str) -> str:
    """Return the address of a site with a slash at its end, empty for none. UsageError when it cannot be one."""
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or not url.isprintable() or " " in url:
        raise UsageError(
            f"--base-url {url!r} is no address. One begins with https://, e.g. https://example.org/matrix/"
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + "/", "", ""))


def _entries(known: Site) -> Iterator[Entry]:
    """Yield what there is to tell, the newest first."""
    for run in reversed([one for one in known.runs if one.complete]):
        changes = known.changes.get(run.id)
        if changes is None:
            lead, items, title, page = "The first finished run.", [], "The first finished run", addresses.run(run.id)
        elif changes:
            title, page = told(changes), addresses.changes(run.id)
            lead = f"Since the run {known.before[run.id].id}: {title}."
            items = list(_items(known, run))
        else:
            continue
        answer = f"{run.question} {run.headline}"
        yield Entry(
            id=_named("run", run.id),
            title=f"{title[:1].upper()}{title[1:]}",
            updated=_stamp(run),
            page=page,
            lead=f"{lead} {answer}",
            items=tuple(items),
        )


def _items(known: Site, run: Past) -> Iterator[str]:
    changes = known.changes[run.id]
    for kind in (Kind.REGRESSED, Kind.REPAIRED):
        listed = [one for one in changes if one.kind is kind]
        if len(listed) <= EXAMPLES:
            yield from (f"{kind}: {'/'.join(one.cell)} from {one.before} to {one.after}" for one in listed)
            continue
        groups = by_case(listed, kind)
        for (scenario, format_), number in groups[:EXAMPLES]:
            yield f"{kind}: {words.counted(number, 'cell')} of {scenario} as {format_}"
        if len(groups) > EXAMPLES:
            yield f"{kind}: and cells of {len(groups) - EXAMPLES:,} more kinds"
    for kind in (Kind.NEW, Kind.GONE):
        pairs = by_pair(changes, kind)
        if pairs:
            yield f"{kind}: {sum(number for _, number in pairs):,} cells of {len(pairs):,} pairs"


def _named(*parts: str) -> str:
    return uuid.uuid5(_SPACE, "/".join(parts)).urn


def _stamp(run: Past) -> str:
    return run.finished_at.isoformat(timespec="seconds").replace("+00:00", "Z")
