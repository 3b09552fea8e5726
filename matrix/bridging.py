"""Detours of a run, carried out as a plan of their own by an engine of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from . import detours
from .engine import Engine, Outcome
from .lives import Means
from .model import Environment
from .plan import Plan


def around(
    engine: Engine,
    outcome: Outcome,
    siblings: Mapping[str, Environment],
    carry_out: Callable[[Engine], Outcome],
    *,
    seconds: float | None = None,
) -> Outcome:
    """Return what came of a run with what its detours came to.

    Args:
        engine: that measured it.
        outcome: what came of it.
        siblings: see `detours.routes`.
        carry_out: `Engine.run`, or `Engine.snapshot` to learn only what is known.
        seconds: that are left; None for no end.
    """
    run = engine.plan
    ours = [one for one in outcome.results if not engine.foreign(one.cell)]  # who carries a file shares its worker
    routes = detours.routes(ours, run.scenarios, run.environments, siblings)
    measured = {result.cell: result for result in outcome.results}
    missing = [route for route in routes if route.last not in measured]
    ends, tracebacks, stopped = measured, dict(outcome.tracebacks), outcome.stopped
    if missing:
        aside = _aside(engine, detours.plan(missing, run, siblings.values()), seconds)
        found = carry_out(aside)
        ends = measured | {result.cell: result for result in found.results}
        tracebacks |= dict(found.tracebacks)
        stopped = stopped or found.stopped
    return replace(
        outcome,
        results=tuple(detours.joined(outcome.results, routes, ends)),
        tracebacks=tuple(sorted(tracebacks.items())),
        stopped=stopped,
    )


def _aside(engine: Engine, plan: Plan, seconds: float | None) -> Engine:
    """Return what carries out the detours, with the means of the run and what it has saved."""
    artifacts, _ = engine.known
    return replace(
        engine,
        plan=plan,
        recipes=replace(engine.recipes, environments={item.id: item for item in plan.environments}),
        means=Means(jobs=engine.means.jobs, workers=engine.means.workers, seconds=seconds),
        given=artifacts | engine.board.artifacts,
        phase="going around",
        broken={name: error for name, error in engine.broken.items() if name in {one.id for one in plan.environments}},
        left_out={},
        ranks=lambda _cell: 0,
    )
