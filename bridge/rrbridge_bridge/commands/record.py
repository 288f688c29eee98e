"""`rrbridge record`: a running robot into a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from rrbridge_bridge.commands._units import DURATION, DURATION_OR_ZERO, RATE, SIZE, SIZE_OR_ZERO, SPAN, Pair

__all__ = ["record"]

F = TypeVar("F", bound=Callable[..., Any])


def _configure(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Take the options' defaults from a YAML file."""
    if path is not None:
        from rrbridge_bridge.record.config import check_settings, settings_of

        settings = settings_of(path, ctx.command.params)
        check_settings(path, settings, ctx)
        ctx.default_map = {**(ctx.default_map or {}), **settings}


class _Overrides(click.ParamType):  # type: ignore[type-arg]
    """A file of profiles, or what stands in a settings file in its place."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        from rrbridge.errors import RrbridgeError
        from rrbridge_bridge.live.qos_overrides import parse_overrides, read_overrides

        try:
            return parse_overrides(value) if isinstance(value, Mapping) else read_overrides(Path(value))
        except RrbridgeError as err:
            self.fail(str(err), param, ctx)


def _choosing(command: F) -> F:
    """Options of what to record."""
    option = partial(click.option, panel="What to record")
    return _with(
        command,
        option(
            "--topics",
            "are_topics",
            is_flag=True,
            expose_value=False,
            help="What follows are topics, as without it: for those who know `ros2 bag record`.",
        ),
        option("-a", "--all", "--all-topics", "every", is_flag=True, help="Record every topic that is not hidden."),
        option("-e", "--regex", multiple=True, metavar="REGEX", help="Record topics that match. May be repeated."),
        option(
            "--topic-types",
            multiple=True,
            metavar="TYPE",
            help="Record topics of this type: sensor_msgs/msg/Imu, sensor_msgs/Imu, sensor_msgs/*. May be repeated.",
        ),
        option(
            "-x",
            "--exclude",
            "--exclude-regex",
            "exclude",
            multiple=True,
            metavar="REGEX",
            help="Leave out topics that match. May be repeated.",
        ),
        option("--exclude-topics", multiple=True, metavar="TOPIC", help="Leave out this topic, or pattern with *."),
        option(
            "--exclude-types",
            "--exclude-topic-types",
            "exclude_types",
            multiple=True,
            metavar="TYPE",
            help="Leave out topics of this type.",
        ),
        option(
            "--include-hidden",
            "--include-hidden-topics",
            "include_hidden",
            is_flag=True,
            help="Let -a, -e and --topic-types find hidden topics too (a part of the name begins with _).",
        ),
        option(
            "--services", multiple=True, metavar="SERVICE", help="Record calls of this service, if it is introspected."
        ),
        option("--all-services", "every_service", is_flag=True, help="Record calls of every introspected service."),
        option(
            "--actions",
            multiple=True,
            metavar="ACTION",
            help="Record feedback and status of this action, and its calls.",
        ),
        option("--all-actions", "every_action", is_flag=True, help="Record every action."),
        option(
            "--parameters/--no-parameters",
            default=True,
            show_default=True,
            help="Ask every node for its parameters once (ROS 1: the parameter server).",
        ),
    )


def _listening(command: F) -> F:
    """Options of where to hear it."""
    option = partial(click.option, panel="Where to hear it")
    return _with(
        command,
        option(
            "--from",
            "--source",
            "from_",
            metavar="NAME[:ADDRESS]",
            help="What to listen to: the name of a live source, where its address may follow, or an address; by default "
            "what the environment speaks for.",
        ),
        option(
            "--ros-python",
            envvar="RRBRIDGE_ROS_PYTHON",
            metavar="PYTHON",
            help="The Python that has rclpy; by default that of the sourced set-up.",
        ),
        option(
            "--qos-profile-overrides-path",
            "--qos-overrides",
            "qos_overrides",
            type=_Overrides(),
            metavar="FILE",
            help="Quality of service by topic, as `ros2 bag record` takes it; else it is fitted to the publishers.",
        ),
    )


def _ending(command: F) -> F:
    """Options of when to stop, and to begin."""
    option = partial(click.option, panel="From when, until when")
    return _with(
        command,
        option("--duration", type=DURATION, metavar="TIME", help="Stop after this time: 90s, 1h30m."),
        option(
            "--limit", type=click.IntRange(1), metavar="N", help="Record the first N messages of each topic, then stop."
        ),
        option(
            "--start-paused", is_flag=True, help="Record nothing but latched topics until space is pressed, or resume."
        ),
    )


def _writing(command: F) -> F:
    """Options of what is written."""
    option = partial(click.option, panel="What is written")
    return _with(
        command,
        option(
            "-o",
            "--output",
            multiple=True,
            type=click.Path(path_type=Path),
            help="The file to write, .rrd or .mcap; twice for both: -o run.rrd -o run.mcap. Or a folder for one that is "
            "named by the time; by default the folder at hand.",
        ),
        option(
            "-s",
            "--format",
            "--storage",
            "formats",
            multiple=True,
            metavar="FORMAT",
            help="rrd, mcap, or both: rrd,mcap; by default what the output's name ends in, else rrd.",
        ),
        option("--raw/--no-raw", default=True, show_default=True, help="Keep each message's bytes."),
        option("--decode/--no-decode", default=True, show_default=True, help="Write what messages mean, for viewing."),
        option(
            "--compression",
            type=click.Choice(["zstd", "lz4", "none"]),
            help="By default lz4 for .rrd and zstd for .mcap, which knows all three.",
        ),
        option("--application-id", default="rrbridge", show_default=True, help="Layouts are kept per application id."),
        option("--robot", metavar="NAME", help="Name the robot in the recording's properties."),
        option("--prefix", default="", metavar="PREFIX", help="Put before entities and frames, to tell robots apart."),
        option("--recording-id", help="By default a new one."),
        option(
            "--metadata",
            "--custom-data",
            "metadata",
            multiple=True,
            type=Pair(click.STRING),
            metavar="KEY=VALUE",
            help="A note for the recording's properties. May be repeated.",
        ),
    )


def _cutting(command: F) -> F:
    """Options of how many files."""
    option = partial(click.option, panel="Parts and snapshots")
    return _with(
        command,
        option(
            "-b",
            "--max-size",
            "--max-bag-size",
            "max_size",
            type=SIZE,
            metavar="SIZE",
            help="Begin another file when one has this size: 2GB. Latched messages stand in each.",
        ),
        option(
            "-d",
            "--max-duration",
            "--max-bag-duration",
            "max_duration",
            type=DURATION,
            metavar="TIME",
            help="Begin another file after this time: 5m.",
        ),
        option(
            "--keep-files", type=click.IntRange(1), metavar="N", help="Keep the last N files, and delete those before."
        ),
        option("--keep-size", type=SIZE, metavar="SIZE", help="Delete the oldest files while all take more than this."),
        option(
            "--snapshot",
            multiple=True,
            type=SPAN,
            metavar="TIME|SIZE",
            help="Write nothing, but hold the last 30s, or 500MB, in memory; write that to a file on s, SIGUSR1, "
            "`rrbridge control snapshot` or --trigger-topic.",
        ),
        option("--trigger-topic", metavar="TOPIC", help="Each message of it triggers a snapshot."),
        option("--snapshot-at-end", is_flag=True, help="Write what is held for a snapshot when recording ends, too."),
    )


def _giving_way(command: F) -> F:
    """Options of what to do without."""
    option = partial(click.option, panel="What to do without")
    return _with(
        command,
        option(
            "--throttle",
            multiple=True,
            type=Pair(RATE),
            metavar="TOPIC=HZ",
            help="Record at most so many messages a second of a topic: /imu=10. May be repeated.",
        ),
        option(
            "--drop",
            multiple=True,
            type=Pair(click.Choice(["never", "oldest", "newest"])),
            metavar="TOPIC=WHAT",
            help="What of a topic to give up when writing cannot keep up: never, oldest or newest. May be repeated.",
        ),
        option("--backlog", type=SIZE, default="256MB", show_default=True, help="How much may wait to be written."),
        option(
            "--min-free",
            type=SIZE_OR_ZERO,
            default="200MB",
            show_default=True,
            help="Stop, and finish the file, before the disk has less.",
        ),
        option(
            "--sync",
            type=DURATION,
            default="1s",
            show_default=True,
            metavar="TIME",
            help="What was received so long ago survives a power cut.",
        ),
        option(
            "--drain",
            type=DURATION_OR_ZERO,
            default="3.5s",
            show_default=True,
            metavar="TIME",
            help="Wait at most so long at the end for messages that reliable publishers have to send again.",
        ),
    )


def _with(command: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Record a running robot.")
@click.argument("topics", nargs=-1)
@_choosing
@_listening
@_ending
@_writing
@_cutting
@_giving_way
@click.option(
    "--list",
    "listing",
    is_flag=True,
    help="Record nothing: list topics, of all or of those asked for, with publishers and their quality of service; with "
    "--duration their rates too, heard for that time.",
)
@click.option("--name", metavar="NAME", help="For `rrbridge control`, where several are recorded at the same time.")
@click.option("--json", "as_json", is_flag=True, help="Say what happens as JSON lines on standard output.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    is_eager=True,
    expose_value=False,
    callback=_configure,
    help="A YAML file with these options: `output: run.rrd`, `topics: [/tf, /scan]` …",
)
def record(**options: Any) -> int:
    """Record TOPICS of a running robot into a file.

    Ctrl-C (or SIGTERM, SIGHUP) writes what has arrived and finishes the file; a second Ctrl-C leaves at once. While it is
    recorded, the file is named FILE.active; it opens at any moment, also after a power cut.

    At the end, a message of a reliable publisher that was lost on the way holds back those after it until it is sent
    again, with Fast DDS up to 3 seconds later. So an orderly end takes up to --drain seconds (less where every publisher
    is heard again before), 2.5 more if the middleware hangs, and the time to write what waits: give it 10 seconds before
    it is killed. What is published after the stop is not recorded.

    Exit status: 0, all that came is in the file; 1, it could not start or was stopped by an error, and it is told what
    was saved; 3, something is missing: messages were dropped because writing could not keep up, of a topic given by name
    no message came, or nothing was recorded; 130, left at once.
    """
    from rrbridge_bridge.record import run
    from rrbridge_bridge.record.settings import RecordSettings

    return run.record(RecordSettings(**options))
