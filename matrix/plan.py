"""What would run: a pure function from environments and scenarios to a value that can be printed and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .errors import NothingSelected
from .model import LEGACY, Cell, Environment, Format, Need, Rung, Save, Scenario, Variant, Way, legacy_sibling

OPENED_BY_LOAD_MODEL = frozenset({Format.H5, Format.KERAS, Format.SAVED_MODEL})
_CONFIGURED = frozenset({Format.H5, Format.KERAS})
_SERVED: Mapping[Format, tuple[Way, ...]] = {
    Format.SAVED_MODEL: (Way.TFSM, Way.RAW_SAVED_MODEL),
    Format.EXPORT: (Way.TFSM,),  # its own way is the signature
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells of a run and the artifacts they need, in the order of the axes.

    Attributes:
        environments, scenarios: the axes.
        saves: each artifact once.
        cells: each square once.
        left_out: what was not planned, and why.
    """

    environments: tuple[Environment, ...]
    scenarios: tuple[Scenario, ...]
    saves: tuple[Save, ...]
    cells: tuple[Cell, ...]
    left_out: tuple[tuple[str, str], ...]


def plan(
    environments: Sequence[Environment],
    scenarios: Sequence[Scenario],
    formats: Sequence[Format] = tuple(Format),
) -> Plan:
    """Cross writers and readers with every variant and format of every scenario.

    Raises:
        NothingSelected: nothing is left to run.
    """
    cells: list[Cell] = []
    left_out: list[tuple[str, str]] = []
    for scenario in scenarios:
        able = [item for item in environments if _fits(scenario, item)]
        left_out += [
            (f"{scenario.name} with {item.id}", f"the scenario needs tensorflow{scenario.requires}")
            for item in environments
            if item not in able
        ]
        chosen = [item for item in scenario.formats if item in formats]
        left_out += [(f"{scenario.name} as {item}", "not chosen") for item in scenario.formats if item not in chosen]
        cells += [
            Cell(writer=writer.id, reader=reader.id, scenario=scenario.name, variant=variant, format=kind)
            for writer, reader, variant, kind in product(able, able, scenario.variants, chosen)
        ]
    if not cells:
        raise NothingSelected(
            "These choices leave no cell to run. `matrix plan` with fewer of --environments, --scenarios and "
            "--formats shows what there is."
        )
    return Plan(
        environments=tuple(environments),
        scenarios=tuple(scenarios),
        saves=tuple(dict.fromkeys(cell.save for cell in cells)),
        cells=tuple(cells),
        left_out=tuple(left_out),
    )


def _fits(scenario: Scenario, environment: Environment) -> bool:
    if not scenario.requires:
        return True
    version = environment.tensorflow  # empty where none is locked
    return bool(version) and SpecifierSet(scenario.requires).contains(version, prereleases=True)


def needs_code(cell: Cell) -> bool:
    """Whether the cell's own way runs the scenario's code: never in a child that sees only the file."""
    return cell.variant is not Variant.BARE or cell.format is Format.WEIGHTS_H5


def own_rung(cell: Cell) -> Rung:
    """Return what the scenario's author would write: the loader in the given variant, and nothing else."""
    return Rung(code=cell.variant)


def ladder(cell: Cell, variants: Sequence[Variant], *, safe_mode: bool) -> tuple[Rung, ...]:
    """Return the ways of loading to try when a cell's own way fails: what needs least, then what changes least.

    Args:
        cell: the cell.
        variants: those of its scenario: a scenario without custom code has nothing to hand over.
        safe_mode: whether the reader's `load_model` can be told so.
    """
    codes = _codes(cell, variants)
    steps = _options(cell, codes, safe_mode=safe_mode) if cell.format in OPENED_BY_LOAD_MODEL else [[own_rung(cell)]]
    if cell.format in _CONFIGURED:
        steps += [[Rung(way=Way.CONFIG_PATCH, code=code)] for code in codes]
    steps += [[Rung(way=way)] for way in _SERVED.get(cell.format, ())]
    steps.append([Rung(way=Way.WEIGHTS)])
    rungs = [
        rung
        for step in steps
        for rung in (*step, *(replace(rung, call=True) for rung in step if _predicts(cell, rung)))
    ]
    others = dict.fromkeys(rung for rung in rungs if rung != own_rung(cell))
    return tuple(sorted(others, key=lambda rung: more_needed(rung, cell.variant)))


def more_needed(rung: Rung, own: Variant) -> int:
    """Return how much a way needs beyond the cell's own, 0 for nothing: that has the code at hand unless it is bare."""
    at_hand = own is not Variant.BARE and rung.needs is Need.CODE
    return 0 if at_hand else list(Need).index(rung.needs)


def _predicts(cell: Cell, rung: Rung) -> bool:
    """Whether a way loads what has a `predict`, so that it can be called where that fails. Signatures have none."""
    return rung.way not in _SERVED[Format.SAVED_MODEL] and (cell.format is not Format.EXPORT or rung.way is not Way.OWN)


def _codes(cell: Cell, variants: Sequence[Variant]) -> list[Variant]:
    """Return how the scenario's code can meet the loader in a remedy: as in the cell first, never less than there."""
    codes = [variant for variant in variants if variant is not Variant.BARE or cell.variant is Variant.BARE]
    return sorted(codes, key=lambda code: (code is not cell.variant, list(Variant).index(code)))


def _options(cell: Cell, codes: Sequence[Variant], *, safe_mode: bool) -> list[list[Rung]]:
    """Return what can be asked of `load_model`, in steps after which what loads is called."""
    steps = [[Rung(code=code, compile=compiled) for compiled in (True, False)] for code in codes]
    if safe_mode:
        steps.append([Rung(code=cell.variant, safe_mode=False)])
        steps += [[Rung(code=code, compile=False, safe_mode=False)] for code in codes]
    return steps


def focus(environments: Sequence[Environment], start: str, end: str) -> tuple[str, str]:
    """Return the pair of the verdict: as asked, else from the newest of the last Keras generation to the newest.

    With one generation only, from the oldest to the newest. A legacy sibling stands back for what it is a sibling of,
    and for every release of its generation.
    """
    siblings = {legacy_sibling(item.id) for item in environments}
    others = [item for item in environments if item.id not in siblings]
    newest = max(reversed(others), key=lambda item: Version(item.tensorflow or "0"))  # the last of equals
    older = [item for item in environments if item.generation < newest.generation]
    releases = [item for item in older if not item.id.endswith(LEGACY)]
    return start or (releases or older or environments)[-1 if older else 0].id, end or newest.id


def rank(cell: Cell, focus: tuple[str, str], generations: Mapping[str, int]) -> int:
    """Return how much a cell tells, 0 the most: the order in which a run that may be cut off measures.

    Args:
        cell: the cell.
        focus: the pair of the verdict.
        generations: environment → the major version of its Keras.
    """
    start, end = focus
    pair = cell.writer, cell.reader
    if pair == focus:
        return 0
    if pair in {(start, start), (end, end), (end, start)}:  # what the verdict is compared with, and the way back
        return 1
    if cell.writer == cell.reader:
        return 2
    if generations[cell.writer] != generations[cell.reader]:
        return 3 if start == cell.writer or end == cell.reader else 4
    return 5
