"""From a connection to a function that decodes its batches; and what can be had of a batch with bad messages in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rrbridge.columns import Columns
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode.definitions import Registry, definition_hash, is_said_empty, registries_for
from rrbridge_bridge.decode.plan import BadMessagesError, Plan, Wire, plan_for
from rrbridge_bridge.raw import Connection, Int64s, RawBatch
from rrbridge_bridge.salvage import remembered

__all__ = ["Decode", "Salvaged", "decode_what_can", "decoder_for"]

Decode: TypeAlias = Callable[[RawBatch], Columns]
"""Every field of a batch's messages. Raises BadMessagesError."""

log = logging.getLogger(__name__)

WIRES: dict[str, Wire] = {"cdr": "cdr", "ros1": "ros1"}
BY_SCHEMA = {
    "protobuf": ("protobuf", "protobuf_decoder"),
    "json": ("json_documents", "json_decoder"),
    "flatbuffer": ("flatbuffer", "flatbuffer_decoder"),
}
"""Module and function by encoding: those that are read by the schema in the recording alone, loaded when they are met."""
CDR_HEADER_BYTES = 4
EMPTY_BYTES = 4
"""A message of ROS 2 that has no fields is one zero, filled up to four bytes with whatever was in memory."""
ROUNDS = 8
"""After so many attempts to decode what is left of a batch, its messages are tried one by one."""


@dataclass(frozen=True, eq=False, slots=True)
class Salvaged:
    """What can be had of a batch."""

    columns: Columns
    """Of the messages that could be decoded."""
    rows: Int64s
    """Which they are, as indices into the batch, rising."""
    bad: Int64s
    """The others."""
    error: BadMessagesError | None
    """What was wrong with the first of them found."""


def decoder_for(connection: Connection, *, definitions: Iterable[Path] = (), ros_distro: str = "") -> Decode:
    """A function that decodes a connection's batches.

    `definitions` are folders to look in for message definitions. Raises DecodeError if the encoding or the definition is not
    one that rrbridge reads, UnknownTypeError if there is no definition.
    """
    if connection.encoding in BY_SCHEMA:
        module, name = BY_SCHEMA[connection.encoding]
        decoder: Decode = getattr(import_module(f"rrbridge_bridge.decode.{module}"), name)(connection)
        return decoder
    if connection.encoding not in WIRES:
        how = repr(connection.encoding) if connection.encoding else "an unnamed encoding"
        raise DecodeError(f"messages in {how} are kept as bytes", msgtype=connection.msgtype, topic=connection.topic)
    if not connection.msgtype:
        raise DecodeError("the recording does not say what type its messages have", topic=connection.topic)
    registries = registries_for(connection, folders=definitions, ros_distro=ros_distro)
    return _Decoder(connection, registries, WIRES[connection.encoding])


class _Decoder:
    """Decodes with the first definition that fits the first messages.

    Usually that is the only one. But recordings before Iron hold no definitions and may not say their distribution, some types
    differ among distributions, and some recordings hold definitions that their messages do not follow.
    """

    def __init__(self, connection: Connection, registries: Mapping[str, Registry], wire: Wire) -> None:
        self._connection = connection
        self._wire = wire
        self._others = dict(registries)
        self._first = self._others.pop(next(iter(registries)))
        self._plan = plan_for(self._first, connection.msgtype, wire)
        self._must_be_empty = is_said_empty(connection) and not self._first[connection.msgtype]

    def __call__(self, batch: RawBatch) -> Columns:
        try:
            columns = self._run(self._plan, batch)
        except BadMessagesError:
            found = self._another_that_fits(batch)
            if found is None:
                raise
            return found
        if len(batch):
            self._others.clear()
        return columns

    def _run(self, plan: Plan, batch: RawBatch) -> Columns:
        if self._must_be_empty:
            _check_empty(batch, CDR_HEADER_BYTES if self._wire == "cdr" else 0)
        return plan.decode(batch.buffer, batch.starts, batch.sizes, topic=batch.connection.topic)

    def _another_that_fits(self, batch: RawBatch) -> Columns | None:
        others, self._others = self._others, {}
        msgtype = self._connection.msgtype
        hashes = {definition_hash(self._first, msgtype)} if others else set()
        for name, registry in others.items():
            try:
                found = definition_hash(registry, msgtype)
                if found in hashes:
                    continue
                hashes.add(found)
                plan = plan_for(registry, msgtype, self._wire)
                columns = self._run(plan, batch)
            except (DecodeError, UnknownTypeError):
                continue
            log.warning(
                "%s: messages do not follow the first definition of %s that was found; that of %s fits and is used",
                self._connection.topic,
                msgtype,
                name,
            )
            self._plan = plan
            return columns
        return None


def _check_empty(batch: RawBatch, header_bytes: int) -> None:
    """Raises BadMessagesError for messages with more in them than the zero of one that has no fields."""
    starts, sizes = batch.starts + header_bytes, batch.sizes - header_bytes
    filled = sizes > EMPTY_BYTES
    rows = np.flatnonzero((sizes > 0) & ~filled)
    filled[rows] = batch.buffer[starts[rows]] != 0
    if filled.any():
        connection = batch.connection
        raise BadMessagesError(
            f"no definition of {connection.msgtype} but an empty one, and the messages are not; name the folder that has it "
            "with --msgs",
            np.flatnonzero(filled),
            msgtype=connection.msgtype,
            topic=connection.topic,
        )


def decode_what_can(decode: Decode, batch: RawBatch) -> Salvaged:
    """Decode a batch without the messages that do not follow their definition."""
    rows = np.arange(len(batch))
    bad: list[Int64s] = []
    first: BadMessagesError | None = None
    for _ in range(ROUNDS):
        try:
            columns = decode(batch if len(rows) == len(batch) else batch.take(rows))
        except BadMessagesError as err:
            first = first or remembered(err)
            bad.append(rows[err.rows])
            rows = np.delete(rows, err.rows)
        else:
            return Salvaged(columns, rows, _joined(bad), first)
    good = np.array([_is_good(decode, batch.take(rows[i : i + 1])) for i in range(len(rows))], np.bool_)
    bad.append(rows[~good])
    return Salvaged(decode(batch.take(rows[good])), rows[good], _joined(bad), first)


def _is_good(decode: Decode, batch: RawBatch) -> bool:
    try:
        decode(batch)
    except BadMessagesError:
        return False
    return True


def _joined(parts: list[Int64s]) -> Int64s:
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
