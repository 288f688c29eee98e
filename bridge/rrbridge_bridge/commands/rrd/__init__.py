"""`rrbridge rrd`: tools for recordings that are in the one format already; one module each, found by its name."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import rich_click as click

__all__ = ["rrd"]


class ModuleGroup(click.RichGroup):
    """A group whose commands are the modules of this package, imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every tool."""
        return sorted(found.name for found in iter_modules(__path__) if not found.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The tool of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name + ("_" if cmd_name in RESERVED else ""))
        assert isinstance(command, click.Command)
        return command


RESERVED = {"print", "filter"}
"""Tools that Python has a function of the same name for; theirs end with an underscore."""


@click.group(cls=ModuleGroup, short_help="Look into .rrd files, check, cut, join and mend them.")
def rrd() -> None:
    """Look into .rrd and .rbl files, check, cut, join and mend them.

    Without files, or with `-`, a tool reads standard input. None takes memory in proportion to the file.

    Exit codes: 0 done; 1 an error, told in one sentence, or what was looked for was found (damage, a difference); 2 wrong
    usage; 3 done, but part of the input is damaged or missing.
    """
