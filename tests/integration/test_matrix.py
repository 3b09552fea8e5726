"""The whole way with real TensorFlows: a graph-mode 1.15, two Keras 2, and the newest Keras 3."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real import matrix, project_in

from matrix import analysis

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600)]

OLDEST, OLD, LAST_KERAS_2, NEWEST = "tf-1.15", "tf-2.10", "tf-2.15", "tf-2.21"
# The scheduled tier asks the same of every release of the catalogue; their siblings have a test of their own.
EVERYWHERE = os.environ.get("MATRIX_TIER") == "all"
CHOSEN = "tf-*[0-9]" if EVERYWHERE else f"{OLDEST},{OLD},{LAST_KERAS_2},{NEWEST}"
Letter = Callable[[str], str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with this repository's scenarios, whose environments are those of this repository."""
    return project_in(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def run(project: Path) -> Path:
    """The folder of a run of all scenarios in the environments of this tier."""
    assert matrix(project, "run", "--environments", CHOSEN) == 0
    return project / "reports" / "latest"


@pytest.fixture(scope="module")
def cells(run: Path) -> dict[str, dict[str, Any]]:
    """The cells of the run by their ids."""
    table = analysis.load(run)
    names = table[["saved_with", "loaded_with", "scenario", "variant", "format"]].astype(str).agg("/".join, axis=1)
    return dict(zip(names, analysis.rows(table), strict=True))


def test_every_planned_cell_has_one_letter_and_no_environment_is_missing(cells: dict[str, dict[str, Any]]) -> None:
    """
    Five scenarios make 65 cells of each pair, none of them `E` or left out.
    """
    environments = {cell["saved_with"] for cell in cells.values()}

    assert len(environments) == (23 if EVERYWHERE else 4)
    assert len(cells) == len(environments) ** 2 * (5 + 4 * 3 * 5)
    assert not {cell["status"] for cell in cells.values()} & {"E", ".", "C", "T"}


def test_outputs_agree_across_generations_where_a_file_opens(cells: dict[str, dict[str, Any]]) -> None:
    """
    A plain .h5 of 1.15 predicts the same in 2.15, within the tolerance and not exactly.
    """
    cell = cells[f"{OLDEST}/{LAST_KERAS_2}/plain/bare/h5"]

    assert cell["status"] == "P"
    assert 0 < cell["max_abs_error"] < 1e-5


def test_the_new_optimizer_needs_compile_false_in_older_readers(cells: dict[str, dict[str, Any]]) -> None:
    """
    A compiled .h5 of 2.15 does not open in 2.10, and does without its optimizer.
    """
    cell = cells[f"{LAST_KERAS_2}/{OLD}/plain/bare/h5"]

    assert (cell["status"], cell["stage"], cell["remedy"]) == ("R", "compile", "compile=False")


@pytest.mark.parametrize("writer", [OLDEST, OLD, LAST_KERAS_2, NEWEST])
def test_a_compiled_h5_with_a_string_loss_opens_in_no_keras_3(cells: dict[str, dict[str, Any]], writer: str) -> None:
    """
    Not even in the one that wrote it. `compile=False` does it; the initializers that a 1.15 wrote are to be translated.
    """
    cell = cells[f"{writer}/{NEWEST}/plain/bare/h5"]

    assert (cell["status"], cell["remedy"]) == ("R", "config_patch" if writer == OLDEST else "compile=False")


def test_the_verdict_is_that_of_predict(cells: dict[str, dict[str, Any]]) -> None:
    """
    A plain `.keras` of 2.15 loads in Keras 3 and answers a direct call; it fails, for `predict` raises.
    """
    cell = cells[f"{LAST_KERAS_2}/{NEWEST}/plain/bare/keras"]

    assert (cell["status"], cell["stage"], cell["remedy"]) == ("R", "predict", "compile=False")


def test_the_container_is_what_was_really_written(cells: dict[str, dict[str, Any]]) -> None:
    """
    `.keras` is an HDF5 file in 2.10 and an archive in 2.15.
    """
    assert cells[f"{OLD}/{OLD}/plain/bare/keras"]["container"] == "hdf5"
    assert cells[f"{LAST_KERAS_2}/{LAST_KERAS_2}/plain/bare/keras"]["container"] == "zip"


def test_formats_that_a_writer_lacks_are_unsupported(cells: dict[str, dict[str, Any]]) -> None:
    """
    Keras 3 has no `save_format`, and 2.10 has no `export`; each reader's letter is the writer's.
    """
    for reader in (OLDEST, OLD, LAST_KERAS_2, NEWEST):
        assert cells[f"{NEWEST}/{reader}/plain/bare/saved_model"]["status"] == "U"
        assert cells[f"{OLD}/{reader}/plain/bare/export"]["status"] == "U"
        assert cells[f"{OLDEST}/{reader}/custom_layer/registered/h5"]["status"] == "U"


def test_a_layer_without_get_config_cannot_be_saved_by_an_old_keras(cells: dict[str, dict[str, Any]]) -> None:
    """
    2.10 cannot write it as .h5; 2.15 can.
    """
    assert cells[f"{OLD}/{OLD}/custom_layer/custom_objects/h5"]["status"] == "S"
    assert cells[f"{LAST_KERAS_2}/{LAST_KERAS_2}/custom_layer/custom_objects/h5"]["status"] == "P"


@pytest.mark.parametrize("name", ["custom_layer_config", "subclassed_build"])
@pytest.mark.parametrize("reader", [OLDEST, OLD, LAST_KERAS_2, NEWEST])
def test_no_reader_knows_a_custom_layer_by_itself(cells: dict[str, dict[str, Any]], name: str, reader: str) -> None:
    """
    A bare `.h5` or `.keras` with a custom layer opens nowhere in its own way, the writer's environment included.
    """
    for kind in ("h5", "keras"):
        assert cells[f"{reader}/{reader}/{name}/bare/{kind}"]["status"] in "RF"


def test_weights_go_back_into_the_code_that_made_them(cells: dict[str, dict[str, Any]]) -> None:
    """
    On the diagonal, `.weights.h5` fills every model again.
    """
    for environment in (OLDEST, OLD, LAST_KERAS_2, NEWEST):
        assert cells[f"{environment}/{environment}/custom_layer/bare/weights_h5"]["status"] == "P"


def test_every_failure_has_a_cause(cells: dict[str, dict[str, Any]]) -> None:
    """
    Of the cells that do not simply work at most two in a hundred have no known cause.
    """
    failing = [cell for cell in cells.values() if cell["status"] in set("RFTCS")]
    unknown = [name for name, cell in cells.items() if cell["status"] in set("RFTCS") and not cell["cause"]]

    assert len(unknown) <= 0.02 * len(failing), unknown[:20]


def test_the_report_tells_the_versions_that_were_found(run: Path) -> None:
    """
    Versions are those that the workers saw, not those that were asked for.
    """
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))

    found = {item["environment"]["id"]: (item["tensorflow"], item["keras"]) for item in facts["environments"]}
    assert found[OLDEST] == ("1.15.5", "2.2.4-tf")
    assert found[NEWEST][0].startswith("2.21.")


def test_a_child_for_each_cell_gives_the_same_letters(run: Path, project: Path) -> None:
    """
    Sharing a child within a group changes no status.
    """
    only = ("--environments", f"{OLD},{NEWEST}", "--scenarios", "plain,custom_layer_config", "--fresh")
    alone = project / "alone"

    assert matrix(project, "run", *only, "--isolation", "cell", "--output", str(alone)) == 0

    columns = ["saved_with", "loaded_with", "scenario", "variant", "format", "status", "remedy"]
    single = analysis.load(alone / "latest")[columns].astype(str)
    shared = analysis.load(run)[columns].astype(str).merge(single[columns[:5]])
    assert sorted(map(tuple, shared.to_numpy())) == sorted(map(tuple, single.to_numpy()))
