"""`McapReader` says about a file, and makes of it, what the reference's does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import rerun.chunk as reference

import rrbridge.chunk as ours
from rrbridge.errors import FileError, InvalidValueError, NotARecordingError

DATA = Path("/work/shared/data")
TALKER = DATA / "ros2+rosbag2/talker/talker.mcap"
POSES = DATA / "thelonesomeprogrammer+p4/yx1bag/yx1bag_0.mcap"
FILES = sorted(path for path in DATA.glob("**/*.mcap") if path.is_file()) if DATA.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="the real recordings are not here")


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
