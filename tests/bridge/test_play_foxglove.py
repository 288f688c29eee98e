"""`rrbridge play` as a Foxglove WebSocket server: what a client records of it is what was played."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import pytest
from ports import free_port
from waiting import WAIT_SECS

from rrbridge_bridge.readers import open_bag

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live"), pytest.mark.real_data]

RRBRIDGE = [sys.executable, "-c", "import sys; from rrbridge_bridge.cli import main; sys.exit(main(sys.argv[1:]))"]
ENV = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
RECORDING = "jsk-ros-pkg+jsk_recognition/watercan.bag"

Messages = dict[tuple[str, str], list[list[bytes]]]


def recorded(path: Path) -> tuple[Messages, float]:
    """By topic and type, the messages of each connection in their order; and how many seconds the recording is long."""
    found: dict[int, list[tuple[int, bytes]]] = {}
    with open_bag(path) as reader:
        connections = {connection.id: connection for connection in reader.connections}
        for rows in reader.rows():
            for i in range(len(rows)):
                payload = rows.buffer[rows.starts[i] : rows.starts[i] + rows.sizes[i]].tobytes()
                found.setdefault(int(rows.connection_ids[i]), []).append((int(rows.log_time_nanos[i]), payload))
    messages: Messages = {}
    for number, timed in found.items():
        of_one = [payload for _, payload in sorted(timed, key=lambda message: message[0])]
        messages.setdefault((connections[number].topic, connections[number].msgtype), []).append(of_one)
    times = [time for timed in found.values() for time, _ in timed]
    return messages, (max(times) - min(times)) / 1e9


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
    sent, span = recorded(path)
    count = sum(len(messages) for each in sent.values() for messages in each)
    playing = rrbridge("play", path, "--to", address, "--wait-for-subscribers", "-d", "1", "-r", span / 3, "--json")
    assert playing.stdout is not None
    assert json.loads(playing.stdout.readline())["event"] == "begin"
    tree = rrbridge("tf", "--from", address, "--for", WAIT_SECS, "--json")
    recorder = rrbridge("record", "--from", address, "-a", "-x", "^/clock$", "-o", ours, "--min-free", "0")
    out, told = playing.communicate(timeout=WAIT_SECS)
    assert playing.returncode == 0, told
    assert json.loads(out.splitlines()[-1])["messages"] == count
    recorder.send_signal(signal.SIGINT)
    _, told = recorder.communicate(timeout=WAIT_SECS)
    heard, _ = recorded(ours)
    assert heard.keys() == sent.keys()
    for topic, each in sent.items():
        payloads = list(chain(*heard[topic]))
        assert Counter(payloads) == Counter(chain(*each)), told
        for messages in each:  # those of different publishers that came at once may be in any order
            rest = iter(payloads)
            assert all(payload in rest for payload in messages)
    tree.send_signal(signal.SIGINT)
    out, told = tree.communicate(timeout=WAIT_SECS)
    assert len(json.loads(out)["parents"]) > 3, told
