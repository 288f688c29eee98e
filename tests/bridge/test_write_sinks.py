"""Any messages, in any chunks and compression, read back as they were written: by our readers, and checked by the real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.stream_reader import StreamReader
from rosbags.rosbag1 import Reader as Reader1

from rrbridge_bridge.raw import Connection, join_payloads
from rrbridge_bridge.readers import open_bag
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.writers import WriteOptions
from rrbridge_bridge.writers._sink import Sink
from rrbridge_bridge.writers.bag import BagSink
from rrbridge_bridge.writers.db3 import Db3Sink
from rrbridge_bridge.writers.mcap import McapSink

CONNECTIONS = tuple(
    Connection(
        number, f"/t{number}", "std_msgs/msg/String", "ros1", "string data", "ros1msg", {"md5sum": str(number) * 32}
    )
    for number in (1, 2, 7)
)
MAKERS: dict[str, tuple[tuple[str, ...], Callable[[Path, WriteOptions], Sink]]] = {
    ".mcap": (("zstd", "lz4", "none"), lambda path, how: McapSink(path, how, "own")),
    ".bag": (("none", "lz4", "bz2"), BagSink),
    ".db3": (("none",), lambda path, _: Db3Sink(path, path.name)),
}


def is_plain(data: bytes) -> bool:
    """A lone `.db3` does not say that its messages are compressed: what begins like zstd, as no CDR does, is taken for it."""
    return not data.startswith(b"\x28\xb5\x2f\xfd")


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([connection.id for connection in CONNECTIONS]),
        st.integers(0, 2**32 * 10**9 - 1),
        st.one_of(st.binary(max_size=40).filter(is_plain), st.integers(0, 6000).map(bytes)),
    ),
    max_size=40,
)


def rows_of(messages: list[tuple[int, int, bytes]], first: int) -> Rows:
    """As readers give them: payloads with other bytes between."""
    buffer, starts, sizes = join_payloads([b"?" + data for *_, data in messages])
    times = np.array([time for _, time, _ in messages], np.int64)
    count = len(messages)
    return Rows(
        buffer,
        np.array([number for number, *_ in messages], np.int64),
        starts + 1,
        sizes - 1,
        times,
        times // 2,
        np.arange(first, first + count, dtype=np.uint32),
        np.arange(first, first + count),
    )


def read(path: Path) -> list[tuple[Any, ...]]:
    with open_bag(path) as reader:
        topics = {connection.id: connection.topic for connection in reader.connections}
        found = [
            (topics[number], time, published, sequence, rows.buffer[at : at + size].tobytes())
            for rows in reader.rows()
            for number, time, published, sequence, at, size in zip(
                rows.connection_ids.tolist(),
                rows.log_time_nanos.tolist(),
                rows.publish_time_nanos.tolist(),
                rows.sequence.tolist(),
                rows.starts.tolist(),
                rows.sizes.tolist(),
                strict=True,
            )
        ]
        assert [note.text for note in reader.notes] == []
    return found


@pytest.mark.parametrize("suffix", MAKERS)
@given(blocks=st.lists(MESSAGES, max_size=4), data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read(suffix: str, blocks: list[list[tuple[int, int, bytes]]], data: st.DataObject) -> None:
    compressions, make = MAKERS[suffix]
    how = WriteOptions(
        compression=data.draw(st.sampled_from(compressions)), chunk_bytes=data.draw(st.integers(1, 20_000))
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"out{suffix}")
        written = 0
        with make(path, how) as sink:
            for connection in CONNECTIONS:
                sink.announce(connection)
            for block in blocks:
                sink.write(rows_of(block, written))
                written += len(block)
            sink.finish()
        expected = [message for block in blocks for message in block]
        found = read(path)
        assert [(topic, time, payload) for topic, time, _, _, payload in found] == [
            (f"/t{number}", time, payload) for number, time, payload in expected
        ]
        if suffix == ".mcap":
            assert [(p, s) for _, _, p, s, _ in found] == [(time // 2, i) for i, (_, time, _) in enumerate(expected)]
            with path.open("rb") as file:
                assert sum(1 for _ in StreamReader(file, validate_crcs=True).records) >= len(expected)
        if suffix == ".bag":
            with Reader1(path) as bag:
                assert sorted((c.topic, t, bytes(d)) for c, t, d in bag.messages()) == sorted(
                    (f"/t{number}", time, payload) for number, time, payload in expected
                )
