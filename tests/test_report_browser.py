"""The page in a real browser: what a parser cannot see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import synthetic

from matrix import report

pytestmark = pytest.mark.browser
CHROMIUM = "/usr/bin/chromium"
PAIR = "#/pair/tf-2.12/tf-2.16"
CELL = "#/cell/tf-2.12/tf-2.16/custom_layer/bare/h5"
SIZES = [pytest.param((1280, 900), id="desktop"), pytest.param((360, 740), id="phone")]
SCHEMES = ["light", "dark"]


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
    """The address of a page with plain data."""
    return report.write(synthetic.run(), tmp_path_factory.mktemp("plain")).as_uri()


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


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", ["", PAIR, CELL], ids=["answer", "pair", "cell"])
def test_page_is_quiet_and_never_scrolls_sideways(
    browser: Any, index: str, scheme: str, size: tuple[int, int], part: str
) -> None:
    """
    No console message, no request but the page itself, no horizontal scroll of the page.
    """
    visit = Visit(browser, *size, color_scheme=scheme)

    page = visit.open(index, part)

    assert visit.trouble == []
    assert [url.partition("#")[0] for url in visit.requests] == [index]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("source", ["index", "packed"])
def test_any_pair_can_be_opened(browser: Any, source: str, request: pytest.FixtureRequest) -> None:
    """
    A link of the overview shows that pair, from plain and from compressed data.
    """
    visit = Visit(browser)
    page = visit.open(request.getfixturevalue(source))

    page.click(f'#overview a[href="{PAIR}"]')

    assert page.inner_text("#view h1") == "Saved with tf-2.12, loaded in tf-2.16"
    assert page.locator("#view table.grid td").count() == 85
    assert page.locator("#report").is_hidden()
    assert visit.trouble == []


def test_pair_drawn_by_the_script_equals_the_static_one(browser: Any, index: str) -> None:
    """
    The focus pair reads the same, drawn by the templates or by the script.
    """
    page = Visit(browser).open(index)
    letters = "all => all.map(td => td.innerText.replace(/\\s+/g, ' ').trim())"
    static = page.eval_on_selector_all("#pair table td", letters)

    page.evaluate("location.hash = '#/pair/tf-2.15/tf-2.21'")
    page.wait_for_selector("#view table.grid")

    assert page.eval_on_selector_all("#view table td", letters) == static
    counts = page.eval_on_selector_all("#view .reason .count", "all => all.map(one => one.innerText)")
    page.evaluate("location.hash = '#why'")
    page.wait_for_selector("#why", state="visible")
    assert counts == page.eval_on_selector_all("#why .reason .count", "all => all.map(one => one.innerText)")


def test_cell_shows_everything_that_was_tried(browser: Any, index: str) -> None:
    """
    Each attempt with its rung, stage, exception, message, numbers and traceback.
    """
    page = Visit(browser).open(index, CELL)

    told = page.inner_text("#view")

    for fact in ("works after a tested change", "1. as it is", "config", "ValueError", "Unknown layer: Scale"):
        assert fact in told
    assert "2. custom_objects" in told
    assert "largest difference 2e-7" in told
    page.click("#view summary")
    assert "saving_api.py" in page.inner_text("#view details pre")


def test_back_and_unknown_routes(browser: Any, index: str) -> None:
    """
    Escape and the browser's way back lead to the answer; a route that does not exist says so.
    """
    page = Visit(browser).open(index, "#/pair/tf-2.12/nowhere")
    assert page.inner_text("#view h1") == "There is no such pair in this run."

    page.keyboard.press("Escape")

    page.wait_for_selector("#report", state="visible")
    assert page.locator("#view").is_hidden()
    page.evaluate("location.hash = '#/cell/%E0%A4%A/x'")
    page.wait_for_selector("#view h1")


def test_two_selects_open_a_pair(browser: Any, index: str) -> None:
    """
    The form next to the matrix leads to the pair that was chosen.
    """
    page = Visit(browser).open(index)

    page.select_option("#choose-from", "tf-2.4")
    page.select_option("#choose-to", "tf-2.13")
    page.click("#choose button")

    assert page.url.endswith("#/pair/tf-2.4/tf-2.13")
    assert page.inner_text("#view h1") == "Saved with tf-2.4, loaded in tf-2.13"


def test_keyboard_reaches_a_cell(browser: Any, index: str) -> None:
    """
    One stop for Tab in the overview, arrows inside it, Enter opens; the live region says what.
    """
    page = Visit(browser).open(index)
    page.focus("#choose button")

    page.keyboard.press("Tab")
    start = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    moved = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#live').innerText.includes('tf-2.13 into tf-2.19')")

    assert start == "#/pair/tf-2.15/tf-2.21"
    assert moved == "#/pair/tf-2.13/tf-2.19"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#view') !== null")


def test_without_script_the_answer_is_all_there(browser: Any, index: str) -> None:
    """
    Title, verdict, formats, reasons, focus pair and matrix are plain HTML.
    """
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(index)

    for part in ("Can I upgrade", "Not without loss.", "By file format", "No module named", "All versions"):
        assert part in page.inner_text("#report")
    assert page.locator("#choose").is_hidden()
    assert page.locator("#pair li[data-route] a, #why li[data-route] a").count() == 0


def test_forced_colours_keep_letters_and_edges(browser: Any, index: str) -> None:
    """
    Where the system takes all colours away, letters and border styles still tell the statuses apart.
    """
    page = Visit(browser, forced_colors="active").open(index)

    edges = {
        css: page.eval_on_selector(f"#overview .{css}, #pair .{css}", "one => getComputedStyle(one).borderLeftStyle")
        for css in ("s-remedied", "s-drift", "s-fail", "s-timeout", "s-crash")
    }

    assert len(set(edges.values())) == len(edges)


CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (one) => (one /= 255) <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const low = new Set();
  const walker = document.createTreeWalker(document.getElementById("report"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest(".dot, .bar")) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.add(`${one.tagName}.${one.className} ${ratio.toFixed(2)}`);
  }
  return [...low];
}
"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_text_has_contrast(browser: Any, index: str, scheme: str) -> None:
    """
    Every text stands out from its ground by 4.5 to 1, in light and in dark.
    """
    page = Visit(browser, color_scheme=scheme).open(index)

    assert page.evaluate(CONTRAST) == []
