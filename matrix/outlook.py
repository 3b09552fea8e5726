"""What a run would take: cells, time and disk, before anything is started."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .choices import Chosen
from .errors import Incomplete
from .model import Environment
from .plan import ladder
from .recipe import Recipes
from .store import Store

# Measured over the full catalogue on 2 cores; they only feed the estimate.
BUILD_SECONDS = 12.0
IMPORT_SECONDS = 6.0
SAVE_SECONDS = 0.35
LOAD_SECONDS = 0.12
UNPACKED = 4.1  # an installed environment with its bytecode weighs so many times what was downloaded
SPARE = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The work of a plan. Bytes and seconds are estimates; counts are exact."""

    cells: int
    known: int
    saves: int
    known_saves: int
    to_build: tuple[str, ...]
    disk: int
    seconds: float


def outlook(chosen: Chosen, recipes: Recipes, store: Store, unbuilt: Iterable[Environment], jobs: int) -> Outlook:
    """Return what is left to do of a plan, given the environments that are not built yet."""
    plan = chosen.plan
    variants = {item.name: item.variants for item in plan.scenarios}
    known = sum(
        store.has(recipes.load(cell, ladder(cell, variants[cell.scenario], safe_mode=True))) for cell in plan.cells
    )
    known_saves = sum(store.has(recipes.save(save)) for save in plan.saves)
    building = tuple(unbuilt)
    loads, saves = len(plan.cells) - known, len(plan.saves) - known_saves
    seconds = BUILD_SECONDS * len(building) + SAVE_SECONDS * saves + LOAD_SECONDS * loads
    seconds += 2 * IMPORT_SECONDS * len(plan.environments) if loads else 0.0
    return Outlook(
        cells=len(plan.cells),
        known=known,
        saves=len(plan.saves),
        known_saves=known_saves,
        to_build=tuple(item.id for item in building),
        disk=needed(building),
        seconds=seconds / jobs,
    )


def needed(building: Iterable[Environment]) -> int:
    """Return the bytes that environments will take on disk, estimated from the size of their downloads."""
    return int(UNPACKED * sum(item.download for item in building))


def check_disk(building: Iterable[Environment], folder: Path) -> None:
    """Refuse to start what will not fit. Raises Incomplete with both figures."""
    wanted = needed(building)
    if not wanted:
        return
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < wanted + SPARE:
        raise Incomplete(
            f"The environments need about {size(wanted)} below {folder}, and {size(free)} are free. "
            "Choose fewer (--profile quick), give some back (matrix env prune, matrix cache prune), "
            "or set NOX_ENVDIR to a folder on a bigger disk."
        )


def size(count: float) -> str:
    """Return bytes as people say them, e.g. `1.4 GB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
