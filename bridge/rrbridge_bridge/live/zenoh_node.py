"""A node of ours in the ROS graph, as `rmw_zenoh` tells of nodes: by liveliness tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rrbridge_bridge.live.zenoh_keys import NODE, Qos, Token
from rrbridge_bridge.live.zenoh_network import Joined

if TYPE_CHECKING:
    import zenoh

__all__ = ["Node"]


class Node:
    """It is in the graph as long as the session is."""

    def __init__(self, joined: Joined, name: str) -> None:
        self._session = joined.session
        self._domain = joined.domain
        self._name = name
        self._entities = 0
        self._own = self.declare(self.token(NODE))

    def token(
        self, kind: str, topic: str = "", type_name: str = "", type_hash: str = "", qos: Qos | None = None
    ) -> Token:
        """Of another endpoint, or of the node itself; nobody knows of it before it is declared."""
        entity = self._entities
        self._entities += 1
        zid = str(self._session.zid())
        return Token(
            self._domain, zid, "0", str(entity), kind, "/", self._name, topic, type_name, type_hash, qos or Qos(), "/"
        )

    def declare(self, token: Token) -> zenoh.LivelinessToken:
        """Tell of it, until the answer is undeclared or given up."""
        return self._session.liveliness().declare_token(token.key)
