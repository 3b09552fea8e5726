"""`matrix explain`: a traceback in, its cause out."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.cli import main

LINE = """TypeError: Could not locate class 'TFOpLambda'. Make sure custom classes are decorated with
`@keras.saving.register_keras_serializable()`."""
ONLY_KERAS_3 = "AttributeError: The layer dense has never been called and thus has no defined input."
AMBIGUOUS = "ValueError: something that nobody ever heard of"


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with an error line, in a folder without a project."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "error.txt"
    path.write_text(LINE, encoding="utf-8")
    return path


def test_a_file_is_explained(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    The answer begins with what happened in words, and has the name, what helps and where to read more.
    """
    assert main(["explain", str(text)]) == 0

    out = capsys.readouterr().out
    assert "unknown_layer_tfoplambda, confidence" in out
    assert "What helps:" in out
    assert "https://" in out


def test_json_is_one_object(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A program gets slug, confidence, title and remedies; facts that are known make it surer.
    """
    assert main(["explain", str(text), "--json", "--from", "2.12", "--to", "tf-2.19", "--format", "h5"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["cause"] == "unknown_layer_tfoplambda"
    assert said["confidence"] == "high"
    assert said["title"]
    assert isinstance(said["remedies"], list)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        pytest.param("tf-2.19", "keras3_general_incompatibility", id="keras-3"),
        pytest.param("2.19.0", "keras3_general_incompatibility", id="keras-3-of-a-patch"),
        pytest.param("tf-2.19+legacy", "unknown", id="legacy"),
        pytest.param("2.19.0+legacy", "unknown", id="legacy-of-a-patch"),
        pytest.param("tf-2.12+legacy", "unknown", id="no-such-sibling"),
    ],
)
def test_a_legacy_sibling_has_keras_2(name: str, cause: str, text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    What only Keras 3 says is no cause where TensorFlow uses tf_keras, however its version is spelled.
    """
    text.write_text(ONLY_KERAS_3, encoding="utf-8")

    assert main(["explain", str(text), "--json", "--to", name]) == 0

    assert json.loads(capsys.readouterr().out)["cause"] == cause


def test_what_is_not_known_is_said(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A text without a known cause is no failure of the command, and it guesses nothing.
    """
    text.write_text(AMBIGUOUS, encoding="utf-8")

    assert main(["explain", str(text), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["cause"], said["confidence"], said["title"], said["remedies"]) == ("unknown", "none", "", [])
    assert main(["explain", str(text)]) == 0
    assert "The cause is not known." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.txt"], "missing.txt cannot be read"),
        (["empty.txt"], "no text to explain"),
        (["error.txt", "--to", "newest"], "'newest' is no version"),
        (["error.txt", "--format", "onnx"], "onnx"),
    ],
    ids=["no file", "nothing in it", "no version", "no format"],
)
def test_wrong_use_says_what_is_wrong(
    text: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    """
    A file that is not there, an empty one, and facts that are none are wrong usage, exit 2.
    """
    text.with_name("empty.txt").write_text("\n", encoding="utf-8")

    assert main(["explain", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_traceback_on_standard_input_takes_half_a_second(text: Path) -> None:
    """
    From the start of Python to the answer: under half a second of a processor, the best of three.
    """
    command = [sys.executable, "-m", "matrix", "explain"]

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.check_output(command, input=LINE, text=True, cwd=text.parent)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "unknown_layer_tfoplambda" in said
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(3)) < 0.5


def test_bytes_that_are_no_text_are_read_as_far_as_they_are(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Terminal codes and broken characters in a log do not keep it from being read, and do not come back.
    """
    text.write_bytes(b"\xff\x1b[31m" + LINE.encode() + b"\x00\xfe")

    assert main(["explain", str(text)]) == 0
    out = capsys.readouterr().out
    assert "unknown_layer_tfoplambda" in out
    assert "\x1b" not in out
