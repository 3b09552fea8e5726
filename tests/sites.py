"""Runs that follow each other, and a site of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import synthetic

from matrix import report
from matrix.model import Status
from matrix.results import Run

QUESTIONS = {name: synthetic.QUESTIONS[name] for name in ("batch_norm", "custom_layer", "sequential")}
TINY = synthetic.run(("2.9", "2.15", "2.21"), questions=QUESTIONS)
DAYS = ("2026-05-02", "2026-05-09", "2026-05-16")


def of_day(day: str, run: Run = TINY, *, swapped: Mapping[str, str] | None = None, every: int = 7) -> Run:
    """A run of another day, in which some cells, each seventh of a letter, got another letter."""
    seen: Counter[str] = Counter()
    results = []
    for one in run.results:
        letter = str(one.status)
        seen[letter] += 1
        other = (swapped or {}).get(letter, letter) if seen[letter] % every == 0 else letter
        results.append(replace(one, status=Status(other)))
    return replace(
        run,
        id=f"{day}T03-17-00.000",
        started=f"{day}T03:17:00+00:00",
        finished=f"{day}T03:49:10+00:00",
        results=tuple(results),
    )


@cache
def three() -> tuple[Run, Run, Run]:
    """Three runs: in the second some cells break, in the third these are mended and a scenario is no more."""
    first, second, third = DAYS
    cut = replace(
        TINY,
        scenarios=TINY.scenarios[:-1],
        results=tuple(one for one in TINY.results if one.cell.scenario != TINY.scenarios[-1].name),
    )
    return of_day(first), of_day(second, swapped={"P": "F", "F": "R", "R": "P"}), of_day(third, cut)


def stored(reports: Path, *runs: Run) -> Path:
    """Store runs as `matrix run` does, and return the folder."""
    for run in runs:
        folder = reports / "runs" / run.id
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files(run).items():
            (folder / name).write_bytes(text)
    return reports


@cache
def files(run: Run) -> dict[str, bytes]:
    """The files of a stored run; most tests store the same few."""
    with tempfile.TemporaryDirectory() as folder:
        report.write(run, Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def parsed(path: Path) -> Element:
    """A page as a browser sees it."""
    tree: Element = html5lib.parse(path.read_text(encoding="utf-8"), namespaceHTMLElements=False)
    return tree


def said(element: Element) -> str:
    """All its text, on one line."""
    return " ".join(" ".join(element.itertext()).split())


def held(site: Path) -> dict[str, bytes]:
    """Every file of a site."""
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()}


def addresses(tree: Element) -> Iterator[str]:
    """Everything on a page that a browser could ask for."""
    names = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}
    return (value for one in tree.iter() for name, value in one.attrib.items() if str(name) in names)
