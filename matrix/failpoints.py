"""A seam for tests: places where a run can be made to fail on purpose. Does nothing unless MATRIX_FAILPOINT is set.

    MATRIX_FAILPOINT=store.before_rename=kill:3                   killed where it gets there for the third time
    MATRIX_FAILPOINT=store.before_fsync=ENOSPC:2+                 the disk is full from the second time on
    MATRIX_FAILPOINT=worker.dispatch=sleep:1,report.write=EIO:1   two rules

An action is `kill`, `sleep` (until somebody ends the process), a signal that the process sends to itself (`SIGINT`), or
the name of an error of the system, which is raised. Workers never see the variable.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import threading
import time
from collections import Counter

VARIABLE = "MATRIX_FAILPOINT"
SLEEP_SECONDS = 600.0
_RULE = re.compile(r"(?P<place>[\w.]+)=(?P<action>\w+):(?P<first>\d+)(?P<on>\+?)")
_hits: Counter[str] = Counter()
_counting = threading.Lock()


def reach(place: str) -> None:
    """Do here what MATRIX_FAILPOINT says, if it says anything about this place."""
    said = os.environ.get(VARIABLE)
    if not said:
        return
    with _counting:
        _hits[place] += 1
        hit = _hits[place]
    for rule in map(_RULE.fullmatch, said.split(",")):
        if rule is None:
            raise ValueError(f"{VARIABLE}={said!r} is not understood")
        first = int(rule["first"])
        if rule["place"] == place and (hit == first or (rule["on"] and hit > first)):
            _act(rule["action"], place)


def _act(action: str, place: str) -> None:
    if action == "sleep":
        time.sleep(SLEEP_SECONDS)
    elif action == "kill" or action.startswith("SIG"):
        os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.Signals[action])
    else:
        number: int = getattr(errno, action)
        raise OSError(number, os.strerror(number), f"failpoint {place}")
