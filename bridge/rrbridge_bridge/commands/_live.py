"""What the commands share that look into recordings and, without a file, at the running robot."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from rrbridge_bridge.commands import _topics

if TYPE_CHECKING:
    from rrbridge_bridge.inspect.listening import Listening
    from rrbridge_bridge.inspect.selection import Selection
    from rrbridge_bridge.live.source import LiveSession

__all__ = ["LiveOptions", "ended_by_hand", "figure_options", "listening", "live_options", "selected"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """Where to listen, and for how long."""

    live: bool = False
    """Whether the running robot was asked for."""
    source: str | None = None
    """`NAME[:ADDRESS]`; None: what the environment speaks for."""
    ros_python: str | None = None
    seconds: float | None = None
    """None: until Ctrl-C."""

    def is_meant(self, arguments: Sequence[str]) -> bool:
        """Whether the arguments name topics of the running robot, not files."""
        from rrbridge_bridge.inspect.names import is_file_name

        return self.live or self.source is not None or not arguments or not is_file_name(arguments[0])

    @contextmanager
    def taken_for_topics(self, arguments: Sequence[str]) -> Iterator[None]:
        """Errors say so too where what was typed may have been meant as a file."""
        from rrbridge.errors import RrbridgeError

        try:
            yield
        except RrbridgeError as err:
            if self.live or self.source is not None or not arguments or arguments[0].startswith("/"):
                raise
            raise RrbridgeError(f"there is no file {arguments[0]}, so it was looked for on the robot: {err}") from err

    def session(self) -> LiveSession:
        """Connected. Raises RecorderError."""
        from rrbridge_bridge.live.choose import choose
        from rrbridge_bridge.live.source import ROS_PYTHON_VARIABLE, SourceOptions

        named = {ROS_PYTHON_VARIABLE: self.ros_python} if self.ros_python else {}
        choice = choose(self.source, os.environ | named)
        return choice.source.start(SourceOptions(address=choice.address, ros_python=self.ros_python, drain_secs=0.0))


def live_options(command: F) -> F:
    """Options that go to the command as one value, `where`."""

    def gathered(
        live: bool, live_source: str | None, ros_python: str | None, seconds: float | None, **others: Any
    ) -> Any:
        where = LiveOptions(live=live, source=live_source, ros_python=ros_python, seconds=seconds)
        return command(where=where, **others)

    gathered.__doc__ = command.__doc__
    gathered.__name__ = command.__name__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    wrapped: Any = gathered
    for option in (
        click.option("--live", is_flag=True, help="The running robot, also where a file has the name of a topic."),
        click.option(
            "--from",
            "live_source",
            metavar="NAME[:ADDRESS]",
            help="What to listen to: rclpy, ros1, zenoh, foxglove:ws://…",
        ),
        click.option(
            "--ros-python",
            envvar="RRBRIDGE_ROS_PYTHON",
            metavar="PYTHON",
            help="The Python that has rclpy; by default the sourced one.",
        ),
        click.option(
            "--for",
            "seconds",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Listen to the running robot so long. Default: until Ctrl-C. Of info: measure rates so long.",
        ),
    )[::-1]:
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def figure_options(command: F) -> F:
    """Options of commands that print figures, of files as of the running robot."""
    command = live_options(command)
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON: one object per topic and window.")(
        command
    )
    return click.option(
        "-w",
        "--window",
        type=click.IntRange(min=2),
        help="Figures for each so many messages. Default: all; live, of the last 10000.",
    )(_topics.times(command))


@contextmanager
def listening(
    where: LiveOptions, wants: Callable[[str, str], bool], definitions: Sequence[Path] = ()
) -> Iterator[Listening]:
    """A live session while this lasts; what it has to say goes to standard error. Raises RecorderError."""
    from rrbridge_bridge.inspect.listening import Listening
    from rrbridge_bridge.live.source import Severity

    session = where.session()
    until = None if where.seconds is None else time.monotonic() + where.seconds
    distro = os.environ.get("ROS_DISTRO", "")
    with Listening(session, wants, definitions=definitions, until=until, distro=distro) as heard:
        try:
            yield heard
        finally:
            for notice in heard.notices():
                if notice.severity is not Severity.INFO:
                    click.echo(
                        f"{notice.severity.value}: {f'{notice.topic} ' if notice.topic else ''}{notice.text}", err=True
                    )


@contextmanager
def selected(
    arguments: Sequence[str],
    where: LiveOptions,
    *,
    start: str | None,
    end: str | None,
    definitions: Sequence[Path] = (),
) -> Iterator[tuple[Selection, Listening | None]]:
    """What to read; with the running robot, if it is that. Raises RrbridgeError, UsageError."""
    from rrbridge_bridge.inspect.selection import Selection, select

    if not where.is_meant(arguments):
        if where.seconds is not None:
            raise click.UsageError("--for is for the running robot; of a file, --start and --end choose a part.")
        yield select(arguments, start=start, end=end, definitions=definitions), None
        return
    if start is not None or end is not None:
        raise click.UsageError("--start and --end are for recordings; the running robot has only now.")
    from rrbridge_bridge.inspect.listening import may_mean
    from rrbridge_bridge.live.names import is_hidden

    names = list(arguments)

    def wants(topic: str, _: str) -> bool:
        return may_mean(names, topic) if names else not is_hidden(topic)

    with where.taken_for_topics(arguments), listening(where, wants, definitions) as heard:
        asked = [heard.find(name, lambda text: click.echo(text, err=True)) for name in names]
        yield Selection([heard], asked, None, None), heard


@contextmanager
def ended_by_hand() -> Iterator[None]:
    """Ctrl-C ends this part and no more: it is how one stops listening."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("", err=True)
