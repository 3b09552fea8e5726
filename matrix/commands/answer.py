"""What a verb gives back to the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from ..project import Project


@dataclass(frozen=True)
class Answer:
    """What to say, and the exit code that goes with it."""

    text: str = ""
    exit_code: int = 0


Command = Callable[[argparse.Namespace, Project], Answer]
