"""The whole tree of frames at one time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rrbridge.errors import TransformError

__all__ = ["Relations", "Shape", "Snapshot", "inverse"]

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """How many frames stand to one target frame."""

    target: str
    sources: tuple[str, ...]
    target_from_source: Doubles
    """Shape (n, 4, 4); not a number where they are not connected."""
    connected: Bools
    """Shape (n,)."""
    _why: Callable[[str, str], TransformError]

    def error(self, index: int) -> TransformError | None:
        """Why a source is not connected; None if it is."""
        return None if self.connected[index] else self._why(self.target, self.sources[index])


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Which node is whose parent, and what follows from it."""

    parents: Indices
    """-1 = a root."""
    roots: Indices
    """-1 = on a cycle, or below one."""
    levels: list[Indices]
    """Nodes by their distance from the root, without the roots."""

    @classmethod
    def of(cls, parents: Indices) -> Shape:
        """Of the parent of each node."""
        nodes = np.arange(len(parents))
        above = np.where(parents < 0, nodes, parents)
        depth = (parents >= 0).astype(np.int64)
        for _ in range(len(parents).bit_length()):
            depth, above = depth + depth[above], above[above]
        roots = np.where(parents[above] < 0, above, -1)
        depth[roots < 0] = 0
        order = np.argsort(depth, kind="stable")
        levels = np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)
        return cls(parents, roots, levels[1:])

    def path(self, node: int) -> list[int]:
        """A node, the one above it, … the root; on or below a cycle, up to the node that comes again."""
        seen: list[int] = []
        while node >= 0 and node not in seen:
            seen.append(node)
            node = int(self.parents[node])
        return seen

    def cycle(self, node: int) -> list[int]:
        """The nodes of the cycle that a node is on or below, the first one again at the end."""
        path = self.path(node)
        again = int(self.parents[path[-1]])
        return [*path[path.index(again) :], again]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The whole tree; good for all times in `[since, until)`."""

    names: list[str]
    """The name of each node."""
    shape: Shape
    parent_from_node: Doubles
    """Shape (nodes, 4, 4)."""
    root_from_node: Doubles
    """Shape (nodes, 4, 4)."""
    since: int
    until: int
    answers: dict[tuple[str, tuple[str, ...]], Relations] = field(default_factory=dict)

    def root(self, node: int) -> str | None:
        """The name of the root above a node; None on a cycle."""
        root = int(self.shape.roots[node])
        return self.names[root] if root >= 0 else None

    def relation(self, target: int, source: int) -> Doubles:
        """target_from_source of two nodes that have the same root, shape (4, 4), by what is between them alone."""
        to, start = self.shape.path(target), self.shape.path(source)
        common = next(node for node in start if node in to)
        legs = []
        for path in (to, start):
            leg = np.eye(4)
            for node in path[: path.index(common)]:
                leg = self.parent_from_node[node] @ leg
            legs.append(leg)
        return inverse(legs[0]) @ legs[1]

    def tree(self, node: int) -> tuple[str, ...]:
        """The names of all nodes that have the same root, in order."""
        roots = self.shape.roots
        return tuple(sorted(self.names[i] for i in np.flatnonzero(roots == roots[node]).tolist()))


def inverse(affine: Doubles) -> Doubles:
    """The inverse of a (4, 4) matrix; not a number where there is none."""
    try:
        found: Doubles = np.linalg.inv(affine).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        return np.full((4, 4), np.nan)
    return found
