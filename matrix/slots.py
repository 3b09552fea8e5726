"""Who may work now: a few places, given to whoever is most urgent."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Closed(Exception):
    """Nothing more may begin: the run is stopping."""


class Slots:
    """Some places that threads share.

    Args:
        count: how many may be taken at once.
    """

    def __init__(self, count: int) -> None:
        self.free = count
        self._waiting: list[tuple[tuple[int, ...], int]] = []
        self._tickets = itertools.count()
        self._changed = threading.Condition()
        self._closed = False

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for a place."""
        return bool(self._waiting)

    @contextmanager
    def taken(self, *urgency: int) -> Iterator[None]:
        """Hold a place for as long as the block lasts; the lowest numbers come first. Raises Closed."""
        turn = (urgency, next(self._tickets))
        with self._changed:
            heapq.heappush(self._waiting, turn)
            while not self._closed and (self.free < 1 or self._waiting[0] != turn):
                self._changed.wait()
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)
            self._changed.notify_all()
            if self._closed:
                raise Closed
            self.free -= 1
        try:
            yield
        finally:
            with self._changed:
                self.free += 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
