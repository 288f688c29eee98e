"""The `rrbridge` program: a group whose commands come through the entry points `rrbridge.commands`.

A command's module is imported when it is run, or for the list in `rrbridge --help`; so such a module, like this one, imports
at its top only what is light (not even `rrbridge`, which brings pyarrow), and the rest inside its function. One that cannot
be imported stays in the list, with the reason.

Exit codes: 0 done; 1 an error, told in one sentence; 2 wrong usage; 3 done, but some data was lost on the way (the command
says what); 130 interrupted; 143 told to end (SIGTERM), 129 the terminal went away (SIGHUP).
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from rrbridge_bridge import ending_signals

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["EXIT_ERROR", "EXIT_INTERRUPTED", "EXIT_LOSSES", "EXIT_USAGE", "app", "main"]

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_LOSSES = 3
EXIT_INTERRUPTED = 130

TRACEBACK_VARIABLE = "RRBRIDGE_TRACEBACK"

GARBAGE_THRESHOLD = 200_000
"""So many new objects, not 700, before Python looks for rings among them: importing makes 100 000 and no rings (60 ms)."""
SWITCH_SECS = 0.001
"""How long one thread may keep another from going on, not 5 ms: what reads and what writes hand over to each other often."""
OWN_COMMANDS = "rrbridge_bridge.commands"


class PluginGroup(click.RichGroup):
    """A group whose commands are entry points, imported one by one and only when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every offered command."""
        return sorted({entry.name for entry in entry_points(group="rrbridge.commands")})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The command itself, or one that says why it cannot be had."""
        if cmd_name.isidentifier() and find_spec(f"{OWN_COMMANDS}.{cmd_name}"):  # 40 ms less than to ask all packages
            own: click.Command = getattr(import_module(f"{OWN_COMMANDS}.{cmd_name}"), cmd_name)
            return own
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


def entry_points(**wanted: str) -> Sequence[EntryPoint]:
    """What `importlib.metadata` says, which is imported (40 ms) when it is asked."""
    from importlib import metadata

    found: Any = metadata.entry_points(**wanted)
    return list(found)


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
@click.version_option(package_name="rrbridge", prog_name="rrbridge")
def app() -> None:
    """Record robots, convert what others recorded, and look at it with time under control."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the one place where an error becomes a sentence and an exit code."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.setswitchinterval(SWITCH_SECS)
    # Of linear algebra there is little here, and a second thread of OpenBLAS costs 45 ms of waiting for work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it, as some services do; nobody reads what is printed
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the program ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")  # an old terminal shows ? for a character that it does not have
    with ending_signals.raised():
        code = _run(arguments)
    if arguments is None:
        gc.freeze()  # the program ends: Python need not look once more for rings among 100 000 objects (50 ms)
    return code


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
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True, highlight=False).print(
        Text.assemble(("error: ", "bold red"), (message, "red"))
    )
    return code
