"""`doctor`, `cache prune` and `new-scenario`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import environments
from ..doctor import examined
from ..outlook import size
from ..project import Project
from ..template import new_scenario
from .answer import Answer


def cache(_options: argparse.Namespace, project: Project) -> Answer:
    """Delete what was measured."""
    with project.store.owned():
        freed = project.store.prune()
    return Answer(f"Gave back {size(freed)}. Reports stay; the next run measures everything again.")


def doctor(_options: argparse.Namespace, project: Project) -> Answer:
    """Say what this machine has and lacks; 4 when something is lacking."""
    known = environments.known(project.config).environments
    found = list(examined(known, project.built.envdir, os.environ, Path.home()))
    lacking = sum(not finding.good for finding in found)
    last = f"{lacking} things are lacking." if lacking else "Everything that a run needs is here."
    return Answer("\n".join([*(finding.line for finding in found), last]), 4 if lacking else 0)


def scenario(options: argparse.Namespace, project: Project) -> Answer:
    """Write an example to begin with."""
    path = new_scenario(options.name, project.config.project / project.config.scenarios[0])
    return Answer(f"Wrote {path}. Try it: matrix run --profile quick --scenarios {options.name}")
