"""What a run leaves for people and machines: one page, and the results it shows.

`write` puts everything into a folder, `read` gets the run back from there, so that a page can be made anew
without any TensorFlow, and `terminal` says the same answer in plain lines.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from .. import analysis
from ..results import Run
from . import answer, files, page, summary
from .files import read

__all__ = ["read", "table", "terminal", "write"]


def write(run: Run, folder: Path) -> Path:
    """Write the report of a run, finished or not, and return its page.

    Each file appears whole or not at all: `run.json`, `results.jsonl`, `results.csv`, `verdict.json`,
    `summary.md` and `index.html`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cells = table(run)
    told = answer.about(run, cells)
    lines = files.results_jsonl(run)
    files.place(folder / "results.jsonl", lines)
    files.place(folder / "run.json", files.run_json(run))
    files.place(folder / "results.csv", analysis.csv(cells))
    files.place(folder / "verdict.json", summary.verdict(run, told))
    files.place(folder / "summary.md", summary.markdown(run, told))
    digest = hashlib.sha256(lines.encode()).hexdigest()
    return files.place(folder / "index.html", page.html(run, cells, told, digest=digest))


def terminal(run: Run) -> str:
    """Return the answer of a run as plain text, for a terminal."""
    return summary.terminal(run, answer.about(run, table(run)))


def table(run: Run) -> analysis.Table:
    """Return the cells of a run as a table, its axes in the order of the page."""
    return analysis.frame(
        run.results,
        environments=[report.environment.id for report in run.environments],
        scenarios=[scenario.name for scenario in run.scenarios],
    )
