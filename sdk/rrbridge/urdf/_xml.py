"""XML from strangers, read into plain elements: no document type, no entities of its own, bounded in size and depth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from rrbridge.errors import FileError

__all__ = ["Element", "parse_xml", "read_xml"]

MAX_BYTES = 64 << 20
MAX_DEPTH = 64
MAX_ELEMENTS = 1_000_000
FLOAT32_MAX = 3.4028234e38


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag as written (`xacro:arg` stays so), attributes and children; text is not kept."""

    path: Path
    """The file, for messages."""
    line: int
    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)

    def error(self, message: str) -> FileError:
        """What is wrong with it, and where."""
        return FileError(self.path, f"line {self.line}: <{self.tag}>: {message}")

    def each(self, tag: str) -> Iterator[Element]:
        """Its children of this tag."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Element | None:
        """Its first child of this tag."""
        return next(self.each(tag), None)

    def text(self, name: str) -> str:
        """An attribute that must be there. Raises FileError."""
        try:
            return self.attributes[name]
        except KeyError:
            raise self.error(f"no attribute {name}") from None

    def numbers(self, name: str, count: int, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """An attribute of so many numbers; without a default it must be there. Raises FileError."""
        if default is not None and name not in self.attributes:
            return default
        text = self.text(name)
        try:
            values = tuple(float(word) for word in text.split())
        except ValueError:
            values = ()
        largest = math.inf if self.tag == "limit" else FLOAT32_MAX  # all others are logged as float32
        if len(values) != count or not all(abs(value) <= largest for value in values):
            hint = "; run xacro on the file first" if "${" in text else ""
            raise self.error(f"{name}: expected {count} number{'s' * (count > 1)}, got {text[:80]!r}{hint}")
        return values

    def number(self, name: str, default: float | None = None) -> float:
        """An attribute of one number. Raises FileError."""
        return self.numbers(name, 1, None if default is None else (default,))[0]


def read_xml(path: Path) -> Element:
    """The root element of a file. Raises FileError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
    return parse_xml(content, path)


def parse_xml(content: bytes, path: Path) -> Element:
    """The root element of a document; `path` is what errors call it. Raises FileError."""
    if len(content) > MAX_BYTES:
        raise FileError(path, f"larger than {MAX_BYTES} bytes")
    document = Element(path, 0, "", {})
    open_elements, count = [document], 0
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise FileError(path, f"line {parser.CurrentLineNumber}: document types and entities are not taken")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_elements) > MAX_DEPTH or count > MAX_ELEMENTS:
            raise FileError(path, f"more than {MAX_DEPTH} elements deep, or more than {MAX_ELEMENTS} elements")
        element = Element(path, parser.CurrentLineNumber, tag, attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as err:  # the last two: an encoding that Python does not know
        raise FileError(path, f"not XML: {err}") from err
    return document.children[0]
