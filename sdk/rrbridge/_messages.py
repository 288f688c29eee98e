"""What a recording is made of, in the order it is written: stores, their chunks, blueprint activations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from rrbridge._chunk import Chunk
from rrbridge._tuid import new_tuid

__all__ = ["ActivateBlueprint", "LogMessage", "StoreId", "StoreInfo", "StoreKind", "StoredChunk"]


class StoreKind(IntEnum):
    """What a store holds."""

    RECORDING = 1
    BLUEPRINT = 2


@dataclass(frozen=True, slots=True)
class StoreId:
    """Names one store; all three parts are the key."""

    kind: StoreKind
    application_id: str
    recording_id: str


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Announces a store; the latest announcement wins."""

    store_id: StoreId
    row_id: bytes
    source: str = "rrbridge"
    """Who produced it."""

    @classmethod
    def new(cls, store_id: StoreId, source: str = "rrbridge") -> StoreInfo:
        """An announcement with a row id of its own."""
        return cls(store_id, new_tuid(), source)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk, and the store it belongs to."""

    store_id: StoreId
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class ActivateBlueprint:
    """Asks viewers to show a blueprint; comes after the blueprint's chunks."""

    store_id: StoreId
    make_active: bool
    make_default: bool


LogMessage: TypeAlias = StoreInfo | StoredChunk | ActivateBlueprint
