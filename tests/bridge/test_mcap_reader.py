"""`McapReader` says about a file, and makes of it, what the reference's does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import rerun.chunk as reference
from mcap.writer import Writer

import rrbridge.chunk as ours
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError

DATA = Path(os.environ.get("RRBRIDGE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
TALKER = DATA / "ros2+rosbag2/talker/talker.mcap"
POSES = DATA / "thelonesomeprogrammer+p4/yx1bag/yx1bag_0.mcap"
ROBOT = DATA / "pypi+mcap-bag-parser/controlled_data_0.mcap"
FILES = sorted(path for path in DATA.glob("**/*.mcap") if path.is_file()) if DATA.is_dir() else []

pytestmark = [pytest.mark.real_data, pytest.mark.usefixtures("shared_data")]


def test_files_say_about_themselves_what_they_say_to_the_reference() -> None:
    refused = []
    for path in FILES:
        info = ours.McapReader(path).info()
        try:
            theirs = reference.McapReader(path)
            expected = theirs.info()
        except ValueError:
            refused.append(path.name)
            assert info.summary_source in ("embedded", "reconstructed")
            continue
        mine = vars(info) | {"channels": None, "chunks": None, "compression": None}
        assert mine == vars(expected) | {"channels": None, "chunks": None, "compression": None}, path
        assert repr(info.chunks) == repr(expected.chunks), path
        assert repr(info.compression) == repr(expected.compression), path
        assert [c.savings_ratio for c in info.compression] == [c.savings_ratio for c in expected.compression]
        assert [repr(channel) for channel in info.channels] == [repr(channel) for channel in expected.channels], path
        if info.message_start_time_ns is None:
            with pytest.raises(FileError, match="no messages"):
                ours.McapReader(path).time_bounds()
        else:
            assert ours.McapReader(path).time_bounds() == theirs.time_bounds(), path
    assert len(refused) < len(FILES) / 4


def test_a_file_without_a_summary_says_what_the_recovered_one_says(tmp_path: Path) -> None:
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(POSES.read_bytes()[:-30])
    info, theirs = ours.McapReader(torn).info(), reference.McapReader(torn, recover=True).info()
    assert info.summary_source == theirs.summary_source == "reconstructed"
    for name in ("profile", "library", "message_count", "message_start_time_ns", "message_end_time_ns", "duration_ns"):
        assert getattr(info, name) == getattr(theirs, name), name
    assert [(c.id, c.topic, c.message_count) for c in info.channels if c.message_count] == [
        (c.id, c.topic, c.message_count) for c in theirs.channels if c.message_count
    ]
    assert repr(info.chunks) == repr(theirs.chunks)


def values(chunks: Iterable[Any]) -> dict[tuple[str, str], list[str]]:
    """The times and cells of each component of each entity."""
    found: dict[tuple[str, str], list[str]] = {}
    for chunk in chunks:
        batch = chunk.to_record_batch()
        rows = batch.to_pylist()
        for field in batch.schema:
            if (field.metadata or {}).get(b"rerun:kind") == b"data":
                cells = found.setdefault((chunk.entity_path, field.name), [])
                times = [f"message_{name}_time" for name in ("log", "publish")]
                cells += [repr(([str(row.get(t)) for t in times], row[field.name])) for row in rows]
    return {key: sorted(cells) for key, cells in found.items()}


TALKER_CUT = 1_585_866_237_000_000_000
OPTIONS: list[dict[str, Any]] = [
    {},
    {"timeline_type": "duration_ns"},
    {"timeline_type": "timestamp", "timestamp_offset_ns": 10**9},
    {"timeline_type": "duration", "timestamp_offset_ns": 5},
    {"start_time_ns": TALKER_CUT},
    {"end_time_ns": TALKER_CUT},
    {"start_time_ns": TALKER_CUT, "end_time_ns": TALKER_CUT + 10**9},
    {"include_topic_regex": ["^/ros", "nothing"]},
    {"exclude_topic_regex": ["^/topic"]},
    {"decoders": ["schema", "stats"]},
    {"decoders": ["raw"]},
    {"decoders": ["ros2_reflection"]},
    {"decoders": ["ros2_reflection", "ros2msg"]},
    {"decoders": ["recording_info", "metadata"]},
    {"decoders": []},
]
OWN = ("channel_id", "sequence")
"""Columns that stand beside raw messages here only, as the properties do."""
CLAIMS = {("/__mcap_properties", "McapStatistics:channel_count")}
"""What a file may claim about itself that is not so; we say what is there."""


@pytest.mark.parametrize("path", [TALKER, POSES], ids=lambda path: path.stem)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_do_what_they_do_in_the_reference(path: Path, options: dict[str, Any]) -> None:
    theirs = values(reference.McapReader(path, **options).stream().to_chunks())
    mine = values(ours.McapReader(path, **options).stream())
    for key in theirs.keys() - CLAIMS:
        assert mine.get(key) == theirs[key], key
    extra = {(entity, name) for entity, name in mine.keys() - theirs.keys() if name not in OWN}
    silent = {c.topic for c in ours.McapReader(path).info().channels if not c.message_count}
    beside = ("TransformAxes3D:axis_length", "RecordingInfo:start_time")
    assert {
        key for key in extra if not key[0].startswith("/__properties") and key[0] not in silent and key[1] not in beside
    } == set()


STATE, TURNS = "capstan.msg.DeviceState:message", "capstan.msg.Quaternions:message"
POSE = "geometry_msgs.msg.Pose:message"
XYZ, XYZW = [f"position.{axis}" for axis in "xyz"], [f"orientation.{axis}" for axis in "xyzw"]
LENSES: list[tuple[Path, Callable[[Any], Any]]] = [
    (POSES, lambda m: m.MutateLens(POSE, ".position")),
    (POSES, lambda m: m.MutateLens(POSE, ".orientation | pack(.x, .y, .z, .w) | .[]")),
    (POSES, lambda m: m.DeriveLens(POSE, output_entity="/pose").to_translation(*XYZ).to_quaternion(*XYZW)),
    (POSES, lambda m: m.DeriveLens(POSE).to_scalars(*XYZ)),
    (POSES, lambda m: m.DeriveLens(POSE, scatter=True).to_component("each", "pack(.position.x, .position.y) | .[]")),
    (POSES, lambda m: m.MutateLens("InstancePoses3D:translations", ".[]", keep_row_ids=True)),
    (TALKER, lambda m: m.MutateLens("TextLog:text", 'string_prefix("talker: ")')),
    (TALKER, lambda m: [m.DeriveLens("TextLog:text").to_component("copy", "."), m.MutateLens("TextLog:text", '"x"')]),
    (TALKER, lambda m: m.DeriveLens("TextLog:level", output_entity="/levels").to_component("level", ".")),
    (ROBOT, lambda m: m.MutateLens(TURNS, ".quat | map(pack(.x!, .y!, .z!, .w!))")),
    (ROBOT, lambda m: m.MutateLens(TURNS, ".quat[] | .w")),
    (ROBOT, lambda m: m.DeriveLens(TURNS, scatter=True).to_component("each", ".quat[]").to_component("w", ".quat[].w")),
    (ROBOT, lambda m: m.DeriveLens(TURNS).to_component("second", ".name[1]").to_component("far", ".name[99]?")),
    (ROBOT, lambda m: m.DeriveLens(STATE).to_component("pulls", ".section | map(.tendon_displacements)")),
    (ROBOT, lambda m: m.DeriveLens(STATE).to_component("nanos", ".header.stamp.nanosec", cast_to=pa.float64())),
    (ROBOT, lambda m: m.DeriveLens(STATE).to_component("none", ".header.nothing").to_component("seq", ".header!.seq!")),
    (ROBOT, lambda m: m.DeriveLens(STATE).to_timeline("seq", "sequence", ".header.none").to_component("id", ".name")),
]
MODES = ("drop_unmatched", "forward_unmatched", "forward_all")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(len(LENSES)))
def test_lenses_make_of_messages_what_they_make_in_the_reference(number: int, mode: Any) -> None:
    path, lenses = LENSES[number]
    theirs = (
        reference.McapReader(path)
        .stream()
        .drop(content="/__mcap_properties")
        .lenses(lenses(reference), output_mode=mode)
    )
    mine = ours.McapReader(path).stream().lenses(lenses(ours), output_mode=mode)
    expected, found = values(theirs.to_chunks()), values(mine)
    assert {key: found.get(key) for key in expected} == expected


def test_timelines_become_what_they_become_in_the_reference() -> None:
    def timelines(module: Any, options: dict[str, Any]) -> set[tuple[str, str, int]]:
        return {
            (field.name, str(field.type), min(column.cast("int64").to_pylist()))
            for chunk in module.McapReader(TALKER, **options).stream().to_chunks()
            if chunk.entity_path == "/rosout"
            for field, column in zip(chunk.to_record_batch().schema, chunk.to_record_batch().columns, strict=True)
            if (field.metadata or {}).get(b"rerun:kind") == b"index"
        }

    for options in OPTIONS[:4]:
        assert timelines(ours, options) == timelines(reference, options), options


def test_a_span_of_a_stream_replaces_that_of_the_reader() -> None:
    def rows(module: Any, **span: int) -> int:
        stream = module.McapReader(TALKER, start_time_ns=TALKER_CUT).stream(**span)
        return sum(c.num_rows for c in stream.to_chunks() if c.entity_path == "/topic" and not c.is_static)

    counts = [
        (rows(ours, **span), rows(reference, **span))
        for span in ({}, {"end_time_ns": TALKER_CUT}, {"start_time_ns": TALKER_CUT + 10**9})
    ]
    assert [mine for mine, _ in counts] == [theirs for _, theirs in counts]
    assert len({mine for mine, _ in counts}) > 1


def test_it_is_a_reader_as_others_are() -> None:
    reader = ours.McapReader(str(TALKER))
    assert isinstance(reader, ours.StreamingReader)
    assert not isinstance(reader, ours.IndexedReader)
    assert (reader.path, repr(reader)) == (reference.McapReader(TALKER).path, repr(reference.McapReader(TALKER)))
    assert set(reader.available_decoders()) <= set(reference.McapReader.available_decoders())
    store = reader.stream().filter(content="/topic").collect()
    assert store.num_rows == 11


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeline_type": "other"},
        {"decoders": ["other"]},
        {"include_topic_regex": ["("]},
        {"exclude_topic_regex": ["("]},
        {"start_time_ns": -1},
        {"start_time_ns": 5, "end_time_ns": 5},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        reference.McapReader(TALKER, **wrong)
    with pytest.raises(InvalidValueError):
        ours.McapReader(TALKER, **wrong)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        ours.McapReader(tmp_path / "missing.mcap")
    other = tmp_path / "other.rrd"
    ours.ChunkStore().write_rrd(other, application_id="a", recording_id="b")
    with pytest.raises(NotARecordingError, match="not an MCAP file"):
        ours.McapReader(other)


def with_robots(path: Path, urdf: bytes) -> Path:
    """A file with a robot's description, and another topic."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        for topic, text in (("/robot_description", urdf + b"\0"), ("/chatter", b"hello\0")):
            channel = writer.register_channel(topic, "cdr", schema)
            for time in (5, 9):
                writer.add_message(channel, time, b"\0\1\0\0" + len(text).to_bytes(4, "little") + text, time)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


@pytest.mark.parametrize("name", ["01-myfirst", "02-multipleshapes", "03-origins", "04-materials"])
def test_robots_are_drawn_as_the_reference_draws_them(name: str, tmp_path: Path) -> None:
    urdf = (DATA / "ros+urdf_tutorial" / "urdf" / f"{name}.urdf").read_bytes()
    path = with_robots(tmp_path / "a.mcap", urdf)
    for decoders in (None, ["urdf"], ["urdf", "ros2_reflection"], ["schema", "stats"]):
        theirs = values(reference.McapReader(path, decoders=decoders).stream().to_chunks())
        mine = values(ours.McapReader(path, decoders=decoders).stream())
        assert {key: mine.get(key) for key in theirs} == theirs
        assert {key for key in mine.keys() - theirs.keys() if not key[0].startswith("/__properties")} == set()
    assert sum("visual_geometries" in entity for entity, _ in values(ours.McapReader(path).stream())) >= 5


def test_all_decoders_of_the_reference_are_there() -> None:
    assert sorted(ours.McapReader.available_decoders()) == sorted(reference.McapReader.available_decoders())
