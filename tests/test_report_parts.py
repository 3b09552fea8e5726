"""What the page is made of: advice that is counted, programs to repeat a cell, files of a large run, small scripts."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import synthetic

from matrix import analysis, report
from matrix.diff import compared
from matrix.model import Format, Status, Variant
from matrix.report import advice, answer, page, programs, volumes
from matrix.report.baseline import KINDS, baseline

RUN = synthetic.run()
TEMPLATES = Path(page.__file__).with_name("templates")
KEY = ("saved_with", "loaded_with", "scenario", "variant", "format")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The rows of results.csv."""
    folder = tmp_path_factory.mktemp("parts")
    report.write(RUN, folder)
    with (folder / "results.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def broken(rows: list[dict[str, str]], old: str, reader: str) -> int:
    """How many cells of a writer do not work in a reader and are not known to fail at home, from the CSV alone."""
    found = {tuple(row[name] for name in KEY): row["status"] for row in rows}
    return sum(
        found[old, reader, *case] in "DFTC" and found[old, old, *case] not in "DFTC"
        for writer, other, *case in found
        if (writer, other) == (old, reader)
    )


@pytest.mark.parametrize("focus", [("tf-2.12", "tf-2.21"), ("tf-2.12", "tf-2.15"), ("tf-2.21", "tf-2.4")])
def test_the_nearest_version_that_breaks_nothing_is_counted(rows: list[dict[str, str]], focus: tuple[str, str]) -> None:
    """
    It is the last one on the way in which no cell is lost; without one, that is said.
    """
    run = replace(RUN, focus=focus)
    ids = [one.environment.id for one in RUN.environments]
    start, end = map(ids.index, focus)
    way = ids[end:start:-1] if end > start else ids[end:start]
    measured = {row["loaded_with"] for row in rows if row["saved_with"] == focus[0] and row["status"] in "PRDFTC"}
    wanted = next((one for one in way if one in measured and not broken(rows, focus[0], one)), "none")

    facts = {fact.name: fact.says for fact in answer.about(run, report.table(run)).facts}

    assert facts["Nearest version that breaks nothing"].split()[0] == wanted


def test_lost_cells_of_each_reader_are_counted(rows: list[dict[str, str]]) -> None:
    """
    The table behind that advice says of every reader what the CSV says.
    """
    for row in analysis.rows(analysis.readings(report.table(RUN), "tf-2.12")):
        assert row["lost"] == broken(rows, "tf-2.12", row["loaded_with"])


def test_causes_of_the_whole_run_are_counted(rows: list[dict[str, str]]) -> None:
    """
    Cells and pairs of each cause, those not saved included.
    """
    bad = [row for row in rows if row["status"] in "RDFTCS"]
    cells = Counter(row["cause"] for row in bad)
    pairs = Counter(cause for cause, *_ in {(row["cause"], row["saved_with"], row["loaded_with"]) for row in bad})

    found = analysis.rows(analysis.causes(report.table(RUN)))

    assert {row["cause"]: (row["total"], row["pairs"]) for row in found} == {
        cause: (number, pairs[cause]) for cause, number in cells.items()
    }


def test_steps_are_the_remedies_that_passed() -> None:
    """
    Each step counts the cells of the pair that it made work, and leads to one of them.
    """
    found = advice.steps(RUN)

    remedied = [one for one in RUN.results if (one.cell.writer, one.cell.reader) == RUN.focus and one.remedy]
    assert sum(step.remedy.cells for step in found) == len(remedied) > 0
    assert all(step.href.startswith("#/cell/tf-2.15/tf-2.21/") for step in found)


def test_safest_format_has_no_better_one() -> None:
    """
    The share that works is the largest, and so is the share that works as it is among those.
    """
    told = answer.about(RUN, report.table(RUN))
    shares = {
        row.label: (row.numbers[0].number + row.numbers[1].number, row.measured) for row in told.formats if row.measured
    }
    (said,) = [fact.says for fact in told.facts if fact.name.startswith("Safest")]

    for name in said.split(": ")[0].split(" and "):
        works, measured = shares[name]
        assert all(works / measured >= other / of for other, of in shares.values())


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("variant", Variant)
def test_what_saves_a_cell_names_the_file_that_is_loaded(variant: Variant, format_: Format) -> None:
    """
    Both are Python, and speak of one file and one script.
    """
    save, load = programs.saving(variant, format_), programs.loading(variant, format_, "")

    for text in (save, load):
        compile(text, "program", "exec")
        assert repr(programs.FILES[format_]) in text
        assert "'scenario.py'" in text
    assert ("register_keras_serializable" in save) == (variant is Variant.REGISTERED)


def test_a_remedy_that_no_ladder_has_is_no_program() -> None:
    """
    A run of another edition may know more.
    """
    assert programs.loading(Variant.BARE, Format.H5, "a bridge") == ""
    assert "/inside'" in programs.loading(Variant.BARE, Format.H5, "weights")
    assert str(Path(report.__file__).parents[1]) not in programs.loading(Variant.BARE, Format.H5, "weights")


def test_files_of_a_large_run_hold_every_cell_once(tmp_path: Path) -> None:
    """
    Nothing is dropped: the files by scenario add up to the run, and the index has them all.
    """
    parts = list(volumes.volumes(RUN))

    assert Counter(one.cell for part in parts for one in part.run.results) == Counter(one.cell for one in RUN.results)
    assert [one.status for one in volumes.index(RUN).results] == [one.status for one in RUN.results]
    assert len({part.file for part in parts}) == len(parts) == len(RUN.scenarios)
    report.written(RUN, tmp_path, most=10)
    assert {path.name for path in tmp_path.glob("*.html")} == {"index.html", *volumes.names(RUN).values()}


def test_names_of_files_are_plain() -> None:
    """
    Whatever a scenario is called, and no two share one.
    """
    odd = replace(RUN.scenarios[0], name="../../a b"), replace(RUN.scenarios[0], name="../../a_b")

    one, other = volumes.names(replace(RUN, scenarios=odd)).values()

    assert one != other
    assert not {"/", " ", "."} & set(one.removesuffix(".html"))


def test_a_baseline_has_a_letter_for_each_cell() -> None:
    """
    A space where it had none; what became of it, as `matrix diff` says; and what is gone by its names.
    """
    old = replace(RUN, results=(replace(RUN.results[0], status=Status.CRASH), RUN.results[2]))
    now = replace(RUN, results=RUN.results[:2])

    found = baseline(old, now)

    assert found is not None
    assert found.letters(now.results) == "C "
    assert [KINDS[int(place)] for place in found.kinds(now.results)] == [
        change.kind for cell, change in compared(old, now).items() if change.now
    ]
    assert ["/".join(names) for *names, _ in found.gone()] == [RUN.results[2].cell.id]
    assert baseline(None, now) is None


def test_scripts_and_styles_are_small_files_of_their_own() -> None:
    """
    Each under 300 lines, none of a framework, and each is part of the page.
    """
    parts = [*TEMPLATES.glob("script/*.js"), *TEMPLATES.glob("*.css")]
    names = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))

    assert len(parts) > 10
    for path in parts:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 300, path.name
        assert path.name == "page.css" or path.relative_to(TEMPLATES).as_posix() in names, path.name


def test_scripts_of_scenarios_are_stored_and_read_back(tmp_path: Path) -> None:
    """
    A page that is made anew offers what the first one did; a run without them is still read.
    """
    run = replace(RUN, sources=(("functional", "def build(): ..."),))
    report.write(run, tmp_path)
    assert report.read(tmp_path).sources == run.sources

    head = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    del head["sources"]
    (tmp_path / "run.json").write_text(json.dumps(head), encoding="utf-8")

    assert report.read(tmp_path).sources == ()
