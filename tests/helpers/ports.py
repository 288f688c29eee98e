"""Ports that a test gives away before anybody listens there."""

from __future__ import annotations

import random
import socket
import time

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where the system takes none from for connections that go out, which could otherwise be sooner than the listener."""


def is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    choice = random.SystemRandom()
    return next(port for _ in range(1000) if is_free(port := choice.choice(BELOW_EPHEMERAL)))


def until_free(port: int) -> None:
    """Wait for a server that was told to stop and closes its socket a while later."""
    deadline = time.monotonic() + 30
    while not is_free(port):
        assert time.monotonic() < deadline, f"port {port} is still taken"
        time.sleep(0.01)
