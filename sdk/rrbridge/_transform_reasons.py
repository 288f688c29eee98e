"""Why two frames cannot be related: an error that names the frame, the trees or the range of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from rrbridge._store import ChunkStore
from rrbridge._time_text import span_text, time_text
from rrbridge._timeline import TimeKind
from rrbridge._transform_frames import FRAME, FrameGraph, is_implicit
from rrbridge._transform_snapshot import Snapshot
from rrbridge._transform_steps import EdgeSteps
from rrbridge.errors import FramesNotConnectedError, TransformError, TransformTimeError, UnknownFrameError

__all__ = ["Question"]

_NEAR = 3
_SEARCHED = 5000
_LISTED = 12


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Two frames at one time, and the tree at that time."""

    store: ChunkStore
    graph: FrameGraph
    snapshot: Snapshot
    nodes: tuple[int, int]
    """Of target and source; -1 = there is no such frame."""
    timeline: str
    time: int
    interpolate: bool = False
    max_age: int | None = None

    def error(self, target: str, source: str) -> TransformError:
        """The first thing that keeps them apart."""
        names = (target, source)
        for name, node in zip(names, self.nodes, strict=True):
            if node < 0:
                near = near_names(name, self.graph.names)
                reason = f"there is no frame {name}" + (f"; near it: {', '.join(near)}" if near else "")
                return UnknownFrameError(reason, target=target, source=source, frame=name, near=near)
        for node in self.nodes:
            if self.snapshot.root(node) is None:
                cycle = (self.snapshot.names[i] for i in self.snapshot.shape.cycle(node))
                return TransformError(f"frames form a cycle: {' → '.join(cycle)}", target=target, source=source)
        roots = [self.snapshot.root(node) for node in self.nodes]
        return self._broken(target, source) if roots[0] == roots[1] else self._apart(target, source)

    def _apart(self, target: str, source: str) -> TransformError:
        roots = [str(self.snapshot.root(node)) for node in self.nodes]
        trees = [self.snapshot.tree(node) for node in self.nodes]
        apart = f"they are not connected: {target} is below {roots[0]}, {source} is below {roots[1]}"
        known = [(root, *found) for root in roots if (found := self._absence(root)) is not None]
        texts = [text for _, text, _ in known]
        for frame, _, steps in known:
            if steps is not None:
                reason = f"{'; '.join(texts)}; at {self._text(self.time)} {apart}"
                return self._time_error(reason, target, source, frame, steps)
        texts += [text for name in (target, source) if (text := self._data_frame(name))]
        texts += [_tree_text(root, tree) for root, tree in zip(roots, trees, strict=True)]
        return FramesNotConnectedError(
            "; ".join([apart, *texts]),
            target=target,
            source=source,
            target_tree=trees[0],
            source_tree=trees[1],
        )

    def _data_frame(self, name: str) -> str:
        """Where the data of an entity is that stands in another frame than its own, as that of sensors does."""
        entity = name.removeprefix("tf#") if is_implicit(name) else name
        if not entity.startswith("/") or entity == "/":
            return ""
        found = self.store.latest_at(entity, [FRAME], self.timeline, self.time).get(FRAME)
        frame = found.values[0].as_py() if found is not None and len(found.values) else None
        return f"the data of {entity} is in the frame {frame}" if frame else ""

    def _time_error(self, reason: str, target: str, source: str, frame: str, steps: EdgeSteps) -> TransformTimeError:
        first, last = (int(steps.times[i]) for i in (0, -1))
        return TransformTimeError(
            reason,
            target=target,
            source=source,
            frame=frame,
            timeline=self.timeline,
            time=self.time,
            first=first,
            last=last,
        )

    def _absence(self, frame: str) -> tuple[str, EdgeSteps | None] | None:
        """What keeps a root from having a parent, where it has one at other times (its steps) or on other timelines."""
        tracks = self.graph.tracks.get(self.graph.ids[frame], [])
        steps = self._steps(frame)
        if len(steps.times):
            if self.time < steps.times[0]:
                first = self._text(int(steps.times[0]))
                last = self._text(int(steps.times[-1]))
                return f"{frame} has no transform before {first} on {self.timeline} (the last is at {last})", steps
            return f"{frame} has transforms on {self.timeline}, but was cleared before {self._text(self.time)}", steps
        others = sorted({other for track in tracks for other in track.timelines()})
        return (f"{frame} has transforms on {', '.join(others)}, not on {self.timeline}", None) if others else None

    def _broken(self, target: str, source: str) -> TransformError:
        """Both are in one tree: an edge between them is too old, not a number, or flat."""
        to, start = (self.snapshot.shape.path(node) for node in self.nodes)
        between = [node for node in (*to, *start) if (node in to) != (node in start)]
        for frame in (self.snapshot.names[node] for node in between):
            steps = self._steps(frame)
            interval = int(np.searchsorted(steps.times, self.time, "right"))
            row = int(steps.rows[interval])
            if row < 0:
                continue
            since = int(steps.own_times[interval - 1]) if interval else None
            where = f"the transform of {frame}" + (f" at {self._text(since)}" if since is not None else "")
            if self.graph.table.is_broken(np.array([row])).any():
                return TransformError(f"{where} is not a number, or turns about nothing", target=target, source=source)
            held = not steps.is_latched and not (self.interpolate and steps.blends[interval])
            if since is not None and held and self.max_age is not None and self.time - since > self.max_age:
                reason = (
                    f"{where} is {self._span(self.time - since)} old at {self._text(self.time)} on {self.timeline}, and the "
                    f"limit is {self._span(self.max_age)}; there are transforms of it {self._range(steps)}"
                )
                return self._time_error(reason, target, source, frame, steps)
        return TransformError("a transform between them is singular or not a number", target=target, source=source)

    def _steps(self, frame: str) -> EdgeSteps:
        tracks = self.graph.tracks.get(self.graph.ids[frame], [])
        return EdgeSteps.of(tracks, self.store, self.graph.table, self.timeline)

    def _range(self, steps: EdgeSteps) -> str:
        return f"from {self._text(int(steps.times[0]))} to {self._text(int(steps.times[-1]))}"

    def _kind(self) -> TimeKind | None:
        return self.store.timelines().get(self.timeline)

    def _text(self, time: int) -> str:
        return time_text(time, self._kind())

    def _span(self, span: int) -> str:
        return span_text(span, self._kind())


def near_names(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Up to three names that a person may have meant, the likeliest first."""
    plain = name.strip("/").casefold()
    alike = [known for known in names if plain and known.strip("/").casefold() == plain]
    ending = [known for known in names if plain and known.casefold().endswith(f"/{plain}")]
    close = get_close_matches(name, sorted(names[:_SEARCHED], key=is_implicit), n=_NEAR)
    return tuple(dict.fromkeys([*alike, *ending, *close]))[:_NEAR]


def _tree_text(root: str, tree: Sequence[str]) -> str:
    below = [name for name in tree if name != root]
    if not below:
        return f"{root} stands alone"
    more = f" and {len(below) - _LISTED} more" if len(below) > _LISTED else ""
    return f"below {root}: {', '.join(below[:_LISTED])}{more}"
