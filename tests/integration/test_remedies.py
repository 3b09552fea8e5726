"""Remedies as they are printed, run by the real readers; and each rule of the translation between its two versions."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real import ROOT, by_hand, matrix, numbers, project_in

from matrix import analysis

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600)]

INSIDE = ROOT / "matrix" / "inside"
RULES = tomllib.loads((ROOT / "matrix" / "data" / "translation.toml").read_text(encoding="utf-8"))
CHOSEN = "tf-1.15,tf-2.4,tf-2.9,tf-2.15,tf-2.21"
WRITE = """\
import json, sys
sys.path.append({inside!r})
import tensorflow as tf
import stored

def own(x):
    return x

def graph(layer):
    one = tf.keras.Input((4,))
    return tf.keras.Model(one, layer(one))

def compiled(model):
    model.compile(optimizer="adam", loss="mse")
    return model

made = {model}
made.save("model.keras")
print("CONFIG" + json.dumps(stored.config("model.keras")))
"""
READ = """\
import json, sys
sys.path.append({inside!r})
import numpy
import tensorflow as tf
import dialects, translation

config = json.loads({config!r})
changes = [rule for rule in translation.RULES if rule.__name__ != {left_out!r}]
dialect = dialects.spoken(tf, translation.classes(config))
model = dialects.model(tf, translation.translated(config, dialect, changes), {{"own": lambda x: x}})
print("BUILT", model.predict(numpy.ones((2, 4), "float32"), verbose=0).shape)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with this repository's scenarios and a run of them, in which remedies were found."""
    folder = project_in(tmp_path_factory.mktemp("project"))
    assert matrix(folder, "run", "--environments", CHOSEN, "--scenarios", "plain,custom_activation") == 0
    return folder


@pytest.fixture(scope="module")
def remedied(project: Path) -> dict[str, dict[str, Any]]:
    """Of each remedy and generation of the reader one cell, by its id."""
    table = analysis.load(project / "reports" / "latest")
    table = table[table["status"].astype(str) == "R"].sort_values(["saved_with", "loaded_with", "scenario"])
    table["newer"] = table["loaded_with"].astype(str).isin(["tf-2.21"])
    return {
        "/".join(str(row[name]) for name in ("saved_with", "loaded_with", "scenario", "variant", "format")): row
        for row in analysis.rows(table.drop_duplicates(["remedy", "newer", "format"]))
    }


def test_printed_remedies_predict_what_the_writer_did(
    project: Path, remedied: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Each kind, pasted into a shell: a fresh process of the reader, without the matrix.
    """
    kinds = {row["remedy"] for row in remedied.values()}
    assert {"weights", "config_patch", "tfsm", "raw_saved_model", "compile=False"} <= kinds
    for cell in remedied:
        writer, _, scenario, variant, _ = cell.split("/")
        _, remedy = by_hand(project, cell, CHOSEN, capsys)
        # one model of the writer went into all formats, and its weights go back into its code everywhere
        reference, *_ = by_hand(project, f"{writer}/{writer}/{scenario}/{variant}/weights_h5", CHOSEN, capsys)

        assert np.allclose(numbers(remedy, project), numbers(reference, project), rtol=1e-3, atol=1e-5), cell


@pytest.fixture(scope="module")
def built(project: Path) -> None:
    """The environments that rules are proven in."""
    names = {proof[side] for proof in RULES.values() for side in ("writer", "reader")}
    assert matrix(project, "env", "build", ",".join(sorted(names))) == 0


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_makes_the_difference_between_its_versions(rule: str, tmp_path: Path) -> None:
    """
    A model of the writer is built by the reader with all rules, and not without this one.
    """
    proof = RULES[rule]
    said = ran(proof["writer"], WRITE.format(inside=str(INSIDE), model=proof["model"]), tmp_path)
    config = said.split("CONFIG")[1].splitlines()[0]

    with_it = ran(proof["reader"], READ.format(inside=str(INSIDE), config=config, left_out=""), tmp_path)
    without = ran(proof["reader"], READ.format(inside=str(INSIDE), config=config, left_out=rule), tmp_path)

    assert "BUILT (2, " in with_it
    assert "BUILT" not in without


def ran(environment: str, program: str, cwd: Path) -> str:
    """Return what a program prints in an environment of the run."""
    envdir = Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox"))
    python = envdir / f"env-{environment.replace('.', '-')}" / "bin" / "python"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False, cwd=cwd)
    return done.stdout
