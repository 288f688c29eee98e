"""Which connections of a recording are latched."""

from __future__ import annotations

import re

from rrbridge_bridge.raw import Connection

__all__ = ["is_latched"]

TRANSIENT_LOCAL = re.compile(r"durability:\s*(?:1|transient_local)\b")


def is_latched(connection: Connection) -> bool:
    """Whether late subscribers get the last message: ROS 1 latching, ROS 2 transient local, static transforms."""
    qos = connection.metadata.get("offered_qos_profiles", "")
    return (
        connection.topic.endswith("tf_static")
        or connection.metadata.get("latching", "0") in ("1", "true", "True")
        or TRANSIENT_LOCAL.search(qos) is not None
    )
