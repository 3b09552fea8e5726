"""A TensorFlow with Keras 3 and its legacy sibling, both real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from real import matrix, project_in

from matrix import analysis

pytestmark = pytest.mark.integration


def test_a_sibling_opens_what_keras_3_does_not(tmp_path: Path) -> None:
    """
    A compiled .h5 and a SavedModel of Keras 2 open as they are with tf_keras, and not with the Keras 3 beside it; the
    verdict is about the release all the same.
    """
    chosen = ("--environments", "tf-2.15,tf-2.21*", "--scenarios", "plain", "--formats", "h5,saved_model")
    project = project_in(tmp_path)

    assert matrix(project, "run", *chosen, "--output", str(tmp_path / "reports")) == 0

    assert json.loads((tmp_path / "reports" / "latest" / "run.json").read_text())["focus"] == ["tf-2.15", "tf-2.21"]
    frame = analysis.load(tmp_path / "reports" / "latest").set_index(["saved_with", "loaded_with", "format"])
    for format_ in ("h5", "saved_model"):
        assert frame.loc[("tf-2.15", "tf-2.21+legacy", format_), "status"] == "P"
        assert frame.loc[("tf-2.15", "tf-2.21", format_), "status"] in {"R", "F"}
        assert frame.loc[("tf-2.21+legacy", "tf-2.15", format_), "cause"] == "optional_input_of_newer_tf_keras"
