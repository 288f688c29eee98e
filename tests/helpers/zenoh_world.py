"""A Zenoh network on a port of this machine, and processes that publish in it."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from listening import Listening
from ports import free_port

from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.source import Announced, Discovered, Received, SourceOptions
from rrbridge_bridge.live.zenoh import ZenohSource
from rrbridge_bridge.live.zenoh_definitions import Definitions
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.record.counters import LossCounter

__all__ = ["Heard", "Publisher", "ZenohWorld"]

PEERS = Path(__file__).parents[1] / "bridge" / "zenoh_peers"
NOTHING = Definitions({})


class Publisher:
    """A process that publishes, and what it sent."""

    def __init__(self, folder: Path, endpoint: str, spec: list[dict[str, Any]], mode: str) -> None:
        self.spec = spec
        self.log = folder / f"sent-{len(list(folder.glob('sent-*')))}"
        command = [sys.executable, str(PEERS / "publisher.py"), str(self.log), json.dumps(spec), mode, endpoint]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said("ready")

    def said(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def sent_on(self, topic: str) -> list[bytes]:
        data, found, at = self.log.read_bytes(), [], 0
        while at + 16 <= len(data):
            index, _, size = struct.unpack_from("<IQI", data, at)
            if self.spec[index]["topic"] == topic:
                found.append(data[at + 16 : at + 16 + size])
            at += 16 + size
        return found

    def close(self) -> None:
        ended(self.process)


def ended(process: subprocess.Popen[str]) -> None:
    """Kill it, if it still runs."""
    process.kill()
    process.wait()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()


class Heard(Listening):
    """What arrived, by topic."""

    def received(self, topic: str) -> list[Received]:
        return [received for received in self.of(Received) if received.batch.connection.topic == topic]

    def lost(self, topic: str) -> int | None:
        losses = LossCounter()
        for event in self.events:
            if isinstance(event, Discovered) and event.topic == topic:
                losses.publishers(event.publishers)
            if isinstance(event, Received) and event.batch.connection.topic == topic:
                losses.received(event)
        return losses.lost

    def connections(self) -> list[Connection]:
        """As they were announced last."""
        return list({event.connection.id: event.connection for event in self.of(Announced)}.values())


class ZenohWorld:
    """A Zenoh network of its own on a port of this machine."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.endpoint = f"tcp/127.0.0.1:{free_port()}"
        self.folder = folder
        self.stack = stack

    def router(self) -> Callable[[], None]:
        """Somebody else's, as `rmw_zenohd` is; what ends it."""
        import zenoh

        config = zenoh.Config()
        config.insert_json5("mode", '"router"')
        config.insert_json5("listen/endpoints", json.dumps([self.endpoint]))
        config.insert_json5("scouting/multicast/enabled", "false")
        config.insert_json5("timestamping/enabled", "true")
        session = zenoh.open(config)
        self.stack.callback(session.close)
        return session.close

    def independent(self, topic: str, *count: str) -> subprocess.Popen[str]:
        """Another implementation, that publishes, or prints what it hears."""
        command = [sys.executable, str(PEERS / "independent.py"), self.endpoint.rpartition(":")[2], topic, *count]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.stack.callback(ended, process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        return process

    def publish(self, *spec: dict[str, Any], mode: str = "peer") -> Publisher:
        publisher = Publisher(self.folder, self.endpoint, list(spec), mode)
        self.stack.callback(publisher.close)
        return publisher

    def listen(self, **overrides: QosProfile) -> Heard:
        """`overrides` by topic, without its slash."""
        asked = {f"/{topic}": profile for topic, profile in overrides.items()}
        options = SourceOptions(address=self.endpoint, qos_overrides=asked)
        session = ZenohSource(definitions=NOTHING).start(options)
        return self.stack.enter_context(Heard(session))
