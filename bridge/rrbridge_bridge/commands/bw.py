"""`rrbridge bw`: how many bytes messages take."""

from __future__ import annotations

import rich_click as click

from rrbridge_bridge.commands import _topics

__all__ = ["bw"]


@click.command()
@_topics.arguments("FILE... [TOPIC]...")
@click.option("-w", "--window", type=click.IntRange(min=2), help="Figures for each so many messages. Default: all.")
@_topics.times
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object per topic and window.")
def bw(arguments: tuple[str, ...], window: int | None, start: str | None, end: str | None, as_json: bool) -> int:
    """Show the bandwidth of topics: bytes per second, mean, least and greatest size of messages, as `ros2 topic bw`.

    Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done, but some messages could not be read.
    """
    from rrbridge_bridge.commands._figures import figures
    from rrbridge_bridge.inspect.rates import bandwidth_of
    from rrbridge_bridge.inspect.selection import select

    return figures(select(arguments, start=start, end=end), window, bandwidth_of, exact=True, as_json=as_json)
