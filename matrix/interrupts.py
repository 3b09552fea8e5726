"""Signals that end a run: the first lets it write what there is, the second ends it at once.

What we were started to ignore (SIGHUP under `nohup`, Ctrl-C in the background) stays ignored.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOW_CURSOR = "\x1b[?25h"


class Interrupts:
    """Which signal asked us to end; none yet, as long as `number` is 0."""

    number = 0

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 for Ctrl-C, 143 for a SIGTERM."""
        return 128 + (self.number or signal.SIGINT)

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt for the first signal; the second one does what it does without us."""
        if self.number:
            if sys.stderr.isatty():
                os.write(2, SHOW_CURSOR.encode())
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.number = number
        raise KeyboardInterrupt(number)


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the exit code of a signal that nobody answered with a report."""
    return 128 + int(next(iter(error.args), signal.SIGINT))


@contextmanager
def heard() -> Iterator[Interrupts]:
    """Turn signals that end a process into KeyboardInterrupt for as long as the block lasts."""
    interrupts = Interrupts()
    before = {number: signal.getsignal(number) for number in ENDING}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, interrupts.hear)
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
