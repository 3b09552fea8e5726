"""What would run."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from values import ALL, CELL, environment, scenario

from matrix.errors import NothingSelected
from matrix.model import Environment, Format, Rung, Scenario, Variant, Way
from matrix.plan import focus, ladder, needs_code, own_rung, plan

OLD = environment("tf-2.4", "2.4.4", "")
MID = environment("tf-2.12")
NEW = environment("tf-2.19", "2.19.1", "3.10.0")
EARLY = environment("tf-2.16+legacy", "2.16.2", "2.16.0")
LATE = environment("tf-2.19+legacy", "2.19.1", "2.19.0")
LOADED = (Format.H5, Format.KERAS, Format.SAVED_MODEL)
SCENARIO_VARIANTS = (ALL, (Variant.BARE,), (Variant.REGISTERED,), (Variant.BARE, Variant.REGISTERED))
WHOLE_LADDERS = [
    pytest.param(variants, variant, format_, safe_mode, id=f"{len(variants)}-{variant}-{format_}-{safe_mode}")
    for variants, format_, safe_mode in product(SCENARIO_VARIANTS, Format, (True, False))
    for variant in variants
]


def test_every_writer_meets_every_reader() -> None:
    """
    Writers times readers times variants times formats, each cell once.
    """
    made = plan([OLD, MID, NEW], [scenario("a"), scenario("b", variants=ALL)], LOADED)

    assert len(made.cells) == len(set(made.cells)) == 9 * 3 + 9 * 3 * 3
    assert {(cell.writer, cell.reader) for cell in made.cells} == set(
        product(("tf-2.4", "tf-2.12", "tf-2.19"), repeat=2)
    )


def test_every_artifact_is_saved_once() -> None:
    """
    `bare` and `custom_objects` share a save, and all readers do.
    """
    made = plan([OLD, NEW], [scenario(variants=ALL)], [Format.H5])

    assert [save.id for save in made.saves] == [
        "tf-2.4/plain/plain/h5",
        "tf-2.4/plain/registered/h5",
        "tf-2.19/plain/plain/h5",
        "tf-2.19/plain/registered/h5",
    ]
    assert {cell.save for cell in made.cells} == set(made.saves)


def test_one_environment_reads_its_own_files() -> None:
    """
    With one environment there is still the diagonal.
    """
    assert [cell.id for cell in plan([NEW], [scenario()], [Format.H5]).cells] == ["tf-2.19/tf-2.19/plain/bare/h5"]


@pytest.mark.parametrize(
    ("requires", "able"),
    [
        pytest.param("", "tf-2.4 tf-2.12 tf-2.20", id="any"),
        pytest.param(">=2.5", "tf-2.12 tf-2.20", id="from"),
        pytest.param("<2.16,>=2.5", "tf-2.12", id="between"),
        pytest.param("==2.12.*", "tf-2.12", id="minor"),
        pytest.param(">=2.13", "tf-2.20", id="release-candidates-count"),
    ],
)
def test_a_scenario_meets_only_the_tensorflow_it_needs(requires: str, able: str) -> None:
    """
    An environment that cannot have it is neither writer nor reader, and the reason is kept.
    """
    late = environment("tf-2.20", "2.20.0rc0")

    made = plan([OLD, MID, late], [scenario(requires=requires, formats=(Format.H5,))])

    assert list(dict.fromkeys(cell.reader for cell in made.cells)) == able.split()
    assert {what for what, _why in made.left_out} == {
        f"plain with {item.id}" for item in (OLD, MID, late) if item.id not in able.split()
    }


def test_an_environment_of_unknown_tensorflow_is_left_to_its_worker() -> None:
    """
    It is tried with what needs no certain release, and not with what does.
    """
    unknown = environment("mine", tensorflow="", lock="")

    h5 = (Format.H5,)

    made = plan([unknown, NEW], [scenario("any", formats=h5), scenario("new", requires=">=2.16", formats=h5)])

    assert {cell.scenario for cell in made.cells if cell.writer == "mine"} == {"any"}
    assert made.left_out == (("new with mine", "the scenario needs tensorflow>=2.16"),)


def test_formats_that_were_not_chosen_are_left_out_with_a_reason() -> None:
    """
    A format of the scenario that is not chosen is grey on the page; one that it never asks about is not there.
    """
    made = plan([NEW], [scenario(formats=LOADED)], [Format.KERAS, Format.EXPORT])

    assert {cell.format for cell in made.cells} == {Format.KERAS}
    assert made.left_out == (("plain as h5", "not chosen"), ("plain as saved_model", "not chosen"))


@pytest.mark.parametrize(
    ("environments", "scenarios", "formats"),
    [
        pytest.param([], [scenario()], LOADED, id="no-environment"),
        pytest.param([NEW], [], LOADED, id="no-scenario"),
        pytest.param([NEW], [scenario()], [], id="no-format"),
        pytest.param([OLD], [scenario(requires=">=2.16")], LOADED, id="too-old"),
    ],
)
def test_a_plan_without_cells_is_refused(
    environments: list[Environment], scenarios: list[Scenario], formats: list[Format]
) -> None:
    """
    Choices that are each valid and together leave nothing end with a sentence, not with an empty report.
    """
    with pytest.raises(NothingSelected, match="leave no cell"):
        plan(environments, scenarios, formats)


def test_a_plan_is_the_same_every_time() -> None:
    """
    Equal choices give equal plans, in the order of the axes.
    """
    made = plan([OLD, NEW], [scenario("b"), scenario("a")])

    assert made == plan([OLD, NEW], [scenario("b"), scenario("a")])
    assert [item.name for item in made.scenarios] == ["b", "a"]
    assert made.cells[0].scenario == "b"


@pytest.mark.parametrize(
    ("variant", "format_", "needed"),
    [
        pytest.param(Variant.BARE, Format.H5, False, id="only-the-file"),
        pytest.param(Variant.BARE, Format.EXPORT, False, id="a-signature-is-in-the-file"),
        pytest.param(Variant.BARE, Format.WEIGHTS_H5, True, id="weights-need-a-model"),
        pytest.param(Variant.CUSTOM_OBJECTS, Format.KERAS, True, id="given"),
        pytest.param(Variant.REGISTERED, Format.KERAS, True, id="registered"),
    ],
)
def test_bare_loads_see_no_code(variant: Variant, format_: Format, *, needed: bool) -> None:
    """
    In a child that runs `bare` the scenario's code is not there, so that no file can find it.
    """
    assert needs_code(replace(CELL, variant=variant, format=format_)) is needed


@pytest.mark.parametrize(("variants", "variant", "format_", "safe_mode"), WHOLE_LADDERS)
def test_a_ladder_never_tries_the_same_twice(
    variants: tuple[Variant, ...], variant: Variant, format_: Format, *, safe_mode: bool
) -> None:
    """
    Its own way is not a remedy for itself, and no rung comes twice.
    """
    cell = replace(CELL, variant=variant, format=format_)

    rungs = ladder(cell, variants, safe_mode=safe_mode)

    assert own_rung(cell) not in rungs
    assert len(set(rungs)) == len(rungs)


@pytest.mark.parametrize(("variants", "variant", "format_", "safe_mode"), WHOLE_LADDERS)
def test_a_ladder_offers_only_what_its_scenario_has(
    variants: tuple[Variant, ...], variant: Variant, format_: Format, *, safe_mode: bool
) -> None:
    """
    No classes where there are none, `load_model` not bare for those who have some, and no `safe_mode` without it.
    """
    rungs = ladder(replace(CELL, variant=variant, format=format_), variants, safe_mode=safe_mode)

    assert {rung.code for rung in rungs if rung.way in {Way.OWN, Way.CONFIG_PATCH}} <= set(variants)
    assert variant is Variant.BARE or Variant.BARE not in {rung.code for rung in rungs if rung.way is Way.OWN}
    assert safe_mode or all(rung.safe_mode for rung in rungs)
    assert any(rung.way is Way.OWN and not rung.call for rung in rungs) is (format_ in LOADED)


def test_a_ladder_begins_with_the_smallest_change() -> None:
    """
    With the file alone, what gives up a protection last; then its own code before other code.
    """
    names = [rung.name for rung in ladder(CELL, ALL, safe_mode=True) if not rung.call]

    assert names == [
        "compile=False",
        "safe_mode=False",
        "compile=False+safe_mode=False",
        "config_patch",
        "custom_objects",
        "custom_objects+compile=False",
        "registered",
        "registered+compile=False",
        "custom_objects+compile=False+safe_mode=False",
        "registered+compile=False+safe_mode=False",
        "config_patch+custom_objects",
        "config_patch+registered",
        "weights",
    ]


@pytest.mark.parametrize(
    ("format_", "ways"),
    [
        pytest.param(Format.H5, "config_patch weights", id="h5"),
        pytest.param(Format.KERAS, "config_patch weights", id="keras"),
        pytest.param(Format.SAVED_MODEL, "tfsm raw_saved_model weights", id="saved-model"),
        pytest.param(Format.EXPORT, "tfsm weights", id="export"),
        pytest.param(Format.WEIGHTS_H5, "weights", id="weights"),
    ],
)
def test_each_format_has_other_ways_to_be_read(format_: Format, ways: str) -> None:
    """
    By what is in the file: a config, a graph of TensorFlow, weights. What needs the file alone comes first.
    """
    rungs = ladder(replace(CELL, format=format_), (Variant.BARE,), safe_mode=False)

    assert " ".join(rung.way for rung in rungs if rung.way is not Way.OWN and not rung.call) == ways


@pytest.mark.parametrize("format_", Format)
def test_what_has_a_predict_can_be_called_instead(format_: Format) -> None:
    """
    After the way that loads it, and before other code is tried; a signature is nothing but called.
    """
    rungs = [own_rung(CELL), *ladder(replace(CELL, format=format_), ALL, safe_mode=True)]

    called = {replace(rung, call=False): place for place, rung in enumerate(rungs) if rung.call}
    served = {Way.TFSM, Way.RAW_SAVED_MODEL} | ({Way.OWN} if format_ is Format.EXPORT else set())
    assert set(called) == {rung for rung in rungs if not rung.call and rung.way not in served}
    assert all(rungs.index(rung) < place <= rungs.index(rung) + 2 for rung, place in called.items())


def test_a_reader_with_safe_mode_tries_what_others_try_and_more() -> None:
    """
    What a reader cannot do only shortens its ladder.
    """
    with_it = ladder(CELL, ALL, safe_mode=True)
    without = ladder(CELL, ALL, safe_mode=False)

    assert [rung for rung in with_it if rung.safe_mode] == list(without)


@pytest.mark.parametrize("variant", Variant)
def test_own_way_is_the_variant_and_nothing_else(variant: Variant) -> None:
    """
    What the author of the scenario would write.
    """
    assert own_rung(replace(CELL, variant=variant)) == Rung(code=variant)


@pytest.mark.parametrize(
    ("environments", "start", "end", "pair"),
    [
        pytest.param([OLD, MID, NEW], "", "", ("tf-2.12", "tf-2.19"), id="newest-of-the-last-generation-to-the-newest"),
        pytest.param([OLD, MID], "", "", ("tf-2.4", "tf-2.12"), id="one-generation-oldest-to-newest"),
        pytest.param([NEW], "", "", ("tf-2.19", "tf-2.19"), id="one-environment"),
        pytest.param([OLD, MID, NEW, LATE], "", "", ("tf-2.12", "tf-2.19"), id="not-to-a-legacy-sibling"),
        pytest.param([OLD, MID, EARLY, NEW], "", "", ("tf-2.12", "tf-2.19"), id="not-from-a-legacy-sibling"),
        pytest.param([OLD, MID, LATE], "", "", ("tf-2.4", "tf-2.19+legacy"), id="to-one-that-stands-alone"),
        pytest.param([MID, NEW, EARLY], "", "", ("tf-2.12", "tf-2.19"), id="not-to-one-that-stands-last"),
        pytest.param([NEW, LATE], "", "", ("tf-2.19+legacy", "tf-2.19"), id="an-environment-and-its-sibling"),
        pytest.param([OLD, NEW, LATE], "", "tf-2.19+legacy", ("tf-2.4", "tf-2.19+legacy"), id="to-a-legacy-sibling"),
        pytest.param([OLD, MID, NEW], "tf-2.4", "", ("tf-2.4", "tf-2.19"), id="only-from"),
        pytest.param([OLD, MID, NEW], "", "tf-2.4", ("tf-2.12", "tf-2.4"), id="only-to"),
        pytest.param([OLD, MID, NEW], "tf-2.19", "tf-2.4", ("tf-2.19", "tf-2.4"), id="back"),
    ],
)
def test_the_pair_of_the_verdict(environments: list[Environment], start: str, end: str, pair: tuple[str, str]) -> None:
    """
    As asked; what is left open is the change that most users have before them.
    """
    assert focus(environments, start, end) == pair
