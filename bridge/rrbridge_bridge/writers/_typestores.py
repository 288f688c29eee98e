"""Message definitions as `rosbags` has them: from the recording, or from where decoding would look."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrbridge.errors import UnknownTypeError
from rrbridge_bridge.decode.definitions import definition_hash, registries_for, registry_for
from rrbridge_bridge.decode.tree import ArrayOf, FieldType, Message, Primitive, SequenceOf
from rrbridge_bridge.raw import Connection

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

__all__ = ["Fields", "described", "fields_of", "message_in", "standard_fields", "store_of"]

Fields = dict[str, tuple[list[Any], list[tuple[str, Any]]]]
"""By type: constants, and fields as `(name, (node type, argument))`."""
STANDARD = {"ros1": "ROS1_NOETIC", "cdr": "ROS2_HUMBLE"}


def described(connection: Connection, folders: Sequence[Path], ros_distro: str) -> Connection | None:
    """A connection that comes without a definition, with one; None if there is none to be sure of."""
    from dataclasses import replace

    if connection.definition or connection.encoding not in STANDARD or not connection.msgtype:
        return None
    places = registries_for(connection, folders=folders, ros_distro=ros_distro)
    try:
        hashes = {definition_hash(place, connection.msgtype) for place in places.values()}
        if len(hashes) > 1 and not ros_distro and not folders:
            return None  # it differs among the distributions, and nobody says which one it was
        fields = fields_of(connection, folders, ros_distro)
    except UnknownTypeError:
        return None
    version = 1 if connection.encoding == "ros1" else 2
    text, md5 = store_of(fields).generate_msgdef(connection.msgtype, version)
    metadata = dict(connection.metadata) | ({"md5sum": md5} if version == 1 else {})
    return replace(connection, definition=text, definition_format=f"ros{version}msg", metadata=metadata)


def fields_of(connection: Connection, folders: Sequence[Path], ros_distro: str) -> Fields:
    """The fields of a connection's type and of all types within it. Raises UnknownTypeError."""
    from rosbags.typesys import TypesysError, get_types_from_idl, get_types_from_msg

    text, kind = connection.definition, connection.definition_format
    found: Fields = {}
    if text and kind in ("ros1msg", "ros2msg", "ros2idl"):
        try:
            parsed = get_types_from_idl(text) if kind == "ros2idl" else get_types_from_msg(text, connection.msgtype)
            found = {name: (list(constants), list(fields)) for name, (constants, fields) in parsed.items()}
        except (TypesysError, RecursionError, ValueError):
            found = {}
    registry = registry_for(connection, folders=folders, ros_distro=ros_distro)
    missing = [connection.msgtype]
    complete: Fields = {}
    while missing:
        name = missing.pop()
        if name in complete:
            continue
        complete[name] = found.get(name) or ([], [(field, _described(kind)) for field, kind in registry[name]])
        missing += [inner for _, kind in complete[name][1] if (inner := message_in(kind))]
    return complete


def _described(kind: FieldType) -> Any:
    from rosbags.interfaces import Nodetype

    match kind:
        case Primitive(name):
            return (Nodetype.BASE, (name, 0))
        case Message(msgtype):
            return (Nodetype.NAME, {"time": TIME, "duration": DURATION}.get(msgtype, msgtype))
        case ArrayOf(item, count):
            return (Nodetype.ARRAY, (_described(item), count))
        case SequenceOf(item):
            return (Nodetype.SEQUENCE, (_described(item), 0))


TIME, DURATION = "builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration"


def message_in(kind: Any) -> str | None:
    """The type of message that a field holds, or holds many of."""
    from rosbags.interfaces import Nodetype

    node, argument = kind
    if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return message_in(argument[0])
    return str(argument) if node == Nodetype.NAME else None


@cache
def standard_fields(encoding: str) -> Fields:
    """Those of ROS 1 Noetic (`ros1`) or ROS 2 Humble (`cdr`)."""
    from rosbags.typesys import Stores, get_typestore

    return dict(get_typestore(Stores[STANDARD[encoding]]).fielddefs)


def store_of(fields: Fields) -> Typestore:
    """A `rosbags` store with these types."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.EMPTY)
    basic = {name: standard_fields("cdr")[name] for name in (TIME, DURATION)}
    store.register(basic | fields)
    return store
