"""`rrbridge info` of a running robot: its topics, who publishes them, and if asked for how much they bring."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rrbridge.errors import RrbridgeError
from rrbridge_bridge.commands._live import LiveOptions
from rrbridge_bridge.format import unless_nobody_reads, wide_console
from rrbridge_bridge.record.listing import as_table, listed_topics
from rrbridge_bridge.record.selection import Selection

__all__ = ["show_topics"]


def show_topics(where: LiveOptions, names: Sequence[str], *, as_json: bool) -> int:
    """A line per topic; hidden ones only where they are named. Raises RrbridgeError if there is none."""
    session = where.session()
    found = listed_topics(session, Selection.of(names, every=not names), where.seconds)
    if not found:
        raise RrbridgeError(f"nobody publishes {', '.join(names) or 'anything'} on {session.description}")
    with unless_nobody_reads():
        if as_json:
            documents = [asdict(topic) | {"source": session.description} for topic in found]
            sys.stdout.write(json.dumps(documents, indent=2) + "\n")
        else:
            as_table(wide_console(), session.description, found)
    return 0
