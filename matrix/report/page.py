"""The page: values ready to print, handed to the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import analysis
from ..model import Variant
from ..results import Run
from . import background, rendering, tables, wholes, words
from .answer import Answer, keras, version
from .baseline import Baseline
from .endings import Endings
from .payload import columns, embedded
from .reasons import route
from .summary import explained, incomplete


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One piece of the bar above the counts, in thousandths of its width."""

    css: str
    x: int
    width: int


def html(
    run: Run,
    table: analysis.Table,
    answer: Answer,
    *,
    digest: str,
    data: dict[str, Any] | None = None,
    baseline: Baseline | None = None,
    whole: bool = True,
) -> str:
    """Return the whole page: no file beside it, no address outside it.

    Args:
        run: what is shown.
        table: the same as a table.
        answer: what is said on top.
        digest: SHA-256 of `results.jsonl`, the results that it shows.
        data: what its script is given; all that is known of all cells where it is left out.
        baseline: an earlier run, to compare to.
        whole: whether it is all of a run: advice is not judged by a part of one.
    """
    pages = rendering.templates()
    style, script = (pages.get_template(name).render() for name in ("page.css", "page.js"))
    encoding, packed = embedded(data or columns(run, Endings(run), baseline))
    formats = tables.formats(table)
    return pages.get_template("index.html.j2").render(
        style_hash=rendering.policy_hash(style),
        script_hash=rendering.policy_hash(script),
        encoding=encoding,
        data=packed,
        run=_run(run, digest),
        answer=answer,
        explained=explained(answer),
        bars=_bars(answer),
        old=_side(run, answer, 0),
        new=_side(run, answer, 1),
        pair=tables.pair_rows(run, formats),
        formats=[words.format_name(one) for one in formats],
        overview=tables.overview(run, table),
        **_whole(run, table),
        claims=background.claims(run, table) if whole else (),
        **_legend(run, table),
        names=[report.environment.id for report in run.environments],
        baseline=words.line(baseline.id, 80) if baseline else "",
    )


def _legend(run: Run, table: analysis.Table) -> dict[str, object]:
    """Return what explains the letters, formats, variants and numbers."""
    return {
        "letters": [words.letter(status) for status in words.ORDER],
        "ways": [(words.format_name(one), words.own_way(one)) for one in tables.formats(table)],
        "variants": [(str(one), words.variant_meaning(one)) for one in Variant],
        "tolerances": _tolerances(run),
    }


def _whole(run: Run, table: analysis.Table) -> dict[str, object]:
    """Return what the page says of the whole run."""
    return {
        "coverage": _coverage(table),
        "scenarios": wholes.scenarios(run, table),
        "causes": wholes.causes(table),
        "ranges": background.ranges(run, table),
        "environments": background.environments(run),
        "own_trouble": background.own_trouble(table),
    }


def _run(run: Run, digest: str) -> dict[str, object]:
    old, new = run.focus
    return {
        "id": words.line(run.id, 80),
        "when": words.when(run.started),
        "spent": words.duration(run.seconds),
        "command": words.line(run.command, 400),
        "profile": words.line(run.profile, 60) or "none",
        "machine": [(words.line(name, 40), words.line(fact, 200)) for name, fact in run.machine],
        "cached": run.cached,
        "digest": digest,
        "banner": "" if run.complete else incomplete(run),
        "note": words.line(run.note, 400),
        "left_out": [(words.line(what, 120), words.line(why, 300)) for what, why in run.left_out],
        "pair": route("pair", old, new)[1:],
    }


def _side(run: Run, answer: Answer, position: int) -> dict[str, str]:
    report = (answer.writer, answer.reader)[position]
    return {"id": words.line(run.focus[position], 60), "tensorflow": version(report), "keras": keras(report)}


def _bars(answer: Answer) -> tuple[Bar, ...]:
    whole = max(answer.measured, 1)
    bars, done = [], 0
    for share in answer.shares:
        start, end = 1000 * done // whole, 1000 * (done + share.number) // whole
        bars.append(Bar(css=share.look.css, x=start, width=end - start))
        done += share.number
    return tuple(bars)


def _coverage(table: analysis.Table) -> dict[str, object]:
    (sums,) = analysis.rows(analysis.counts(table))
    said = [(words.letter(status), sums[str(status)]) for status in words.ORDER if sums[str(status)]]
    return {"measured": sums["measured"], "total": sums["total"], "letters": said}


def _tolerances(run: Run) -> list[tuple[str, str]]:
    """Return the tolerances in use, each with its scenarios; the one that most share comes first."""
    found: dict[tuple[float, float], list[str]] = {}
    for scenario in run.scenarios:
        key = (scenario.tolerance.absolute, scenario.tolerance.relative)
        found.setdefault(key, []).append(words.line(scenario.name, 80))
    ranked = sorted(found.items(), key=lambda one: -len(one[1]))
    return [
        (f"{absolute:g} + {relative:g} \N{MULTIPLICATION SIGN} |a|", ", ".join(names) if rank else "")
        for rank, ((absolute, relative), names) in enumerate(ranked)
    ]
