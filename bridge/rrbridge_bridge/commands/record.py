"""`rrbridge record`: a running robot into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

__all__ = ["record"]


def _configure(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Take the options' defaults from a YAML file whose keys are their names."""
    if path is None:
        return
    import yaml

    try:
        settings = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as err:
        raise click.BadParameter(f"{path}: {err}") from err
    if not isinstance(settings, dict):
        raise click.BadParameter(f"{path}: not a list of `option: value`")
    names = {
        option.lstrip("-").replace("-", "_"): str(parameter.name)
        for parameter in ctx.command.params
        for option in parameter.opts
        if parameter.name != "config" and (option.startswith("--") or isinstance(parameter, click.Argument))
    }
    settings = {str(key).replace("-", "_"): value for key, value in settings.items()}
    if unknown := sorted(set(settings) - set(names)):
        known = ", ".join(sorted(name.replace("_", "-") for name in names))
        raise click.BadParameter(f"{path}: unknown: {', '.join(unknown)}; known are {known}")
    settings = {names[key]: value for key, value in settings.items()}
    ctx.default_map = {**(ctx.default_map or {}), **settings}


@click.command(short_help="Record a running robot.")
@click.argument("topics", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file to write; by default named by the time."
)
@click.option("-a", "--all", "every", is_flag=True, help="Record every topic that is not hidden.")
@click.option("-e", "--regex", metavar="REGEX", help="Record topics that match.")
@click.option("-x", "--exclude", metavar="REGEX", help="Leave out topics that match.")
@click.option(
    "--duration", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop after this time."
)
@click.option("--raw/--no-raw", default=True, show_default=True, help="Keep each message's bytes.")
@click.option("--decode/--no-decode", default=True, show_default=True, help="Write what messages mean, for viewing.")
@click.option(
    "--ros-python",
    envvar="RRBRIDGE_ROS_PYTHON",
    metavar="PYTHON",
    help="The Python that has rclpy; by default that of the sourced set-up.",
)
@click.option(
    "--from",
    "--source",
    "from_",
    metavar="NAME[:ADDRESS]",
    help="What to listen to: the name of a live source, where its address may follow, or an address; by default what the "
    "environment speaks for.",
)
@click.option("--application-id", default="rrbridge", show_default=True, help="Layouts are kept per application id.")
@click.option("--robot", metavar="NAME", help="Name the robot in the recording's properties.")
@click.option("--prefix", default="", metavar="PREFIX", help="Put before entities and frames, to tell robots apart.")
@click.option("--recording-id", help="By default a new one.")
@click.option(
    "--compression", type=click.Choice(["lz4", "none"]), default="lz4", show_default=True, help="Of the file."
)
@click.option(
    "--backlog-mb", type=click.IntRange(min=1), default=256, show_default=True, help="How much may wait to be written."
)
@click.option(
    "--min-free-mb", type=click.IntRange(min=0), default=200, show_default=True, help="Stop before the disk has less."
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0, max=60),
    default=3.5,
    show_default=True,
    metavar="SECONDS",
    help="Wait at most so long at the end for messages that reliable publishers have to send again.",
)
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

    return run.record(**options)
