"""Message definitions from an installed ROS: the text of a type and of everything it uses, as MCAP and ROS bags keep it.

The form is the one that `rosbag2` writes with the encoding `ros2msg`: the type's own `.msg` text, then for each type it
uses, directly or not, a line of 80 `=`, a line `MSG: package/Type`, and its text. Events of a service are described by the
text of the service (`.srv`), as rosbag2 does it, and what actions publish by that of the action (`.action`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

__all__ = ["DefinitionFinder", "concatenate", "from_sources", "search_also", "used_types"]

SEPARATOR = "=" * 80
MAX_DEFINITION_BYTES = 1 << 20
MAX_TYPES = 1000
KINDS = ("msg", "srv", "action")
AMENT_PREFIX_PATH = "AMENT_PREFIX_PATH"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TYPE = re.compile(
    r"\s*(?:(?P<package>[A-Za-z]\w*)/(?:msg/)?)?(?P<name>[A-Za-z]\w*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z_]"
)
_NUMBERS = frozenset(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)) | {"float32", "float64"}
_PRIMITIVE = _NUMBERS | {"bool", "byte", "char", "string", "wstring"}


def used_types(text: str, package: str) -> list[str]:
    """The message types (`package/msg/Name`) that the fields of a definition name, in order of appearance."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        match = _TYPE.match(line.split("#", 1)[0] + " ")
        if match and match["name"] not in _PRIMITIVE:
            owner = match["package"] or ("std_msgs" if match["name"] == "Header" else package)
            found[f"{owner}/msg/{match['name']}"] = None
    return list(found)


def described_by(msgtype: str) -> tuple[str, tuple[str, ...]]:
    """The type whose text describes a type, and what the type uses besides what that text names."""
    owner, _, part = msgtype.rpartition("_")
    if "/srv/" in msgtype and part == "Event":
        return owner, ("service_msgs/msg/ServiceEventInfo",)
    if "/action/" in msgtype and part == "FeedbackMessage":
        return owner, ("unique_identifier_msgs/msg/UUID",)
    if "/action/" in msgtype and part == "Event":
        more = ("service_msgs/msg/ServiceEventInfo", "unique_identifier_msgs/msg/UUID", "builtin_interfaces/msg/Time")
        return owner.rpartition("_")[0], more
    return msgtype, ()


def concatenate(msgtype: str, text_of: Callable[[str], str | None]) -> str:
    """The full definition of `msgtype`, given each type's own text; empty if any of them is missing."""
    texts: dict[str, str] = {}
    msgtype, more = described_by(msgtype)
    waiting = [msgtype, *more]
    while waiting and len(texts) < MAX_TYPES:
        name = waiting.pop(0)
        if name in texts:
            continue
        text = text_of(name)
        if text is None:
            return ""
        texts[name] = text
        waiting += used_types(text, name.split("/", 1)[0])
    own = texts.pop(msgtype)
    parts = [own]
    for name, text in texts.items():
        package, _, short = name.partition("/msg/")
        parts.append(f"{SEPARATOR}\nMSG: {package}/{short}\n{text}")
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


class DefinitionFinder:
    """Looks types up in `<prefix>/share/<package>/msg/<Name>.msg` (`srv`, `action`) of every prefix, in order."""

    def __init__(self, prefixes: Iterable[Path]) -> None:
        self._prefixes = tuple(prefixes)

    def find(self, msgtype: str) -> str:
        """The full definition; empty if it, or a type that it uses, is not installed."""
        return concatenate(msgtype, self._text)

    def _text(self, msgtype: str) -> str | None:
        parts = msgtype.split("/")
        if len(parts) != 3 or parts[1] not in KINDS or not all(_NAME.fullmatch(part) for part in parts):
            return None
        package, kind, name = parts
        for prefix in self._prefixes:
            path = prefix / "share" / package / kind / f"{name}.{kind}"
            try:
                if path.stat().st_size <= MAX_DEFINITION_BYTES:
                    return path.read_text("utf-8", "replace")
            except OSError:
                continue
        return None


def search_also(prefixes: Iterable[str]) -> None:
    """Let this process find what is installed where the robot's ROS is: definitions, meshes of `package://`."""
    known = [part for part in os.environ.get(AMENT_PREFIX_PATH, "").split(os.pathsep) if part]
    if more := [prefix for prefix in prefixes if prefix not in known]:
        os.environ[AMENT_PREFIX_PATH] = os.pathsep.join([*known, *more])


def from_sources(msgtype: str, sources: Mapping[str, str]) -> str:
    """The full definition out of `.msg` texts by type name, as a `GetTypeDescription` service answers."""
    return concatenate(msgtype, sources.get)
