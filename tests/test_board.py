"""What is left of a run, and who may do it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
from programs import until

from matrix.artifact import Artifact
from matrix.board import Board, Work, decided
from matrix.errors import EnvironmentFailed
from matrix.model import Cell, Format, Save, Stage, Status, Variant
from matrix.results import Attempt, Result

FAILED = Attempt(rung="save", status=Status.FAIL, stage=Stage.SAVE, exception="TypeError", message="no config\nmore")


def cell(writer: str, reader: str, kind: Format = Format.H5, scenario: str = "plain") -> Cell:
    """A cell."""
    return Cell(writer=writer, reader=reader, scenario=scenario, variant=Variant.BARE, format=kind)


AA, AB, BA, BB = (cell(writer, reader) for writer, reader in product("ab", repeat=2))


@dataclass
class Crowd:
    """Whether somebody is idle, and whether somebody waits for memory."""

    idle: bool = False
    crowded: bool = False


def board(
    cells: Iterable[Cell],
    artifacts: Mapping[Save, Artifact] | None = None,
    ranks: Callable[[Cell], int] = lambda _cell: 0,
    crowd: Crowd | None = None,
) -> Board:
    """A board, its environments neither idle nor crowded unless said so."""
    around = crowd or Crowd()
    return Board(list(cells), ranks, artifacts or {}, idle=lambda: around.idle, crowded=lambda: around.crowded)


def saved(one: Cell, **how: str | Attempt) -> Artifact:
    """The artifact of a cell's save."""
    return Artifact(save=one.save, key="k", path=Path("model.h5"), **how)  # type: ignore[arg-type]


def passed(one: Cell) -> Result:
    """A result."""
    return Result(cell=one, status=Status.PASS)


def letters(seen: Board) -> dict[Cell, str]:
    """The letters that are decided."""
    return {one: str(result.status) for one, result in seen.results.items()}


def test_an_environment_saves_before_it_loads() -> None:
    """
    All of its saves at once; then it waits until every artifact that it reads is there, and gets all of its cells.
    """
    seen = board([AA, AB, BA, BB])
    assert seen.todo == (2, 4)

    assert seen.next("a", holding=False) == Work(saves=(AA.save,))
    assert seen.next("b", holding=False) == Work(saves=(BB.save,))
    seen.saved(saved(AA))
    waiting: list[Work | None] = []
    thread = threading.Thread(target=lambda: waiting.append(seen.next("a", holding=True)))
    thread.start()
    seen.saved(saved(BB))
    thread.join(5)

    assert waiting == [Work(cells=(AA, BA))]
    assert seen.next("b", holding=True) == Work(cells=(AB, BB))


def test_who_is_idle_begins_with_half_of_its_cells() -> None:
    """
    A core that has nothing to do is worth a second wave, but not many small ones.
    """
    known = {AA.save: saved(AA), BA.save: saved(BA)}
    others = [cell(name, "a") for name in "cde"]

    assert board([AA, BA, *others[:2]], known, crowd=Crowd(idle=True))._work("a") == Work(cells=(AA, BA))
    assert board([AA, BA, *others], known, crowd=Crowd(idle=True))._work("a") == Work()
    assert board([AA, BA, *others[:2]], known, crowd=Crowd(idle=False))._work("a") == Work()


def test_who_waits_with_a_worker_makes_room_for_others() -> None:
    """
    A worker that has nothing to do now rests when somebody else could use its memory, or when nothing is left for it.
    """
    seen = board([AA, BA, BB], {AA.save: saved(AA)}, crowd=Crowd(crowded=True))
    assert seen.next("a", holding=True) == Work()

    seen = board([BB, AA], {AA.save: saved(AA)})
    assert seen.next("a", holding=True) == Work(cells=(AA,))
    seen.measured(passed(AA))
    assert seen.next("a", holding=True) == Work()


def test_the_run_is_over_when_each_cell_has_its_letter() -> None:
    """
    Everybody is told so, also those who wait.
    """
    seen = board([AB], {AB.save: saved(AB)})
    with ThreadPoolExecutor(1) as pool:
        idle = pool.submit(seen.next, "a", holding=False)
        assert seen.next("b", holding=False) == Work(cells=(AB,))
        seen.measured(passed(AB))
        assert idle.result(5) is None

    assert seen.todo == (0, 0)


def test_waves_go_from_the_most_telling_cells_to_the_least() -> None:
    """
    A wave holds the cells of one rank.
    """
    cells = [AA, BA, cell("c", "a")]
    known = {one.save: saved(one) for one in cells}
    seen = board(cells, known, ranks=lambda one: "bca".index(one.writer))

    waves = []
    while work := seen.next("a", holding=True):
        waves.append([one.writer for one in work.cells])
        for one in work.cells:
            seen.measured(passed(one))

    assert waves == [["b"], ["c"], ["a"]]


@pytest.mark.parametrize(
    ("how", "letter", "reason"),
    [
        pytest.param({"fault": "no disk"}, "E", "Writer: no disk", id="fault"),
        pytest.param({"unsupported": "no export"}, "U", "a: no export", id="unsupported"),
        pytest.param({"failed": FAILED}, "S", "a could not save it: TypeError: no config", id="failed"),
    ],
)
def test_a_writer_decides_for_all_readers(how: dict[str, str | Attempt], letter: str, reason: str) -> None:
    """
    What the writer has no format for, could not save, or could not be asked: no reader is asked any more.
    """
    seen = board([AA, AB])
    artifact = saved(AA, **how)

    seen.saved(artifact)

    assert letters(seen) == {AA: letter, AB: letter}
    assert {result.reason for result in seen.results.values()} == {reason}
    assert decided([AA, AB, BB], {AA.save: artifact}) == seen.results
    assert board([AA, AB], {AA.save: artifact}).results == seen.results


def test_the_first_result_of_a_cell_counts() -> None:
    """
    A second one changes nothing, not even the count of what is open.
    """
    seen = board([AA, BA], {AA.save: saved(AA), BA.save: saved(BA)})
    seen.next("a", holding=True)

    seen.measured(passed(AA))
    seen.measured(replace(passed(AA), status=Status.FAIL))

    assert letters(seen) == {AA: "P"}
    seen.measured(passed(BA))
    assert seen.next("a", holding=False) is None


def test_what_was_not_finished_is_put_back() -> None:
    """
    After the death of a worker its saves and cells are there for the next one, but not those that are finished.
    """
    seen = board([AA, BA], {BA.save: saved(BA)})
    seen.next("a", holding=True)
    assert seen.landed("a") == (AA.save,)
    assert seen.next("a", holding=True) == Work(saves=(AA.save,))
    seen.saved(saved(AA))
    assert seen.landed("a") == ()

    seen.next("a", holding=True)
    seen.measured(passed(BA))
    assert seen.landed("a") == (AA,)
    assert seen.next("a", holding=True) == Work(cells=(AA,))


def test_a_broken_environment_is_e_in_its_row_and_its_column() -> None:
    """
    Nobody else is touched, the run ends without it, and each part is told once.
    """
    seen = board([AA, AB, BA, BB])
    assert seen.broke("b", EnvironmentFailed("no disk")) == 3  # two cells, and the save of both
    assert letters(seen) == {BA: "E", BB: "E"}

    assert seen.next("a", holding=False) == Work(saves=(AA.save,))
    assert seen.saved(saved(AA)) == 1

    assert letters(seen) == {BA: "E", BB: "E", AB: "E"}
    assert {one.reason for one in seen.results.values()} == {"Writer: no disk", "Reader: no disk"}
    assert seen.next("a", holding=True) == Work(cells=(AA,))
    assert seen.next("b", holding=False) is None


@pytest.mark.parametrize("first", ["a", "b"])
def test_the_writer_has_the_first_word_whoever_breaks_first(first: str) -> None:
    """
    Two broken environments, and a writer without the format beside a broken reader: the letter and the reason do not
    depend on the order of events.
    """
    seen = board([AB, BA, cell("c", "a")])
    for name in sorted("ab", key=lambda name: name != first):
        seen.broke(name, EnvironmentFailed(f"{name} is lost"))
    seen.saved(saved(cell("c", "a"), unsupported="no such format"))

    assert {one: result.reason for one, result in seen.results.items()} == {
        AB: "Writer: a is lost",
        BA: "Writer: b is lost",
        cell("c", "a"): "c: no such format",
    }


def test_a_damaged_artifact_is_saved_again_once() -> None:
    """
    Its cells wait for the new one, also those that a reader has in hand; the second time they are `E`.
    """
    seen = board([AA, AB], {AA.save: saved(AA)})
    assert seen.next("b", holding=True) == Work(cells=(AB,))

    seen.spoiled(AA.save)
    assert seen.landed("b") == ()
    assert seen.next("a", holding=True) == Work(saves=(AA.save,))
    seen.saved(saved(AA))
    assert seen.next("b", holding=True) == Work(cells=(AB,))
    seen.spoiled(AA.save)

    assert letters(seen) == {AA: "E", AB: "E"}
    assert "changed on disk" in seen.results[AB].reason


def test_a_damaged_artifact_whose_writer_is_lost_is_lost() -> None:
    """
    Nobody can save it again.
    """
    seen = board([AA, AB], {AA.save: saved(AA)})
    seen.broke("a", EnvironmentFailed("no disk"))

    seen.spoiled(AA.save)

    assert {one: result.reason for one, result in seen.results.items()} == {
        AA: "Reader: no disk",
        AB: "Writer: no disk",
    }


def test_nothing_begins_on_a_closed_board() -> None:
    """
    Those who wait are sent away; the first reason is kept.
    """
    seen = board([AB])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(seen.next, "b", holding=False)
        seen.close("budget")
        seen.close("interrupted")
        assert waiting.result(5) is None

    assert (seen.next("a", holding=False), seen.closed) == (None, "budget")


@pytest.mark.parametrize("seed", range(12))
def test_each_cell_gets_one_letter_whatever_happens(seed: int) -> None:
    """
    Four environments that save, read, die, find damage and break in any order come to an end, every cell with its
    letter: `E` where a writer or reader broke, `U` where there is no format, `P` else.
    """
    chance, names = random.Random(seed), "abcd"  # noqa: S311 - no secret
    cells = [cell(w, r, kind, s) for w, r, kind, s in product(names, names, (Format.H5, Format.EXPORT), ("one", "two"))]
    chance.shuffle(cells)
    broken = {name for name in names if chance.random() < 0.2}
    seen = board(cells, crowd=Crowd(idle=bool(seed % 2), crowded=bool(seed % 3)))

    def live(name: str, luck: random.Random) -> None:
        while work := seen.next(name, holding=luck.random() < 0.5) or seen.next(name, holding=False):
            if name in broken and luck.random() < 0.3:
                seen.broke(name, EnvironmentFailed("lost"))
                return
            for save in work.saves:
                how = {"unsupported": "none"} if save.format is Format.EXPORT else {}
                seen.saved(Artifact(save=save, key="k", path=Path("x"), **how))  # type: ignore[arg-type]
            for one in work.cells:
                if luck.random() < 0.1:
                    break
                seen.measured(passed(one))
            seen.landed(name)

    with ThreadPoolExecutor(len(names)) as pool:
        for future in [pool.submit(live, name, random.Random(seed + ord(name))) for name in names]:  # noqa: S311
            future.result(30)

    assert seen.results.keys() == set(cells)
    for one, result in seen.results.items():
        if one.writer in seen.broken and result.status is Status.ENVIRONMENT:
            continue
        expected = "U" if one.format is Format.EXPORT else "E" if one.reader in seen.broken else "P"
        assert str(result.status) == expected or (one.reader in seen.broken and result.status is Status.PASS)
    until(lambda: seen.todo == (0, 0), 1)
