"""The messages of the format as protobuf (FORMAT §4), written and read side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rrbridge._messages import ActivateBlueprint, StoreId, StoreInfo, StoreKind
from rrbridge.errors import InvalidValueError
from rrbridge.rrd import _wire as wire
from rrbridge.rrd._application_id import legal_application_id
from rrbridge.rrd._container import OUR_VERSION
from rrbridge.rrd._wire import WireError

__all__ = [
    "SOURCE_OTHER",
    "ArrowMsg",
    "Compression",
    "RawManifest",
    "StoreIds",
    "decode_activation",
    "decode_arrow_msg",
    "decode_footer",
    "decode_store_info",
    "encode_activation",
    "encode_footer",
    "encode_store_id",
    "encode_store_info",
]

ARROW_IPC = 1
SOURCE_OTHER = 6
STORE_IDS_KEPT = 1000
UNKNOWN_APPLICATION = "unknown"
"""Stands where a file names no application."""
_SOURCE_NAMES = {0: "unknown", 1: "C SDK", 2: "Python SDK", 3: "Rust SDK", 4: "file", 5: "viewer"}


class Compression(IntEnum):
    """How an Arrow payload is packed."""

    UNSPECIFIED = 0
    NONE = 1
    LZ4 = 2


@dataclass(frozen=True, slots=True)
class ArrowMsg:
    """One packed chunk."""

    store_id: StoreId
    compression: Compression
    uncompressed_size: int
    payload: Sequence[memoryview]
    """One piece as it is read, one or several that follow each other as it is written."""
    chunk_id: bytes | None
    is_static: bool | None


@dataclass(frozen=True, slots=True)
class RawManifest:
    """A store's index as it stands in the footer."""

    store_id: StoreId
    schema: memoryview
    """Arrow IPC stream with a schema only: the union of all chunk columns."""
    schema_hash: bytes
    compression: Compression
    uncompressed_size: int
    data: memoryview
    """Arrow IPC stream with one batch: one row per chunk."""


def _encode_tuid(tuid: bytes) -> bytes:
    return wire.fixed64(1, int.from_bytes(tuid[:8], "big")) + wire.fixed64(2, int.from_bytes(tuid[8:], "big"))


def _decode_tuid(message: memoryview) -> bytes:
    high = low = None
    for number, value in wire.fields(message):
        if number == 1:
            high = wire.number(value)
        elif number == 2:
            low = wire.number(value)
    if high is None or low is None:
        raise WireError("half an id")
    return high.to_bytes(8, "big") + low.to_bytes(8, "big")


def encode_store_id(store_id: StoreId) -> bytes:
    """`StoreId`. Raises InvalidValueError for an empty id, which no reader takes."""
    for name in ("application_id", "recording_id"):
        if not getattr(store_id, name):
            raise InvalidValueError(f"StoreId.{name}", "a text", "an empty one")
    return (
        wire.integer(1, store_id.kind)
        + wire.text(2, store_id.recording_id)
        + wire.blob(3, wire.text(1, legal_application_id(store_id.application_id)))
    )


class StoreIds:
    """The store ids of one file: decoded once each, and completed where a message names only its recording, as in 0.23."""

    def __init__(self) -> None:
        self._application_ids: dict[str, str] = {}
        self._decoded: dict[bytes, StoreId] = {}

    def announce(self, store_id: StoreId) -> None:
        """From here on, messages that name only this recording mean this store's application."""
        if self._application_ids.get(store_id.recording_id) != store_id.application_id:
            self._application_ids[store_id.recording_id] = store_id.application_id
            self._decoded.clear()

    def decode(self, message: memoryview) -> StoreId:
        """`StoreId`. Raises WireError."""
        raw = bytes(message)
        found = self._decoded.get(raw)
        if found is None:
            found = _decode_store_id(message, self._application_ids)
            if len(self._decoded) < STORE_IDS_KEPT:
                self._decoded[raw] = found
        return found


def _decode_store_id(message: memoryview, known: Mapping[str, str], fallback: str = "") -> StoreId:
    kind, recording_id, application_id = 0, "", ""
    for number, value in wire.fields(message):
        if number == 1:
            kind = wire.number(value)
        elif number == 2:
            recording_id = wire.string(value)
        elif number == 3:
            application_id = _only_text(wire.octets(value))
    if kind > StoreKind.BLUEPRINT:
        raise WireError(f"store kind {kind}")
    if not recording_id:
        raise WireError("a store without a recording id")
    application_id = application_id or known.get(recording_id) or fallback or UNKNOWN_APPLICATION
    return StoreId(StoreKind(kind or StoreKind.RECORDING), legal_application_id(application_id), recording_id)


def _only_text(message: memoryview) -> str:
    found = ""
    for number, value in wire.fields(message):
        if number == 1:
            found = wire.string(value)
    return found


def encode_store_info(info: StoreInfo) -> bytes:
    """`SetStoreInfo`, with a source of kind "other" that carries `info.source`, as third parties shall."""
    version = int.from_bytes(OUR_VERSION.to_bytes(), "little")
    source = wire.integer(1, SOURCE_OTHER) + wire.blob(2, wire.blob(1, info.source.encode()))
    store_info = (
        wire.blob(2, encode_store_id(info.store_id)) + wire.blob(5, source) + wire.blob(6, wire.integer(1, version))
    )
    return wire.blob(1, _encode_tuid(info.row_id)) + wire.blob(2, store_info)


def decode_store_info(message: memoryview) -> StoreInfo:
    """`SetStoreInfo`. Raises WireError."""
    row_id = store_id = None
    source = application_id = ""
    for number, value in wire.fields(message):
        if number == 1:
            row_id = _decode_tuid(wire.octets(value))
        elif number == 2:
            for inner, inner_value in wire.fields(wire.octets(value)):
                if inner == 1:
                    application_id = _only_text(wire.octets(inner_value))
                elif inner == 2:
                    store_id = wire.octets(inner_value)
                elif inner == 5:
                    source = _decode_source(wire.octets(inner_value))
    if row_id is None or store_id is None:
        raise WireError("a store announced without its id")
    return StoreInfo(_decode_store_id(store_id, {}, application_id), row_id, source)


def _decode_source(message: memoryview) -> str:
    kind, payload = 0, memoryview(b"")
    for number, value in wire.fields(message):
        if number == 1:
            kind = wire.number(value)
        elif number == 2:
            for inner, inner_value in wire.fields(wire.octets(value)):
                if inner == 1:
                    payload = wire.octets(inner_value)
    if kind == SOURCE_OTHER:
        return bytes(payload).decode(errors="replace")
    name = _SOURCE_NAMES.get(kind, f"source {kind}")
    if kind == 2:
        numbers = {n: v for n, v in wire.fields(payload) if isinstance(v, int)}
        name += f" {numbers.get(1, 0)}.{numbers.get(2, 0)}.{numbers.get(3, 0)}"
    return name


def encode_arrow_msg(store_id: bytes, message: ArrowMsg) -> tuple[bytes | memoryview, ...]:
    """`ArrowMsg` in parts, of which all but the first and the last are the payload itself; `store_id` is encoded already.

    The id and the static mark come last: in a file whose tail was lost to a power cut their absence shows the damage.
    """
    head = (
        wire.blob(1, store_id)
        + wire.integer(2, message.compression)
        + wire.integer(3, message.uncompressed_size)
        + wire.integer(4, ARROW_IPC)
        + wire.blob_head(5, sum(map(len, message.payload)))
    )
    tail = b"" if message.chunk_id is None else wire.blob(6, _encode_tuid(message.chunk_id))
    if message.is_static is not None:
        tail += wire.optional_integer(7, message.is_static)
    return head, *message.payload, tail


def decode_arrow_msg(message: memoryview, stores: StoreIds) -> ArrowMsg:
    """`ArrowMsg`, its payload still packed. Raises WireError."""
    store_id = chunk_id = is_static = None
    compression = uncompressed_size = encoding = 0
    payload = memoryview(b"")
    for number, value in wire.fields(message):
        match number:
            case 1:
                store_id = stores.decode(wire.octets(value))
            case 2:
                compression = wire.number(value)
            case 3:
                uncompressed_size = wire.number(value)
            case 4:
                encoding = wire.number(value)
            case 5:
                payload = wire.octets(value)
            case 6:
                chunk_id = _decode_tuid(wire.octets(value))
            case 7:
                is_static = bool(wire.number(value))
    if store_id is None:
        raise WireError("a chunk without a store")
    if encoding != ARROW_IPC:
        raise WireError(f"chunk encoding {encoding}")
    return ArrowMsg(store_id, _compression(compression), uncompressed_size, (payload,), chunk_id, is_static)


def _compression(value: int) -> Compression:
    if value > Compression.LZ4:
        raise WireError(f"compression {value}")
    return Compression(value)


def encode_activation(message: ActivateBlueprint) -> bytes:
    """`BlueprintActivationCommand`."""
    return (
        wire.blob(1, encode_store_id(message.store_id))
        + wire.integer(2, message.make_active)
        + wire.integer(3, message.make_default)
    )


def decode_activation(message: memoryview, stores: StoreIds) -> ActivateBlueprint:
    """`BlueprintActivationCommand`. Raises WireError."""
    store_id, flags = None, {2: False, 3: False}
    for number, value in wire.fields(message):
        if number == 1:
            store_id = stores.decode(wire.octets(value))
        elif number in flags:
            flags[number] = bool(wire.number(value))
    if store_id is None:
        raise WireError("an activation without a blueprint")
    return ActivateBlueprint(store_id, make_active=flags[2], make_default=flags[3])


def encode_footer(manifests: list[RawManifest]) -> bytes:
    """`RrdFooter`."""
    return b"".join(wire.blob(1, _encode_manifest(manifest)) for manifest in manifests)


def _encode_manifest(manifest: RawManifest) -> bytes:
    data = (
        wire.integer(1, 1)
        + wire.blob(2, bytes(manifest.data))
        + wire.integer(3, manifest.compression)
        + wire.integer(4, manifest.uncompressed_size)
    )
    return (
        wire.blob(1, encode_store_id(manifest.store_id))
        + wire.blob(2, wire.blob(1, bytes(manifest.schema)))
        + wire.blob(3, manifest.schema_hash)
        + wire.blob(4, data)
    )


def decode_footer(message: memoryview) -> list[RawManifest]:
    """`RrdFooter`. Raises WireError."""
    return [_decode_manifest(wire.octets(value)) for number, value in wire.fields(message) if number == 1]


def _decode_manifest(message: memoryview) -> RawManifest:
    store_id, schema, schema_hash = None, memoryview(b""), b""
    compression, uncompressed_size, data = 0, 0, memoryview(b"")
    for number, value in wire.fields(message):
        if number == 1:
            store_id = _decode_store_id(wire.octets(value), {})
        elif number == 2:
            schema = next((wire.octets(v) for n, v in wire.fields(wire.octets(value)) if n == 1), schema)
        elif number == 3:
            schema_hash = bytes(wire.octets(value))
        elif number == 4:
            for inner, inner_value in wire.fields(wire.octets(value)):
                if inner == 2:
                    data = wire.octets(inner_value)
                elif inner == 3:
                    compression = wire.number(inner_value)
                elif inner == 4:
                    uncompressed_size = wire.number(inner_value)
    if store_id is None:
        raise WireError("a manifest without a store")
    return RawManifest(store_id, schema, schema_hash, _compression(compression), uncompressed_size, data)
