"""What a recording says about its frames, for a person to read: who says where each is, how often, from when to when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge import _entity_path
from rrbridge._store import ChunkStore
from rrbridge._time_text import span_text, time_text
from rrbridge._timeline import TimeKind
from rrbridge._transform_frames import FrameGraph
from rrbridge._transform_steps import EdgeSteps
from rrbridge._transform_tracks import Track

__all__ = ["EdgeReport", "FramesReport", "edge_reports"]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """What is said about where one frame is, on one timeline. Times are nanoseconds or sequence numbers."""

    child: str
    parents: tuple[str, ...]
    """Every frame that it stood under, in order of time; most have one."""
    topics: tuple[str, ...]
    """Who says so: the entities, of static ones without the child frame's name. Of several the latest row counts."""
    is_static: bool
    """Whether it holds at all times."""
    rows: int
    """How many rows there are on the timeline; of a static one 1."""
    first: int | None
    last: int | None
    rate_hz: float | None
    """Mean rate between first and last; None for static edges, single rows, and timelines that count no time."""
    longest_gap: int | None
    """Between two rows that follow each other."""
    backward_rows: int
    """Rows whose time is before that of a row logged earlier by the same entity: a clock that jumped back, or disorder."""
    broken_rows: int
    """Rows that are not a number, or rotate by a quaternion of no length."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class FramesReport:
    """The tree of frames at a time, and what is said about each of its edges."""

    timeline: str
    kind: TimeKind | None
    time: int
    parents: Mapping[str, str | None]
    """The tree at that time: None for roots."""
    edges: tuple[EdgeReport, ...]
    """By child frame."""

    def __str__(self) -> str:
        """The tree, one line per frame."""
        edges = {edge.child: edge for edge in self.edges}
        start = min((edge.first for edge in self.edges if edge.first is not None), default=0)
        branches = list(self._branches())
        rows = [
            (before + name, *(self._columns(edges[name], start) if name in edges else ())) for before, name in branches
        ]
        widths = [max((len(row[i]) for row in rows if len(row) > i), default=0) for i in range(5)]
        texts = ["  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=False)) for row in rows]
        if not self.edges:
            return "nothing says where a frame is"
        head = f"frames at {time_text(self.time, self.kind)} on {self.timeline}"
        if self.kind is TimeKind.TIMESTAMP:
            head += f"; seconds from {time_text(start, self.kind)}"
        shown = {name for _, name in branches}
        circling = sorted(name for name, parent in self.parents.items() if name not in shown and parent is not None)
        foot = [f"below themselves, a cycle: {', '.join(circling)}"] if circling else []
        return "\n".join([head, *(text.rstrip() for text in texts), *foot])

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        edges = [edge.to_dict() for edge in self.edges]
        return {"timeline": self.timeline, "time": self.time, "parents": dict(self.parents), "edges": edges}

    def to_yaml(self) -> str:
        """Every edge as tf2's `allFramesAsYAML` has it, with times in seconds; static ones have none."""
        lines = []
        for edge in self.edges:
            parent = self.parents.get(edge.child) or edge.parents[-1]
            topics = ", ".join(edge.topics)
            lines += [
                f"{json.dumps(edge.child)}:",
                f"  parent: {json.dumps(parent)}",
                f"  broadcaster: {json.dumps(topics)}",
            ]
            if edge.first is None or edge.last is None:
                lines.append("  is_static: true")
                continue
            if edge.rate_hz is not None:
                lines.append(f"  rate: {edge.rate_hz:.3f}")
            lines.append(f"  most_recent_transform: {self._number(edge.last)}")
            lines.append(f"  oldest_transform: {self._number(edge.first)}")
            lines.append(f"  buffer_length: {self._number(edge.last - edge.first)}")
        return "\n".join(lines) + "\n"

    def _number(self, time: int) -> str:
        """Seconds, exact to the nanosecond, or a sequence number."""
        return span_text(time, self.kind).removesuffix(" s")

    def _short(self, span: int) -> str:
        return str(span) if self.kind in (None, TimeKind.SEQUENCE) else f"{span / 1e9:.3f} s"

    def _branches(self) -> Iterator[tuple[str, str]]:
        """The frames as the lines of a tree: what stands before each name, and the name; frames on cycles are left out."""
        children: dict[str | None, list[str]] = {}
        for name, parent in self.parents.items():
            children.setdefault(parent, []).append(name)

        said = {edge.child for edge in self.edges}
        roots = sorted(children.get(None, []), key=lambda name: (name not in children, name))
        waiting = [("", "", root) for root in reversed(roots) if root in children or root in said]
        while waiting:
            before, indent, name = waiting.pop()
            yield before, name
            below = sorted(children.get(name, []), reverse=True)
            for i, child in enumerate(below):
                turn, more = ("└── ", "    ") if i == 0 else ("├── ", "│   ")
                waiting.append((indent + turn, indent + more, child))

    def _columns(self, edge: EdgeReport, start: int) -> tuple[str, ...]:
        notes = [f"also under {', '.join(name for name in edge.parents if name != self.parents.get(edge.child))}"]
        notes = notes if len(edge.parents) > 1 else []
        if len(edge.topics) > 1:
            notes.append(f"{len(edge.topics)} topics, the latest row counts")
        if edge.backward_rows:
            notes.append(f"{edge.backward_rows} rows go back in time")
        if edge.broken_rows:
            notes.append(f"{edge.broken_rows} broken rows")
        topics = ", ".join(edge.topics)
        if edge.first is None or edge.last is None:
            return topics, "static", "", "", "; ".join(notes)
        if edge.longest_gap is not None:
            notes.insert(0, f"longest gap {self._short(edge.longest_gap)}")
        rate = "" if edge.rate_hz is None else f"{edge.rate_hz:.3g} Hz"
        since = start if self.kind is TimeKind.TIMESTAMP else 0
        times = f"{self._short(edge.first - since)} … {self._short(edge.last - since)}"
        return topics, rate, f"{edge.rows} row{'s' if edge.rows > 1 else ''}", times, "; ".join(notes)


def edge_reports(
    graph: FrameGraph, store: ChunkStore, timeline: str, steps_of: Callable[[int], EdgeSteps]
) -> tuple[EdgeReport, ...]:
    """What is said about every frame, on one timeline or at all times."""
    kind = store.timelines().get(timeline)
    frames = sorted(graph.tracks, key=lambda frame: graph.names[frame])
    reports = (_report(graph, store, timeline, kind, frame, steps_of(frame)) for frame in frames)
    return tuple(report for report in reports if report is not None)


def _report(
    graph: FrameGraph, store: ChunkStore, timeline: str, kind: TimeKind | None, frame: int, steps: EdgeSteps
) -> EdgeReport | None:
    child, tracks, table = graph.names[frame], graph.tracks[frame], graph.table
    static = [track for track in tracks if track.is_static(store, timeline)]
    moving = [track for track in tracks if track not in static and len(track.logged(store, table, timeline)[0])]
    if not static and not moving:
        return None
    logged = [track.logged(store, table, timeline) for track in moving]
    times = np.sort(np.concatenate([np.empty(0, np.int64), *(times for times, _ in logged)]))
    rows = np.concatenate(
        [np.array([track.static_row(store, timeline) for track in static], np.int64), *(r for _, r in logged)]
    )
    parents = [graph.names[parent] for parent in dict.fromkeys(steps.parents[steps.parents >= 0].tolist())]
    span = int(times[-1]) - int(times[0]) if len(times) else 0
    in_secs = kind not in (None, TimeKind.SEQUENCE)
    return EdgeReport(
        child=child,
        parents=tuple(parents),
        topics=tuple(dict.fromkeys(_topic(track, child) for track in [*static, *moving])),
        is_static=not moving,
        rows=len(times) if moving else 1,
        first=int(times[0]) if len(times) else None,
        last=int(times[-1]) if len(times) else None,
        rate_hz=(len(times) - 1) * 1e9 / span if span and in_secs else None,
        longest_gap=int(np.diff(times).max()) if len(times) > 1 else None,
        backward_rows=sum(_backward(*each, graph) for each in logged),
        broken_rows=int(table.is_broken(rows).sum()),
    )


def _topic(track: Track, child: str) -> str:
    """The entity; one that stands for a single static edge without the name of the child frame."""
    parts = _entity_path.parts(track.entity)
    alone = len(parts) > 1 and _entity_path.unescape(parts[-1]) == child
    return "/" + "/".join(parts[:-1]) if alone and track.version[1] >= 0 else track.entity


def _backward(times: Indices, rows: Indices, graph: FrameGraph) -> int:
    ids = graph.table.row_ids(rows)
    as_logged = times[np.lexsort((ids[:, 1], ids[:, 0]))]
    return int((as_logged[1:] < np.maximum.accumulate(as_logged)[:-1]).sum()) if len(times) else 0
