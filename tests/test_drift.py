"""What a model loses on its way, and how outputs that differ do so."""

from __future__ import annotations

import pytest
from values import packed

from matrix import drift
from matrix.protocol import Loaded, Saved

WHOLE = {
    "weights": "w",
    "statistics": "s",
    "structure": "Dense relu",
    "vocabulary": "v",
    "optimizer": "Adam",
    "step": "1",
    "slots": "8",
}


def saved(**changes: str) -> Saved:
    """What a writer held."""
    return Saved({}, packed(1.0), {**WHOLE, **changes})


def loaded(**changes: str) -> Loaded:
    """What a reader holds."""
    return Loaded(packed(1.0), {**WHOLE, **changes})


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({}, ""),
        ({"statistics": "other"}, "statistics"),
        ({"vocabulary": ""}, "vocabulary"),
        ({"optimizer": "", "step": "", "slots": ""}, "compile state"),
        ({"optimizer": "RMSprop", "step": "0"}, "optimizer (Adam, now RMSprop)"),
        ({"optimizer": "adam", "step": "0", "slots": "0"}, "optimizer step, optimizer state"),
        ({"slots": "9"}, ""),
    ],
)
def test_what_is_not_there_any_more_is_told(changes: dict[str, str], lost: str) -> None:
    """
    Statistics, vocabularies and what training needs are told where they are gone, and nothing where they are not.
    """
    assert drift.lost(saved(), loaded(**changes)) == lost


def test_nothing_is_lost_that_was_not_saved() -> None:
    """
    A format without an optimizer does not lose one, and of a signature nobody knows.
    """
    bare = saved(optimizer="", step="", slots="", vocabulary="", statistics="")

    assert drift.lost(bare, loaded()) == ""
    assert drift.lost(saved(), Loaded(packed(1.0), {})) == ""


@pytest.mark.parametrize(
    ("changes", "signature"),
    [
        ({"weights": "other", "structure": "Dense"}, "outputs differ, and so do the weights"),
        ({"structure": "Dense"}, "outputs differ, and so do the layers"),
        ({}, "outputs differ, weights and layers do not"),
    ],
)
def test_outputs_differ_in_three_ways(changes: dict[str, str], signature: str) -> None:
    """
    By other weights, in other layers, or by nothing that shows in either: then it is how they are computed.
    """
    assert drift.signature(saved(), loaded(**changes)) == signature


def test_without_a_model_the_way_is_not_known() -> None:
    """
    A signature has no weights that could be compared.
    """
    assert drift.signature(saved(), Loaded(packed(1.0), {})) == "outputs differ"
