"""`run` and `report`."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from .. import analysis, budget, exits, known, outlook, report, runs
from ..engine import Engine
from ..errors import UsageError
from ..interrupts import heard
from ..lives import Listener
from ..options import parsed
from ..outlook import size
from ..progress import listener, quiet
from ..project import Project
from ..results import Expectation, Run
from . import choosing
from .answer import Answer


def run(options: argparse.Namespace, project: Project) -> Answer:
    """Measure, write the report, and say the answer."""
    reports = project.reports(options.output)
    baseline = _baseline(options, reports)
    expected = _expected(options, project)
    if options.parquet:
        analysis.can_write_parquet()  # before hours of work, not after
    asked = choosing.selection(options, project)
    silent = options.quiet or options.json
    with heard() as interrupts, listener(quiet=silent) as told, project.store.owned():
        project.store.begin(options.typed)
        made = _measured(options, project, asked, told)
        made = replace(made, run=_compared(replace(made.run, known=expected), baseline))
        told.phase("writing the report", 0)
        pages = runs.written(made.run, reports, baseline, parquet=options.parquet)
        project.store.end()
    code, verdict = exits.judged(made, baseline, options.fail_on)
    if interrupts.number:
        code = interrupts.exit_code
    if options.json:
        return Answer((pages.page.parent / "verdict.json").read_text(encoding="utf-8").strip(), code)
    return Answer(f"{pages.terminal}\n\n{verdict}\nReport: {pages.page}", code)


def _baseline(options: argparse.Namespace, reports: Path) -> Run | None:
    """Return the earlier run that the command line names. UsageError when there is none of that name."""
    return report.read(runs.folder(reports, options.baseline)) if options.baseline else None


def _compared(run: Run, baseline: Run | None) -> Run:
    """Return a run that remembers what it is compared to."""
    return replace(run, baseline=baseline.id) if baseline else run


def _expected(options: argparse.Namespace, project: Project) -> tuple[Expectation, ...]:
    """Return what is known to fail. UsageError when the file is not understood, or was named and is not there."""
    path = options.known or project.config.project / project.config.scenarios[0] / known.NAME
    return known.read(path, datetime.now(UTC).date()) if options.known or path.exists() else ()


def _measured(
    options: argparse.Namespace, project: Project, asked: choosing.Selection, told: Listener
) -> runs.Measured:
    engine = choosing.engine(options, project, asked, told, fresh=options.fresh)
    _make_room(options, project, asked, engine, told)
    return runs.measured(
        asked.chosen,
        engine,
        command=options.typed,
        note=budget.note(len(engine.left_out), choosing.limit(options)),
        audit=options.audit,
    )


def _make_room(
    options: argparse.Namespace, project: Project, asked: choosing.Selection, engine: Engine, told: Listener
) -> None:
    """Give back what is not needed where the disk is limited, and refuse to start what will not fit."""
    allowed, to_build = choosing.limit(options), choosing.building(engine)
    if allowed.disk is not None and to_build:
        room = max(0, allowed.disk - outlook.needed(to_build))
        for freed in project.built.evict(room, keep=choosing.fitting(project, asked.chosen, allowed)):
            told.problem(f"{freed.id} was not needed: {size(freed.freed)} given back (--max-disk)")
    if not engine.backend.sandboxed:  # where images are is the engine's matter
        outlook.check_disk(to_build, project.built.envdir)


def stored(options: argparse.Namespace, project: Project) -> Answer:
    """Write the pages of a stored run again, or those of the run that is going on."""
    reports = project.reports(options.output)
    going_on = options.run == "running"
    folder = None if going_on else runs.folder(reports, options.run)
    run = report.read(folder) if folder else _running(project, reports)
    run = replace(run, known=_expected(options, project)) if going_on or options.known else run
    named = _baseline(options, reports)
    baseline, gone = (named, "") if named else runs.before(run, reports)
    run = _compared(run, baseline)
    if folder:
        pages = report.written(run, folder, baseline, parquet=options.parquet)
    else:
        pages = runs.written(run, reports, baseline, parquet=options.parquet)
    if options.json:
        return Answer((pages.page.parent / "verdict.json").read_text(encoding="utf-8").strip())
    return Answer("\n\n".join(filter(None, [pages.terminal, gone, f"Report: {pages.page}"])))


def _running(project: Project, reports: Path) -> Run:
    """Return what is known now of the run that is going on, or of one that was killed."""
    begun = project.store.begun()
    if begun is None:
        raise UsageError("No run is going on in this project. `matrix report` shows the latest one.")
    command, started = begun
    options = parsed(shlex.split(command))
    asked = choosing.selection(options, project)
    engine = choosing.engine(options, project, asked, quiet())
    made = runs.snapshot(
        asked.chosen,
        engine,
        command=command,
        started=datetime.fromisoformat(started),
    )
    project.store.close()
    return _compared(made, _baseline(options, reports))
