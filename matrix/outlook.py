"""What a run takes: time and disk, known before anything is started."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from .errors import Incomplete
from .model import Environment

# Measured over the full catalogue on 2 cores; they only feed the estimate.
BUILD_SECONDS = 12.0
IMPORT_SECONDS = 6.0
SAVE_SECONDS = 0.25
LOAD_SECONDS = 0.04


def seconds(*, builds: int, imports: int, saves: int, loads: int) -> float:
    """Return how long some work takes one core."""
    return BUILD_SECONDS * builds + IMPORT_SECONDS * imports + SAVE_SECONDS * saves + LOAD_SECONDS * loads


UNPACKED = 4.1  # an installed environment with its bytecode weighs so many times what was downloaded
SPARE = 1 << 30


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
