"""What is left of a run, and who may do it: the state that all environments of a run share.

Each environment takes work from the board and brings back what came of it. A save is done before the loads that need
its artifact; a reader is given its cells in large waves, for every wave costs a child process per group.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .artifact import Artifact
from .errors import EnvironmentFailed
from .model import Cell, Save, Status
from .results import Attempt, Result


@dataclass(frozen=True)
class Work:
    """What one environment is to do next; with neither saves nor cells, to rest: its worker is not needed now."""

    saves: tuple[Save, ...] = ()
    cells: tuple[Cell, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.saves or self.cells)


class Board:
    """The cells of a run: finished, at work, or waiting. Safe for several threads.

    Args:
        cells: those to measure, the most telling first.
        ranks: cell → a number; a wave holds the cells of one rank, the lowest first.
        artifacts: saves that are known.
        idle: whether somebody could begin now who has nothing to do.
        crowded: whether somebody waits for the memory that a resting worker holds.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        ranks: Callable[[Cell], int],
        artifacts: Mapping[Save, Artifact],
        *,
        idle: Callable[[], bool],
        crowded: Callable[[], bool],
    ) -> None:
        self.artifacts = dict(artifacts)
        self.results: dict[Cell, Result] = {}
        self.broken: dict[str, EnvironmentFailed] = {}
        self.closed = ""
        self._ranks, self._idle, self._crowded = ranks, idle, crowded
        self._blocked: defaultdict[str, dict[Cell, None]] = defaultdict(dict)  # its artifact is not there yet
        self._ready: defaultdict[str, dict[Cell, None]] = defaultdict(dict)
        self._unsaved: defaultdict[str, dict[Save, None]] = defaultdict(dict)
        self._flying: defaultdict[str, dict[Cell | Save, None]] = defaultdict(dict)
        self._of_save: defaultdict[Save, list[Cell]] = defaultdict(list)
        self._open = len(cells)
        self._spoiled: set[Save] = set()
        self._changed = threading.Condition(threading.RLock())
        for cell in cells:
            self._blocked[cell.reader][cell] = None
            self._of_save[cell.save].append(cell)
            for save in cell.save.line:
                if save not in self.artifacts:
                    self._unsaved[save.writer][save] = None
        with self._changed:
            for save in [save for save in self._of_save if save in self.artifacts]:
                self._decide(self.artifacts[save])

    @property
    def todo(self) -> tuple[int, int]:
        """How many saves and loads there are to do."""
        with self._changed:
            cells = [*self._blocked.values(), *self._ready.values()]
            return sum(map(len, self._unsaved.values())), sum(map(len, cells))

    def next(self, environment: str, *, holding: bool) -> Work | None:
        """Wait for work of an environment. None: the run is over for it.

        Args:
            environment: whose work.
            holding: whether a worker waits with us; it is told to rest when others could use its memory.
        """
        with self._changed:
            while not self.closed and self._open and environment not in self.broken:
                work = self._work(environment)
                done = not self._blocked[environment] and not self._ready[environment]
                if work or (holding and (done or self._crowded())):
                    return work
                self._changed.wait(0.5)  # slots and memory change without a word to us
        return None

    def saved(self, written: Artifact) -> int:
        """Take an artifact, and give those cells their letter that no reader can change any more; return how many."""
        with self._changed:
            before = self._open
            self._flying[written.save.writer].pop(written.save, None)
            self.artifacts[written.save] = written
            self._decide(written)
            return before - self._open

    def measured(self, result: Result) -> None:
        """Take the result of a cell; the first one counts."""
        with self._changed:
            self._flying[result.cell.reader].pop(result.cell, None)
            self._blocked[result.cell.reader].pop(result.cell, None)
            self._ready[result.cell.reader].pop(result.cell, None)
            if result.cell not in self.results:
                self.results[result.cell] = result
                self._open -= 1
            if not self._open:
                self._changed.notify_all()

    def spoiled(self, save: Save) -> None:
        """Have a damaged artifact saved again; when that happens twice, its cells say so."""
        with self._changed:
            if save in self._spoiled:
                self.saved(
                    Artifact(save=save, key="", fault="its artifact was changed on disk after it was saved, twice")
                )
                return
            self._spoiled.add(save)
            self.artifacts.pop(save, None)
            self._unsaved[save.writer][save] = None
            for cell in self._of_save[save]:
                if self._ready[cell.reader].pop(cell, 0) is None or self._flying[cell.reader].pop(cell, 0) is None:
                    self._blocked[cell.reader][cell] = None
            if save.writer in self.broken:
                self._lost(save)
            self._changed.notify_all()

    def landed(self, environment: str) -> tuple[Cell | Save, ...]:
        """Put back what an environment took and did not finish; return it."""
        with self._changed:
            left = tuple(self._flying.pop(environment, {}))
            for item in left:
                if isinstance(item, Cell):
                    ready = item.save in self.artifacts
                    (self._ready if ready else self._blocked)[environment][item] = None
                else:
                    self._unsaved[environment][item] = None
            self._changed.notify_all()
            return left

    def broke(self, environment: str, error: EnvironmentFailed) -> int:
        """Give up an environment; return how many saves and cells that ends.

        Those that wait for its saves are `E`, and so is what it was to read of those who did save.
        """
        with self._changed:
            self.landed(environment)
            self.broken[environment] = error
            before, saves = self._open, list(self._unsaved.pop(environment, {}))
            for save in saves:
                self._lost(save)
            for cell in list(self._ready[environment]):  # of the others the writer has the first word
                self._unread(cell)
            self._changed.notify_all()
            return before - self._open + len(saves)

    def close(self, reason: str) -> None:
        """Let nothing more begin; `reason` is what the cells that are left will say."""
        with self._changed:
            self.closed = self.closed or reason
            self._changed.notify_all()

    # With the lock held

    def _work(self, environment: str) -> Work:
        unsaved = self._unsaved[environment]
        saves = tuple(save for save in unsaved if not save.origin or save.origin[0] in self.artifacts)
        if saves:
            for save in saves:
                del unsaved[save]
            self._flying[environment].update(dict.fromkeys(saves))
            return Work(saves=saves)
        ready, blocked = self._ready[environment], self._blocked[environment]
        if not ready or (blocked and not (self._idle() and len(ready) >= len(blocked))):
            return Work()
        first = min(map(self._ranks, ready))
        cells = tuple(cell for cell in ready if self._ranks(cell) == first)
        for cell in cells:
            del ready[cell]
        self._flying[environment].update(dict.fromkeys(cells))
        return Work(cells=cells)

    def _decide(self, written: Artifact) -> None:
        for cell in self._of_save[written.save]:
            result = decided_by_writer(cell, written)
            if result is not None:
                self.measured(result)
            elif cell.reader in self.broken:
                self._unread(cell)
            elif self._blocked[cell.reader].pop(cell, 0) is None:
                self._ready[cell.reader][cell] = None
        self._changed.notify_all()

    def _lost(self, save: Save) -> None:
        self.saved(Artifact(save=save, key="", fault=self.broken[save.writer].message))

    def _unread(self, cell: Cell) -> None:
        error = self.broken[cell.reader]
        self.measured(Result(cell=cell, status=Status.ENVIRONMENT, reason=f"Reader: {error.message}"))


def decided_by_writer(cell: Cell, written: Artifact) -> Result | None:
    """Return the cell's result when no reader can change it any more: its writer has no such format, or failed."""
    if written.fault:
        return Result(cell=cell, status=Status.ENVIRONMENT, reason=f"Writer: {written.fault}")
    if written.unsupported:
        return Result(cell=cell, status=Status.UNSUPPORTED, reason=f"{cell.writer}: {written.unsupported}")
    if written.failed is not None:
        return Result(
            cell=cell,
            status=Status.NOT_SAVED,
            reason=_said(cell.writer, written.failed),
            writer_error=written.failed,
        )
    return None


def decided(cells: Iterable[Cell], artifacts: Mapping[Save, Artifact]) -> dict[Cell, Result]:
    """Return the results of those cells that known artifacts decide alone."""
    found = {}
    for cell in cells:
        written = artifacts.get(cell.save)
        result = decided_by_writer(cell, written) if written else None
        if result is not None:
            found[cell] = result
    return found


def _said(writer: str, failed: Attempt) -> str:
    """Return why a save failed, in a sentence."""
    what = f"{failed.exception}: {failed.message}" if failed.exception else failed.message
    return f"{writer} could not save it: {what.splitlines()[0] if what else failed.status.word}"
