"""From what was typed to an engine: which cells, in which environments, with what means."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace

import psutil

from .. import budget, choices, environments, runs
from ..budget import Budget
from ..config import Config
from ..engine import Engine
from ..errors import UsageError
from ..lives import Listener, Means
from ..model import Cell, Environment, legacy_sibling
from ..options import default_jobs
from ..progress import aside
from ..project import Project
from ..saves import Limits
from ..shared import Shared

WORKER_BYTES = 600 << 20  # of a worker that waits; one at work takes more
CHILD_BYTES = 1 << 30


@dataclass(frozen=True)
class Selection:
    """A plan, and all environments that could be named, with those that cannot be had."""

    chosen: choices.Chosen
    known: environments.Known


def selection(options: argparse.Namespace, project: Project) -> Selection:
    """Return the plan that the options mean, its environments locked."""
    config = project.config
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
    known = environments.locked(config, known, names, aside)
    chosen = choices.chosen(said, config, [item for item in known.environments if item.id in names])
    return Selection(replace(chosen, siblings=_siblings(options, project, chosen, known)), known)


def _siblings(
    options: argparse.Namespace, project: Project, chosen: choices.Chosen, known: environments.Known
) -> Mapping[str, Environment]:
    """Return the legacy sibling of each reader that has one; where the disk is limited, of those that are built."""
    by_id = {item.id: item for item in known.environments}
    readers = [item.id for item in chosen.plan.environments if legacy_sibling(item.id) in by_id]
    found = {name: by_id[legacy_sibling(name)] for name in readers}
    limited = limit(options).disk is not None
    return {name: item for name, item in found.items() if not limited or project.built.ready(item)}


def _settings(options: argparse.Namespace, config: Config) -> runs.Settings:
    """Return how the run is to be done."""
    limits = Limits(timeout=options.timeout or config.timeout, memory=config.memory, isolation=options.isolation)
    free = psutil.virtual_memory().available
    jobs = options.jobs or default_jobs(free)
    workers = (free - jobs * CHILD_BYTES) // WORKER_BYTES
    return runs.Settings(limits=limits, means=Means(jobs=jobs, workers=workers, seconds=options.budget))


def limit(options: argparse.Namespace) -> Budget:
    """Return what the run may take."""
    return Budget(seconds=options.budget, disk=options.max_disk)


def engine(
    options: argparse.Namespace, project: Project, asked: Selection, told: Listener, *, fresh: bool = False
) -> Engine:
    """Return what carries out a selection, with what a budget leaves out."""
    backend, allowed = project.backend(options.backend or project.config.backend), limit(options)
    url = options.cache or project.config.cache
    if url and "://" not in url:
        url = str(project.config.project / url)
    if allowed.disk is not None and backend.sandboxed:
        raise UsageError("--max-disk counts virtual environments; images are the engine's: docker system df")
    made = runs.engine(
        asked.chosen,
        backend,
        project.store,
        _settings(options, project.config),
        told,
        fresh=fresh,
        shared=Shared(url, told.problem) if url else None,
        broken=asked.known.broken,
    )
    made.left_out = _left_out(made, project, asked.chosen, allowed)
    return made


def fitting(project: Project, chosen: choices.Chosen, allowed: Budget) -> tuple[str, ...]:
    """Return the environments that may be on the disk together."""
    return budget.within_disk(chosen.plan.environments, chosen.focus, project.built.sizes(), allowed.disk)


def building(made: Engine) -> list[Environment]:
    """Return the environments that some cell needs and that are not built yet."""
    needed = {name for cell in made.cells_left for name in (cell.writer, cell.reader)}
    return [item for item in _unbuilt(made) if item.id in needed]


def _unbuilt(made: Engine) -> list[Environment]:
    return [item for item in made.plan.environments if item.lock and not made.backend.ready(item)]


def _left_out(made: Engine, project: Project, chosen: choices.Chosen, allowed: Budget) -> Mapping[Cell, str]:
    """Return the cells that a budget leaves out, and why. What is known costs nothing."""
    if allowed == Budget():
        return {}
    fits, known = set(fitting(project, chosen, allowed)), made.known[1]
    unfit = {cell for cell in made.plan.cells if not {cell.writer, cell.reader} <= fits}
    found = dict.fromkeys(unfit, "left out by --max-disk")
    if allowed.seconds is not None:
        late = budget.left_out(
            [cell for cell in made.plan.cells if cell not in unfit],
            known,
            chosen.ranks(),
            unbuilt={item.id for item in _unbuilt(made)},
            seconds=allowed.seconds,
            jobs=made.means.jobs,
        )
        found |= dict.fromkeys(late, "left out by --budget")
    return {cell: why for cell, why in found.items() if cell not in known}
