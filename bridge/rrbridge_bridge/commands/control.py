"""`rrbridge control`: what can be asked of a recorder that runs."""

from __future__ import annotations

import json

import rich_click as click

__all__ = ["control"]


@click.command(short_help="Pause, stop or ask a running recorder.")
@click.argument("command", required=False)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
def control(command: str | None, name: str | None, *, as_json: bool) -> int:
    """Ask a running `rrbridge record` of yours to do something.

    COMMAND is status, pause, resume, snapshot, split or stop; without one, running recorders are listed. NAME is what the
    recorder was given with --name, or record-<process id>; it may be left out while only one runs.
    """
    from rrbridge.errors import RecorderError
    from rrbridge_bridge.record.control import ask, names

    running = names()
    if command is None:
        click.echo(json.dumps(running) if as_json else "\n".join(running) or "no recorder is running")
        return 0
    if name is None:
        if len(running) != 1:
            found = (
                f"several recorders are running, name one: {', '.join(running)}"
                if running
                else "no recorder is running"
            )
            raise RecorderError(found)
        (name,) = running
    answer = ask(name, command)
    if as_json:
        click.echo(json.dumps(answer))
    elif answer.get("ok"):
        click.echo(answer.get("text"))
    else:
        raise RecorderError(f"{name}: {answer.get('text')}")
    return 0 if answer.get("ok") else 1
