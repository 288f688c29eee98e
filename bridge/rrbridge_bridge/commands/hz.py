"""`rrbridge hz`: how often messages come."""

from __future__ import annotations

import rich_click as click

from rrbridge_bridge.commands import _topics

__all__ = ["hz"]


@click.command()
@_topics.arguments("FILE... [TOPIC]...")
@click.option("-w", "--window", type=click.IntRange(min=2), help="Figures for each so many messages. Default: all.")
@_topics.times
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object per topic and window.")
def hz(arguments: tuple[str, ...], window: int | None, start: str | None, end: str | None, as_json: bool) -> int:
    """Show the rate of topics by log time: average, least and longest interval, standard deviation, as `ros2 topic hz`.

    Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done, but some messages could not be read.
    """
    from rrbridge_bridge.commands._figures import figures
    from rrbridge_bridge.inspect.rates import rate_of
    from rrbridge_bridge.inspect.selection import select

    selection = select(arguments, start=start, end=end)
    return figures(selection, window, lambda times, _: rate_of(times), exact=False, as_json=as_json)
