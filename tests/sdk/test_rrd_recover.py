"""Mending torn, damaged and joined recordings: exactly what is whole is kept, and what is lost is told."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.errors import FileError, NotARecordingError, UnsupportedVersionError
from rrbridge.rrd import RrdReader, RrdWriter
from rrbridge.rrd import _container as container
from rrbridge.rrd.tools._torn import entity_of_torn_chunk, lz4_beginning
from rrbridge.rrd.tools.recover import Recovery, recover

RERUN = Path(sys.executable).with_name("rerun")
STORE = StoreId(StoreKind.RECORDING, "damage", "d")
LAYOUT = StoreId(StoreKind.BLUEPRINT, "damage", "layout")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name says that what is in it is broken on purpose."""
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    return damaged


def chunk(entity: str, rows: int = 3, first: int = 0) -> Chunk:
    times = [
        TimeColumn.of("log_time", TimeKind.TIMESTAMP, np.arange(rows) + 1_700_000_000_000_000_000),
        TimeColumn.of("frame", TimeKind.SEQUENCE, np.arange(rows) + first),
    ]
    cells = pa.array([[f"text {i}" * 5] for i in range(rows)], pa.list_(pa.utf8()))
    return Chunk.from_columns(entity, times=times, components=[ComponentColumn(ComponentDescriptor("t"), cells)])


MESSAGES: list[LogMessage] = [
    StoreInfo.new(LAYOUT),
    StoredChunk(LAYOUT, chunk("/viewport", 1)),
    ActivateBlueprint(LAYOUT, make_active=True, make_default=True),
    StoreInfo.new(STORE),
    *(StoredChunk(STORE, chunk(f"/e{i}", first=10 * i)) for i in range(3)),
]


def stream(*, footer: bool = True, compression: str = "lz4", messages: list[LogMessage] = MESSAGES) -> bytes:
    buffer = io.BytesIO()
    writer = RrdWriter(buffer, compression=compression)  # type: ignore[arg-type]
    for message in messages:
        writer.write(message)
    writer.close(footer=footer)
    return buffer.getvalue()


def frame_starts(data: bytes) -> list[int]:
    """Where each message's frame begins, and where the last one ends."""
    starts, position = [], container.HEADER_BYTES
    while position < len(data):
        kind, size = container.FRAME.unpack_from(data, position)
        starts.append(position)
        if kind == container.FrameKind.END:
            return starts
        position += container.FRAME.size + size
    return [*starts, position]


FINISHED = stream()
UNFINISHED = stream(footer=False)
STARTS = frame_starts(FINISHED)


def keys(messages: list[LogMessage]) -> list[object]:
    return [(type(m), m.chunk.id if isinstance(m, StoredChunk) else m.store_id) for m in messages]


def mended(data: bytes, folder: Path) -> tuple[Recovery, list[LogMessage]]:
    source, target = folder / "torn.rrd", folder / "mended.rrd"
    source.write_bytes(data)
    with RrdWriter(target) as writer:
        found = recover(source, writer)
    assert source.read_bytes() == data
    reader = RrdReader(target, strict=True)
    messages = list(reader.messages())
    footer = reader.footer()
    assert footer is not None
    assert sum(map(len, footer.manifests)) == sum(isinstance(m, StoredChunk) for m in messages)
    return found, messages


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(container.HEADER_BYTES, len(FINISHED)), compression=st.sampled_from(["lz4", "none"]))
@example(cut=container.HEADER_BYTES, compression="lz4")
@example(cut=STARTS[-1], compression="lz4")
@example(cut=len(FINISHED) - container.TRAILER_BYTES, compression="lz4")
@example(cut=len(FINISHED) - 1, compression="lz4")
def test_a_prefix_becomes_exactly_its_whole_messages(folder: Path, cut: int, compression: str) -> None:
    data = FINISHED if compression == "lz4" else stream(compression=compression)
    starts = frame_starts(data)
    found, messages = mended(data[:cut], folder)
    whole = sum(end <= cut for end in starts[1:])
    assert keys(messages) == keys(MESSAGES[:whole])
    lost = [loss for loss in found.losses if loss.holds_data]
    if cut >= starts[-1] + container.FRAME.size or cut in starts[: whole + 1]:
        assert found.is_lossless
    elif cut < starts[-1]:
        assert [(loss.offset, loss.size) for loss in lost] == [(starts[whole], cut - starts[whole])]
    assert found.was_whole == (cut == len(data))


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.tuples(st.booleans(), st.integers(0, 2**16)), min_size=1, max_size=4),
    cut_last=st.booleans(),
)
def test_joined_streams_become_one(folder: Path, parts: list[tuple[bool, int]], cut_last: bool) -> None:
    """Each of whole or torn streams; a torn one in the middle costs only what it had torn itself."""
    data = b""
    wanted: list[LogMessage] = []
    for number, (is_whole, where) in enumerate(parts):
        own_messages: list[LogMessage] = [StoreInfo.new(STORE)]
        own_messages += [StoredChunk(STORE, chunk(f"/{number}/a")), StoredChunk(STORE, chunk("/b"))]
        own = stream(messages=own_messages)
        starts = frame_starts(own)
        cut = len(own) if is_whole else container.HEADER_BYTES + where % (len(own) - container.HEADER_BYTES)
        data += own[:cut]
        wanted += own_messages[: sum(end <= cut for end in starts[1:])]
    found, messages = mended(data, folder)
    assert keys(messages) == keys(wanted)
    assert found.streams == len(parts)


@settings(max_examples=80, deadline=None)
@given(start=st.integers(STARTS[3], STARTS[6] - 1), size=st.integers(1, 900), fill=st.sampled_from([b"\0", b"\xff"]))
def test_damage_in_the_middle_costs_the_frames_it_touches(folder: Path, start: int, size: int, fill: bytes) -> None:
    """An overwritten block, in heads or payloads; what comes after it is found again."""
    end = min(start + size, STARTS[-1])
    if FINISHED[start:end] == fill * (end - start):
        return
    data = FINISHED[:start] + fill * (end - start) + FINISHED[end:]
    found, messages = mended(data, folder)
    untouched = [m for m, a, b in zip(MESSAGES, STARTS, STARTS[1:], strict=False) if b <= start or a >= end]
    kept = [key for key in keys(messages) if key in keys(untouched)]
    assert kept == keys(untouched)
    lost = {e for loss in found.losses for e in loss.entities}
    there = [m.chunk for m in messages if isinstance(m, StoredChunk)]
    names, ids = {c.entity_path for c in there}, {c.id for c in there}  # a damaged name is a name: nothing tells
    ours = [m.chunk for m in MESSAGES if isinstance(m, StoredChunk)]
    gone = {c.entity_path for c in ours if c.entity_path not in names and c.id not in ids}
    assert gone <= lost


def test_an_index_tells_what_was_lost(folder: Path) -> None:
    data = bytearray(FINISHED)
    data[STARTS[5] : STARTS[5] + 100] = bytes(100)
    found, _ = mended(bytes(data), folder)
    (loss,) = found.losses
    assert (loss.offset, loss.size) == (STARTS[5], STARTS[6] - STARTS[5])
    assert (loss.chunks, loss.rows, loss.entities) == (1, 3, ("/e1",))
    assert (loss.times["frame"].start, loss.times["frame"].end) == (10, 12)
    assert (found.times["frame"].start, found.times["frame"].end) == (0, 22)


@pytest.mark.parametrize("compression", ["lz4", "none"])
def test_a_torn_chunk_tells_whose_it_was(folder: Path, compression: str) -> None:
    data = stream(compression=compression)
    starts = frame_starts(data)
    found, _ = mended(data[: starts[-1] - 30], folder)
    assert [loss.entities for loss in found.losses] == [("/e2",)]


@pytest.mark.parametrize("zeros", [1, 15, 16, 17, 32, 4096])
def test_zeros_at_the_end_are_a_tear(folder: Path, zeros: int) -> None:
    found, messages = mended(UNFINISHED + bytes(zeros), folder)
    assert keys(messages) == keys(MESSAGES)
    assert [loss.size for loss in found.losses] == ([] if zeros == 16 else [zeros])


def test_a_lost_announcement_is_made_up_for(folder: Path) -> None:
    data = FINISHED[: STARTS[3]] + FINISHED[STARTS[4] :]
    found, messages = mended(data, folder)
    assert found.announced == 1
    assert [m.store_id for m in messages if isinstance(m, StoreInfo)] == [LAYOUT, STORE]


def test_a_lost_header_is_made_up_for(folder: Path) -> None:
    found, messages = mended(bytes(12) + FINISHED[12:], folder)
    assert keys(messages) == keys(MESSAGES)
    assert found.is_lossless


def test_a_chunk_that_comes_twice_is_kept_once(folder: Path) -> None:
    found, messages = mended(FINISHED + FINISHED, folder)
    assert found.duplicates == 4
    assert len([m for m in messages if isinstance(m, StoredChunk)]) == 4


def test_what_is_no_recording_is_refused(folder: Path) -> None:
    path = folder / "x.rrd"
    with RrdWriter(io.BytesIO()) as writer:
        for content, error in ((b"", NotARecordingError), (os.urandom(9000), NotARecordingError)):
            path.write_bytes(content)
            with pytest.raises(error):
                recover(path, writer)
        path.write_bytes(b"RRF1" + bytes(100))
        with pytest.raises(UnsupportedVersionError):
            recover(path, writer)
        with pytest.raises(FileError):
            recover(folder / "none.rrd", writer)


@pytest.mark.parametrize("how", ["torn", "joined", "hole"])
def test_the_reference_accepts_what_is_mended(folder: Path, how: str) -> None:
    data = {
        "torn": FINISHED[: STARTS[6] + 20],
        "joined": UNFINISHED + stream(messages=[StoreInfo.new(STORE), StoredChunk(STORE, chunk("/later"))]),
        "hole": FINISHED[: STARTS[4] + 3] + bytes(40) + FINISHED[STARTS[4] + 43 :],
    }[how]
    mended(data, folder)
    checked = subprocess.run([RERUN, "rrd", "verify", folder / "mended.rrd"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@settings(max_examples=100, deadline=None)
@given(
    content=st.lists(st.sampled_from([b"a", b"abc", b"\0" * 70, b"xyz" * 20, os.urandom(40)]), max_size=30),
    cut=st.integers(0, 400),
)
def test_the_beginning_of_an_lz4_block_is_that_of_its_content(content: list[bytes], cut: int) -> None:
    import lz4.block

    data = b"".join(content)
    block = lz4.block.compress(data, store_size=False)
    assert lz4_beginning(memoryview(block), 1 << 20) == data
    assert data.startswith(lz4_beginning(memoryview(block[:cut]), 1 << 20))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_torn_bytes_tell_an_entity_or_none(data: bytes) -> None:
    entity_of_torn_chunk(container.FRAME.pack(container.FrameKind.ARROW, 1000) + data)
