"""The site as a folder: what comes in, what stays, and what happens when things happen at once."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sites import DAYS, held, of_day, parsed, said, stored, three

from matrix import report
from matrix.cli import main
from matrix.errors import Incomplete, UsageError
from matrix.site import Published, publish

ROOT = Path(__file__).parents[1]
FIRST, SECOND, THIRD = three()


def published(reports: Path, *, compress: bool = False) -> Published:
    """Publish a reports folder where it says."""
    return publish(reports, reports / "site", compress=compress)


def front(reports: Path) -> str:
    """The text of the first page."""
    return said(parsed(reports / "site" / "index.html"))


def test_publishing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """
    The same runs make the same site, at once or one after the other, and nothing is written anew.
    """
    reports = stored(tmp_path / "once", FIRST, SECOND)
    made = published(reports)
    before = held(made.front.parent)
    stamps = {path: path.stat().st_mtime_ns for path in made.front.parent.rglob("*") if path.is_file()}

    again = published(reports)

    assert held(again.front.parent) == before
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert (made.added, again.added) == ((FIRST.id, SECOND.id), ())
    other = stored(tmp_path / "bit by bit", SECOND)
    published(other)
    published(stored(other, FIRST))
    assert held(other / "site") == before


def test_a_run_stays_when_it_is_deleted(tmp_path: Path) -> None:
    """
    Its address, its place in every history and all of its files are there after the disk was cleaned up.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    before = held(published(reports).front.parent)

    shutil.rmtree(reports / "runs")

    assert held(published(reports).front.parent) == before
    published(stored(reports, THIRD))
    assert before.items() >= {name: held(reports / "site")[name] for name in before if name.startswith("runs/")}.items()
    assert all(run.id in front(reports) for run in (FIRST, SECOND, THIRD))


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "packed"])
def test_history_that_was_lost_is_read_from_the_runs_again(tmp_path: Path, compress: bool) -> None:  # noqa: FBT001
    """
    What is kept beside the runs can be deleted, or damaged, and the site is the same.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    site = published(reports, compress=compress).front.parent
    before = held(site)
    shutil.rmtree(reports / "runs")

    (site / "history" / f"{FIRST.id}.json").unlink()
    (site / "history" / f"{SECOND.id}.json").write_text("{", encoding="utf-8")

    published(reports)
    assert held(site) == before


def test_a_report_that_was_written_anew_is_published_anew(tmp_path: Path) -> None:
    """
    Its address is the same, and shows what the run says now.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    published(reports)

    stored(reports, replace(SECOND, note="audited"))

    assert published(reports).added == ()
    assert "audited" in front(reports)
    source, site = reports / "runs" / SECOND.id, reports / "site"
    assert held(site / "runs" / SECOND.id) == held(source) == held(site / "latest")


def test_tables_can_be_packed(tmp_path: Path) -> None:
    """
    They come in as .gz and hold the same; a file that was published keeps the form that its address names.
    """
    reports = stored(tmp_path, FIRST)
    site = published(reports).front.parent
    plain = held(site)

    published(stored(reports, SECOND), compress=True)
    published(reports)

    after = held(site)
    assert {name: after[name] for name in plain if name.startswith("runs/")}.items() <= plain.items()
    folder = f"runs/{SECOND.id}"
    source = held(reports / folder)
    assert sorted(set(after) & {f"{folder}/results.csv.gz", f"{folder}/results.csv"}) == [f"{folder}/results.csv.gz"]
    for name in ("results.csv", "results.jsonl"):
        assert gzip.decompress(after[f"{folder}/{name}.gz"]) == source[name]
    assert after["latest/results.jsonl.gz"] == after[f"{folder}/results.jsonl.gz"]
    assert "latest/results.jsonl" not in after


def test_whatever_a_run_has_is_published(tmp_path: Path) -> None:
    """
    Pictures, more pages, folders of them; but no link, no hidden file, and no half-written one.
    """
    reports = stored(tmp_path, FIRST)
    folder = reports / "runs" / FIRST.id
    (folder / "badge.svg").write_text("<svg/>", encoding="utf-8")
    (folder / "parts").mkdir()
    (folder / "parts" / "plain.html").write_text("plain", encoding="utf-8")
    (folder / ".index.html.123.part").write_text("half", encoding="utf-8")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / "passwords").symlink_to(tmp_path / "secret")
    (folder / "more").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe")

    site = published(reports).front.parent

    names = {name.removeprefix(f"runs/{FIRST.id}/") for name in held(site) if name.startswith("runs/")}
    assert names == {*(one.name for one in folder.iterdir() if one.is_file() and not one.is_symlink())} - {
        ".index.html.123.part"
    } | {"parts/plain.html"}
    assert (site / "latest" / "badge.svg").read_text(encoding="utf-8") == "<svg/>"
    assert "badge.svg" in front(reports)
    assert b"secret" not in b"".join(held(site).values())


def test_latest_has_nothing_of_an_earlier_run(tmp_path: Path) -> None:
    """
    A file that only an older run had is not at the address of the newest.
    """
    reports = stored(tmp_path, FIRST)
    (reports / "runs" / FIRST.id / "badge.svg").write_text("<svg/>", encoding="utf-8")
    published(reports)

    published(stored(reports, SECOND))

    assert held(reports / "site" / "latest") == held(reports / "runs" / SECOND.id)


def test_a_run_that_is_being_written_is_passed_over(tmp_path: Path) -> None:
    """
    Until its page is there nothing of it is published, and that is said; then all of it is.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    page = reports / "runs" / SECOND.id / "index.html"
    text = page.read_bytes()
    page.unlink()

    made = published(reports)

    assert [(one.name, one.busy) for one in made.refused] == [(SECOND.id, True)]
    assert made.latest == FIRST.id
    assert not (reports / "site" / "runs" / SECOND.id).exists()
    assert "it is being written, or was cut off" in front(reports)
    page.write_bytes(text)
    assert published(reports).latest == SECOND.id
    assert "being written" not in front(reports)


@contextmanager
def at_each_copy(monkeypatch: pytest.MonkeyPatch, path: Path) -> Iterator[list[int]]:
    """Let a file grow whenever another one is copied."""
    times: list[int] = []

    def grow(_number: int, _frame: object) -> None:
        times.append(1)
        with path.open("a", encoding="utf-8") as file:
            file.write(" ")

    before = signal.signal(signal.SIGUSR1, grow)
    monkeypatch.setenv("MATRIX_FAILPOINT", "site.before_copy=SIGUSR1:1+")
    try:
        yield times
    finally:
        monkeypatch.delenv("MATRIX_FAILPOINT")
        signal.signal(signal.SIGUSR1, before)


def test_files_of_two_moments_are_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A run whose files change while they are copied is tried again, then left for the next time.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    (reports / "runs" / FIRST.id).rename(tmp_path / "first")

    with (
        at_each_copy(monkeypatch, reports / "runs" / SECOND.id / "summary.md") as times,
        pytest.raises(UsageError, match="being written while it was to be copied"),
    ):
        published(reports)

    assert len(times) == 3 * 8
    assert list((reports / "site" / "runs").iterdir()) == []
    (tmp_path / "first").rename(reports / "runs" / FIRST.id)
    assert published(reports).latest == SECOND.id


def test_an_unfinished_run_is_shown_as_one(tmp_path: Path) -> None:
    """
    What a stopped run left has its address and its letters, and is not the newest answer.
    """
    reports = stored(tmp_path, FIRST, replace(SECOND, complete=False))

    made = published(reports)

    assert (made.unfinished, made.latest) == ((SECOND.id,), FIRST.id)
    assert f"{SECOND.id} unfinished" in front(reports)


def test_nothing_finished_is_a_site_too(tmp_path: Path) -> None:
    """
    Before the first run has ended there is no answer, and nothing at the address of the newest.
    """
    reports = stored(tmp_path, replace(FIRST, complete=False))

    assert published(reports).latest == ""
    assert "No run has finished yet" in front(reports)
    assert not (reports / "site" / "latest").exists()


def damaged(folder: Path) -> None:
    """Cut its results off in the middle."""
    results = folder / "results.jsonl"
    results.write_bytes(results.read_bytes()[:-40])


def of_later(folder: Path) -> None:
    """Let it be of an edition that does not exist yet."""
    head = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**head, "schema": 99}), encoding="utf-8")


def linked(folder: Path) -> None:
    """Put a link in its place."""
    folder.rename(folder.parent.parent / "elsewhere")
    folder.symlink_to(folder.parent.parent / "elsewhere", target_is_directory=True)


def renamed(folder: Path) -> None:
    """Give it the name of something else."""
    folder.rename(folder.with_name("baseline"))


def odd(folder: Path) -> None:
    """Give it a name that cannot be an address."""
    folder.rename(folder.with_name("<b>'; rm"))


def a_file(folder: Path) -> None:
    """Let it be no folder."""
    shutil.rmtree(folder)
    folder.write_text("run", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(damaged, "cannot be read", id="damaged"),
        pytest.param(of_later, "a newer matrix", id="of-a-later-edition"),
        pytest.param(linked, "is a link", id="a-link"),
        pytest.param(renamed, "Give the folder the name of its run", id="another-name"),
        pytest.param(odd, "cannot be an address", id="a-hostile-name"),
        pytest.param(a_file, "no folder", id="a-file"),
    ],
)
def test_a_run_that_cannot_be_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: object, why: str
) -> None:
    """
    The others are published, the page and the command name it with the reason, and the exit code is 4.
    """
    assert callable(spoil)
    reports = stored(tmp_path / "reports", FIRST, SECOND)
    spoil(reports / "runs" / SECOND.id)

    code = main(["publish", "--output", str(reports)])

    assert code == Incomplete.exit_code
    assert why in capsys.readouterr().out
    assert why in front(reports)
    assert str(tmp_path) not in front(reports)
    assert [path.name for path in (reports / "site" / "runs").iterdir()] == [FIRST.id]


def test_a_published_run_stays_when_its_folder_is_damaged(tmp_path: Path) -> None:
    """
    What is on the site is what could be read last.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    before = held(published(reports).front.parent)
    damaged(reports / "runs" / SECOND.id)

    made = published(reports)

    after = held(reports / "site")
    assert [one.name for one in made.refused] == [SECOND.id]
    assert {name for name in before if before[name] != after[name]} == {"index.html"}


def test_a_run_is_taken_back_by_deleting_it_in_both_places(tmp_path: Path) -> None:
    """
    Then no page of the site names it any more.
    """
    reports = stored(tmp_path, FIRST, SECOND)
    published(reports)

    for place in (reports, reports / "site"):
        shutil.rmtree(place / "runs" / SECOND.id)
    published(reports)

    pages = b"".join(text for name, text in held(reports / "site").items() if not name.startswith("history/"))
    assert SECOND.id.encode() not in pages


def test_without_a_run_there_is_no_site(tmp_path: Path) -> None:
    """
    The sentence says what makes one.
    """
    with pytest.raises(UsageError, match="`matrix run` makes one"):
        published(tmp_path)


@pytest.mark.parametrize("place", ["", "runs", f"runs/{FIRST.id}", "runs/site"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, place: str) -> None:
    """
    A site is written into a folder of its own, never over other files or among the runs.
    """
    reports = stored(tmp_path, FIRST)
    before = held(reports)

    with pytest.raises(UsageError, match="--site DIR"):
        publish(reports, reports / place)

    assert {name: text for name, text in held(reports).items() if not name.endswith(".lock")} == before


@pytest.mark.parametrize("name", ["runs", "history", "latest", "pairs", "changes"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    """
    A folder of the site that is a link is refused, and what it points to is untouched.
    """
    reports = stored(tmp_path / "reports", FIRST, SECOND)
    published(reports)
    precious = tmp_path / "precious"
    precious.mkdir()
    shutil.rmtree(reports / "site" / name)
    (reports / "site" / name).symlink_to(precious, target_is_directory=True)

    with pytest.raises(UsageError, match="is a link"):
        published(reports)

    assert list(precious.iterdir()) == []


def test_a_published_run_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    """
    It is said, and what it points to is neither read nor written.
    """
    reports = stored(tmp_path / "reports", FIRST, SECOND)
    published(reports)
    folder = reports / "site" / "runs" / SECOND.id
    folder.rename(tmp_path / "precious")
    folder.symlink_to(tmp_path / "precious", target_is_directory=True)
    stored(reports, replace(SECOND, note="other"))

    made = published(reports)

    assert {one.name for one in made.refused} == {SECOND.id}
    assert made.latest == FIRST.id
    assert report.read(tmp_path / "precious").note == ""


def test_a_linked_page_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """
    What stands behind a link in the place of a page keeps what it holds.
    """
    reports = stored(tmp_path / "reports", FIRST)
    site = published(reports).front.parent
    (tmp_path / "precious").write_text("mine", encoding="utf-8")
    for name in ("index.html", f"runs/{FIRST.id}/summary.md", "latest/summary.md"):
        (site / name).unlink()
        (site / name).symlink_to(tmp_path / "precious")

    published(reports)

    assert (tmp_path / "precious").read_text(encoding="utf-8") == "mine"
    assert not [path for path in site.rglob("*") if path.is_symlink()]


@pytest.mark.faults
def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    """
    Each waits for its turn, and the site has the runs of both in the end.
    """
    site = tmp_path / "site"
    folders = [stored(tmp_path / run.id, run) for run in three()]

    with ThreadPoolExecutor(max_workers=3) as pool:
        made = list(pool.map(lambda reports: publish(reports, site), folders))

    assert sorted(one.runs for one in made) == [1, 2, 3]
    whole = publish(stored(tmp_path / "all", *three()), tmp_path / "all" / "site").front.parent
    assert held(site) == held(whole)


@pytest.mark.faults
@pytest.mark.parametrize("place", ["site.before_copy", "report.before_rename", "site.before_rename"])
def test_what_a_killed_publish_left_is_cleared_away(tmp_path: Path, place: str) -> None:
    """
    Killed in the middle, the site has whole runs only, and the next publish makes all of it.
    """
    reports = stored(tmp_path, FIRST)
    command = [sys.executable, "-m", "matrix", "publish", "--output", str(reports)]
    variables = {**os.environ, "MATRIX_FAILPOINT": f"{place}=kill:1", "PYTHONPATH": str(ROOT)}

    killed = subprocess.run(command, env=variables, cwd=tmp_path, check=False, capture_output=True)

    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in (reports / "site" / "runs").iterdir() if not path.name.startswith(".")] == []
    published(reports)
    whole = published(stored(tmp_path / "whole", FIRST)).front.parent
    assert held(reports / "site") == held(whole)


def test_a_full_disk_is_not_the_fault_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The site says so, exits with 4, and has on it what it had.
    """
    reports = stored(tmp_path, FIRST)
    before = held(published(reports).front.parent)
    stored(reports, SECOND)
    monkeypatch.setenv("MATRIX_FAILPOINT", "report.before_rename=ENOSPC:1+")

    code = main(["publish", "--output", str(reports)])

    assert code == Incomplete.exit_code
    assert "cannot be written" in capsys.readouterr().err
    assert held(reports / "site") == before


def test_command_says_where_the_site_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    After a run, `publish` makes a site in `reports/site`, and `--json` tells a machine.
    """
    assert main(["run", "--environments", "*-keras", "--scenarios", "plain_fake", "--quiet"]) == 0
    capsys.readouterr()

    assert main(["publish"]) == 0
    assert capsys.readouterr().out.endswith(f"Site: {project / 'reports' / 'site' / 'index.html'}\n")
    assert main(["publish", "--site", "elsewhere", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    (run,) = [path.name for path in (project / "reports" / "runs").iterdir()]
    assert (told["runs"], told["latest"], told["added"], told["refused"]) == (1, run, [run], [])
    assert told["size"] == sum(map(len, held(project / "elsewhere").values()))
    assert report.read(project / "elsewhere" / "latest").id == run


def test_runs_are_in_the_order_of_time(tmp_path: Path) -> None:
    """
    Not of their names: a run that was stored later and started earlier comes before.
    """
    late = replace(of_day(DAYS[0]), id="zzz", started="2026-05-01T00:00:00+00:00")
    text = front(published(stored(tmp_path, FIRST, late)).front.parent.parent)

    assert text.index(FIRST.id) < text.index("zzz")
