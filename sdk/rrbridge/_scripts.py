"""The same command line options for every script that logs."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rrbridge._global import init
from rrbridge._recording import RecordingStream

if TYPE_CHECKING:
    from rrbridge.blueprint import BlueprintLike

__all__ = ["script_add_args", "script_setup", "script_teardown"]


def script_add_args(parser: ArgumentParser) -> None:
    """Add the options that say where a script's recording goes."""
    parser.add_argument("--headless", action="store_true", help="Show nothing.")
    parser.add_argument("--save", type=str, default=None, metavar="FILE", help="Write a recording to this file.")
    parser.add_argument("--stdout", action="store_true", help="Write the recording to standard output.")


def script_setup(
    args: Namespace,
    application_id: str,
    *,
    recording_id: str | uuid.UUID | None = None,
    default_blueprint: BlueprintLike | None = None,
) -> RecordingStream:
    """Start the program's recording and send it where the options say: by default to a viewer. Misuse raises."""
    from rrbridge._active import get_global_data_recording

    init(application_id, recording_id=recording_id, default_enabled=True, strict=True)
    stream = get_global_data_recording()
    assert stream is not None
    if args.stdout:
        stream.stdout(default_blueprint)
    elif args.save is not None:
        stream.save(args.save, default_blueprint)
    elif not args.headless:
        stream.spawn(default_blueprint=default_blueprint)
    return stream


def script_teardown(args: Namespace) -> None:
    """What a script calls at its end; the recording is finished when the program ends."""
