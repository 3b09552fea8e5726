"""Planning half a million cells: what would run, the key of each, and what is known of them already.

    python benchmarks/planning.py

Prints seconds and the memory that it took, for 500,000 cells and for a tenth of them: time per cell must not grow.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from matrix.backends.local import LocalBackend
from matrix.backends.nox import NoxEnvironments
from matrix.choices import Chosen
from matrix.lives import Means
from matrix.model import Environment, Scenario, Variant, digest
from matrix.plan import focus, plan
from matrix.progress import quiet
from matrix.runs import Settings, engine
from matrix.saves import Limits
from matrix.store import Store

ENVIRONMENTS = tuple(
    Environment(id=f"tf-2.{n}", python="3.11", tensorflow=f"2.{n}.1", keras="3.1" if n > 15 else "2.1", lock=f"{n}")
    for n in range(32)
)


def scenarios(count: int) -> tuple[Scenario, ...]:
    """Return scenarios with custom code, so that each has every variant and format."""
    names = [f"scenario_{n}" for n in range(count)]
    return tuple(
        Scenario(name=name, path=Path(name), title=name, digest=digest(name), variants=tuple(Variant)) for name in names
    )


def planned(count: int, folder: Path) -> tuple[int, float]:
    """Return how many cells a plan has whose work is known to the last key, and how long that took."""
    started = time.perf_counter()
    made = plan(ENVIRONMENTS, scenarios(count))
    chosen = Chosen(plan=made, focus=focus(ENVIRONMENTS, "", ""), profile="")
    settings = Settings(limits=Limits(timeout=120, memory=4 << 30), means=Means(jobs=2, workers=8))
    backend = LocalBackend(NoxEnvironments(folder, folder / ".nox"), folder / ".matrix" / "desk")
    made_engine = engine(chosen, backend, Store(folder), settings, quiet(), broken={})
    left = made_engine.cells_left
    for cell in left:
        made_engine.reader.key(cell)
    return len(left), time.perf_counter() - started


with tempfile.TemporaryDirectory() as place:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    small, quick = planned(3, Path(place))
    cells, seconds = planned(33, Path(place))
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(f"planning: {cells:,} cells in {seconds:.1f} s and {memory:.0f} MB more; {small:,} cells in {quick:.2f} s")
print(f"time per cell, {cells:,} against {small:,} cells: {(seconds / cells) / (quick / small):.2f}")
