"""`rrbridge info` of a running robot: its topics, and who publishes them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rrbridge.errors import RrbridgeError
from rrbridge_bridge.commands._live import LiveOptions, ended_by_hand, listening
from rrbridge_bridge.format import many, unless_nobody_reads, wide_console
from rrbridge_bridge.inspect.listening import may_mean
from rrbridge_bridge.live.names import is_hidden

if TYPE_CHECKING:
    from rrbridge_bridge.live.source import Discovered

__all__ = ["show_topics"]

DISCOVERY_SECS = 3.5
"""Fast DDS announces itself every 3 s."""


def show_topics(where: LiveOptions, names: Sequence[str], *, as_json: bool) -> int:
    """A line per topic; hidden ones only where they are named. Raises RrbridgeError if there is none."""
    where = replace(where, seconds=where.seconds or DISCOVERY_SECS)
    with listening(where, lambda *_: False) as heard:
        with ended_by_hand():
            while not heard.is_over:
                heard.take(heard.until or 0.0)
        description, discovered = heard.description, dict(heard.discovered)
    found = [
        one
        for topic, one in sorted(discovered.items())
        if (may_mean(names, topic) if names else not is_hidden(topic)) and one.publishers
    ]
    if not found:
        raise RrbridgeError(f"nobody publishes {', '.join(names) or 'anything'} on {description}")
    with unless_nobody_reads():
        if as_json:
            sys.stdout.write(json.dumps([_document(one) for one in found], indent=2) + "\n")
        else:
            _print(found, description)
    return 0


def _document(one: Discovered) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "types": list(one.msgtypes),
        "publishers": len(one.publishers),
        "nodes": list(one.nodes),
        "qos": one.qos,
    }


def _print(found: Sequence[Discovered], description: str) -> None:
    from rich.table import Table
    from rich.text import Text

    console = wide_console()
    console.print(Text(f"{many(len(found), 'topic')} on {description}"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    shown = [("topic", "left"), ("type", "left"), ("publishers", "right")]
    shown += [("nodes", "left")] if any(one.nodes for one in found) else []
    shown += [("quality of service", "left")] if any(one.qos for one in found) else []
    for name, side in shown:
        table.add_column(name, overflow="fold", justify=side)  # type: ignore[arg-type]
    for one in found:
        cells = {
            "topic": one.topic,
            "type": ", ".join(one.msgtypes),
            "publishers": str(len(one.publishers)),
            "nodes": ", ".join(one.nodes),
            "quality of service": one.qos,
        }
        table.add_row(*(Text(cells[name]) for name, _ in shown))
    console.print(table)
