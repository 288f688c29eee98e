"""Asking nodes over Zenoh what a type is made of, which every node answers since Iron."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from rrbridge_bridge.live.holds import Holds
from rrbridge_bridge.live.zenoh_definitions import answered_definition, request
from rrbridge_bridge.live.zenoh_graph import Graph
from rrbridge_bridge.live.zenoh_keys import attachment, gid_of
from rrbridge_bridge.live.zenoh_streams import Stream

if TYPE_CHECKING:
    import zenoh

__all__ = ["MEET_SECS", "Asking"]

MEET_SECS = 1.0
"""A node's service may be heard of a little later than its publishers."""
HOLD_SECS = 3.0
ASK_SECS = 2.0


class Asking:
    """Answers are noted as they come, and taken by `answers`."""

    def __init__(self, session: zenoh.Session, graph: Graph, holds: Holds) -> None:
        """`holds`: connections wait there for the answer."""
        self._session = session
        self._graph = graph
        self._holds = holds
        self._answers: deque[tuple[int, str, str]] = deque()

    def ask(self, stream: Stream) -> None:
        """Ask a publisher's node, once, as soon as the node's service is known."""
        import zenoh

        publishers = self._graph.publishers(stream.connection.topic, stream.key)
        asked = next(((p, service) for p in publishers if (service := self._graph.describer(p))), None)
        if stream.asked or asked is None:
            return
        publisher, service = asked
        stream.asked = True
        self._holds.wait(stream.connection.id, HOLD_SECS)
        number, msgtype, answers = stream.connection.id, stream.connection.msgtype, self._answers

        def answered(reply: zenoh.Reply) -> None:
            if reply.ok is not None:
                definition, reason = answered_definition(reply.ok.payload.to_bytes(), msgtype)
            else:
                definition, reason = "", "no answer"
            answers.append((number, definition, f"asked {publisher.full_node_name}: {reason}" if reason else ""))

        self._session.get(
            service.data_key,
            answered,
            target=zenoh.QueryTarget.ALL_COMPLETE,
            consolidation=zenoh.ConsolidationMode.NONE,
            timeout=ASK_SECS,
            payload=request(msgtype, stream.type_hash),
            attachment=attachment(1, time.time_ns(), gid_of(f"{self._session.zid()}/{number}")),
        )

    def answers(self) -> list[tuple[int, str, str]]:
        """Connection, definition, and what was answered instead of one."""
        return [self._answers.popleft() for _ in range(len(self._answers))]
