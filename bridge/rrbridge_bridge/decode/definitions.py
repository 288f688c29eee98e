"""Where message definitions come from.

In this order: the recording itself; folders that the user names (`--msgs`, a workspace's `src`); `AMENT_PREFIX_PATH` and
`ROS_PACKAGE_PATH`; the definitions that `rosbags` brings, those of the recording's own ROS distribution first.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from rrbridge.errors import UnknownTypeError
from rrbridge_bridge.decode import _msg
from rrbridge_bridge.decode.tree import ArrayOf, Definition, FieldType, Message, Primitive, SequenceOf
from rrbridge_bridge.raw import Connection

__all__ = ["Registry", "definition_hash", "embedded_definitions", "is_said_empty", "registries_for", "registry_for"]

log = logging.getLogger(__name__)

Lookup: TypeAlias = Callable[[str], Definition | None]
"""The definition of a type, or None."""

BUILTIN: Mapping[str, Definition] = {
    "builtin_interfaces/msg/Time": (("sec", Primitive("int32")), ("nanosec", Primitive("uint32"))),
    "builtin_interfaces/msg/Duration": (("sec", Primitive("int32")), ("nanosec", Primitive("uint32"))),
    "map_msgs/msg/OccupancyGridUpdate": (
        ("header", Message("std_msgs/msg/Header")),
        ("x", Primitive("int32")),
        ("y", Primitive("int32")),
        ("width", Primitive("uint32")),
        ("height", Primitive("uint32")),
        ("data", SequenceOf(Primitive("int8"))),
    ),
}
"""Of types that are in no type store but common."""
FORMATS = frozenset({"ros1msg", "ros2msg", "ros2idl", "omgidl"})
EMPTY_FORMATS = frozenset({"ros1msg", "ros2msg"})
MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
"""By which ROS 1 knows types without fields."""
MAX_FOLDERS = 200_000
"""A search for definitions gives up after so many folders, so that `--msgs /` ends."""
MAX_FILE_BYTES = _msg.MAX_DEFINITION_CHARACTERS
SKIPPED_FOLDERS = frozenset({".git", "build", "log", "node_modules", "__pycache__"})
ROS2_STORES = ("humble", "jazzy", "kilted", "iron", "galactic", "foxy", "eloquent", "dashing", "lyrical")
"""In the order in which they are asked, after the recording's own distribution."""


class Registry(Mapping[str, Definition]):
    """Definitions by type name, from several places; the first that knows a type is asked for it."""

    def __init__(self, lookups: Sequence[Lookup]) -> None:
        self._lookups = lookups
        self._found: dict[str, Definition] = {}

    def __getitem__(self, msgtype: str) -> Definition:
        """The definition. Raises UnknownTypeError."""
        msgtype = msgtype.replace("::", "/")
        if msgtype not in self._found:
            found = next((d for lookup in self._lookups if (d := lookup(msgtype)) is not None), None)
            if found is None:
                raise UnknownTypeError(
                    msgtype, "name the folder that has it with --msgs, for example a workspace's src"
                )
            self._found[msgtype] = found
        return self._found[msgtype]

    def __contains__(self, msgtype: object) -> bool:
        try:
            self[str(msgtype)]
        except UnknownTypeError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def registry_for(connection: Connection, *, folders: Iterable[Path] = (), ros_distro: str = "") -> Registry:
    """Where to look for a connection's type and the types nested in it."""
    return next(iter(registries_for(connection, folders=folders, ros_distro=ros_distro).values()))


def registries_for(
    connection: Connection, *, folders: Iterable[Path] = (), ros_distro: str = ""
) -> Mapping[str, Registry]:
    """The places to look in, each put first once, by what to call it. The first asks all in the order of this module's head.

    The others are for a recording whose own definitions do not fit its messages, or that does not say its distribution while
    the type differs among them.
    """
    places: dict[str, Lookup] = {"the recording": embedded_definitions(connection).get}
    for folder in folders:
        places[str(folder)] = _workspace(Path(folder)).get
    places["the installed ROS"] = _installed
    if connection.encoding == "ros1":
        places["ROS 1 noetic"] = _store("ros1_noetic")
    else:
        first = (ros_distro,) if ros_distro in ROS2_STORES else ()
        for name in (*first, *(other for other in ROS2_STORES if other not in first)):
            places[f"ROS 2 {name}"] = _store(f"ros2_{name}")
    places["rrbridge"] = _common
    if is_said_empty(connection):
        places["the empty definition in the recording"] = {connection.msgtype: ()}.get  # of a message without fields
    everywhere = list(places.values())
    return {name: Registry([first_asked, *everywhere]) for name, first_asked in places.items()}


def _common(msgtype: str) -> Definition | None:
    if msgtype in BUILTIN:
        return BUILTIN[msgtype]
    from rrbridge_bridge.decode._common import common_definition  # few types are asked for here

    return common_definition(msgtype)


def is_said_empty(connection: Connection) -> bool:
    """Whether the recording says that the messages have no fields. Writers that did not find a definition say so too."""
    if connection.definition.strip():
        return False
    return connection.definition_format in EMPTY_FORMATS or connection.metadata.get("md5sum") == MD5_OF_NOTHING


def embedded_definitions(connection: Connection) -> Mapping[str, Definition]:
    """What the recording itself says; empty, with a word in the log, if that cannot be read."""
    if connection.definition_format not in FORMATS or not connection.definition.strip():
        return {}
    return _parsed(connection.msgtype, connection.definition_format, connection.definition)


def definition_hash(registry: Mapping[str, Definition], msgtype: str) -> str:
    """Eight letters that two definitions of one type differ in. Raises UnknownTypeError."""
    import hashlib  # second definitions are rare

    seen: dict[str, Definition] = {}

    def collect(name: str) -> None:
        if name in seen:
            return
        seen[name] = registry[name]
        for _, kind in seen[name]:
            inner = kind
            while isinstance(inner, (ArrayOf, SequenceOf)):
                inner = inner.item
            if isinstance(inner, Message):
                collect(inner.msgtype)

    collect(msgtype)
    text = repr(sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def _parsed(msgtype: str, definition_format: str, text: str) -> Mapping[str, Definition]:
    if len(text) > _msg.MAX_DEFINITION_CHARACTERS:
        log.warning("%s: a definition of %d characters is not read", msgtype, len(text))
        return {}
    definitions: dict[str, Definition] = {}
    first = "IDL" if definition_format in ("ros2idl", "omgidl") else "MSG"
    sections = _msg.parse_sections(text)
    for kind, name, section in sections:
        if not name and len(sections) > 1 and not section.strip():
            continue
        try:
            definitions |= _parse_section(kind or first, _long(name) if name else msgtype, section)
        except ValueError as err:
            log.warning("the recording's definition of %s cannot be read: %s", name or msgtype, err)
    return definitions


def _parse_section(kind: str, name: str, text: str) -> Mapping[str, Definition]:
    if kind == "IDL":
        return _parse_idl(text)
    package = name.partition("/")[0]
    if "/srv/" in name and _msg.SEPARATOR.search(text):
        # rosbag2 records service events, and describes them by the text of the service.
        return _msg.parse_srv(text, name.rpartition("_")[0], package)
    if "/action/" in name and _msg.SEPARATOR.search(text):
        return _msg.parse_action(text, _action(name), package)
    return {name: _msg.parse_msg(text, package)}


def _action(name: str) -> str:
    """The action that a part (`…_FeedbackMessage`, `…_SendGoal_Event`) belongs to."""
    owner = name.rpartition("_")[0]
    return owner.removesuffix("_SendGoal").removesuffix("_GetResult")


def _long(name: str) -> str:
    parts = name.split("/")
    return name if len(parts) != 2 else f"{parts[0]}/msg/{parts[1]}"


def _from_rosbags(fields: Iterable[tuple[str, object]]) -> Definition:
    return tuple((name, _type_from_rosbags(description)) for name, description in fields)


def _type_from_rosbags(description: object) -> FieldType:
    """`rosbags`' `(node type, argument)` as a field type."""
    from rosbags.interfaces import Nodetype

    assert isinstance(description, tuple)
    kind, argument = description
    if kind == Nodetype.BASE:
        return Primitive(argument[0])
    if kind == Nodetype.NAME:
        return Message(argument)
    item = _type_from_rosbags(argument[0])
    assert isinstance(item, (Primitive, Message))
    return ArrayOf(item, argument[1]) if kind == Nodetype.ARRAY else SequenceOf(item)


@cache
def _store(name: str) -> Lookup:
    """One of rosbags' stores, loaded when it is first asked."""

    @cache
    def fields_of() -> Mapping[str, tuple[object, Sequence[tuple[str, object]]]]:
        from importlib import import_module

        fields: Mapping[str, tuple[object, Sequence[tuple[str, object]]]]
        fields = import_module(f"rosbags.typesys.stores.{name}").FIELDDEFS
        return fields

    def lookup(msgtype: str) -> Definition | None:
        found = fields_of().get(msgtype)
        return None if found is None else _from_rosbags(found[1])

    return lookup


@cache
def _workspace(folder: Path) -> Mapping[str, Definition]:
    """Every definition below a folder, by type; files are read when first asked for."""
    return _LazyFiles(_files_below(folder))


class _LazyFiles(Mapping[str, Definition]):
    """Definitions that stand in files."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._read: dict[Path, Mapping[str, Definition]] = {}

    def __getitem__(self, msgtype: str) -> Definition:
        path = self._files.get(msgtype) or self._files.get(_stem(msgtype)) or self._files.get(_action(msgtype))
        if path is None:
            raise KeyError(msgtype)
        if path not in self._read:
            self._read[path] = _read_file(path)
        return self._read[path][msgtype]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _stem(msgtype: str) -> str:
    """The service or action that a part (`…_Request`, `…_FeedbackMessage`) belongs to."""
    package, _, rest = msgtype.partition("/")
    return f"{package}/{rest.rpartition('_')[0]}"


def _files_below(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for visited, (here, below, names) in enumerate(os.walk(folder)):
        if visited > MAX_FOLDERS:
            log.warning("%s has more than %d folders; definitions beyond them are not found", folder, MAX_FOLDERS)
            break
        below[:] = sorted(name for name in below if name not in SKIPPED_FOLDERS)
        place = Path(here)
        if place.name in ("msg", "srv", "action"):
            for name in sorted(names):
                path = place / name
                if path.suffix in (".msg", ".srv", ".action", ".idl"):
                    files.setdefault(f"{place.parent.name}/{place.name}/{path.stem}", path)
    return files


def _parse_idl(text: str) -> Mapping[str, Definition]:
    from rrbridge_bridge.decode._idl import parse_idl  # few recordings have any

    return parse_idl(text)


def _read_file(path: Path) -> Mapping[str, Definition]:
    """The definitions of one file; empty, with a word in the log, if it cannot be read."""
    package, kind = path.parent.parent.name, path.parent.name
    name = f"{package}/{kind}/{path.stem}"
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"it has more than {MAX_FILE_BYTES} bytes")  # noqa: TRY301
        text = path.read_text("utf-8", "replace")
        if path.suffix == ".idl":
            return _parse_idl(text)
        if path.suffix == ".srv":
            return _msg.parse_srv(text, name, package)
        if path.suffix == ".action":
            return _msg.parse_action(text, name, package)
        return {name: _msg.parse_msg(text, package)}
    except (OSError, ValueError) as err:
        log.warning("%s cannot be read: %s", path, err)
        return {}


def _installed(msgtype: str) -> Definition | None:
    """From an installed ROS: `AMENT_PREFIX_PATH` (ROS 2), `ROS_PACKAGE_PATH` (ROS 1)."""
    shares = [Path(p, "share") for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    shares += [Path(p) for p in os.environ.get("ROS_PACKAGE_PATH", "").split(os.pathsep) if p]
    for share in shares:
        found = _in_share(share, msgtype)
        if found is not None:
            return found
    return None


@cache
def _in_share(share: Path, msgtype: str) -> Definition | None:
    for name in (msgtype, _stem(msgtype), _action(msgtype)):
        parts = name.split("/")
        if len(parts) != 3 or any(part in ("", ".", "..") for part in parts):
            continue
        for suffix in (".msg", ".srv", ".action", ".idl"):
            path = share.joinpath(*parts).with_suffix(suffix)
            if path.is_file() and (found := _read_file(path).get(msgtype)) is not None:
                return found
    return None
