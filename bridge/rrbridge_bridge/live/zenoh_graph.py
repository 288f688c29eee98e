"""The ROS graph as liveliness tokens tell it: who publishes what, and which nodes say what their types are made of."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from rrbridge_bridge.live.qos import offered_in_words
from rrbridge_bridge.live.source import Discovered
from rrbridge_bridge.live.zenoh_definitions import DESCRIBE_SERVICE, DESCRIBE_TYPE
from rrbridge_bridge.live.zenoh_keys import PUBLISHER, SERVICE, Token, every_token, node_names, ros_type, token_of
from rrbridge_bridge.live.zenoh_network import Joined

if TYPE_CHECKING:
    import zenoh

__all__ = ["Graph"]

log = logging.getLogger(__name__)


class Graph:
    """What is known of the other nodes. Tokens are noted as they come and looked at when `changes` is asked."""

    def __init__(self, joined: Joined) -> None:
        self._seen: deque[tuple[bool, str]] = deque()
        self._publishers: defaultdict[str, dict[str, Token]] = defaultdict(dict)
        """By topic and the token itself."""
        self._services: dict[tuple[str, str], Token] = {}
        """Those that describe types, by session and node."""
        self._discovery = joined.session.liveliness().declare_subscriber(
            every_token(joined.domain), self._saw, history=True
        )

    def _saw(self, sample: zenoh.Sample) -> None:
        import zenoh

        self._seen.append((sample.kind == zenoh.SampleKind.PUT, str(sample.key_expr)))

    def changes(self) -> list[str]:
        """Topics whose publishers have changed since this was last asked."""
        topics: dict[str, None] = {}
        while self._seen:
            came, key = self._seen.popleft()
            token = token_of(key)
            if token is None:
                log.debug("not a token of rmw_zenoh: %s", key)
            elif token.kind == PUBLISHER:
                if came:
                    self._publishers[token.topic][key] = token
                else:
                    self._publishers[token.topic].pop(key, None)
                topics[token.topic] = None
            elif token.kind == SERVICE and token.topic.endswith(f"/{DESCRIBE_SERVICE}"):
                if came and ros_type(token.type_name) == DESCRIBE_TYPE:
                    self._services[token.zid, token.nid] = token
                else:
                    self._services.pop((token.zid, token.nid), None)
        return list(topics)

    def publishers(self, topic: str, data_key: str | None = None) -> list[Token]:
        """Of a topic; with `data_key` those of one type and hash."""
        tokens = self._publishers.get(topic, {}).values()
        return [token for token in tokens if data_key in (None, token.data_key)]

    def describer(self, publisher: Token) -> Token | None:
        """The service of the publisher's node that says what types are made of."""
        return self._services.get((publisher.zid, publisher.nid))

    def discovered(self, topic: str) -> Discovered:
        """How a topic is published now."""
        publishers = self.publishers(topic)
        return Discovered(
            topic,
            tuple(dict.fromkeys(ros_type(p.type_name) for p in publishers)),
            frozenset(p.endpoint for p in publishers),
            tuple(node_names(publishers)),
            offered_in_words([p.qos.facts() for p in publishers]),
        )
