"""Runs as they are kept: one folder each below `reports/runs`, and `reports/latest` pointing to the newest."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from . import report
from .audit import Audit, Auditor
from .backends import Backend
from .bridging import around
from .choices import Chosen
from .engine import INTERRUPTED, Engine, Outcome
from .errors import EnvironmentFailed, Incomplete, UsageError, unknown
from .failpoints import reach
from .lives import Listener, Means
from .model import Status
from .plan import Plan
from .recipe import Recipes, guest_digest, host_digest
from .results import Run
from .saves import Limits
from .shared import Shared
from .store import Store
from .version import VERSION


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a run is done: what one cell, and the whole run, may use."""

    limits: Limits
    means: Means


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A run, why it ended before its time (empty when it did not), and what an audit found where one was asked for."""

    run: Run
    stopped: str = ""
    audit: Audit | None = None


def engine(
    chosen: Chosen,
    backend: Backend,
    store: Store,
    settings: Settings,
    listener: Listener,
    *,
    fresh: bool = False,
    shared: Shared | None = None,
    broken: Mapping[str, EnvironmentFailed],
) -> Engine:
    """Return what carries out a plan.

    Args:
        chosen: what to measure.
        backend: where.
        store: what is known already, and where the rest goes.
        settings: how.
        listener: who hears how it goes on.
        fresh: measure also what is known.
        shared: what is known to other checkouts.
        broken: environments that could not even be locked.
    """
    plan, cut_off = chosen.plan, settings.means.seconds is not None
    return Engine(
        plan=plan,
        backend=backend,
        store=store,
        recipes=recipes(plan, backend.name, settings.limits),
        limits=settings.limits,
        means=settings.means,
        listener=listener,
        fresh=fresh,
        shared=shared,
        broken=dict(broken),
        ranks=chosen.ranks() if cut_off else lambda _cell: 0,
    )


def measured(chosen: Chosen, engine: Engine, *, command: str, note: str, audit: int) -> Measured:
    """Carry out a plan and return the run, also when it was interrupted.

    Args:
        chosen: what to measure.
        engine: what does it.
        command: what the user typed, for the page.
        note: what the page should say beside the answer.
        audit: how many cells to repeat in fresh processes.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    outcome = engine.run()
    if outcome.complete:
        left = None if engine.means.seconds is None else max(0.0, engine.means.seconds - (time.monotonic() - clock))
        outcome = around(engine, outcome, chosen.siblings, Engine.run, seconds=left)
    repeated = _audited(engine, outcome, audit) if audit and outcome.complete else None
    said = " ".join(filter(None, [note, repeated.sentence if repeated else "", _halted(outcome)]))
    seconds = time.monotonic() - clock
    run = _run(chosen, engine, outcome, command=command, started=started, seconds=seconds, note=said)
    return Measured(run=run, stopped=outcome.stopped, audit=repeated)


def snapshot(chosen: Chosen, engine: Engine, *, command: str, started: datetime) -> Run:
    """Return what is known now of a run that goes on."""
    outcome = around(engine, engine.snapshot(), chosen.siblings, Engine.snapshot)
    done = sum(item.status is not Status.NOT_RUN for item in outcome.results)
    note = f"Running: {done:,} of {len(outcome.results):,} cells are decided."
    seconds = max(0.0, (datetime.now(UTC) - started).total_seconds())
    return _run(chosen, engine, outcome, command=command, started=started, seconds=seconds, note=note)


def _halted(outcome: Outcome) -> str:
    return outcome.stopped if outcome.stopped != INTERRUPTED else ""


def _audited(engine: Engine, outcome: Outcome, count: int) -> Audit:
    return Auditor(
        environments=engine.recipes.environments,
        artifacts=engine.known[0] | engine.board.artifacts,
        backend=engine.backend,
        writer=engine.writer,
        reader=engine.reader,
        listener=engine.listener,
        jobs=engine.means.jobs,
    ).audit([one for one in outcome.results if not engine.foreign(one.cell)], count)


def _run(
    chosen: Chosen, engine: Engine, outcome: Outcome, *, command: str, started: datetime, seconds: float, note: str
) -> Run:
    plan = chosen.plan
    return Run(
        id=started.strftime("%Y-%m-%dT%H-%M-%S.%f")[:-3],
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        command=command,
        profile=chosen.profile,
        complete=outcome.complete,
        note=note,
        focus=chosen.focus,
        environments=outcome.environments,
        scenarios=tuple(replace(item, path=Path(item.path.name)) for item in plan.scenarios),  # not whose disk
        results=outcome.results,
        tracebacks=outcome.tracebacks,
        left_out=plan.left_out,
        machine=_machine(engine),
        cached=outcome.cached,
        sources=_sources(plan),
    )


def _sources(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return the scripts of a plan, those left out that were changed or taken away since it was made."""
    found = []
    for scenario in plan.scenarios:
        data = scenario.path.read_bytes() if scenario.path.is_file() else b""
        if hashlib.sha256(data).hexdigest() == scenario.digest:
            found.append((scenario.name, data.decode("utf-8", "replace")))
    return tuple(found)


def recipes(plan: Plan, backend: str, limits: Limits) -> Recipes:
    """Return the keys of everything in a plan."""
    return Recipes(
        {item.id: item for item in plan.environments},
        {item.name: item for item in plan.scenarios},
        backend,
        (limits.timeout, limits.memory),
        guest_digest(),
    )


def _machine(engine: Engine) -> tuple[tuple[str, str], ...]:
    return (
        ("keras-matrix", VERSION),
        ("platform", platform.platform()),
        ("processor", platform.machine()),
        ("cores", str(os.cpu_count())),
        ("python", platform.python_version()),
        ("jobs", str(engine.means.jobs)),
        ("isolation", engine.limits.isolation),
        ("timeout", f"{engine.limits.timeout:g} s"),
        ("memory", f"{engine.limits.memory / (1 << 30):g} GiB"),
        ("backend", engine.backend.name),
        ("code", host_digest()[:16]),
    )


def written(run: Run, reports: Path, baseline: Run | None = None, *, parquet: bool = False) -> report.Written:
    """Write the report of a run into a folder of its own, and point `latest` to it.

    Args:
        run: what was measured.
        reports: where runs are kept.
        baseline: an earlier run, to which the page compares.
        parquet: write `results.parquet` as well.

    Raises:
        Incomplete: the disk does not take it.
    """
    folder = reports / "runs" / run.id
    try:
        reach("report.before_write")
        made = report.written(run, folder, baseline, parquet=parquet)
        reach("report.before_point")
        _point(reports, run.id)
    except OSError as error:
        raise Incomplete(
            f"The report cannot be written to {folder}: {error}. What was measured is kept: run the same command again."
        ) from None
    return made


def _point(reports: Path, run: str) -> None:
    """Let `latest` be a run, at once."""
    draft = reports / f".latest-{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(Path("runs") / run, target_is_directory=True)
    draft.replace(reports / "latest")


def before(run: Run, reports: Path) -> tuple[Run | None, str]:
    """Return the run that a stored one was compared to, and what to say where it is not kept any more."""
    if not run.baseline:
        return None, ""
    kept = reports / "runs" / run.baseline
    if not (kept / "run.json").is_file():
        return None, f"{run.baseline}, which it was compared to, is not kept any more: its page compares to nothing."
    return report.read(kept), ""


def folder(reports: Path, name: str) -> Path:
    """Return the folder of a stored run: `latest`, a name below `runs`, or a path. UsageError when it is none."""
    for path in (reports / "latest" if name == "latest" else reports / "runs" / name, Path(name)):
        if (path / "run.json").is_file():
            return path.resolve()
    known = [path.name for path in (reports / "runs").glob("*") if (path / "run.json").is_file()]
    if not known:
        raise UsageError(f"There is no run below {reports / 'runs'} yet. `matrix run` makes the first.")
    raise UsageError(unknown("run", name, known))
