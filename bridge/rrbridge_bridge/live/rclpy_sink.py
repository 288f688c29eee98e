"""Playing to ROS 2 through `rclpy`, in a worker process under the robot's own ROS Python, as recording does it."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.frames import EventFrame, TornFrameError, command_frame, message_head, read_frame
from rrbridge_bridge.live.process import WorkerProcess
from rrbridge_bridge.live.qos import profile_to_offer
from rrbridge_bridge.live.qos_overrides import asked_quality
from rrbridge_bridge.live.rclpy import WORKER, source, start_worker
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.live.source import Notice, Severity, refuse_address
from rrbridge_bridge.raw import Connection

__all__ = ["RclpySink", "RclpySinkSession", "sink"]

log = logging.getLogger(__name__)

PLAYER = WORKER.with_name("rclpy_player.py")
ANSWER_SECS = 10.0
CLOSE_SECS = 1.6
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031
VOLATILE_DEPTH = 1000
"""How many messages a reliable publisher keeps for listeners that are late; recordings seldom say what it was."""


class RclpySinkSession:
    """A worker that publishes."""

    encodings = frozenset({"cdr"})

    def __init__(self, worker: WorkerProcess, hello: Mapping[str, Any], options: SinkOptions) -> None:
        self._worker = worker
        with contextlib.suppress(OSError):  # a smaller pipe works too
            fcntl.fcntl(worker.process.stdin or -1, F_SETPIPE_SZ, PIPE_BYTES)
        self._overrides = options.qos_overrides
        self._topics: dict[int, str] = {}
        self._types: dict[int, str] = {}
        self._listeners: dict[int, int] = {}
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._notices: deque[Notice] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._closed = False
        name = f"rclpy ({hello['distro']})" if hello["distro"] else "rclpy"
        self.description = f"{name}, {hello['rmw']}, domain {hello['domain']}"
        self._thread = threading.Thread(target=self._hear, name="play-rclpy", daemon=True)
        self._thread.start()

    def advertise(self, connection: Connection, latched: bool, keep: int = 1) -> str:
        """Get ready to publish; empty, or why it cannot be played. Raises RecorderError when the worker has ended."""
        self._topics[connection.id], self._types[connection.id] = connection.topic, connection.msgtype
        offered = connection.metadata.get("offered_qos_profiles", "")
        asked = profile_to_offer(offered, latched=latched, depth=keep if latched else VOLATILE_DEPTH)
        asked |= asked_quality(self._overrides.get(connection.topic))
        command = {"do": "advertise", "id": connection.id, "topic": connection.topic, "type": connection.msgtype}
        self._send(*command_frame(command | {"asked": asked}))
        with self._changed:
            found = self._changed.wait_for(lambda: connection.id in self._answers or self._ended, ANSWER_SECS)
        if not found:
            return f"the ROS Python did not answer within {ANSWER_SECS:g} s"
        if connection.id not in self._answers:
            raise self._gone()
        answer = self._answers[connection.id]
        if answer["missing"]:
            package = connection.msgtype.partition("/")[0]
            return f"the ROS Python has no {connection.msgtype} ({answer['text']}); source the workspace that has {package}"
        return str(answer["text"])

    def publish(
        self,
        connection_id: int,
        payload: memoryview,
        log_time_nanos: int,  # noqa: ARG002 - messages carry their own stamps
        publish_time_nanos: int,  # noqa: ARG002 - the middleware gives the time of now
    ) -> None:
        """Send a message. Raises RecorderError when the worker has ended."""
        self._send(message_head(connection_id, len(payload)), payload)

    def clock(self, nanos: int) -> None:
        """Publish `/clock`."""
        self._send(*command_frame({"do": "clock", "nanos": nanos}))

    def subscribers(self, connection_id: int) -> int | None:
        """How many listen now."""
        return self._listeners.get(connection_id, 0)

    def seeked(self) -> None:
        """Nothing in ROS 2 tells of a jump but `/clock` itself."""

    def notices(self) -> Sequence[Notice]:
        """What has happened since this was last asked."""
        found = []
        while self._notices:
            found.append(self._notices.popleft())
        return found

    def close(self) -> None:
        """Wait a little until listeners have everything, and leave. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self._send(*command_frame({"do": "close"}))
        except RecorderError:
            log.debug("the worker is gone already")
        self._worker.close(CLOSE_SECS)
        self._thread.join(1.0)

    def _send(self, *parts: bytes | memoryview) -> None:
        try:
            self._worker.write(*parts)
        except OSError as err:
            raise self._gone() from err

    def _gone(self) -> RecorderError:
        last = self._worker.last_line()
        return RecorderError(f"the rclpy worker that publishes has ended by itself{': ' + last if last else ''}")

    def _hear(self) -> None:
        try:
            while (frame := read_frame(self._worker.frames)) is not None:
                if isinstance(frame, EventFrame):
                    self._heard(frame.event, frame.facts)
        except (TornFrameError, ValueError) as err:  # ValueError: the pipe was closed meanwhile
            log.debug("%s", err)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _heard(self, event: str, facts: Mapping[str, Any]) -> None:
        if event == "listeners":
            self._listeners[facts["id"]] = facts["count"]
        elif event == "unsent":
            text = f"{facts['count']} messages could not be published: {facts['text']}"
            self._notices.append(Notice(Severity.WARNING, text, self._topics[facts["id"]]))
        elif event == "advertised":
            with self._changed:
                self._answers[facts["id"]] = facts
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class RclpySink:
    """ROS 2 by its own client library."""

    name: str = source.name
    priority: int = source.priority

    def signs(self, environment: Mapping[str, str]) -> str:
        """What speaks for recording from it speaks for playing to it."""
        return source.signs(environment)

    def open(self, options: SinkOptions) -> RclpySinkSession:
        """Start a worker under the first Python that has rclpy. Raises RecorderError if none has."""
        refuse_address(self.name, options.address)
        worker, hello = start_worker(options.ros_python, PLAYER, options.node_name)
        return RclpySinkSession(worker, hello, options)


sink = RclpySink()
