"""The page and the files beside it. The numbers are those of mistakes that others made (in brackets)."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import html as entities
import io
import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import hostile
import html5lib
import pytest
import synthetic

from matrix import report
from matrix.errors import UsageError
from matrix.model import Cell, Environment, Format, Status, Variant
from matrix.report import answer, files, payload, stored, summary, words
from matrix.report.endings import Endings
from matrix.results import EnvironmentReport, Result, Run

RUN = synthetic.run()
TINY = synthetic.run(("2.9", "2.15", "2.21"))
FILES = {
    *("index.html", "results.csv", "results.jsonl", "run.json", "summary.md", "verdict.json"),
    *("junit.xml", "badge.svg"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the synthetic run."""
    folder = tmp_path_factory.mktemp("report")
    report.write(RUN, folder)
    return folder


def page(run: Run, folder: Path) -> str:
    """The text of the page of a run."""
    return report.write(run, folder).read_text(encoding="utf-8")


def parsed(text: str) -> Element:
    """The page as a browser sees it."""
    tree: Element = html5lib.parse(text, namespaceHTMLElements=False)
    return tree


def by_id(tree: Element, name: str) -> Element:
    """The one element with this id."""
    (found,) = [element for element in tree.iter() if element.get("id") == name]
    return found


def said(element: Element) -> str:
    """All its text, on one line."""
    return " ".join(" ".join(element.itertext()).split())


def has(element: Element, css: str) -> bool:
    """Whether it has a class."""
    return css in (element.get("class") or "").split()


def cells_of(folder: Path, old: str, new: str) -> Counter[str]:
    """The letters of a pair, counted from the CSV alone."""
    rows = csv.DictReader(io.StringIO((folder / "results.csv").read_text(encoding="utf-8")))
    return Counter(row["status"] for row in rows if (row["saved_with"], row["loaded_with"]) == (old, new))


@cache
def shape(run: Run) -> Counter[tuple[str, tuple[str, ...]]]:
    """How often each element occurs with each set of attributes."""
    told = answer.about(run, report.table(run))
    text = report.page.html(run, report.table(run), told, digest="")
    return Counter((str(one.tag), tuple(sorted(one.attrib))) for one in parsed(text).iter())


def test_all_files_are_written(folder: Path) -> None:
    """
    The page, the tables, the summary and the verdict; no half-written file stays behind.
    """
    assert {path.name for path in folder.iterdir()} == FILES


def test_page_is_well_formed(folder: Path) -> None:
    """
    A strict parser finds nothing to repair (13).
    """
    parser = html5lib.HTMLParser(strict=False)
    parser.parse((folder / "index.html").read_text(encoding="utf-8"))

    assert parser.errors == []


def test_numbers_of_the_verdict_are_those_of_the_csv(folder: Path) -> None:
    """
    What the verdict says adds up to the measured cells, as counted from results.csv (15).
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    found = cells_of(folder, *RUN.focus)
    tiles = next(one for one in tree.iter("ul") if has(one, "tiles"))
    printed = {said(li).rsplit(" ", 1)[1]: int(said(li).split(" ")[0]) for li in tiles.iter("li")}

    assert {letter: number for letter, number in printed.items() if number} == {
        letter: found[letter] for letter in "PRDFTC" if found[letter]
    }
    measured = sum(found[letter] for letter in "PRDFTC")
    assert f"{measured} of {found.total()} cells measured" in said(by_id(tree, "report"))


def test_numbers_by_format_add_up(folder: Path) -> None:
    """
    Rows sum to the last row, and the last row is what the CSV says (15).
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    table = next(by_id(tree, "formats").iter("table"))
    rows = [[int(said(td)) for td in tr.iter("td") if has(td, "n")] for tr in table.iter("tr")]
    *body, foot = [row for row in rows if row]

    assert [sum(column) for column in zip(*body, strict=True)] == foot
    found = cells_of(folder, *RUN.focus)
    assert foot == [found[str(status)] for status in words.ORDER]


def test_squares_of_the_overview_are_those_of_the_csv(folder: Path) -> None:
    """
    Each pair prints works/measured, and says every letter in its label (2, 15).
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    links = list(by_id(tree, "overview").iter("a"))

    assert len(links) == len(synthetic.SMALL) ** 2
    for link in links:
        _, _, old, new = (link.get("href") or "").split("/")
        found = cells_of_all(folder)[old, new]
        label = link.get("aria-label") or ""
        measured = sum(found[letter] for letter in "PRDFTC")
        assert f"{measured} of {found.total()} cells measured" in label
        if measured:
            assert f"{found['P'] + found['R']}/{measured}" in said(link)
        for letter, number in found.items():
            assert f"{number} {Status(letter).word}" in label


@cache
def cells_of_all(folder: Path) -> dict[tuple[str, str], Counter[str]]:
    """The letters of every pair, counted from the CSV alone."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in csv.DictReader(io.StringIO((folder / "results.csv").read_text(encoding="utf-8"))):
        found.setdefault((row["saved_with"], row["loaded_with"]), Counter())[row["status"]] += 1
    return found


def test_letters_are_printed_in_every_square(folder: Path) -> None:
    """
    Colour alone says nothing: each square has its letter as text (2, 14).
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    wanted = {words.letter(status).css: str(status) for status in Status}
    squares = [
        (css, said(td))
        for part in ("overview", "pair")
        for td in by_id(tree, part).iter("td")
        for css in (td.get("class") or "").split()
        if css in wanted
    ]

    assert len(squares) > 100
    for css, text in squares:
        assert text.startswith(wanted[css])


def test_every_status_looks_and_reads_in_its_own_way() -> None:
    """
    Ten letters, ten classes, ten words: E, U, S and '.' are never drawn as F, nor T and C (3, 5).
    """
    looks = [words.letter(status) for status in Status]

    assert len({look.css for look in looks}) == len({look.short for look in looks}) == len(Status)
    assert set(words.ORDER) == set(Status)


def test_what_was_not_measured_has_no_colour_of_a_failure() -> None:
    """
    The style sheet gives U, S, E and '.' none of the colours of a measured letter (3).
    """
    style = Path(report.page.__file__).with_name("templates").joinpath("style.css").read_text(encoding="utf-8")
    rules = re.findall(
        r"^(\.s-(?:unsupported|not-saved|environment|not-run|absent)[^{]*)\{([^}]*)\}", style, re.MULTILINE
    )

    assert len(rules) >= 4
    for _, body in rules:
        assert not re.search(r"--[prdftc](?:-bar)?\b", body)


def test_every_failing_cell_of_the_pair_leads_to_its_explanation(folder: Path) -> None:
    """
    Each link of the static pair table has a target on the page, with exception, message and stage.
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    targets = {one.get("id") for one in by_id(tree, "why").iter() if has(one, "reason")}
    links = [one.get("href") or "" for one in by_id(tree, "pair").iter("a")]

    found = cells_of(folder, *RUN.focus)
    assert len(links) == sum(found[letter] for letter in "RDFTC")
    assert {link.removeprefix("#") for link in links} == targets


def test_legend_explains_all_ten_letters(folder: Path) -> None:
    """
    A stranger finds each letter with its word and its meaning.
    """
    legend = said(by_id(parsed((folder / "index.html").read_text(encoding="utf-8")), "legend"))

    for status in Status:
        assert f"{status} {status.word} {words.letter(status).meaning}" in legend


def test_broken_environment_is_told_apart_and_the_rest_is_shown(folder: Path) -> None:
    """
    One broken environment costs its own row and column only, with error and remedy (4).
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))

    environments = said(by_id(tree, "environments"))
    assert "Python 3.8 is not on this machine" in environments
    assert "uv python install 3.8" in environments
    assert cells_of_all(folder)["tf-2.4", "tf-2.12"]["P"] > 0


def test_another_version_than_asked_for_is_said(tmp_path: Path) -> None:
    """
    Asked and found version are compared in the open (17).
    """
    first, *others = RUN.environments
    run = replace(RUN, environments=(replace(first, tensorflow="2.4.0"), *others))

    assert "NOT as asked: Python 3.8, TensorFlow 2.4.1" in page(run, tmp_path)


def test_page_needs_nothing_from_elsewhere(folder: Path) -> None:
    """
    No server, no CDN, no request: nothing on the page names an address (12).
    """
    text = (folder / "index.html").read_text(encoding="utf-8")
    tree = parsed(text)
    names = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}
    addresses = [value for one in tree.iter() for name, value in one.attrib.items() if str(name) in names]

    assert all(address.startswith("#") for address in addresses)
    assert not any(
        one.tag in {"link", "img", "iframe", "object", "embed", "base", "form[action]"} for one in tree.iter()
    )
    assert not re.search(
        r"url\(|@import|\bfetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|document\.write|eval\(", text
    )


def test_content_security_policy_names_exactly_our_script_and_style(folder: Path) -> None:
    """
    It stands first in the head, by hash, and nothing else may run.
    """
    head = parsed((folder / "index.html").read_text(encoding="utf-8")).find("head")
    assert head is not None
    first = head[0]
    style = "".join(next(head.iter("style")).itertext())
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    (script,) = ["".join(one.itertext()) for one in tree.iter("script") if one.get("type") is None]

    assert first.get("http-equiv") == "Content-Security-Policy"
    assert first.get("content") == (
        f"default-src 'none'; script-src '{sha256(script)}'; style-src '{sha256(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def sha256(text: str) -> str:
    """A hash in the spelling of a policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def harmless_shape() -> object:
    """The elements of a page whose every free text is one word."""
    return shape(hostile.spoiled(TINY, lambda _: "harmless"))


def test_foreign_texts_of_all_kinds_stay_text() -> None:
    """
    With another hostile text in every place, the page has the elements of a harmless one (13).
    """
    evil, harmless = cycle(hostile.PAYLOADS), cycle([f"harmless {number}" for number in range(len(hostile.PAYLOADS))])

    assert shape(hostile.spoiled(TINY, lambda _: next(evil))) == shape(hostile.spoiled(TINY, lambda _: next(harmless)))


@pytest.mark.faults
@pytest.mark.parametrize("text", hostile.PAYLOADS, ids=range(len(hostile.PAYLOADS)))
def test_foreign_text_stays_text(text: str) -> None:
    """
    Whatever a message, a name or a version holds, the page has the elements of a harmless one (13).
    """
    evil = hostile.spoiled(TINY, lambda _: text)

    assert shape(evil) == harmless_shape()


@pytest.mark.faults
@pytest.mark.parametrize("text", hostile.PAYLOADS, ids=range(len(hostile.PAYLOADS)))
def test_foreign_text_is_stored_and_read_back(text: str, tmp_path: Path) -> None:
    """
    The stored run is the run, also where a page must soften the text.
    """
    evil = hostile.spoiled(TINY, lambda old: old + text)

    report.write(evil, tmp_path)

    assert report.read(tmp_path) == evil
    told = tmp_path.joinpath("summary.md").read_text(encoding="utf-8")
    outside = re.sub(r"`[^`\n]*`", "", told)
    assert "\x1b" not in report.terminal(evil) + told
    assert not re.search(r"<[a-z/!]", outside)


def test_names_from_outside_cannot_leave_their_link() -> None:
    """
    Ids that a user chose are quoted in links, and end up on the page as text.
    """
    old, new = 'a/"><b>', "javascript:alert(1)#"
    names = {"tf-2.15": old, "tf-2.21": new}
    run = replace(
        TINY,
        focus=(old, new),
        environments=tuple(renamed_environment(one, names) for one in TINY.environments),
        results=tuple(replace(one, cell=renamed(one.cell, names)) for one in TINY.results),
    )

    assert shape(run) == shape(TINY)


def renamed_environment(one: EnvironmentReport, names: dict[str, str]) -> EnvironmentReport:
    """The same environment under another id."""
    environment: Environment = one.environment
    return replace(one, environment=replace(environment, id=names.get(environment.id, environment.id)))


def renamed(cell: Cell, names: dict[str, str]) -> Cell:
    """The same cell between other ids."""
    return replace(cell, writer=names.get(cell.writer, cell.writer), reader=names.get(cell.reader, cell.reader))


def test_templates_switch_no_escaping_off_and_decide_nothing() -> None:
    """
    Nothing in the templates or the package is marked as safe, styled or scripted in place.
    """
    root = Path(report.page.__file__).parent
    for path in (*root.glob("templates/*.j2"), *root.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|Markup|autoescape\s+false|\son\w+=\"|\sstyle=", text), path.name
        assert not re.search(r"\{%-?\s*if[^%]*(status|letter|verdict|css)", text), path.name


def test_round_trip() -> None:
    """
    The smallest and the oddest values survive being stored.
    """
    attempt = next(one.attempts[0] for one in RUN.results if one.attempts)
    odd = replace(attempt, max_abs_error=math.inf, max_rel_error=-math.inf, argmax_flips=0)
    results = (replace(RUN.results[0], attempts=(odd,)), *RUN.results[1:])
    run = replace(RUN, results=results, environments=with_variables(RUN))

    assert run == reread(run)


def with_variables(run: Run) -> tuple[EnvironmentReport, ...]:
    """The environments of a run, the first with everything that one can have."""
    first, *others = run.environments
    variables = (("TF_USE_LEGACY_KERAS", "1"),)
    return (replace(first, environment=replace(first.environment, variables=variables)), *others)


def reread(run: Run) -> Run:
    """Store a run and read it back."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        report.write(run, Path(folder))
        return report.read(Path(folder))


def test_nan_is_stored_as_text_and_read_as_a_number(tmp_path: Path) -> None:
    """
    The stored lines are JSON for every reader, also those that know no NaN.
    """
    attempt = next(one.attempts[0] for one in RUN.results if one.attempts)
    odd = replace(attempt, max_abs_error=math.nan)
    report.write(replace(RUN, results=(replace(RUN.results[0], attempts=(odd,)),)), tmp_path)

    _, (line,) = stored_lines(tmp_path)
    back = report.read(tmp_path).results[0].attempts[0].max_abs_error

    assert line["attempts"][0]["max_abs_error"] == "NaN"
    assert back is not None
    assert math.isnan(back)


def stored_lines(folder: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The texts of a stored run, and its cells."""
    first, *lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(first)["texts"], [json.loads(line) for line in lines]


def test_lines_name_their_fields_and_texts_stand_once(folder: Path) -> None:
    """
    One object per cell with names, not positions (8, 9); each text and each traceback is stored once.
    """
    texts, lines = stored_lines(folder)
    head = json.loads((folder / "run.json").read_text(encoding="utf-8"))

    assert len(lines) == len(RUN.results)
    assert set(lines[0]["cell"]) == {"writer", "reader", "scenario", "variant", "format"}
    assert [line["status"] for line in lines] == [result.status for result in RUN.results]
    assert len(texts) == len(set(texts))
    assert head["tracebacks"] == dict(RUN.tracebacks)
    assert "Traceback" not in "".join(texts)


def test_texts_of_a_line_are_found_in_the_first_one(folder: Path) -> None:
    """
    Another tool needs no more than the file: the places in a line lead to what was said.
    """
    texts, lines = stored_lines(folder)

    for result, line in zip(RUN.results, lines, strict=True):
        for attempt, told in zip(result.attempts, line.get("attempts", []), strict=True):
            assert (told["rung"], told["status"], told["stage"]) == (attempt.rung, attempt.status, attempt.stage)
            for name in ("exception", "message", "signature", "traceback"):
                assert (texts[told[name]] if name in told else "") == getattr(attempt, name)


def first_edition(run: Run, folder: Path) -> None:
    """Store a run as the first edition did: every field of every cell, and no note."""
    head = json.loads(files.run_json(run))
    del head["note"]
    (folder / "run.json").write_text(json.dumps({**head, "schema": 1}), encoding="utf-8")
    lines = [json.dumps(stored.plain(result)) + "\n" for result in run.results]
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")


def test_a_run_of_the_first_edition_is_read_and_written_anew(tmp_path: Path) -> None:
    """
    Old runs stay readable, become new ones when their report is written again, and do so file by file.
    """
    first_edition(TINY, tmp_path)
    old = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert report.read(tmp_path) == TINY

    report.write(report.read(tmp_path), tmp_path)

    assert report.read(tmp_path) == TINY
    (tmp_path / "run.json").write_text(old, encoding="utf-8")  # as it is when the writing was ended in between
    assert report.read(tmp_path) == TINY


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"cell": {}, "status": "P"}', id="no-cell"),
        pytest.param('{"cell": CELL, "status": "?"}', id="no-letter"),
        pytest.param('{"cell": CELL, "status": "P", "colour": "red"}', id="another-field"),
        pytest.param('{"cell": CELL, "status": "E", "reason": 99999}', id="no-such-text"),
        pytest.param('{"cell": CELL, "status": "F", "attempts": [{"rung": "x"}]}', id="half-an-attempt"),
        pytest.param('{"cell": CELL, "status": "F", "atte', id="cut-off"),
        pytest.param("[]", id="no-object"),
    ],
)
def test_a_damaged_line_is_a_sentence(line: str, tmp_path: Path) -> None:
    """
    What no matrix wrote is refused, and never half understood.
    """
    report.write(TINY, tmp_path)
    cell = json.dumps(stored.plain(TINY.results[0].cell))
    with (tmp_path / "results.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(line.replace("CELL", cell) + "\n")

    with pytest.raises(UsageError, match="cannot be read"):
        report.read(tmp_path)


def test_run_of_another_edition_is_refused(folder: Path, tmp_path: Path) -> None:
    """
    A later schema, a missing file and an unknown field are sentences, not tracebacks.
    """
    with pytest.raises(UsageError, match=r"run\.json is missing"):
        report.read(tmp_path)
    head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (tmp_path / "results.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "run.json").write_text(json.dumps({**head, "schema": 99}), encoding="utf-8")
    with pytest.raises(UsageError, match="newer matrix"):
        report.read(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({**head, "colour": "red"}), encoding="utf-8")
    with pytest.raises(UsageError, match="colour"):
        report.read(tmp_path)


def test_file_is_replaced_whole_and_never_through_a_link(tmp_path: Path) -> None:
    """
    A link where the report belongs is replaced; what it pointed to is untouched.
    """
    target = tmp_path / "precious.txt"
    target.write_text("mine", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").symlink_to(target)

    report.write(TINY, tmp_path / "out")

    assert target.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "out" / "index.html").is_symlink()


def test_verdict_for_machines(folder: Path) -> None:
    """
    CI reads a JSON with all ten letters, and no exit code is a count (1, 19).
    """
    told = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    found = cells_of(folder, *RUN.focus)

    assert told["verdict"] == "not-without-loss"
    assert told["counts"] == {str(status): found[str(status)] for status in words.ORDER}
    assert sum(told["counts"].values()) == told["total"]
    assert sum(reason["cells"] for reason in told["reasons"]) == sum(found[letter] for letter in "RDFTC")


def cells(old: dict[str, str], new: dict[str, str]) -> Run:
    """A run of 2.15 and 2.16 with these letters per format, at home and in the newer one."""
    pair = tuple(one for one in RUN.environments if one.environment.id in {"tf-2.15", "tf-2.16"})
    squares = [("tf-2.15", old), ("tf-2.16", new)]
    results = tuple(
        Result(
            cell=Cell(
                writer="tf-2.15",
                reader=reader,
                scenario="sequential",
                variant=Variant.BARE,
                format=Format(format_),
            ),
            status=Status(letter),
        )
        for reader, found in squares
        for format_, letter in found.items()
    )
    return replace(RUN, environments=pair, focus=("tf-2.15", "tf-2.16"), results=results, tracebacks=())


@pytest.mark.parametrize(
    ("old", "new", "headline"),
    [
        pytest.param("PP", "PP", "Yes.", id="all-work"),
        pytest.param("PP", "PU", "Yes.", id="the-writer-has-no-such-format"),
        pytest.param("PP", "PR", "Yes, with changes.", id="one-needs-a-change"),
        pytest.param("PP", "PF", "Not without loss.", id="one-breaks"),
        pytest.param("PP", "PD", "Not without loss.", id="other-numbers-are-a-loss"),
        pytest.param("PF", "PF", "Yes.", id="broken-before-is-no-loss"),
        pytest.param("PP", "FF", "No.", id="nothing-works"),
        pytest.param("FF", "FF", "Unknown.", id="nothing-worked-before"),
        pytest.param("PP", "EE", "Unknown.", id="nothing-measured"),
        pytest.param("PP", "P.", "Yes, as far as it was measured.", id="half-measured"),
        pytest.param("PP", "RE", "Yes, with changes, as far as it was measured.", id="half-measured-changes"),
    ],
)
def test_verdict_is_honest(old: str, new: str, headline: str) -> None:
    """
    Each way a pair can end has exactly one headline, and what is not known is never a yes.
    """
    formats = ("h5", "keras")
    run = cells(dict(zip(formats, old, strict=True)), dict(zip(formats, new, strict=True)))

    assert answer.about(run, report.table(run)).headline == headline


def test_nothing_measured_still_gives_a_page(tmp_path: Path) -> None:
    """
    A run in which every job died is reported, and is not a success (20).
    """
    text = page(replace(RUN, results=(), complete=False), tmp_path)

    assert "Unknown." in text
    assert "0 of 0 cells" in text


def test_incomplete_run_says_so_everywhere(tmp_path: Path) -> None:
    """
    The banner counts what was done; cells that were not reached are '.', not blank (2, 20).
    """
    run = synthetic.run(complete=False)
    done = sum(result.status is not Status.NOT_RUN for result in run.results)
    sentence = f"INCOMPLETE: {done:,} of {len(run.results):,} cells were done"

    assert sentence in page(run, tmp_path)
    assert sentence in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert sentence in report.terminal(run)
    assert "INCOMPLETE" not in report.terminal(RUN)


def test_note_stands_everywhere(tmp_path: Path) -> None:
    """
    What the engine wants said beside the answer is on the page and in every file, and as text.
    """
    run = replace(TINY, note="left out by --budget 20m: <1,020> cells")
    plain = page(TINY, tmp_path)

    text = page(run, tmp_path)

    assert 'class="banner"' not in plain
    assert "--budget 20m: &lt;1,020&gt; cells" in text
    assert "left out by --budget 20m" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert run.note in report.terminal(run)
    assert json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))["note"] == run.note
    assert report.read(tmp_path).note == run.note


def test_the_answer_in_lines_comes_with_the_report(tmp_path: Path) -> None:
    """
    Who writes a report has its answer for the terminal too, the same that it has alone.
    """
    done = report.written(RUN, tmp_path)

    assert done.page == tmp_path / "index.html"
    assert done.terminal == report.terminal(RUN)


def test_pair_with_open_cells_is_not_shown_as_finished(tmp_path: Path) -> None:
    """
    A pair with cells that could have been measured says how many (2).
    """
    run = cells({"h5": "P", "keras": "P"}, {"h5": "P", "keras": "."})

    assert "<small>+1 ?</small>" in page(run, tmp_path)


def test_summary_is_cut_at_a_line_and_says_so() -> None:
    """
    A CI job refuses a summary over 1 MiB: it ends earlier, at a line, with a hint where the rest is.
    """
    told = answer.about(RUN, report.table(RUN))
    whole = summary.markdown(RUN, told)
    cut = summary.markdown(RUN, told, limit=1_000)

    assert "Cut here" not in whole
    assert len(cut.encode()) <= 1_000
    assert re.search(r"\*\*Cut here:\*\* \d+ more lines", cut)


def test_terminal_says_the_same_as_the_page(folder: Path) -> None:
    """
    One answer, in plain lines: question, verdict, formats, reasons, way back.
    """
    told = report.terminal(RUN)
    text = said(parsed((folder / "index.html").read_text(encoding="utf-8")))

    assert "Can I upgrade TensorFlow 2.15.1 → 2.21.1?" in told
    assert "NOT WITHOUT LOSS." in told
    assert "\x1b" not in told
    for sentence in ("scenarios get across", "files saved by tf-2.21"):
        (line,) = [line.strip() for line in told.splitlines() if sentence in line]
        assert line.removeprefix("If you must roll back: ") in text


@pytest.mark.parametrize(
    ("name", "format_", "code"),
    [
        ("compile=False", Format.H5, "load_model(path, compile=False)"),
        ("custom_objects+compile=False", Format.KERAS, "load_model(path, custom_objects={...}, compile=False)"),
        ("as it is", Format.H5, "load_model(path)"),
        ("registered", Format.H5, "@register_keras_serializable() on each class, then load_model(path)"),
        ("call", Format.KERAS, "load_model(path)(inputs), not its predict(inputs)"),
        ("compile=False+call", Format.H5, "load_model(path, compile=False)(inputs), not its predict(inputs)"),
        ("tfsm", Format.EXPORT, 'keras.layers.TFSMLayer(path, call_endpoint="serving_default")'),
        ("raw_saved_model", Format.SAVED_MODEL, 'tf.saved_model.load(path).signatures["serving_default"]'),
        ("weights", Format.H5, ""),
        ("config_patch+registered", Format.H5, ""),
        ("a bridge", Format.H5, ""),
    ],
)
def test_remedy_is_told_as_the_line_to_change(name: str, format_: Format, code: str) -> None:
    """
    A rung is shown as code where it is an argument, and by its name where it is not known.
    """
    assert words.remedy(name, format_, 1).code == code


def test_large_payload_is_packed_and_says_the_same() -> None:
    """
    Above the limit the columns are compressed; unpacked they are the same columns.
    """
    columns = payload.columns(RUN, Endings(RUN))
    plain = payload.embedded(columns, plain=10**9)
    packed = payload.embedded(columns, plain=0)

    assert plain[0] == "json"
    assert packed[0] == "gzip"
    assert json.loads(gzip.decompress(base64.b64decode(str(packed[1])))) == json.loads(json.dumps(plain[1]))


def test_payload_on_the_page_is_the_run(folder: Path) -> None:
    """
    What the script reads has every cell with its letter and all its attempts.
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    data = json.loads("".join(by_id(tree, "data").itertext()))
    columns = data["cells"]

    for position, result in enumerate(RUN.results[:500]):
        assert columns["status"][position] == str(result.status)
        assert data["environments"][columns["reader"][position]][0] == result.cell.reader
        rungs = [data["texts"][data["attempts"][one][0]] for one in data["ladders"][columns["ladder"][position]]]
        tried = result.attempts or tuple(filter(None, [result.writer_error]))
        assert rungs == [attempt.rung for attempt in tried]


@pytest.mark.faults
def test_full_size_fits(tmp_path: Path) -> None:
    """
    23 x 23 environments and 65 cells each: under 2 MB in one file, in under 4 s even on a busy machine (else in 1 s).
    """
    run = synthetic.full()

    start = time.process_time()
    index = report.write(run, tmp_path)

    assert len(run.results) == 34_385
    assert time.process_time() - start < 4
    assert index.stat().st_size < 2_000_000


def test_no_fact_is_in_a_tooltip_only(folder: Path) -> None:
    """
    Tables have captions and scopes, and nothing hides in `title`.
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))

    assert all(table.find("caption") is not None for table in tree.iter("table"))
    assert all(th.get("scope") for th in tree.iter("th"))
    assert not [one for one in tree.iter() if one.get("title")]


def test_ids_are_unique_and_links_inside_have_targets(folder: Path) -> None:
    """
    Every static link leads somewhere; those with '#/' are routes of the script (18).
    """
    tree = parsed((folder / "index.html").read_text(encoding="utf-8"))
    ids = Counter(one.get("id") for one in tree.iter() if one.get("id"))
    links = [href for one in tree.iter("a") if (href := one.get("href") or "") and not href.startswith("#/")]

    assert max(ids.values()) == 1
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_shown_text_is_clean() -> None:
    """
    Escapes and control characters go, direction marks are made visible, and long text is cut.
    """
    assert words.shown("\x1b[31mred\x1b[0m") == "red"
    assert words.shown("a\u202eb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(words.shown("x" * 1000, 100)) <= 100
    assert entities.escape(words.line("a\r\n b")) == "a b"


def lines(text: str) -> Iterator[str]:
    """The lines of a text that hold something."""
    return (line for line in text.splitlines() if line.strip())


def test_format_rows_of_the_terminal_add_up() -> None:
    """
    The plain table has the same letters in the same order as the page (15).
    """
    told = [line.split() for line in lines(report.terminal(RUN))]
    head = next(words_ for words_ in told if words_[:2] == ["format", "P"])

    assert head[1:11] == [str(status) for status in words.ORDER]


def test_nothing_is_claimed_of_an_environment_without_a_lock(tmp_path: Path) -> None:
    """
    Where no packages could be chosen, there is no Keras and no fingerprint to show (2).
    """
    whole = synthetic.run(("2.12", "2.15"), broken=frozenset({"tf-2.12"}), focus=("tf-2.15", "tf-2.15"))
    first, *others = whole.environments
    unlocked = replace(first, environment=replace(first.environment, lock="", keras="", tensorflow=""))

    text = report.write(replace(whole, environments=(unlocked, *others)), tmp_path).read_text(encoding="utf-8")

    assert "Keras not known" in text
    assert unlocked.environment.fingerprint not in text
    assert "of its own tree" not in text
