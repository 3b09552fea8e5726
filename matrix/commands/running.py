"""`run`, `plan` and `report`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

import psutil

from .. import choices, environments, report, runs
from ..backends.local import LocalBackend
from ..backends.nox import NoxEnvironments
from ..config import Config
from ..model import Environment
from ..options import default_jobs
from ..outlook import Outlook, check_disk, outlook, size
from ..progress import listener
from ..project import Project
from ..saves import Limits
from .answer import Answer, progress


def run(options: argparse.Namespace, project: Project) -> Answer:
    """Measure, write the report, and say the answer."""
    reports = project.reports(options.output)
    baseline = report.read(runs.folder(reports, options.baseline)) if options.baseline else None
    chosen, known = _chosen(options, project.config)
    built = project.built
    check_disk(_unbuilt(chosen, built), built.envdir)
    settings = _settings(options, project.config)
    with project.store.owned(), listener(quiet=options.quiet or options.json) as told:
        made = runs.measured(
            chosen,
            LocalBackend(built),
            project.store,
            settings,
            told,
            command=options.typed,
            broken=known.broken,
        )
        told.phase("writing the report", 0)
        page = runs.written(made, reports)
    code, verdict = runs.judged(made, baseline, options.fail_on)
    if options.json:
        return Answer((page.parent / "verdict.json").read_text(encoding="utf-8").strip(), code)
    return Answer(f"{report.terminal(made)}\n\n{verdict}\nReport: {page}", code)


def plan(options: argparse.Namespace, project: Project) -> Answer:
    """Say what `run` would do with the same options."""
    chosen, known = _chosen(options, project.config)
    settings = _settings(options, project.config)
    recipes = runs.recipes(chosen.plan, LocalBackend.name, settings.limits)
    seen = outlook(chosen, recipes, project.store, _unbuilt(chosen, project.built), settings.jobs)
    if options.json:
        return Answer(json.dumps(_plan_facts(chosen, seen), indent=1))
    return Answer("\n".join(_plan_lines(chosen, known, seen)))


def pages(options: argparse.Namespace, project: Project) -> Answer:
    """Write the pages of a stored run again."""
    stored = runs.folder(project.reports(options.output), options.run)
    made = report.read(stored)
    page = report.write(made, stored)
    if options.json:
        return Answer((stored / "verdict.json").read_text(encoding="utf-8").strip())
    return Answer(f"{report.terminal(made)}\n\nReport: {page}")


def _chosen(options: argparse.Namespace, config: Config) -> tuple[choices.Chosen, environments.Known]:
    """Return the plan that the options mean, its environments locked."""
    said = choices.Choices(
        start=options.start or "",
        end=options.end or "",
        profile=options.profile or "",
        environments=options.environments or "",
        scenarios=options.scenarios or "",
        formats=options.formats or "",
    )
    asked = [*said.environments.split(","), said.start, said.end]
    known = environments.known(config, asked)
    names = choices.wanted(said, config, known.environments)
    known = environments.locked(config, known, names, progress)
    return choices.chosen(said, config, [item for item in known.environments if item.id in names]), known


def _settings(options: argparse.Namespace, config: Config) -> runs.Settings:
    limits = Limits(timeout=options.timeout or config.timeout, memory=config.memory, isolation=options.isolation)
    jobs = options.jobs or default_jobs(psutil.virtual_memory().available)
    return runs.Settings(limits=limits, jobs=jobs, fresh=options.fresh)


def _unbuilt(chosen: choices.Chosen, built: NoxEnvironments) -> list[Environment]:
    return [item for item in chosen.plan.environments if item.lock and not built.ready(item)]


def _plan_facts(chosen: choices.Chosen, seen: Outlook) -> dict[str, object]:
    return {
        **asdict(seen),
        "focus": chosen.focus,
        "environments": [item.id for item in chosen.plan.environments],
        "scenarios": [item.name for item in chosen.plan.scenarios],
        "left_out": dict(chosen.plan.left_out),
    }


def _plan_lines(chosen: choices.Chosen, known: environments.Known, seen: Outlook) -> list[str]:
    plan = chosen.plan
    lines = [
        f"{len(plan.environments)} environments: {', '.join(item.id for item in plan.environments)}",
        f"{len(plan.scenarios)} scenarios: {', '.join(item.name for item in plan.scenarios)}",
        f"{seen.saves} saves, {seen.known_saves} known already; {seen.cells} cells, {seen.known} known already",
        f"{len(seen.to_build)} environments to build, about {size(seen.disk)} on disk",
        f"about {max(1, round(seen.seconds / 60))} min",
        f"verdict: {chosen.focus[0]} -> {chosen.focus[1]}",
    ]
    lines += [f"left out: {what}: {why}" for what, why in plan.left_out]
    return [*lines, *(f"will be E: {error}" for error in known.broken.values())]
