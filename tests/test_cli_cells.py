"""The command line about single cells, and about runs that may not take what they need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import NEW, OLD, fake_project

from matrix.cli import main

BOTH = ("--environments", "*-keras", "--scenarios", "plain_fake")
CELL = f"{OLD}/{NEW}/plain_fake/bare/h5"


def run(*arguments: str) -> int:
    """Run the matrix over both environments."""
    return main(["run", "--quiet", *BOTH, *arguments])


def stored(project: Path) -> dict[str, object]:
    """Return what the newest run says of itself."""
    facts: dict[str, object] = json.loads((project / "reports" / "latest" / "run.json").read_text(encoding="utf-8"))
    return facts


def letters(project: Path) -> list[str]:
    """Return the letters of the newest run, in its order."""
    lines = (project / "reports" / "latest" / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [cell["status"] for cell in map(json.loads, lines) if "status" in cell]


def changed(project: Path) -> None:
    """Change the scenario, so that all its cells are to be measured again."""
    script = project / "scenarios" / "plain_fake.py"
    script.write_text(script.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")


def test_why_tells_all_about_a_cell(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Its letter, every way that was tried, and the commands that repeat it by hand.
    """
    run()
    capsys.readouterr()

    code = main(["why", CELL])

    said = capsys.readouterr().out
    assert code == 0
    assert f"{CELL}\nR  works after a tested change (compile=False)\n  own way: F at " in said
    assert "  compile=False: P at compare" in said
    assert f"matrix run --environments {OLD},{NEW} --scenarios plain_fake --formats h5" in said
    assert f"{project}/.nox/env-{NEW}/bin/python - <<'END'\nimport runpy\n" in said
    assert "The remedy, compile=False:" in said


def test_why_names_the_ingredient_that_changed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    After a change of the scenario, and only of it, that is what a cell is measured again for.
    """
    run()
    changed(project)
    capsys.readouterr()

    main(["why", CELL, "--json"])

    facts = json.loads(capsys.readouterr().out)
    assert [name for name, _, _ in facts["changed"]] == ["scenario"]


def test_why_survives_a_lost_index(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    What changed is found in the records themselves.
    """
    run()
    (project / ".matrix" / "ledger.sqlite").unlink()
    capsys.readouterr()

    main(["why", CELL, "--timeout", "7", "--json"])

    facts = json.loads(capsys.readouterr().out)
    assert [name for name, _, _ in facts["changed"]] == ["timeout"]


@pytest.mark.parametrize("cell", ["plain", f"{OLD}/{NEW}/plain_fake/bare/h6", f"{OLD}/{NEW}/plain_fake/registered/h5"])
def test_why_refuses_what_is_no_cell(project: Path, cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """
    With what a cell looks like.
    """
    assert project.is_dir()
    assert main(["why", cell]) == 2
    assert "is no cell" in capsys.readouterr().err


def test_a_changed_scenario_runs_its_own_cells_only(project: Path) -> None:
    """
    What other scenarios came to is taken from before.
    """
    everything = ("--environments", "*-keras")
    main(["run", "--quiet", *everything])
    before = stored(project)["cached"]
    changed(project)

    main(["run", "--quiet", *everything])

    assert before == 0
    custom = [letter for letter in letters(project)[:60] if letter in "PRDFTC"]  # custom_fake comes first
    assert stored(project)["cached"] == len(custom)


def test_a_budget_leaves_out_what_tells_least(project: Path) -> None:
    """
    With time for the pair of the verdict only, its cells are measured, and the page says how many are not.
    """
    code = run("--budget", "15s", "--jobs", "1")

    found = letters(project)
    assert code == 0
    assert found[5:10].count(".") == 0  # old -> new
    assert "." in found
    assert f"{found.count('.')} cells" in str(stored(project)["note"])


def test_a_disk_limit_leaves_out_environments(project: Path) -> None:
    """
    What is built fits or is left out, and says so in each of its cells.
    """
    code = run("--max-disk", "1MB")

    assert code == 0
    assert "." not in letters(project)  # the pair of the verdict is always measured


def test_two_checkouts_share_a_cache(
    project: Path, tmp_path_factory: pytest.TempPathFactory, fake_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The second one measures nothing, and comes to the same cells.
    """
    shared = tmp_path_factory.mktemp("shared")
    run("--cache", str(shared))
    first = letters(project)
    other = tmp_path_factory.mktemp("other")
    fake_project(other, fake_environment, {OLD: "2.0.0", NEW: "3.0.0"})
    monkeypatch.chdir(other)

    run("--cache", str(shared))

    assert letters(other) == first
    assert stored(other)["cached"] == len([letter for letter in first if letter in "PRDFTC"])


@pytest.mark.faults
def test_an_audit_repeats_cells_and_finds_no_difference(project: Path) -> None:
    """
    In fresh processes, the way a user would; the page says how many.
    """
    code = run("--audit", "6")

    assert code == 0
    assert stored(project)["note"] == "Audit: 6 cells repeated in fresh processes, none differs."


@pytest.mark.faults
def test_report_shows_a_run_that_was_killed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Its page says how far it is; without a run there is none.
    """
    assert main(["report", "running"]) == 2
    run()
    (project / ".matrix" / "running.json").write_text(
        json.dumps({"command": f"run {' '.join(BOTH)}", "started": "2026-11-24T08:00:00+00:00"}), "utf-8"
    )
    capsys.readouterr()

    assert main(["report", "running"]) == 0

    assert stored(project)["note"] == "Running: 20 of 20 cells are decided."
    assert "2026-11-24T08-00-00.000" in capsys.readouterr().out
