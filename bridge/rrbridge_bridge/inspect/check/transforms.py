"""The tree of frames, and whether the frames that messages use are in it when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rrbridge_bridge.format import many
from rrbridge_bridge.inspect.check.findings import Finding, Severity, seconds
from rrbridge_bridge.inspect.check.spread import Intervals
from rrbridge_bridge.inspect.headers import Edges, Headers
from rrbridge_bridge.inspect.names import near_names
from rrbridge_bridge.raw import Connection, Int64s, RawBatch

__all__ = ["Transforms"]

MAX_EDGES = 5000
MAX_USES = 5000
FEW = 10
TOLERANCE_NANOS = 10**9
"""Data may begin before the transforms that it needs, and end after them, by so much."""
EDGE_GAP_NANOS = 10**9
NEVER = np.iinfo(np.int64).max
NAMED = 5


@dataclass(eq=False, slots=True)
class _Edge:
    """One frame below another, as one topic says it."""

    topic: str
    is_static: bool
    stamps: Intervals = field(default_factory=Intervals)
    first_value: object = None
    is_constant: bool = True
    first_log: int = 0
    least: int = NEVER
    most: int = -NEVER

    def add(self, stamps: Int64s, values: np.ndarray, logged: int) -> None:
        if self.first_value is None:
            self.first_value, self.first_log = values[0], logged
        self.is_constant = self.is_constant and bool((values == self.first_value).all())
        self.stamps.add(stamps)
        self.least, self.most = min(self.least, int(stamps.min())), max(self.most, int(stamps.max()))


@dataclass(slots=True)
class _Use:
    """Messages of one topic in one frame."""

    count: int = 0
    least: int = NEVER
    most: int = -NEVER
    first_log: int = 0


@dataclass(eq=False, slots=True)
class Transforms:
    """What all topics say about frames."""

    edges: dict[tuple[str, str], list[_Edge]] = field(default_factory=dict)
    """By child and parent; one for each topic that says so."""
    uses: dict[str, dict[str, _Use]] = field(default_factory=dict)
    """By frame, then topic."""
    bad: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """By topic: transforms that are none, log time of the first, and an example."""

    def add_edges(self, connection: Connection, batch: RawBatch, found: Edges) -> None:
        """Transforms of a batch."""
        if not len(found.rows):
            return
        child_codes, children = found.children.dictionary()
        parent_codes, parents = found.parents.dictionary()
        pairs, inverse = np.unique(child_codes * len(parents) + parent_codes, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        bounds = np.searchsorted(inverse[order], np.arange(len(pairs) + 1))
        self._add_bad(connection, batch, found)
        is_static = connection.topic.endswith("tf_static")
        for number, pair in enumerate(pairs.tolist()):
            rows = order[bounds[number] : bounds[number + 1]]
            child, parent = _plain(children[pair // len(parents)]), _plain(parents[pair % len(parents)])
            edge = self._edge(child, parent, connection.topic, is_static=is_static)
            if edge is not None:
                logged = int(batch.log_time_nanos[found.rows[rows[0]]])
                edge.add(found.stamp_nanos[rows], found.values[rows], logged)

    def _edge(self, child: str, parent: str, topic: str, *, is_static: bool) -> _Edge | None:
        if (child, parent) not in self.edges and len(self.edges) >= MAX_EDGES:
            return None
        known = self.edges.setdefault((child, parent), [])
        edge = next((one for one in known if one.topic == topic), None)
        if edge is None:
            edge = _Edge(topic, is_static)
            known.append(edge)
        return edge

    def _add_bad(self, connection: Connection, batch: RawBatch, found: Edges) -> None:
        norms = np.square(found.values[:, 3:]).sum(axis=1)
        wrong = np.flatnonzero(~np.isfinite(found.values).all(axis=1) | ~(norms > 1e-12))
        if len(wrong):
            count, at, example = self.bad.get(connection.topic, (0, 0, ""))
            if not count:
                row = int(wrong[0])
                at = int(batch.log_time_nanos[found.rows[row]])
                example = f"{found.parents[row]} → {found.children[row]}"
            self.bad[connection.topic] = (count + len(wrong), at, example)

    def add_uses(self, connection: Connection, batch: RawBatch, headers: Headers) -> frozenset[str]:
        """Frames that messages say they are in; those of the batch."""
        if headers.frame_ids is None or not len(headers.rows):
            return frozenset()
        codes, names = headers.frame_ids.dictionary()
        for code, name in enumerate(names[:MAX_USES]):
            frame = _plain(name)
            if not frame:
                continue
            rows = np.flatnonzero(codes == code)
            use = self.uses.setdefault(frame, {}).setdefault(connection.topic, _Use())
            stamps = headers.stamp_nanos[rows]
            stamps = stamps[stamps != 0]
            if not use.count:
                use.first_log = int(batch.log_time_nanos[headers.rows[rows[0]]])
            use.count += len(rows)
            if len(stamps):
                use.least, use.most = min(use.least, int(stamps.min())), max(use.most, int(stamps.max()))
        return frozenset(names)

    def findings(self) -> Iterator[Finding]:
        """All about frames."""
        if not self.edges:
            if len(self.uses) > 1:
                text = f"no transforms are recorded, and messages are in {len(self.uses)} frames: {_listed(sorted(self.uses))}"
                yield Finding(Severity.NOTE, "no-tf", text, "", None, "record /tf and /tf_static too, to relate them")
            return
        yield from self._bad()
        yield from self._parents()
        yield from self._static_and_dynamic()
        yield from self._constant()
        yield from self._unconnected()
        yield from self._silent()
        yield from self._outside()

    def _bad(self) -> Iterator[Finding]:
        for topic, (count, at, example) in sorted(self.bad.items()):
            text = f"{many(count, 'transform')} with what is no number, or a quaternion of length 0: {example}"
            yield Finding(
                Severity.ERROR, "bad-transform", text, topic, at, "tf2 refuses these: mend the publisher", count
            )
        for (child, parent), edges in self.edges.items():
            if child == parent:
                text = f"{child} is said to be below itself"
                yield Finding(Severity.ERROR, "tf-loop", text, edges[0].topic, edges[0].first_log, "mend the publisher")

    def _parents(self) -> Iterator[Finding]:
        parents: dict[str, list[tuple[str, _Edge]]] = {}
        for (child, parent), edges in self.edges.items():
            if child != parent:
                parents.setdefault(child, []).extend((parent, edge) for edge in edges)
        for child, found in sorted(parents.items()):
            names = dict.fromkeys(parent for parent, _ in found)
            if len(names) > 1:
                said = "; ".join(f"{parent} on {edge.topic}" for parent, edge in found[:NAMED])
                text = f"{child} has {len(names)} parents: {said}"
                advice = "a frame has one parent: stop one of the publishers, or turn its transform round"
                edge = found[-1][1]
                yield Finding(Severity.WARNING, "two-parents", text, edge.topic, edge.first_log, advice, len(names))

    def _static_and_dynamic(self) -> Iterator[Finding]:
        for (child, parent), edges in sorted(self.edges.items()):
            if len({edge.is_static for edge in edges}) > 1:
                moving = next(edge for edge in edges if not edge.is_static)
                text = f"{parent} → {child} is published on {moving.topic} and as static"
                advice = "tf2 takes whichever came last: leave one of the two out"
                yield Finding(Severity.WARNING, "static-and-moving", text, moving.topic, moving.first_log, advice)

    def _constant(self) -> Iterator[Finding]:
        by_topic: dict[str, list[tuple[str, str, _Edge]]] = {}
        for (child, parent), edges in sorted(self.edges.items()):
            for edge in edges:
                if not edge.is_static and edge.is_constant and edge.stamps.count >= FEW:
                    by_topic.setdefault(edge.topic, []).append((child, parent, edge))
        for topic, found in by_topic.items():
            names = _listed([f"{parent} → {child}" for child, parent, _ in found])
            text = f"{many(len(found), 'transform')} never changed: {names}"
            advice = "publish them once on /tf_static, unless the robot just did not move"
            yield Finding(Severity.NOTE, "static-as-moving", text, topic, found[0][2].first_log, advice, len(found))

    def _unconnected(self) -> Iterator[Finding]:
        roots = self._roots()
        trees: dict[str, set[str]] = {}
        for frame, root in roots.items():
            trees.setdefault(root, set()).add(frame)
        for frame, topics in sorted(self.uses.items()):
            if frame in roots:
                continue
            near = near_names(frame, list(roots))
            text = f"frame {frame} is used by {_listed(sorted(topics))}, and no transform connects it"
            advice = (
                f"near it: {', '.join(near)}; " if near else ""
            ) + "record /tf_static from its start, or publish the missing transform"
            first = min(use.first_log for use in topics.values())
            yield Finding(Severity.WARNING, "missing-tf", text, min(topics), first, advice, len(topics))
        if len(trees) > 1:
            largest = sorted(trees.items(), key=lambda tree: -len(tree[1]))
            said = "; ".join(
                f"{_root_name(root, self.edges)} with {len(frames)} frames" for root, frames in largest[:NAMED]
            )
            text = f"the frames fall into {len(trees)} trees: {said}"
            advice = (
                "one transform is missing between them: localisation (map → odom), a robot's description, or /tf_static"
            )
            yield Finding(Severity.WARNING, "tf-apart", text, "", None, advice, len(trees))

    def _roots(self) -> Mapping[str, str]:
        """For each frame of any transform one that stands for all frames it is connected with."""
        above: dict[str, str] = {}

        def root(frame: str) -> str:
            while above.setdefault(frame, frame) != frame:
                above[frame] = above[above[frame]]
                frame = above[frame]
            return frame

        for child, parent in self.edges:
            above[root(child)] = root(parent)
        return {frame: root(frame) for frame in list(above)}

    def _silent(self) -> Iterator[Finding]:
        for (child, parent), edges in sorted(self.edges.items()):
            for edge in edges:
                if edge.is_static or not edge.stamps.is_regular():
                    continue
                limit = max(edge.stamps.gap_limit(), EDGE_GAP_NANOS)
                gaps = edge.stamps.longest(limit)
                if len(gaps):
                    length, at = gaps[0].tolist()
                    usual = seconds(edge.stamps.usual)
                    text = (
                        f"no transform {parent} → {child} for {seconds(length)}, where one usually comes every {usual}"
                    )
                    advice = "lookups fail or hold an old place in that time: see what its publisher did"
                    yield Finding(Severity.WARNING, "tf-gap", text, edge.topic, at, advice, len(gaps), length / 1e9)

    def _outside(self) -> Iterator[Finding]:
        """Data before the first transform that it needs, or after the last."""
        parents = {child: (parent, edges) for (child, parent), edges in self.edges.items() if child != parent}
        for frame, topics in sorted(self.uses.items()):
            moving = _moving_above(frame, parents)
            if not moving:
                continue
            first_child, first = max(((child, edge.least) for child, edge in moving), key=lambda found: found[1])
            last_child, last = min(((child, edge.most) for child, edge in moving), key=lambda found: found[1])
            for topic, use in sorted(topics.items()):
                if use.count < FEW or use.least > use.most:
                    continue
                span = max(use.most - use.least, 1)
                early, late = first - use.least, use.most - last
                for code, length, child, which in (
                    ("tf-begins-late", early, first_child, "begins"),
                    ("tf-ends-early", late, last_child, "ends"),
                ):
                    if length <= TOLERANCE_NANOS or length > 10 * span + 3600 * 10**9:
                        continue  # further apart they are of two clocks, which is told elsewhere
                    severity = Severity.WARNING if length > span / 10 else Severity.NOTE
                    when = "before" if code == "tf-begins-late" else "after"
                    text = f"its data {which} {seconds(length)} {when} the transforms of {child}, which frame {frame} needs"
                    advice = (
                        "these messages cannot be placed: leave them out, or record transforms for as long as the data"
                    )
                    yield Finding(severity, code, text, topic, use.first_log, advice, 1, length / 1e9)


def _moving_above(frame: str, parents: Mapping[str, tuple[str, Sequence[_Edge]]]) -> list[tuple[str, _Edge]]:
    """The transforms from a frame to its root that change with time; with several topics, the one that goes on longest."""
    found: list[tuple[str, _Edge]] = []
    seen: set[str] = set()
    while frame in parents and frame not in seen:
        seen.add(frame)
        parent, edges = parents[frame]
        if not any(edge.is_static for edge in edges):
            found.append((frame, max(edges, key=lambda edge: edge.most)))
        frame = parent
    return found


def _root_name(frame: str, edges: Mapping[tuple[str, str], object]) -> str:
    parents = dict(edges.keys())
    seen: set[str] = set()
    while frame in parents and frame not in seen:
        seen.add(frame)
        frame = parents[frame]
    return frame


def _plain(name: str) -> str:
    return name.removeprefix("/")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
