"""Message definitions for topics of which only a type's name and hash are known.

They are looked for where ROS packages are installed, then among the types of every ROS 2 distribution that `rosbags` knows, and
taken only if their hash is the publisher's. Otherwise the publishing node can be asked: each node of ROS 2 Iron or later has
a service `~/get_type_description`.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rrbridge_bridge.live.definitions import DefinitionFinder, from_sources
from rrbridge_bridge.live.zenoh_keys import NO_HASH

__all__ = ["DESCRIBE_SERVICE", "DESCRIBE_TYPE", "Definitions", "answered_definition", "hash_of", "request"]

DESCRIBE_SERVICE = "get_type_description"
DESCRIBE_TYPE = "type_description_interfaces/srv/GetTypeDescription"
MAX_ANSWER_BYTES = 8 << 20
DISTRIBUTIONS = ("ROS2_LYRICAL", "ROS2_KILTED", "ROS2_JAZZY", "ROS2_IRON", "ROS2_HUMBLE", "ROS2_GALACTIC", "ROS2_FOXY")
CDR_LE = b"\0\1\0\0"
_PREFIXES = "AMENT_PREFIX_PATH"


def hash_of(msgtype: str, definition: str) -> str:
    """The hash by which ROS 2 tells definitions of a type apart (`RIHS01_…`); empty if the text cannot be understood."""
    from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore

    store = get_typestore(Stores.EMPTY)
    try:
        store.register(get_types_from_msg(definition, msgtype))
        return str(store.hash_rihs01(msgtype))
    except (TypesysError, KeyError, ValueError, RecursionError):
        return ""


@cache
def _standard(name: str, msgtype: str) -> tuple[str, str]:
    """Hash and definition of a type in a distribution; empty if it has none of that name."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores[name])
    if msgtype not in store.fielddefs:
        return "", ""
    return str(store.hash_rihs01(msgtype)), store.generate_msgdef(msgtype, ros_version=2)[0] or "\n"


class Definitions:
    """Finds what can be found on this machine."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        prefixes = [Path(prefix) for prefix in environment.get(_PREFIXES, "").split(os.pathsep) if prefix]
        self._prefixes = prefixes
        self._installed = DefinitionFinder(prefixes)

    def find(self, msgtype: str, type_hash: str) -> str:
        """The full definition with that hash; empty if there is none here.

        Humble tells no hashes: there, what is installed here is taken, or what Humble itself has under that name.
        """
        installed = self._installed.find(msgtype)
        if type_hash == NO_HASH:
            return installed or _standard("ROS2_HUMBLE", msgtype)[1]
        if installed and self._installed_hash(msgtype, installed) == type_hash:
            return installed
        found = (_standard(name, msgtype) for name in DISTRIBUTIONS)
        return next((text for known, text in found if known == type_hash), "")

    def standard_hash(self, msgtype: str) -> str:
        """Of what is installed here under that name, or of what all distributions have; empty if there is no such thing."""
        if installed := self._installed.find(msgtype):
            return self._installed_hash(msgtype, installed)
        found = {_standard(name, msgtype)[0] for name in DISTRIBUTIONS} - {""}
        return found.pop() if len(found) == 1 else ""

    def _installed_hash(self, msgtype: str, definition: str) -> str:
        """As the package says it, or of its text."""
        package, kind, name = msgtype.split("/")
        for prefix in self._prefixes:
            path = prefix / "share" / package / kind / f"{name}.json"
            try:
                described = json.loads(path.read_bytes()) if path.stat().st_size <= MAX_ANSWER_BYTES else {}
                hashes = {entry["type_name"]: str(entry["hash_string"]) for entry in described["type_hashes"]}
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if msgtype in hashes:
                return hashes[msgtype]
        return hash_of(msgtype, definition)


def request(msgtype: str, type_hash: str) -> bytes:
    """What to ask of a node's `get_type_description`, as CDR."""
    asked = b""
    for text in (msgtype, type_hash):
        asked += bytes(-len(asked) % 4) + struct.pack("<I", len(text) + 1) + text.encode() + b"\0"
    return CDR_LE + asked + b"\1"


def answered_definition(payload: bytes, msgtype: str) -> tuple[str, str]:
    """The definition in a node's answer, or why there is none."""
    if len(payload) > MAX_ANSWER_BYTES:
        return "", f"its answer has {len(payload)} bytes"
    try:
        successful, reason, sources = _answer(_Cdr(payload))
    except (struct.error, ValueError) as err:
        return "", f"its answer makes no sense: {err}"
    if not successful:
        return "", reason or "it has none"
    definition = from_sources(msgtype, sources)
    return definition, "" if definition else "its answer does not have the text of every type"


def _answer(cdr: _Cdr) -> tuple[bool, str, dict[str, str]]:
    successful, reason = cdr.number("B") != 0, cdr.text()
    _skip_individual(cdr)
    for _ in range(cdr.count()):
        _skip_individual(cdr)
    sources = {}
    for _ in range(cdr.count()):
        name, encoding, text = cdr.text(), cdr.text(), cdr.text()
        if encoding == "msg":
            sources[name] = text
    return successful, reason, sources


def _skip_individual(cdr: _Cdr) -> None:
    """One type's name and fields."""
    cdr.text()
    for _ in range(cdr.count()):
        cdr.text()
        cdr.number("B")
        cdr.number("Q")
        cdr.number("Q")
        cdr.text()
        cdr.text()


class _Cdr:
    """Reads plain CDR from the start; struct.error or ValueError where it ends too early or lies."""

    def __init__(self, payload: bytes) -> None:
        if len(payload) < 4 or payload[0] != 0 or payload[1] not in (0, 1):
            raise ValueError("not plain CDR")
        self._order = "><"[payload[1]]
        self._data = payload[4:]
        self._at = 0

    def number(self, kind: str) -> int:
        size = struct.calcsize(kind)
        self._at += -self._at % size
        (value,) = struct.unpack_from(f"{self._order}{kind}", self._data, self._at)
        self._at += size
        return int(value)

    def count(self) -> int:
        """How many of a sequence; each takes at least a byte."""
        count = self.number("I")
        if count > len(self._data) - self._at:
            raise ValueError(f"{count} items in {len(self._data) - self._at} bytes")
        return count

    def text(self) -> str:
        size = self.count()
        data = self._data[self._at : self._at + size]
        self._at += size
        return data.rstrip(b"\0").decode("utf-8", "replace")
