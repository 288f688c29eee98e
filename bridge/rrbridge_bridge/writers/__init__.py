"""Output formats other than `.rrd`. One more format is one more module here, which names it as `output_format`.

Such a module imports at its top only what is light, and the rest when it writes.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written

__all__ = ["OutputFormat", "WriteOptions", "Written", "folder_path", "formats", "output_format", "written_document"]


@cache
def formats() -> tuple[OutputFormat, ...]:
    """Every format, by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    found: list[OutputFormat] = []
    for name in names:
        module = import_module(f"{__name__}.{name}")
        found += [value for value in vars(module).values() if isinstance(value, OutputFormat)]
    return tuple(sorted(set(found), key=lambda one: one.name))


def output_format(output: Path | None, name: str | None) -> OutputFormat | None:
    """The format by its name, or else by what the output's name ends in; None for what is to be an `.rrd`."""
    if name is not None:
        return next((one for one in formats() if one.name == name), None)
    suffix = "" if output is None else output.suffix.lower()
    return next((one for one in formats() if suffix and one.suffix == suffix and not one.is_folder), None)


def folder_path(inputs: Sequence[Path], output: Path, *, force: bool) -> Path:
    """Where to write a folder. Raises FileError if something is there that must not be replaced."""
    from rrbridge_bridge.writers import _folders

    return _folders.folder_path(inputs, output, force=force)


def written_document(written: Written) -> dict[str, Any]:
    """All there is to say of what was written, for programs."""
    from rrbridge_bridge.writers._summary import document

    return document(written)
