"""A live session that a test listens to: its events are gathered in a thread, every topic is subscribed to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from waiting import WAIT_SECS, until

from rrbridge_bridge.live.source import (
    Announced,
    Discovered,
    Document,
    Ended,
    Event,
    LiveSession,
    Notice,
    Received,
)
from rrbridge_bridge.raw import Connection

__all__ = ["Listening"]

E = TypeVar("E", bound=Event)


class Listening:
    """Listens from the beginning of a `with` block to its end, or to `stop`."""

    def __init__(self, session: LiveSession, wants: Callable[[str], bool] = lambda _: True) -> None:
        self.session = session
        self.events: list[Event] = []
        self._wants = wants
        self._asked: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        for event in self.session.events():
            self.events.append(event)
            if isinstance(event, Discovered) and self._wants(event.topic):
                for msgtype in event.msgtypes:
                    if (event.topic, msgtype) not in self._asked:  # as the recorder does
                        self._asked.add((event.topic, msgtype))
                        self.session.subscribe(event.topic, msgtype)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()
        self._thread.join(WAIT_SECS)
        assert not self._thread.is_alive()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for it."""
        until(condition, lambda: f"events; heard {self.events[-10:]}")

    def stop(self) -> Ended:
        """Ask for an orderly end and wait for it."""
        self.session.stop()
        self._thread.join(WAIT_SECS)
        assert not self._thread.is_alive()
        last = self.events[-1]
        assert isinstance(last, Ended)
        return last

    def of(self, kind: type[E]) -> list[E]:
        """Events of one kind so far."""
        return [event for event in list(self.events) if isinstance(event, kind)]

    @property
    def announced(self) -> dict[str, Connection]:
        """Connections by topic, as they were announced last."""
        return {event.connection.topic: event.connection for event in self.of(Announced)}

    @property
    def documents(self) -> dict[str, str]:
        """Texts by entity."""
        return {event.entity: event.text for event in self.of(Document)}

    @property
    def texts(self) -> list[str]:
        """What was told."""
        return [event.text for event in self.of(Notice)]

    def payloads(self, topic: str) -> list[bytes]:
        """A topic's messages in the order in which they came."""
        batches = [event.batch for event in self.of(Received) if event.batch.connection.topic == topic]
        rows = [(int(b.order[row]), b.payload(row).tobytes()) for b in batches for row in range(len(b))]
        assert rows == sorted(rows, key=lambda row: row[0])
        return [payload for _, payload in rows]

    def count(self, topic: str) -> int:
        """How many messages of a topic came."""
        return sum(len(event.batch) for event in self.of(Received) if event.batch.connection.topic == topic)
