"""Reading OMG IDL: the structs that DDS and ROS 2 recordings describe their messages with.

Format: https://www.omg.org/spec/IDL/4.2/. Read are modules, structs with inheritance, enums, bitmasks, typedefs, constants and
annotations. Enums and bitmasks are the integers that they are on the wire. A struct that CDR lays out in another way than field
after field (a union, a map, an `@optional` member, `@mutable`) is left out, with a word in the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rrbridge_bridge.decode.tree import ArrayOf, Definition, FieldType, Message, Primitive, SequenceOf

__all__ = ["parse_idl"]

log = logging.getLogger(__name__)

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#[^\n]*(?:\\\n[^\n]*)*)"""
    r"""|(?P<text>L?"(?:[^"\\]|\\.)*"|L?'(?:[^'\\]|\\.)+')"""
    r"""|(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdDlL]?)"""
    r"""|(?P<name>(?:::)?[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)"""
    r"""|(?P<mark><<|>>|[{}()\[\]<>;:,=@+\-*/%|&^~])""",
    re.MULTILINE | re.DOTALL,
)
PRIMITIVES = {
    **{
        name: name
        for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "char", "wchar")
    },
    "boolean": "bool",
    "octet": "byte",
    "float": "float32",
    "double": "float64",
    "short": "int16",
    "long": "int32",
    "long long": "int64",
    "long double": "float128",
    "unsigned short": "uint16",
    "unsigned long": "uint32",
    "unsigned long long": "uint64",
}
OPENING, CLOSING = frozenset("({["), frozenset(")}]")
MAX_DEPTH = 32
MAX_ARRAY = 1 << 31
OPERATORS = ({"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"})
"""From those that bind least to those that bind most."""
IN_BRACKETS = OPERATORS.index({"+", "-"})
"""Where bounds in `<>` begin: `>>` closes two of them, as in `sequence<string<5>>`, and is no shift."""
Annotations: TypeAlias = dict[str, list[str]]


class UnsupportedError(ValueError):
    """A type that is read over, as it has no columns."""


def parse_idl(text: str) -> dict[str, Definition]:
    """All structs of an IDL text, by name in the long form. Raises ValueError, saying where."""
    parser = _Parser(list(_tokens(text)))
    parser.declarations((), 0)
    if parser.ahead:
        raise ValueError(f"{parser.ahead!r} closes nothing")
    return parser.structs


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise ValueError(f"line {line} cannot be read at {text[at : at + 20]!r}")
        at = found.end()
        if found.lastgroup != "skip":
            yield found[0]


@dataclass
class _Parser:
    """Takes tokens one after the other."""

    tokens: list[str]
    at: int = 0
    structs: dict[str, Definition] = field(default_factory=dict)
    _aliases: dict[str, FieldType] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)
    _declared: set[str] = field(default_factory=set)
    _constants: dict[str, int] = field(default_factory=dict)

    @property
    def ahead(self) -> str:
        """The next token; empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        """The next token, which must be the one wanted."""
        token = self.ahead
        if not token or (wanted and token != wanted):
            raise ValueError(f"{wanted or 'more'!r} is expected where {token or 'the end'!r} is")
        self.at += 1
        return token

    def took(self, wanted: str) -> bool:
        """Take the next token if it is the one wanted."""
        if self.ahead != wanted:
            return False
        self.at += 1
        return True

    def declarations(self, scope: tuple[str, ...], depth: int) -> None:
        """Everything up to the end of a module."""
        if depth > MAX_DEPTH:
            raise ValueError("modules are nested too deeply")
        while self.ahead not in ("", "}"):
            annotations = self._annotations()
            kind = self.take()
            if kind == "module":
                inner = (*scope, self.take())
                self.take("{")
                self.declarations(inner, depth + 1)
                self.take("}")
            elif kind in ("struct", "enum", "bitmask", "typedef", "const", "union"):
                getattr(self, f"_{kind}")(scope, annotations)
            else:
                self._pass_over()
            self.took(";")

    def _annotations(self) -> Annotations:
        found: Annotations = {}
        while self.took("@"):
            name, start = self.take(), self.at
            if self.ahead == "(":
                self._pass_over_group()
            found[name.lower()] = self.tokens[start : self.at]
        return found

    def _pass_over(self) -> None:
        """To the end of what is declared here."""
        while self.ahead not in ("", ";", "}"):
            if self.ahead in OPENING:
                self._pass_over_group()
            else:
                self.at += 1

    def _pass_over_group(self) -> None:
        """To behind the bracket that closes the next one."""
        open_ones = 0
        while True:
            mark = self.take()
            open_ones += (mark in OPENING) - (mark in CLOSING)
            if not open_ones:
                return

    def _struct(self, scope: tuple[str, ...], annotations: Annotations) -> None:
        name = "/".join((*scope, self.take()))
        self._declared.add(name)
        if self.ahead == ";":
            return
        start = self.at
        try:
            fields = [*self.structs[self._base(scope)]] if self.took(":") else []
            _require_plain(annotations)
            self.take("{")
            while not self.took("}"):
                fields += self._members(scope)
            self.structs[name] = tuple(fields)
        except UnsupportedError as err:
            log.warning("the definition of %s is not read: %s", name, err)
            self._refused[name] = str(err)
            self.at = start
            self._pass_over()

    def _base(self, scope: tuple[str, ...]) -> str:
        base = self._found(scope, self.take(), self.structs)
        if base is None:
            raise UnsupportedError("its base is not known")
        return base

    def _members(self, scope: tuple[str, ...]) -> Iterator[tuple[str, FieldType]]:
        annotations = self._annotations()
        if "optional" in annotations:
            raise UnsupportedError("a member of it is optional")
        kind = self._type(scope)
        while True:
            yield self.take().lstrip("_"), self._with_dimensions(kind, scope)
            if not self.took(","):
                break
        self.take(";")

    def _with_dimensions(self, kind: FieldType, scope: tuple[str, ...]) -> FieldType:
        """The type of a declarator: several dimensions are one, as they are on the wire."""
        count, is_array = 1, False
        while self.took("["):
            count, is_array = count * self._expression(scope), True
            self.take("]")
        if not is_array:
            return kind
        if isinstance(kind, ArrayOf):
            count *= kind.count
            kind = kind.item
        if isinstance(kind, SequenceOf):
            raise UnsupportedError("it holds an array of sequences")
        if not 0 < count < MAX_ARRAY:
            raise ValueError(f"an array of {count} elements")
        return ArrayOf(kind, count)

    def _type(self, scope: tuple[str, ...], depth: int = 0) -> FieldType:
        if depth > MAX_DEPTH:
            raise ValueError("sequences are nested too deeply")
        self._annotations()
        name = self.take()
        if name in ("string", "wstring"):
            self._bound(scope)
            return Primitive(name)
        if name == "sequence":
            return self._sequence(scope, depth)
        if name in ("map", "fixed", "any"):
            raise UnsupportedError(f"a member of it is of type {name}")
        while f"{name} {self.ahead}" in PRIMITIVES or (name == "unsigned" and self.ahead in ("short", "long")):
            name += f" {self.take()}"
        return Primitive(PRIMITIVES[name]) if name in PRIMITIVES else self._named(scope, name)

    def _sequence(self, scope: tuple[str, ...], depth: int) -> FieldType:
        self.take("<")
        item = self._type(scope, depth + 1)
        if self.took(","):
            self._expression(scope, IN_BRACKETS)
        if self.ahead == ">>":  # of two sequences that end together
            self.tokens[self.at] = ">"
        else:
            self.take(">")
        if isinstance(item, ArrayOf):
            raise UnsupportedError("it holds a sequence of arrays")
        return SequenceOf(item)

    def _bound(self, scope: tuple[str, ...]) -> None:
        if self.took("<"):
            self._expression(scope, IN_BRACKETS)
            if self.ahead == ">>":
                self.tokens[self.at] = ">"
            else:
                self.take(">")

    def _named(self, scope: tuple[str, ...], name: str) -> FieldType:
        alias = self._found(scope, name, self._aliases)
        if alias is not None:
            return self._aliases[alias]
        if self._found(scope, name, self._refused) is not None:
            raise UnsupportedError(f"a member of it is of type {name}")
        return Message(self._found(scope, name, self._declared) or name.removeprefix("::").replace("::", "/"))

    @staticmethod
    def _found(scope: tuple[str, ...], name: str, known: Mapping[str, object] | set[str]) -> str | None:
        """The full name of what a name means: in its own module, or the nearest around it."""
        parts = name.removeprefix("::").split("::")
        for outer in range(0 if name.startswith("::") else len(scope), -1, -1):
            full = "/".join((*scope[:outer], *parts))
            if full in known:
                return full
        return None

    def _enum(self, scope: tuple[str, ...], annotations: Annotations) -> None:
        name = self.take()
        self.take("{")
        value = 0
        while not self.took("}"):
            of_value = self._annotations().get("value")
            if of_value:
                value = _Parser(of_value[1:-1], _constants=self._constants)._expression(scope)
            self._constants["/".join((*scope, self.take()))] = value
            value += 1
            self.took(",")
        bits = self._bits(annotations, 32)
        self._aliases["/".join((*scope, name))] = Primitive("int8" if bits <= 8 else "int16" if bits <= 16 else "int32")

    def _bitmask(self, scope: tuple[str, ...], annotations: Annotations) -> None:
        name = self.take()
        self._pass_over_group()
        bits = self._bits(annotations, 32)
        size = next(size for size in (8, 16, 32, 64) if bits <= size or size == 64)
        self._aliases["/".join((*scope, name))] = Primitive(f"uint{size}")

    @staticmethod
    def _bits(annotations: Annotations, default: int) -> int:
        numbers = [token for token in annotations.get("bit_bound", ()) if token.isdigit()]
        return int(numbers[0]) if numbers else default

    def _typedef(self, scope: tuple[str, ...], annotations: Annotations) -> None:
        del annotations
        start = self.at
        try:
            kind = self._type(scope)
            while True:
                name = "/".join((*scope, self.take()))
                self._aliases[name] = self._with_dimensions(kind, scope)
                if not self.took(","):
                    return
        except UnsupportedError as err:
            self.at = start
            self._pass_over()
            self._refused["/".join((*scope, self.tokens[self.at - 1]))] = str(err)

    def _union(self, scope: tuple[str, ...], annotations: Annotations) -> None:
        del annotations
        self._refused["/".join((*scope, self.take()))] = "it is a union"
        self._pass_over()

    def _const(self, scope: tuple[str, ...], annotations: Annotations) -> None:
        del annotations
        self._type(scope)
        name = "/".join((*scope, self.take()))
        self.take("=")
        start = self.at
        try:
            self._constants[name] = self._expression(scope)
        except ValueError:
            self.at = start  # a string or a fraction, which counts nothing
        while self.ahead not in ("", ";"):
            self.at += 1

    def _expression(self, scope: tuple[str, ...], level: int = 0, depth: int = 0) -> int:
        """A whole number. Raises ValueError."""
        if depth > MAX_DEPTH:
            raise ValueError("an expression is nested too deeply")
        if level == len(OPERATORS):
            return self._operand(scope, depth)
        value = self._expression(scope, level + 1, depth)
        while self.ahead in OPERATORS[level]:
            operator = self.take()
            value = _applied(operator, value, self._expression(scope, level + 1, depth))
        return value

    def _operand(self, scope: tuple[str, ...], depth: int) -> int:
        first = self.take()
        if first == "(":
            value = self._expression(scope, 0, depth + 1)
            self.take(")")
            return value
        if first in ("-", "+", "~"):
            value = self._expression(scope, len(OPERATORS), depth + 1)
            return -value if first == "-" else ~value if first == "~" else value
        if first[0].isdigit():
            return int(first, 16 if first[:2] in ("0x", "0X") else 8 if first[0] == "0" and len(first) > 1 else 10)
        found = self._found(scope, first, self._constants)
        if found is None:
            raise ValueError(f"{first!r} is no number")
        return self._constants[found]


def _require_plain(annotations: Annotations) -> None:
    if "mutable" in annotations or any("MUTABLE" in token for token in annotations.get("extensibility", ())):
        raise UnsupportedError("it is mutable")


def _applied(operator: str, left: int, right: int) -> int:
    if abs(left) > MAX_ARRAY or abs(right) > MAX_ARRAY or (operator in ("<<", ">>") and not 0 <= right < 64):
        raise ValueError(f"{left} {operator} {right} is too large")
    if operator in ("/", "%"):
        if not right:
            raise ValueError("a division by zero")
        return left // right if operator == "/" else left % right
    results = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "|": left | right,
        "&": left & right,
        "^": left ^ right,
    }
    if operator in results:
        return results[operator]
    return left << right if operator == "<<" else left >> right
