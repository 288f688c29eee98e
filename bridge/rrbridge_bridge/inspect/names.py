"""Topics and fields as a person types them: which one is meant, and what is near if none is."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rrbridge.errors import InvalidValueError

__all__ = ["Asked", "files_and_topics", "is_file_name", "is_there_or_meant", "near_names", "resolve"]

LISTED = 12
NEAR = 3
RECORDING = re.compile(r"\.(bag|db3|mcap|rrd|rbl|parquet|csv)(\.\w+)?/?$")
TOPIC = re.compile(r"[A-Za-z_~][\w/]*(\[\d+\])?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A topic and, below it, a field."""

    topic: str
    field: str = ""
    """`pose.position.x`, `ranges[0]`; empty for the whole message."""


def near_names(name: str, known: Collection[str]) -> list[str]:
    """Names that are easily mistaken for this one, the nearest first: by spelling, or because one ends with the other."""
    by_end = sorted(k for k in known if k.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1])
    lowered = {k.lower(): k for k in known}
    by_spelling = [lowered[k] for k in get_close_matches(name.lower(), lowered, NEAR, 0.6)]
    return list(dict.fromkeys((*by_spelling, *by_end)))[:NEAR]


def resolve(name: str, topics: Collection[str], of: str = "the recording") -> Asked:
    """Which topic, and which field of it, `/odom/pose/pose/position` or `odom` means. Raises InvalidValueError.

    `of` names what has the topics.
    """
    for candidate in (name, f"/{name}", name.removeprefix("/")):
        if candidate in topics:
            return Asked(candidate)
        behind = [topic for topic in topics if candidate.startswith(f"{topic}/")]
        if behind:
            topic = max(behind, key=len)
            return Asked(topic, candidate[len(topic) + 1 :].replace("/", "."))
    near = near_names(name, topics)
    if near:
        expected = f"a topic of {of}, for example {' or '.join(near)}"
    elif topics:
        more = "" if len(topics) <= LISTED else f" and {len(topics) - LISTED} more"
        expected = f"one of the topics {', '.join(sorted(topics)[:LISTED])}{more}"
    else:
        expected = f"a topic, but {of} has none"
    raise InvalidValueError("TOPIC", expected, name)


def is_file_name(text: str) -> bool:
    """Whether it names a file rather than a topic: it is there, ends as recordings do, or has what topics cannot have."""
    return is_there_or_meant(text) or (not text.startswith("/") and TOPIC.fullmatch(text) is None)


def is_there_or_meant(text: str) -> bool:
    """Whether there is such a file, or it ends as recordings do, so that one is missed."""
    return Path(text).exists() or RECORDING.search(text) is not None


def files_and_topics(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """What exists on the disk or is called as recordings are is a file, up to the first that is not; all others are topics.

    The first is always a file.
    """
    files = [Path(arguments[0])]
    at = 1
    while at < len(arguments) and is_there_or_meant(arguments[at]):
        files.append(Path(arguments[at]))
        at += 1
    return files, list(arguments[at:])
