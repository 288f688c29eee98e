"""Entity paths: `/world/robot/lidar`.

A path is kept as its canonical text: it starts with `/`, the root is `/`, and inside a part everything but letters, digits
and `_ - .` is escaped (FORMAT §2.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rrbridge.errors import InvalidValueError

__all__ = ["ancestors", "escape_entity_path_part", "is_descendant", "join", "normalize", "parent", "parts", "unescape"]

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNNAMED = {"n": "\n", "r": "\r", "t": "\t"}
_PART = re.compile(r"(?:\\.?|[^/\\])+", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,8})\}|(.?))", re.DOTALL)
_PLAIN = re.compile(r"[/A-Za-z0-9_.-]*")


def _escape(char: str) -> str:
    if char.isalnum() or char in "_-.":
        return char
    if char in _NAMED:
        return _NAMED[char]
    if char == " " or (char.isascii() and char.isprintable()):
        return "\\" + char
    if not _is_unicode(ord(char)):
        raise InvalidValueError("entity_path", "Unicode text", ascii(char))
    return f"\\u{{{ord(char):04X}}}"


def _is_unicode(code: int) -> bool:
    return code < 0xD800 or 0xDFFF < code < 0x110000


def escape_entity_path_part(part: str) -> str:
    """One part of a path, written so that it stays one part: `"b c"` → `r"b\\ c"`. Raises InvalidValueError for surrogates."""
    return "".join(_escape(char) for char in part)


def unescape(part: str) -> str:
    """The text that an escaped part stands for; a backslash that escapes nothing stands for itself."""
    return _ESCAPE.sub(_unescaped, part) if "\\" in part else part


def _unescaped(escape: re.Match[str]) -> str:
    code, char = escape.groups()
    if code is not None:
        return chr(int(code, 16)) if _is_unicode(int(code, 16)) else escape[0]
    return escape[0] if char in ("", "u") else _UNNAMED.get(char, char)


def parts(path: str) -> list[str]:
    """The parts of a path, still escaped."""
    if "\\" not in path:
        return [part for part in path.split("/") if part]
    return _PART.findall(path)


def normalize(path: str | Iterable[object]) -> str:
    """Canonical text of a path given as text (parts escaped) or as a list of parts (not escaped).

    A missing leading slash, doubled slashes and a trailing slash are repaired.
    """
    if isinstance(path, str):
        return _normal_text(path)
    given: object = path
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise InvalidValueError("entity_path", "a path, or a list of its parts", repr(path))
    return "/" + "/".join(escape_entity_path_part(str(part)) for part in path)


@lru_cache(maxsize=4096)
def _normal_text(path: str) -> str:
    if _PLAIN.fullmatch(path):
        if path.startswith("/") and "//" not in path and (path == "/" or not path.endswith("/")):
            return path
        return "/" + "/".join(part for part in path.split("/") if part)
    return "/" + "/".join(escape_entity_path_part(unescape(part)) for part in parts(path))


def join(base: str, below: str) -> str:
    """`below` as a path under `base`; both canonical or nearly so."""
    return normalize(f"{base}/{below}")


def parent(path: str) -> str | None:
    """The path one level up; None for the root."""
    found = parts(path)
    return "/" + "/".join(found[:-1]) if found else None


def ancestors(path: str) -> list[str]:
    """The path itself, its parent, … the root."""
    found = parts(path)
    return ["/" + "/".join(found[:n]) for n in range(len(found), -1, -1)]


def is_descendant(path: str, of: str) -> bool:
    """Whether `path` is `of` or lies below it."""
    return of == "/" or path == of or path.startswith(of + "/")
