"""What the parts of a run say twice: each is whole by itself, so each has again what holds from before.

Static data stands in every part as the very same chunk. Rows that were carried along are marked as repeated; that their originals
are in an earlier part can be told from the indexes alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import StoreId
from rrbridge.errors import FileError
from rrbridge.rrd import Manifest, RrdReader

__all__ = ["repeated_chunks", "repeated_in"]

MARK = ComponentDescriptor("repeated")
LOG_TIMELINE = "message_log_time"
"""Where repeated rows may stand at another time than the first time: when the part began."""

Mask = npt.NDArray[np.bool_]


def repeated_chunks(manifests: Sequence[Manifest]) -> list[Mask]:
    """For each part, in their order: which of its chunks an earlier part has."""
    seen: set[bytes] = set()
    earlier: list[_Spans] = []
    found = []
    for manifest in manifests:
        ids = manifest.data.column("chunk_id").to_pylist()
        mask = np.array([chunk_id in seen for chunk_id in ids], np.bool_)
        spans = _Spans(manifest)
        for index in np.flatnonzero(_marked(manifest) & ~mask).tolist():
            wanted = list(spans.of(index))
            mask[index] = bool(wanted) and any(
                before.has_all(manifest.entity_paths[index], wanted) for before in earlier
            )
        seen.update(ids)
        earlier.append(spans)
        found.append(mask)
    return found


def repeated_in(paths: Iterable[Path]) -> frozenset[bytes]:
    """Ids of the chunks with marked rows that an earlier one of these files has; what has no index tells of none."""
    runs: dict[StoreId, list[Manifest]] = {}
    for path in paths:
        for manifest in _index_of(path):
            runs.setdefault(manifest.store_id, []).append(manifest)
    repeated: set[bytes] = set()
    kept: set[bytes] = set()
    for manifests in runs.values():
        for manifest, mask in zip(manifests, repeated_chunks(manifests), strict=True):
            marked = _marked(manifest)
            ids = manifest.data.column("chunk_id").to_pylist()
            repeated.update(compress(ids, marked & mask))
            kept.update(compress(ids, marked & ~mask))
    return frozenset(repeated - kept)


def _index_of(path: Path) -> Sequence[Manifest]:
    """None of what is no finished recording; a pipe is not touched."""
    if not path.is_file():
        return ()
    try:
        reader = RrdReader(path)
        footer = reader.footer()
        reader.close()
    except FileError:
        return ()
    return () if footer is None else footer.manifests


def _marked(manifest: Manifest) -> Mask:
    """Chunks with marked rows."""
    found = np.zeros(len(manifest), np.bool_)
    for timeline in manifest.timelines:
        rows = manifest.component_rows(timeline, MARK)
        if rows is not None:
            found |= rows > 0
    return found


class _Spans:
    """When the values of each entity's components are, chunk by chunk."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._chunks: dict[str, list[int]] = {}
        for index, path in enumerate(manifest.entity_paths):
            self._chunks.setdefault(path, []).append(index)

    def of(self, index: int) -> Iterator[tuple[str, ComponentDescriptor, int, int]]:
        """Timeline, component, first and last time of a chunk, where repeated rows keep their times."""
        manifest = self._manifest
        for timeline in manifest.timelines:
            if timeline == LOG_TIMELINE:
                continue
            for descriptor in manifest.components.get(manifest.entity_paths[index], ()):
                times = manifest.component_times(timeline, descriptor)
                if descriptor != MARK and times is not None and times.present[index]:
                    yield timeline, descriptor, int(times.start[index]), int(times.end[index])

    def has_all(self, entity_path: str, wanted: Sequence[tuple[str, ComponentDescriptor, int, int]]) -> bool:
        """Whether, for each of these, one chunk of the entity reaches from its first time to its last."""
        chunks = self._chunks.get(entity_path)
        return chunks is not None and all(self._has(chunks, *one) for one in wanted)

    def _has(self, chunks: Sequence[int], timeline: str, descriptor: ComponentDescriptor, start: int, end: int) -> bool:
        times = self._manifest.component_times(timeline, descriptor)
        if times is None:
            return False
        covers = times.present[chunks] & (times.start[chunks] <= start) & (times.end[chunks] >= end)
        return bool(covers.any())
