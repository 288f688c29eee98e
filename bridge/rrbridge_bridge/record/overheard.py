"""Topics that the recorder looks at for itself, whether they are recorded or not: a trigger, simulated time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rrbridge_bridge.live.source import Announced, Discovered, Dropped, Event, LiveSession, Received, Refused
from rrbridge_bridge.record.wrapped import WrappedSession

__all__ = ["Listener", "OverhearingSession"]

Listener = Callable[[Received], None]
"""Called in the receiving thread, with messages of a topic, before the recorder gets them."""


class OverhearingSession(WrappedSession):
    """Lets listeners hear topics. Of those that the recorder does not ask for, it learns nothing."""

    def __init__(
        self,
        inner: LiveSession,
        listeners: Mapping[str, Listener],
        is_recorded: Callable[[str, str], bool],
    ) -> None:
        """`listeners` by topic; `is_recorded` says of a topic and type whether the recorder will ask for it."""
        super().__init__(inner)
        self._listeners = listeners
        self._is_recorded = is_recorded
        self._asked: set[tuple[str, str]] = set()
        self._own: set[int] = set()
        """Connections that are for listeners alone."""

    def events(self) -> Iterator[Event]:
        """What the inner session says, without what is for listeners alone."""
        for event in self._inner.events():
            match event:
                case Discovered(topic, msgtypes):
                    yield event
                    self._ask(topic, msgtypes)
                case Announced(connection):
                    if (connection.topic, connection.msgtype) in self._asked:
                        self._own.add(connection.id)
                    else:
                        yield event
                case Refused(topic, msgtype) if (topic, msgtype) in self._asked:
                    yield event.notice("heard")
                case Received(batch):
                    if listener := self._listeners.get(batch.connection.topic):
                        listener(event)
                    if batch.connection.id not in self._own:
                        yield event
                case Dropped(connection) if connection.id in self._own:
                    pass  # that it was late for us is nobody else's loss
                case _:
                    yield event

    def _ask(self, topic: str, msgtypes: tuple[str, ...]) -> None:
        for msgtype in msgtypes if topic in self._listeners else ():
            if not self._is_recorded(topic, msgtype) and (topic, msgtype) not in self._asked:
                self._asked.add((topic, msgtype))
                self._inner.subscribe(topic, msgtype)
