"""`rrbridge record --list`: what could be recorded."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from scripted_session import CAMERA, CHATTER, FakeSession, recorded

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.source import Discovered
from rrbridge_bridge.record import listing
from rrbridge_bridge.record.listing import listed_topics
from rrbridge_bridge.record.selection import Selection

IMAGE = "sensor_msgs/msg/Image"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SETTLED_SECS", 0.2)
    monkeypatch.setattr(listing, "MOST_SECS", 2.0)


def robot() -> FakeSession:
    session = FakeSession()
    session.discover("/chatter")
    session.tell(Discovered("/camera", (IMAGE,), frozenset({"a", "b"}), ("/left", "/right"), "best effort, volatile"))
    session.discover("/_hidden")
    session.discover("/gone")
    session.tell(Discovered("/gone", (IMAGE,), frozenset()))
    return session


def test_topics_with_their_publishers_are_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = robot()
    assert recorded(monkeypatch, session, tmp_path / "no.rrd", "--list", duration=None) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split(None, 2) == ["/camera", IMAGE, lines[1].split(None, 2)[2]]
    assert "/left, /right" in lines[1]
    assert "best effort, volatile" in lines[1]
    assert lines[2].split() == ["/chatter", "std_msgs/msg/String", "1"]
    assert lines[3] == "2 topics on fake"
    assert session.asked == [], "nothing is heard for a list"
    assert list(tmp_path.iterdir()) == []


def test_a_list_may_be_chosen_from_and_is_there_for_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(monkeypatch, robot(), tmp_path / "no.rrd", "--list", "--json", "-e", "cam", duration=None)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {
            "topic": "/camera",
            "msgtypes": [IMAGE],
            "publishers": 2,
            "nodes": ["/left", "/right"],
            "qos": "best effort, volatile",
            "hertz": None,
            "bytes_per_sec": None,
            "source": "fake",
        }
    ]
    recorded(monkeypatch, FakeSession(), tmp_path / "no.rrd", "--list", duration=None)
    assert "no topic to record on fake" in capsys.readouterr().out


def test_rates_are_measured_when_that_is_asked_for() -> None:
    session = robot()
    session.announce(CHATTER)
    session.announce(CAMERA)

    def publish() -> None:
        while not session.asked:
            time.sleep(0.01)
        for _ in range(40):
            session.send(CAMERA, b"x" * 100, b"y" * 100)
            time.sleep(0.025)

    publisher = threading.Thread(target=publish)
    publisher.start()
    camera, chatter = listed_topics(session, Selection(every=True), 0.5)
    publisher.join()
    assert chatter.hertz == chatter.bytes_per_sec == 0
    assert camera.hertz
    assert camera.bytes_per_sec == pytest.approx(camera.hertz * 100)


def test_a_source_that_fails_is_told() -> None:
    session = FakeSession()
    session.fail("the worker died")
    with pytest.raises(RecorderError, match="the worker died"):
        listed_topics(session, Selection(every=True))
