"""What `rrbridge view --live` is given of a session: every message decoded, and what was left out told."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore
from scripted_session import FakeSession
from waiting import WAIT_SECS, until

from rrbridge._messages import LogMessage, StoredChunk
from rrbridge.chunk import ChunkStore
from rrbridge.errors import RecorderError
from rrbridge.feeds import FeedOptions
from rrbridge.importers import Note
from rrbridge_bridge.live.feed import LiveFeed
from rrbridge_bridge.live.source import Document, Ended, Notice, Refused, Severity
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.record.selection import Selection
from rrbridge_viewer.loading import Library, Loading

STORE = get_typestore(Stores.ROS2_HUMBLE)
EVERY = Selection.of(every=True)


def connection(number: int, topic: str, msgtype: str) -> Connection:
    definition, _ = STORE.generate_msgdef(msgtype, ros_version=2)
    return Connection(number, topic, msgtype, "cdr", definition, "ros2msg")


def number_message(value: int) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types["std_msgs/msg/Int64"](data=value), "std_msgs/msg/Int64"))


def image_message(value: int) -> bytes:
    """Of 300 kB."""
    types = STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, value), "camera")
    pixels = np.full(300_000, value % 256, np.uint8)
    made = types["sensor_msgs/msg/Image"](header, 300, 1000, "mono8", 0, 1000, pixels)
    return bytes(STORE.serialize_cdr(made, "sensor_msgs/msg/Image"))


COUNT = connection(0, "/count", "std_msgs/msg/Int64")
CAMERA = connection(1, "/camera", "sensor_msgs/msg/Image")


class Watcher:
    """Takes what a feed brings, as a viewer does, in a thread of its own."""

    def __init__(self, session: FakeSession, selection: Selection = EVERY, options: FeedOptions | None = None) -> None:
        self.feed = LiveFeed(session, selection, options or FeedOptions())
        self.store = ChunkStore()
        self.notes: list[Note] = []
        self.error = ""
        self.may_take = threading.Event()
        self.may_take.set()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        try:
            for message in self._messages():
                if isinstance(message, StoredChunk):
                    self.store.insert(message.chunk)
        except RecorderError as err:
            self.error = str(err)

    def _messages(self) -> Iterator[LogMessage]:
        for message in self.feed.messages(self.notes.append):
            self.may_take.wait(WAIT_SECS)
            yield message

    def numbers(self) -> list[int]:
        """What came on `/count`, in order."""
        component = "std_msgs.msg.Int64:message"
        rows = self.store.range("/count", component, "message_log_time", 0, 2**62).cells.to_pylist()
        return [cell[0]["data"] for cell in rows]

    def until(self, count: int, entity: str = "/count") -> None:
        """So many have come."""
        until(lambda: self.error or len(self.store.times(entity, "message_log_time")) >= count)
        assert not self.error

    def until_told(self, *texts: str) -> None:
        """What was told, without what was replaced."""
        until(lambda: set({note.about or note.text: note.text for note in list(self.notes)}.values()) == set(texts))

    def end(self) -> None:
        self.may_take.set()
        self._thread.join(WAIT_SECS)
        assert not self._thread.is_alive()


def test_every_message_comes_decoded_and_without_its_bytes() -> None:
    session = FakeSession()
    watcher = Watcher(session)
    session.announce(COUNT)
    session.tell(Document("/__parameters/driver", "text/markdown", "gain: 3", 5))
    for first in range(0, 1000, 10):
        session.send(COUNT, *map(number_message, range(first, first + 10)))
    watcher.until(1000)
    assert sorted(watcher.numbers()) == list(range(1000))
    assert "McapMessage:data" not in watcher.store.components("/count")
    assert "TextDocument:text" in watcher.store.components("/__parameters/driver")
    watcher.feed.close()
    watcher.end()
    assert (watcher.error, watcher.notes) == ("", [])


def test_only_wanted_topics_are_asked_for() -> None:
    session = FakeSession()
    watcher = Watcher(session, Selection.of(("/scan",), pattern=("^/cam",), exclude=("depth",)))
    for topic in ("/scan", "/camera", "/camera/depth", "/other", "/camera"):
        session.discover(topic)
    session.announce(COUNT)
    session.send(COUNT, number_message(1))
    watcher.until(1)
    watcher.feed.close()
    watcher.end()
    assert session.asked == [("/scan", "std_msgs/msg/String"), ("/camera", "std_msgs/msg/String")]


def test_a_viewer_that_cannot_keep_up_loses_images_and_nothing_small() -> None:
    session = FakeSession()
    watcher = Watcher(session, options=FeedOptions(waiting_bytes=1 << 20))
    session.announce(COUNT)
    session.announce(CAMERA)
    session.send(COUNT, number_message(0))
    watcher.until(1)  # before the first is taken nothing is heard at all
    watcher.may_take.clear()
    for number in range(1, 100):
        session.send(CAMERA, image_message(number))
        session.send(COUNT, number_message(number))
    until(lambda: not session.waiting())
    watcher.may_take.set()
    watcher.until(100)
    watcher.until(1, "/camera")
    assert sorted(watcher.numbers()) == list(range(100))
    assert len(watcher.store.times("/camera", "message_log_time")) < 60
    watcher.feed.close()
    watcher.end()
    told = r"/camera: \d+ messages? left out because the viewer cannot keep up"
    assert watcher.notes
    assert all(re.fullmatch(told, note.text) and note.is_loss for note in watcher.notes)


def test_a_topic_that_cannot_be_decoded_is_told_and_costs_no_other() -> None:
    session = FakeSession()
    watcher = Watcher(session)
    broken = Connection(2, "/strange", "their_msgs/msg/Thing", "cdr")
    session.announce(COUNT)
    session.announce(broken)
    session.send(broken, b"\0\1\0\0abc")
    session.send(COUNT, number_message(7))
    watcher.until(1)
    watcher.feed.close()
    watcher.end()
    (note,) = watcher.notes
    assert note.text.startswith("/strange: cannot be decoded: ")
    assert note.is_loss


def test_a_source_that_fails_is_told_after_all_it_brought() -> None:
    session = FakeSession()
    watcher = Watcher(session)
    session.announce(COUNT)
    session.send(COUNT, *map(number_message, range(500)))
    session.fail("the robot was switched off")
    watcher.end()
    assert watcher.error == "the robot was switched off"
    assert len(watcher.numbers()) == 500


def test_what_goes_on_is_told_with_its_latest_count() -> None:
    session = FakeSession()
    watcher = Watcher(session)
    session.announce(COUNT)
    for lost in (1, 10, 100):
        session.tell(Notice(Severity.WARNING, f"the middleware says that {lost} were lost", "/count", about="lost"))
        session.send(COUNT, number_message(lost))
        session.skip(COUNT, lost)
    session.send(COUNT, number_message(0))
    told = (
        "/count: the middleware says that 100 were lost",
        "/count: 111 messages lost between publisher and viewer",
    )
    watcher.until_told(*told)
    session.stop()
    watcher.end()
    loading = Loading(Library(), "robot", lambda *_: iter(()))
    for note in watcher.notes:
        loading.note(note)
    assert {note.text for note in loading.notices} == {f"robot: {text}" for text in told}


def test_why_nothing_of_a_topic_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to be found, found and not to be reached, refused: each is told as what it is."""
    monkeypatch.setattr("rrbridge_bridge.live.feed.MISSING_SECS", 0.0)
    session = FakeSession()
    session.discover("/far")
    session.discover("/strange", "strange_msgs/msg/Thing")
    session.tell(Refused("/strange", "strange_msgs/msg/Thing", "its package is missing"))
    watcher = Watcher(session, Selection.of(["/far", "/strange", "/count"]))
    others = (
        "/far: there is a publisher of it, but no connection to it so far",
        "/strange: not shown: its package is missing",
    )
    watcher.until_told("/count: no publisher of it was found", *others)
    session.announce(COUNT)
    watcher.until_told("/count: its publisher was found late", *others)
    session.stop()
    watcher.end()


def test_a_short_look_tells_of_what_it_did_not_find() -> None:
    session = FakeSession()
    watcher = Watcher(session, Selection.of(["/cuont"]))
    watcher.feed.close()
    watcher.end()
    assert [note.text for note in watcher.notes] == ["/cuont: no publisher of it was found"]


def test_closing_lets_go_of_a_source_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rrbridge_bridge.live.feed.END_SECS", 0.2)
    session = FakeSession(hangs=True)
    watcher = Watcher(session)
    session.announce(COUNT)
    session.send(COUNT, number_message(1))
    watcher.until(1)
    watcher.feed.close()
    watcher.feed.close()
    watcher.end()
    assert not watcher.error


def test_what_a_source_says_of_being_left_is_not_told() -> None:
    """Whoever closes the window does not miss what would have come: it is no loss."""

    class Server(FakeSession):
        def stop(self) -> None:
            self.tell(Notice(Severity.WARNING, "it is unknown whether the last messages are missing"))
            self.tell(Ended())

    session = Server()
    watcher = Watcher(session)
    session.announce(COUNT)
    session.send(COUNT, number_message(7))
    watcher.until(1)
    watcher.feed.close()
    watcher.end()
    assert [note for note in watcher.notes if note.is_loss] == []
