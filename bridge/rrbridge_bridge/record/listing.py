"""What could be recorded: topics, who publishes them and how, and if asked for how much they bring."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rrbridge.errors import RecorderError
from rrbridge_bridge.format import size
from rrbridge_bridge.live.source import Announced, Discovered, Ended, LiveSession, Received
from rrbridge_bridge.record.selection import Selection

__all__ = ["ListedTopic", "as_json_lines", "as_table", "listed_topics"]

SETTLED_SECS = 1.5
"""Nothing new for so long: everything that is here has been found."""
MOST_SECS = 6.0
"""Finding an existing publisher may take the middleware some seconds."""


@dataclass(frozen=True, slots=True)
class ListedTopic:
    """A topic that has publishers."""

    topic: str
    msgtypes: tuple[str, ...]
    publishers: int
    """How many endpoints."""
    nodes: tuple[str, ...]
    """Their nodes, where the middleware tells them."""
    qos: str
    """What they offer; empty where there is no such thing."""
    hertz: float | None = None
    """None: not measured."""
    bytes_per_sec: float | None = None


class _Ear(threading.Thread):
    """Hears a session in a thread of its own."""

    def __init__(self, session: LiveSession, selection: Selection, *, measure: bool) -> None:
        super().__init__(name="record-list", daemon=True)
        self._session = session
        self._selection = selection
        self._measure = measure
        self._asked: set[tuple[str, str]] = set()
        self.found: dict[str, Discovered] = {}
        self.counts: dict[str, tuple[int, int]] = {}
        self.changed = time.monotonic()
        self.error = ""

    def run(self) -> None:
        """Until the session ends."""
        try:
            for event in self._session.events():
                self._take(event)
        except RecorderError as err:
            self.error = str(err)

    def _take(self, event: object) -> None:
        match event:
            case Discovered(topic):
                self.found[topic] = event
                self.changed = time.monotonic()
                for msgtype in event.msgtypes if self._measure else ():
                    if self._selection.wants(topic, msgtype) and (topic, msgtype) not in self._asked:
                        self._asked.add((topic, msgtype))
                        self._session.subscribe(topic, msgtype)
            case Announced(connection):
                self.counts.setdefault(connection.topic, (0, 0))
            case Received(batch):
                count, nbytes = self.counts[batch.connection.topic]
                self.counts[batch.connection.topic] = (count + len(batch), nbytes + batch.payload_bytes)
            case Ended(error):
                self.error = error


def listed_topics(session: LiveSession, selection: Selection, measure_secs: float | None = None) -> list[ListedTopic]:
    """What a session finds within some seconds; then messages are counted for `measure_secs`, if that is given.

    The session is closed. Raises RecorderError if it ends by itself.
    """
    ear = _Ear(session, selection, measure=measure_secs is not None)
    ear.start()
    try:
        _settle(ear)
        before, counted_from = dict(ear.counts), time.monotonic()
        if measure_secs is not None:
            ear.join(measure_secs)
        secs = time.monotonic() - counted_from
        after, found, failed = dict(ear.counts), dict(ear.found), not ear.is_alive() and ear.error
    finally:
        session.close()
        ear.join(MOST_SECS)
    if failed:
        raise RecorderError(ear.error)
    topics = []
    for topic, said in sorted(found.items()):
        if said.publishers and any(selection.wants(topic, msgtype) for msgtype in said.msgtypes):
            rates: tuple[float | None, float | None] = (None, None)
            if measure_secs is not None and secs > 0:
                (old, old_bytes), (new, new_bytes) = before.get(topic, (0, 0)), after.get(topic, (0, 0))
                rates = ((new - old) / secs, (new_bytes - old_bytes) / secs)
            topics.append(ListedTopic(topic, said.msgtypes, len(said.publishers), said.nodes, said.qos, *rates))
    return topics


def _settle(ear: _Ear) -> None:
    """Wait until what is here has been found."""
    began = time.monotonic()
    while ear.is_alive() and time.monotonic() - began < MOST_SECS:
        time.sleep(0.05)
        if ear.found and time.monotonic() - max(ear.changed, began) > SETTLED_SECS:
            return


def as_table(console: Console, description: str, topics: Sequence[ListedTopic]) -> None:
    """For people."""
    if not topics:
        console.print(Text(f"there is no topic to record on {description}", "yellow"))
        return
    columns = {"qos": any(t.qos for t in topics), "rate": any(t.hertz is not None for t in topics)}
    table = Table(box=None, pad_edge=False)
    for name in ("topic", "type", "publishers"):
        table.add_column(name, overflow="fold")
    if columns["qos"]:
        table.add_column("quality of service", overflow="fold")
    if columns["rate"]:
        table.add_column("Hz", justify="right")
        table.add_column("rate", justify="right")
    for topic in topics:
        row = [topic.topic, ", ".join(topic.msgtypes), ", ".join(topic.nodes) or str(topic.publishers)]
        row += [topic.qos] if columns["qos"] else []
        row += [f"{topic.hertz or 0:.1f}", f"{size(topic.bytes_per_sec or 0)}/s"] if columns["rate"] else []
        table.add_row(*row)
    console.print(table)
    console.print(Text(f"{len(topics)} topics on {description}", "dim"))


def as_json_lines(description: str, topics: Sequence[ListedTopic]) -> str:
    """For programs: an object per topic."""
    return "".join(json.dumps(asdict(topic) | {"source": description}) + "\n" for topic in topics)
