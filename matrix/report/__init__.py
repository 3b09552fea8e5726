"""What a run leaves for people and machines: one page, and the results it shows.

`written` puts everything into a folder and says the same answer in plain lines; `write` and `terminal` do one of the
two. `read` gets the run back from the folder, so that a page can be made anew without any TensorFlow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import analysis, known
from ..results import Result, Run
from . import answer, badge, files, junit, lines, page, summary, volumes
from .baseline import Baseline
from .baseline import baseline as compared
from .endings import Endings
from .files import read
from .payload import columns

__all__ = ["Written", "read", "table", "terminal", "write", "written"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """A report that was written: its page, and the answer as plain text."""

    page: Path
    terminal: str


def write(run: Run, folder: Path) -> Path:
    """Write the report of a run, as `written` does, and return its page."""
    return written(run, folder).page


def written(
    run: Run, folder: Path, baseline: Run | None = None, *, parquet: bool = False, most: int = volumes.CELLS
) -> Written:
    """Write the report of a run, finished or not; the page compares it to the baseline, where there is one.

    Each file appears whole or not at all: `results.jsonl`, `run.json`, `results.csv`, `verdict.json`, `summary.md`,
    `junit.xml`, `badge.svg` and `index.html`. With more cells than `most`, `index.html` tells of each cell how its own
    way ended, and a file for each scenario tells the rest.

    Args:
        run: what is told.
        folder: where to; it is made where there is none.
        baseline: an earlier run.
        parquet: write `results.parquet` as well.
        most: cells of one page.

    Raises:
        UsageError: Parquet was asked for, and what writes it is not installed.
    """
    if parquet:
        analysis.can_write_parquet()
    folder.mkdir(parents=True, exist_ok=True)
    with files.uncollected():
        made = _written(run, folder, compared(baseline, run), most)
        if parquet:
            files.place(folder / "results.parquet", [analysis.parquet(table(run))])
        return made


def _written(run: Run, folder: Path, earlier: Baseline | None, most: int) -> Written:
    endings, found = Endings(run), known.judged(run)
    cells = _table(run, run.results, found)
    told = answer.about(run, cells)
    digest = hashlib.sha256()
    files.place(folder / "results.jsonl", _heard(files.encoded(lines.written(run, endings)), digest.update))
    files.place(folder / "run.json", files.encoded([files.run_json(run)]))
    files.place(folder / "results.csv", analysis.csv(cells))
    files.place(folder / "verdict.json", files.encoded([summary.verdict(run, told, found)]))
    files.place(folder / "summary.md", files.encoded([summary.markdown(run, told, found)]))
    files.place(folder / "junit.xml", files.encoded(junit.written(run, found)))
    files.place(folder / "badge.svg", files.encoded([badge.svg(told)]))
    book = _Book(folder=folder, digest=digest.hexdigest(), earlier=earlier)
    index = "" if len(run.results) > most else book.html(run, cells, told, columns(run, endings, earlier))
    if not index or len(index) > volumes.BYTES:
        index = _split(run, cells, told, book)
    return Written(
        page=files.place(folder / "index.html", files.encoded([index])),
        terminal=summary.terminal(run, told, found),
    )


@dataclass(frozen=True, kw_only=True)
class _Book:
    """What all pages of a report share."""

    folder: Path
    digest: str
    earlier: Baseline | None

    def html(
        self, run: Run, cells: analysis.Table, told: answer.Answer, data: dict[str, Any], *, whole: bool = True
    ) -> str:
        """Return one page."""
        return page.html(run, cells, told, digest=self.digest, data=data, baseline=self.earlier, whole=whole)


def _split(run: Run, cells: analysis.Table, told: answer.Answer, book: _Book) -> str:
    """Write a file for each scenario, and return the index that leads there."""
    for volume in volumes.volumes(run):
        part, earlier = table(volume.run), book.earlier and book.earlier.of(volume.scenario)
        data = columns(volume.run, Endings(volume.run), earlier)
        text = book.html(volume.run, part, answer.about(volume.run, part), data, whole=False)
        files.place(book.folder / volume.file, files.encoded([text]))
    slim = volumes.index(run)
    data = {**columns(slim, Endings(slim), book.earlier), "elsewhere": volumes.names(run)}
    return book.html(run, cells, told, data)


def terminal(run: Run) -> str:
    """Return the answer of a run as plain text, for a terminal."""
    asked = [one for one in run.results if one.cell.writer in run.focus]  # the answer looks at no other
    return summary.terminal(run, answer.about(run, _table(run, asked)), known.judged(run))


def table(run: Run) -> analysis.Table:
    """Return the cells of a run as a table, its axes in the order of the page."""
    return _table(run, run.results, known.judged(run))


def _table(run: Run, results: Iterable[Result], found: known.Found = known.NOTHING) -> analysis.Table:
    return analysis.frame(
        results,
        environments=[report.environment.id for report in run.environments],
        scenarios=[scenario.name for scenario in run.scenarios],
        known={cell: str(one.finding) for cell, one in found.items()},
    )


def _heard(pieces: Iterable[bytes], hear: Callable[[bytes], object]) -> Iterator[bytes]:
    """Yield what goes by, each piece after somebody heard of it."""
    for piece in pieces:
        hear(piece)
        yield piece
