"""Work in a thread of its own: the same items in the same order, bounded, and stopped when nobody wants more."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest
from waiting import until

from rrbridge_bridge.ahead import ahead


def weightless(_item: int) -> int:
    return 0


def numbers(count: int, log: list[int] | None = None) -> Generator[int]:
    for number in range(count):
        if log is not None:
            log.append(number)
        yield number


@pytest.mark.parametrize("most", [0, 3, 1000])
def test_items_come_in_order_whatever_the_bound(most: int) -> None:
    with ahead(numbers(200), lambda _: 1, most) as items:
        assert list(items) == list(range(200))


def test_it_goes_ahead_no_further_than_the_bound() -> None:
    made: list[int] = []
    with ahead(numbers(100, made), lambda _: 10, 50) as items:
        until(lambda: len(made) >= 7)
        time.sleep(0.02)
        assert len(made) == 7, "six wait, 60 of 50, and one more is in hand"
        assert next(items) == 0
    assert len(made) < 10


def test_what_goes_wrong_is_raised_at_its_place() -> None:
    def failing() -> Generator[int]:
        yield 1
        raise ValueError("boom")

    with ahead(failing(), weightless, 0) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="boom"):
            next(items)


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_leaving_stops_the_thread_and_closes_the_generator(taken: int) -> None:
    closed: list[threading.Thread] = []

    def endless() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(threading.current_thread())

    def interrupted() -> None:
        with ahead(endless(), lambda _: 1, 2) as items:
            for _ in range(taken):
                next(items)
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(closed) == 1
    assert closed[0] is not threading.current_thread()
    assert threading.active_count() == before
