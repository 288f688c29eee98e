"""The grammar of selectors: text in, expression out.

::

    pipe    = term { "|" term }
    term    = path | string | "map" "(" pipe ")" | "pack" "(" pipe { "," pipe } ")" | call
    path    = [ "." ] segment { segment } | "."
    segment = ( field | "[" "]" | "[" whole number "]" ) { "?" | "!" }
    field   = "." letter { letter | digit | "_" | "-" }
    call    = name [ "(" [ string ] ")" ]
    string  = '"' … '"', with the escapes \\\\ \\" \\n \\t
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from rrbridge.errors import SelectorSyntaxError

__all__ = ["Call", "Each", "Expression", "Field", "Index", "Map", "Pack", "Path", "Pipe", "Segment", "Text", "parse"]

SPACES = " \t\n\r"
MAX_INDEX = 2**64 - 1
MAX_DEPTH = 64
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPED = {value: "\\" + key for key, value in _ESCAPES.items()}


@dataclass(frozen=True, slots=True)
class Field:
    """`.name`: a field of a struct."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class Each:
    """`[]`: every element of a list."""

    def __str__(self) -> str:
        return "[]"


@dataclass(frozen=True, slots=True)
class Index:
    """`[n]`: one element of a list."""

    position: int

    def __str__(self) -> str:
        return f"[{self.position}]"


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of a path."""

    step: Field | Each | Index
    marks: str = ""
    """`?` and `!`, in the order given."""

    def __str__(self) -> str:
        return f"{self.step}{self.marks}"


@dataclass(frozen=True, slots=True)
class Path:
    """Steps into the data; none: the data itself."""

    segments: tuple[Segment, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.segments)) or "."


@dataclass(frozen=True, slots=True)
class Text:
    """A constant, once for each value."""

    value: str

    def __str__(self) -> str:
        return f'"{"".join(_ESCAPED.get(c, c) for c in self.value)}"'


@dataclass(frozen=True, slots=True)
class Call:
    """A function by name."""

    name: str
    argument: Text | None
    has_parentheses: bool

    def __str__(self) -> str:
        return f"{self.name}({self.argument or ''})" if self.has_parentheses else self.name


@dataclass(frozen=True, slots=True)
class Map:
    """An expression applied inside of each list."""

    inner: Expression

    def __str__(self) -> str:
        return f"map({self.inner})"


@dataclass(frozen=True, slots=True)
class Pack:
    """Several paths side by side, as a fixed-size list."""

    items: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"pack({', '.join(map(str, self.items))})"


@dataclass(frozen=True, slots=True)
class Pipe:
    """One expression after the other."""

    stages: tuple[Expression, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.stages))


Expression: TypeAlias = Path | Text | Call | Map | Pack | Pipe


def parse(query: str) -> Expression:
    """The expression that a text stands for. Raises SelectorSyntaxError."""
    parser = _Parser(query)
    found = parser.pipe(0)
    if not parser.at_end():
        raise parser.error(f"did not expect {parser.rest()}")
    return found


class _Parser:
    """Walks over the text; each method takes one rule of the grammar."""

    def __init__(self, query: str) -> None:
        self._text = query
        self._at = 0

    def pipe(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} parentheses inside one another")
        stages = [self._term(depth)]
        while self._take("|"):
            stages.append(self._term(depth))
        return stages[0] if len(stages) == 1 else Pipe(tuple(stages))

    def _term(self, depth: int) -> Expression:
        char = self._peek()
        if char == '"':
            return self._string()
        if char in (".", "["):
            return self._path()
        name = self._name()
        if name is None:
            raise self.error(f"did not expect {self.rest()}")
        if name == "map":
            self._expect("(")
            inner = self.pipe(depth + 1)
            self._expect(")")
            return Map(inner)
        return self._pack(depth) if name == "pack" else self._call(name)

    def _pack(self, depth: int) -> Pack:
        self._expect("(")
        items = [self._packed(depth)]
        while self._take(","):
            items.append(self._packed(depth))
        self._expect(")")
        return Pack(tuple(items))

    def _packed(self, depth: int) -> Expression:
        self._peek()
        start = self._at
        found = self.pipe(depth + 1)
        if not _is_scalar(found):
            self._at = start
            raise self.error(f"pack takes paths of fields and of single elements, not {found}")
        return found

    def _call(self, name: str) -> Call:
        if not self._take("("):
            return Call(name, None, False)
        argument = self._string() if self._peek() == '"' else None
        self._expect(")")
        return Call(name, argument, True)

    def _path(self) -> Path:
        segments: list[Segment] = []
        if self._text[self._at] == "." and not self._starts_field():
            self._at += 1
        while True:
            char = self._peek()
            if char == "[":
                segments.append(Segment(self._bracket(), self._marks()))
            elif char == "." and self._starts_field():
                self._at += 1
                segments.append(Segment(Field(self._word()), self._marks()))
            else:
                return Path(tuple(segments))

    def _bracket(self) -> Each | Index:
        self._expect("[")
        char = self._peek()
        if "0" <= char <= "9":
            match = re.compile("[0-9]+").match(self._text, self._at)
            assert match is not None
            digits = match.group().lstrip("0") or "0"
            if len(digits) > len(str(MAX_INDEX)) or int(digits) > MAX_INDEX:
                raise self.error(f"{match.group()} is no position in a list")
            self._at = match.end()
            self._expect("]")
            return Index(int(digits))
        self._expect("]")
        return Each()

    def _marks(self) -> str:
        marks = ""
        while (char := self._peek()) and char in "?!":
            marks += char
            self._at += 1
        return marks

    def _string(self) -> Text:
        start = self._at
        self._at += 1
        found: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == '"':
                return Text("".join(found))
            if char == "\\":
                escaped = self._text[self._at : self._at + 1]
                if escaped and escaped not in _ESCAPES:
                    raise self.error(f'no such escape: \\{escaped}; there are \\\\ \\" \\n \\t')
                self._at += 1
                found.append(_ESCAPES.get(escaped, ""))
            else:
                found.append(char)
        self._at = start
        raise self.error("the string has no end")

    def _starts_field(self) -> bool:
        return self._text[self._at + 1 : self._at + 2].isalpha()

    def _name(self) -> str | None:
        char = self._peek()
        return self._word() if char.isalpha() or char == "_" else None

    def _word(self) -> str:
        start = self._at
        while self._at < len(self._text) and (self._text[self._at].isalnum() or self._text[self._at] in "_-"):
            self._at += 1
        return self._text[start : self._at]

    def _peek(self) -> str:
        """The next character that is not a space; empty at the end."""
        while self._at < len(self._text) and self._text[self._at] in SPACES:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def at_end(self) -> bool:
        return self._peek() == ""

    def _take(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self._at += 1
        return True

    def _expect(self, char: str) -> None:
        if not self._take(char):
            raise self.error(f"expected {char} instead of {self.rest()}")

    def rest(self) -> str:
        """What comes next, for a message."""
        rest = self._text[self._at :]
        return f"`{rest[:20]}`" if rest else "the end"

    def error(self, reason: str) -> SelectorSyntaxError:
        return SelectorSyntaxError(self._text, self._at, reason)


def _is_scalar(expression: Expression) -> bool:
    """Whether it gives one value for each value."""
    if isinstance(expression, Pipe):
        return all(map(_is_scalar, expression.stages))
    return isinstance(expression, Path) and not any(isinstance(s.step, Each) for s in expression.segments)
