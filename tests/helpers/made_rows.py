"""What adapters make of messages, message by message."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from rrbridge._archetype import ComponentColumnList
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.adapters import Skipped
from rrbridge.columns import Emit
from rrbridge_bridge.messages import adapters

Made = list[dict[tuple[str, str], Any]]


def made_of(definition: Any, messages: list[Any]) -> Made:
    """What each message became: `{(path below, component): [the values of each row]}`."""
    found: Made = [defaultdict(list) for _ in messages]
    for emit in adapters.by_type[definition.msgtype](definition.columns(messages)):
        if isinstance(emit, Skipped):
            for row in emit.rows.tolist():
                found[row]["skipped", emit.reason].append([])
        elif not emit.static:
            for column in flat(emit):
                rows = range(len(column)) if emit.rows is None else emit.rows.tolist()
                for number, (row, cell) in enumerate(zip(rows, column.cells, strict=True)):
                    at = emit.at if isinstance(emit.at, str) else emit.at[number]
                    found[row][at, column.descriptor.component].append(cell.as_py())
    return found


def flat(emit: Emit) -> list[Any]:
    parts = [emit.columns] if isinstance(emit.columns, ComponentColumnList) else emit.columns
    return [column for part in parts for column in part]


def single(made: Any, component: str, at: str = "") -> Any:
    """The values of the only row."""
    (row,) = made[at, component]
    return row


def vector(value: Any) -> list[float]:
    return [value.x, value.y, value.z]


def path(*names: str) -> str:
    return "/".join(escape_entity_path_part(name) or "_" for name in names)
