"""`plan`: what would run."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

from .. import budget, outlook
from ..engine import Engine
from ..outlook import size
from ..progress import quiet
from ..project import Project
from . import choosing
from .answer import Answer


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The work of a plan. Bytes and seconds are estimates; counts are exact."""

    environments: tuple[str, ...]
    scenarios: tuple[str, ...]
    cells: int
    known: int
    saves: int
    known_saves: int
    to_build: tuple[str, ...]
    disk: int
    seconds: float
    focus: tuple[str, str]
    left_out: dict[str, str]
    note: str
    broken: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return it for people."""
        lines = [
            f"{len(self.environments)} environments: {', '.join(self.environments)}",
            f"{len(self.scenarios)} scenarios: {', '.join(self.scenarios)}",
            f"{self.saves} saves, {self.known_saves} known already; {self.cells} cells, {self.known} known already",
            f"{len(self.to_build)} environments to build, about {size(self.disk)} on disk",
            f"about {max(1, round(self.seconds / 60))} min" if self.seconds else "nothing to run",
            f"verdict: {self.focus[0]} -> {self.focus[1]}",
        ]
        lines += [self.note] if self.note else []
        lines += [f"left out: {what}: {why}" for what, why in self.left_out.items()]
        return [*lines, *(f"will be E: {error}" for error in self.broken)]


def plan(options: argparse.Namespace, project: Project) -> Answer:
    """Say what `run` would do with the same options."""
    asked = choosing.selection(options, project)
    engine = choosing.engine(options, project, asked, quiet(), fresh=options.fresh)
    seen = _forecast(options, asked, engine)
    project.store.close()
    return Answer(json.dumps(asdict(seen), indent=1) if options.json else "\n".join(seen.lines()))


def _forecast(options: argparse.Namespace, asked: choosing.Selection, engine: Engine) -> Forecast:
    chosen, todo, (saves, known) = asked.chosen, engine.cells_left, engine.known
    building = choosing.building(engine)
    needed = {name for cell in todo for name in (cell.writer, cell.reader)}
    missing = {cell.save for cell in todo} - saves.keys()
    seconds = outlook.seconds(builds=len(building), imports=len(needed), saves=len(missing), loads=len(todo))
    return Forecast(
        environments=tuple(item.id for item in chosen.plan.environments),
        scenarios=tuple(item.name for item in chosen.plan.scenarios),
        cells=len(chosen.plan.cells),
        known=len(known),
        saves=len(chosen.plan.saves),
        known_saves=len(saves),
        to_build=tuple(item.id for item in building),
        disk=outlook.needed(building),
        seconds=seconds / engine.means.jobs,
        focus=chosen.focus,
        left_out=dict(chosen.plan.left_out),
        note=budget.note(len(engine.left_out), choosing.limit(options)),
        broken=tuple(str(error) for error in asked.known.broken.values()),
    )
