"""The process that converts what `batch_pool` hands to it, until there is no more. Run as a module."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rrbridge import importers
from rrbridge.errors import FileError
from rrbridge_bridge import ending_signals
from rrbridge_bridge.batch import Outcome, Unit, convert_unit
from rrbridge_bridge.batch_pool import outcome_line
from rrbridge_bridge.cli import EXIT_INTERRUPTED
from rrbridge_bridge.inputs import Source
from rrbridge_bridge.output_files import Bar, no_progress_bar
from rrbridge_bridge.settings import Settings

__all__ = ["main"]


def main() -> int:
    """Returns the exit code."""
    try:
        with ending_signals.raised(), no_progress_bar():
            for line in sys.stdin:
                _say(outcome_line(_outcome(json.loads(line))))
    except ending_signals.Told as err:
        return err.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever asked is gone
        return 1
    return 0


def _outcome(asked: dict[str, Any]) -> Outcome:
    paths = tuple(Path(source[0]) for source in asked["sources"])
    output = Path(asked["output"])
    try:
        sources = tuple(
            Source(Path(path), importers.find(Path(path)), prefix, offset_nanos, tuple(below))
            for path, prefix, offset_nanos, below in asked["sources"]
        )
    except FileError as err:
        return Outcome(paths, output, "failed", str(err))
    return convert_unit(Unit(sources, output), Settings.of(asked["settings"]), Bar(_show))


def _show(done: int, total: int, messages: int) -> None:
    _say(json.dumps({"done": done, "total": total, "messages": messages}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
