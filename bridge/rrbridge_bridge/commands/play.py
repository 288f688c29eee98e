"""`rrbridge play`: recordings back to a running graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from rrbridge_bridge.commands.rrd._sizes import BYTES

__all__ = ["play"]

CLOCK_HERTZ = 40.0
DELAY_SECS = 0.2


def _clock(ctx: click.Context, _: click.Parameter, given: str | None) -> float | None:
    """`--clock`, `--clock 100`; what follows and is no number is an argument: `--clock run.mcap`."""
    if given is None:
        return None
    try:
        hertz = float(given)
    except ValueError:
        ctx.meta["behind clock"] = given
        return CLOCK_HERTZ
    if not 0 < hertz <= 10_000:
        raise click.BadParameter("a rate from 0 to 10000 Hz is expected")
    return hertz


@click.command(short_help="Play recordings to a running robot's graph, or to Foxglove.")
@click.argument("arguments", metavar="FILE... [TOPIC]... [/OLD:=/NEW]...", nargs=-1)
@click.option(
    "--to", metavar="NAME[:ADDRESS]", help="Where to: rclpy, ros1, zenoh, foxglove. Default: what is sourced."
)
@click.option(
    "-r",
    "--rate",
    type=click.FloatRange(min=0.001, max=10_000),
    default=1.0,
    metavar="FACTOR",
    help="2: twice as fast.",
)
@click.option(
    "-s", "--start", "--start-offset", metavar="TIME", help="Begin at 10 or +10s, at -5s before the end, or at a date."
)
@click.option(
    "-u",
    "--duration",
    "--playback-duration",
    "duration",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Play so much of the recording.",
)
@click.option("--until", "--playback-until-sec", "until", metavar="TIME", help="Play up to there, as --start has it.")
@click.option("-l", "--loop", is_flag=True, help="Begin again at the end.")
@click.option(
    "-d",
    "--delay",
    type=click.FloatRange(min=0),
    default=DELAY_SECS,
    show_default=True,
    metavar="SECONDS",
    help="Wait before the first message, so that listeners can find the topics.",
)
@click.option(
    "--clock",
    is_flag=False,
    flag_value=f"{CLOCK_HERTZ:g}",
    metavar="[HZ]",
    callback=_clock,
    help=f"Tell the recording's time as /clock, {CLOCK_HERTZ:g} times a second by default.",
)
@click.option(
    "--clock-topics", multiple=True, metavar="PATTERN", help="Tell it as /clock at each message of these topics."
)
@click.option("--clock-topics-all", is_flag=True, help="Tell it as /clock at each message.")
@click.option("-p", "--start-paused", "--pause", is_flag=True, help="Wait for the space key.")
@click.option(
    "-e",
    "--topics",
    "--regex",
    "topics",
    multiple=True,
    metavar="PATTERN",
    help="Only topics that match: /camera, *imu*, ^/s.",
)
@click.option(
    "-x",
    "--exclude",
    "--exclude-topics",
    "exclude",
    multiple=True,
    metavar="PATTERN",
    help="No topics that match. May be repeated.",
)
@click.option("-m", "--remap", "remaps", multiple=True, metavar="/OLD:=/NEW", help="Play a topic under another name.")
@click.option(
    "--by",
    "--message-order",
    type=click.Choice(["log", "publish", "received", "sent"]),
    default="log",
    show_default=True,
    help="In the order in which messages were recorded (log, received), or sent by their publishers (publish, sent).",
)
@click.option(
    "--skip-empty",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Leave out stretches of the recording without a message that are longer.",
)
@click.option("--wait-for-subscribers", is_flag=True, help="Begin when every topic has a listener.")
@click.option(
    "--read-ahead", type=BYTES, default="64MB", show_default=True, metavar="SIZE", help="How much memory to use."
)
@click.option(
    "--ros-python",
    envvar="RRBRIDGE_ROS_PYTHON",
    metavar="PYTHON",
    help="The Python that has rclpy; by default that of the sourced set-up.",
)
@click.option(
    "--qos-profile-overrides-path",
    "qos_overrides",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Quality of service by topic, as `ros2 bag play` takes it.",
)
@click.option(
    "--msgs",
    "definitions",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Look here for message definitions that a recording lacks, for example a workspace's src.",
)
@click.option("--disable-keyboard-controls", "no_keys", is_flag=True, help="Leave the keyboard alone.")
@click.option("--json", "as_json", is_flag=True, help="Say what happens as JSON lines on standard output.")
@click.pass_context
def play(ctx: click.Context, /, arguments: tuple[str, ...], **given: Any) -> int:
    """Play recordings of any kind to a running graph, as `ros2 bag play` and `rosbag play` do.

    Files are merged by time. Messages go out as they were recorded, byte for byte; between ROS 1 and ROS 2 they are
    converted. Keys: space, pause or go on; right or s, the next message; up and down, faster and slower by 10 %; left, back
    1 s; q, end; h, help.

    Exit codes: 0 done; 1 an error; 2 wrong usage; 3 done, but some messages or topics could not be played; 130 interrupted.
    """
    from rrbridge_bridge.inspect.names import is_there_or_meant
    from rrbridge_bridge.play.run import Asked
    from rrbridge_bridge.play.run import play as perform

    behind = ctx.meta.get("behind clock")
    if behind is not None:  # a file comes before topics
        arguments = (behind, *arguments) if is_there_or_meant(behind) else (*arguments, behind)
    return perform(
        Asked(
            arguments=arguments,
            to=given["to"],
            rate=given["rate"],
            start=given["start"],
            duration_secs=given["duration"],
            until=given["until"],
            loop=given["loop"],
            delay_secs=given["delay"],
            clock_hertz=given["clock"],
            clock_topics=given["clock_topics"],
            clock_by_all=given["clock_topics_all"],
            start_paused=given["start_paused"],
            topics=given["topics"],
            exclude=given["exclude"],
            remaps=given["remaps"],
            by_publish_time=given["by"] in ("publish", "sent"),
            wait_for_subscribers=given["wait_for_subscribers"],
            skip_secs=given["skip_empty"],
            read_ahead_bytes=given["read_ahead"],
            ros_python=given["ros_python"],
            qos_overrides=given["qos_overrides"],
            definitions=given["definitions"],
            as_json=given["as_json"],
            takes_keys=not given["no_keys"],
        )
    )
