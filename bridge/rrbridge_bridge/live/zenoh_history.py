"""What latched publishers sent before, asked for once more.

Zenoh brings it by itself, but now and then only the last of several messages (seen with 1.10, one time in twenty).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rrbridge_bridge.live.zenoh_inbox import Inbox, Sample
from rrbridge_bridge.live.zenoh_keys import read_attachment
from rrbridge_bridge.live.zenoh_streams import Stream, depth_of

if TYPE_CHECKING:
    import zenoh

__all__ = ["History"]

LOOK_BACK_SECS = (0.3, 1.5)
REPEATS_SECS = 10.0
ASK_SECS = 2.0
LIMIT_BYTES = 64 << 20


class History:
    """Answers wait in an inbox of their own."""

    def __init__(self, session: zenoh.Session) -> None:
        self._session = session
        self._inbox = Inbox(LIMIT_BYTES)

    def expect(self, stream: Stream) -> None:
        """Ask a little later; until then, and some time after, messages may come that were heard already."""
        if stream.qos.is_latched:
            now = time.monotonic()
            stream.repeats_until = now + REPEATS_SECS
            stream.look_back = [now + secs for secs in LOOK_BACK_SECS]

    def ask(self, streams: Iterable[Stream]) -> None:
        """Ask those whose time has come."""
        now = time.monotonic()
        for stream in streams:
            if stream.look_back and now >= stream.look_back[0]:
                stream.look_back.pop(0)
                self._ask(stream)

    def _ask(self, stream: Stream) -> None:
        import zenoh

        arrived = self._inbox.listener(stream.connection.id)

        def kept(reply: zenoh.Reply) -> None:
            if reply.ok is not None:
                arrived(reply.ok)

        self._session.get(
            f"{stream.key}/@adv/pub/**?_anyke;_max={depth_of(stream.qos)}",
            kept,
            consolidation=zenoh.ConsolidationMode.NONE,  # the last of each key alone, by default
            timeout=ASK_SECS,
        )

    def answers(self) -> list[Sample]:
        """What has come, without those of which nobody could tell whether they are repeats."""
        return [sample for sample in self._inbox.take() if read_attachment(sample[3])[0]]
