"""What a run leaves out when time or disk is short: the cells that tell least."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .model import Cell, Environment
from .outlook import needed, size
from .outlook import seconds as work


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a run may take; None where it may take what it needs.

    Attributes:
        seconds: of wall time, for building and measuring.
        disk: bytes of all environments of the project together.
    """

    seconds: float | None = None
    disk: int | None = None


def within_disk(
    environments: Sequence[Environment],
    focus: tuple[str, str],
    sizes: Mapping[str, int],
    limit: int | None,
) -> tuple[str, ...]:
    """Return the environments that fit on the disk together: the pair of the verdict first, then the most different.

    Args:
        environments: those wanted, in the order of the axes.
        focus: the pair of the verdict; it is always part of the answer.
        sizes: id → bytes of those that are built; others are estimated from their downloads.
        limit: bytes for all of them; None for no limit.
    """
    weights = {item.id: sizes.get(item.id) or needed([item]) for item in environments}
    chosen, left = list(focus), (limit or 0) - sum(weights.get(name, 0) for name in set(focus))
    for item in _spread(environments):
        if item.id not in chosen and (limit is None or weights[item.id] <= left):
            chosen.append(item.id)
            left -= weights[item.id]
    return tuple(item.id for item in environments if item.id in chosen)


def left_out(
    cells: Iterable[Cell],
    known: Collection[Cell],
    rank: Callable[[Cell], int],
    *,
    unbuilt: Collection[str],
    seconds: float,
    jobs: int,
) -> frozenset[Cell]:
    """Return the cells that will not fit into a time, the least telling ones, by what such work took before.

    Args:
        cells: of the plan.
        known: those that cost nothing.
        rank: see `plan.rank`.
        unbuilt: environments that have to be built first.
        seconds: wall time.
        jobs: environments at work at once.
    """
    left, begun, saved, out = seconds * jobs, set[str](), set[object](), set[Cell]()
    for cell in sorted((cell for cell in cells if cell not in known), key=rank):
        new = {cell.writer, cell.reader} - begun
        cost = work(builds=len(new & set(unbuilt)), imports=len(new), saves=cell.save not in saved, loads=1)
        if cost > left:
            out.add(cell)
            continue
        left -= cost
        begun |= new
        saved.add(cell.save)
    return frozenset(out)


def note(cells: int, budget: Budget) -> str:
    """Return the sentence that says what was left out, and why."""
    parts = [] if budget.seconds is None else [f"--budget {budget.seconds / 60:g}m"]
    parts += [] if budget.disk is None else [f"--max-disk {size(budget.disk)}"]
    return f"Left out by {' and '.join(parts)}: {cells:,} cells, the least telling ones." if cells and parts else ""


def _spread(environments: Sequence[Environment]) -> list[Environment]:
    """Return environments so that any first few are as different as they can be.

    The newest and the oldest of each generation of Keras first, then always the middle of the widest gap.
    """
    order = {item.id: position for position, item in enumerate(environments)}
    ends: list[Environment] = []
    for generation in sorted({item.generation for item in environments}, reverse=True):
        members = [item for item in environments if item.generation == generation]
        ends += [members[-1], members[0]]
    picked = list(dict.fromkeys(ends))
    while len(picked) < len(environments):
        places = sorted(order[item.id] for item in picked)
        _, start, end = max((b - a, a, b) for a, b in pairwise(places))
        picked.append(environments[(start + end) // 2])
    return picked
