"""Ways around: what another environment can do for a cell that no remedy helps in its reader.

Two kinds: the reader's sibling with the Keras of before (`legacy`), and a bridge: another environment loads the file
and saves it again, in a format of its own, for the reader or for the next one. A bridge is looked for among hops that
were measured, the shortest first; whether it carries this very file is measured from end to end. What a detour leads
through are artifacts and cells like all others, so that it is run, kept and judged as they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from .model import Cell, Environment, Format, Rung, Save, Scenario, Status, Variant, Way
from .plan import Plan, ladder, own_rung
from .results import Attempt, Result

LEGACY, BRIDGE = "legacy", "bridge"
HOPS = 3  # environments between a file and its reader; what needs more is no advice for anybody
BRIDGES = 2  # tried for one cell
_HELPLESS = frozenset({Status.FAIL, Status.TIMEOUT, Status.CRASH})
_OPENED = frozenset({Status.PASS, Status.REMEDIED})
_SERVED = frozenset({Way.TFSM, Way.RAW_SAVED_MODEL})
_NAME = re.compile(rf"{LEGACY}|{BRIDGE}\((?P<hops>[^()]+)\)")


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One environment on the way: how it loads what comes to it, and the format in which it saves that."""

    environment: str
    rung: str
    format: Format


@dataclass(frozen=True, kw_only=True)
class Route:
    """A detour of one cell. `last` is the cell at its end: what is loaded there, and by whom."""

    cell: Cell
    last: Cell

    @property
    def name(self) -> str:
        """What it is called among the remedies, e.g. `bridge(compile=False@tf-2.12>keras)`; `read` understands it."""
        if not self.last.origin:
            return LEGACY
        hops = [
            "".join(["" if hop.rung == Rung().name else f"{hop.rung}@", f"{hop.environment}>{hop.format}"])
            for hop in hops_to(self.last)
        ]
        return f"{BRIDGE}({','.join(hops)})"


def hops_to(cell: Cell) -> tuple[Hop, ...]:
    """Return the environments that an artifact went through before a cell, the first one first."""
    return tuple(
        Hop(environment=save.writer, rung=save.origin[1].name, format=save.format)
        for save in reversed(cell.save.line)
        if save.origin
    )


def read(name: str) -> tuple[tuple[Hop, ...], str] | None:
    """Return the hops of a remedy with a detour, and the rung at its end; None for any other remedy.

    Without hops it is the reader's sibling that loads the file.
    """
    way, _, rung = name.partition("+") if not name.startswith(f"{BRIDGE}(") else _bridge(name)
    match = _NAME.fullmatch(way)
    if match is None:
        return None
    hops = []
    for part in (match["hops"] or "").split(",") if match["hops"] else ():
        where, _, format_ = part.rpartition(">")
        loaded, _, environment = where.rpartition("@")
        if format_ not in list(Format) or not environment:
            return None
        hops.append(Hop(environment=environment, rung=loaded or Rung().name, format=Format(format_)))
    return tuple(hops), rung or Rung().name


def _bridge(name: str) -> tuple[str, str, str]:
    way, closing, rung = name.partition(")")
    return way + closing, "+", rung.removeprefix("+")


@dataclass(frozen=True)
class Map:
    """The hops that were measured for one scenario in one variant.

    Attributes:
        results: what was measured, of all pairs and formats.
        order: environment → its place on the axes.
    """

    results: Sequence[Result]
    scenario: Scenario
    order: Mapping[str, int]
    _rungs: dict[Format, dict[str, Rung]] = field(default_factory=dict, repr=False, compare=False)

    def bridges(self, cell: Cell) -> Iterator[Cell]:
        """Yield the last cells of bridges around a cell, those with the fewest hops first, then the plainest."""
        seen = {(cell.writer, cell.format)}
        ends: list[Save] = [cell.save]
        for _ in range(HOPS):
            ends = [save for end in ends for save in self._hops(end, seen)]
            arrived = [replace(cell, writer=one.writer, format=one.format, origin=one.origin) for one in ends]
            yield from sorted((one for one in arrived if self._at_last(one)), key=self._plain(cell))

    def _at_last(self, cell: Cell) -> Rung | None:
        """Return how a reader opens what the last environment saves when it builds the model itself."""
        return self._opened[cell.writer, cell.format].get(cell.reader)

    def _plain(self, cell: Cell) -> Callable[[Cell], tuple[bool, bool, bool, int, int]]:
        """Return what is asked for first: that the end and the hop need nothing else, and the fewest environments."""

        def cost(one: Cell) -> tuple[bool, bool, bool, int, int]:
            remedied = self._at_last(one) != own_rung(one)
            changed = any(hop.rung != own_rung(cell).name for hop in hops_to(one))
            elsewhere = one.writer != cell.writer
            return remedied, changed, elsewhere, -self.order[one.writer], list(Format).index(one.format)

        return cost

    def _hops(self, end: Save, seen: set[tuple[str, Format]]) -> Iterator[Save]:
        """Yield what an artifact can be saved as by those who open it; each place is come to once."""
        for reader, rung in self._opened[end.writer, end.format].items():
            if rung.way in _SERVED or not _model(end.format, rung):
                continue
            for again in self._written[reader]:
                if (reader, again) not in seen:
                    seen.add((reader, again))
                    yield replace(end, writer=reader, format=again, origin=(end, rung))

    @cached_property
    def _opened(self) -> defaultdict[tuple[str, Format], dict[str, Rung]]:
        """Whose files are opened by whom, and how."""
        found: defaultdict[tuple[str, Format], dict[str, Rung]] = defaultdict(dict)
        for result in self.results:
            cell = result.cell
            if result.status in _OPENED:
                rung = self._named(cell, result.remedy) if result.remedy else own_rung(cell)
                if rung is not None:
                    found[cell.writer, cell.format][cell.reader] = rung
        return found

    @cached_property
    def _written(self) -> dict[str, tuple[Format, ...]]:
        """The formats that an environment has saved this model in."""
        found: defaultdict[str, dict[Format, None]] = defaultdict(dict)
        for result in self.results:
            if result.status.measured:
                found[result.cell.writer][result.cell.format] = None
        return defaultdict(tuple, {name: tuple(formats) for name, formats in found.items()})

    def _named(self, cell: Cell, name: str) -> Rung | None:
        """Return the rung with a name; None for a detour."""
        if cell.format not in self._rungs:
            rungs = ladder(cell, self.scenario.variants, safe_mode=True)
            self._rungs[cell.format] = {rung.name: rung for rung in rungs}
        return self._rungs[cell.format].get(name)


def _model(format_: Format, rung: Rung) -> bool:
    """Whether what is loaded is a model, which can be saved. The own way of an export is a signature."""
    return rung.way is not Way.OWN or format_ is not Format.EXPORT


def routes(
    results: Iterable[Result],
    scenarios: Iterable[Scenario],
    environments: Sequence[Environment],
    siblings: Mapping[str, Environment],
) -> tuple[Route, ...]:
    """Return the detours that are worth trying, those of a cell in the order in which they count.

    Args:
        results: of a run.
        scenarios: of its axis.
        environments: of its axes, in their order.
        siblings: reader → the same TensorFlow with the Keras of before.
    """
    kinds: defaultdict[tuple[str, Variant], list[Result]] = defaultdict(list)
    for result in results:
        kinds[result.cell.scenario, result.cell.variant].append(result)
    order = {item.id: place for place, item in enumerate(environments)}
    by_name = {item.name: item for item in scenarios}
    found: list[Route] = []
    for (scenario, _), of_kind in kinds.items():
        helpless = [result.cell for result in of_kind if result.status in _HELPLESS]
        here = Map(of_kind, by_name[scenario], order)
        for cell in helpless:
            if cell.reader in siblings:
                found.append(Route(cell=cell, last=replace(cell, reader=siblings[cell.reader].id)))
            found += [Route(cell=cell, last=last) for last in islice(here.bridges(cell), BRIDGES)]
    return tuple(found)


def plan(routes: Iterable[Route], run: Plan, siblings: Iterable[Environment]) -> Plan:
    """Return what is to be measured for some detours, with the environments that take part."""
    cells = tuple(dict.fromkeys(route.last for route in routes))
    ids = {name for cell in cells for name in (cell.reader, *(save.writer for save in cell.save.line))}
    known = {item.id: item for item in (*run.environments, *siblings)}
    return replace(
        run,
        environments=tuple(item for name, item in known.items() if name in ids),
        saves=tuple(dict.fromkeys(cell.save for cell in cells)),
        cells=cells,
    )


def joined(results: Iterable[Result], routes: Iterable[Route], ends: Mapping[Cell, Result]) -> Iterator[Result]:
    """Yield the results of a run, each with what came of its detours: the first that led there is its remedy.

    Args:
        results: of the run.
        routes: that were tried.
        ends: the results of their last cells.
    """
    of_cell: defaultdict[Cell, list[Attempt]] = defaultdict(list)
    for route in routes:
        tried = _tried(route, ends.get(route.last))
        if tried is not None:
            of_cell[route.cell].append(tried)
    for result in results:
        tries = of_cell.get(result.cell)
        if not tries:
            yield result
            continue
        remedy = next((one.rung for one in tries if one.status is Status.PASS), "")
        status = Status.REMEDIED if remedy else result.status
        yield replace(result, attempts=(*result.attempts, *tries), status=status, remedy=remedy)


def _tried(route: Route, end: Result | None) -> Attempt | None:
    """Return what a detour came to; None where nobody tried."""
    if end is None or not (end.status.measured or end.writer_error):
        return None
    passed = next((one for one in end.attempts if one.status is Status.PASS), end.own)
    if passed is None:
        return None
    stacked = f"{route.name}+{end.remedy}" if end.remedy else route.name
    return replace(passed, rung=stacked)
