"""`rrbridge play` to a sink that writes a line for each message: `play_to_file.py LOG ARGUMENTS…`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO

from live_loopback import LoopbackSession, LoopbackSink

from rrbridge_bridge.cli import main
from rrbridge_bridge.play import run


class Writing(LoopbackSession):
    """Says when each message came, by the monotonic clock."""

    def __init__(self, log: TextIO) -> None:
        super().__init__()
        self._log = log

    def publish(self, connection_id: int, payload: memoryview, log_time_nanos: int, publish_time_nanos: int) -> None:
        """Of the protocol."""
        topic = self.advertised[connection_id].topic
        self._log.write(f"{time.monotonic_ns()} {log_time_nanos} {topic} {bytes(payload).hex()}\n")
        self._log.flush()

    def close(self) -> None:
        """Of the protocol."""
        self._log.write("closed\n")
        self._log.flush()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w") as log:
        session = Writing(log)
        vars(run)["installed"] = lambda: {"loopback": LoopbackSink(session)}
        sys.exit(main(["play", *sys.argv[2:], "--to", "loopback"]))
