"""`rrbridge bw`: how many bytes messages take."""

from __future__ import annotations

import rich_click as click

from rrbridge_bridge.commands import _live, _topics

__all__ = ["bw"]


@click.command()
@_topics.arguments("[FILE]... [TOPIC]...", is_required=False)
@_live.figure_options
def bw(
    arguments: tuple[str, ...],
    window: int | None,
    start: str | None,
    end: str | None,
    as_json: bool,
    where: _live.LiveOptions,
) -> int:
    """Show the bandwidth of topics: bytes per second, mean, least and greatest size of messages, as `ros2 topic bw`.

    Without a file: of the running robot, once a second, until Ctrl-C.

    Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done, but some messages could not be read.
    """
    from rrbridge_bridge.commands._figures import figures, live_figures
    from rrbridge_bridge.inspect.rates import bandwidth_of

    with _live.selected(arguments, where, start=start, end=end) as (selection, heard):
        if heard is not None:
            return live_figures(heard, selection, window, bandwidth_of, as_json=as_json)
        return figures(selection, window, bandwidth_of, exact=True, as_json=as_json)
