"""What the ROS 1 parameter server knows when a recording begins, and the robots' descriptions among it.

In ROS 1 a robot's URDF is a parameter, `/robot_description`; in ROS 2 it is a latched topic of that name. It is recorded as the
topic, so that a robot is drawn from recordings of both alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xmlrpc.client import Binary, DateTime

from rrbridge_bridge.live.parameters import PARAMETERS_ENTITY
from rrbridge_bridge.live.source import Document
from rrbridge_bridge.raw import Connection

__all__ = ["SERVER", "Parameters", "description_connection", "description_payload"]

DESCRIPTION = "robot_description"
SIMULATED = "use_sim_time"
MAX_DEPTH = 50
SERVER = "/parameter_server"
"""Stands for the caller of what no node publishes."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters at one time, as the tree that they are."""

    tree: Mapping[str, Any]
    time_nanos: int

    @classmethod
    def of(cls, value: Any, time_nanos: int) -> Parameters:
        """From what `getParam('/')` answers. Raises ValueError if that is no tree, or a bottomless one."""
        if not isinstance(value, dict):
            raise ValueError("the parameters are no tree")  # noqa: TRY004 - it comes from outside
        tree: dict[str, Any] = _plain(value, MAX_DEPTH)
        return cls(tree, time_nanos)

    def document(self) -> Document:
        """The tree as `rosparam dump` writes it, and `rosparam load` reads it."""
        import yaml

        return Document(PARAMETERS_ENTITY, "text/yaml", yaml.safe_dump(self.tree, allow_unicode=True), self.time_nanos)

    def descriptions(self) -> dict[str, str]:
        """URDF texts by the topic that ROS 2 would have for each."""
        return dict(_named(DESCRIPTION, self.tree, ""))

    @property
    def is_simulated(self) -> bool:
        """Whether nodes take the time from `/clock`."""
        return self.tree.get(SIMULATED) is True


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError(f"the parameters are more than {MAX_DEPTH} levels deep")
    match value:
        case dict():
            return {str(name): _plain(inner, depth - 1) for name, inner in value.items()}
        case list():
            return [_plain(inner, depth - 1) for inner in value]
        case Binary():
            return bytes(value.data)
        case DateTime():
            return str(value)
    return value


def _named(name: str, tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if key == name and isinstance(value, str):
            yield f"{path}/{key}", value
        elif isinstance(value, dict):
            yield from _named(name, value, f"{path}/{key}")


def description_connection(topic: str) -> Connection:
    """A latched topic of one string."""
    about = {"callerid": SERVER, "latching": "1", "md5sum": "992ce8a1687cec8c8bd883ec73ca41d1"}
    return Connection(0, topic, "std_msgs/msg/String", "ros1", "string data\n", "ros1msg", about)


def description_payload(text: str) -> bytes:
    """The string as a `std_msgs/String`."""
    data = text.encode()
    return len(data).to_bytes(4, "little") + data
