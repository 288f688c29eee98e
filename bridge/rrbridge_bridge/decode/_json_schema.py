"""JSON Schema, read down to the types of fields.

Format: https://json-schema.org/draft/2020-12/json-schema-core and -validation. What only restricts values is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rrbridge_bridge.decode._json_types import JSON, NULL, ConflictError, Leaf, ListOf, Node, Record, merge, type_of

__all__ = ["read_json_schema"]

MAX_DEPTH = 64
LEAVES = {"boolean": "bool", "integer": "int", "number": "float", "string": "text"}


def read_json_schema(text: str) -> Record:
    """The fields of a document that follows the schema; none where it does not say. Raises ValueError."""
    try:
        schema = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    node = _Reader(schema).node(schema, 0)
    return node if isinstance(node, Record) else Record(())


class _Reader:
    """Reads one schema."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._within: list[str] = []

    def node(self, schema: Any, depth: int) -> Node:
        """The type of values that follow a schema; JSON where it contains itself."""
        if not isinstance(schema, Mapping):
            return NULL
        if depth > MAX_DEPTH:
            return JSON
        reference = schema.get("$ref", schema.get("$recursiveRef"))
        if isinstance(reference, str):
            return self._referred(reference, depth)
        for key in ("allOf", "anyOf", "oneOf"):
            choices = schema.get(key)
            if isinstance(choices, list) and choices:
                rest = {name: value for name, value in schema.items() if name != key}
                return _united(self.node(choice, depth + 1) for choice in [*choices, rest])
        return self._plain(schema, depth)

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Node:
        kinds = schema.get("type")
        named = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]
        wanted = [kind for kind in named if kind != "null"]
        if not wanted:
            return self._without_type(schema, depth)
        return _united(self._of_kind(kind, schema, depth) for kind in wanted)

    def _without_type(self, schema: Mapping[str, Any], depth: int) -> Node:
        values = schema["enum"] if isinstance(schema.get("enum"), list) else []
        if "const" in schema:
            values = [schema["const"]]
        if values:
            return _declared(_united(type_of(value) for value in values))
        for key, kind in (("properties", "object"), ("items", "array")):
            if key in schema:
                return self._of_kind(kind, schema, depth)
        return NULL

    def _of_kind(self, kind: str, schema: Mapping[str, Any], depth: int) -> Node:
        if kind == "object":
            properties = schema.get("properties")
            if not isinstance(properties, Mapping) or not properties:
                return Leaf("json", declared=True)
            return Record(tuple((str(name), self.node(inner, depth + 1)) for name, inner in properties.items()))
        if kind == "array":
            return ListOf(self._items(schema, depth))
        if kind == "string" and schema.get("contentEncoding") == "base64":
            return Leaf("base64", declared=True)
        return Leaf(LEAVES[kind], declared=True) if kind in LEAVES else NULL

    def _items(self, schema: Mapping[str, Any], depth: int) -> Node:
        items = schema.get("items")
        several = [part for part in (schema.get("prefixItems"), items) if isinstance(part, list)]
        choices = [choice for part in several for choice in part]
        if isinstance(items, Mapping):
            choices.append(items)
        return _united(self.node(choice, depth + 1) for choice in choices)

    def _referred(self, reference: str, depth: int) -> Node:
        if reference in self._within:
            return Leaf("json", declared=True)
        target = self._root
        for part in reference.removeprefix("#").strip("/").split("/") if reference not in ("", "#") else ():
            name = part.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, Mapping) else None
        self._within.append(reference)
        node = self.node(target, depth + 1)
        self._within.pop()
        return node


def _united(nodes: Iterable[Node]) -> Node:
    """A type for values of any of them; JSON text where there is none."""
    known: Node = NULL
    for node in nodes:
        try:
            known = merge(known, node)
        except ConflictError:
            return Leaf("json", declared=True)
    return Leaf("json", declared=True) if known == JSON else known


def _declared(node: Node) -> Node:
    return Leaf(node.kind, declared=True) if isinstance(node, Leaf) and node != NULL else node
