"""One cell on its ladder, and with whom it may share a child, or an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from climbing import failed, trial
from fakes import FakeBackend, engine, environment, scenario
from values import ABLE, ALL, CELL

from matrix.model import Format, Rung, Save, Variant, Way
from matrix.plan import own_rung
from matrix.trials import BATCH, Trial, _possible, batches

BARE, CUSTOM, REGISTERED = (replace(CELL, variant=variant) for variant in ALL)


def climbed(
    one: Trial, message: str = "Unknown layer: Scale", function: str = "load_model", file: str = "keras/saving.py"
) -> list[str]:
    """Every way that is tried when all of them fail."""
    names = []
    while (rung := one.next(ABLE)) is not None:
        names.append(rung.name)
        failed(one, message, function, file)
    return names


def test_a_ladder_is_climbed_in_its_order() -> None:
    """
    The own way first, then what needs the file alone; what Keras did not refuse for safety is not tried without it.
    """
    assert climbed(trial(BARE)) == [
        "as it is",
        "compile=False",
        "config_patch",
        "custom_objects",
        "custom_objects+compile=False",
        "registered",
        "registered+compile=False",
        "weights",
    ]


def test_safe_mode_is_left_out_only_where_keras_asks_for_that() -> None:
    """
    A refusal names the argument, in any exception of the chain.
    """
    asked = climbed(trial(BARE), "Pass `safe_mode=False` to the loading method if you trust the source.")

    assert [name for name in asked if "safe_mode" in name] == [
        "safe_mode=False",
        "compile=False+safe_mode=False",
        "custom_objects+compile=False+safe_mode=False",
        "registered+compile=False+safe_mode=False",
    ]


def test_what_failed_before_compiling_is_not_tried_without_it() -> None:
    """
    Each way on its own: with the classes at hand it may come further, and then `compile=False` may help.
    """
    assert climbed(trial(BARE), function="deserialize")[:4] == [
        "as it is",
        "config_patch",
        "custom_objects",
        "registered",
    ]
    assert "compile=False" in climbed(trial(BARE), function="compile_from_config")

    one = failed(failed(trial(BARE), function="deserialize"), function="deserialize")

    assert climbed(failed(one, function="compile_from_config"))[:3] == [
        "custom_objects+compile=False",
        "registered",
        "registered+compile=False",
    ]


def test_what_loads_is_called_where_predict_fails() -> None:
    """
    Each way that does, and before another is tried.
    """
    assert climbed(trial(BARE), function="predict")[:4] == ["as it is", "compile=False", "call", "compile=False+call"]
    assert "call" not in climbed(trial(BARE), function="deserialize")


def test_what_cannot_be_read_is_not_read_with_other_options() -> None:
    """
    No class and no option helps `load_model` then; other functions may.
    """
    archive = trial(replace(BARE, format=Format.KERAS))
    folder = trial(replace(BARE, format=Format.SAVED_MODEL))

    assert climbed(archive, file="keras/src/saving/saving_api.py") == ["as it is", "config_patch", "weights"]
    assert climbed(folder, file="keras/src/saving/saving_api.py") == ["as it is", "tfsm", "raw_saved_model", "weights"]


def test_a_folder_that_tensorflow_cannot_open_is_opened_in_no_other_way() -> None:
    """
    The layer and the signature are opened by the same function; the weights are not.
    """
    saved, exported = (trial(replace(BARE, format=kind)) for kind in (Format.SAVED_MODEL, Format.EXPORT))
    file, function = "tensorflow/python/saved_model/load.py", "load_internal"

    assert climbed(saved, function=function, file=file) == ["as it is", "weights"]
    assert climbed(exported, function=function, file=file) == ["as it is", "weights"]


def test_classes_are_not_handed_to_a_config_that_does_without() -> None:
    """
    Where a translated config was understood, they change nothing.
    """
    assert "config_patch+registered" in climbed(trial(BARE), function="deserialize")
    assert "config_patch+registered" not in climbed(trial(BARE), function="load_weights")


def test_a_reader_is_not_asked_for_what_it_has_not() -> None:
    """
    Remedies only: the own way is measured wherever it is the own way.
    """
    poor = replace(ABLE, register=False, tfsm=False, safe_mode=False)
    folder = trial(replace(BARE, format=Format.SAVED_MODEL))

    asked = {rung.name for rung in folder.ladder if _possible(rung, poor)}

    assert "raw_saved_model" in asked
    assert not [name for name in asked if name.startswith(("tfsm", "registered")) or "safe_mode" in name]
    assert trial(REGISTERED).next(poor) == own_rung(REGISTERED)


def test_weights_see_the_code_and_no_registry() -> None:
    """
    In every variant alike, so the cells of one file have one answer.
    """
    one, other = trial(BARE), trial(CUSTOM)
    rung = Rung(way=Way.WEIGHTS)

    assert one.code(rung) == other.code(rung) == trial(REGISTERED).code(rung) == "load"
    assert one.call(rung) == other.call(rung)


@pytest.mark.parametrize("variant", ALL)
def test_what_sees_no_code_never_shares_a_child_with_what_does(variant: Variant) -> None:
    """
    A class that one cell brought would be there for the next: the false pass that must not happen.
    """
    cells = [
        replace(CELL, variant=variant),
        BARE,
        replace(BARE, scenario="other"),
        replace(BARE, format=Format.WEIGHTS_H5),
    ]

    for batch in batches(map(trial, dict.fromkeys(cells)), (), ABLE):
        seen = {one.cell.scenario for one, _ in batch.steps}
        assert {one.code(rung) for one, rung in batch.steps} == {batch.code}
        assert batch.code == "none" or len(seen) == 1


def test_equal_calls_are_equal_and_others_are_not() -> None:
    """
    `bare` with the classes handed over is `custom_objects`; with another file, option or code it is not.
    """
    one, other, third = trial(BARE), trial(CUSTOM), trial(REGISTERED)
    handed = Rung(code=Variant.CUSTOM_OBJECTS)

    assert one.call(handed) == other.call(own_rung(CUSTOM))
    assert one.call(own_rung(BARE)) != other.call(own_rung(CUSTOM))
    assert one.call(replace(handed, compile=False)) != one.call(handed)
    assert third.call(handed) != one.call(handed)  # another file


def test_weights_are_one_call_however_the_code_meets_the_loader() -> None:
    """
    `load_weights` takes no option, so `bare` and `custom_objects` ask for the same.
    """
    bare, custom = (trial(replace(cell, format=Format.WEIGHTS_H5)) for cell in (BARE, CUSTOM))

    assert bare.call(own_rung(bare.cell)) == custom.call(own_rung(custom.cell))


def test_a_child_does_not_do_everything() -> None:
    """
    What hundreds of models leave behind would count against its memory.
    """
    many = [trial(replace(BARE, writer=f"writer-{number}")) for number in range(2 * BATCH + 1)]

    assert [len(batch.steps) for batch in batches(many, (), ABLE)] == [BATCH, BATCH, 1]


def test_what_a_worker_died_of_is_apart() -> None:
    """
    Nobody shares a child with a suspect.
    """
    found = list(batches([trial(BARE), trial(replace(BARE, scenario="other"))], [BARE], ABLE))

    assert [(len(batch.steps), batch.alone) for batch in found] == [(1, True), (1, False)]


def test_no_call_is_done_twice_in_a_reader(backend: FakeBackend, tmp_path: Path) -> None:
    """
    Of all that a run asks its workers, no two are the same file, code and options; and each cell has its own attempts.
    """
    environments = [environment("2.0.0"), environment("3.0.0")]

    outcome = engine(backend, tmp_path, environments, [scenario("custom_fake")]).run()

    loads = [(request.code, item) for request in backend.asked if request.task == "load" for item in request.items]
    calls = Counter((code, item.path, item.rung, item.id.split("/")[1]) for code, item in loads)
    remedied = {one.cell.id: [tried.rung for tried in one.attempts] for one in outcome.results if one.remedy}
    assert max(calls.values()) == 1
    assert remedied["tf-2.0/tf-3.0/custom_fake/bare/h5"][-1] == "custom_objects+compile=False"
    assert remedied["tf-2.0/tf-3.0/custom_fake/custom_objects/h5"] == ["own way", "custom_objects+compile=False"]


def test_saves_of_cells_are_shared() -> None:
    """
    The same artifact is the same value, also for cells of different variants.
    """
    assert BARE.save is CUSTOM.save
    assert BARE.save == Save(writer="old", scenario="plain", registered=False, format=Format.H5)
