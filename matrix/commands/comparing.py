"""`diff`: two stored runs, cell by cell."""

from __future__ import annotations

import argparse

from .. import report, runs
from ..diff import Kind, compared
from ..project import Project
from ..report import difference
from .answer import Answer


def diff(options: argparse.Namespace, project: Project) -> Answer:
    """Say what became of each cell from one run to another; 1 when some regressed."""
    reports = project.reports(options.output)
    before, now = (report.read(runs.folder(reports, name)) for name in (options.before, options.now))
    changes = compared(before, now)
    worse = any(change.kind is Kind.REGRESSED for change in changes.values())
    say = difference.machine if options.json else difference.text
    return Answer(say(before, now, changes), int(worse))
