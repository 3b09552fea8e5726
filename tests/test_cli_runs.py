"""The command line about runs and what they are held to: a baseline, what is known to fail, another run."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import NEW, OLD

from matrix.cli import main

BOTH = ("--quiet", "--environments", "*-keras", "--scenarios", "plain_fake")
CELL = f"{NEW}/{OLD}/plain_fake/bare/keras"


def rows(project: Path) -> list[dict[str, str]]:
    """Return the cells of the newest run, from its CSV."""
    text = (project / "reports" / "latest" / "results.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def failing(project: Path) -> dict[str, str]:
    """Return a cell of the newest run that fails."""
    return next(row for row in rows(project) if row["status"] == "F" and row["signature"])


def name(row: dict[str, str]) -> str:
    """Return the id of a cell."""
    return "/".join(row[part] for part in ("saved_with", "loaded_with", "scenario", "variant", "format"))


def expect(project: Path, cells: str, *, letters: str = "F", signature: str, days: int = 30) -> Path:
    """Write a `known.toml` with one entry beside the scenarios."""
    path = project / "scenarios" / "known.toml"
    lines = (
        f"cells = {json.dumps(cells)}",
        f"letters = {json.dumps(letters)}",
        f"signature = {json.dumps(signature)}",
        'reason = "It is known"',
        'link = "https://example.com/1"',
        f"expires = {datetime.now(UTC).date() + timedelta(days)}",
    )
    path.write_text("\n".join(["[[expect]]", *lines]) + "\n", encoding="utf-8")
    return path


def broken(project: Path) -> None:
    """Let the scenario break."""
    script = project / "scenarios" / "plain_fake.py"
    script.write_text(script.read_text(encoding="utf-8").replace("return model", "raise OSError('gone')"), "utf-8")


def test_a_failure_that_is_known_is_as_expected(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    The file beside the scenarios is read by itself; its cells are marked in the CSV and counted everywhere.
    """
    main(["run", *BOTH])
    row = failing(project)
    expect(project, name(row), signature=row["signature"])
    capsys.readouterr()

    code = main(["run", *BOTH])

    said = capsys.readouterr().out
    told = json.loads((project / "reports" / "latest" / "verdict.json").read_text(encoding="utf-8"))
    assert code == 0
    assert "Nothing is other than known.toml says." in said
    assert "Known failures: 1 cell as expected" in said
    assert "Known failures: 1 cell as expected" in (project / "reports/latest/summary.md").read_text(encoding="utf-8")
    assert told["known"]["counts"]["expected"] == 1
    assert {name(one): one["known"] for one in rows(project) if one["known"]} == {name(row): "expected"}


@pytest.mark.faults
def test_what_is_not_as_it_is_known_exits_with_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A failure for another reason, and one that is none any more; `--fail-on never` says so and exits with 0.
    """
    main(["run", *BOTH])
    row = failing(project)
    works = next(one for one in rows(project) if one["status"] == "P")
    expect(project, name(row), signature="Something else")
    capsys.readouterr()

    assert main(["run", *BOTH]) == 1
    assert f"1 cell fails not as known.toml says, e.g. {name(row)}" in capsys.readouterr().out
    expect(project, name(works), signature="x")
    assert main(["run", *BOTH]) == 1
    assert f"1 cell works against known.toml, e.g. {name(works)}: delete the entry" in capsys.readouterr().out
    assert main(["run", *BOTH, "--fail-on", "never"]) == 0
    assert "unexpected pass" in capsys.readouterr().out


def test_another_file_is_named_and_must_be_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A file that is not understood stops the run before it measures anything, and says the line.
    """
    path = expect(project, CELL, signature="x", days=181)

    assert main(["run", *BOTH]) == 2
    assert "known.toml, line 1: expires is" in capsys.readouterr().err
    assert not (project / "reports").exists()
    path.unlink()
    assert main(["run", *BOTH, "--known", "other.toml"]) == 2
    assert "other.toml cannot be read" in capsys.readouterr().err


@pytest.mark.faults
def test_pages_are_written_again_with_what_was_known_then(project: Path) -> None:
    """
    `report` keeps the entries of the run, until a file is named.
    """
    main(["run", *BOTH])
    row = failing(project)
    path = expect(project, name(row), signature=row["signature"])
    main(["run", *BOTH])
    other = path.rename(project / "other.toml")

    main(["report"])
    assert [one["known"] for one in rows(project)].count("expected") == 1
    other.write_text("", encoding="utf-8")
    main(["report", "--known", str(other)])
    assert {one["known"] for one in rows(project)} == {""}


@pytest.mark.faults
def test_diff_says_what_became_of_each_cell(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Worse is exit 1, better is 0; a scenario that was edited is named as what changed.
    """
    main(["run", *BOTH])
    first = (project / "reports" / "latest").readlink().name
    broken(project)
    main(["run", *BOTH])
    capsys.readouterr()

    code = main(["diff", first])
    said = capsys.readouterr().out
    assert code == 1
    assert "REGRESSED: worked, and does not any more" in said
    assert f"P -> S  {OLD}/{OLD}/plain_fake/bare/h5  may be due to: scenario\n" in said
    assert "OSError: gone" in said

    assert main(["diff", "latest", first]) == 0
    assert "REPAIRED: did not work, and does" in capsys.readouterr().out


def test_a_run_is_the_same_as_itself(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Also one whose cells were all measured before; the JSON has the counts and no cell.
    """
    main(["run", *BOTH])
    first = (project / "reports" / "latest").readlink().name
    main(["run", *BOTH])
    capsys.readouterr()

    code = main(["diff", first, "latest", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["counts"]["same"] == len(rows(project)) > 0
    assert told["cells"] == []


@pytest.mark.faults
def test_another_letter_from_the_same_recipe_is_flaky(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Two real runs record enough to tell: a letter that differs in one of them is no regression, but is said.
    """
    main(["run", *BOTH])
    folder = (project / "reports" / "latest").resolve()
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    main(["run", *BOTH])
    spot = next(number for number, line in enumerate(lines) if json.loads(line).get("status") == "P")
    lines[spot] = lines[spot].replace('"status":"P"', '"status":"T"')
    (project / "reports" / "latest" / "results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    capsys.readouterr()

    code = main(["diff", folder.name])

    assert code == 0
    assert "FLAKY: another letter, although all that decides it is the same (1)\n  P -> T  " in capsys.readouterr().out


def test_a_run_that_is_not_there_is_no_difference(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Exit 2, with the nearest name.
    """
    main(["run", *BOTH])
    first = (project / "reports" / "latest").readlink().name

    assert main(["diff", first[:-1]]) == 2
    assert f"Did you mean '{first}'" in capsys.readouterr().err


def test_parquet_is_written_where_it_can_be(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Beside the other files, in a run and from a stored one.
    """
    pytest.importorskip("pyarrow")

    assert main(["run", *BOTH, "--parquet"]) == 0
    parquet = project / "reports" / "latest" / "results.parquet"
    assert parquet.read_bytes()[:4] == b"PAR1"
    parquet.unlink()
    assert main(["report", "--parquet"]) == 0
    assert parquet.exists()
    assert "pyarrow" not in capsys.readouterr().err
