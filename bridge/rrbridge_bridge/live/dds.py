"""ROS 2 over DDS without ROS, by Cyclone DDS in a process of its own. Experimental: it hears what its own worker can match.

`pip install "rrbridge[dds]"`. Messages come as their bytes; no publisher's counter comes with them, so losses are unknown.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.definitions import DefinitionFinder
from rrbridge_bridge.live.frames import EventFrame
from rrbridge_bridge.live.process import WorkerProcess
from rrbridge_bridge.live.rclpy import RclpySession, first_event
from rrbridge_bridge.live.source import Discovered, Event, SourceOptions, refuse_address
from rrbridge_bridge.live.zenoh_definitions import Definitions
from rrbridge_bridge.live.zenoh_keys import NO_HASH

__all__ = ["DdsSession", "DdsSource", "source"]

WORKER = Path(__file__).parent / "workers" / "dds_worker.py"
_MISSING = 'to hear DDS without ROS, install Cyclone DDS: pip install "rrbridge[dds]"'


class _HashedFinder(DefinitionFinder):
    """Finds definitions that have the hash of what is published."""

    def __init__(self) -> None:
        super().__init__(())
        self.hashes: dict[str, str] = {}
        self._definitions = Definitions(os.environ)

    def find(self, msgtype: str) -> str:
        """The full definition, empty if there is none; without a hash, as Humble's nodes publish, what goes by that name."""
        return self._definitions.find(msgtype, self.hashes.get(msgtype, NO_HASH))


class DdsSession(RclpySession):
    """A worker that hears one DDS domain."""

    by = "DDS"

    def __init__(self, worker: WorkerProcess, hello: Mapping[str, Any], options: SourceOptions) -> None:
        self._hashed = _HashedFinder()
        super().__init__(worker, hello, self._hashed, options)

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Record a topic."""
        hashes = {p["hash"] for p in self._topics.get(topic, []) if p["type"] == msgtype and p["hash"]}
        if hashes:
            self._hashed.hashes[msgtype] = min(hashes)
        super().subscribe(topic, msgtype)

    def _told(self, frame: EventFrame) -> Iterator[Event]:
        for event in super()._told(frame):
            yield replace(event, nodes=()) if isinstance(event, Discovered) else event


@dataclass(frozen=True, slots=True)
class DdsSource:
    """ROS 2 over DDS without ROS."""

    name: str = "dds"
    priority: int = 10

    def signs(self, environment: Mapping[str, str]) -> str:  # noqa: ARG002 - rclpy hears more, where it is
        """Nothing: it is asked for by name."""
        return ""

    def start(self, options: SourceOptions) -> DdsSession:
        """Start a worker. Raises RecorderError where Cyclone DDS is not installed or finds no network."""
        if importlib.util.find_spec("cyclonedds") is None:
            raise RecorderError(_MISSING)
        refuse_address(self.name, options.address)
        worker = WorkerProcess(sys.executable, WORKER)
        hello = first_event(worker)
        if hello.get("event") != "hello":
            worker.close(1.0)
            reason = hello.get("text") or worker.last_line() or "no answer"
            raise RecorderError(f"Cyclone DDS could not be started: {reason}")
        return DdsSession(worker, hello, options)


source = DdsSource()
