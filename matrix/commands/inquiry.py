"""`why`: everything known about one cell."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from .. import catalog, detours, report
from ..byhand import command, detour, script
from ..choices import Chosen
from ..engine import Engine
from ..errors import UsageError
from ..folders import Folder
from ..model import Cell, Format, Scenario, Variant, legacy_sibling
from ..progress import quiet
from ..project import Project
from ..results import Attempt, Result
from . import choosing
from .answer import Answer

INGREDIENTS: Mapping[str, str] = {
    "writer": "the environment that saves (Python, lock or variables)",
    "reader": "the environment that loads (Python, lock or variables)",
    "scenario": "the scenario's script",
    "rungs": "the remedies that may be tried",
    "guest": "the code of the matrix that runs inside environments",
    "backend": "the backend",
    "timeout": "the time limit of a cell",
    "memory": "the memory limit of a cell",
}


def why(options: argparse.Namespace, project: Project) -> Answer:
    """Say what is known of a cell, what changed since it was measured, and how to see it by hand."""
    cell = _parsed(options.cell)
    wanted = f"{cell.writer},{cell.reader}"
    options = argparse.Namespace(
        **{**vars(options), "environments": wanted, "scenarios": cell.scenario, "formats": str(cell.format)}
    )
    asked = choosing.selection(options, project)
    engine = choosing.engine(options, project, asked, quiet())
    if cell not in engine.plan.cells:
        raise UsageError(
            f"{cell.id} is no cell: {cell.scenario} has no variant {cell.variant}, or is not for these versions."
        )
    lines = [cell.id, *_lines(engine, cell), "", *_by_hand(engine, project, asked.chosen, cell)]
    facts = {"cell": cell.id, "changed": list(_changed(engine, cell)), "lines": lines}
    project.store.close()
    return Answer(json.dumps(facts, indent=1) if options.json else "\n".join(lines))


def _parsed(text: str) -> Cell:
    parts = text.strip("/").split("/")
    kinds = {"variant": list(map(str, Variant)), "format": list(map(str, Format))}
    if len(parts) != 5 or parts[3] not in kinds["variant"] or parts[4] not in kinds["format"]:
        raise UsageError(
            f"{text!r} is no cell. One is WRITER/READER/SCENARIO/VARIANT/FORMAT, e.g. tf-2.12/tf-2.19/plain/bare/h5; "
            f"variants: {', '.join(kinds['variant'])}; formats: {', '.join(kinds['format'])}."
        )
    writer, reader, scenario, variant, kind = parts
    return Cell(writer=writer, reader=reader, scenario=scenario, variant=Variant(variant), format=Format(kind))


def _lines(engine: Engine, cell: Cell) -> Iterator[str]:
    """Yield what is known of a cell, or why nothing is."""
    result = engine.known[1].get(cell)
    if result is not None:
        yield from _told(result)
        return
    changed = list(_changed(engine, cell))
    if not changed:
        yield "Never measured."
        return
    yield "To be measured again; since the last time these changed:"
    yield from (f"  {name}: {INGREDIENTS[name]}, {before} -> {now}" for name, before, now in changed)


def _told(result: Result) -> Iterator[str]:
    yield f"{result.status}  {result.status.word}" + (f" ({result.remedy})" if result.remedy else "")
    if result.reason:
        yield f"  {result.reason}"
    for one in result.attempts or filter(None, [result.writer_error]):
        yield from _tried(one)


def _tried(one: Attempt) -> Iterator[str]:
    error = "" if one.max_abs_error is None else f", largest difference {one.max_abs_error:.3g}"
    yield f"  {one.rung}: {one.status} at {one.stage} after {one.seconds:.2f} s{error}"
    if one.message:
        said = one.message.splitlines()[0]
        yield f"    {one.exception}: {said}" if one.exception else f"    {said}"


def _changed(engine: Engine, cell: Cell) -> Iterator[tuple[str, str, str]]:
    """Yield the ingredients of the newest record of a cell that are others today: name, then, now."""
    records = list(engine.store.recipes(cell.id))
    if cell in engine.known[1] or not records:
        return
    now = engine.reader.recipe(cell)
    for name, value in now.items():
        before = str(records[-1].get(name, ""))
        if before != value:
            yield name, _short(before), _short(value)


def _short(value: str) -> str:
    return value[:12] if len(value) > 40 and " " not in value else value


def _by_hand(engine: Engine, project: Project, chosen: Chosen, cell: Cell) -> Iterator[str]:
    """Yield the commands that repeat a cell: all of it, the bare load in its reader, and the remedy there."""
    yield "By hand:"
    names = ",".join(dict.fromkeys([cell.writer, cell.reader]))
    only = f"--environments {names} --scenarios {cell.scenario} --formats {cell.format}"
    yield f"  matrix run {only} --fresh --isolation cell"
    written = engine.known[0].get(cell.save)
    if written is None or written.path is None or not written.path.exists():
        return
    reader = next(item for item in chosen.plan.environments if item.id == cell.reader)
    if project.built.ready(reader):
        python = Folder(project.built.envdir, reader.id).python
        scenario = engine.recipes.scenarios[cell.scenario]
        yield from ("", command(reader, python, script(cell, written.path, scenario)))
        result = engine.known[1].get(cell)
        for rung in engine.reader.rungs(cell):
            if result is not None and rung.name == result.remedy:
                program = script(cell, written.path, scenario, rung)
                yield from ("", f"The remedy, {rung.name}:", "", command(reader, python, program))
        if result is not None and not result.remedy:
            yield from _by_detour(project, cell, written.path, scenario)


def _by_detour(project: Project, cell: Cell, file: Path, scenario: Scenario) -> Iterator[str]:
    """Yield the commands of a detour that the latest run found for a cell: it leads over environments of that run."""
    latest = project.reports(None) / "latest"
    run = report.read(latest.resolve()) if latest.is_dir() else None
    result = next((one for one in run.results if one.cell == cell), None) if run else None
    found = detours.read(result.remedy) if result else None
    if run is None or result is None or found is None:
        return
    hops, rung = found
    if not hops:
        cell = replace(cell, reader=legacy_sibling(cell.reader))
    yield from ("", f"The remedy of {run.id}, {result.remedy}:")
    known = {item.id: item for item in catalog.environments(project.config.project)}
    for name, program in detour(cell, file, scenario, hops, rung):
        python = Folder(project.built.envdir, name).python
        yield from ("", f"In {name}:", "", command(known[name], python, program) if name in known else program)
