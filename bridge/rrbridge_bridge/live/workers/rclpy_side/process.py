"""What a worker process begins and ends with."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from rclpy_side.pipe import Pipe

RECEIVING = ("dds.", "recv")
"""How Fast DDS and Cyclone DDS name their threads."""
RECEIVING_NICENESS = -10
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031


def first_line(error: Exception) -> str:
    """An error in one line."""
    lines = str(error).strip().split("\n")
    return f"{type(error).__name__}: {lines[0]}"


def open_pipe() -> Pipe:
    """Standard output for frames alone: what the middleware prints must not mix with them."""
    pipe = Pipe(os.dup(1))
    os.dup2(2, 1)
    with contextlib.suppress(OSError):  # a smaller pipe works too
        fcntl.fcntl(pipe.fd, F_SETPIPE_SZ, PIPE_BYTES)
    return pipe


def start_rclpy() -> Any:
    """The module, ready for use; raises whatever an incomplete environment raises."""
    import rclpy

    try:
        options = importlib.import_module("rclpy.signals").SignalHandlerOptions.NO
        rclpy.init(args=[], signal_handler_options=options)
    except (ImportError, AttributeError, TypeError):
        rclpy.init(args=[])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return rclpy


def let_receiving_come_first() -> None:
    """Put the middleware's own threads before everything else on this machine, where that is allowed (root, RLIMIT_NICE).

    They only copy what arrives. When they come too late by two milliseconds, an image of a megabyte does not fit into the
    shared memory that Fast DDS has by default, and is lost for all time.
    """
    for folder in Path("/proc/self/task").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text().startswith(RECEIVING):
                os.setpriority(os.PRIO_PROCESS, int(folder.name), RECEIVING_NICENESS)


def say_hello(pipe: Pipe, rclpy: Any) -> None:
    """Tell what this process runs under."""
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    if Path(sys.prefix, "share", "ament_index").is_dir():
        prefixes.append(sys.prefix)
    pipe.event(
        "hello",
        python=sys.version.split()[0],
        executable=sys.executable,
        distro=os.environ.get("ROS_DISTRO", ""),
        rmw=rclpy.get_rmw_implementation_identifier(),
        domain=os.environ.get("ROS_DOMAIN_ID", "0"),
        prefixes=prefixes,
    )


def listen(commands: queue.Queue[dict[str, Any]]) -> None:
    """Put commands into a queue, from a thread; the process ends at once when the recorder closes the pipe."""
    threading.Thread(target=_listen, args=(commands,), daemon=True).start()


def _listen(commands: queue.Queue[dict[str, Any]]) -> NoReturn:
    for line in sys.stdin.buffer:
        commands.put(json.loads(line.decode()))
    os._exit(1)


def run_and_leave(main: Callable[[], int]) -> NoReturn:
    """Run and end the process with the status, without waiting for the middleware's threads; 1 where the recorder is gone."""
    try:
        status = main()
    except BrokenPipeError:
        status = 1
    sys.stderr.flush()
    os._exit(status)


def leave_soon(status: int) -> None:
    """End the process even where the middleware's own threads would hold it."""
    timer = threading.Timer(2.0, os._exit, [status])
    timer.daemon = True
    timer.start()
