"""Which topics hold until another message comes, and which hold everything else together."""

from __future__ import annotations

from rrbridge_bridge.live.source import Announced
from rrbridge_bridge.record.backlog import DropPolicy

__all__ = ["adds_up", "is_static", "policy_of"]

TRANSFORMS, STATIC_TRANSFORMS = "tf", "tf_static"


def is_static(announced: Announced) -> bool:
    """Whether messages of this connection hold until another comes, which may be never.

    A pause does not leave them out, and every later file of the run has them again.
    """
    return announced.latched or adds_up(announced.connection.topic)


def adds_up(topic: str) -> bool:
    """Whether each message says something of its own, so that none replaces all before it: static transforms."""
    return _name(topic) == STATIC_TRANSFORMS


def policy_of(announced: Announced) -> DropPolicy:
    """What to give up of a topic of which nothing is said: latched messages come only once, transforms hold all together."""
    keep = is_static(announced) or _name(announced.connection.topic) == TRANSFORMS
    return DropPolicy.NEVER if keep else DropPolicy.OLDEST


def _name(topic: str) -> str:
    return topic.rsplit("/", 1)[-1]
