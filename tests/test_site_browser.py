"""The site in a real browser: from the disk, in every width and colour scheme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sites import stored, three
from test_report_browser import SCHEMES, SIZES, browser, violations

from matrix.site import publish

__all__ = ["browser"]  # a fixture

pytestmark = pytest.mark.browser
PAGES = {
    "front": "index.html",
    "pairs": "pairs/index.html",
    "pair": "pairs/tf-2.15/tf-2.21.html",
    "scenario": "scenarios/custom_layer.html",
    "changes": f"changes/{three()[1].id}.html",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three runs."""
    reports = stored(tmp_path_factory.mktemp("reports"), *three())
    return publish(reports, reports / "site").front.parent


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_quiet_and_readable(
    browser: Any,
    site: Path,
    name: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    """
    Without a script: no console message, no request but itself, styled, no sideways scroll, nothing for axe to find.
    """
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, trouble, requests = context.new_page(), [], []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    address = (site / PAGES[name]).as_uri()

    page.goto(address)

    assert trouble == []
    assert requests == [address]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).position") == "sticky"
    assert violations(page) == []
    context.close()


def test_links_lead_through_the_site(
    browser: Any,
    site: Path,
) -> None:
    """
    From the front page to a pair, from there to its run, where the route shows that pair; all of it from the disk.
    """
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())

    page.click("text=This pair through time")
    assert page.inner_text("h1") == "Saved with tf-2.15, loaded in tf-2.21"
    page.click("table a >> nth=0")
    page.wait_for_selector("#view h1")

    assert page.inner_text("#view h1") == "Can I upgrade TensorFlow 2.15.1 \N{RIGHTWARDS ARROW} 2.21.1?"
    page.close()
