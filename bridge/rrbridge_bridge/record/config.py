"""`record.yaml`: the options of `rrbridge record` as a file, by their long names or by those that ROS uses.

Groups (`split: {size: 2GB, duration: 5m}`) stand for the options that belong together; options of a value per topic take a
mapping (`throttle: {/imu: 10}`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

__all__ = ["check_settings", "settings_of"]

GROUPS: dict[str, dict[str, str]] = {
    "split": {"size": "max_size", "duration": "max_duration"},
    "keep": {"files": "keep_files", "size": "keep_size"},
    "snapshot": {
        "size": "snapshot",
        "duration": "snapshot",
        "trigger_topic": "trigger_topic",
        "at_end": "snapshot_at_end",
    },
}
"""By the name of a group: its keys, and the options that they stand for."""
ALIASES = {"uri": "output", "storage": "format", "storage_id": "format"}
MAX_FILE_BYTES = 1 << 20


def settings_of(path: Path, parameters: Sequence[click.Parameter]) -> dict[str, Any]:
    """What a file says, by the names of the command's parameters. Raises click.BadParameter, which names what is known."""
    import yaml

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise click.BadParameter(f"{path}: too long for a list of options")
        given = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise click.BadParameter(f"{path}: {err}") from err
    if not isinstance(given, dict):
        raise click.BadParameter(f"{path}: not a list of `option: value`")
    try:
        return _by_parameter(given, _names(parameters))
    except _UnknownError as err:
        raise click.BadParameter(f"{path}: {err}") from None


def check_settings(path: Path, settings: Mapping[str, Any], ctx: click.Context) -> None:
    """Read every value, also of options that the command line gives too. Raises click.BadParameter, which names the file."""
    for parameter in ctx.command.params:
        if parameter.name in settings:
            try:
                parameter.type_cast_value(ctx, settings[parameter.name])
            except click.BadParameter as err:
                raise click.BadParameter(f"{path}: {_key(parameter.opts[0])}: {err.message}") from err


class _UnknownError(Exception):
    """A key that is none, or a value of the wrong form."""


def _names(parameters: Sequence[click.Parameter]) -> dict[str, click.Parameter]:
    """Parameters by every key that stands for them."""
    found = {
        _key(option): parameter
        for parameter in parameters
        if parameter.expose_value
        for option in parameter.opts
        if option.startswith("--") or isinstance(parameter, click.Argument)
    }
    return found | {alias: found[name] for alias, name in ALIASES.items() if name in found}


def _key(name: object) -> str:
    return str(name).lstrip("-").replace("-", "_")


def _by_parameter(given: Mapping[Any, Any], names: Mapping[str, click.Parameter]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    groups = {
        group: {key: name for key, name in keys.items() if name in names}
        for group, keys in GROUPS.items()
        if any(name in names for name in keys.values())
    }
    for key, value in given.items():
        if _key(key) in groups and isinstance(value, Mapping):
            for inner, entry in value.items():
                known = groups[_key(key)]
                if _key(inner) not in known:
                    raise _UnknownError(f"{key}: unknown: {inner}; known are {', '.join(known)}")
                _put(found, names[known[_key(inner)]], entry)
        elif _key(key) in names:
            _put(found, names[_key(key)], value)
        elif _key(key) in groups:
            raise _UnknownError(f"{key}: not a list of `option: value`; known are {', '.join(groups[_key(key)])}")
        else:
            known_keys = sorted({*groups, *(name.replace("_", "-") for name in names)})
            raise _UnknownError(f"unknown: {key}; known are {', '.join(known_keys)}")
    return found


def _put(found: dict[str, Any], parameter: click.Parameter, value: object) -> None:
    """Note what was given; several values of one parameter, of a list, a mapping or several keys, add up."""
    name = str(parameter.name)
    if parameter.multiple or parameter.nargs == -1:
        if isinstance(value, Mapping):
            values: list[Any] = list(value.items())
        else:
            values = list(value) if isinstance(value, list | tuple) else [value]
        found[name] = [*found.get(name, ()), *values]
    else:
        found[name] = value
