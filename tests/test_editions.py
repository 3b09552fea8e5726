"""Stored files: what this edition writes, what earlier ones wrote, and the schemas of both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import golden
import hostile
import pytest
import synthetic
from jsonschema import Draft202012Validator
from values import run

from matrix import report
from matrix.diff import compared
from matrix.errors import UsageError
from matrix.report import difference, editions, files
from matrix.results import Run

EDITIONS = {"run": editions.RUN, "results": editions.RESULTS, "verdict": editions.VERDICT, "diff": editions.DIFF}
RUNS = {
    1: {"run": 1, "results": 1, "verdict": 1},
    2: {"run": 2, "results": 2, "verdict": 1},
    3: {"run": 3, "results": 2, "verdict": 2},
    4: EDITIONS,
}
WHOLE = {1: golden.old(), 2: golden.old(), 3: golden.expecting(), 4: golden.whole()}


def schema(name: str, edition: int) -> Draft202012Validator:
    """The published schema of one file in one edition."""
    text = (editions.SCHEMAS / f"{name}-{edition}.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def holds(folder: Path) -> Iterator[tuple[str, Any]]:
    """Every value of a stored run that has a schema, with the name of that."""
    for name in ("run", "verdict"):
        yield name, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines():
        yield "results", json.loads(line)


def faults(folder: Path, known: dict[str, int]) -> list[str]:
    """What in a stored run is not as the schemas of these editions say."""
    validators = {name: schema(name, known[name]) for name in ("run", "results", "verdict")}
    return [f"{name}: {error.message}" for name, told in holds(folder) for error in validators[name].iter_errors(told)]


@pytest.mark.parametrize("path", sorted(editions.SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_each_schema_is_one(path: Path) -> None:
    """
    It is valid JSON schema of 2020-12, and its name says which edition it is of.
    """
    told = json.loads(path.read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(told)
    name, edition = path.stem.split("-")
    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert told["$id"] == f"urn:keras-matrix:schema:{name}:{edition}"


def test_every_edition_has_its_schema() -> None:
    """
    From the first one to this one, and none beyond.
    """
    wanted = {f"{name}-{number}.json" for name, newest in EDITIONS.items() for number in range(1, newest + 1)}

    assert {path.name for path in editions.SCHEMAS.iterdir()} == wanted


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(synthetic.run(), id="every-letter"),
        pytest.param(synthetic.run(complete=False), id="interrupted"),
        pytest.param(golden.whole(), id="with-known-failures"),
        pytest.param(golden.evil(), id="hostile"),
        pytest.param(replace(run("P"), results=(), scenarios=()), id="empty"),
    ],
)
def test_what_is_written_is_as_the_schemas_say(whole: Run, tmp_path: Path) -> None:
    """
    Whatever a run holds, its files are those that were published.
    """
    report.write(whole, tmp_path)

    assert faults(tmp_path, EDITIONS) == []


@pytest.mark.parametrize("number", RUNS)
def test_files_of_each_edition_are_as_its_schemas_say(number: int) -> None:
    """
    The schema of an earlier edition is of what it really wrote.
    """
    assert faults(golden.FOLDER / f"run-{number}", RUNS[number]) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("run", {"schema": editions.RUN}),
        ("verdict", {"schema": editions.VERDICT, "colour": "red"}),
        ("results", {"cell": {}, "status": "P"}),
        ("results", {"schema": editions.RESULTS, "texts": [1]}),
        ("diff", {"schema": editions.DIFF, "cells": [{"kind": "same"}]}),
    ],
)
def test_a_schema_refuses_what_is_something_else(name: str, told: object) -> None:
    """
    A schema that lets everything pass would prove nothing.
    """
    assert not schema(name, EDITIONS[name]).is_valid(told)


def test_a_difference_is_as_its_schema_says() -> None:
    """
    Of runs that share nothing too, and of hostile ones.
    """
    runs = synthetic.run(("2.9", "2.15")), synthetic.run(("2.15", "2.21"), complete=False), golden.evil()
    for before, now in ((runs[0], runs[1]), (runs[1], runs[0]), (runs[2], runs[0]), (runs[0], runs[0])):
        told = json.loads(difference.machine(before, now, compared(before, now)))

        assert list(schema("diff", editions.DIFF).iter_errors(told)) == []


@pytest.mark.parametrize("number", RUNS)
def test_a_run_of_each_edition_is_read(number: int) -> None:
    """
    The same run, stored by each edition, is the same value; the first rounded no times, and had shorter digests.
    """
    found = report.read(golden.FOLDER / f"run-{number}")

    wanted = WHOLE[number]
    assert replace(found, results=(), tracebacks=()) == replace(wanted, results=(), tracebacks=())
    assert list(map(plain, found.results)) == list(map(plain, wanted.results))


def plain(result: Any) -> Any:
    """A result without what the first edition had in another way."""
    attempts = (*result.attempts, *filter(None, [result.writer_error]))
    told = [replace(one, seconds=round(one.seconds, 1), traceback="") for one in attempts]
    return replace(result, attempts=(), writer_error=None), told


@pytest.mark.parametrize("number", RUNS)
def test_an_answer_of_each_edition_is_read(number: int) -> None:
    """
    It is what this edition would have written: the history of an answer needs no case for each edition.
    """
    told = files.verdict(golden.FOLDER / f"run-{number}")

    assert list(schema("verdict", editions.VERDICT).iter_errors(told)) == []
    assert told["counts"]["F"] == 8


@pytest.mark.parametrize("number", RUNS)
def test_a_run_of_each_edition_becomes_one_of_this_one(number: int, tmp_path: Path) -> None:
    """
    `matrix report` on an old run leaves files of today.
    """
    shutil.copytree(golden.FOLDER / f"run-{number}", tmp_path / "run")

    report.write(report.read(tmp_path / "run"), tmp_path / "run")

    assert faults(tmp_path / "run", EDITIONS) == []


def test_files_of_this_edition_are_as_they_were() -> None:
    """
    Who changes what is stored needs a new edition, and a step to it; `python tests/golden.py` then keeps the files.
    """
    for path, data in golden.wanted().items():
        assert (golden.FOLDER / path).read_bytes().decode() == data.decode(), path


@pytest.mark.parametrize(
    ("name", "told", "message"),
    [
        (
            "run.json",
            {"schema": 99},
            r"run\.json was written by a newer matrix \(schema 99; this one reads .* up to 4\)",
        ),
        ("results.jsonl", {"schema": 99, "texts": []}, r"results\.jsonl was written by a newer matrix \(schema 99"),
        ("run.json", {}, r"run\.json was not written by the matrix"),
        ("run.json", [], r"run\.json was not written by the matrix"),
        ("run.json", {"schema": "2"}, "names no edition"),
        ("run.json", {"schema": True}, "names no edition"),
        ("run.json", {"schema": 0}, "names no edition"),
        ("run.json", {"schema": 1}, "cannot be read"),
        ("results.jsonl", [], "names no edition"),
        ("results.jsonl", 1, "cannot be read"),
    ],
)
def test_a_run_of_no_edition_that_is_known_is_one_sentence(
    name: str, told: object, message: str, tmp_path: Path
) -> None:
    """
    It says which file, which edition, and what to do.
    """
    shutil.copytree(golden.FOLDER / golden.CURRENT, tmp_path / "run")
    (tmp_path / "run" / name).write_text(json.dumps(told) + "\n", encoding="utf-8")

    with pytest.raises(UsageError, match=message):
        report.read(tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 99}', "newer matrix"),
        ('{"schema": 1}', "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "names no edition"),
        (None, "missing"),
    ],
)
def test_an_answer_of_no_edition_that_is_known_is_one_sentence(text: str | None, message: str, tmp_path: Path) -> None:
    """
    So is one that is not there.
    """
    if text is not None:
        (tmp_path / "verdict.json").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=message):
        files.verdict(tmp_path)


def test_each_step_leaves_what_it_was_given_alone() -> None:
    """
    A step is a function of values: nothing that it reads is changed by it.
    """
    told = json.loads((golden.FOLDER / "run-1" / "verdict.json").read_text(encoding="utf-8"))
    head = json.loads((golden.FOLDER / "run-1" / "run.json").read_text(encoding="utf-8"))
    cell = json.loads((golden.FOLDER / "run-1" / "results.jsonl").read_text(encoding="utf-8").splitlines()[0])
    before = json.dumps([told, head, cell])

    assert editions.verdict(told, Path())["schema"] == editions.VERDICT
    assert editions.run(head, Path())["schema"] == editions.RUN
    assert editions.line(cell)[0]["cell"] == cell["cell"]
    assert json.dumps([told, head, cell]) == before


def test_no_hostile_text_is_lost_on_the_way() -> None:
    """
    A line of the first edition with any text is the same result after its step.
    """
    from matrix.report import lines, stored

    for text in hostile.PAYLOADS:
        for result in golden.old().results[:12]:
            attempts = tuple(replace(one, message=text, exception=text) for one in result.attempts)
            odd = replace(result, attempts=attempts, reason=text)

            told, texts = editions.line(json.loads(json.dumps(stored.plain(odd))))

            assert lines._result(told, texts) == odd
