"""`junit.xml` and `badge.svg`: what others show of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import golden
import hostile
import pytest
import synthetic
from values import run

from matrix import known, report
from matrix.model import Status
from matrix.report import answer, badge, junit
from matrix.results import Run

RUN = synthetic.run(complete=False)
KINDS = {**dict.fromkeys("PR", ""), **dict.fromkeys("DFTC", "failure"), "E": "error", **dict.fromkeys("US.", "skipped")}
NEVER = "\ufffe\uffff\x00\x0b\ud800"


def parsed(text: str) -> Element:
    """The file as an XML parser sees it."""
    return fromstring(text.encode("utf-8"))  # noqa: S314 - our own


def suites(whole: Run) -> Element:
    """The test results of a run."""
    return parsed("".join(junit.written(whole, known.judged(whole))))


def kind(case: Element) -> str:
    """How a case ended: the element that says so, empty where it passed."""
    return next((child.tag for child in case if child.tag != "system-out"), "")


def drawn(whole: Run) -> str:
    """The badge of a run."""
    return badge.svg(answer.about(whole, report.table(whole)))


def shape(element: Element) -> Counter[tuple[str, tuple[str, ...]]]:
    """How often each element occurs with each set of attributes."""
    return Counter((one.tag, tuple(sorted(one.attrib))) for one in element.iter())


def test_each_cell_is_a_case_under_its_own_name() -> None:
    """
    A suite for each pair, a case for each cell, none twice.
    """
    found = suites(RUN)

    names = [case.get("name") for case in found.iter("testcase")]
    assert sorted(map(str, names)) == sorted(one.cell.id for one in RUN.results)
    assert len(set(names)) == len(names)
    assert {suite.get("name") for suite in found} == {f"{one.cell.writer}/{one.cell.reader}" for one in RUN.results}


def test_each_letter_ends_in_one_way() -> None:
    """
    A failure is what failed, an error is a broken environment, and what was never tried is skipped with the reason.
    """
    letters = {one.cell.id: str(one.status) for one in RUN.results}
    cases = list(suites(RUN).iter("testcase"))

    assert set(letters.values()) == {str(status) for status in Status}
    for case in cases:
        letter = letters[str(case.get("name"))]
        assert kind(case) == KINDS[letter]
        assert letter in "PR" or str(case[0].get("message")).startswith(f"{letter} {Status(letter).word}")


def test_numbers_are_those_of_the_cases() -> None:
    """
    Each suite says how many it has of each kind, and all of them together what the file has.
    """
    found = suites(RUN)

    for suite in (found, *found):
        cases = list(suite.iter("testcase"))
        kinds = Counter(map(kind, cases))
        said = {name: int(str(suite.get(name))) for name in ("tests", "failures", "errors", "skipped")}
        assert said == {
            "tests": len(cases),
            "failures": kinds["failure"],
            "errors": kinds["error"],
            "skipped": kinds["skipped"],
        }


def test_names_do_not_depend_on_what_was_measured() -> None:
    """
    The cases of a plan are the same ones in the same order, whatever came of them.
    """
    assert [case.get("name") for case in suites(run("PFT")).iter("testcase")] == [
        case.get("name") for case in suites(run("TPF")).iter("testcase")
    ]


def test_what_is_known_is_skipped_and_what_is_not_so_fails() -> None:
    """
    An expected failure is no failure; one for another reason is, and so is what works against the expectation.
    """
    whole = golden.whole()
    found = known.judged(whole)
    wanted = {"expected": "skipped", "unexpected pass": "failure", "another reason": "failure", "expired": "failure"}
    cases = {str(case.get("name")): case for case in suites(whole).iter("testcase")}

    assert {str(one.finding) for one in found.values()} == set(wanted)
    for cell, one in found.items():
        case = cases[cell.id]
        assert kind(case) == wanted[one.finding]
        assert f"known.toml, {one.finding}: The module has moved (https" in str(case[0].get("message"))


@pytest.mark.faults
@pytest.mark.parametrize("text", [*hostile.PAYLOADS, NEVER], ids=range(len(hostile.PAYLOADS) + 1))
def test_foreign_text_stays_text(text: str) -> None:
    """
    Whatever a message or a name holds, both files parse, and have the elements of harmless ones.
    """
    evil, harmless = (hostile.spoiled(golden.old(), hostile.always(said)) for said in (text, "harmless"))

    assert shape(suites(evil)) == shape(suites(harmless))
    assert shape(parsed(drawn(evil))) == shape(parsed(drawn(harmless)))
    names = {element.tag for element in parsed(drawn(evil)).iter()}
    assert {name.rpartition("}")[2] for name in names} == {"svg", "title", "rect", "path", "g", "text"}


def test_names_from_outside_stay_in_their_attribute() -> None:
    """
    Ids of environments and scenarios too are data.
    """
    first, *others = run("PF").results
    odd = replace(first, cell=replace(first.cell, writer='a"/><b>', scenario="&x;\x1b[1m"))

    found = suites(replace(run("PF"), results=(odd, *others)))

    assert [case.get("name") for case in found.iter("testcase")] == [
        'a"/><b>/new/&x;/bare/h5',
        "old/new/b/bare/h5",
    ]


@pytest.mark.parametrize(
    ("focus", "versions", "said"),
    [
        (("tf-2.15", "tf-2.21"), "TensorFlow 2.15.1 \N{RIGHTWARDS ARROW} 2.21.1", "not without loss, 9 of 17 work"),
        (("tf-2.15", "tf-2.15"), "TensorFlow 2.15.1", "yes, 17 of 17 work"),
    ],
)
def test_a_badge_says_the_answer(focus: tuple[str, str], versions: str, said: str) -> None:
    """
    The versions, the answer and its count, as text, as a title, and for screen readers.
    """
    drawing = parsed(drawn(replace(golden.old(), focus=focus)))

    texts = [str(one.text) for one in drawing.iter() if one.tag.endswith("}text")]
    (title,) = [one.text for one in drawing.iter() if one.tag.endswith("}title")]
    assert texts == [versions, said]
    assert title == drawing.get("aria-label") == f"{versions}: {said}"
    assert drawing.get("role") == "img"
