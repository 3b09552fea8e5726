"""`publish`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from ..errors import Incomplete
from ..outlook import size
from ..project import Project
from ..site import Published
from ..site import publish as published
from .answer import Answer

PAGES_LIMIT = 1_000_000_000  # https://docs.github.com/en/pages/getting-started-with-github-pages/github-pages-limits


def publish(options: argparse.Namespace, project: Project) -> Answer:
    """Bring the site up to date, and say what is on it; incomplete when a run cannot be shown."""
    reports = project.reports(options.output)
    made = published(reports, options.site or reports / "site", base_url=options.base_url, compress=options.compress)
    code = Incomplete.exit_code if any(not one.busy for one in made.refused) else 0
    if options.json:
        return Answer(json.dumps({**asdict(made), "front": str(made.front)}, indent=1), code)
    return Answer("\n".join(_said(made)), code)


def _said(made: Published) -> Iterator[str]:
    unfinished = f", {len(made.unfinished)} of them unfinished" if made.unfinished else ""
    yield f"{made.runs} runs{unfinished}, {len(made.added)} new, {size(made.size)}."
    for one in made.refused:
        yield f"  {one.name!r} {'is passed over' if one.busy else 'cannot be shown'}: {one.why}"
    if made.size > PAGES_LIMIT:
        yield "  GitHub Pages takes 1 GB: `--compress` packs the tables of runs that are not on the site yet."
    yield f"Site: {made.front}"
