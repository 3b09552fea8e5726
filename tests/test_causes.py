"""The catalogue of causes, and how a cause is recognised."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from matrix.diagnosis.causes import Cause, Facts, Sign, catalogue, recognised

FAILURES = os.environ.get("MATRIX_FAILURES", "")  # see benchmarks/causes.py
SIDES = {"reader", "writer", "model", "file", "environment"}
RUNGS = {
    *("custom_objects", "registered", "compile=False", "safe_mode=False", "config_patch", "weights", "tfsm"),
    *("raw_saved_model", "legacy", "call", "bridge"),
}
FORMATS = {"h5", "keras", "saved_model", "weights_h5", "export", "checkpoint", "json"}


def cause(slug: str, *signs: Sign) -> Cause:
    """Return a cause with some signs."""
    return Cause(slug=slug, title=slug, happened="", side="reader", signs=signs)


def sign(*text: str, **more: object) -> Sign:
    """Return a sign that was seen somewhere."""
    return Sign(text=text, proof=("https://example.org",), **more)  # type: ignore[arg-type]


def test_every_entry_is_whole() -> None:
    """
    Each cause has a title and a story, its rungs and formats exist, and each sign says where it was seen.
    """
    for one in catalogue():
        assert re.fullmatch(r"[a-z0-9_]+", one.slug)
        assert one.title, one.slug
        assert len(one.title) <= 90, one.slug
        assert one.happened, one.slug
        assert one.side in SIDES, one.slug
        assert set(one.remedies) <= RUNGS, one.slug
        assert all(link.startswith("https://") for link in one.links), one.slug
        for each in one.signs:
            assert each.text, one.slug
            assert each.proof, one.slug
            assert each.formats <= FORMATS, one.slug
            for pattern in each.text:
                re.compile(pattern)


@pytest.mark.parametrize(
    ("words", "writer", "slug"),
    [
        pytest.param("'optional'", "2.21.0", "optional_input_of_newer_tf_keras", id="tf-keras"),
        pytest.param("'batch_shape', 'optional'", "3.13.2", "keras3_file_in_keras2", id="keras-3"),
        pytest.param("'batch_shape', 'optional'", "", "keras3_file_in_keras2", id="keras-3-by-its-words"),
        pytest.param("'optional'", "", "", id="either"),
    ],
)
def test_an_optional_input_is_told_by_who_wrote_it(words: str, writer: str, slug: str) -> None:
    """
    Both tf_keras and Keras 3 write a word that older Keras 2 refuses; where it may be either, none is named.
    """
    facts = Facts(writer=Version(writer) if writer else None, reader=Version("2.15.0"))

    found = recognised(f"ValueError: Unrecognized keyword arguments: [{words}]", facts).cause

    assert (found.slug if found else "") == slug


def test_slugs_are_told_once() -> None:
    """
    No slug stands for two causes.
    """
    slugs = [one.slug for one in catalogue()]

    assert len(slugs) == len(set(slugs))


def test_the_sign_that_accounts_for_most_of_the_text_names_it() -> None:
    """
    A special case is told from the general one, in whatever order they stand.
    """
    general = cause("general", sign("Unrecognized keyword"))
    special = cause("special", sign("Unrecognized keyword.{1,40}groups"))

    for causes in ([general, special], [special, general]):
        found = recognised("TypeError: Unrecognized keyword arguments: {'groups': 1}", causes=causes)
        assert found.slug == "special"
        assert [one.slug for one in found.nearest] == ["general"]


def test_two_that_fit_alike_are_unknown() -> None:
    """
    Where nothing tells two causes apart, none is named, and both are shown.
    """
    alike = [cause(slug, sign("list index")) for slug in "ab"]
    found = recognised("list index out of range", causes=alike)

    assert (found.slug, found.confidence) == ("unknown", "none")
    assert {one.slug for one in found.nearest} == {"a", "b"}


def test_facts_tell_apart_what_the_text_does_not() -> None:
    """
    A version that contradicts rules a cause out; one that is not known only makes it less sure.
    """
    old = cause("old", sign("no attribute", reader=SpecifierSet("<3")))
    new = cause("new", sign("no attribute", reader=SpecifierSet(">=3"), formats=frozenset({"h5"})))
    text = "AttributeError: no attribute 'x'"

    assert recognised(text, causes=[old, new]).slug == "unknown"
    assert recognised(text, Facts(reader=Version("2.12")), [old, new]).slug == "old"
    assert recognised(text, Facts(reader=Version("3.8"), format="keras"), [old, new]).slug == "unknown"
    assert recognised(text, Facts(reader=Version("3.8")), [new]).confidence == "medium"
    assert recognised(text, Facts(reader=Version("3.8"), format="h5"), [new]).confidence == "high"


def test_another_exception_rules_a_cause_out_where_the_text_names_one() -> None:
    """
    The name of the exception counts when it is there; a bare message is judged by its words.
    """
    causes = [cause("a", sign("bad marshal", exception=frozenset({"ValueError"})))]

    assert recognised("ValueError: bad marshal data", causes=causes).slug == "a"
    assert recognised("bad marshal data", causes=causes).slug == "a"
    assert recognised("KeyError: bad marshal data", causes=causes).slug == "unknown"


@pytest.mark.parametrize("text", ["", "Segmentation fault", "ValueError: 7", "It does not work since the update."])
def test_what_says_nothing_is_unknown(text: str) -> None:
    """
    A text that speaks of no cause gets none.
    """
    assert recognised(text).slug == "unknown"


@pytest.mark.faults
@pytest.mark.parametrize(
    "text",
    [*(one * 10**5 for one in "a'[ "), "Unknown layer: " * 10**4, "Could not locate class '" + "x" * 10**5],
    ids=["letters", "quotes", "brackets", "blanks", "messages", "one name"],
)
def test_no_text_takes_long(text: str) -> None:
    """
    A text made to be slow is read in two seconds at most.
    """
    started = time.perf_counter()

    recognised(text)

    assert time.perf_counter() - started < 2


@pytest.mark.skipif(not FAILURES, reason="MATRIX_FAILURES names no collection of failures that users reported")
def test_failures_of_users_are_named_right() -> None:
    """
    At least 95 % are named right and at most 1 % wrong; had nobody read a thread, at least 70 % and at most 5 %.
    """
    script = Path(__file__).parents[1] / "benchmarks" / "causes.py"
    said = subprocess.check_output([sys.executable, str(script), FAILURES], text=True)
    figures = re.findall(r"([\d.]+)% right, ([\d.]+)% wrong", said)

    (right, wrong), (unseen_right, unseen_wrong) = [(float(a), float(b)) for a, b in figures]
    assert right >= 95
    assert wrong <= 1
    assert unseen_right >= 70
    assert unseen_wrong <= 5
