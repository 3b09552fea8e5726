"""`env list`, `build`, `lock`, `update` and `prune`."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from .. import choices, environments, update
from ..backends.nox import NoxEnvironments
from ..errors import EnvironmentFailed, UsageError, unknown
from ..model import Environment
from ..outlook import check_disk, size
from ..progress import aside, listener
from ..project import Project
from ..selector import selected
from .answer import Answer, Command


def env(options: argparse.Namespace, project: Project) -> Answer:
    """Do what the second word says, to environments."""
    return _ACTIONS[options.action](options, project)


def _list(options: argparse.Namespace, project: Project) -> Answer:
    built = project.built
    sizes = built.sizes()
    rows = [
        {
            "id": item.id,
            "python": item.python,
            "tensorflow": item.tensorflow,
            "keras": item.keras or "in TensorFlow",
            "state": "ready" if item.lock and built.ready(item) else "stale" if item.id in sizes else "not built",
            "bytes": sizes.get(item.id, 0),
            "profiles": ", ".join(sorted(item.profiles)),
        }
        for item in environments.known(project.config).environments
    ]
    if options.json:
        return Answer(json.dumps(rows, indent=1))
    shown = [{**row, "bytes": size(sizes[str(row["id"])]) if row["bytes"] else "-"} for row in rows]
    lines = [
        "{id:16}{python:8}{tensorflow:12}{keras:15}{state:10}{bytes:>8}  {profiles}".format(**row) for row in shown
    ]
    total = f"{size(sum(sizes.values()))} in {built.envdir}, shared with uv's cache; see: matrix env prune --help"
    return Answer("\n".join([*lines, total]))


def _build(options: argparse.Namespace, project: Project) -> Answer:
    known = environments.known(project.config, options.names.split(","))
    if options.names.startswith("@"):
        own = tuple(project.config.environments)
        names = choices.names_of_profile(options.names[1:], known.environments, own)
    else:
        names = selected("environment", options.names, known.ids)
    with listener(quiet=False) as told:
        known = environments.locked(project.config, known, names, lambda line: told.working("lock", line))
        wanted = [item for item in known.environments if item.id in names and item.id not in known.broken]
        built = project.built
        check_disk([item for item in wanted if not built.ready(item)], built.envdir)
        told.phase("building", len(wanted))
        errors = dict(known.broken)

        def build(item: Environment) -> None:
            try:
                if options.fresh:
                    built.discard(item, lambda line: told.working(item.id, line))
                built.ensure(item, lambda line: told.working(item.id, line))
            except EnvironmentFailed as error:
                errors[item.id] = error
                told.problem(str(error))
            told.working(item.id, "")
            told.done()

        _each(build, wanted, options.jobs or os.cpu_count() or 1, built)
    done = [item.id for item in wanted if item.id not in errors]
    return Answer(f"Ready: {', '.join(done) or 'none'}.", 4 if errors else 0)


def _each(build: Callable[[Environment], None], wanted: list[Environment], jobs: int, built: NoxEnvironments) -> None:
    """Build several at once; Ctrl-C ends them all."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(build, item) for item in wanted]
        try:
            for future in futures:
                future.result()
        except BaseException:
            built.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _lock(options: argparse.Namespace, project: Project) -> Answer:
    if not options.names and not project.config.environments:
        raise UsageError("Name a release such as tf-2.12.0, or describe one in [tool.matrix.environments.<id>].")
    own = dict(project.config.environments)
    for name in options.names:
        if name not in own and not update.PATCH.fullmatch(name):
            raise UsageError(
                unknown("environment to lock", name, own) if own else f"{name!r} is no release like tf-2.12.0."
            )
    made = update.lock(project.config.project, own, options.names, update.online(), aside)
    return Answer(f"Locked {', '.join(entry.id for entry in made)} in {project.config.project / 'locks'}.")


def _update(_options: argparse.Namespace, _project: Project) -> Answer:
    update.update(aside)
    return Answer("The catalogue is up to date: matrix/data/environments.toml and matrix/data/locks/.")


def _prune(options: argparse.Namespace, project: Project) -> Answer:
    keep = selected("environment", options.keep, environments.known(project.config).ids) if options.keep else ()
    freed = project.built.prune(keep)
    lines = [f"{item.id}: in use, stays" for item in freed if not item.removed]
    lines.append(f"Gave back {size(sum(item.freed for item in freed))}.")
    shared = sum(item.size - item.freed for item in freed if item.removed)
    if shared > 1 << 30:  # uv links the files of environments to those of its cache
        lines.append(
            f"Another {size(shared)} are in uv's cache: uv cache clean tensorflow tensorflow-cpu gives them back."
        )
    return Answer("\n".join(lines))


_ACTIONS: Mapping[str, Command] = {
    "list": _list,
    "build": _build,
    "lock": _lock,
    "update": _update,
    "prune": _prune,
}
