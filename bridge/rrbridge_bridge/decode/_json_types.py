"""What fields JSON documents have: as their schema says, widened by what the documents hold.

A schema is a claim that documents may outgrow: undeclared fields are added, integers become floats when one has a fraction. Only
what cannot be one column is refused (of declared fields), or kept as JSON text (of undeclared ones).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = [
    "JSON",
    "MAX_ROOT_NAMES",
    "NULL",
    "ConflictError",
    "Leaf",
    "ListOf",
    "Node",
    "Record",
    "holds_json",
    "is_known",
    "merge",
    "type_of",
]

MAX_DEPTH = 64
MAX_NAMES = 1_000
"""An object in a document with more names than this is a dictionary, not a message."""
MAX_ROOT_NAMES = 4_096
"""So many names the documents of a topic may have themselves, all together."""


class ConflictError(ValueError):
    """A value is of another kind than its field was declared."""

    def __init__(self, path: str, declared: str, found: str) -> None:
        super().__init__(f"{found} where the schema has {declared}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that is one column."""

    kind: str
    """`null` (nothing is known yet), `bool`, `int`, `uint`, `float`, `text`, `base64`; `json`: kept as JSON text."""
    declared: bool = False

    def __str__(self) -> str:
        return NAMES[self.kind]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: Node

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True, slots=True)
class Record:
    """An object with names."""

    fields: tuple[tuple[str, Node], ...]
    by_name: Mapping[str, Node] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", dict(self.fields))

    def __str__(self) -> str:
        return "an object"


Node: TypeAlias = Leaf | ListOf | Record
NAMES = {
    "null": "nothing",
    "bool": "a boolean",
    "int": "an integer",
    "uint": "an integer",
    "float": "a number",
    "text": "a string",
    "base64": "a string",
    "json": "anything",
}
NULL, JSON = Leaf("null"), Leaf("json")
OF_PYTHON: Mapping[type, Leaf] = {
    type(None): NULL,
    bool: Leaf("bool"),
    float: Leaf("float"),
    str: Leaf("text"),
}
NUMBERS = ("int", "uint", "float")


def type_of(value: object, depth: int = 0) -> Node:
    """The type of a value that a JSON parser gave."""
    found = OF_PYTHON.get(type(value))
    if found is not None:
        return found
    if isinstance(value, int):
        return _of_int(value)
    if depth > MAX_DEPTH:
        return JSON
    if isinstance(value, list):
        return ListOf(_merged(type_of(item, depth + 1) for item in _one_of_each(value)))
    assert isinstance(value, dict)
    if len(value) > (MAX_NAMES if depth else MAX_ROOT_NAMES):
        return JSON
    return Record(tuple((name, type_of(item, depth + 1)) for name, item in value.items()))


def _one_of_each(items: list[Any]) -> Iterable[Any]:
    """Items that have all the types of a list's."""
    kinds = set(map(type, items))
    if kinds <= {float, str, bool, type(None)}:
        return [kind() for kind in kinds]
    if kinds <= {int, float, type(None)}:
        numbers = [item for item in items if type(item) is int]
        return [min(numbers), max(numbers), *(kind() for kind in kinds - {int})]
    return items


def _of_int(value: int) -> Leaf:
    if -(2**63) <= value < 2**63:
        return Leaf("int")
    return Leaf("uint" if 0 < value < 2**64 else "float")


def _merged(nodes: Iterable[Node]) -> Node:
    known: Node = NULL
    seen: set[Node] = set()
    for node in nodes:
        if node not in seen:
            seen.add(node)
            known = merge(known, node)
    return known


def merge(known: Node, found: Node, path: str = "") -> Node:
    """A type for values of both. Raises ConflictError where a declared field cannot have it."""
    if known == found or found == NULL:
        return known
    if known == NULL:
        return found
    if isinstance(known, Record) and isinstance(found, Record):
        return _both(known, found, path)
    if isinstance(known, ListOf) and isinstance(found, ListOf):
        return ListOf(merge(known.item, found.item, path))
    if isinstance(known, Leaf) and isinstance(found, Leaf) and (leaf := _wider(known, found)) is not None:
        return leaf
    if is_declared(known):
        if found == JSON and not isinstance(known, Leaf):
            return JSON
        raise ConflictError(path, str(known), str(found))
    return JSON


def is_declared(node: Node) -> bool:
    """Whether anything of it is the schema's word."""
    if isinstance(node, Leaf):
        return node.declared
    return is_declared(node.item) if isinstance(node, ListOf) else any(is_declared(inner) for _, inner in node.fields)


def _wider(known: Leaf, found: Leaf) -> Leaf | None:
    if known.kind in NUMBERS and found.kind in NUMBERS:
        kinds = {known.kind, found.kind}
        kind = known.kind if len(kinds) == 1 else "float" if "float" in kinds else "uint"
        return Leaf(kind, known.declared)
    if known.kind == "json" or (known.kind, found.kind) in (("base64", "text"), ("text", "text")):
        return known
    if known.kind == found.kind:
        return known if known.declared else found
    return None


def _both(known: Record, found: Record, path: str) -> Node:
    most = MAX_NAMES if path else MAX_ROOT_NAMES
    if len(found.fields) > most:
        return JSON
    fields = dict(known.fields)
    for name, node in found.fields:
        fields[name] = merge(fields.get(name, NULL), node, f"{path}.{name}" if path else name)
    if len(fields) > most and not is_declared(known):
        return JSON
    return Record(tuple(fields.items()))


def holds_json(node: Node) -> bool:
    """Whether some of it is kept as JSON text."""
    if isinstance(node, Record):
        return any(holds_json(inner) for _, inner in node.fields)
    return holds_json(node.item) if isinstance(node, ListOf) else node.kind == "json"


def is_known(node: Node) -> bool:
    """Whether it can be a column: of a field that was always null nothing is known yet."""
    return is_known(node.item) if isinstance(node, ListOf) else node != NULL
