"""The entry points of installed packages: what `importlib.metadata.entry_points` finds, without loading that (40 ms).

Packages lie in folders of `sys.path`, each with a `….dist-info` (or `.egg-info`) folder beside it, and an `entry_points.txt` in
that. Where a path leads to something else, a zip file say, `importlib.metadata` is asked after all.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Distribution", "EntryPoint", "entry_points"]

GROUPS = b"[rrbridge."
"""What a file has in it that concerns us."""
INFO_FOLDER = re.compile(r"(?P<name>[^-]+)(?:-(?P<version>[^-]+))?.*\.(?:dist|egg)-info")


class Distribution(NamedTuple):
    """An installed package."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One object that a package offers."""

    name: str
    value: str
    """`module:object`."""
    group: str
    dist: Distribution | None = None

    def load(self) -> Any:
        """Import the module and take the object. Raises whatever that raises."""
        module, _, attributes = self.value.partition("[")[0].strip().partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


def entry_points(*, group: str) -> list[EntryPoint]:
    """Every entry point of a group; of a package that is installed twice only the one that Python finds first."""
    if any(Path(path).is_file() for path in sys.path):
        from importlib import metadata

        return [
            EntryPoint(e.name, e.value, group, Distribution(e.dist.name, e.dist.version) if e.dist else None)
            for e in metadata.entry_points(group=group)
        ]
    found: dict[str, list[EntryPoint]] = {}
    for folder in map(Path, sys.path):
        for dist, text in _offers(folder):
            found.setdefault(dist.name.lower(), _parsed(text, group, dist))
    return [entry for entries in found.values() for entry in entries]


def _offers(folder: Path) -> Iterator[tuple[Distribution, str]]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - of the 1500 names of a large environment few become paths
    except OSError:
        return
    for name in names:
        match = INFO_FOLDER.fullmatch(name) if name.endswith("-info") else None
        if match is None:
            continue
        try:
            raw = (folder / name / "entry_points.txt").read_bytes()
        except OSError:
            continue
        if GROUPS in raw:
            yield Distribution(match["name"], match["version"] or ""), raw.decode("utf-8", "replace")


def _parsed(text: str, group: str, dist: Distribution) -> list[EntryPoint]:
    found, section = [], ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            found.append(EntryPoint(name.strip(), value.strip(), group, dist))
    return found
