"""What a verb gives back to the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from ..progress import Sturdy
from ..project import Project


@dataclass(frozen=True)
class Answer:
    """What to say, and the exit code that goes with it."""

    text: str = ""
    exit_code: int = 0


Command = Callable[[argparse.Namespace, Project], Answer]


def progress(line: str) -> None:
    """Say on standard error what is being done, so that standard output stays free for the answer."""
    Sturdy(sys.stderr).write(line + "\n")
