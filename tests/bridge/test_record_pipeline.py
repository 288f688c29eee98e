"""From a session's events to a finished file, with a session that says what the test wants."""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore
from scripted_session import CAMERA, CHATTER, FakeSession, payloads_of
from waiting import until

from rrbridge._messages import StoredChunk
from rrbridge.adapters import Adapters
from rrbridge.chunk import Chunk, ChunkStore
from rrbridge.errors import FileError, RecorderError
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main
from rrbridge_bridge.live.source import Document, Dropped
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.mcap_output import McapOutput
from rrbridge_bridge.record.output import Output, RunInfo
from rrbridge_bridge.record.recorder import Outcome, Recorder, RecorderOptions
from rrbridge_bridge.record.rrd_output import ChunkMaker, RrdFile, RrdOutput
from rrbridge_bridge.record.selection import Selection

EVERY = Selection(every=True)


class BytesMaker(DriverMaker):
    """Keeps bytes alone."""

    def __init__(self) -> None:
        super().__init__(ImportOptions(raw=True), decode=False, adapters=Adapters())


def recorder_into(
    path: Path, session: FakeSession, selection: Selection = EVERY, *, min_free_bytes: int = 0
) -> Recorder:
    settings = RecorderOptions(min_free_bytes=min_free_bytes)
    return recorder_of(session, path, selection, settings, BytesMaker())


def recorder_of(
    session: FakeSession,
    path: Path,
    selection: Selection,
    options: RecorderOptions,
    maker: ChunkMaker,
    *,
    keeps_bytes: bool = True,
) -> Recorder:
    return Recorder(session, path, [RrdOutput(maker, keeps_bytes=keeps_bytes)], selection, options)


def has_written(recorder: Recorder, count: int) -> bool:
    return sum(topic.written for topic in recorder.snapshot().topics) == count


def finish(recorder: Recorder) -> Outcome:
    until(lambda: recorder.wait(0.1))
    return recorder.outcome()


def stored(path: Path) -> list[Chunk]:
    return [message.chunk for message in RrdReader(path).messages() if isinstance(message, StoredChunk)]


def verify(path: Path) -> None:
    subprocess.run([Path(sys.executable).parent / "rerun", "rrd", "verify", path], check=True, capture_output=True)


def test_texts_are_in_the_file_from_their_time_on(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    for nanos, text in ((5, "/camera:\n  ros__parameters: {}\n"), (9, "/camera: later")):
        session.tell(Document("/__parameters/camera", "application/yaml", text, nanos))
    recorder.start()
    recorder.stop()
    assert finish(recorder).error == ""
    chunks = [
        message.chunk for message in RrdReader(tmp_path / "run.rrd").messages() if isinstance(message, StoredChunk)
    ]
    found = [
        (chunk.times["message_log_time"].values.tolist(), chunk.components["TextDocument:text"].cells.to_pylist())
        for chunk in chunks
        if chunk.entity_path == "/__parameters/camera"
    ]
    assert found == [([5], [["/camera:\n  ros__parameters: {}\n"]]), ([9], [["/camera: later"]])]


def test_what_comes_in_is_in_the_file(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CHATTER)
    session.announce(CAMERA)
    sent = [b"one", b"", b"three" * 1000]
    session.send(CHATTER, *sent)
    session.send(CAMERA, *(bytes([i]) * 3_000_000 for i in range(3)))
    session.send(CHATTER, b"last")
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    assert (outcome.error, outcome.finished, outcome.dropped) == ("", True, 0)
    assert not (tmp_path / "run.rrd.active").exists()
    verify(tmp_path / "run.rrd")
    recorded = payloads_of(tmp_path / "run.rrd")
    assert recorded["/chatter"] == [*sent, b"last"]
    assert recorded["/camera"] == [bytes([i]) * 3_000_000 for i in range(3)]
    assert [(t.topic, t.received, t.written, t.lost) for t in outcome.snapshot.topics] == [
        ("/chatter", 4, 4, 0),
        ("/camera", 3, 3, 0),
    ]


def test_connections_of_one_topic_and_type_have_one_account(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    other = replace(CHATTER, id=CHATTER.id + 100, metadata={"callerid": "/other"})
    third = replace(CHATTER, id=CHATTER.id + 101, msgtype="std_msgs/msg/Bool")
    for connection, payloads in ((CHATTER, [b"a", b"b"]), (other, [b"c"]), (third, [b"d"])):
        session.announce(connection)
        session.send(connection, *payloads)
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    assert [(t.topic, t.msgtype, t.received, t.written, t.lost) for t in outcome.snapshot.topics] == [
        ("/chatter", CHATTER.msgtype, 3, 3, 0),
        ("/chatter", "std_msgs/msg/Bool", 1, 1, 0),
    ]
    assert sum("recording" in notice.text for notice in recorder.notices()) == 2


def test_what_a_source_gives_up_is_dropped_and_not_lost(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CHATTER)
    session.send(CHATTER, b"0", b"1")
    session.skip(CHATTER, 5)  # 2 to 6: five numbers, of which one is lost on the way
    session.tell(Dropped(CHATTER, 4, 40, 1, (2, 6)))
    session.send(CHATTER, b"7")
    session.tell(Dropped(CHATTER, 1, 10, 1, (8, 8)))
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    (topic,) = outcome.snapshot.topics
    assert (topic.received, topic.dropped, topic.lost, topic.written) == (8, 5, 1, 3)
    assert outcome.dropped == 5


def test_what_needs_memory_is_recorded_too(tmp_path: Path) -> None:
    """A marker that lives for a moment, a mesh that is missing: as in a file, and told."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    types = store.types
    time_, header = types["builtin_interfaces/msg/Time"](sec=0, nanosec=0), types["std_msgs/msg/Header"]
    pose = types["geometry_msgs/msg/Pose"](
        position=types["geometry_msgs/msg/Point"](x=0.0, y=0.0, z=0.0),
        orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
    )
    nothing = np.zeros(0, np.uint8)
    image = types["sensor_msgs/msg/CompressedImage"](header=header(time_, ""), format="", data=nothing)

    def marker(number: int, kind: int, life: int) -> bytes:
        made = types["visualization_msgs/msg/Marker"](
            header=header(time_, "map"),
            ns="a",
            id=number,
            type=kind,
            action=0,
            pose=pose,
            scale=types["geometry_msgs/msg/Vector3"](x=1.0, y=1.0, z=1.0),
            color=types["std_msgs/msg/ColorRGBA"](r=1.0, g=0.0, b=0.0, a=1.0),
            lifetime=types["builtin_interfaces/msg/Duration"](sec=0, nanosec=life),
            frame_locked=False,
            points=[],
            colors=[],
            texture_resource="",
            texture=image,
            uv_coordinates=[],
            text="",
            mesh_resource="package://gone/part.stl" if kind == 10 else "",
            mesh_file=types["visualization_msgs/msg/MeshFile"](filename="", data=nothing),
            mesh_use_embedded_materials=False,
        )
        return bytes(store.serialize_cdr(made, "visualization_msgs/msg/Marker"))

    about = Connection(5, "/marker", "visualization_msgs/msg/Marker", "cdr")
    session = FakeSession()
    settings = RecorderOptions(min_free_bytes=0)
    maker = DriverMaker(ImportOptions(raw=True))
    recorder = recorder_of(session, tmp_path / "run.rrd", EVERY, settings, maker)
    recorder.start()
    session.announce(about)
    session.announce(CHATTER)
    session.send(about, marker(0, 1, 1_000_000), marker(1, 10, 0))
    time.sleep(0.05)
    session.send(CHATTER, bytes(store.serialize_cdr(types["std_msgs/msg/String"](data="x"), "std_msgs/msg/String")))
    recorder.stop()
    assert finish(recorder).error == ""
    assert [n.text for n in recorder.notices() if n.topic == "/marker" and "part.stl: not found" in n.text]
    verify(tmp_path / "run.rrd")
    chunks = [m.chunk for m in RrdReader(tmp_path / "run.rrd").messages() if isinstance(m, StoredChunk)]
    found = ChunkStore.from_chunks(chunks)
    began = int(found.times("/marker", "message_log_time")[0])
    seen = [
        "Boxes3D:centers" in found.latest_at("/marker/a/0", None, "message_log_time", began + late)
        for late in (0, 999_999, 1_000_000)
    ]
    assert seen == [True, True, False]


def test_only_wanted_topics_are_asked_for_and_each_once(tmp_path: Path) -> None:
    session = FakeSession()
    selection = Selection.of(("named/_hidden",), every=False, pattern=["^/cam"], exclude=["depth"])
    recorder = recorder_into(tmp_path / "run.rrd", session, selection)
    for topic in ("/camera", "/camera/depth", "/other", "/camera", "/cam/_hidden", "/named/_hidden"):
        session.discover(topic)
    session.discover("/camera", "other/msg/Type")
    recorder.start()
    recorder.stop()
    finish(recorder)
    assert session.asked == [
        ("/camera", "std_msgs/msg/String"),
        ("/named/_hidden", "std_msgs/msg/String"),
        ("/camera", "other/msg/Type"),
    ]


def test_data_is_on_its_way_to_the_disk_within_a_second(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    recorder.start()
    session.announce(CHATTER)
    session.send(CHATTER, b"early")
    active = tmp_path / "run.rrd.active"
    until(lambda: payloads_of(active) == {"/chatter": [b"early"]})
    assert RecorderOptions().flush_secs <= 1.0
    recorder.abort()
    outcome = finish(recorder)
    assert not outcome.finished
    assert "aborted" in outcome.error
    assert payloads_of(active) == {"/chatter": [b"early"]}


def test_a_pause_leaves_out_and_counts_all_but_what_is_static(tmp_path: Path) -> None:
    session = FakeSession()
    options = RecorderOptions(min_free_bytes=0, start_paused=True)
    recorder = recorder_of(session, tmp_path / "run.rrd", EVERY, options, BytesMaker())
    robot = Connection(3, "/robot_description", "std_msgs/msg/String", "cdr")
    static = Connection(4, "/ns/tf_static", "tf2_msgs/msg/TFMessage", "cdr")
    session.announce(CHATTER)
    session.announce(static)
    session.announce(robot, latched=True)
    for connection in (CHATTER, static, robot):
        session.send(connection, b"early", b"too")
    recorder.start()
    until(lambda: sum(topic.received for topic in recorder.snapshot().topics) == 6)
    assert recorder.is_paused
    recorder.resume()
    session.send(CHATTER, b"late")
    recorder.stop()
    outcome = finish(recorder)
    assert payloads_of(tmp_path / "run.rrd") == {
        "/chatter": [b"late"],
        "/ns/tf_static": [b"early", b"too"],
        "/robot_description": [b"early", b"too"],
    }
    (chatter,) = (topic for topic in outcome.snapshot.topics if topic.topic == "/chatter")
    assert (chatter.received, chatter.paused, chatter.written, chatter.dropped, chatter.lost) == (3, 2, 1, 0, 0)


def test_topics_are_throttled_and_it_is_counted(tmp_path: Path) -> None:
    session = FakeSession()
    options = RecorderOptions(min_free_bytes=0, throttle_hertz={"*chat*": 1e-9, "/chatter": 1000})
    recorder = recorder_of(session, tmp_path / "run.rrd", EVERY, options, BytesMaker())
    session.announce(CHATTER)
    session.announce(CAMERA)
    session.send(CHATTER, b"one", b"two")
    session.send(CHATTER, b"three")
    session.announce(other := replace(CHATTER, id=99))
    session.send(other, b"of another publisher, as in ROS 1")
    session.send(CAMERA, b"one", b"two")
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"one"], "/camera": [b"one", b"two"]}
    assert [(t.throttled, t.written, t.lost) for t in outcome.snapshot.topics] == [(3, 1, 0), (0, 2, 0)]


class SlowMaker(BytesMaker):
    """Takes its time with large messages."""

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        if batch.connection.id == CAMERA.id:
            time.sleep(0.3)
        return super().convert(batch, repeated=repeated)


def test_when_writing_cannot_keep_up_large_topics_are_dropped_and_counted(tmp_path: Path) -> None:
    session = FakeSession()
    latched = Connection(2, "/map", "nav_msgs/msg/OccupancyGrid", "cdr")
    path = tmp_path / "run.rrd"
    options = RecorderOptions(backlog_bytes=8_000_000, min_free_bytes=0)
    recorder = recorder_of(session, path, EVERY, options, SlowMaker(), keeps_bytes=False)
    for connection in (CHATTER, CAMERA):
        session.announce(connection)
    session.announce(latched, latched=True)
    session.send(latched, b"m" * 1_000_000)
    for i in range(60):
        session.send(CAMERA, bytes([i]) * 1_000_000)
        session.send(CHATTER, b"%d" % i)
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    accounts = {t.topic: t for t in outcome.snapshot.topics}
    assert accounts["/camera"].dropped > 0
    assert accounts["/chatter"].dropped == accounts["/map"].dropped == 0
    recorded = payloads_of(tmp_path / "run.rrd")
    assert recorded["/chatter"] == [b"%d" % i for i in range(60)]
    assert recorded["/map"] == [b"m" * 1_000_000]
    camera = accounts["/camera"]
    assert camera.received == 60
    assert camera.written == len(recorded["/camera"]) == 60 - camera.dropped
    assert camera.lost == 0, "what we dropped was not lost on the way"


class CountingMaker(BytesMaker):
    """Says how often it was asked for more than bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.converted = 0

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        self.converted += len(batch)
        time.sleep(0.2)
        return super().convert(batch, repeated=repeated)


def test_decoding_gives_way_before_anything_is_dropped(tmp_path: Path) -> None:
    session = FakeSession()
    maker = CountingMaker()
    options = RecorderOptions(backlog_bytes=60_000_000, min_free_bytes=0)
    recorder = recorder_of(session, tmp_path / "run.rrd", EVERY, options, maker)
    session.announce(CAMERA)
    for i in range(50):
        session.send(CAMERA, bytes([i]) * 1_000_000)
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    (camera,) = outcome.snapshot.topics
    assert (camera.dropped, camera.written) == (0, 50)
    assert camera.undecoded == 50 - maker.converted
    assert 0 < camera.undecoded < 50


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    done, active = tmp_path / "done.rrd", tmp_path / "other.rrd.active"
    done.write_bytes(b"precious")
    active.write_bytes(b"precious")
    for path in (done, tmp_path / "other.rrd"):
        with pytest.raises(RecorderError, match="exists already"):
            RrdOutput(BytesMaker()).open(path, RunInfo(start_nanos=0, name=""))
    assert done.read_bytes() == active.read_bytes() == b"precious"


def test_a_file_that_comes_into_being_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CHATTER)
    session.send(CHATTER, b"ours")
    recorder.start()
    (tmp_path / "run.rrd").write_bytes(b"theirs")
    recorder.stop()
    outcome = finish(recorder)
    assert "meanwhile" in outcome.error
    assert (tmp_path / "run.rrd").read_bytes() == b"theirs"
    assert payloads_of(tmp_path / "run.rrd.active") == {"/chatter": [b"ours"]}
    verify(tmp_path / "run.rrd.active")


@pytest.fixture
def files_of_at_most() -> Iterator[object]:
    """Makes every write beyond a size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_what_was_written_stays(tmp_path: Path, files_of_at_most: object) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CAMERA)
    noise = [np.random.default_rng(i).bytes(1_000_000) for i in range(12)]
    for payload in noise:
        session.send(CAMERA, payload)
    assert callable(files_of_at_most)
    files_of_at_most(10_000_000)
    recorder.start()
    outcome = finish(recorder)
    assert not outcome.finished
    assert "run.rrd.active" in outcome.error
    (camera,) = outcome.snapshot.topics
    recorded = payloads_of(tmp_path / "run.rrd.active")["/camera"]
    assert 0 < camera.written <= len(recorded) < 12
    assert recorded == noise[: len(recorded)]


def test_it_stops_and_finishes_the_file_before_the_disk_is_full(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session, min_free_bytes=2**62)
    session.announce(CHATTER)
    session.send(CHATTER, b"one")
    recorder.start()
    outcome = finish(recorder)
    assert "are free" in outcome.error
    assert outcome.finished
    verify(tmp_path / "run.rrd")
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"one"]}


def test_a_source_that_fails_leaves_a_whole_file(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CHATTER)
    session.send(CHATTER, b"one")
    session.fail("the worker died")
    recorder.start()
    outcome = finish(recorder)
    assert outcome.error == "the worker died"
    assert outcome.finished
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"one"]}


def test_messages_are_decoded_and_what_cannot_be_is_kept_as_bytes_and_told(tmp_path: Path) -> None:
    session = FakeSession()
    path = tmp_path / "run.rrd"
    maker = DriverMaker(ImportOptions(raw=True), adapters=Adapters())
    recorder = recorder_of(session, path, EVERY, RecorderOptions(min_free_bytes=0), maker)
    unknown = Connection(5, "/own", "nobody_msgs/msg/Knows", "cdr")
    session.announce(CHATTER)
    session.announce(unknown)
    good = b"\x00\x01\x00\x00\x03\x00\x00\x00hi\x00\x00"
    session.send(CHATTER, good, b"\x00\x01\x00\x00\xff\xff\xff\x7f", good)
    session.send(unknown, b"whatever")
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    assert (outcome.error, outcome.finished) == ("", True)
    verify(tmp_path / "run.rrd")
    recorded = payloads_of(tmp_path / "run.rrd")
    assert sorted(map(len, recorded["/chatter"])) == [8, 12, 12]
    assert recorded["/own"] == [b"whatever"]
    assert {t.topic: t.undecoded for t in outcome.snapshot.topics} == {"/chatter": 1, "/own": 1}
    told = {notice.topic: notice.text for notice in recorder.notices() if "cannot be decoded" in notice.text}
    assert set(told) == {"/chatter", "/own"}
    texts = [
        text
        for message in RrdReader(tmp_path / "run.rrd").messages()
        if isinstance(message, StoredChunk)
        for name, column in message.chunk.components.items()
        if name == "std_msgs.msg.String:message"
        for text in column.cells.to_pylist()
    ]
    assert texts == [[{"data": "hi"}], [{"data": "hi"}]]


def test_a_definition_that_comes_after_messages_is_used_from_then_on(tmp_path: Path) -> None:
    session = FakeSession()
    path = tmp_path / "run.rrd"
    outputs: list[Output] = [RrdOutput(DriverMaker(ImportOptions(raw=True), adapters=Adapters())), McapOutput()]
    recorder = Recorder(session, path, outputs, EVERY, RecorderOptions(min_free_bytes=0, flush_secs=0.05))
    recorder.start()
    early = [replace(CHATTER, id=number, msgtype="own_msgs/msg/Own", definition="") for number in (5, 6)]
    known = [replace(one, definition="string data\n", metadata={"a": str(one.id)}) for one in early]
    messages = [b"\x00\x01\x00\x00\x03\x00\x00\x00h%d\x00\x00" % number for number in range(4)]
    for connections, sent, count in ((early, messages[:2], 2), (known, messages[2:], 4)):
        for connection, payload in zip(connections, sent, strict=True):
            session.announce(connection)
            session.send(connection, payload)
        until(partial(has_written, recorder, count))
    session.send(early[0], messages[0])  # it may have been on its way
    recorder.stop()
    assert finish(recorder).error == ""
    assert [(t.received, t.undecoded) for t in recorder.snapshot().topics] == [(5, 2)]
    verify(path)
    static = {
        (chunk.entity_path, name): column.cells.to_pylist()
        for chunk in stored(path)
        for name, column in chunk.components.items()
        if chunk.is_static and name.startswith("Mcap")
    }
    for entity, connection in zip(("/chatter", "/chatter/__channel/6"), known, strict=True):
        assert bytes(static[entity, "McapSchema:data"][0][0]) == b"string data\n"
        assert static[entity, "McapChannel:metadata"] == [[[{"first": "a", "second": str(connection.id)}]]]

    def decoded(file: Path) -> list[str]:
        columns = [
            c.components["own_msgs.msg.Own:message"] for c in stored(file) if "own_msgs.msg.Own:message" in c.components
        ]
        return sorted(cell[0]["data"] for column in columns for cell in column.cells.to_pylist())

    assert decoded(path) == ["h0", "h2", "h3"]
    for steps, all_of_it in ((("run.rrd", "again.mcap", "whole.rrd"), True), (("run.mcap", "other.rrd"), False)):
        for before, after in itertools.pairwise(steps):
            assert main(["convert", str(tmp_path / before), "-o", str(tmp_path / after)]) == (0 if all_of_it else 3)
        assert decoded(tmp_path / steps[-1]) == ["h0", *(["h0", "h1"] if all_of_it else []), "h2", "h3"]


def test_publishers_that_come_later_change_the_channels_metadata(tmp_path: Path) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CHATTER)
    session.announce(CHATTER)
    session.announce(replace(CHATTER, metadata={"a": "c"}))
    recorder.start()
    recorder.stop()
    finish(recorder)
    said = [
        message.chunk.components["McapChannel:metadata"].cells.to_pylist()
        for message in RrdReader(tmp_path / "run.rrd").messages()
        if isinstance(message, StoredChunk) and "McapChannel:metadata" in message.chunk.components
    ]
    assert len(said) == 2
    assert "c" in str(said[1])


def test_it_is_synced_every_second_and_a_sync_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    synced: list[float] = []
    broken = False

    def sync(file: RrdFile) -> None:
        synced.append(time.monotonic())
        if broken:
            raise FileError(file.path, "Input/output error")

    monkeypatch.setattr(RrdFile, "sync", sync)
    session.announce(CHATTER)
    session.send(CHATTER, b"one")
    recorder.start()
    until(lambda: len(synced) == 3)
    assert synced[2] - synced[0] > 1.5, "no more often than that"
    broken = True
    outcome = finish(recorder)
    assert "Input/output error" in outcome.error
    assert not outcome.finished
    assert payloads_of(tmp_path / "run.rrd.active") == {"/chatter": [b"one"]}


class FaultyMaker(BytesMaker):
    """Fails in a way that nobody thought of."""

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        raise ZeroDivisionError("nobody thought of this")


def test_a_fault_in_decoding_costs_no_message(tmp_path: Path) -> None:
    session = FakeSession()
    options = RecorderOptions(min_free_bytes=0)
    recorder = recorder_of(session, tmp_path / "run.rrd", EVERY, options, FaultyMaker())
    session.announce(CHATTER)
    session.send(CHATTER, b"one", b"two")
    recorder.start()
    recorder.stop()
    outcome = finish(recorder)
    assert (outcome.error, outcome.finished) == ("", True)
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"one", b"two"]}
    assert outcome.snapshot.topics[0].undecoded == 2
    assert any("nobody thought" in notice.text for notice in recorder.notices())


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_file_that_is_taken_away_ends_the_recording_and_is_told(tmp_path: Path, how: str) -> None:
    session = FakeSession()
    recorder = recorder_into(tmp_path / "run.rrd", session)
    session.announce(CHATTER)
    session.send(CHATTER, b"one")
    recorder.start()
    active = tmp_path / "run.rrd.active"
    until(lambda: payloads_of(active) == {"/chatter": [b"one"]})
    if how == "moved":
        active.rename(tmp_path / "mine.rrd")
    else:
        active.unlink()
    if how == "replaced":
        active.write_bytes(b"of another program")
    outcome = finish(recorder)
    assert "was deleted, moved or replaced" in outcome.error
    assert "unexpected" not in outcome.error
    assert (outcome.finished, outcome.path) == (False, None)
    if how == "moved":
        assert payloads_of(tmp_path / "mine.rrd") == {"/chatter": [b"one"]}
    if how == "replaced":
        assert active.read_bytes() == b"of another program"


def test_a_source_that_hangs_at_the_stop_is_no_success(tmp_path: Path) -> None:
    session = FakeSession(hangs=True)
    session.announce(CHATTER)
    session.send(CHATTER, b"one")
    recorder = recorder_of(
        session,
        tmp_path / "run.rrd",
        EVERY,
        RecorderOptions(min_free_bytes=0, drain_secs=0),
        BytesMaker(),
    )
    recorder.start()
    session.silent_secs = 4.5
    assert ["no sign of life of fake" in notice.text for notice in recorder.notices()].count(True) == 1
    assert not any("no sign of life" in notice.text for notice in recorder.notices())
    began = time.monotonic()
    recorder.stop()
    outcome = finish(recorder)
    assert time.monotonic() - began >= 2.5
    assert "the fake was ended: it did not finish within 2.5 s of the stop" in outcome.error
    assert "last been heard 4.5 s ago" in outcome.error
    assert (outcome.finished, outcome.path) == (True, tmp_path / "run.rrd")
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": [b"one"]}
