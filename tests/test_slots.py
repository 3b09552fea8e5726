"""Who may work now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from programs import until

from matrix.slots import Closed, Slots


def test_no_more_than_there_are_places() -> None:
    """
    Twenty threads that share three places are never more than three inside.
    """
    slots, inside, most, lock = Slots(3), [0], [0], threading.Lock()

    def work(number: int) -> None:
        for _ in range(50):
            with slots.taken(number):
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                with lock:
                    inside[0] -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))

    assert most[0] <= 3
    assert (slots.free, slots.wanted) == (3, False)


def entering(slots: Slots, urgency: tuple[int, ...], note: Callable[[], None]) -> Callable[[], None]:
    """A thread's work: to take a place, and say so."""

    def enter() -> None:
        with slots.taken(*urgency):
            note()

    return enter


def waiting(slots: Slots, count: int) -> bool:
    """Whether so many threads wait."""
    return len(slots._waiting) == count


def test_the_most_urgent_is_next() -> None:
    """
    Whoever came first among equals, and before them whoever has the lowest numbers.
    """
    slots, order = Slots(1), list[str]()
    wanted = [((1, 0), "load"), ((0, 5), "late save"), ((0, 2), "save"), ((0, 2), "save as well"), ((1,), "early load")]
    with ThreadPoolExecutor(len(wanted)) as pool, slots.taken(9):
        for count, (urgency, name) in enumerate(wanted, 1):
            pool.submit(entering(slots, urgency, partial(order.append, name)))
            until(partial(waiting, slots, count))
        assert slots.wanted

    assert order == ["save", "save as well", "late save", "early load", "load"]


def test_an_error_inside_gives_the_place_back() -> None:
    """
    A place is free again however its block ended.
    """
    slots = Slots(1)

    with pytest.raises(ZeroDivisionError), slots.taken(0):
        raise ZeroDivisionError

    with slots.taken(0):
        assert slots.free == 0
    assert slots.free == 1


def test_nobody_enters_what_is_closed() -> None:
    """
    Those who wait are sent away, those who come later too; whoever is inside finishes in peace.
    """
    slots = Slots(1)
    with ThreadPoolExecutor(2) as pool, slots.taken(0):
        sent: Future[None] = pool.submit(entering(slots, (1,), lambda: pytest.fail("it was let in")))
        until(lambda: slots.wanted)
        slots.close()
        assert isinstance(sent.exception(5), Closed)

    with pytest.raises(Closed), slots.taken(0):
        pytest.fail("it was let in")
    assert slots.free == 1
