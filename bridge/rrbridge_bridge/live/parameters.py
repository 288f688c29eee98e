"""Parameters of ROS 2 nodes as `ros2 param dump` writes them, which `ros2 run --params-file` takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rrbridge._entity_path import escape_entity_path_part

__all__ = ["PARAMETERS_ENTITY", "dumped", "entity_of"]

PARAMETERS_ENTITY = "/__parameters"
"""Below it stands a text for each node of ROS 2; of ROS 1, the text that is the parameter server's."""


def entity_of(name: str) -> str:
    """A node's or topic's name as an entity path."""
    return "".join("/" + escape_entity_path_part(part) for part in name.split("/") if part)


def dumped(node: str, values: Iterable[Sequence[Any]]) -> str:
    """YAML of one node, named in full; values are `(name, kind, value)`, where dots in a name are levels."""
    import yaml

    tree: dict[str, Any] = {}
    for name, kind, value in values:
        *levels, last = str(name).split(".")
        place = tree
        for level in levels:
            inner = place.setdefault(level, {})
            if not isinstance(inner, dict):  # a parameter of that name has a value of its own
                place, last = tree, str(name)
                break
            place = inner
        if isinstance(place.get(last), dict):
            place, last = tree, str(name)
        place[last] = bytes(value) if kind == "byte_array" else value
    return yaml.safe_dump({node: {"ros__parameters": tree}}, default_flow_style=False, allow_unicode=True)
