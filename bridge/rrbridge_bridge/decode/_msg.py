"""Reading `.msg`, `.srv` and `.action` texts, of ROS 1 and ROS 2.

Format: http://wiki.ros.org/msg and https://docs.ros.org/en/rolling/Concepts/Basic/About-Interfaces.html. One field to a line:
`type name`, `type name default`; constants (`type NAME=value`) and comments are left out.
"""

from __future__ import annotations

import re

from rrbridge_bridge.decode.tree import ArrayOf, Definition, FieldType, Message, Primitive, SequenceOf

__all__ = [
    "MAX_DEFINITION_CHARACTERS",
    "SEPARATOR",
    "field_type",
    "parse_action",
    "parse_msg",
    "parse_sections",
    "parse_srv",
]

MAX_DEFINITION_CHARACTERS = 4 << 20
PRIMITIVES = frozenset(
    {"bool", "byte", "char", "string", "wstring", "float32", "float64"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
SECTION = re.compile(r"^={20,}[ \t]*\r?\n[ \t]*(MSG|IDL):[ \t]*(\S+)[ \t]*\r?$", re.MULTILINE)
FIELD = re.compile(
    r"(?P<type>[A-Za-z][\w/]*)(?:<=\d+)?"
    r"(?P<array>\[(?P<bound><=)?[ \t]*(?P<count>\d*)[ \t]*\])?"
    r"[ \t]+(?P<name>[A-Za-z]\w*)(?P<rest>(?:[ \t=].*)?)"
)
SEPARATOR = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)


def parse_sections(text: str) -> list[tuple[str, str, str]]:
    """`(kind, type name, text)` of a definition with its dependencies below it; kind is `MSG`, `IDL` or empty for the first."""
    parts = SECTION.split(text)
    sections = [("", "", parts[0])]
    sections += [(parts[i], parts[i + 1], parts[i + 2]) for i in range(1, len(parts) - 2, 3)]
    return sections


def parse_msg(text: str, package: str) -> Definition:
    """The fields of one message. Raises ValueError, saying which line."""
    fields: list[tuple[str, FieldType]] = []
    for number, whole_line in enumerate(text.split("\n"), 1):
        line = whole_line.partition("#")[0].strip()
        if not line or line.startswith("@"):
            continue
        found = FIELD.fullmatch(line)
        if not found:
            raise ValueError(f"line {number} is no field: {whole_line.strip()[:80]!r}")
        if found["rest"].lstrip().startswith("=") and not found["array"]:
            continue
        fields.append((found["name"], _type(found, package)))
    return tuple(fields)


def parse_srv(text: str, name: str, package: str) -> dict[str, Definition]:
    """A service's request, response and event, which is what a recording of it holds. Raises ValueError."""
    request, response = _split(text, 2)
    return {
        f"{name}_Request": parse_msg(request, package),
        f"{name}_Response": parse_msg(response, package),
        f"{name}_Event": _event(name),
    }


def parse_action(text: str, name: str, package: str) -> dict[str, Definition]:
    """An action's parts, the feedback message, which is what is published of it, and its two services. Raises ValueError."""
    goal, result, feedback = _split(text, 3)
    uuid = ("goal_id", Message("unique_identifier_msgs/msg/UUID"))
    return {
        f"{name}_Goal": parse_msg(goal, package),
        f"{name}_Result": parse_msg(result, package),
        f"{name}_Feedback": parse_msg(feedback, package),
        f"{name}_FeedbackMessage": (uuid, ("feedback", Message(f"{name}_Feedback"))),
        f"{name}_SendGoal_Request": (uuid, ("goal", Message(f"{name}_Goal"))),
        f"{name}_SendGoal_Response": (
            ("accepted", Primitive("bool")),
            ("stamp", Message("builtin_interfaces/msg/Time")),
        ),
        f"{name}_SendGoal_Event": _event(f"{name}_SendGoal"),
        f"{name}_GetResult_Request": (uuid,),
        f"{name}_GetResult_Response": (("status", Primitive("int8")), ("result", Message(f"{name}_Result"))),
        f"{name}_GetResult_Event": _event(f"{name}_GetResult"),
    }


def _event(service: str) -> Definition:
    """What is published of each call of a service: at most one of request and response."""
    return (
        ("info", Message("service_msgs/msg/ServiceEventInfo")),
        ("request", SequenceOf(Message(f"{service}_Request"))),
        ("response", SequenceOf(Message(f"{service}_Response"))),
    )


def field_type(name: str, package: str) -> Primitive | Message:
    """A type's name as a `.msg` text has it."""
    if name in PRIMITIVES:
        return Primitive(name)
    if name in ("time", "duration"):
        return Message(f"builtin_interfaces/msg/{name.capitalize()}")
    if name == "Header":
        return Message("std_msgs/msg/Header")
    owner, slash, rest = name.partition("/")
    if not slash:
        return Message(f"{package}/msg/{name}")
    return Message(name if "/" in rest else f"{owner}/msg/{rest}")


def _type(found: re.Match[str], package: str) -> FieldType:
    item = field_type(found["type"], package)
    if not found["array"]:
        return item
    if found["count"] and not found["bound"]:
        return ArrayOf(item, int(found["count"][:12]))
    return SequenceOf(item)


def _split(text: str, count: int) -> list[str]:
    parts = SEPARATOR.split(text)
    if len(parts) != count:
        raise ValueError(f"{len(parts)} parts between lines of ---, where {count} should be")
    return parts
