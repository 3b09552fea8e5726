"""The page in a real browser: what a parser cannot see."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any, NoReturn

import hostile
import pytest
import synthetic

from matrix import report
from matrix.model import Status
from matrix.results import Run

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
PAIR = "#/pair/tf-2.12/tf-2.16"
CELL = "#/cell/tf-2.12/tf-2.16/custom_layer/bare/h5"
SIZES = [pytest.param((1280, 900), id="desktop"), pytest.param((360, 740), id="phone")]
SCHEMES = ["light", "dark"]
COLOURS: list[dict[str, Any]] = [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}]
VIEWS = (
    *("#/", "#/matrix", "#/matrix?worse=1&format=h5", "#/causes", "#/ranges", "#/claims", "#/diff", "#/env", "#/about"),
    *(PAIR, CELL, "#/scenario/custom_layer", "#/version/tf-2.16", "#/cause/api_moved", "#/env/tf-2.12", "#/pair/x/y"),
)
HOSTILE = "END\n'; rm -rf / #\nx = '$(touch oops)`touch oops`'\n"
KEY = ("saved_with", "loaded_with", "scenario", "variant", "format")
WORST = ".USEPRDFTC"
TEXTS = "all => all.map(one => one.innerText.replace(/\\s+/g, ' ').trim())"
SQUARES = "all => all.map(one => [one.getAttribute('href').split('/').slice(2, 4).join(' '), one.innerText.trim()])"
FOCUSED = "document.activeElement.getAttribute('href')"


def lacking(what: str) -> NoReturn:
    """Skip with a reason; where everything must be there, fail."""
    if os.environ.get("MATRIX_REQUIRE_ALL") == "1":
        pytest.fail(f"{what}, and MATRIX_REQUIRE_ALL=1 forbids to skip")
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("playwright is not installed")
    chromium = shutil.which("chromium") or CHROMIUM
    if not Path(chromium).exists():
        lacking("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with plain data, a baseline, and a script that would like to be more than text."""
    run = replace(synthetic.run(), sources=(("custom_layer", HOSTILE),))
    return report.written(run, tmp_path_factory.mktemp("plain"), earlier(run)).page.as_uri()


def earlier(run: Run) -> Run:
    """A baseline: some cells had other letters, some were not there, and some are gone since."""
    passed = [replace(one, status=Status.PASS) if n % 7 == 0 else one for n, one in enumerate(run.results[50:])]
    gone = replace(run.results[0], cell=replace(run.results[0].cell, scenario="given_up"))
    return replace(run, id="2026-04-25T14-10-00", results=(*passed, gone))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page so large that its data is compressed."""
    run = synthetic.run(("2.4", "2.9", *(f"2.{minor}" for minor in range(11, 22))), signatures=300)
    page = report.write(run, tmp_path_factory.mktemp("packed"))
    assert 'data-encoding="gzip"' in page.read_text(encoding="utf-8")
    return page.as_uri()


class Visit:
    """One page in one window, with everything that went wrong on it."""

    def __init__(self, browser: Any, width: int = 1280, height: int = 900, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, address: str, part: str = "") -> Any:
        """Go there, and wait until the script has drawn."""
        self.page.goto("about:blank")
        self.requests.clear()
        self.page.goto(address + part)
        self.page.wait_for_selector("#choose:not([hidden])", state="attached")
        return self.page

    def go(self, part: str) -> None:
        """Follow a link inside the page, and wait until it is there."""
        self.page.evaluate("part => { location.hash = part; }", part)
        self.page.evaluate("() => new Promise(done => setTimeout(done, 60))")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_page_is_quiet_and_never_scrolls_sideways(browser: Any, index: str, scheme: str, size: tuple[int, int]) -> None:
    """
    On every kind of page: no console message, no request but the file itself, no horizontal scroll.
    """
    visit = Visit(browser, *size, color_scheme=scheme)
    page = visit.open(index)

    for part in VIEWS:
        visit.go(part)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), part

    assert visit.trouble == []
    assert [url.partition("#")[0] for url in visit.requests] == [index]


def violations(page: Any) -> list[tuple[str, str]]:
    """What axe finds: the rule, and the first element that breaks it."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        lacking("axe-playwright-python is not installed")
    return [(one["id"], one["nodes"][0]["html"]) for one in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("colours", COLOURS, ids=["light", "dark", "forced"])
def test_nothing_stands_in_the_way_of_anybody(browser: Any, index: str, colours: dict[str, Any]) -> None:
    """
    Axe finds nothing on any kind of page, in light, in dark, and where the system chooses the colours.
    """
    visit = Visit(browser, **colours)
    page = visit.open(index)
    found = {}

    for part in VIEWS:
        visit.go(part)
        page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
        found[part] = violations(page)

    assert {part: broken for part, broken in found.items() if broken} == {}


def test_axe_would_find_something(browser: Any, index: str) -> None:
    """
    An image without a text, put into the page, is found: the test above can fail.
    """
    page = Visit(browser).open(index)

    page.evaluate("() => find('main').append(document.createElement('img'))")

    assert [rule for rule, _ in violations(page)] == ["image-alt"]


@pytest.mark.parametrize("source", ["index", "packed"])
def test_any_pair_can_be_opened(browser: Any, source: str, request: pytest.FixtureRequest) -> None:
    """
    A link of the overview shows that pair, from plain and from compressed data.
    """
    visit = Visit(browser)
    page = visit.open(request.getfixturevalue(source), "#/matrix")

    page.click(f'#overview a[href="{PAIR}"]')

    assert page.inner_text("#view h1") == "Can I upgrade TensorFlow 2.12.1 \N{RIGHTWARDS ARROW} 2.16.1?"
    assert page.locator("#view table.grid td").count() == 85
    assert page.locator("#report").is_hidden()
    assert visit.trouble == []


@pytest.mark.parametrize(
    "part", [".verdict li", ".headline", "table.numbers td", "table.grid td", ".reason .count", ".reason h3"]
)
def test_pair_drawn_by_the_script_equals_the_static_one(browser: Any, index: str, part: str) -> None:
    """
    The focus pair reads the same, drawn by the templates or by the script.
    """
    visit = Visit(browser)
    page = visit.open(index)
    static = page.eval_on_selector_all(f'[id="/"] {part}', TEXTS)

    visit.go("#/pair/tf-2.15/tf-2.21")

    assert len(static) > 0
    assert sorted(page.eval_on_selector_all(f"#view {part}", TEXTS)) == sorted(static)


def test_cell_shows_everything_that_was_tried(browser: Any, index: str) -> None:
    """
    How far it got, each attempt with its rung, stage, exception, message, numbers and traceback, and what works.
    """
    page = Visit(browser).open(index, CELL)

    told = page.inner_text("#view")

    for fact in (
        "works after a tested change",
        "1. as it is",
        "ValueError",
        "Unknown layer: Scale",
        "2. custom_objects",
    ):
        assert fact in told
    assert "largest difference 2e-7" in told
    assert "custom_objects={...}" in told
    assert page.inner_text("#view .stages .ended b") == "config"
    page.click("#view .attempt summary")
    assert "saving_api.py" in page.inner_text("#view .attempt details pre")


def test_cell_can_be_copied_as_something_to_run(browser: Any, index: str, tmp_path: Path) -> None:
    """
    For a virtual environment and for Docker a shell understands it, and the script is Python, whatever is in them.
    """
    page = Visit(browser).open(index, CELL)

    venv, docker, program = page.eval_on_selector_all("#view pre.repeat", "all => all.map(one => one.textContent)")

    for text in (venv, docker):
        (tmp_path / "cell.sh").write_text(text, encoding="utf-8")
        subprocess.run(["sh", "-n", tmp_path / "cell.sh"], check=True)
        assert HOSTILE in text
    compile(program, "repeat.py", "exec")
    for text in (venv, docker, program.replace("\\n", "\n")):
        assert synthetic.environment("2.12").lock in text
        assert synthetic.environment("2.16").lock in text
    page.click("#view .copies button")
    page.get_by_text("Copied: for a virtual environment").wait_for(state="attached")


def test_programs_that_are_copied_are_python(browser: Any, index: str) -> None:
    """
    What saves, what loads, and every remedy of the run.
    """
    page = Visit(browser).open(index)

    programs = page.evaluate("[...Object.values(state.data.saves), ...Object.values(state.data.loads)]")

    assert len(programs) > 20
    for program in programs:
        compile(program, "program", "exec")


def test_back_and_unknown_routes(browser: Any, index: str) -> None:
    """
    Escape leads back up to the answer; a route that does not exist says so.
    """
    visit = Visit(browser)
    page = visit.open(index, "#/pair/tf-2.12/nowhere")
    assert page.inner_text("#view h1") == "There is no such pair in this run."

    page.keyboard.press("Escape")
    page.locator("#overview").wait_for(state="visible")
    for part in ("#/cell/%E0%A4%A/x", "#/nothing", "#/version/x", "#/scenario/x", "#/cause/x", "#/env/x"):
        visit.go(part)
        assert "There is no such" in page.inner_text("#view h1"), part
    assert visit.trouble == []


def test_two_selects_open_a_pair(browser: Any, index: str) -> None:
    """
    The form above everything leads to the pair that was chosen, and back to the answer for that of the run.
    """
    page = Visit(browser).open(index)

    for old, new, shown in (("tf-2.4", "tf-2.13", "#view .verdict"), ("tf-2.15", "tf-2.21", "#steps")):
        page.select_option("#choose-from", old)
        page.select_option("#choose-to", new)
        page.click("#choose button")
        page.locator(shown).wait_for(state="visible")

    assert page.url.endswith("#/")


def test_keyboard_alone_reaches_a_cell_and_comes_back(browser: Any, index: str) -> None:
    """
    One stop for Tab in a table, arrows inside it, Enter opens, Escape returns to where one was; the region says what.
    """
    page = Visit(browser).open(index, "#/matrix")
    page.focus("#overview tbody tr:nth-child(5) th a")
    page.keyboard.press("Tab")
    start = page.evaluate(FOCUSED)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    moved = page.evaluate(FOCUSED)
    page.keyboard.press("Enter")
    page.locator("#live", has_text="tf-2.13 into tf-2.19").wait_for(state="attached")
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('table.grid td') !== null"):
            break
    page.keyboard.press("ArrowDown")
    cell = page.evaluate(FOCUSED)
    page.keyboard.press("Enter")
    page.locator("#view .known").wait_for()
    page.keyboard.press("Escape")
    page.locator("#view table.grid").wait_for()

    assert start == "#/pair/tf-2.15/tf-2.21"
    assert moved == "#/pair/tf-2.13/tf-2.19"
    assert cell.startswith("#/cell/tf-2.13/tf-2.19/")
    assert page.evaluate(FOCUSED) == cell
    page.keyboard.press("Escape")
    page.locator("#overview").wait_for(state="visible")
    assert page.evaluate(FOCUSED) == moved


def test_skip_link_and_home_keys(browser: Any, index: str) -> None:
    """
    The first stop skips to the content; Home and End go along a row of the matrix, with Ctrl to its corners.
    """
    page = Visit(browser).open(index, "#/matrix")
    page.focus(".skip")
    page.keyboard.press("Enter")
    page.locator("#main:focus").wait_for()
    page.focus("#overview td a[tabindex='0']")

    seen = []
    for key in ("Home", "End", "Control+Home", "Control+End"):
        page.keyboard.press(key)
        seen.append(page.evaluate(FOCUSED).removeprefix("#/pair/"))

    assert seen == ["tf-2.15/tf-2.4", "tf-2.15/tf-2.21", "tf-2.4/tf-2.4", "tf-2.21/tf-2.21"]


def test_without_script_the_answer_is_all_there(browser: Any, index: str) -> None:
    """
    Verdict, formats, reasons, focus pair, matrix and causes are plain HTML, and the links at the top lead there.
    """
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(index)

    for part in (
        "Can I upgrade",
        "Not without loss.",
        "By file format",
        "No module named",
        "All versions",
        "Causes in",
    ):
        assert part in page.inner_text("#report")
    assert page.locator("#choose").is_hidden()
    assert page.locator("[data-route] a[href^='#/']").count() == 0
    page.click("nav a[href='#/causes']")
    assert page.url.endswith("#/causes")
    assert page.locator("#causes h2").bounding_box()["y"] < 200


def test_forced_colours_keep_letters_and_edges(browser: Any, index: str) -> None:
    """
    Where the system takes all colours away, letters and border styles still tell the statuses apart.
    """
    page = Visit(browser, forced_colors="active").open(index, "#/matrix")

    edges = {
        css: page.eval_on_selector(f"#overview .{css}, #pair .{css}", "one => getComputedStyle(one).borderLeftStyle")
        for css in ("s-remedied", "s-drift", "s-fail", "s-timeout", "s-crash")
    }

    assert len(set(edges.values())) == len(edges)


def test_print_shows_the_answer_and_no_controls(browser: Any, index: str) -> None:
    """
    On paper there is the answer with its reasons and the pair; what can only be clicked is not there.
    """
    page = Visit(browser).open(index)

    page.emulate_media(media="print")

    assert all(page.locator(part).is_visible() for part in (".verdict", "#why", "#pair table"))
    assert all(page.locator(part).is_hidden() for part in ("body > nav", "#choose", "#permalinks"))


def test_a_view_and_a_run_have_links_that_stay(browser: Any, index: str) -> None:
    """
    The address holds route and slicers; a link of another run says so instead of showing other numbers in silence.
    """
    visit = Visit(browser)
    page = visit.open(index, "#/matrix")
    page.select_option(".slicers [name=format]", "h5")
    page.check(".slicers [name=worse]")
    assert page.url.endswith("#/matrix?format=h5&worse=1")
    squares = page.eval_on_selector_all("#overview td", TEXTS)
    view, run = page.eval_on_selector_all("#permalinks a", "all => all.map(one => one.getAttribute('href'))")

    for part, warnings in ((view, 0), (run, 0), (f"{view}&run=2020-01-01~0123456789ab", 1)):
        again = Visit(browser).open(index, part)
        assert again.eval_on_selector_all("#overview td", TEXTS) == squares
        assert again.locator("#other-run").count() == warnings
    page.click(".slicers button")
    page.locator("#live", has_text="in 64 pairs").wait_for(state="attached")
    assert page.url.endswith("#/matrix")


def letters(index: str) -> list[dict[str, str]]:
    """The rows of the results beside a page."""
    path = Path(index.removeprefix("file://")).with_name("results.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    "part", ["", "?scenario=custom_layer", "?format=keras&variant=bare", "?scenario=lambda_layer&format=h5"]
)
def test_numbers_of_the_sliced_matrix_are_those_of_the_csv(browser: Any, index: str, part: str) -> None:
    """
    Each square has the worst letter of its slice, how many of the measured cells work, and how many of those as is.
    """
    wanted = dict(one.split("=") for one in part[1:].split("&") if one)
    page = Visit(browser).open(index, f"#/matrix{part}")
    pairs: dict[str, str] = {}
    for row in letters(index):
        if all(row[name] == value for name, value in wanted.items()):
            pair = f"{row['saved_with']} {row['loaded_with']}"
            pairs[pair] = pairs.get(pair, "") + row["status"]

    shown = page.eval_on_selector_all("#overview td a", SQUARES)

    assert {pair for pair, _ in shown} == set(pairs)
    for pair, text in shown:
        found = pairs[pair]
        measured = [letter for letter in found if letter in "PRDFTC"]
        works, unknown = (sum(letter in which for letter in found) for which in ("PR", "E."))
        word = f"{works}/{len(measured)}" if measured else str(len(found))
        assert text.split() == [
            max(found, key=WORST.index),
            word,
            *([str(found.count("P")), "as", "is"] if "R" in found else []),
            *(["+" + str(unknown), "?"] if unknown and measured else []),
        ]


@pytest.mark.parametrize("part", ["status=F", "worse=1", "changed=1", "cause=api_moved"])
def test_numbers_of_what_matches_are_those_of_the_csv(browser: Any, index: str, part: str) -> None:
    """
    By status, worse than at home, other than in the baseline, by cause: each square counts the rows that are so.
    """
    rows = letters(index)
    home = {
        (row["saved_with"], *(row[name] for name in KEY[2:])): row["status"]
        for row in rows
        if row["saved_with"] == row["loaded_with"]
    }
    before = {one.cell.id: str(one.status) for one in earlier(synthetic.run()).results}

    def at(letter: str) -> int:
        return "PRDFTC".find(letter)

    def matches(row: dict[str, str]) -> bool:
        own = home[row["saved_with"], *(row[name] for name in KEY[2:])]
        return {
            "status=F": row["status"] == "F",
            "worse=1": at(row["status"]) > at(own) >= 0,
            "changed=1": before.get("/".join(row[name] for name in KEY)) != row["status"],
            "cause=api_moved": row["cause"] == "api_moved" and row["status"] in "RDFTCS",
        }[part]

    wanted = Counter(f"{row['saved_with']} {row['loaded_with']}" for row in rows if matches(row))
    page = Visit(browser).open(index, f"#/matrix?{part}")

    shown = page.eval_on_selector_all("#overview td a", SQUARES)

    assert wanted.total() > 0
    assert {pair: int(text.split()[1].split("/")[0]) for pair, text in shown if text != "none"} == wanted
    assert f"{wanted.total():,} cells in {len(wanted)} pairs" in page.inner_text("#reading")


@pytest.mark.parametrize("pair", ["tf-2.12/tf-2.16", "tf-2.21/tf-2.4", "tf-2.4/tf-2.9", "tf-2.13/tf-2.13"])
def test_numbers_of_any_pair_are_those_of_the_csv(browser: Any, index: str, pair: str) -> None:
    """
    Tiles, coverage, rows by format and reasons add up to what the rows of that pair say.
    """
    rows = [row for row in letters(index) if f"{row['saved_with']}/{row['loaded_with']}" == pair]
    found = Counter(row["status"] for row in rows)
    page = Visit(browser).open(index, f"#/pair/{pair}")

    tiles = {text.split()[-1]: int(text.split()[0]) for text in page.eval_on_selector_all("#view .tiles li", TEXTS)}
    foot = page.eval_on_selector_all("#view tfoot td.n", TEXTS)
    counts = page.eval_on_selector_all("#view .reason .count", TEXTS)

    assert tiles == {letter: found[letter] for letter in "PRDFTC" if found[letter] or letter in "PRDF"}
    assert [int(number) for number in foot] == [found[letter] for letter in "PRDFTCUSE."]
    assert sum(map(int, counts)) == sum(found[letter] for letter in "RDFTC")
    measured = sum(found[letter] for letter in "PRDFTC")
    assert f"{measured} of {len(rows)} cells measured" in page.inner_text("#view .facts")


def test_numbers_of_a_release_are_those_of_the_csv(browser: Any, index: str) -> None:
    """
    What it broke or made need a change, as a reader, is what older files did in the version before and do not here.
    """
    rows = {tuple(row[name] for name in KEY): row["status"] for row in letters(index)}
    ids = [f"tf-{minor}" for minor in synthetic.SMALL]
    older = ids[: ids.index("tf-2.16")]
    moves = Counter(
        (rows[writer, "tf-2.15", *case], status)
        for (writer, reader, *case), status in rows.items()
        if reader == "tf-2.16" and writer in older
    )
    wanted = Counter({"broke": sum(n for (was, now), n in moves.items() if was in "PR" and now in "DFTC")})
    wanted["made need a change"] = moves["P", "R"]
    wanted["repaired"] = sum(n for (was, now), n in moves.items() if was in "DFTC" and now in "PR")
    wanted["made work as it is"] = moves["R", "P"]

    page = Visit(browser).open(index, "#/version/tf-2.16")
    heads = page.locator("#view section", has_text="As a reader").locator("h3").all_inner_texts()

    told = {text.split(": ")[0].split(" ", 1)[1].strip(): int(text.split()[0]) for text in heads}
    assert told == +wanted
    assert wanted["broke"] > 0


def test_numbers_of_the_changes_are_those_of_the_csv(browser: Any, index: str) -> None:
    """
    Regressed, repaired, flaky, changed, new and gone cells, and those that are the same, are all cells of both runs.
    """
    now = {"/".join(row[name] for name in KEY): row["status"] for row in letters(index)}
    before = {one.cell.id: str(one.status) for one in earlier(synthetic.run()).results}
    page = Visit(browser).open(index, "#/diff")

    counts = [int(text) for text in page.eval_on_selector_all("#changes .count", TEXTS)]

    pairs = [(before.get(cell, "U"), now.get(cell, "U")) for cell in now.keys() | before.keys()]
    other = [(was, is_) for was, is_ in pairs if was != is_ and not {was, is_} <= set("UE.")]
    regressed = sum(was in "PR" and is_ in "DFTCS" for was, is_ in other)
    repaired = sum(was in "DFTCS" and is_ in "PR" for was, is_ in other)
    new, gone = sum(was in "UE." for was, _ in other), sum(is_ in "UE." for _, is_ in other)
    changed = len(other) - regressed - repaired - new - gone
    assert counts == [regressed, repaired, 0, changed, new, gone]
    assert regressed > 0
    same = sum(1 for cell, is_ in now.items() if (was := before.get(cell, "U")) == is_ or {was, is_} <= set("UE."))
    assert f"{same:,} cells have the same" in page.inner_text("#changes")


def test_numbers_of_the_causes_are_those_of_the_csv(browser: Any, index: str) -> None:
    """
    Each cause counts its cells, on the list, on its own page and in its matrix.
    """
    found = Counter(row["cause"] for row in letters(index) if row["status"] in "RDFTCS")
    visit = Visit(browser)
    page = visit.open(index, "#/causes")
    listed = [int(text.replace(",", "")) for text in page.eval_on_selector_all("#causes .count", TEXTS)]

    assert listed == sorted(found.values(), reverse=True)
    for cause, number in found.items():
        visit.go(f"#/cause/{cause or 'unknown'}")
        assert page.inner_text("#live").endswith(f" {number:,} cells")
        assert f"{number:,} cells in" in page.inner_text("#view .wide .lead")


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the same page, in an index and a file for each scenario."""
    run = replace(synthetic.run(), sources=(("custom_layer", HOSTILE),))
    return report.written(run, tmp_path_factory.mktemp("split"), earlier(run), most=10).page.as_uri()


@pytest.mark.parametrize(
    "part",
    ["#/", "#/matrix?worse=1", "#/causes", "#/ranges", "#/diff", PAIR, "#/version/tf-2.16", "#/scenario/functional"],
)
def test_an_index_has_the_same_views_and_drops_nothing(browser: Any, index: str, split: str, part: str) -> None:
    """
    Every square, count and span of a run in many files is that of the run in one file.
    """
    told = "#main b, #main .count, #main td, #main .share"

    one, many = (Visit(browser).open(address, part).eval_on_selector_all(told, TEXTS) for address in (index, split))

    assert len(one) > 10
    assert many == one


def test_a_cell_of_an_index_leads_to_all_that_was_tried(browser: Any, index: str, split: str) -> None:
    """
    Its letter and how its own way ended are there, and the rest is one link away, by file alone.
    """
    visit = Visit(browser)
    page = visit.open(split, CELL)
    assert "1. as it is" in page.inner_text("#view")
    assert "2. custom_objects" not in page.inner_text("#view")

    page.click("#view .banner a")
    page.locator("#view .attempt >> nth=1").wait_for()

    whole = Visit(browser).open(index, CELL)
    assert page.inner_text("#view .attempt >> nth=1") == whole.inner_text("#view .attempt >> nth=1")
    assert "This file holds the scenario custom_layer alone" in page.text_content(".banner")
    assert visit.trouble == []


def test_foreign_texts_stay_text_where_the_script_draws(browser: Any, tmp_path: Path) -> None:
    """
    With another hostile text in every place, every view has the elements of one with harmless texts, and nothing runs.
    """
    plain = synthetic.run(("2.9", "2.15", "2.21"), focus=("tf-2.15", "tf-2.21"))
    plain = replace(plain, sources=tuple((one.name, "x = 1") for one in plain.scenarios))
    harmless = cycle([f"harmless {number}" for number in range(len(hostile.PAYLOADS))])
    evil = cycle(hostile.PAYLOADS)
    parts = ("#/", "#/matrix", "#/ranges", "#/pair/tf-2.15/tf-2.21", "#/cell/tf-2.15/tf-2.21/custom_layer/bare/h5")
    shapes = []

    for name, texts in (("evil", evil), ("harmless", harmless)):
        run = hostile.spoiled(plain, lambda _, texts=texts: next(texts))  # type: ignore[misc]
        visit = Visit(browser)
        visit.page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
        page = visit.open(report.write(run, tmp_path / name).as_uri())
        for part in (*parts, "#/version/tf-2.21", "#/scenario/custom_layer", "#/env/tf-2.21"):
            visit.go(part)
            shapes.append(page.evaluate(ELEMENTS))
        assert visit.trouble == []

    half = len(shapes) // 2
    for evil_shape, harmless_shape in zip(shapes[:half], shapes[half:], strict=True):
        assert set(evil_shape) <= set(harmless_shape) | DRAWN


ELEMENTS = """() => [...new Set([...document.querySelectorAll('*')].map(one =>
  [one.tagName.toLowerCase(), ...[...one.attributes].map(part => part.name).sort()].join(' ')))]"""
DRAWN = {
    "code",
    "article class",
    "code data-route",
    "p class",
    "b",
}  # of the templates' own, where there is more to say
