"""`run` and `report`."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from datetime import UTC, datetime

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
    baseline = report.read(runs.folder(reports, options.baseline)) if options.baseline else None
    expected = _expected(options, project)
    if options.parquet:
        analysis.can_write_parquet()  # before hours of work, not after
    asked = choosing.selection(options, project)
    silent = options.quiet or options.json
    with heard() as interrupts, listener(quiet=silent) as told, project.store.owned():
        project.store.begin(options.typed)
        made = _measured(options, project, asked, told)
        made = replace(made, run=replace(made.run, known=expected))
        told.phase("writing the report", 0)
        pages = runs.written(made.run, reports, baseline, parquet=options.parquet)
        project.store.end()
    code, verdict = exits.judged(made, baseline, options.fail_on)
    if interrupts.number:
        code = interrupts.exit_code
    if options.json:
        return Answer((pages.page.parent / "verdict.json").read_text(encoding="utf-8").strip(), code)
    return Answer(f"{pages.terminal}\n\n{verdict}\nReport: {pages.page}", code)


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
    allowed, to_build = choosing.limit(options), choosing.building(engine, project)
    if allowed.disk is not None and to_build:
        room = max(0, allowed.disk - outlook.needed(to_build))
        for freed in project.built.evict(room, keep=choosing.fitting(project, asked.chosen, allowed)):
            told.problem(f"{freed.id} was not needed: {size(freed.freed)} given back (--max-disk)")
    outlook.check_disk(to_build, project.built.envdir)


def stored(options: argparse.Namespace, project: Project) -> Answer:
    """Write the pages of a stored run again, or those of the run that is going on."""
    reports = project.reports(options.output)
    if options.run == "running":
        pages = runs.written(
            replace(_running(project), known=_expected(options, project)), reports, parquet=options.parquet
        )
    else:
        folder = runs.folder(reports, options.run)
        run = report.read(folder)
        run = replace(run, known=_expected(options, project)) if options.known else run
        pages = report.written(run, folder, parquet=options.parquet)
    if options.json:
        return Answer((pages.page.parent / "verdict.json").read_text(encoding="utf-8").strip())
    return Answer(f"{pages.terminal}\n\nReport: {pages.page}")


def _running(project: Project) -> Run:
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
    return made
