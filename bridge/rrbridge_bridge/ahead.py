"""Work that goes ahead in a thread of its own, so that both ends of a pipeline have a processor each.

What takes the time releases Python's lock: numpy, (de)compression, reading and writing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


@contextmanager
def ahead(made: Generator[T], weight: Callable[[T], int], most: int) -> Iterator[Iterator[T]]:
    """The same items in the same order, made in another thread while the caller works on those before.

    The thread waits while what is made but not taken weighs more than `most`, so memory stays bounded. What it raises, the
    caller gets at that place. Leaving the context stops and closes the generator.
    """
    line = _Line(made, weight, most)
    thread = threading.Thread(target=line.make, name=f"ahead of {threading.current_thread().name}", daemon=True)
    thread.start()
    try:
        yield line.taken()
    finally:
        line.stop()
        thread.join()


class _Line(Generic[T]):
    """What is made and waits to be taken."""

    def __init__(self, made: Generator[T], weight: Callable[[T], int], most: int) -> None:
        self._made, self._weight, self._most = made, weight, most
        self._changed = threading.Condition()
        self._waiting: deque[T] = deque()
        self._waiting_weight = 0
        self._is_finished = self._is_stopped = False
        self._error: BaseException | None = None

    def make(self) -> None:
        """Run in the thread: until the generator ends, fails, or nobody wants more."""
        try:
            for item in self._made:
                if not self._put(item):
                    break
            self._made.close()
        except BaseException as err:  # noqa: BLE001 - it is raised where the items are taken
            self._error = err
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def _put(self, item: T) -> bool:
        weight = self._weight(item)
        with self._changed:
            while self._waiting_weight > self._most and not self._is_stopped:
                self._changed.wait()
            self._waiting.append(item)
            self._waiting_weight += weight
            self._changed.notify_all()
            return not self._is_stopped

    def taken(self) -> Iterator[T]:
        """The items, as they come; then what the generator raised."""
        while True:
            with self._changed:
                while not self._waiting and not self._is_finished:
                    self._changed.wait()
                if not self._waiting:
                    break
                item = self._waiting.popleft()
                self._waiting_weight -= self._weight(item)
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Nobody wants more."""
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            self._changed.notify_all()
