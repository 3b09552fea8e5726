"""Detours over real environments, as they are found and as they are printed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from real import ROOT, by_hand, matrix, numbers, project_in

from matrix import report
from matrix.model import Status

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600)]

CHOSEN = "tf-2.9,tf-2.15,tf-2.18"
SCENARIOS = ("old_argument", "new_argument")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run of two scenarios whose code newer, or older, readers refuse."""
    folder = project_in(tmp_path_factory.mktemp("project"))
    for name in SCENARIOS:
        shutil.copy(ROOT / "tests" / "scenarios" / f"{name}.py", folder / "scenarios")
    assert matrix(folder, "run", "--environments", CHOSEN, "--scenarios", ",".join(SCENARIOS)) == 0
    return folder


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        pytest.param("tf-2.9/tf-2.18/old_argument/bare/weights_h5", "legacy+weights", id="legacy-keras-of-the-reader"),
        pytest.param("tf-2.15/tf-2.9/new_argument/bare/weights_h5", "bridge(tf-2.15>h5)+compile=False", id="a-bridge"),
    ],
)
def test_weights_whose_code_fails_get_there_over_another_environment(
    project: Path, capsys: pytest.CaptureFixture[str], cell: str, remedy: str
) -> None:
    """
    With what else it takes at the end. The printed programs, run one after the other, predict what the writer did.
    """
    writer, reader, _ = cell.split("/", 2)
    run = report.read((project / "reports" / "latest").resolve())
    found = next(one for one in run.results if one.cell.id == cell)
    assert (found.status, found.remedy) == (Status.REMEDIED, remedy)

    _own, *programs = by_hand(project, cell, CHOSEN, capsys)
    *_, told = [numbers(program, project) for program in programs]
    reference, *_ = by_hand(project, cell.replace(reader, writer), CHOSEN, capsys)

    assert np.allclose(told, numbers(reference, project), rtol=1e-3, atol=1e-5)
