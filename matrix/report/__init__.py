"""What a run leaves for people and machines: one page, and the results it shows.

`written` puts everything into a folder and says the same answer in plain lines; `write` and `terminal` do one of the
two. `read` gets the run back from the folder, so that a page can be made anew without any TensorFlow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import analysis, known
from ..results import Result, Run
from . import answer, badge, files, junit, lines, page, summary
from .endings import Endings
from .files import read

__all__ = ["Written", "read", "table", "terminal", "write", "written"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """A report that was written: its page, and the answer as plain text."""

    page: Path
    terminal: str


def write(run: Run, folder: Path) -> Path:
    """Write the report of a run, as `written` does, and return its page."""
    return written(run, folder).page


def written(run: Run, folder: Path, *, parquet: bool = False) -> Written:
    """Write the report of a run, finished or not.

    Each file appears whole or not at all: `results.jsonl`, `run.json`, `results.csv`, `verdict.json`,
    `summary.md`, `junit.xml`, `badge.svg` and `index.html`.

    Args:
        run: what is told.
        folder: where to; it is made where there is none.
        parquet: write `results.parquet` as well.

    Raises:
        UsageError: Parquet was asked for, and what writes it is not installed.
    """
    if parquet:
        analysis.can_write_parquet()
    folder.mkdir(parents=True, exist_ok=True)
    with files.uncollected():
        return _written(run, folder, parquet=parquet)


def _written(run: Run, folder: Path, *, parquet: bool) -> Written:
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
    if parquet:
        files.place(folder / "results.parquet", [analysis.parquet(cells)])
    index = page.html(run, cells, told, digest=digest.hexdigest(), endings=endings)
    return Written(
        page=files.place(folder / "index.html", files.encoded([index])),
        terminal=summary.terminal(run, told, found),
    )


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
