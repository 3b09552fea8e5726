"""The verbs of the command line: each takes the parsed options and the project, and returns what to say."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from .answer import Answer, Command

__all__ = ["VERBS", "Answer", "command"]

VERBS: Mapping[str, str] = {
    "run": "running.run",
    "plan": "planning.plan",
    "report": "running.stored",
    "diff": "comparing.diff",
    "publish": "publishing.publish",
    "why": "inquiry.why",
    "explain": "explaining.explain",
    "env": "env.env",
    "cache": "machine.cache",
    "doctor": "machine.doctor",
    "new-scenario": "machine.scenario",
}


def command(verb: str) -> Command:
    """Return what a verb does. Only what it needs is imported: a traceback is explained before pandas is there."""
    module, _, name = VERBS[verb].partition(".")
    found: Command = getattr(import_module(f".{module}", __name__), name)
    return found
