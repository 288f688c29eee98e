"""Entity paths as a tree to fold and unfold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rrbridge import _entity_path

__all__ = ["Node", "entity_tree"]


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a path and what is below it."""

    name: str
    """As a person reads it, unescaped."""
    path: str
    has_data: bool
    children: tuple[Node, ...] = ()


@lru_cache(maxsize=256)
def entity_tree(paths: Sequence[str]) -> tuple[Node, ...]:
    """The trees that hold these paths, which rise. A chain of parts without data becomes one node: `robot/arm/left`."""
    return _nodes([(path, tuple(_entity_path.parts(path))) for path in paths], 0)


def _nodes(entries: list[tuple[str, tuple[str, ...]]], depth: int) -> tuple[Node, ...]:
    groups: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    root = [path for path, parts in entries if not parts and depth == 0]
    for path, parts in entries:
        if len(parts) > depth:
            groups.setdefault(parts[depth], []).append((path, parts))
    made = [Node("/", path, has_data=True) for path in root]
    for part, members in groups.items():
        name, level = _entity_path.unescape(part), depth + 1
        while len({parts[level] if len(parts) > level else None for _, parts in members}) == 1 and all(
            len(parts) > level for _, parts in members
        ):
            name += "/" + _entity_path.unescape(members[0][1][level])
            level += 1
        path = "/" + "/".join(members[0][1][:level])
        has_data = any(len(parts) == level for _, parts in members)
        made.append(Node(name, path, has_data, _nodes(members, level)))
    return tuple(made)
