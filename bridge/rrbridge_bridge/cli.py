"""The `rrbridge` program: a group whose commands come through the entry points `rrbridge.commands`.

A command's module is imported when it is run, or for the list in `rrbridge --help`; so such a module, like this one, imports
at its top only what is light (not even `rrbridge`, which brings pyarrow), and the rest inside its function. One that cannot
be imported stays in the list, with the reason.

Exit codes: 0 done; 1 an error, told in one sentence; 2 wrong usage; 3 done, but some data was lost on the way (the command
says what); 130 interrupted; 143 told to end (SIGTERM), 129 the terminal went away (SIGHUP).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import rich_click as click
from rich.console import Console
from rich.text import Text

from rrbridge_bridge import ending_signals

__all__ = ["EXIT_ERROR", "EXIT_INTERRUPTED", "EXIT_LOSSES", "EXIT_USAGE", "app", "main"]

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_LOSSES = 3
EXIT_INTERRUPTED = 130

TRACEBACK_VARIABLE = "RRBRIDGE_TRACEBACK"


class PluginGroup(click.RichGroup):
    """A group whose commands are entry points, imported one by one and only when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every offered command."""
        return sorted({entry.name for entry in entry_points(group="rrbridge.commands")})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The command itself, or one that says why it cannot be had."""
        offered = sorted(entry_points(group="rrbridge.commands", name=cmd_name), key=_ours_last)
        if not offered:
            return None
        entry = offered[-1]
        try:
            command = entry.load()
        except (Exception, SystemExit) as err:  # noqa: BLE001 - whatever a plug-in does must not take the others down
            return _unavailable(entry, f"{type(err).__name__}: {err}")
        if not isinstance(command, click.Command):
            return _unavailable(entry, "it is not a click command")
        return command


def _ours_last(entry: EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name == "rrbridge"


def _unavailable(entry: EntryPoint, reason: str) -> click.Command:
    def explain(**_: Any) -> None:
        from rrbridge.errors import RrbridgeError

        raise RrbridgeError(f"the command {entry.name} ({entry.value}) cannot be loaded: {reason}")

    return click.RichCommand(
        name=entry.name,
        callback=explain,
        short_help=f"not available: {reason}",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("rrbridge"), prog_name="rrbridge")
def app() -> None:
    """Record robots, convert what others recorded, and look at it with time under control."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the one place where an error becomes a sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")  # an old terminal shows ? for a character that it does not have
    with ending_signals.raised():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = app.main(
            args=None if arguments is None else list(arguments), prog_name="rrbridge", standalone_mode=False
        )
    except ending_signals.Told as err:
        return _fail(f"told to end ({err})", err.exit_code)
    except click.Abort:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except click.ClickException as err:
        err.show()
        return err.exit_code
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit complains again
        return EXIT_ERROR
    except Exception as err:  # the last resort: never a traceback unasked
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _fail(_sentence(err), EXIT_ERROR)
    return code if isinstance(code, int) else 0


def _sentence(error: Exception) -> str:
    from rrbridge.errors import RrbridgeError

    if isinstance(error, RrbridgeError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return (
        f"unexpected {type(error).__name__}: {error}; this is a fault of rrbridge or of a plug-in: "
        f"set {TRACEBACK_VARIABLE}=1 and run it again to see where"
    )


def _fail(message: str, code: int) -> int:
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        Text.assemble(("error: ", "bold red"), (message, "red"))
    )
    return code
