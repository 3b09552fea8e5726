"""The verbs of the command line: each takes the parsed options and the project, and returns what to say."""

from __future__ import annotations

from collections.abc import Mapping

from .answer import Answer, Command
from .env import env
from .inquiry import why
from .machine import cache, doctor, scenario
from .planning import plan
from .running import run, stored

__all__ = ["COMMANDS", "Answer"]

COMMANDS: Mapping[str, Command] = {
    "run": run,
    "plan": plan,
    "report": stored,
    "why": why,
    "env": env,
    "cache": cache,
    "doctor": doctor,
    "new-scenario": scenario,
}
