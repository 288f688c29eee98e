"""Facts about recordings of chunks, from their index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rrbridge import importers
from rrbridge._messages import StoreKind
from rrbridge.importers import TopicSummary
from rrbridge.rrd import Manifest, RrdReader
from rrbridge_bridge.inspect.facts import EntityFacts, Facts
from rrbridge_bridge.inspect.facts_recorder import recorded_in_rrd
from rrbridge_bridge.readers._indexed import Compression

__all__ = ["rrd_facts"]


def rrd_facts(path: Path) -> Facts:
    """What an `.rrd` or `.rbl` holds; one without an index is read. Raises FileError."""
    summary = importers.info(path)
    reader = RrdReader(path, on_damage=lambda _: None)  # the notes say so
    manifests = reader.manifests()
    recordings = [m for m in manifests if m.store_id.kind is StoreKind.RECORDING] or list(manifests)
    counted = iter(summary.topics)
    entities = tuple(facts for manifest in recordings for facts in _entities(manifest, counted))
    packed = sum(int(m.byte_sizes.sum()) for m in recordings)
    unpacked = [m.uncompressed_sizes for m in recordings]
    known = [sizes for sizes in unpacked if sizes is not None]
    compression = Compression("lz4", sum(map(len, recordings)), packed, sum(int(sizes.sum()) for sizes in known))
    ids = dict.fromkeys(m.store_id for m in recordings)
    return Facts(
        path=path,
        format=summary.format,
        size_bytes=summary.size_bytes,
        start_nanos=summary.start_nanos,
        end_nanos=summary.end_nanos,
        made_by={
            "application_id": ", ".join(dict.fromkeys(one.application_id for one in ids)),
            "recording_id": ", ".join(dict.fromkeys(one.recording_id for one in ids)),
        }
        if ids
        else {},
        compression=(compression,) if recordings and len(known) == len(unpacked) else (),
        entities=entities,
        timelines={name: found for manifest in recordings for name, found in _timelines(manifest)},
        recorded=next(filter(None, (recorded_in_rrd(reader, manifest) for manifest in recordings)), None),
        notes=summary.notes,
        is_exact=True,
    )


def _timelines(manifest: Manifest) -> Iterator[tuple[str, tuple[str, int, int]]]:
    for name, kind in manifest.timelines.items():
        times = manifest.times(name)
        if times.present.any():
            first, last = int(times.start[times.present].min()), int(times.end[times.present].max())
            yield name, (kind.name.lower(), first, last)


def _entities(manifest: Manifest, counted: Iterator[TopicSummary]) -> Iterator[EntityFacts]:
    """`counted`: what the importer says of the same entities, in the same order."""
    paths = np.array(manifest.entity_paths, object)
    present = {name: manifest.times(name).present for name in manifest.timelines}
    for entity in manifest.entities:
        topic = next(counted)
        own: npt.NDArray[np.bool_] = paths == entity
        rows, unpacked = manifest.num_rows, manifest.uncompressed_sizes
        yield EntityFacts(
            entity_path=entity,
            archetypes=tuple(part for part in topic.msgtype.split(", ") if part),
            components=tuple(sorted({d.component for d in manifest.components.get(entity, [])})),
            timelines=tuple(name for name, has in present.items() if (own & has).any()),
            chunks=int(own.sum()),
            rows=None if rows is None else int(rows[own].sum()),
            packed_bytes=int(manifest.byte_sizes[own].sum()),
            unpacked_bytes=None if unpacked is None else int(unpacked[own].sum()),
            count=topic.count,
            start_nanos=topic.start_nanos,
            end_nanos=topic.end_nanos,
            is_static=bool(manifest.is_static[own].all()),
        )
