"""What an output was made of, kept beside it in a hidden file, so that it need not be made again.

A stamp holds sizes and times of change of the inputs and the output, the settings and the version. It is written after the output
is complete: where there is none, the output is not known to be whole, or is somebody else's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rrbridge_bridge.inputs import Source
from rrbridge_bridge.settings import Settings

__all__ = ["Stamp", "is_stamped", "key_of", "path_of", "read", "write"]

MAX_BYTES = 4 << 20
KEPT = ("lossless", "losses", "messages", "input_bytes", "output_bytes", "recording_id", "application_id")
"""Of a summary."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is known of an output."""

    key: str
    is_output_untouched: bool
    """Whether the output is as it was when it was written."""
    summary: dict[str, Any]


def path_of(output: Path) -> Path:
    """Where the stamp of an output is."""
    return output.with_name(f".{output.name}.made")


def is_stamped(output: Path) -> bool:
    """Whether something is an output that was made here."""
    return path_of(output).is_file()


def key_of(sources: Sequence[Source], settings: Settings) -> str:
    """Differs if the sources, the settings or the version do."""
    facts = {
        "version": version("rrbridge"),
        "settings": settings.plain(),
        "sources": [[s.prefix, s.offset_nanos, *_facts(s.path)] for s in sources],
    }
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def read(output: Path) -> Stamp | None:
    """The stamp of an output; None if there is none that can be read."""
    try:
        with path_of(output).open("rb") as file:
            kept = json.loads(file.read(MAX_BYTES))
        if not (isinstance(kept, dict) and isinstance(kept.get("key"), str) and isinstance(kept.get("summary"), dict)):
            return None
        return Stamp(kept["key"], kept.get("output") == _state(output), kept["summary"])
    except (OSError, ValueError):
        return None


def write(output: Path, key: str, summary: dict[str, Any]) -> None:
    """Stamp an output. One that cannot be stamped will be made again."""
    kept = {name: summary[name] for name in KEPT if name in summary}
    path = path_of(output)
    try:
        path.write_text(json.dumps({"key": key, "output": _state(output), "summary": kept}), encoding="utf-8")
    except OSError:
        path.unlink(missing_ok=True)


def _facts(path: Path) -> Iterator[Any]:
    if not path.is_dir():
        yield [path.name, _state(path)]
        return
    for inside in sorted(path.iterdir()):
        if not inside.name.startswith(".") and inside.is_file():
            yield [inside.name, _state(inside)]


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
