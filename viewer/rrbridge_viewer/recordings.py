"""Recordings as the viewer holds them: a store that may still be growing, and what it is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import pyarrow as pa

from rrbridge._chunk import Chunk
from rrbridge._messages import StoreId
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeKind
from rrbridge._transforms import TransformTree
from rrbridge_viewer.clock import Span
from rrbridge_viewer.times import ALIASES

__all__ = ["Recording", "aliased"]

T = TypeVar("T")
MEMO_LIMIT = 4096

_LAST_CHOICE = (
    "sim_time",
    "ros2_timestamp",
    "ros1_timestamp",
    "ros2_duration",
    "timestamp",
    "message_publish_time",
    "log_tick",
)


class Recording:
    """One recording. Grows by `insert`; everything else asks."""

    def __init__(self, store_id: StoreId, *, keeps_bytes: int | None = None) -> None:
        """With `keeps_bytes` it is one that comes from a single source and may never end: beyond these the oldest data goes."""
        self.store_id = store_id
        self.store = ChunkStore(store_id, memory_limit=keeps_bytes)
        self._is_endless = keeps_bytes is not None
        self.transforms = TransformTree(self.store)
        self.sources: list[str] = []
        """The files it came from."""
        self._brought_by: dict[bytes, Hashable] = {}
        self._memo: dict[Hashable, tuple[object, Any]] = {}

    def insert(self, chunk: Chunk, source: Hashable = "") -> bool:
        """Take a chunk; one that is there already changes nothing. May be called from another thread.

        Several files may make up one recording: the parts of a split run. But a bag and what was converted from it do
        too, and everything in them would be there twice. So of a chunk with the same entity, the same columns and the
        same times on every timeline, only the first source's is taken; False for the others'. Static data is taken
        from all: the newest counts.
        """
        chunk = aliased(chunk)
        if self._is_endless:
            return self.store.insert(chunk)
        if not chunk.is_static and self._brought_by.setdefault(_fingerprint(chunk), source) != source:
            return False
        self.store.insert(chunk)
        return True

    def memo(self, key: Hashable, source: object, make: Callable[[], T]) -> T:
        """What was made under `key` from `source`, made anew when the source is another."""
        kept = self._memo.get(key)
        if kept is not None and (kept[0] is source or kept[0] == source):
            found: T = kept[1]
            return found
        made = make()
        if len(self._memo) >= MEMO_LIMIT:
            self._memo.clear()
        self._memo[key] = (source, made)
        return made

    @property
    def title(self) -> str:
        """What to call it: its name, if it has one, else its application."""
        named = self.store.latest_at("/__properties", ["RecordingInfo:name"], "log_time", 0).get("RecordingInfo:name")
        if named is not None and len(named.values):
            return str(named.values[0].as_py())
        return self.store_id.application_id

    def timelines(self) -> dict[str, Span]:
        """Every timeline with data on it, the ones worth looking along first."""
        found: dict[str, Span] = {}
        kinds = self.store.timelines()
        for name in sorted(kinds, key=lambda name: self._rank(name, kinds)):
            bounds = self.store.time_range(name)
            if bounds is not None:
                found[name] = Span(kinds[name], *bounds)
        return found

    def _rank(self, name: str, kinds: Mapping[str, TimeKind]) -> tuple[int, str]:
        """A user's own timelines first; in a bag the time of logging, which every message has."""
        from_bag = "message_publish_time" in kinds
        if name == "log_time":
            return 0 if from_bag else 2, name
        if name in _LAST_CHOICE and (from_bag or name != "sim_time"):
            return 3 + _LAST_CHOICE.index(name), name
        return 1, name


def _fingerprint(chunk: Chunk) -> bytes:
    """Equal for chunks that tell of the same moments of the same stream, whatever their ids."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((chunk.entity_path, sorted(chunk.components))).encode())
    for name, column in sorted(chunk.times.items()):
        digest.update(f"{name}={len(column.values)}".encode())
        digest.update(column.values.tobytes())
    return digest.digest()


def aliased(chunk: Chunk) -> Chunk:
    """The same rows with their timelines under the names that the viewer shows; shares all data."""
    renamed = {old: new for old, new in ALIASES.items() if old in chunk.times and new not in chunk.times}
    if not renamed:
        return chunk
    batch = chunk.to_record_batch()
    fields = []
    for field in batch.schema:
        metadata = dict(field.metadata or {})
        name = metadata.get(b"rerun:index_name", field.name.encode()).decode()
        if metadata.get(b"rerun:kind") == b"index" and name in renamed:
            metadata[b"rerun:index_name"] = renamed[name].encode()
            field = field.with_name(renamed[name]).with_metadata(metadata)
        fields.append(field)
    schema = pa.schema(fields, metadata=batch.schema.metadata)
    return Chunk(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
