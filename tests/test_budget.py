"""What a run leaves out when time or disk is short, and what it measures first."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from values import environment, scenario

from matrix.budget import Budget, left_out, note, within_disk
from matrix.model import Cell, Environment, Format, Variant
from matrix.outlook import BUILD_SECONDS, IMPORT_SECONDS, LOAD_SECONDS, SAVE_SECONDS
from matrix.plan import plan, rank

AXIS = [environment(f"tf-2.{n}", f"2.{n}.0", "3.0" if n > 15 else "2.0", download=250_000_000) for n in range(10, 20)]
GENERATIONS = {item.id: item.generation for item in AXIS}
FOCUS = ("tf-2.15", "tf-2.19")
GB = 10**9


def cell(writer: str, reader: str) -> Cell:
    """A cell."""
    return Cell(writer=writer, reader=reader, scenario="plain", variant=Variant.BARE, format=Format.H5)


def ranked(one: Cell) -> int:
    """How much a cell tells about the pair of the verdict."""
    return rank(one, FOCUS, GENERATIONS)


def test_the_pair_of_the_verdict_tells_most() -> None:
    """
    Then what it is compared with, then every diagonal, then other steps between generations, and at last the rest.
    """
    order = [
        [cell("tf-2.15", "tf-2.19")],
        [cell("tf-2.15", "tf-2.15"), cell("tf-2.19", "tf-2.19"), cell("tf-2.19", "tf-2.15")],
        [cell("tf-2.12", "tf-2.12")],
        [cell("tf-2.15", "tf-2.18"), cell("tf-2.12", "tf-2.19")],
        [cell("tf-2.12", "tf-2.18"), cell("tf-2.18", "tf-2.12")],
        [cell("tf-2.12", "tf-2.13"), cell("tf-2.19", "tf-2.18")],
    ]

    assert [[ranked(one) for one in row] for row in order] == [[n] * len(row) for n, row in enumerate(order)]


def test_every_cell_has_a_rank() -> None:
    """
    Also where both ends of the verdict are one environment.
    """
    same = ("tf-2.12", "tf-2.12")

    assert {rank(cell(*pair), same, GENERATIONS) for pair in product(GENERATIONS, repeat=2)} <= set(range(6))


def test_without_a_limit_every_environment_fits() -> None:
    """
    In the order of the axis.
    """
    assert within_disk(AXIS, FOCUS, {}, None) == tuple(GENERATIONS)


def test_the_pair_of_the_verdict_always_fits() -> None:
    """
    A limit that is too small for it leaves the pair, and nothing else.
    """
    assert within_disk(AXIS, FOCUS, {}, 1) == FOCUS


def test_the_first_that_fit_are_the_most_different_ones() -> None:
    """
    Both ends of each generation, then always the middle of the widest gap.
    """
    sizes = dict.fromkeys(GENERATIONS, GB)

    chosen = [set(within_disk(AXIS, FOCUS, sizes, count * GB)) for count in range(2, 11)]

    assert chosen[0] == set(FOCUS)
    assert chosen[2] == {"tf-2.10", "tf-2.15", "tf-2.16", "tf-2.19"}
    assert all(small < big for small, big in pairwise(chosen))
    assert len(chosen[-1]) == 10


def test_what_is_built_is_weighed_and_the_rest_estimated() -> None:
    """
    A small environment that is there already fits where an estimated one does not.
    """
    sizes = {"tf-2.15": GB, "tf-2.19": GB, "tf-2.13": GB // 10}

    assert set(within_disk(AXIS, FOCUS, sizes, 2 * GB + GB // 5)) == {*FOCUS, "tf-2.13"}


def seconds(builds: int, imports: int, saves: int, loads: int) -> float:
    """What so much work takes."""
    return builds * BUILD_SECONDS + imports * IMPORT_SECONDS + saves * SAVE_SECONDS + loads * LOAD_SECONDS


PLAN = plan(AXIS, [scenario()], [Format.H5])


def measured(
    time: float, *, known: set[Cell] | None = None, unbuilt: set[str] | None = None, jobs: int = 1
) -> set[Cell]:
    """The cells that fit into a time."""
    out = left_out(PLAN.cells, known or set(), ranked, unbuilt=unbuilt or set(), seconds=time, jobs=jobs)
    return set(PLAN.cells) - out


def test_the_most_telling_cells_fit_first() -> None:
    """
    Time for one cell is for the pair of the verdict; time for nothing leaves nothing.
    """
    assert measured(0) == set()
    assert measured(seconds(0, 2, 1, 1)) == {cell(*FOCUS)}
    assert measured(1e9) == set(PLAN.cells)


def test_more_time_gets_further_down_the_ranks() -> None:
    """
    The first cell that is left out is never a more telling one when there is more time.
    """
    grown = [measured(time) for time in range(0, 200, 10)]
    first = [min((ranked(one) for one in set(PLAN.cells) - fit), default=6) for fit in grown]

    assert all(less <= more for less, more in pairwise(first))
    assert (first[0], first[-1]) == (0, 6)


def test_building_counts_and_what_is_known_does_not() -> None:
    """
    An environment that has to be built costs its time, a cell that was measured costs none, and two jobs do twice.
    """
    time = seconds(0, 2, 1, 1)
    pair = cell(*FOCUS)

    assert measured(time, unbuilt=set(GENERATIONS)) == set()
    assert measured(time + seconds(2, 0, 0, 0), unbuilt=set(GENERATIONS)) == {pair}
    assert measured(0, known=set(PLAN.cells)) == set(PLAN.cells)
    assert measured(time / 2, jobs=2) == {pair}


@pytest.mark.parametrize(
    ("cells", "budget", "said"),
    [
        pytest.param(0, Budget(seconds=60), "", id="nothing"),
        pytest.param(
            1200, Budget(seconds=1200), "Left out by --budget 20m: 1,200 cells, the least telling ones.", id="time"
        ),
        pytest.param(
            7,
            Budget(seconds=90, disk=15 * GB),
            "Left out by --budget 1.5m and --max-disk 15.0 GB: 7 cells, the least telling ones.",
            id="both",
        ),
        pytest.param(7, Budget(), "", id="neither"),
    ],
)
def test_the_page_says_what_was_left_out(cells: int, budget: Budget, said: str) -> None:
    """
    How many cells, and by which option.
    """
    assert note(cells, budget) == said


def test_an_axis_of_one_or_two_is_spread_as_well() -> None:
    """
    There is nothing between them.
    """
    one: list[Environment] = AXIS[:1]

    assert within_disk(one, (one[0].id, one[0].id), {}, None) == (one[0].id,)
    assert within_disk(AXIS[:2], (AXIS[0].id, AXIS[1].id), {}, None) == ("tf-2.10", "tf-2.11")
