"""Messages of ROS 1 for rosbag2, and of ROS 2 for ROS 1 bags: bytes from one encoding to the other, by `rosbags`.

Types that the other ROS defines too take its definition, others keep their own; `std_msgs/Header` has a `seq` in ROS 1 only.
Of fields that the other definition lacks a message may have had values; then it is counted as having lost them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rosbags.typesys import TypesysError

from rrbridge.errors import UnknownTypeError
from rrbridge.importers import Note
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.raw import Connection, join_payloads
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.writers._typestores import Fields, fields_of, message_in, standard_fields, store_of

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

__all__ = ["TranscodeError", "Transcoder"]

ENCODINGS = frozenset({"ros1", "cdr"})
RENAMED = {"tf/msg/tfMessage": "tf2_msgs/msg/TFMessage"}
"""ROS 1 types that ROS 2 has under another name."""
HEADER = "std_msgs/msg/Header"
LATCHED_QOS = """- history: 1
  depth: 1
  reliability: 1
  durability: 1
  deadline:
    sec: 9223372036
    nsec: 854775807
  lifespan:
    sec: 9223372036
    nsec: 854775807
  liveliness: 1
  liveliness_lease_duration:
    sec: 9223372036
    nsec: 854775807
  avoid_ros_namespace_conventions: false"""
"""What a publisher of latched messages offers in ROS 2."""
UNUSABLE_DEFINITION = (AssertionError, KeyError, ValueError, RecursionError, SyntaxError, TypesysError)
"""`rosbags` writes Python of definitions, which fails for names that ROS has not, such as `drone::State` of plain DDS."""
NOT_CONVERTED = (Exception,)
"""`rosbags` meets bad bytes with errors of every kind."""

Convert = Callable[[memoryview], bytes | memoryview]


class TranscodeError(Exception):
    """A topic cannot be carried over: its name and why."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How messages of one connection become those of the other ROS."""

    connection: Connection
    convert: Convert
    lost_fields: tuple[tuple[str, ...], ...]
    """Paths of fields that have no place."""
    decode: Callable[[memoryview], Any]
    """For a look at these fields."""


class Transcoder:
    """Brings connections and their messages to one encoding, `ros1` or `cdr`."""

    def __init__(self, encoding: str, folders: Sequence[Path]) -> None:
        """`folders` are searched for definitions."""
        self._encoding = encoding
        self._folders = folders
        self._ways: dict[int, _Way] = {}
        self._reports: dict[int, TopicReport] = {}
        self._losses: dict[str, Counter[str]] = {}

    @property
    def ros(self) -> str:
        """Whose encoding it is."""
        return "ROS 1" if self._encoding == "ros1" else "ROS 2"

    def connection(self, connection: Connection, ros_distro: str, report: TopicReport) -> Connection:
        """The connection as it is in the output. Raises TranscodeError if its messages cannot be brought there."""
        if connection.encoding == self._encoding:
            return connection
        if connection.encoding not in ENCODINGS:
            how = connection.encoding or "nothing known"
            raise TranscodeError(f"{connection.topic} (its messages are encoded as {how})")
        try:
            way = self._way(connection, fields_of(connection, self._folders, ros_distro))
        except UnknownTypeError as err:
            raise TranscodeError(f"{connection.topic} ({err})") from err
        except UNUSABLE_DEFINITION as err:
            why = str(err).partition("\n")[0] or "it is of a service or an action"
            if isinstance(err, SyntaxError):
                why = "it is not of ROS"
            raise TranscodeError(
                f"{connection.topic} (the definition of {connection.msgtype} cannot be carried over: {why})"
            ) from err
        self._ways[connection.id] = way
        self._reports[connection.id] = report
        return way.connection

    def _way(self, connection: Connection, fields: Fields) -> _Way:
        from rosbags.convert.converter import is_same_wireformat, migrate_bytes

        to_ros2 = self._encoding == "cdr"
        msgtype = connection.msgtype
        renamed = RENAMED.get(msgtype, msgtype) if to_ros2 else msgtype
        source = store_of(fields)
        target = store_of(_target_fields(fields, msgtype, renamed, self._encoding))
        version = 2 if to_ros2 else 1
        text, md5 = target.generate_msgdef(renamed, version)
        about = _metadata(connection, to_ros2=to_ros2)
        about |= {"type_description_hash": target.hash_rihs01(renamed)} if to_ros2 else {"md5sum": md5}
        described = replace(
            connection,
            msgtype=renamed,
            encoding=self._encoding,
            definition=text,
            definition_format=f"ros{version}msg",
            metadata=about,
        )
        cache: dict[str, Any] = {}
        decode = source.deserialize_ros1 if to_ros2 else source.deserialize_cdr

        def migrate(data: memoryview) -> memoryview:
            return migrate_bytes(source, target, msgtype, renamed, cache, data, src_is2=not to_ros2, dst_is2=to_ros2)

        def convert(data: memoryview) -> memoryview:
            if to_ros2:
                return target.ros1_to_cdr(data, renamed)
            if bytes(data[:2]) != b"\0\1":  # big endian, which the short way does not take
                return migrate(data)
            return source.cdr_to_ros1(data, msgtype)

        same = is_same_wireformat(source, target, msgtype, renamed)
        lost = () if same else tuple(_lost_fields(source, target, msgtype, renamed))
        return _Way(described, convert if same else migrate, lost, lambda data: decode(data, msgtype))

    def rows(self, rows: Rows) -> Rows:
        """The messages in the encoding; those that do not follow their definition are left out and counted."""
        if not self._ways or not np.isin(rows.connection_ids, list(self._ways)).any():
            return rows
        view = memoryview(rows.buffer)  # type: ignore[arg-type]
        payloads: list[bytes] = []
        kept = np.ones(len(rows), np.bool_)
        spans = zip(rows.connection_ids.tolist(), rows.starts.tolist(), rows.sizes.tolist(), strict=True)
        for row, (number, start, size) in enumerate(spans):
            data = view[start : start + size]
            way = self._ways.get(number)
            converted = bytes(data) if way is None else self._converted(number, way, data)
            if converted is None:
                kept[row] = False
            else:
                payloads.append(converted)
        buffer, starts, sizes = join_payloads(payloads)
        return replace(rows.take(kept), buffer=buffer, starts=starts, sizes=sizes)

    def _converted(self, number: int, way: _Way, data: memoryview) -> bytes | None:
        try:
            converted = bytes(way.convert(data))
            if way.lost_fields:
                self._note_lost(way, data)
        except NOT_CONVERTED as err:
            report = self._reports[number]
            report.undecodable += 1
            report.because(f"does not follow its definition: {type(err).__name__}: {str(err).partition(chr(10))[0]}")
            return None
        return converted

    def _note_lost(self, way: _Way, data: memoryview) -> None:
        message = way.decode(data)
        for path in way.lost_fields:
            if any(map(_has_value, _at(message, path))):
                self._losses.setdefault(way.connection.topic, Counter())[".".join(path)] += 1

    def notes(self) -> list[Note]:
        """What was lost on the way, by topic and field."""
        other = self.ros
        return [
            Note(f"{topic}: {count} messages had a {field}, for which {other} has no place", is_loss=True)
            for topic, counts in self._losses.items()
            for field, count in counts.items()
        ]


def _target_fields(fields: Fields, msgtype: str, renamed: str, encoding: str) -> Fields:
    """Definitions in the other ROS: its own where it has the type, else the recording's."""
    standard = standard_fields(encoding)
    found: Fields = {}
    waiting = [renamed]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = standard.get(name) or fields[msgtype if name == renamed else name]
        waiting += [inner for _, kind in found[name][1] if (inner := message_in(kind))]
    return found


def _metadata(connection: Connection, *, to_ros2: bool) -> dict[str, str]:
    if to_ros2:
        return {"offered_qos_profiles": LATCHED_QOS} if is_latched(connection) else {}
    return {"latching": "1"} if is_latched(connection) else {}


def _lost_fields(source: Typestore, target: Typestore, msgtype: str, renamed: str) -> list[tuple[str, ...]]:
    """Fields of one definition that the other has under no name, at any depth; `Header.seq` aside."""
    from rosbags.typesys.base import normalize_fieldname

    theirs = dict(target.fielddefs[renamed][1])
    mine = dict(source.fielddefs[msgtype][1])
    added = [kind for name, kind in theirs.items() if name not in mine]
    found: list[tuple[str, ...]] = []
    for name, kind in mine.items():
        field = normalize_fieldname(name)
        if name not in theirs:
            if kind in added:
                added.remove(kind)  # renamed: `D` of a CameraInfo is `d` in ROS 2
            elif (msgtype, name) != (HEADER, "seq"):
                found.append((field,))
            continue
        inner, other = message_in(kind), message_in(theirs[name])
        if inner and other:
            found += [(field, *path) for path in _lost_fields(source, target, inner, other)]
        elif kind != theirs[name]:
            found.append((field,))
    return found


def _at(message: Any, path: tuple[str, ...]) -> list[Any]:
    """The values at a path; of lists, those of each item."""
    if isinstance(message, list):
        return [value for item in message for value in _at(item, path)]
    return _at(getattr(message, path[0]), path[1:]) if path else [message]


def _has_value(value: Any) -> bool:
    """Whether a field holds more than nothing."""
    if isinstance(value, np.ndarray | list | str):
        return len(value) > 0
    if hasattr(value, "__dataclass_fields__"):
        return any(_has_value(getattr(value, name)) for name in value.__dataclass_fields__ if name != "__msgtype__")
    return bool(value)
