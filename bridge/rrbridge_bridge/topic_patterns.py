"""Which topics a pattern typed on the command line means.

| pattern | means |
| --- | --- |
| `/camera` | this topic, and those below it |
| `/camera/*/image`, `*imu*` | a glob for the whole name: `*` is anything, `?` one character |
| `imu` | topics with this in their name |
| `^/imu`, `/cam.*raw$` | a regular expression, found anywhere: whatever has one of `^ $ ( ) [ ] { } | + . \\` in it |
| `re:…`, `glob:…` | one or the other, whatever is in it |
"""

from __future__ import annotations

import fnmatch
import re

from rrbridge.errors import InvalidValueError

__all__ = ["topic_pattern"]

REGEX_CHARACTERS = frozenset("^$()[]{}|+.\\")


def topic_pattern(text: str) -> re.Pattern[str]:
    """What to `search` topics for. Raises InvalidValueError."""
    kind, separator, rest = text.partition(":")
    if separator and kind == "re":
        return _regex(rest)
    if separator and kind == "glob":
        return _glob(rest)
    if REGEX_CHARACTERS & set(text):
        return _regex(text)
    if "*" in text or "?" in text:
        return _glob(text)
    if text.startswith("/"):
        return re.compile(f"^{re.escape(text.rstrip('/'))}(/|$)")
    return re.compile(re.escape(text))


def _glob(text: str) -> re.Pattern[str]:
    slash = "" if text.startswith(("/", "*")) else "/?"
    return re.compile(f"^{slash}{fnmatch.translate(text)}")


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as err:
        raise InvalidValueError("topic pattern", "a regular expression or a glob", f"{text!r}: {err}") from None
