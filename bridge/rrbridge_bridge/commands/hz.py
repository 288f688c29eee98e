"""`rrbridge hz`: how often messages come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from rrbridge_bridge.commands import _live, _topics

if TYPE_CHECKING:
    from rrbridge_bridge.inspect.rates import Rate
    from rrbridge_bridge.raw import Int64s

__all__ = ["hz"]


@click.command()
@_topics.arguments("[FILE]... [TOPIC]...", is_required=False)
@_live.figure_options
def hz(
    arguments: tuple[str, ...],
    window: int | None,
    start: str | None,
    end: str | None,
    as_json: bool,
    where: _live.LiveOptions,
) -> int:
    """Show the rate of topics by log time: average, least and longest interval, standard deviation, as `ros2 topic hz`.

    Without a file: of the running robot, once a second, until Ctrl-C.

    Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done, but some messages could not be read.
    """
    from rrbridge_bridge.commands._figures import figures, live_figures
    from rrbridge_bridge.inspect.rates import rate_of

    def of(times: Int64s, _: Int64s) -> Rate | None:
        return rate_of(times)

    with _live.selected(arguments, where, start=start, end=end) as (selection, heard):
        if heard is not None:
            return live_figures(heard, selection, window, of, as_json=as_json)
        return figures(selection, window, of, exact=False, as_json=as_json)
