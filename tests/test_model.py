"""The words of the matrix."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, replace
from itertools import product

import pytest
from values import CELL, environment, result

from matrix import fingerprint
from matrix.model import (
    LEGACY,
    USE_LEGACY,
    Format,
    Need,
    Rung,
    Stage,
    Status,
    Variant,
    Way,
    digest,
    legacy_sibling,
    uses_legacy,
)
from matrix.results import Attempt, Result


def test_letters_are_unique_and_all_have_words() -> None:
    """
    Ten letters, each printed as one character, each with its own words for legends.
    """
    assert "".join(Status) == "PDRFTCUSE."
    assert len({status.word for status in Status}) == len(Status)


def test_only_what_a_reader_tried_is_measured() -> None:
    """
    P, D, R, F, T and C say something about readers; U, S, E and '.' do not.
    """
    assert "".join(status for status in Status if status.measured) == "PDRFTC"


def test_id_of_a_cell_is_its_path_through_the_matrix() -> None:
    """
    Writer, reader, scenario, variant and format, in this order, with slashes.
    """
    cell = replace(CELL, writer="tf-2.12", reader="tf-2.19", scenario="custom_layer", variant=Variant.REGISTERED)

    assert cell.id == "tf-2.12/tf-2.19/custom_layer/registered/h5"


def test_bare_and_custom_objects_share_an_artifact() -> None:
    """
    What the loader is given changes nothing about the file; registering does.
    """
    bare, given, registered = (replace(CELL, variant=variant).save for variant in Variant)

    assert bare == given
    assert bare != registered
    assert [bare.id, registered.id] == ["old/plain/plain/h5", "old/plain/registered/h5"]


def test_readers_do_not_change_the_artifact() -> None:
    """
    All readers of a cell's writer read the same file.
    """
    assert replace(CELL, reader="other").save == CELL.save


def test_values_cannot_be_changed_and_can_be_keys() -> None:
    """
    Environments, cells and saves are frozen and hashable.
    """
    item = environment("tf-2.12")

    with pytest.raises(FrozenInstanceError):
        item.id = "tf-2.13"  # type: ignore[misc]
    assert {item: 1, CELL: 2, CELL.save: 3}[replace(CELL)] == 2


@pytest.mark.parametrize(
    ("rung", "name"),
    [
        pytest.param(Rung(), "as it is", id="nothing-changed"),
        pytest.param(Rung(code=Variant.REGISTERED), "registered", id="code"),
        pytest.param(Rung(compile=False), "compile=False", id="compile"),
        pytest.param(Rung(safe_mode=False), "safe_mode=False", id="safe-mode"),
        pytest.param(
            Rung(code=Variant.CUSTOM_OBJECTS, compile=False, safe_mode=False),
            "custom_objects+compile=False+safe_mode=False",
            id="all-options",
        ),
        pytest.param(
            Rung(way=Way.CONFIG_PATCH, code=Variant.REGISTERED, call=True), "config_patch+registered+call", id="way"
        ),
    ],
)
def test_a_rung_is_named_after_what_it_changes(rung: Rung, name: str) -> None:
    """
    The name of a remedy says what to write.
    """
    assert rung.name == name


def test_no_two_rungs_have_one_name() -> None:
    """
    Names of rungs are part of keys, so they are as many as the rungs.
    """
    flags = (True, False)
    kinds = product(Way, Variant, flags, flags, flags)
    rungs = [Rung(way=way, code=code, compile=one, safe_mode=two, call=three) for way, code, one, two, three in kinds]

    assert len({rung.name for rung in rungs}) == len(rungs) == 5 * 3 * 8


@pytest.mark.parametrize(
    ("rung", "need"),
    [
        pytest.param(Rung(), Need.FILE, id="as-it-is"),
        pytest.param(Rung(compile=False, call=True), Need.FILE, id="options"),
        pytest.param(Rung(way=Way.TFSM), Need.FILE, id="tfsm"),
        pytest.param(Rung(way=Way.CONFIG_PATCH), Need.FILE, id="config"),
        pytest.param(Rung(way=Way.CONFIG_PATCH, code=Variant.REGISTERED), Need.CODE, id="config-and-classes"),
        pytest.param(Rung(code=Variant.CUSTOM_OBJECTS), Need.CODE, id="classes"),
        pytest.param(Rung(way=Way.WEIGHTS), Need.CODE, id="weights"),
    ],
)
def test_a_rung_says_what_it_needs(rung: Rung, need: Need) -> None:
    """
    Who has only the file can see what is left to him.
    """
    assert rung.needs is need


@pytest.mark.parametrize(
    ("keras", "generation"),
    [
        pytest.param("", 2, id="inside-tensorflow"),
        pytest.param("2.15.0", 2, id="keras-2"),
        pytest.param("3.13.1", 3, id="keras-3"),
        pytest.param("10.0.0rc1", 10, id="two-digits"),
    ],
)
def test_generation_is_the_major_version_of_keras(keras: str, generation: int) -> None:
    """
    Without a package of its own, Keras is a Keras 2.
    """
    assert environment("tf", keras=keras).generation == generation


def test_fingerprint_follows_from_what_is_installed() -> None:
    """
    Python, lock and variables change it.
    """
    item = environment("tf-2.12")
    others = [
        replace(item, python="3.10"),
        replace(item, lock="tensorflow==2.12.0"),
        replace(item, variables=(("TF_USE_LEGACY_KERAS", "1"),)),
    ]

    assert len({other.fingerprint for other in [item, *others]}) == 4


def test_fingerprint_does_not_follow_from_names() -> None:
    """
    Its id, its profiles, what was asked for and its size leave the environment what it is.
    """
    item = environment("tf-2.12")
    same = replace(item, id="mine", profiles=frozenset({"quick"}), requirements=("tensorflow",), download=7)

    assert same.fingerprint == item.fingerprint


def test_a_sibling_is_named_after_its_environment() -> None:
    """
    Who looks for the legacy sibling of an environment asks for one name, whether there is such a one or not.
    """
    assert legacy_sibling("tf-2.19") == "tf-2.19+legacy"
    assert legacy_sibling("tf-2.19").removesuffix(LEGACY) == "tf-2.19"


@pytest.mark.parametrize(
    ("variables", "legacy"),
    [
        pytest.param({}, False, id="none"),
        pytest.param(dict([USE_LEGACY]), True, id="ours"),
        pytest.param({"A": "1", "TF_USE_LEGACY_KERAS": "True"}, True, id="what-tensorflow-takes-too"),
        pytest.param({"TF_USE_LEGACY_KERAS": "0"}, False, id="no"),
        pytest.param({"TF_USE_LEGACY_KERAS": "yes"}, False, id="what-tensorflow-does-not-take"),
        pytest.param({"KERAS_BACKEND": "1"}, False, id="another"),
    ],
)
def test_variables_tell_whether_tf_keras_is_used(variables: dict[str, str], legacy: bool) -> None:  # noqa: FBT001
    """
    As TensorFlow itself reads them.
    """
    assert uses_legacy(variables.items()) == legacy


def test_noxfile_and_host_agree_about_fingerprints() -> None:
    """
    The noxfile cannot import the model; both name a built environment the same.
    """
    item = environment("tf-2.19+legacy", variables=(("TF_USE_LEGACY_KERAS", "1"),))

    assert fingerprint.fingerprint(item.python, item.lock, item.variables) == item.fingerprint


def test_own_is_what_to_explain() -> None:
    """
    The first attempt, else the save that failed, else nothing.
    """
    failed = Attempt(rung="save", status=Status.FAIL, stage=Stage.SAVE)

    assert result(Status.DRIFT).own == result(Status.DRIFT).attempts[0]
    assert Result(cell=CELL, status=Status.NOT_SAVED, writer_error=failed).own is failed
    assert Result(cell=CELL, status=Status.ENVIRONMENT).own is None


def test_seconds_are_those_of_all_rungs() -> None:
    """
    What was tried in vain has been paid for too.
    """
    one = result(Status.FAIL)

    assert replace(one, attempts=one.attempts * 3).seconds == 0.75
    assert Result(cell=CELL, status=Status.NOT_RUN).seconds == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("ab", "c"), ("a", "bc"), id="parts-are-kept-apart"),
        pytest.param((1,), ("1",), id="numbers-are-no-text"),
        pytest.param((None,), ("",), id="nothing-is-not-empty"),
        pytest.param((["a"],), ("a",), id="a-list-is-not-its-item"),
        pytest.param(("é",), ("e\u0301",), id="unicode-as-written"),
    ],
)
def test_different_parts_have_different_digests(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    """
    A digest keeps its parts and their types apart.
    """
    assert digest(*one) != digest(*other)


def test_digests_never_change() -> None:
    """
    Keys of stored results are digests, also in the next release, and of text that no encoding can hold.
    """
    assert digest("save", 1.0, Format.H5, {"b": 1, "a": 2}) == digest("save", 1.0, "h5", {"a": 2, "b": 1})
    assert digest("lone \ud800", (1, None)) == hashlib.sha256(rb'["lone \ud800",[1,null]]').hexdigest()
    assert len(digest()) == 64
