"""In which order ways of loading are tried, and who goes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from climbing import failed, trial, worked
from fakes import FakeBackend, engine, environment, scenario
from values import ABLE, ALL, CELL

from matrix.diagnosis.causes import Cause, catalogue, recognised
from matrix.diagnosis.naming import Namer
from matrix.model import Cell, Format, Need, Variant, Way
from matrix.order import Order, ordered
from matrix.plan import ladder
from matrix.trials import Trial

Said = Callable[[Cell, str], str]  # how a cell ends by a rung: with a message, or well
FILES = [replace(CELL, writer=f"writer-{number}") for number in range(4)]
LADDER = ladder(CELL, ALL, safe_mode=True)


def names(suggested: Sequence[str] = (), solved: Sequence[str] = ()) -> list[str]:
    """The rungs of a bare cell in their order, those that call what was loaded left out."""
    return [rung.name for rung in ordered(LADDER, Variant.BARE, solved, suggested) if not rung.call]


def stepped(cells: Sequence[Cell], said: Said, suggested: Sequence[str] = ()) -> list[list[str]]:
    """What is tried at each step, as `writer rung`, until every cell is at its end."""
    order = Order(lambda _cell, _own: suggested)
    trials, steps = [trial(cell) for cell in cells], []
    while trials := [one for one in trials if one.next(ABLE) is not None]:
        steps.append([one_step(one, said) for one in order.turn(trials)])
    return steps


def one_step(one: Trial, said: Said) -> str:
    """Let a cell try what is next."""
    rung = one.next(ABLE)
    assert rung is not None
    message = said(one.cell, rung.name)
    failed(one, message, function="deserialize") if message else worked(one)
    return f"{one.cell.writer} {rung.name}"


def helped_by(*solutions: str) -> Said:
    """Every way fails, with the name of its rung, but some."""
    return lambda _cell, rung: "" if rung in solutions else f"no good: {rung}"


def test_the_file_comes_before_the_code() -> None:
    """
    Whatever solved the same failure before, or is suggested: no label hides that less would do.
    """
    for solved, suggested in (((), ()), (["weights"], ()), ((), ["weights", "custom_objects"])):
        found = ordered(LADDER, Variant.BARE, solved, suggested)

        needs = [rung.needs for rung in found]
        assert needs == sorted(needs, key=list(Need).index)
        assert sorted(found, key=LADDER.index) == list(LADDER)


def test_what_solved_the_same_failure_comes_first() -> None:
    """
    Before what its cause suggests, among all that need as much and are options, or other ways, alike.
    """
    found = names(["weights", "custom_objects"], ["config_patch+registered", "registered+compile=False"])

    assert found[4:6] == ["registered", "registered+compile=False"]
    assert found[-3:] == ["config_patch+registered", "weights", "config_patch+custom_objects"]


def test_the_plainest_change_that_helps_is_told() -> None:
    """
    Options of `load_model` come before other ways, whatever solved the failures of other cells.
    """
    for solved, suggested in (((), ()), (["weights"], ()), ((), ["weights", "config_patch"])):
        found = [rung for rung in ordered(LADDER, Variant.BARE, solved, suggested) if rung.needs is Need.CODE]

        assert [rung.way is not Way.OWN for rung in found] == sorted(rung.way is not Way.OWN for rung in found)


def test_what_is_called_is_loaded_first() -> None:
    """
    A solution that calls the model takes the way that loads it with it, for it is tried only after that.
    """
    found = ordered(LADDER, Variant.BARE, ["config_patch+custom_objects+call"], ())

    both = [rung.name for rung in found if rung.needs is Need.CODE and rung.way is not Way.OWN][:2]
    assert both == ["config_patch+custom_objects", "config_patch+custom_objects+call"]


def test_what_the_cause_suggests_comes_before_the_rest() -> None:
    """
    In the order of the cause, options before other ways: those with the classes that it suggests from the plainest on;
    a way whatever classes it is given.
    """
    found = names(["weights", "registered"])

    assert found[:4] == ["compile=False", "safe_mode=False", "compile=False+safe_mode=False", "config_patch"]
    assert found[4:6] == ["registered", "registered+compile=False"]
    assert found.index("registered+compile=False+safe_mode=False") < found.index("custom_objects")
    assert found[-3:] == ["weights", "config_patch+custom_objects", "config_patch+registered"]


def test_one_change_comes_before_two() -> None:
    """
    Whatever solved the failures of other cells: nobody is told to leave out an optimizer without need.
    """
    found = names((), ["custom_objects+compile=False"])

    assert found[4:6] == ["custom_objects", "custom_objects+compile=False"]


@pytest.mark.parametrize("cause", [cause for cause in catalogue() if cause.remedies], ids=lambda cause: cause.slug)
def test_a_cause_suggests_what_there_is(cause: Cause) -> None:
    """
    Every remedy of the catalogue is a part of a rung's name, or a way that another environment has.
    """
    rungs = [rung for kind in Format for rung in ladder(replace(CELL, format=kind), ALL, safe_mode=True)]
    known = {part for rung in rungs for part in rung.name.split("+")} | {"legacy", "bridge"}

    assert set(cause.remedies) <= known


def test_the_first_of_a_kind_goes_ahead() -> None:
    """
    The others wait until it is at its end, and then try its solution before all else that needs as much.
    """
    steps = stepped(FILES, helped_by("registered"))

    assert len(steps[0]) == len(FILES)
    assert steps[1] == ["writer-0 config_patch"]
    assert [step for step in steps[1:] if len(step) == 1][-1] == ["writer-0 registered"]
    assert steps[-2:] == [
        [f"writer-{number} {rung}" for number in (1, 2, 3)] for rung in ("config_patch", "registered")
    ]


def test_what_needs_less_is_tried_all_the_same() -> None:
    """
    A follower is another file: that the first one could not do with less says nothing of it.
    """

    def said(cell: Cell, rung: str) -> str:
        return helped_by("weights", *(["config_patch"] if cell.writer == "writer-2" else []))(cell, rung)

    ends = [step for steps in stepped(FILES, said) for step in steps]

    assert "writer-2 config_patch" in ends
    assert "writer-2 weights" not in ends


def test_cells_of_other_kinds_do_not_wait() -> None:
    """
    Another failure, scenario, variant or format has another first.
    """
    others = [
        CELL,
        replace(CELL, scenario="other"),
        replace(CELL, format=Format.KERAS),
        replace(CELL, variant=Variant.CUSTOM_OBJECTS),
        replace(CELL, writer="unlike"),
    ]

    steps = stepped(others, lambda cell, rung: f"no good: {rung} of {cell.writer}")

    assert len(steps[1]) == len(others)


def test_those_whom_a_solution_does_not_help_are_a_kind_of_their_own() -> None:
    """
    Told apart by how that failed: one of them goes ahead again, and the others try what solved it.
    """

    def said(cell: Cell, rung: str) -> str:
        return helped_by("config_patch+custom_objects" if cell.writer == "writer-0" else "weights")(cell, rung)

    steps = stepped(FILES, said)

    assert [f"writer-{number} config_patch+custom_objects" for number in (1, 2, 3)] in steps
    assert ["writer-1 weights"] in steps
    assert steps[-1] == ["writer-2 weights", "writer-3 weights"]
    assert not [step for one in steps for step in one if step.startswith("writer-3 config_patch+registered")]


def test_where_nothing_helped_the_first_nobody_waits_any_longer() -> None:
    """
    The others try everything, all at once.
    """
    steps = stepped(FILES, helped_by())

    own, first, rest = steps[0], [one for one in steps[1:] if len(one) == 1], [one for one in steps if len(one) == 3]
    assert len(own) == len(FILES)
    assert len(first) == len(rest) > 1
    assert len(steps) == 1 + len(first) + len(rest)


def test_a_cell_is_helped_alone_as_among_others() -> None:
    """
    What is left over differs, and neither whether it is remedied nor what the remedy needs.
    """

    def said(cell: Cell, rung: str) -> str:
        solutions = {
            "writer-0": ["weights"],
            "writer-1": ["config_patch", "weights"],
            "writer-2": ["registered", "custom_objects"],
            "writer-3": [],
        }
        return helped_by(*solutions[cell.writer])(cell, rung)

    by_name = {rung.name: rung for rung in LADDER}
    alone = [last(stepped([cell], said), cell) for cell in FILES]
    for cells in permutations(FILES):
        together = stepped(cells, said)
        for cell, name in zip(FILES, alone, strict=True):
            found = last(together, cell)
            assert (said(cell, found) == "") is (said(cell, name) == "")
            assert said(cell, found) or by_name[found].needs is by_name[name].needs


def last(steps: Sequence[Sequence[str]], cell: Cell) -> str:
    """The last thing that a cell tried."""
    return [step.partition(" ")[2] for one in steps for step in one if step.startswith(f"{cell.writer} ")][-1]


def test_the_cause_of_the_own_way_suggests() -> None:
    """
    From the catalogue, by what was said; nothing where it is not known.
    """
    text = "Unknown layer: Scale"
    one = failed(trial(CELL), text)
    cause = recognised(f"ValueError: {text}").cause
    namer = Namer((), lambda _digest: "")

    assert cause is not None
    assert namer.suggested(CELL, one.attempts[0]) == cause.remedies != ()
    assert namer.suggested(CELL, failed(trial(CELL), "nobody has seen this").attempts[0]) == ()


def test_a_reader_tries_the_same_again(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Whatever order cells come in, every cell has the same attempts, and so have all whom the plainest change helps.
    """
    environments = [environment("2.0.0"), environment("2.1.0"), environment("2.2.0"), environment("3.0.0")]
    tried = []
    for folder, some in (("a", environments), ("b", environments[::-1])):
        outcome = engine(backend, tmp_path / folder, some, [scenario("custom_fake")]).run()
        tried.append({one.cell.id: [item.rung for item in one.attempts] for one in outcome.results if one.attempts})

    first, second = (tried[0][f"tf-{writer}/tf-3.0/custom_fake/bare/h5"] for writer in ("2.0", "2.1"))
    assert tried[0] == tried[1]
    assert first[-1] == second[-1] == "custom_objects+compile=False"
    assert first == second
