"""`rrbridge play` as a Foxglove WebSocket server: what a client records of it is what was played."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from ports import free_port
from waiting import WAIT_SECS

from rrbridge_bridge.readers import open_bag

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live"), pytest.mark.real_data]

RRBRIDGE = [sys.executable, "-c", "import sys; from rrbridge_bridge.cli import main; sys.exit(main(sys.argv[1:]))"]
ENV = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
RECORDING = "jsk-ros-pkg+jsk_recognition/watercan.bag"

Message = tuple[int, tuple[str, str], bytes]


def recorded(path: Path) -> list[Message]:
    """Time, topic with its type, and bytes of every message."""
    found = []
    with open_bag(path) as reader:
        topics = {connection.id: (connection.topic, connection.msgtype) for connection in reader.connections}
        for rows in reader.rows():
            for i in range(len(rows)):
                payload = rows.buffer[rows.starts[i] : rows.starts[i] + rows.sizes[i]].tobytes()
                found.append((int(rows.log_time_nanos[i]), topics[int(rows.connection_ids[i])], payload))
    return sorted(found, key=lambda message: message[0])


def of_topics(messages: list[Message]) -> dict[tuple[str, str], list[bytes]]:
    """In their order, which is that of each alone: those of two types that came at once may be in any."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for _, topic, payload in messages:
        found.setdefault(topic, []).append(payload)
    return found


Rrbridge = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def rrbridge() -> Iterator[Rrbridge]:
    with ExitStack() as stack:

        def start(*arguments: object) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [*RRBRIDGE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV
            )
            stack.callback(process.__exit__, None, None, None)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def address() -> str:
    return f"ws://127.0.0.1:{free_port()}"


def test_what_is_recorded_of_a_played_recording_is_the_recording(
    rrbridge: Rrbridge, address: str, shared_data: Path, tmp_path: Path
) -> None:
    path, ours = shared_data / RECORDING, tmp_path / "ours.mcap"
    sent = recorded(path)
    span = (sent[-1][0] - sent[0][0]) / 1e9
    playing = rrbridge("play", path, "--to", address, "--wait-for-subscribers", "-d", "1", "-r", span / 3, "--json")
    assert playing.stdout is not None
    assert json.loads(playing.stdout.readline())["event"] == "begin"
    tree = rrbridge("tf", "--from", address, "--for", WAIT_SECS, "--json")
    recorder = rrbridge("record", "--from", address, "-a", "-x", "^/clock$", "-o", ours, "--min-free", "0")
    out, told = playing.communicate(timeout=WAIT_SECS)
    assert playing.returncode == 0, told
    assert json.loads(out.splitlines()[-1])["messages"] == len(sent)
    recorder.send_signal(signal.SIGINT)
    _, told = recorder.communicate(timeout=WAIT_SECS)
    assert of_topics(recorded(ours)) == of_topics(sent), told
    tree.send_signal(signal.SIGINT)
    out, told = tree.communicate(timeout=WAIT_SECS)
    assert len(json.loads(out)["parents"]) > 3, told
