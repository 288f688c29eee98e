"""`rrbridge play` as a process on a terminal: keys, signals, and a terminal that is left as it was found."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_typestore
from waiting import WAIT_SECS

from rrbridge_bridge.play.terminal import KEYS, commands_in

HELPERS = Path(__file__).parents[1] / "helpers"
SCRIPT = HELPERS / "play_to_file.py"
ROS1 = get_typestore(Stores.ROS1_NOETIC)
SECOND = 10**9
START = 1_700_000_000 * SECOND


@given(st.lists(st.one_of(st.sampled_from(sorted(KEYS)), st.sampled_from([b"x", b"Z", b"\n", b"\x1b[H"])), max_size=20))
def test_keys_are_told_apart_however_fast_they_are_typed(typed: list[bytes]) -> None:
    assert list(commands_in(b"".join(typed))) == [KEYS[key] for key in typed if key in KEYS]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A message each 100 s, so that only keys bring it on; the first 20 within 2 s."""
    path = tmp_path / "slow.bag"
    with Writer(path) as writer:
        connection = writer.add_connection("/a", "std_msgs/msg/Int32", typestore=ROS1)
        for i in range(40):
            at = i * SECOND // 10 if i < 20 else (i - 18) * 100 * SECOND
            writer.write(connection, START + at, i.to_bytes(4, "little"))
    return path


class Playing:
    """The process, its terminal, and what it has sent."""

    def __init__(self, bag: Path, folder: Path, *options: str, on_terminal: bool = True) -> None:
        self.log = folder / "sent"
        self.said = b""
        self._ours, theirs = pty.openpty()
        self._theirs = theirs
        self.before = termios.tcgetattr(theirs)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x28\0\x78\0" + bytes(4))

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HELPERS), *filter(None, sys.path)]), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, self.log, bag, *options],
            stdin=theirs if on_terminal else subprocess.DEVNULL,
            stdout=theirs if on_terminal else subprocess.PIPE,
            stderr=theirs if on_terminal else subprocess.PIPE,
            preexec_fn=take_terminal if on_terminal else None,
            env=env,
        )

    def press(self, key: bytes) -> None:
        os.write(self._ours, key)

    def read(self) -> str:
        """What is on the terminal so far."""
        while select.select([self._ours], [], [], 0.02)[0]:
            with suppress(OSError):
                self.said += os.read(self._ours, 65536)
                continue
            break
        return self.said.decode(errors="replace")

    def sent(self) -> list[int]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [int.from_bytes(bytes.fromhex(line.split()[3])[:4], "little") for line in lines if " " in line]

    def until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_SECS
        while not is_so():
            assert self.process.poll() is None or is_so(), self.read()
            assert time.monotonic() < end, self.read()
            self.read()

    def end(self) -> int:
        end = time.monotonic() + WAIT_SECS
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        return self.process.wait(1)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def play(bag: Path, tmp_path: Path) -> Iterator[Callable[..., Playing]]:
    started: list[Playing] = []

    def start(*options: str, on_terminal: bool = True) -> Playing:
        started.append(Playing(bag, tmp_path, *options, on_terminal=on_terminal))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_keys_of_a_real_terminal(play: Callable[..., Playing]) -> None:
    playing = play("--start-paused")
    playing.until(lambda: "space: pause" in playing.read() and "paused" in playing.read())
    assert playing.sent() == []
    playing.press(b"s")
    playing.until(lambda: playing.sent() == [0])
    playing.press(b"\x1b[C\x1b[C")
    playing.until(lambda: playing.sent() == [0, 1, 2])
    playing.press(b" ")
    playing.until(lambda: playing.sent() == list(range(20)))
    playing.press(b"\x1b[A\x1b[A")
    playing.until(lambda: "× 1.21" in playing.read())
    playing.press(b"\x1b[C")
    playing.until(lambda: playing.sent() == list(range(21)))
    playing.press(b"q")
    assert playing.end() == 0
    assert "ended early, played 21 messages" in playing.read()
    assert playing.log.read_text().endswith("closed\n")
    assert termios.tcgetattr(playing._theirs) == playing.before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_in_good_order(play: Callable[..., Playing], number: signal.Signals, code: int) -> None:
    playing = play()
    playing.until(lambda: len(playing.sent()) >= 5)
    if number is signal.SIGINT:
        playing.press(b"\x03")  # as the terminal makes it of Ctrl-C
    else:
        playing.process.send_signal(number)
    assert playing.end() == code
    assert "ended early" in playing.read()
    assert playing.log.read_text().endswith("closed\n")
    assert termios.tcgetattr(playing._theirs) == playing.before


def test_without_a_terminal_nothing_is_rewritten(play: Callable[..., Playing]) -> None:
    playing = play("-u", "1", on_terminal=False)
    _, told = playing.process.communicate(timeout=WAIT_SECS)
    assert playing.process.returncode == 0
    assert b"\x1b" not in told
    assert b"\r" not in told
    assert b"played 11 messages" in told


def test_json_lines_beside_a_terminal(play: Callable[..., Playing]) -> None:
    playing = play("-u", "1", "--json", on_terminal=False)
    out, _ = playing.process.communicate(timeout=WAIT_SECS)
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert (events[0], events[-1], set(events[1:-1])) == ("begin", "end", {"status"})
