"""`rrbridge adapters`: which message types are drawn, and by whom."""

from __future__ import annotations

import rich_click as click

__all__ = ["adapters"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with one object per message type.")
def adapters(as_json: bool) -> None:
    """List the message types that are drawn, and the function and package that does it.

    A stage is one that remembers earlier messages. Every other type is kept too: its fields become columns.
    """
    from rrbridge.adapters import Adapters
    from rrbridge_bridge.format import unless_nobody_reads, wide_console

    everything = Adapters.discover()
    found = sorted(everything.by_type.items())
    remembering = sorted(
        (takes.msgtype, takes.topic, stage.name, stage) for stage in everything.stages.values() for takes in stage.takes
    )
    if as_json:
        import json
        import sys

        document = [
            {
                "type": msgtype,
                "adapter": adapter.name,
                "carries": sorted(adapter.carries),
                "reference": adapter.reference,
            }
            for msgtype, adapter in found
        ]
        document += [
            {"type": msgtype, "stage": stage.name, "topic": topic or None, "reference": False}
            for msgtype, topic, _, stage in remembering
        ]
        with unless_nobody_reads():
            sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("type", "adapter", "what it makes", "Rerun maps it too"):
        table.add_column(heading, overflow="fold")
    for msgtype, adapter in found:
        summary = (adapter.function.__doc__ or "").strip().partition("\n")[0]
        table.add_row(
            Text(msgtype),
            Text(adapter.name),
            Text(summary),
            "yes" if adapter.reference else "",
        )
    for msgtype, topic, _, stage in remembering:
        summary = (stage.function.__doc__ or "").strip().partition("\n")[0]
        on = f" on {topic}" if topic else ""
        table.add_row(Text(msgtype + on), Text(f"{stage.name} (stage)"), Text(summary), "")
    with unless_nobody_reads():
        wide_console().print(table)
