"""Runs as they are kept: one folder each below `reports/runs`, and `reports/latest` pointing to the newest."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from . import report
from .backends import Backend
from .choices import Chosen
from .engine import Engine, Listener, Outcome
from .errors import EnvironmentFailed, UsageError, unknown
from .model import Status
from .plan import Plan
from .recipe import Recipes, guest_digest
from .results import EnvironmentReport, Result, Run
from .saves import Limits
from .store import Store
from .version import VERSION

_GOOD = frozenset({Status.PASS, Status.REMEDIED})
_UNKNOWN = frozenset({Status.ENVIRONMENT, Status.NOT_RUN})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a run is done: limits of one cell, environments at once, and whether to measure known cells again."""

    limits: Limits
    jobs: int
    fresh: bool = False


def measured(
    chosen: Chosen,
    backend: Backend,
    store: Store,
    settings: Settings,
    listener: Listener,
    *,
    command: str,
    broken: Mapping[str, EnvironmentFailed],
) -> Run:
    """Carry out a plan and return the run, also when it was interrupted.

    Args:
        chosen: what to measure.
        backend: where.
        store: what is known already, and where the rest goes.
        settings: how.
        listener: who hears how it goes on.
        command: what the user typed, for the page.
        broken: environments that could not even be locked.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    plan = chosen.plan
    engine = Engine(
        plan=plan,
        backend=backend,
        store=store,
        recipes=recipes(plan, backend.name, settings.limits),
        limits=settings.limits,
        jobs=settings.jobs,
        listener=listener,
        broken=dict(broken),
        fresh=settings.fresh,
    )
    outcome = engine.run()
    seconds = round(time.monotonic() - clock, 1)
    return _run(chosen, settings, outcome, command=command, started=started, seconds=seconds)


def _run(
    chosen: Chosen, settings: Settings, outcome: Outcome, *, command: str, started: datetime, seconds: float
) -> Run:
    plan = chosen.plan
    return Run(
        id=started.strftime("%Y-%m-%dT%H-%M-%S.%f")[:-3],
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        command=command,
        profile=chosen.profile,
        complete=outcome.complete,
        focus=chosen.focus,
        environments=outcome.environments,
        scenarios=tuple(replace(item, path=Path(item.path.name)) for item in plan.scenarios),  # not whose disk
        results=outcome.results,
        tracebacks=outcome.tracebacks,
        left_out=plan.left_out,
        machine=_machine(settings),
        cached=outcome.cached,
    )


def recipes(plan: Plan, backend: str, limits: Limits) -> Recipes:
    """Return the keys of everything in a plan."""
    return Recipes(
        {item.id: item for item in plan.environments},
        {item.name: item for item in plan.scenarios},
        backend,
        (limits.timeout, limits.memory),
        guest_digest(),
    )


def _machine(settings: Settings) -> tuple[tuple[str, str], ...]:
    return (
        ("keras-matrix", VERSION),
        ("platform", platform.platform()),
        ("processor", platform.machine()),
        ("cores", str(os.cpu_count())),
        ("python", platform.python_version()),
        ("jobs", str(settings.jobs)),
        ("isolation", settings.limits.isolation),
        ("timeout", f"{settings.limits.timeout:g} s"),
    )


def written(run: Run, reports: Path) -> Path:
    """Write the report of a run into a folder of its own, point `latest` to it, and return the page."""
    folder = reports / "runs" / run.id
    page = report.write(run, folder)
    draft = reports / f".latest-{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(Path("runs") / run.id, target_is_directory=True)
    draft.replace(reports / "latest")
    return page


def folder(reports: Path, name: str) -> Path:
    """Return the folder of a stored run: `latest`, a name below `runs`, or a path. UsageError when it is none."""
    for path in (reports / "latest" if name == "latest" else reports / "runs" / name, Path(name)):
        if (path / "run.json").is_file():
            return path.resolve()
    known = [path.name for path in (reports / "runs").glob("*") if (path / "run.json").is_file()]
    if not known:
        raise UsageError(f"There is no run below {reports / 'runs'} yet. `matrix run` makes the first.")
    raise UsageError(unknown("run", name, known))


def judged(run: Run, baseline: Run | None, fail_on: str) -> tuple[int, str]:
    """Return the exit code of a finished run, and the sentence that explains it.

    130 interrupted; 1 when a cell is worse than in the baseline (`regression`) or one of the verdict's pair breaks
    (`failure`); 4 when environments are missing; else 0.
    """
    if not run.complete:
        return 130, "Interrupted: this is what was measured so far. The same command goes on from here."
    code, sentence = _verdict(run, baseline, fail_on)
    broken = [item for item in run.environments if item.error]
    if code == 0 and broken:
        first = "Incomplete: some environments could not be had; the page has all about it."
        return 4, "\n".join([first, *map(_why, broken)])
    return code, sentence


def _why(broken: EnvironmentReport) -> str:
    name = f"{broken.environment.id}: "
    return f"  {name}{shortened(f'{broken.error.removeprefix(name)} {broken.remedy}')}"


def shortened(text: str, limit: int = 300) -> str:
    """Return a message in one line, its middle left out where it is long: what happened and what helps both stay."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit // 2]} [...] {line[-limit // 2 :]}"


def _verdict(run: Run, baseline: Run | None, fail_on: str) -> tuple[int, str]:
    if fail_on == "failure":
        bad = [item for item in run.results if _pair(item) == run.focus and _broke(item)]
        return (
            (1, f"{len(bad)} cells of the verdict's pair do not work.") if bad else (0, "Nothing of the pair breaks.")
        )
    if fail_on == "regression" and baseline is not None:
        before = {item.cell: item.status for item in baseline.results}
        worse = [item for item in run.results if before.get(item.cell) in _GOOD and _broke(item)]
        if worse:
            return 1, f"{len(worse)} cells are worse than in {baseline.id}, e.g. {worse[0].cell.id}."
        return 0, f"No cell is worse than in {baseline.id}."
    if fail_on == "never":
        return 0, "Nothing that was measured can fail this run (--fail-on never)."
    return 0, "No baseline was given, so nothing here can fail the run (--baseline RUN, or --fail-on failure)."


def _pair(result: Result) -> tuple[str, str]:
    return result.cell.writer, result.cell.reader


def _broke(result: Result) -> bool:
    return result.status not in _GOOD | _UNKNOWN | {Status.UNSUPPORTED}
