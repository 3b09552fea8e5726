"""Comma lists with globs."""

from __future__ import annotations

import pytest

from matrix.errors import UsageError
from matrix.selector import selected

KNOWN = ("tf-1.15", "tf-2.1", "tf-2.12", "tf-2.19", "tf-2.19+legacy")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param("tf-2.12", "tf-2.12", id="name"),
        pytest.param("tf-2.1", "tf-2.1", id="a-name-is-no-prefix"),
        pytest.param("tf-2.19, tf-1.15", "tf-1.15 tf-2.19", id="order-of-the-known"),
        pytest.param("tf-2.1?", "tf-2.12 tf-2.19", id="one-character"),
        pytest.param("tf-2.1*", "tf-2.1 tf-2.12 tf-2.19 tf-2.19+legacy", id="any-characters"),
        pytest.param("tf-2.1[29]", "tf-2.12 tf-2.19", id="one-of-some"),
        pytest.param("*+legacy", "tf-2.19+legacy", id="plus-is-a-plus"),
        pytest.param("*", "tf-1.15 tf-2.1 tf-2.12 tf-2.19 tf-2.19+legacy", id="all"),
        pytest.param(" tf-2.1 ,,tf-2.1,*15, ", "tf-1.15 tf-2.1", id="spaces-doubles-and-empty-parts"),
    ],
)
def test_names_and_globs_pick_known_names(wanted: str, found: str) -> None:
    """
    Each known name at most once, in the order of the known.
    """
    assert selected("environment", wanted, KNOWN) == tuple(found.split())


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param("tf-2.13", "There is no environment 'tf-2.13'. Did you mean", id="near-miss"),
        pytest.param("tf-2.12,keras", "There is no environment 'keras'. Known: tf-1.15", id="one-of-two"),
        pytest.param("TF-2.12", "Did you mean 'tf-2.12'?", id="capitals"),
        pytest.param("tf-3*", "There is no environment 'tf-3*'", id="glob-for-nothing"),
        pytest.param("", "No environment is named by ''", id="empty"),
        pytest.param(" , ", "No environment is named by ' , '", id="only-commas"),
    ],
)
def test_what_picks_nothing_is_refused(wanted: str, said: str) -> None:
    """
    A typo never runs less than was meant in silence.
    """
    with pytest.raises(UsageError) as refused:
        selected("environment", wanted, KNOWN)

    assert said in str(refused.value)


def test_nothing_known_is_an_answer_too() -> None:
    """
    Where nothing can be named, nothing is.
    """
    with pytest.raises(UsageError, match="There is no scenario 'x'"):
        selected("scenario", "x", ())
