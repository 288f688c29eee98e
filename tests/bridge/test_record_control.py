"""What can be asked of a running recorder: by other programs through its socket, and by keys of its terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of, recorded
from waiting import until

from rrbridge.errors import RecorderError
from rrbridge_bridge.commands.control import control
from rrbridge_bridge.record.control import ControlServer, ask, names, runtime_folder


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for sockets that no other test uses."""
    folder = tmp_path / "r"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder / "rrbridge"


class Beside(threading.Thread):
    """Another program, while the test's own thread records; what fails in it fails the test."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            until(lambda: names() == ["mine"])
            self._work()
        except BaseException as err:  # noqa: BLE001 - told by the test's own thread
            self._error = err
            os.kill(os.getpid(), signal.SIGTERM)

    def check(self) -> None:
        self.join()
        if self._error:
            raise self._error


def received(count: int) -> bool:
    status = ask("mine", "status")["status"]
    return bool(sum(topic["received"] for topic in status["topics"]) == count)


def test_another_program_pauses_resumes_and_stops_a_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession()
    session.announce(CHATTER)
    session.announce(CAMERA, latched=True)

    def work() -> None:
        session.send(CHATTER, b"1")
        until(lambda: received(1))
        assert "paused" in ask("mine", "pause")["text"]
        assert ask("mine", "pause") | {"status": 0} == {"ok": True, "text": "is paused already", "status": 0}
        session.send(CHATTER, b"2")
        session.send(CAMERA, b"a")
        until(lambda: received(3))
        assert ask("mine", "status")["status"]["state"] == "paused"
        assert ask("mine", "status")["text"].startswith("paused · 0:0")
        assert ask("mine", "resume")["text"] == "recording again"
        session.send(CHATTER, b"3")
        until(lambda: received(4))
        assert "known are status, pause" in ask("mine", "dance")["text"]
        ask("mine", "stop")

    beside = Beside(work)
    beside.start()
    status = recorded(monkeypatch, session, tmp_path / "run.rrd", "-a", "--name", "mine", "--duration", "1h", "--json")
    beside.check()
    assert status == 0
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"1", b"3"], "/camera": [b"a"]}
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    texts = [line["text"] for line in said if line["event"] == "notice"]
    assert any("paused" in text for text in texts)
    assert "recording again" in texts
    assert names() == []
    paused = {topic["topic"]: topic["paused"] for topic in said[-1]["topics"]}
    assert paused == {"/chatter": 1, "/camera": 0}


def test_a_snapshot_is_of_what_is_held_and_the_rest_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session = FakeSession()
    session.announce(CHATTER)

    def work() -> None:
        nothing = ask("mine", "snapshot")
        assert not nothing["ok"]
        assert nothing["text"].startswith("there is nothing to write")
        session.send(CHATTER, b"1")
        until(lambda: received(1))
        assert ask("mine", "snapshot")["text"] == "a snapshot is asked for"
        until(lambda: bool((tmp_path / "run_0000.rrd").exists()))
        assert not ask("mine", "snapshot")["ok"]
        session.send(CHATTER, b"2")
        until(lambda: received(2))
        ask("mine", "stop")

    beside = Beside(work)
    beside.start()
    arguments = ("-a", "--name", "mine", "--duration", "1h", "--snapshot", "30s")
    assert recorded(monkeypatch, session, tmp_path / "run.rrd", *arguments) == 0
    beside.check()
    assert [path.name for path in tmp_path.glob("*.rrd*")] == ["run_0000.rrd"]
    assert payloads_of(tmp_path / "run_0000.rrd") == {"/chatter": [b"1"]}


@pytest.fixture
def server() -> Iterator[ControlServer]:
    made = ControlServer("mine", lambda command: {"ok": command == "status", "text": command, "status": {"a": 1}})
    yield made
    made.close()


def test_the_socket_is_its_owner_s_alone(server: ControlServer, runtime: Path) -> None:
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE((runtime / "mine.sock").stat().st_mode) == 0o600
    server.close()
    assert list(runtime.iterdir()) == []
    runtime.chmod(0o755)
    with pytest.raises(RecorderError, match="yours alone"):
        runtime_folder()


def test_without_a_folder_of_the_session_that_for_temporary_files_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    expected = tmp_path / f"rrbridge-{os.getuid()}"
    assert runtime_folder({}) == runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path / "gone")}) == expected
    assert stat.S_IMODE(expected.stat().st_mode) == 0o700


def test_a_name_is_taken_once_and_free_again_after_a_kill(server: ControlServer, runtime: Path) -> None:
    with pytest.raises(RecorderError, match="another --name"):
        ControlServer("mine", lambda _: {})
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(runtime / "dead.sock"))
    dead.close()
    assert names() == ["mine"]
    ControlServer("dead", lambda _: {}).close()
    for name in ("", "a/b", "..", "x" * 60):
        with pytest.raises(RecorderError, match="no name"):
            ask(name, "status")


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"nonsense\n", "a request is"),
        (b"[1]\n", "a request is"),
        (b'{"do": 3}\n', "a request is"),
        (b"x" * 5000 + b"\n", ""),
        (b'{"do": "status"', ""),
    ],
)
def test_nonsense_is_answered_and_the_next_one_is_served(
    server: ControlServer, runtime: Path, sent: bytes, answer: str
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(runtime / "mine.sock"))
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            got = connection.recv(4096).decode()
        except ConnectionError:
            got = ""
    assert answer in got
    assert bool(got) == bool(answer)
    assert ask("mine", "status")["ok"]


def controlled(*arguments: str) -> int:
    found: int = control.main(arguments, prog_name="control", standalone_mode=False)
    return found


def test_the_command_asks_the_one_that_runs(server: ControlServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert controlled() == controlled("status") == controlled("status", "mine", "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["mine", "status"]
    assert json.loads(lines[2])["status"] == {"a": 1}
    with pytest.raises(RecorderError, match="mine: dance"):
        controlled("dance")
    second = ControlServer("other", lambda _: {})
    with pytest.raises(RecorderError, match="name one: mine, other"):
        controlled("status")
    second.close()
    with pytest.raises(RecorderError, match="no recorder 'gone'"):
        controlled("status", "gone")


def test_without_a_recorder_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert controlled() == 0
    assert "no recorder is running" in capsys.readouterr().out
    with pytest.raises(RecorderError, match="no recorder is running"):
        controlled("pause")


PRESSED = """
import sys, threading
from rrbridge_bridge.record.keys import pressed_keys
done = threading.Event()
def on_key(key):
    print(repr(key), flush=True)
    if key == "q":
        done.set()
with pressed_keys(on_key) as there:
    print("terminal" if there else "none", flush=True)
    if there:
        done.wait(120)
"""


def test_keys_are_taken_one_by_one_and_the_terminal_is_left_as_it_was() -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-c", PRESSED],
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "terminal\n"
        until(lambda: not termios.tcgetattr(theirs)[3] & termios.ICANON)
        os.write(ours, b" ")
        assert process.stdout.readline() == "' '\n"
        os.write(ours, b"\x1b[A\x1bOBs\x1b[5~q")  # as a busy computer reads them: all at once
        assert [process.stdout.readline() for _ in range(2)] == ["'s'\n", "'q'\n"]
    assert process.returncode == 0
    assert termios.tcgetattr(theirs)[:4] == before[:4]
    os.close(ours)
    os.close(theirs)


def test_without_a_terminal_no_keys_are_taken() -> None:
    found = subprocess.run([sys.executable, "-c", PRESSED], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "none\n")
