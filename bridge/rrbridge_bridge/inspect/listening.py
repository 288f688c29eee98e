"""A running robot as a source of messages: its topics as they come up, its messages as they arrive."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rrbridge.errors import RecorderError, RrbridgeError
from rrbridge.importers import Note
from rrbridge_bridge.inspect.names import Asked, near_names, resolve
from rrbridge_bridge.inspect.source import Arrivals, Channel, Message
from rrbridge_bridge.live.source import Discovered, Dropped, Ended, LiveSession, Notice, Received, Refused
from rrbridge_bridge.readers import ReadOptions

__all__ = ["Listening", "may_mean"]

HELD_BYTES = 64 << 20
"""So much waits at most to be looked at; of more the oldest is dropped, and counted."""
TELL_SECS = 2.0
"""After so long a person is told that a topic is waited for."""
SETTLE_SECS = 0.5
"""A topic of which a field may be meant is taken after so long, if by then none has come up that has the whole name."""
POLL_SECS = 0.1


def may_mean(names: Sequence[str], topic: str) -> bool:
    """Whether one of the names typed may be this topic, or a field of it. Without names every topic is meant."""
    return not names or any(
        full == topic or full.startswith(f"{topic}/") for full in (f"/{name.lstrip('/')}" for name in names)
    )


class Listening:
    """Listens in a thread of its own to what is wanted. A context manager; leaving it ends the session."""

    def __init__(
        self,
        session: LiveSession,
        wants: Callable[[str, str], bool],
        *,
        definitions: Sequence[Path] = (),
        until: float | None = None,
        distro: str = "",
    ) -> None:
        """`wants` says of a topic and type whether to listen to it; `until`: on the monotonic clock."""
        self.description = session.description
        self.until = until
        self.discovered: dict[str, Discovered] = {}
        """Every topic that somebody publishes, or did."""
        self.dropped = 0
        """Messages that came faster than they were looked at."""
        self._session, self._wants = session, wants
        self._definitions, self._distro = definitions, distro
        self._changed = threading.Condition()
        self._waiting: deque[Received] = deque()
        self._waiting_bytes = 0
        self._notices: deque[Notice] = deque()
        self._asked: set[tuple[str, str]] = set()
        self._ended: str | None = None
        self._channels: dict[int, Channel] = {}
        self._thread = threading.Thread(target=self._listen, name="listen", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()
        self._thread.join(POLL_SECS)

    def _listen(self) -> None:
        error = ""
        try:
            for event in self._session.events():
                match event:
                    case Received():
                        self._put(event)
                    case Dropped():
                        self.dropped += event.count
                    case Discovered():
                        self._find(event)
                    case Refused():
                        self._notices.append(event.notice("heard"))
                    case Notice():
                        self._notices.append(event)
                    case Ended():
                        error = event.error
        except RrbridgeError as err:
            error = str(err)
        finally:
            with self._changed:
                self._ended = error
                self._changed.notify_all()

    def _find(self, event: Discovered) -> None:
        for msgtype in event.msgtypes:
            if (event.topic, msgtype) not in self._asked and self._wants(event.topic, msgtype):
                self._asked.add((event.topic, msgtype))
                self._session.subscribe(event.topic, msgtype)
        with self._changed:
            self.discovered[event.topic] = event
            self._changed.notify_all()

    def _put(self, event: Received) -> None:
        with self._changed:
            self._waiting.append(event)
            self._waiting_bytes += event.batch.payload_bytes
            while self._waiting_bytes > HELD_BYTES and len(self._waiting) > 1:
                oldest = self._waiting.popleft()
                self._waiting_bytes -= oldest.batch.payload_bytes
                self.dropped += len(oldest.batch)
            self._changed.notify_all()

    def take(self, until: float) -> list[Received]:
        """What has arrived, as soon as there is something; empty when that time (monotonic) has come, or all has ended.

        Raises RecorderError when the session ended with an error and nothing is left.
        """
        with self._changed:
            while not self._waiting and self._ended is None and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            taken = list(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            if not taken and self._ended:
                raise RecorderError(self._ended)
            return taken

    @property
    def is_over(self) -> bool:
        """Whether the time is up, or all that will ever come was taken."""
        return self._is_last and not (self._ended is not None and self._waiting)

    @property
    def _is_last(self) -> bool:
        """Whether nothing more will come, or is wanted."""
        return self._ended is not None or (self.until is not None and time.monotonic() >= self.until)

    def notices(self) -> list[Notice]:
        """What happened since the last call."""
        return [self._notices.popleft() for _ in range(len(self._notices))]

    def find(self, name: str, tell: Callable[[str], None]) -> Asked:
        """The topic, and the field of it, that a name means; waits until there is one. Raises RrbridgeError when time is up."""
        began = time.monotonic()
        seen: float | None = None
        told = False
        while True:
            topics = dict(self.discovered)
            full = f"/{name.lstrip('/')}"
            found = [topic for topic in topics if may_mean([name], topic)]
            now = time.monotonic()
            seen = (seen or now) if found else None
            if full in topics or (seen is not None and (now - seen >= SETTLE_SECS or self._is_last)):
                return resolve(name, topics, "the robot")
            if self._is_last:
                raise RrbridgeError(self._missing(name))
            if not told and now - began > TELL_SECS:
                told = True
                tell(f"waiting: {self._missing(name)}")
            with self._changed:
                self._changed.wait(POLL_SECS)

    def _missing(self, name: str) -> str:
        if self._ended:
            return self._ended
        topics = dict(self.discovered)
        near = near_names(name, topics)
        there = (
            f"there is {' or '.join(near)}"
            if near
            else f"there are {len(topics)} topics"
            if topics
            else "there is no topic"
        )
        return f"nobody publishes {name} on {self.description}; {there}"

    def topics(self) -> Mapping[str, str]:
        """The type of each topic so far."""
        return {topic: found.msgtypes[0] for topic, found in dict(self.discovered).items() if found.msgtypes}

    def messages(self, options: ReadOptions) -> Iterator[Message]:
        """Messages one by one as they arrive, until the time is up. Raises RecorderError when the session breaks."""
        for event in self._received(options):
            connection = event.batch.connection
            known = self._channels.get(connection.id)
            if known is None or known.connection != connection:
                bad = known.bad if known else 0
                known = self._channels[connection.id] = Channel.of(connection, self._definitions, self._distro)
                known.bad = bad
            yield from known.messages(event.batch)

    def arrivals(self, options: ReadOptions, *, exact: bool) -> Iterator[Arrivals]:  # noqa: ARG002 - of the protocol
        """Times and sizes as they arrive, until the time is up."""
        for event in self._received(options):
            yield Arrivals(event.batch.connection.topic, event.batch.log_time_nanos, event.batch.sizes)

    def _received(self, options: ReadOptions) -> Iterator[Received]:
        while True:
            yield from (e for e in self.gather(POLL_SECS) if options.wants(e.batch.connection.topic))
            if self.is_over:
                return

    def gather(self, secs: float) -> Iterator[Received]:
        """What arrives in so many seconds, or until all is over; of what has arrived by then nothing is left."""
        until = min(time.monotonic() + secs, float("inf") if self.until is None else self.until)
        while True:
            is_late = time.monotonic() >= until
            taken = self.take(until)
            yield from taken
            if is_late or (not taken and self._ended is not None):
                return

    @property
    def notes(self) -> Sequence[Note]:
        """What was found to be missing or odd."""
        found = [note for channel in self._channels.values() for note in channel.notes()]
        if self.dropped:
            found.append(Note(f"{self.dropped} messages came faster than they were shown", is_loss=True))
        return found
