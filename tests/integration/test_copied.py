"""What the page of a real run offers to copy, run as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real import NUMBER, matrix, project_in
from test_report_browser import browser
from uv import find_uv_bin

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.integration, pytest.mark.browser, pytest.mark.timeout(1200)]

CELL = "#/cell/tf-2.15/tf-2.21/plain/bare/h5"


@pytest.fixture(scope="module")
def copied(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """For a virtual environment, and as a program: a cell that `compile=False` opens."""
    project = project_in(tmp_path_factory.mktemp("project"))
    chosen = ("--environments", "tf-2.15,tf-2.21", "--scenarios", "plain", "--formats", "h5")
    assert matrix(project, "run", *chosen) == 0
    page = browser.new_page()
    page.goto((project / "reports" / "latest" / "index.html").resolve().as_uri() + CELL)
    page.locator("#view pre.repeat").first.wait_for(state="attached")
    venv, _docker, program = page.eval_on_selector_all("#view pre.repeat", "all => all.map(one => one.textContent)")
    return venv, program


@pytest.mark.parametrize("form", ["venv", "program"])
def test_what_is_copied_shows_the_failure_and_then_the_remedy(
    copied: tuple[str, str], form: str, tmp_path: Path
) -> None:
    """
    It saves, fails as the cell did, and with the remedy predicts what the writer did.
    """
    command = ["sh", "-c", copied[0]] if form == "venv" else [sys.executable, "-c", copied[1]]

    environ = os.environ | {"PATH": f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600, env=environ)

    assert done.returncode == 0, done.stderr[-2000:]
    assert "Could not deserialize 'keras.metrics.mse'" in done.stderr
    found = np.array([float(number) for number in NUMBER.findall(done.stdout)])
    assert len(found) > 0
    before, after = np.split(found, 2)
    assert np.allclose(before, after, rtol=1e-3, atol=1e-5)
