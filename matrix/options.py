"""The command line: its verbs, their options, and what `--help` teaches."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import quantities
from .config import BACKENDS
from .errors import UsageError, unknown

KINDS = ("h5", "keras", "saved_model", "weights_h5", "export", "checkpoint", "json")
EXAMPLES = """\
"matrix" is `nox -s cli --` in a checkout, `keras-matrix` or `python -m matrix` where it is installed.

examples:
  matrix run                                     the default profile, verdict for the newest Keras 2 -> the newest
  matrix run --from tf-2.12 --to tf-2.19         can I upgrade from 2.12 to 2.19?
  matrix run --profile quick                     a first answer in two to three minutes
  matrix run --environments 'tf-2.1?' --scenarios custom_layer --formats h5,keras
  matrix plan --profile full                     what would run, what is known already, how much disk
  matrix run --profile full --budget 20m         the most telling cells of all 23 minors, in twenty minutes
  matrix diff 2026-11-23T20-15-07.042 latest     what got worse, what was repaired
  matrix why tf-2.12/tf-2.19/plain/bare/h5       what is known of one cell, and what changed since
  python load.py 2>&1 | matrix explain           what a traceback means, and what helps
  matrix env list                                environments, their sizes, and whether they are built

exit codes:
  0 as expected   1 incompatible   2 wrong usage   3 nothing selected   4 incomplete   70 a bug   130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know with the nearest thing that it does, and never guesses an abbreviation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError, whose exit code is 2."""
        choice = _CHOICE.search(message)
        if choice:
            message = unknown("choice", choice[1], [name.strip(" '") for name in choice[2].split(",")])
        raise UsageError(f"{message} See: {self.prog} --help")

    def refuse(self, stranger: str, words: Sequence[str]) -> NoReturn:
        """Refuse a word that no parser took, with the nearest option of the verb that was being used."""
        parser: Parser = self
        for word in words:
            parser = parser._below().get(word, parser)
        options = [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001
        raise UsageError(f"{unknown('option', stranger, options)} See: {parser.prog} --help")

    def _below(self) -> Mapping[str, Parser]:
        verbs = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
        return verbs[0].choices if verbs else {}


_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what the user typed, understood. UsageError for what is not, with the nearest thing that is."""
    top = parser()
    options, left = top.parse_known_args(arguments)
    if left:
        top.refuse(left[0], arguments)
    options.typed = shlex.join(arguments)
    return options


def parser() -> Parser:
    """Return the parser of all verbs. The chosen verb is in `verb`, and for groups the second word in `action`."""
    top = Parser(
        prog="matrix",
        description="Will my saved Keras model still open, and still predict the same, after I change TensorFlow?",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    _run(verbs)
    plan = verbs.add_parser("plan", help="print what would run, with reasons for what is left out")
    _choices(plan)
    _doing(plan)
    _output(plan)
    report = verbs.add_parser("report", help="write the pages of a stored run again, without any TensorFlow")
    report.add_argument(
        "run", nargs="?", default="latest", help="a folder, its name below reports/runs, or `running` (latest)"
    )
    report.add_argument("--baseline", metavar="RUN", help="an earlier run to compare with (the one it was run with)")
    _told(report)
    _output(report)
    _diff(verbs)
    _publish(verbs)
    why = verbs.add_parser(
        "why",
        help="everything known about one cell, what changed since it was measured, and how to see it by hand",
    )
    why.add_argument("cell", help="e.g. tf-2.12/tf-2.19/custom_layer/registered/h5")
    _choices(why)
    _doing(why)
    why.add_argument("--json", action="store_true", help="one JSON object instead of text")
    _explain(verbs)
    _environments(verbs)
    cache = verbs.add_parser("cache", help="what earlier runs measured").add_subparsers(dest="action", required=True)
    cache.add_parser("prune", help="delete all measurements and artifacts; reports stay")
    verbs.add_parser("doctor", help="what this machine has and lacks, and what would help")
    new = verbs.add_parser("new-scenario", help="write a scenario that runs, to be changed")
    new.add_argument("name", help="a Python identifier; becomes scenarios/NAME.py")
    return top


def _run(verbs: argparse._SubParsersAction[Parser]) -> None:
    run = verbs.add_parser(
        "run",
        help="measure, and write the report",
        description="Build the environments, save every scenario in each, load it in every other, write the report. "
        "What was measured before is not measured again; after Ctrl-C the same command goes on.",
    )
    _choices(run)
    _doing(run)
    run.add_argument("--baseline", metavar="RUN", help="an earlier run to compare with, for --fail-on regression")
    run.add_argument(
        "--fail-on",
        choices=("regression", "failure", "never"),
        default="regression",
        help="exit with 1 when a cell is worse than in the baseline, or one of the verdict's pair breaks (regression)",
    )
    _told(run)
    run.add_argument(
        "--audit",
        type=quantities.count,
        default=0,
        metavar="N",
        help="repeat N cells in fresh processes, as a user would load them, and exit with 1 when any differs",
    )
    _output(run)


def _told(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--parquet", action="store_true", help="write results.parquet as well (needs pyarrow)")
    verb.add_argument(
        "--known", type=Path, metavar="FILE", help="failures that are known (known.toml beside the scenarios)"
    )


def _diff(verbs: argparse._SubParsersAction[Parser]) -> None:
    diff = verbs.add_parser(
        "diff",
        help="what became of each cell from one run to another: regressed, repaired, new, gone, flaky",
        description="Compare two stored runs cell by cell. A cell is flaky when its letter is another one although all "
        "that decides it is recorded to be the same. Exit code 1 when some regressed, else 0.",
    )
    diff.add_argument("before", metavar="A", help="the earlier run: a folder, its name below reports/runs, or `latest`")
    diff.add_argument("now", metavar="B", nargs="?", default="latest", help="the later one (latest)")
    diff.add_argument("--output", type=Path, metavar="DIR", help="where runs are kept (reports)")
    diff.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _publish(verbs: argparse._SubParsersAction[Parser]) -> None:
    publish = verbs.add_parser(
        "publish",
        help="make a static site of all stored runs, with the history of each pair and a feed of what changed",
        description="Bring a static site up to date with the runs below reports/runs. It needs no server and no "
        "script. What was published stays at its address, also when its run is deleted here.",
    )
    publish.add_argument("--site", type=Path, metavar="DIR", help="where the site is (reports/site)")
    publish.add_argument(
        "--base-url", default="", metavar="URL", help="where it will be, for the addresses in its feed"
    )
    publish.add_argument(
        "--compress", action="store_true", help="pack the tables of runs that come in: a thirtieth of their size"
    )
    _output(publish)


def _explain(verbs: argparse._SubParsersAction[Parser]) -> None:
    explain = verbs.add_parser(
        "explain",
        help="name the cause of a traceback, and what helps; no TensorFlow is needed",
        description="Name the cause of a failure from a traceback or an error line, with what helps and where to read "
        "more. Where it is not sure it says so, and the options below may help it.",
        epilog="examples: python load.py 2>&1 | matrix explain;  matrix explain error.txt --to tf-2.19 --format h5",
    )
    explain.add_argument("file", nargs="?", default="-", help="a file with the text (standard input)")
    explain.add_argument("--from", dest="start", metavar="A", help="what saved the file: tf-2.12, 2.12.1 or keras-3.4")
    explain.add_argument("--to", dest="end", metavar="B", help="what loads it")
    explain.add_argument("--format", choices=KINDS, help="of the file")
    explain.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _doing(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--backend",
        choices=BACKENDS,
        help="where environments are: virtual ones, or containers (from pyproject.toml, else nox)",
    )
    verb.add_argument(
        "--jobs", type=quantities.count, metavar="N", help="environments at work at once (cores, as memory allows)"
    )
    verb.add_argument(
        "--timeout", type=quantities.seconds, metavar="S", help="seconds that one save or load may take (120)"
    )
    verb.add_argument(
        "--isolation",
        choices=("group", "cell", "fresh"),
        default="group",
        help="a child process for cells that see the same code, one for each cell, or a fresh process for each (group)",
    )
    verb.add_argument(
        "--budget",
        type=quantities.duration,
        metavar="TIME",
        help="measure the most telling cells first, for so long: 20m, 1h, 90s",
    )
    verb.add_argument(
        "--max-disk",
        type=quantities.size,
        metavar="SIZE",
        help="let environments take so much disk, e.g. 15GB: unused ones are evicted, the least telling ones not built",
    )
    verb.add_argument(
        "--cache", metavar="URL", help="a folder, or a URL such as s3://bucket/matrix, where checkouts share results"
    )
    verb.add_argument("--fresh", action="store_true", help="measure again what is known already")


def _choices(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--from", dest="start", metavar="A", help="the environment of your old models, e.g. tf-2.12")
    verb.add_argument("--to", dest="end", metavar="B", help="the environment that you want to change to")
    verb.add_argument("--profile", help="quick, default or full (from pyproject.toml, else default)")
    verb.add_argument("--environments", metavar="LIST", help="comma list with globs, instead of a profile: tf-2.1?")
    verb.add_argument("--scenarios", metavar="LIST", help="comma list with globs: 'custom_*'")
    verb.add_argument("--formats", metavar="LIST", help="comma list with globs: h5,keras")


def _output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--output", type=Path, metavar="DIR", help="where runs are kept (reports)")
    verb.add_argument("--quiet", action="store_true", help="no progress; only what is wrong, and the answer")
    verb.add_argument("--json", action="store_true", help="one JSON object on standard output instead of text")


def _environments(verbs: argparse._SubParsersAction[Parser]) -> None:
    actions = verbs.add_parser("env", help="list, build, lock, update and prune environments").add_subparsers(
        dest="action", required=True
    )
    listing = actions.add_parser("list", help="every environment: Python, Keras, state, size on disk")
    listing.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    build = actions.add_parser("build", help="build environments now, several at once")
    build.add_argument("names", help="comma list with globs, or @quick, @default, @full")
    build.add_argument("--fresh", action="store_true", help="also those that are ready")
    build.add_argument("--jobs", type=quantities.count, metavar="N", help="how many at once (cores)")
    lock = actions.add_parser(
        "lock",
        help="pin the packages of an environment that is not in the catalogue",
        description="Write locks/ID.txt beside pyproject.toml: for a patch release (tf-2.12.0), or for an environment "
        "of your own from [tool.matrix.environments.ID]. Without an ID: for all of your own.",
    )
    lock.add_argument("names", nargs="*", metavar="ID")
    actions.add_parser("update", help="make the catalogue and its locks anew from the package index (maintainers)")
    prune = actions.add_parser(
        "prune",
        help="delete built environments and give the disk back",
        description="Delete built environments, but none that is in use. Their files are shared with uv's cache, so "
        "the disk is given back in full only when that is cleaned too: uv cache clean tensorflow tensorflow-cpu",
    )
    prune.add_argument("--keep", metavar="LIST", default="", help="comma list with globs of those that stay")


def default_jobs(memory: int, per_worker: int = 3 << 29) -> int:
    """Return how many environments may be at work at once: one for each core, while the free memory (bytes) lasts."""
    return max(1, min(os.cpu_count() or 1, memory // per_worker))
