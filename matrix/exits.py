"""How a run ends for whoever called it: the exit code, and the sentence that explains it."""

from __future__ import annotations

from collections.abc import Iterable

from . import known
from .diff import BAD, regressed
from .engine import INTERRUPTED
from .errors import Incomplete
from .model import Cell
from .report import words
from .results import EnvironmentReport, Run
from .runs import Measured


def judged(made: Measured, baseline: Run | None, fail_on: str) -> tuple[int, str]:
    """Return the exit code of a run that was not interrupted, and the sentence that explains it.

    1 when a cell is worse than in the baseline or not as `known.toml` says (`regression`), one of the verdict's pair
    breaks that is not known (`failure`), or an audit found a difference; 4 when something that it needs could not be
    had; else 0.
    """
    run = made.run
    if made.stopped == INTERRUPTED:
        return 130, "Interrupted: this is what was measured so far. The same command goes on from here."
    if made.stopped:
        return Incomplete.exit_code, f"Incomplete: {made.stopped}"
    if made.audit is not None and made.audit.differences:
        return 1, "\n".join(["The audit found differences: do not trust this run.", *made.audit.differences])
    code, sentence = _verdict(run, baseline, fail_on)
    broken = [item for item in run.environments if item.error]
    if code == 0 and broken:
        first = "Incomplete: some environments could not be had; the page has all about it."
        return Incomplete.exit_code, "\n".join([first, *map(_why, broken)])
    return code, sentence


def _why(broken: EnvironmentReport) -> str:
    name = f"{broken.environment.id}: "
    return f"  {name}{shortened(f'{broken.error.removeprefix(name)} {broken.remedy}')}"


def shortened(text: str, limit: int = 300) -> str:
    """Return a message in one line, its middle left out where it is long: what happened and what helps both stay."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit // 2]} [...] {line[-limit // 2 :]}"


def _verdict(run: Run, baseline: Run | None, fail_on: str) -> tuple[int, str]:
    found = known.judged(run)
    match fail_on:
        case "never":
            return 0, "Nothing that was measured can fail this run (--fail-on never)."
        case "failure":
            return _failures(run, found)
        case _:
            return _regressions(run, baseline, found)


def _failures(run: Run, found: known.Found) -> tuple[int, str]:
    bad = [one.cell for one in run.results if one.status in BAD and (one.cell.writer, one.cell.reader) == run.focus]
    surprising = _unexpected(bad, found)
    if surprising:
        excused = f" (known: {len(bad) - len(surprising)} more)" if len(bad) > len(surprising) else ""
        verb = "does" if len(surprising) == 1 else "do"
        return 1, f"{words.counted(len(surprising), 'cell')} of the verdict's pair {verb} not work{excused}."
    return 0, "Nothing of the pair breaks but what is known." if bad else "Nothing of the pair breaks."


def _regressions(run: Run, baseline: Run | None, found: known.Found) -> tuple[int, str]:
    """Compare a run with a baseline, and with what is known: whatever is not as either says fails it."""
    said = [words.line(sentence, 500) for sentence in known.sentences(found)]
    worse = _unexpected(regressed(baseline, run), found) if baseline else []
    if baseline and worse:
        number = "1 cell is" if len(worse) == 1 else f"{len(worse)} cells are"
        said.insert(0, f"{number} worse than in {baseline.id}, e.g. {worse[0].id}.")
    if said:
        return 1, "\n".join(said)
    if baseline:
        return 0, f"No cell is worse than in {baseline.id}."
    if run.known:
        return 0, "Nothing is other than known.toml says."
    return 0, "No baseline was given, so nothing here can fail the run (--baseline RUN, or --fail-on failure)."


def _unexpected(cells: Iterable[Cell], found: known.Found) -> list[Cell]:
    """Return the cells whose failure is not known."""
    return [cell for cell in cells if cell not in found or found[cell].finding is not known.Finding.EXPECTED]
