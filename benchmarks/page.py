"""What the page of a large run costs: to write, to open, and to ask.

Makes a synthetic run of 43,750 cells (25 environments, 14 scenarios, 5 formats, 300 signatures) and one of 250,000 (80
scenarios), writes the page of each and opens it in Chromium. Prints the files and their sizes, the time to write them,
the time until the answer is painted, until every cell can be asked about, and what one slicer takes.

    python benchmarks/page.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import synthetic
from playwright.sync_api import sync_playwright

from matrix import report

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
SLICED = """() => {
  const select = document.querySelector('.slicers [name=format]'), start = performance.now();
  select.value = 'h5';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  document.body.getBoundingClientRect();  // what it takes to lay out is part of it
  return performance.now() - start;
}"""


def opened(browser: Any, page: Path) -> tuple[float, float, float]:
    """Return the milliseconds until the answer is painted, until the script is done, and for one slicer."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    start = time.monotonic()
    tab.goto(page.as_uri() + "#/matrix")
    tab.locator("#slicers select").first.wait_for(state="attached")
    ready = 1000 * (time.monotonic() - start)
    return tab.evaluate(PAINTED), ready, tab.evaluate(SLICED)


if __name__ == "__main__":
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scenarios in (14, 80):
            run, folder = synthetic.large(scenarios), Path(name) / str(scenarios)
            wall, spent = time.monotonic(), time.process_time()
            page = report.write(run, folder)
            wall, spent = time.monotonic() - wall, time.process_time() - spent
            sizes = [path.stat().st_size for path in folder.glob("*.html")]
            painted, ready, sliced = opened(browser, page)
            print(f"{len(run.results):>7,} cells: written in {wall:.1f} s ({spent:.1f} s of processor time)")
            print(f"{'':15} index {page.stat().st_size:,} bytes, {len(sizes)} files, {sum(sizes):,} bytes in all")
            print(f"{'':15} painted after {painted:.0f} ms, ready after {ready:.0f} ms, a slicer takes {sliced:.0f} ms")
        browser.close()
