"""Runs in several files, of several kinds, in rings and as snapshots: each file stands alone, and together they are the run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from rich.console import Console
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore
from scripted_session import FakeSession, payloads_of
from waiting import until

import rrbridge as rr
from rrbridge._messages import StoredChunk
from rrbridge._query_recording import Recordings
from rrbridge.chunk import Chunk, ChunkStore
from rrbridge.errors import RecorderError
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main
from rrbridge_bridge.live.source import Document, Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.mcap_output import McapOutput
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.recorder import Outcome, Recorder, RecorderOptions
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.record.selection import Selection
from rrbridge_bridge.record.show import closing_table
from rrbridge_bridge.record.window import Window
from rrbridge_viewer.loading import Library

STORE = get_typestore(Stores.ROS2_HUMBLE)
STRING = "std_msgs/msg/String"
QOS = "- history: 1\n  depth: 1\n  durability: 1\n"
CHATTER = Connection(
    0, "/chatter", STRING, "cdr", "string data\n", "ros2msg", {"type_description_hash": "RIHS01_" + "ab" * 32}
)
ROBOT = Connection(7, "/robot_name", STRING, "cdr", "string data\n", "ros2msg", {"offered_qos_profiles": QOS})
STATIC = Connection(8, "/tf_static", "tf2_msgs/msg/TFMessage", "cdr")
CAMERA = Connection(9, "/camera", "sensor_msgs/msg/Image", "cdr")
OLD = Connection(3, "/old", STRING, "ros1", "string data", "ros1msg", {"callerid": "/a", "md5sum": "9" * 32})


def text(words: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types[STRING](data=words), STRING))


def edge(child: str) -> bytes:
    types = STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](1, 0), "base")
    place = types["geometry_msgs/msg/Transform"](
        types["geometry_msgs/msg/Vector3"](1.0, 2.0, 3.0), types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    )
    made = types["geometry_msgs/msg/TransformStamped"](header, child, place)
    message = types["tf2_msgs/msg/TFMessage"]([made])
    return bytes(STORE.serialize_cdr(message, "tf2_msgs/msg/TFMessage"))


class Run:
    """A recording under way."""

    def __init__(self, path: Path, *outputs: Output, **options: Any) -> None:
        self.session = FakeSession()
        settings = RecorderOptions(min_free_bytes=0, flush_secs=0.05, **options)
        self.recorder = Recorder(self.session, path, outputs, Selection(every=True), settings)
        self.recorder.start()

    def until(self, holds: Callable[[], bool]) -> None:
        until(holds)

    def written(self) -> int:
        return sum(topic.written for topic in self.recorder.snapshot().topics)

    def until_written(self, count: int) -> None:
        self.until(lambda: self.written() >= count)

    def split(self) -> None:
        before = self.recorder.snapshot().parts
        self.recorder.split()
        self.until(lambda: self.recorder.snapshot().parts > before)

    def end(self) -> Outcome:
        self.recorder.stop()
        self.until(lambda: self.recorder.wait(0.05))
        return self.recorder.outcome()


def rrd() -> RrdOutput:
    return RrdOutput(DriverMaker(ImportOptions(raw=True)))


def chunks_of(*paths: Path) -> list[Chunk]:
    return [m.chunk for path in paths for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]


def marked(chunks: Sequence[Chunk], entity: str) -> list[bool]:
    """Of each row with a message's bytes, in order of row ids: whether it is marked as repeated."""
    found = []
    for chunk in chunks:
        if chunk.entity_path == entity and "McapMessage:data" in chunk.components:
            ids = [bytes(one.tobytes()) for one in np.ascontiguousarray(chunk.row_ids, ">u8")]
            found += [(one, "repeated" in chunk.components) for one in ids]
    return [is_marked for _, is_marked in sorted(found)]


def mcap_messages(path: Path) -> list[tuple[str, int, bytes]]:
    """Topic, sequence and bytes, as the format's own library reads them."""
    reader = make_reader(io.BytesIO(path.read_bytes()), validate_crcs=True)
    return [
        (channel.topic, message.sequence, message.data)
        for _, channel, message in reader.iter_messages(log_time_order=False)
    ]


def mcap_metadata(path: Path) -> dict[str, dict[str, str]]:
    return {record.name: record.metadata for record in make_reader(io.BytesIO(path.read_bytes())).iter_metadata()}


def rrbridge(*arguments: str | Path) -> None:
    assert main([*map(str, arguments)]) == 0


@pytest.mark.parametrize("compression", ["zstd", "lz4", "none"])
def test_both_kinds_of_files_hold_every_message(tmp_path: Path, compression: Any) -> None:
    run = Run(tmp_path / "run.rrd", rrd(), McapOutput(compression=compression), robot="spot", metadata={"site": "yard"})
    run.session.announce(CHATTER)
    run.session.announce(CAMERA)
    noise = np.random.default_rng(0)
    images = [noise.bytes(1_500_000), noise.bytes(700_000)]
    for number in range(3000):
        run.session.send(CHATTER, text(f"number {number}"))
        if number == 1500:
            run.session.send(CAMERA, *images)
    run.session.tell(Document("/__parameters/driver", "application/yaml", "rate: 10", time.time_ns()))
    outcome = run.end()
    assert (outcome.error, outcome.finished) == ("", True)
    assert [path.name for path in outcome.paths] == ["run.rrd", "run.mcap"]
    texts = [text(f"number {number}") for number in range(3000)]
    assert payloads_of(tmp_path / "run.rrd") == {"/chatter": texts, "/camera": images}
    found = mcap_messages(tmp_path / "run.mcap")
    assert [data for topic, _, data in found if topic == "/chatter"] == texts
    assert [sequence for topic, sequence, _ in found if topic == "/chatter"] == list(range(3000))
    assert [data for topic, _, data in found if topic == "/camera"] == images
    reader = make_reader(io.BytesIO((tmp_path / "run.mcap").read_bytes()))
    assert reader.get_header().profile == "ros2"
    (attached,) = reader.iter_attachments()
    assert (attached.name, attached.data) == ("/__parameters/driver", b"rate: 10")
    channels = {channel.topic: channel for channel in reader.get_summary().channels.values()}  # type: ignore[union-attr]
    assert channels["/chatter"].metadata == {"topic_type_hash": "RIHS01_" + "ab" * 32}
    about = mcap_metadata(tmp_path / "run.mcap")
    assert about["rrbridge.metadata"] == {"site": "yard"}
    assert about["rrbridge.recording"]["robot"] == "spot"
    account = json.loads(about["rrbridge.account"]["/camera"])
    assert (account["received"], account["written"], account["in_file"], account["lost"]) == (2, 2, 2, 0)


def test_rosbags_reads_what_is_recorded_of_both_roses(tmp_path: Path) -> None:
    run = Run(tmp_path / "two", McapOutput())
    run.session.announce(CHATTER)
    run.session.send(CHATTER, text("one"), text("two"))
    assert run.end().finished
    with AnyReader([tmp_path / "two.mcap"]) as any_reader:
        found = [str(any_reader.deserialize(data, c.msgtype).data) for c, _, data in any_reader.messages()]  # type: ignore[attr-defined]
    assert found == ["one", "two"]
    run = Run(tmp_path / "one", McapOutput())
    run.session.announce(OLD)
    run.session.send(OLD, b"\x03\x00\x00\x00abc")
    assert run.end().finished
    old = make_reader(io.BytesIO((tmp_path / "one.mcap").read_bytes()))
    assert old.get_header().profile == "ros1"
    ((schema, channel, message),) = old.iter_messages()
    assert schema is not None
    assert (schema.name, schema.encoding, channel.message_encoding) == ("std_msgs/String", "ros1msg", "ros1")
    assert (channel.metadata["callerid"], message.data) == ("/a", b"\x03\x00\x00\x00abc")


def split_run(tmp_path: Path, *outputs: Output) -> tuple[Outcome, list[bytes]]:
    """Three parts, with what is latched sent in the first, and more of it in the second."""
    run = Run(tmp_path / "run.rrd", *outputs, max_secs=1e6)
    run.session.announce(CHATTER)
    run.session.announce(ROBOT, latched=True)
    run.session.announce(STATIC)
    run.session.send(ROBOT, text("nobody"), text("spot"))
    run.session.send(STATIC, edge("arm"))
    sent = []
    for part in range(3):
        some = [text(f"{part} {number}") for number in range(5)]
        sent += some
        run.session.send(CHATTER, *some)
        if part == 1:
            run.session.send(ROBOT, text("rex"))
        run.until_written([8, 14, 19][part])
        if part < 2:
            run.split()
    return run.end(), sent


def test_parts_repeat_what_is_latched_and_are_one_recording(tmp_path: Path) -> None:
    outcome, sent = split_run(tmp_path, rrd(), McapOutput())
    assert (outcome.error, outcome.finished) == ("", True)
    names = [f"run_{part:04d}{suffix}" for part in range(3) for suffix in (".rrd", ".mcap")]
    assert [path.name for path in outcome.paths] == names
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    paths = [tmp_path / f"run_{part:04d}.rrd" for part in range(3)]
    for part, path in enumerate(paths):
        subprocess.run([Path(sys.executable).parent / "rerun", "rrd", "verify", path], check=True, capture_output=True)
        rrbridge("check", path, path.with_suffix(".mcap"))
        here = payloads_of(path)
        assert here["/chatter"] == sent[5 * part : 5 * part + 5]
        latched = [[text("nobody"), text("spot")], [text("spot"), text("rex")], [text("rex")]][part]
        assert here["/robot_name"] == latched
        assert marked(chunks_of(path), "/robot_name") == [[False, False], [True, False], [True]][part]
        assert here["/tf_static"] == [edge("arm")]
        store = ChunkStore.from_chunks(chunks_of(path))
        first = int(store.times("/chatter", "message_log_time")[0])
        names_then = store.latest_at("/robot_name", None, "message_log_time", first)
        assert names_then["std_msgs.msg.String:message"].values.to_pylist() == [{"data": ["spot", "spot", "rex"][part]}]
        assert "Transform3D:translation" in store.latest_at("/tf_static/arm", None, "message_log_time", first)
    assert len({RrdReader(path).footer().manifests[0].store_id for path in paths}) == 1  # type: ignore[union-attr]


def test_joined_parts_have_every_message_once(tmp_path: Path) -> None:
    _, sent = split_run(tmp_path, rrd(), McapOutput())
    names = [text("nobody"), text("spot"), text("rex")]
    paths = [tmp_path / f"run_{part:04d}.rrd" for part in range(3)]
    rrbridge("rrd", "merge", *paths, "-o", tmp_path / "merged.rrd")
    assert payloads_of(tmp_path / "merged.rrd") == {"/chatter": sent, "/robot_name": names, "/tf_static": [edge("arm")]}
    rrbridge("convert", *paths, "-o", tmp_path / "joined.rrd")
    assert payloads_of(tmp_path / "joined.rrd") == payloads_of(tmp_path / "merged.rrd")
    mcaps = [path.with_suffix(".mcap") for path in paths]
    for parts in (paths, mcaps):
        rrbridge("convert", "--force", *parts, "-o", tmp_path / "all.mcap")
        found = mcap_messages(tmp_path / "all.mcap")
        assert [data for topic, _, data in found if topic == "/robot_name"] == names
        assert [data for topic, _, data in found if topic == "/chatter"] == sent
        assert [data for topic, _, data in found if topic == "/tf_static"] == [edge("arm")]
    rrbridge("convert", "--raw", *mcaps, "-o", tmp_path / "all.rrd")
    assert payloads_of(tmp_path / "all.rrd") == {"/chatter": sent, "/robot_name": names, "/tf_static": [edge("arm")]}
    rrbridge("convert", "--raw", *mcaps[2:], "-o", tmp_path / "last.rrd")
    assert payloads_of(tmp_path / "last.rrd")["/robot_name"] == names[-1:]


def test_parts_of_bytes_alone_become_one_recording_that_is_decoded(tmp_path: Path) -> None:
    bytes_alone = RrdOutput(DriverMaker(ImportOptions(raw=True), decode=False))
    _, sent = split_run(tmp_path, bytes_alone)
    paths = sorted(tmp_path.glob("run_*.rrd"))
    rrbridge("convert", *paths, "-o", tmp_path / "whole.rrd")
    names = [text("nobody"), text("spot"), text("rex")]
    assert payloads_of(tmp_path / "whole.rrd") == {"/chatter": sent, "/robot_name": names, "/tf_static": [edge("arm")]}
    store = ChunkStore.from_chunks(chunks_of(tmp_path / "whole.rrd"))
    end = 2**62
    last = store.latest_at("/robot_name", None, "message_log_time", end)["std_msgs.msg.String:message"]
    assert last.values.to_pylist() == [{"data": "rex"}]
    assert "Transform3D:translation" in store.latest_at("/tf_static/arm", None, "message_log_time", end)
    assert "received" in store.latest_at("/__properties/recorder", None, "message_log_time", end)
    one, whole = (RrdReader(path).manifests()[0].store_id for path in (paths[0], tmp_path / "whole.rrd"))
    assert one == whole


@pytest.mark.parametrize("command", ["convert", "rrd merge"])
def test_what_only_later_parts_repeat_is_whole_and_there_once(tmp_path: Path, command: str) -> None:
    """Bytes and fields of a large message are in chunks of their own."""
    run = Run(tmp_path / "run.rrd", rrd(), max_secs=1e6)
    run.session.announce(ROBOT, latched=True)
    run.session.announce(CHATTER)
    run.session.send(ROBOT, text("x" * 5000))
    for part in range(3):
        run.session.send(CHATTER, text(str(part)))
        run.until_written(2 + part)
        if part < 2:
            run.split()
    run.end()
    later = [tmp_path / "run_0001.rrd", tmp_path / "run_0002.rrd"]
    rrbridge(*command.split(), *later, "-o", tmp_path / "later.rrd")
    there = [c for c in chunks_of(tmp_path / "later.rrd") if c.entity_path == "/robot_name" and not c.is_static]
    alone = [c for c in chunks_of(later[0]) if c.entity_path == "/robot_name" and not c.is_static]
    assert len(alone) > 1
    assert sorted(sorted(c.components) for c in there) == sorted(sorted(c.components) for c in alone)
    assert payloads_of(tmp_path / "later.rrd") == {
        "/robot_name": [text("x" * 5000)],
        "/chatter": [text("1"), text("2")],
    }


def test_parts_open_as_one_recording_without_doubles(tmp_path: Path) -> None:
    split_run(tmp_path, rrd())
    together = rr.open(sorted(tmp_path.glob("run_*.rrd")))
    assert isinstance(together, Recordings)
    (recording,) = together
    moments = {topic: recording.view("message_log_time", topic).count_rows() for topic in ("/chatter", "/robot_name")}
    assert moments == {"/chatter": 3, "/robot_name": 2}
    later = rr.open(sorted(tmp_path.glob("run_*.rrd"))[1:])
    assert isinstance(later, Recordings)
    assert later[0].view("message_log_time", "/robot_name").count_rows() == 2, "what was carried over, and one more"


def test_parts_are_viewed_as_one_recording_without_doubles(tmp_path: Path) -> None:
    split_run(tmp_path, rrd())
    paths = sorted(tmp_path.glob("run_*.rrd"))
    for some, names in ((paths, ["nobody", "spot", "rex"]), (paths[1:], ["spot", "rex"]), (paths[2:] * 2, ["rex"])):
        library = Library()
        library.open_files(some)
        library.wait()
        (recording,) = library.recordings.values()
        store = recording.store
        told = store.range("/robot_name", "std_msgs.msg.String:message", "log_time", -(2**63), 2**63 - 1)
        assert [one["data"] for cell in told.cells.to_pylist() for one in cell] == names
        assert len(store.times("/chatter", "log_time")) == 5 * len(set(some))
        assert "Transform3D:translation" in store.latest_at("/tf_static/arm", None, "log_time", 2**62)


def test_parts_are_cut_by_size_and_none_is_much_larger(tmp_path: Path) -> None:
    run = Run(
        tmp_path / "run",
        RrdOutput(DriverMaker(ImportOptions(raw=True), decode=False)),
        McapOutput(),
        max_bytes=5_000_000,
    )
    run.session.announce(CAMERA)
    noise = np.random.default_rng(0)
    images = [noise.bytes(1_000_000) for _ in range(30)]
    for image in images:
        run.session.send(CAMERA, image)
    outcome = run.end()
    assert (outcome.error, outcome.finished) == ("", True)
    parts = sorted(tmp_path.glob("run_*.rrd"))
    assert len(parts) == len(sorted(tmp_path.glob("run_*.mcap"))) == outcome.snapshot.parts
    assert 5 <= len(parts) <= 6
    assert all(path.stat().st_size < 8_000_000 for path in tmp_path.iterdir())
    assert [image for path in parts for image in payloads_of(path).get("/camera", [])] == images
    assert [d for path in sorted(tmp_path.glob("run_*.mcap")) for _, _, d in mcap_messages(path)] == images


def test_what_all_parts_have_does_not_make_them_too_large(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", rrd(), max_bytes=200_000)
    run.session.announce(ROBOT, latched=True)
    run.session.announce(CHATTER)
    noise = np.random.default_rng(0)
    run.session.send(ROBOT, noise.bytes(300_000))
    for number in range(20):
        run.session.send(CHATTER, text(str(number)))
        run.until_written(number + 2)
    outcome = run.end()
    assert (outcome.error, outcome.finished) == ("", True)
    assert outcome.snapshot.parts <= 3


def test_parts_are_cut_by_time_and_only_where_there_is_something(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", rrd(), max_secs=0.3)
    run.session.announce(CHATTER)
    time.sleep(0.8)
    assert run.recorder.snapshot().parts == 1
    for part in range(3):
        run.session.send(CHATTER, text(str(part)))
        run.until(lambda part=part: run.recorder.snapshot().parts == part + 2)  # type: ignore[misc]
    outcome = run.end()
    assert outcome.finished
    assert [payloads_of(path).get("/chatter") for path in outcome.paths] == [
        [text("0")],
        [text("1")],
        [text("2")],
        None,
    ]


@pytest.mark.parametrize("ring", [{"keep_files": 3}, {"keep_bytes": 2_500_000}])
def test_a_ring_deletes_the_oldest_parts_and_never_the_current_one(tmp_path: Path, ring: dict[str, int]) -> None:
    run = Run(tmp_path / "run", rrd(), McapOutput(), max_secs=1e6, **ring)
    run.session.announce(CAMERA)
    run.session.announce(ROBOT, latched=True)
    run.session.send(ROBOT, text("spot"))
    noise = np.random.default_rng(0)
    for part in range(8):
        run.session.send(CAMERA, noise.bytes(400_000))
        run.until_written(part + 2)
        assert (tmp_path / f"run_{part:04d}.rrd.active").exists()
        run.split()
    outcome = run.end()
    assert (outcome.error, outcome.finished) == ("", True)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == sorted(path.name for path in outcome.paths)
    assert kept[-1] == "run_0008.rrd"
    if "keep_files" in ring:
        assert [name for name in kept if name.endswith(".rrd")] == [f"run_{part:04d}.rrd" for part in (6, 7, 8)]
    else:
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2_500_000
        assert len(kept) >= 4
    for path in tmp_path.glob("*.rrd"):
        assert payloads_of(path)["/robot_name"] == [text("spot")]


def test_a_smallest_ring_keeps_what_is_being_written(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", rrd(), max_secs=1e6, keep_files=1, keep_bytes=1)
    run.session.announce(CHATTER)
    for part in range(4):
        run.session.send(CHATTER, text(str(part)))
        run.until_written(part + 1)
        if part < 3:
            run.split()
    assert run.end().snapshot.parts == 4
    remaining = list(tmp_path.iterdir())
    assert [path.name for path in remaining] in ([], ["run_0003.rrd"])


def test_snapshots_have_the_latest_messages_and_what_was_latched_before(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", rrd(), McapOutput(), snapshot_bytes=10_000_000)
    run.session.announce(CHATTER)
    run.session.announce(CAMERA)
    run.session.announce(ROBOT, latched=True)
    run.session.announce(STATIC)
    run.session.send(ROBOT, text("spot"))
    run.session.send(STATIC, edge("arm"), edge("leg"))
    noise = np.random.default_rng(0)
    images = [noise.bytes(1_000_000) for _ in range(30)]
    for number, image in enumerate(images):
        run.session.send(CAMERA, image)
        run.session.send(CHATTER, text(str(number)))
    run.until(lambda: run.session.waiting() == 0 and run.recorder.snapshot().backlog_bytes == 0)
    assert 8_000_000 < run.recorder.snapshot().window_bytes <= 10_000_000
    assert list(tmp_path.iterdir()) == []
    run.recorder.trigger()
    run.until(lambda: (tmp_path / "run_0000.rrd").exists())
    run.session.send(CHATTER, text("after"))
    run.until(lambda: run.session.waiting() == 0 and run.recorder.snapshot().window_bytes > 0)
    run.recorder.trigger()
    outcome = run.end()
    assert (outcome.error, outcome.finished, outcome.snapshot.parts) == ("", True, 2)
    first, second = (payloads_of(tmp_path / f"run_000{number}.rrd") for number in range(2))
    assert first["/camera"] == images[-9:]
    assert first["/chatter"] == [text(str(number)) for number in range(20, 30)]
    assert second["/chatter"] == [text("after")]
    assert "/camera" not in second
    for number, part in enumerate((first, second)):
        path = tmp_path / f"run_000{number}.rrd"
        assert part["/robot_name"] == [text("spot")]
        assert part["/tf_static"] == [edge("leg")], "of one publisher, the last"
        assert marked(chunks_of(path), "/robot_name") == [True]
        store = ChunkStore.from_chunks(chunks_of(path))
        begin = int(store.times("/chatter", "message_log_time")[0])
        assert store.times("/robot_name", "message_log_time").tolist() <= [begin]
        assert "Transform3D:translation" in store.latest_at("/tf_static/leg", None, "message_log_time", begin)
        mcap = path.with_suffix(".mcap")
        marks = {"/robot_name": "1", "/tf_static": "1", "log_time_nanos": str(begin)}
        assert mcap_metadata(mcap)["rrbridge.repeated"] == marks
        assert [topic for topic, _, _ in mcap_messages(mcap)][:2] == ["/robot_name", "/tf_static"]


def test_snapshots_leave_out_what_is_too_old(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", rrd(), snapshot_bytes=10_000_000, snapshot_secs=200)
    run.session.announce(CHATTER)
    run.session.send(CHATTER, text("early"), ago_secs=201)
    run.session.send(CHATTER, text("late"))
    run.until(lambda: run.session.waiting() == 0 and run.recorder.snapshot().backlog_bytes == 0)
    run.recorder.trigger()
    assert run.end().finished
    assert payloads_of(tmp_path / "run_0000.rrd") == {"/chatter": [text("late")]}


@pytest.mark.parametrize("wanted", [True, False])
def test_what_is_held_at_the_end_is_written_if_wanted_or_told_as_gone(tmp_path: Path, wanted: bool) -> None:
    run = Run(tmp_path / "run", rrd(), snapshot_bytes=10_000_000, snapshot_at_end=wanted)
    run.session.announce(ROBOT, latched=True)
    run.session.announce(CHATTER)
    run.session.send(ROBOT, text("spot"))
    run.session.send(CHATTER, text("early"))
    run.until(lambda: run.session.waiting() == 0 and run.recorder.snapshot().backlog_bytes == 0)
    run.recorder.trigger()
    run.until(lambda: (tmp_path / "run_0000.rrd").exists())
    run.session.send(CHATTER, text("when it went wrong"))
    outcome = run.end()
    assert (outcome.error, outcome.finished) == ("", True)
    assert [path.name for path in outcome.paths] == ["run_0000.rrd", "run_0001.rrd"][: 1 + wanted]
    told = io.StringIO()
    closing_table(Console(file=told, width=200), outcome)
    assert ("not written" in told.getvalue()) == (not wanted)
    assert ("--snapshot-at-end" in told.getvalue()) == (not wanted)
    if wanted:
        last = {"/robot_name": [text("spot")], "/chatter": [text("when it went wrong")]}
        assert payloads_of(tmp_path / "run_0001.rrd") == last


def test_a_window_holds_exactly_the_last_seconds_however_late_batches_come() -> None:
    rng = np.random.default_rng(3)
    steady, ahead = 0, -1_700_000_000_000_000_000
    window = Window(1 << 30, 1.0, lambda: steady, lambda: steady - ahead)
    arrived: list[int] = []
    for _ in range(300):
        times = np.sort(steady + rng.integers(0, 20_000_000, rng.integers(1, 6)))  # by the steady clock
        steady += 20_000_000 + int(rng.choice([0, 400_000_000], p=[0.97, 0.03]))  # now and then the writer is late
        batch = RawBatch.of(CHATTER, [b""] * len(times), times - ahead, order=len(arrived) + np.arange(len(times)))
        window.add(Received(batch, np.zeros(len(times), np.int64), np.zeros(len(times), np.int64)))
        arrived += times.tolist()
        ahead += int(
            rng.choice([0, -3_600_000_000_000, 5_000_000_000], p=[0.98, 0.01, 0.01])
        )  # somebody sets the clock
    held = [number for received in window.take_all() for number in received.batch.order.tolist()]
    assert held == [number for number, nanos in enumerate(arrived) if nanos >= steady - 1_000_000_000]
    assert len(held) > 50
    assert window.take_all() == []


@pytest.mark.parametrize("suffix", [".rrd", ".mcap"])
def test_info_shows_the_recorders_account(tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path / "run", rrd(), McapOutput(), max_secs=1e6, throttle_hertz={"/camera": 1e-9})
    run.session.announce(CHATTER)
    run.session.announce(CAMERA)
    run.session.send(CHATTER, text("one"), text("two"))
    run.session.send(CAMERA, b"one", b"two", b"three")
    run.until_written(3)
    run.split()
    run.recorder.pause()
    run.session.send(CHATTER, text("unheard"))
    run.until(lambda: sum(topic.paused for topic in run.recorder.snapshot().topics) == 1)
    run.recorder.resume()
    run.session.send(CHATTER, text("three"))
    assert run.end().finished
    rrbridge("info", "--json", tmp_path / f"run_0001{suffix}")
    (found,) = json.loads(capsys.readouterr().out)
    assert found["recorder"]["is_complete"] is True
    accounts = {topic["topic"]: topic for topic in found["recorder"]["topics"]}
    nothing = {"lost": 0, "dropped": 0, "paused": 0, "throttled": 0, "refused": ""}
    assert accounts == {
        "/chatter": {"topic": "/chatter", "type": STRING, **nothing, "received": 4, "paused": 1, "written": 3, "in_file": 1},
        "/camera": {
            "topic": "/camera", "type": CAMERA.msgtype, **nothing, "received": 3, "throttled": 2, "written": 1, "in_file": 0
        },
    }  # fmt: skip
    rrbridge("info", tmp_path / f"run_0001{suffix}")
    shown = capsys.readouterr().out
    assert "recorder's account" in shown
    assert "rrbridge.account" not in shown


def test_parts_of_two_runs_are_not_mixed_up(tmp_path: Path) -> None:
    (tmp_path / "run_0004.rrd").write_bytes(b"precious")
    with pytest.raises(RecorderError, match=r"run_0004\.rrd exists already"):
        Run(tmp_path / "run.rrd", rrd(), max_bytes=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["run_0004.rrd"]


def marker(number: int) -> bytes:
    types = STORE.types
    nothing = np.zeros(0, np.uint8)
    time_, header = types["builtin_interfaces/msg/Time"](sec=0, nanosec=0), types["std_msgs/msg/Header"]
    made = types["visualization_msgs/msg/Marker"](
        header=header(time_, "map"),
        ns="a",
        id=number,
        type=1,
        action=0,
        pose=types["geometry_msgs/msg/Pose"](
            position=types["geometry_msgs/msg/Point"](x=0.0, y=0.0, z=0.0),
            orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        ),
        scale=types["geometry_msgs/msg/Vector3"](x=1.0, y=1.0, z=1.0),
        color=types["std_msgs/msg/ColorRGBA"](r=1.0, g=0.0, b=0.0, a=1.0),
        lifetime=types["builtin_interfaces/msg/Duration"](sec=0, nanosec=0),
        frame_locked=False,
        points=[],
        colors=[],
        texture_resource="",
        texture=types["sensor_msgs/msg/CompressedImage"](header=header(time_, ""), format="", data=nothing),
        uv_coordinates=[],
        text="",
        mesh_resource="",
        mesh_file=types["visualization_msgs/msg/MeshFile"](filename="", data=nothing),
        mesh_use_embedded_materials=False,
    )
    array = types["visualization_msgs/msg/MarkerArray"](markers=[made])
    return bytes(STORE.serialize_cdr(array, "visualization_msgs/msg/MarkerArray"))


@pytest.mark.parametrize("options", [{"max_secs": 1e6}, {"snapshot_bytes": 10_000_000, "snapshot_secs": 200}])
def test_what_is_drawn_of_latched_messages_is_in_every_part(tmp_path: Path, options: dict[str, float]) -> None:
    """Also of what needs memory, such as markers."""
    about = Connection(5, "/zones", "visualization_msgs/msg/MarkerArray", "cdr")
    run = Run(tmp_path / "run", rrd(), **options)
    run.session.announce(about, latched=True)
    run.session.announce(CHATTER)
    run.session.send(about, marker(0), ago_secs=300)
    for part in range(2):
        run.session.send(CHATTER, text(str(part)))
        if "snapshot_bytes" in options:
            run.until(lambda: run.recorder.snapshot().window_bytes > 0 and run.session.waiting() == 0)
            run.recorder.trigger()
            run.until(lambda part=part: (tmp_path / f"run_000{part}.rrd").exists())  # type: ignore[misc]
        else:
            run.until_written(part + 2)
            run.split()
    assert run.end().finished
    for part in range(2):
        store = ChunkStore.from_chunks(chunks_of(tmp_path / f"run_000{part}.rrd"))
        when = int(store.times("/chatter", "message_log_time")[0])
        assert "Boxes3D:centers" in store.latest_at("/zones/a/0", None, "message_log_time", when)


class WatchingMaker(DriverMaker):
    """Looks what is in another file before it decodes."""

    def __init__(self, other: Path) -> None:
        super().__init__(ImportOptions(raw=True))
        self._other = other
        self.there: list[int] = []
        self.decoded: list[int] = []

    def convert(self, batch: RawBatch, *, repeated: bool = False) -> list[Chunk]:
        with open_bag(self._other) as reader:
            self.there.append(sum(map(len, reader.batches())))
        self.decoded.append(len(batch))
        return super().convert(batch, repeated=repeated)


def test_bytes_are_written_before_anything_is_decoded(tmp_path: Path) -> None:
    maker = WatchingMaker(tmp_path / "run.mcap.active")
    run = Run(tmp_path / "run", RrdOutput(maker), McapOutput())
    run.session.announce(CHATTER)
    run.session.announce(ROBOT)
    run.session.send(CHATTER, text("one"), text("two"))
    run.session.send(ROBOT, text("spot"))
    assert run.end().finished
    assert sum(maker.decoded) == 3
    assert all(there >= sum(maker.decoded[: number + 1]) for number, there in enumerate(maker.there))
