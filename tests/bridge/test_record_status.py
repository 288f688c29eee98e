"""What `rrbridge record` says at its end and exits with: all that came, something missing, nothing at all, nothing saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of, recorded

from rrbridge.errors import RecorderError
from rrbridge_bridge.cli import main
from rrbridge_bridge.live.source import Event, Refused


def test_a_named_topic_of_which_nothing_came_is_told_and_so_is_the_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def session() -> FakeSession:
        made = FakeSession()
        made.announce(CHATTER)
        made.send(CHATTER, b"one")
        return made

    assert recorded(monkeypatch, session(), tmp_path / "a.rrd", "/chatter") == 0
    assert "no message of it came" not in capsys.readouterr().err
    assert recorded(monkeypatch, session(), tmp_path / "b.rrd", "/chatter", "nothing") == 3
    assert "/nothing: no message of it came" in capsys.readouterr().err
    assert payloads_of(tmp_path / "b.rrd") == {"/chatter": [b"one"]}


@pytest.mark.parametrize("begins", [True, False])
def test_a_topic_that_is_refused_is_told_and_so_is_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], begins: bool
) -> None:
    session = FakeSession()
    session.announce(CHATTER)
    session.send(CHATTER, b"one")
    if begins:
        session.announce(CAMERA)
        session.send(CAMERA, b"two")
    session.tell(Refused(CAMERA.topic, CAMERA.msgtype, "no package"))
    path = tmp_path / "run.rrd"
    assert recorded(monkeypatch, session, path, "-a", "--format", "rrd,mcap") == 3
    told = capsys.readouterr().err
    assert f"/camera ({CAMERA.msgtype}): not recorded: no package" in told
    assert "warning: /camera not recorded: no package" in told
    for file in (path, path.with_suffix(".mcap")):
        assert main(["info", str(file)]) == 0
        assert "was not recorded: no package" in capsys.readouterr().out.replace("\n", " ")
        assert main(["info", "--json", str(file)]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        accounts = {topic["topic"]: topic for topic in found["recorder"]["topics"]}
        assert (accounts["/camera"]["written"], accounts["/camera"]["refused"]) == (int(begins), "no package")
        assert accounts["/chatter"]["refused"] == ""


def test_an_empty_recording_is_told_and_so_is_the_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recorded(monkeypatch, FakeSession(), tmp_path / "a.rrd", "-a") == 3
    assert "no topic was recorded" in capsys.readouterr().err
    announced = FakeSession()
    announced.announce(CHATTER)
    assert recorded(monkeypatch, announced, tmp_path / "b.rrd", "-a") == 3
    assert "no message was recorded" in capsys.readouterr().err


def test_a_deleted_file_is_not_said_to_be_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    session = FakeSession()
    session.announce(CHATTER)
    session.send(CHATTER, b"one")

    def fails_with_its_file_gone() -> Iterator[Event]:
        (tmp_path / "a.rrd.active").unlink()
        yield from FakeSession.events(session)

    monkeypatch.setattr(session, "events", fails_with_its_file_gone)
    with pytest.raises(RecorderError, match="was deleted") as caught:
        recorded(monkeypatch, session, tmp_path / "a.rrd", "-a")
    assert "are saved" not in str(caught.value)


def test_a_publisher_that_is_known_is_not_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rrbridge_bridge.record.recorder.MISSING_SECS", 0.3)
    session = FakeSession()
    session.discover("/far")
    asked = ("/far", "/none", "--services", "/serve", "--actions", "/fetch")
    assert recorded(monkeypatch, session, tmp_path / "run.rrd", *asked) == 3
    told = capsys.readouterr().err
    assert "/far nothing is recorded: there is a publisher of it on fake, but no connection to it so far" in told
    assert "/none nothing is recorded: no publisher of it was found on fake\n" in told
    assert (
        "/serve nothing is recorded: no publisher of it was found on fake; a service publishes its calls where" in told
    )
    assert "/fetch: no message of it came" in told
