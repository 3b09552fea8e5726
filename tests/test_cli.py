"""The command line as a user meets it: what it says, what it leaves behind, and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import NEW, OLD

from matrix.cli import main

ROOT = Path(__file__).parents[1]
EVERYTHING = ("--environments", "*-keras")
BOTH = (*EVERYTHING, "--scenarios", "plain_fake")


@dataclass
class Said:
    """What one command came to."""

    code: int
    out: str
    err: str


Say = Callable[..., Said]


@pytest.fixture
def say(project: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command in the project."""
    assert Path.cwd() == project

    def run(*arguments: str) -> Said:
        code = main(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


def results(project: Path) -> list[dict[str, object]]:
    """Return the cells of the newest report."""
    lines = (project / "reports" / "latest" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [cell for cell in map(json.loads, lines) if "status" in cell]


def test_run_writes_a_report_and_names_it(say: Say, project: Path) -> None:
    """
    A finished run exits with 0 and says where its page is; `reports/latest` is the same one.
    """
    said = say("run", *EVERYTHING)

    page = project / "reports" / "latest" / "index.html"
    assert said.code == 0
    assert f"Report: {page.resolve()}" in said.out
    assert "<html" in page.read_text(encoding="utf-8")
    assert len(results(project)) == 2 * 2 * (5 + 15)


def test_run_answers_for_the_pair_that_was_asked_for(say: Say) -> None:
    """
    `--from` and `--to` are part of the run whatever else is chosen, and its verdict is about them.
    """
    said = say("run", "--from", OLD, "--to", NEW, "--environments", NEW, "--json")

    verdict = json.loads(said.out)
    assert (verdict["from"], verdict["to"]) == (OLD, NEW)
    assert said.code == 0


def test_fail_on_failure_exits_with_one(say: Say) -> None:
    """
    A pair with a cell that breaks is exit 1 when the user asks for that, never a count.
    """
    said = say("run", *BOTH, "--from", NEW, "--to", OLD, "--fail-on", "failure")

    assert said.code == 1


def test_a_regression_against_a_baseline_exits_with_one(say: Say, project: Path) -> None:
    """
    A cell that worked in the baseline and fails now is a regression.
    """
    say("run", *BOTH)
    first = (project / "reports" / "latest").readlink().name
    script = project / "scenarios" / "plain_fake.py"
    script.write_text(script.read_text(encoding="utf-8").replace("return model", "raise OSError('gone')"), "utf-8")

    said = say("run", *BOTH, "--baseline", first)

    assert said.code == 1
    assert f"worse than in {first}" in said.out


def test_without_an_engine_containers_are_one_sentence(
    say: Say, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What is lacking and what to do, with the exit code of what cannot be had here; nothing is measured.
    """
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project}/nothing")

    said = say("run", *BOTH, "--backend", "docker")

    assert said.code == 4
    assert len(said.err.strip().splitlines()) == 1
    assert "No Docker engine answers" in said.err
    assert not (project / "reports").exists()


def test_a_report_made_anew_compares_to_the_baseline_of_its_run(say: Say, project: Path) -> None:
    """
    A run remembers its baseline; without the folder it says so, and `--baseline` takes another.
    """
    say("run", *BOTH)
    runs = project / "reports" / "runs"
    (first,) = (path.name for path in runs.iterdir())
    say("run", *BOTH, "--baseline", first)
    page = project / "reports" / "latest" / "index.html"
    compared = page.read_text(encoding="utf-8")

    say("report")
    anew = page.read_text(encoding="utf-8")
    (runs / first).rename(runs / "kept")
    alone = say("report")
    told = page.read_text(encoding="utf-8")
    say("report", "--baseline", "kept")

    assert first in compared
    assert anew == compared
    assert f"{first}, which it was compared to, is not kept any more" in alone.out
    assert first not in told.replace(f"--baseline {first}", "")
    assert first in page.read_text(encoding="utf-8")


def test_a_missing_environment_is_incomplete(say: Say, project: Path) -> None:
    """
    An environment that cannot be had makes exit 4; its cells are `E`, all others are measured.
    """
    (project / "pyproject.toml").write_text(
        '[tool.matrix]\n[tool.matrix.environments.mine]\npython = "3.11"\nrequirements = ["./wheels/x.whl"]\n', "utf-8"
    )

    said = say("run", "--environments", f"{OLD},mine")

    letters = {str(cell["status"]) for cell in results(project)}
    assert said.code == 4
    assert "mine" in said.out
    assert letters >= {"P", "E"}


def test_a_second_run_measures_nothing(say: Say, project: Path) -> None:
    """
    Unchanged, everything is known: the second report has the same cells.
    """
    say("run", *BOTH)
    first = results(project)

    say("run", *BOTH)

    run = json.loads((project / "reports" / "latest" / "run.json").read_text(encoding="utf-8"))
    assert results(project) == first
    assert run["cached"] == len([cell for cell in first if cell["status"] in tuple("PDRFTC")])


def test_report_renders_a_stored_run_again(say: Say, project: Path) -> None:
    """
    The page can be made anew from what the run left, byte for byte.
    """
    say("run", *BOTH)
    page = project / "reports" / "latest" / "index.html"
    before = page.read_bytes()
    page.unlink()

    said = say("report")

    assert said.code == 0
    assert page.read_bytes() == before


def test_plan_tells_what_is_known_and_what_is_not(say: Say) -> None:
    """
    `plan` runs nothing; after a run it says that all cells are known.
    """
    before = json.loads(say("plan", *BOTH, "--json").out)
    say("run", *BOTH)
    after = json.loads(say("plan", *BOTH, "--json").out)

    assert (before["cells"], before["known"]) == (20, 0)
    assert after["known_saves"] == after["saves"] == before["saves"]
    assert after["known"] == after["cells"]
    assert (before["seconds"] > 0, after["seconds"]) == (True, 0)


def test_cache_prune_forgets_everything_that_was_measured(say: Say) -> None:
    """
    After it, nothing is known any more.
    """
    say("run", *BOTH)

    said = say("cache", "prune")

    assert said.code == 0
    assert json.loads(say("plan", *BOTH, "--json").out)["known_saves"] == 0


def test_env_list_shows_what_is_built(say: Say) -> None:
    """
    Every environment has a state and a size.
    """
    rows = {row["id"]: row for row in json.loads(say("env", "list", "--json").out)}

    assert rows[OLD]["state"] == "ready"
    assert rows["tf-2.15"]["state"] == "not built"


def test_new_scenario_is_one_that_runs(say: Say, project: Path) -> None:
    """
    What it writes is read without complaint, and it never overwrites.
    """
    first = say("new-scenario", "mine")
    second = say("new-scenario", "mine")

    assert first.code == 0
    assert (project / "scenarios" / "mine.py").is_file()
    assert second.code == 2
    assert json.loads(say("plan", *EVERYTHING, "--json").out)["scenarios"] == ["custom_fake", "mine", "plain_fake"]


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        pytest.param(("run", "--environments", "old-kera"), "Did you mean 'old-keras'?", id="environment"),
        pytest.param(("run", "--from", "tf-2.99"), "Did you mean", id="from"),
        pytest.param(("run", *EVERYTHING, "--scenarios", "plane_fake"), "Did you mean 'plain_fake'?", id="scenario"),
        pytest.param(("run", *BOTH, "--formats", "h6"), "Did you mean 'h5'?", id="format"),
        pytest.param(("run", "--profile", "defualt"), "Did you mean 'default'?", id="profile"),
        pytest.param(("run", "--formts", "h5"), "Did you mean '--formats'?", id="option"),
        pytest.param(("rnu",), "Did you mean 'run'?", id="verb"),
        pytest.param(("env", "bild"), "Did you mean 'build'?", id="action"),
        pytest.param(("run", "--jobs", "0"), "no whole number above 0", id="jobs"),
        pytest.param(("run", "--jobs", "many"), "no whole number above 0", id="jobs-word"),
        pytest.param(("report", "yesterday"), "There is no run", id="run"),
        pytest.param(("env", "lock", "tensorflow-2.12"), "is no release like tf-2.12.0", id="lock"),
    ],
)
def test_wrong_usage_exits_with_two_and_a_suggestion(say: Say, arguments: Sequence[str], suggestion: str) -> None:
    """
    What does not exist is refused before anything is started, with the nearest thing that does.
    """
    said = say(*arguments)

    assert said.code == 2
    assert suggestion in said.err


def test_nothing_selected_exits_with_three(say: Say, project: Path) -> None:
    """
    Choices that are valid and leave no cell are no success.
    """
    for script in (project / "scenarios").glob("*.py"):
        text = script.read_text(encoding="utf-8")
        script.write_text(text.replace("#\n", '# dependencies = ["tensorflow>9"]\n#\n', 1), encoding="utf-8")

    assert say("run", *BOTH).code == 3


def test_a_disk_that_is_too_small_is_said_before_anything_starts(say: Say, project: Path) -> None:
    """
    The figure of what is needed and of what is free are in the message, and nothing was built.
    """
    listed = project / "locks" / "environments.toml"
    listed.write_text(listed.read_text(encoding="utf-8").replace("download = 0", "download = 900000000000000"), "utf-8")
    for mark in project.glob(".nox/*/matrix-ready.json"):
        mark.unlink()

    said = say("run", *BOTH)

    assert said.code == 4
    assert "GB" in said.err
    assert "are free" in said.err


@pytest.mark.faults
def test_ctrl_c_leaves_a_partial_report_and_the_same_command_goes_on(project: Path) -> None:
    """
    Interrupted, the command exits with 130 and a report that says so; run again, it ends with all cells.
    """
    slow = project / "scenarios" / "slow.py"
    text = (project / "scenarios" / "plain_fake.py").read_text(encoding="utf-8")
    slow.write_text(text.replace("def build():\n", "def build():\n    import time\n    time.sleep(0.3)\n"), "utf-8")
    command = [sys.executable, "-m", "matrix", "run", *EVERYTHING, "--scenarios", "slow", "--jobs", "1"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}

    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        for line in first.stderr:
            if "saving" in line:
                break
        time.sleep(1.5)
        first.send_signal(signal.SIGINT)
        out, _ = first.communicate(timeout=60)
    partial = results(project)
    second = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)

    assert first.returncode == 130
    assert "Interrupted" in out
    assert "." in {str(cell["status"]) for cell in partial}
    assert second.returncode == 0
    assert "." not in {str(cell["status"]) for cell in results(project)}


@pytest.mark.faults
def test_two_runs_in_one_project_do_not_meet(say: Say) -> None:
    """
    The second one says who owns the measurements, and touches nothing.
    """
    command = [sys.executable, "-m", "matrix", "run", *BOTH]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}

    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as first:
        assert first.stderr is not None
        first.stderr.readline()
        said = say("run", *BOTH)
        first.communicate(timeout=60)

    assert said.code == 4
    assert f"process {first.pid}" in said.err
