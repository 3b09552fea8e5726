"""Ways around over other environments: which are worth trying, how they are named, and what they come to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from values import environment, scenario

from matrix.detours import BRIDGES, Hop, Route, hops_to, joined, plan, read, routes
from matrix.model import Cell, Format, Rung, Save, Stage, Status, Variant, Way
from matrix.plan import plan as planned
from matrix.report import words
from matrix.results import Attempt, Result

OLD, MIDDLE, NEW = (
    environment(name, version) for name, version in (("old", "2.3.0"), ("mid", "2.9.0"), ("new", "2.16.0"))
)
SIBLING = environment("new+legacy", "2.16.0")
AXES = [OLD, MIDDLE, NEW]
LOST = Cell(writer="old", reader="new", scenario="plain", variant=Variant.BARE, format=Format.H5)


def result(writer: str, reader: str, letter: str, format_: Format = Format.H5, remedy: str = "") -> Result:
    """A result of the plain scenario."""
    cell = replace(LOST, writer=writer, reader=reader, format=format_)
    own = Attempt(rung="own way", status=Status(letter if letter != "R" else "F"), stage=Stage.CONFIG)
    return Result(cell=cell, status=Status(letter), attempts=(own,), remedy=remedy)


def found(*results: Result) -> list[Route]:
    """The detours that these results suggest."""
    return list(routes(results, [scenario()], AXES, {}))


STUCK = result("old", "new", "F")


@pytest.mark.parametrize("letter", "PRDUSE.")
def test_only_what_no_remedy_helps_takes_a_detour(letter: str) -> None:
    """
    Drift does not climb, and what nobody could try is no failure.
    """
    others = [result("old", "mid", "P"), result("mid", "new", "P", Format.KERAS)]

    assert not found(result("old", "new", letter), *others)


def test_a_bridge_is_built_of_hops_that_were_measured() -> None:
    """
    Another environment opens the file and saves this model in a format that the reader opens.
    """
    (route,) = found(STUCK, result("old", "mid", "P"), result("mid", "new", "P", Format.KERAS))

    assert route.cell == LOST
    assert route.name == "bridge(mid>keras)"
    assert (route.last.writer, route.last.reader, route.last.format) == ("mid", "new", Format.KERAS)
    assert route.last.save.origin == (LOST.save, Rung())


def test_who_only_serves_a_file_cannot_save_it() -> None:
    """
    A signature and a layer are no models; what failed is no hop.
    """
    to = result("mid", "new", "P", Format.KERAS)

    assert not found(STUCK, result("old", "mid", "R", remedy="tfsm"), to)
    assert not found(STUCK, result("old", "mid", "F"), to)
    assert not found(STUCK, result("old", "mid", "R", remedy="bridge(x>h5)"), to)
    exported = result("old", "new", "F", Format.EXPORT)
    assert not found(exported, result("old", "mid", "P", Format.EXPORT), to)


def test_a_shorter_bridge_comes_before_a_longer_one_and_a_plain_one_before_one_with_changes() -> None:
    """
    At most a few are tried.
    """
    many = [
        result("old", "mid", "R", remedy="compile=False"),
        result("old", "old", "P"),
        result("old", "old", "P", Format.KERAS),
        result("old", "new", "P", Format.KERAS),
        result("mid", "new", "P", Format.KERAS),
        result("mid", "new", "P", Format.SAVED_MODEL),
    ]

    names = [route.name for route in found(STUCK, *many)]

    assert names == ["bridge(old>keras)", "bridge(compile=False@mid>keras)"]
    assert len(names) == BRIDGES


def test_a_bridge_may_have_several_hops() -> None:
    """
    Where no single environment stands between the two.
    """
    (route,) = found(
        STUCK,
        result("old", "old", "P"),
        result("old", "old", "F", Format.KERAS),
        result("old", "mid", "P", Format.KERAS),
        result("mid", "new", "P", Format.SAVED_MODEL),
    )

    assert route.name == "bridge(old>keras,mid>saved_model)"
    assert [save.writer for save in route.last.save.line] == ["mid", "old", "old"]


def test_a_legacy_sibling_comes_first() -> None:
    """
    It needs no other TensorFlow; an environment without one has none.
    """
    results = [STUCK, result("old", "mid", "P"), result("mid", "new", "P", Format.KERAS)]

    names = [route.name for route in routes(results, [scenario()], AXES, {"new": SIBLING})]

    assert names == ["legacy", "bridge(mid>keras)"]


def test_all_who_take_part_are_in_the_plan_of_the_detours() -> None:
    """
    Also those that only saved the file; each artifact and each cell once.
    """
    run = planned(AXES, [scenario()])
    results = [STUCK, result("old", "mid", "P"), result("mid", "new", "P", Format.KERAS)]
    both = routes(results, [scenario()], AXES, {"new": SIBLING})

    made = plan([*both, *both], run, [SIBLING])

    assert [item.id for item in made.environments] == ["old", "mid", "new", "new+legacy"]
    assert made.cells == tuple(route.last for route in both)
    assert {save.id for save in made.saves} == {
        "old/plain/plain/h5",
        "old/plain/plain/h5 > as it is > mid/plain/plain/keras",
    }


LEGACY = Route(cell=LOST, last=replace(LOST, reader="new+legacy"))
BRIDGE = Route(cell=LOST, last=replace(LOST, writer="mid", format=Format.KERAS, origin=(LOST.save, Rung())))


def ended(route: Route, letter: str, *rungs: str) -> Result:
    """What the last cell of a detour came to; the last of its rungs passed where the letter is R."""
    own = Attempt(rung="own way", status=Status(letter if letter != "R" else "F"), stage=Stage.CONFIG, message="own")
    more = [Attempt(rung=name, status=Status.FAIL, stage=Stage.CONFIG) for name in rungs]
    if letter == "R":
        more[-1] = replace(more[-1], status=Status.PASS)
    return Result(
        cell=route.last, status=Status(letter), attempts=(own, *more), remedy=rungs[-1] if letter == "R" else ""
    )


def test_the_first_detour_that_leads_there_is_the_remedy_and_all_are_kept() -> None:
    """
    With the rung at its end: remedies stack.
    """
    ends = {LEGACY.last: ended(LEGACY, "F", "compile=False"), BRIDGE.last: ended(BRIDGE, "R", "x", "compile=False")}

    other = result("old", "old", "P")
    helped, same = joined([STUCK, other], [LEGACY, BRIDGE], ends)

    assert (helped.status, helped.remedy) == (Status.REMEDIED, "bridge(mid>keras)+compile=False")
    assert [(one.rung, one.status) for one in helped.attempts[1:]] == [
        ("legacy", Status.FAIL),
        ("bridge(mid>keras)+compile=False", Status.PASS),
    ]
    assert same is other


@pytest.mark.parametrize("letter", "FDTC")
def test_a_detour_that_leads_nowhere_changes_no_letter(letter: str) -> None:
    """
    It is told among what was tried.
    """
    (still,) = joined([STUCK], [LEGACY], {LEGACY.last: ended(LEGACY, letter)})

    assert (still.status, still.remedy, still.attempts[-1].rung) == (Status.FAIL, "", "legacy")
    assert still.attempts[-1].message == "own"


@pytest.mark.parametrize("letter", "E.U")
def test_what_nobody_tried_is_not_told(letter: str) -> None:
    """
    An environment that cannot be had says nothing of a detour.
    """
    end = Result(cell=LEGACY.last, status=Status(letter), reason="no disk")

    assert list(joined([STUCK], [LEGACY], {LEGACY.last: end})) == [STUCK]
    assert list(joined([STUCK], [LEGACY], {})) == [STUCK]


def test_a_hop_that_could_not_save_is_told() -> None:
    """
    With what it said.
    """
    refused = Attempt(rung="save", status=Status.FAIL, stage=Stage.RESAVE, message="no config")
    end = Result(cell=BRIDGE.last, status=Status.NOT_SAVED, reason="mid could not save it", writer_error=refused)

    (still,) = joined([STUCK], [BRIDGE], {BRIDGE.last: end})

    assert still.attempts[-1] == replace(refused, rung="bridge(mid>keras)")
    assert still.status is Status.FAIL


NAMES = [
    pytest.param("legacy", (), "as it is", "another environment", id="legacy"),
    pytest.param("legacy+compile=False", (), "compile=False", "another environment", id="legacy-and-more"),
    pytest.param("legacy+weights", (), "weights", "another environment and the code", id="legacy-with-code"),
    pytest.param(
        "bridge(tf-2.19+legacy>h5)",
        (Hop(environment="tf-2.19+legacy", rung="as it is", format=Format.H5),),
        "as it is",
        "another environment",
        id="bridge",
    ),
    pytest.param(
        "bridge(weights@a>keras,compile=False@b>weights_h5)+custom_objects+compile=False",
        (
            Hop(environment="a", rung="weights", format=Format.KERAS),
            Hop(environment="b", rung="compile=False", format=Format.WEIGHTS_H5),
        ),
        "custom_objects+compile=False",
        "another environment and the code",
        id="two-hops",
    ),
    pytest.param(
        "bridge(a>weights_h5)",
        (Hop(environment="a", rung="as it is", format=Format.WEIGHTS_H5),),
        "as it is",
        "another environment and the code",
        id="weights-need-code",
    ),
]


@pytest.mark.parametrize(("name", "hops", "rung", "needs"), NAMES)
def test_the_name_of_a_detour_can_be_read(name: str, hops: tuple[Hop, ...], rung: str, needs: str) -> None:
    """
    As its hops, the rung at its end, and in words with what it needs.
    """
    assert read(name) == (hops, rung)
    told = words.remedy(name, Format.H5, 3)
    assert (told.needs, told.cells) == (needs, 3)
    assert all(hop.environment in told.words for hop in hops)


@pytest.mark.parametrize(
    "name", ["", "compile=False", "legac", "bridge", "bridge()", "bridge(a)", "bridge(a>zip)", "bridge(>h5)"]
)
def test_other_remedies_are_no_detours(name: str) -> None:
    """
    Nor is what only begins like one.
    """
    assert read(name) is None


def test_hops_are_told_from_the_first_to_the_last() -> None:
    """
    As the name of a route does, in words that `read` understands.
    """
    first = replace(LOST.save, writer="mid", format=Format.KERAS, origin=(LOST.save, Rung(way=Way.WEIGHTS)))
    last = replace(LOST, writer="new", format=Format.SAVED_MODEL, origin=(first, Rung(compile=False)))
    route = Route(cell=LOST, last=last)

    assert read(route.name) == (hops_to(last), "as it is")
    assert [hop.environment for hop in hops_to(last)] == ["mid", "new"]
    assert isinstance(last.save, Save)
