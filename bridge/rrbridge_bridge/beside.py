"""What recorded files hold besides messages, as static data: MCAP's metadata and attachments, in the reference's columns.

One component per metadata name on `/__mcap_metadata` (and every record of its own on `/__mcap_metadata/__records` where several
have one name); on `/__mcap_attachments` one row of `data`, `media_type` and `metadata`
(name, times, size and offset as text), with one instance per attachment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_array, list_type, nested, primitive, unit_lists
from rrbridge._descriptor import ComponentDescriptor
from rrbridge.archetypes.meta import McapChannel
from rrbridge.chunk import Chunk, ComponentColumn
from rrbridge.importers import Note
from rrbridge_bridge.readers import AttachedFile, BagReader, HoldsMore, NamedMetadata

__all__ = ["ATTACHMENTS", "METADATA", "RECORDS", "Beside"]

ATTACHMENTS = "/__mcap_attachments"
METADATA = "/__mcap_metadata"
RECORDS = "/__mcap_metadata/__records"
MAX_ATTACHED_BYTES = 512 << 20
"""All attachments of a recording together, which share one row."""
PAIRS = McapChannel.fields["metadata"].component
DATA = ComponentDescriptor("data", "McapAttachment", "rerun.components.Blob")
MEDIA_TYPE = ComponentDescriptor("media_type", "McapAttachment", "rerun.components.MediaType")
FACTS = ComponentDescriptor("metadata", "McapAttachment", PAIRS.type_name)


class Beside:
    """Collects it over the files of a recording."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        """What could not be kept, of the file that was taken last."""
        self._metadata: dict[str, dict[str, str]] = {}
        self._records: list[NamedMetadata] = []
        self._attached: list[AttachedFile] = []
        self._attached_bytes = 0

    def take(self, reader: BagReader) -> None:
        """All that a file has; best called once its messages are read. Raises FileError."""
        self.notes = []
        if not isinstance(reader, HoldsMore):
            return
        for record in reader.metadata_records():
            # Records of one name are one, as in the reference: rosbag2 writes its own again when it closes a file.
            self._records.append(record)
            self._metadata.setdefault(record.name or "metadata", {}).update(record.values)
        for attached in reader.attachments():
            if self._attached_bytes + len(attached.data) > MAX_ATTACHED_BYTES:
                why = f"all attachments together may have {MAX_ATTACHED_BYTES} bytes"
                self.notes.append(Note(f"the attachment {attached.name!r} is left out: {why}", is_loss=True))
                continue
            self._attached_bytes += len(attached.data)
            self._attached.append(attached)

    def chunks(self) -> Iterator[Chunk]:
        """Static data."""
        if self._metadata:
            columns = {name: _pairs(name, values) for name, values in self._metadata.items()}
            yield Chunk.from_columns(METADATA, components=columns.values())
        if len(self._metadata) < len(self._records):
            yield Chunk.from_columns(RECORDS, components=_records(self._records))
        if self._attached:
            yield Chunk.from_columns(ATTACHMENTS, components=_attachments(self._attached))


def _pairs(name: str, values: Mapping[str, str]) -> ComponentColumn:
    cells = PAIRS.encoding.to_arrow([PAIRS.encoding.parse(dict(sorted(values.items())))])
    return ComponentColumn(ComponentDescriptor(name, "McapMetadata", PAIRS.type_name), unit_lists(cells))


def _records(records: Sequence[NamedMetadata]) -> list[ComponentColumn]:
    """Each as it was, one instance per record."""
    pairs = PAIRS.encoding.to_arrow([PAIRS.encoding.parse(dict(record.values)) for record in records])
    return [
        ComponentColumn(
            ComponentDescriptor("names"), nested([[record.name for record in records]], list_type(pa.utf8()))
        ),
        ComponentColumn(
            ComponentDescriptor("values", None, PAIRS.type_name), list_array(np.array([0, len(records)]), pairs)
        ),
    ]


def _attachments(attached: Sequence[AttachedFile]) -> list[ComponentColumn]:
    whole = np.array([0, len(attached)])
    offsets = np.concatenate(([0], np.cumsum([len(item.data) for item in attached])))
    octets = primitive(np.frombuffer(b"".join(item.data for item in attached), np.uint8))
    facts = PAIRS.encoding.to_arrow([PAIRS.encoding.parse(_facts(item)) for item in attached])
    return [
        ComponentColumn(DATA, list_array(whole, list_array(offsets, octets, nullable=False))),
        ComponentColumn(MEDIA_TYPE, nested([[item.media_type for item in attached]], list_type(pa.utf8()))),
        ComponentColumn(FACTS, list_array(whole, facts)),
    ]


def _facts(item: AttachedFile) -> Mapping[str, str]:
    return {
        "name": item.name,
        "media_type": item.media_type,
        "log_time": str(item.log_time_nanos),
        "create_time": str(item.create_time_nanos),
        "data_size": str(len(item.data)),
        "offset": str(item.offset),
    }
