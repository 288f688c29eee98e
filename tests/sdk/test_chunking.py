"""Equal programs leave chunks of the same rows and columns as the reference's: `rerun rrd compare` compares chunks."""

from __future__ import annotations

import random
import string
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rerun
from hypothesis import given
from hypothesis import strategies as st

import rrbridge
from rrbridge._batcher import _cuts
from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader

VALUES = [
    lambda n: pa.array(np.zeros(n, np.float32)),
    lambda n: pa.array(np.zeros(n, np.uint16)),
    lambda n: pa.array([True] * n, pa.bool_()),
    lambda n: pa.array(["some text"] * n, pa.utf8()),
    lambda n: pa.array([[1.0, 2.0, 3.0]] * n, pa.list_(pa.float32(), 3)),
    lambda n: pa.array([[1, 2]] * n, pa.list_(pa.uint8())),
    lambda n: pa.array([{"a": 1.0, "b": 2}] * n, pa.struct([("a", pa.float32()), ("b", pa.uint8())])),
    lambda n: pa.array([b"1234"] * n, pa.binary(4)),
]


def logged(sdk: Any, path: Path, rows: list[dict[str, pa.Array]], **limits: int) -> Counter[tuple[Any, ...]]:
    """How often there is a chunk of so many rows with these components."""
    config = sdk.ChunkBatcherConfig(flush_tick=1000.0, **{"flush_num_bytes": 2**40, "flush_num_rows": 2**40} | limits)
    recording = sdk.RecordingStream("chunking", recording_id="1", send_properties=False, batcher_config=config)
    recording.reset_time()  # the reference keeps the times of a recording's id
    recording.save(path)
    for i, row in enumerate(rows):
        if i % 7 == 3:
            recording.set_time("step", sequence=i)
        recording.log(f"entity/{i % 2}", sdk.AnyValues(**row), static=i % 11 == 10)
    recording.flush()
    recording.disconnect()
    chunks = [m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]
    return Counter((c.entity_path, c.num_rows, tuple(sorted(c.components)), c.is_static) for c in chunks)


@pytest.mark.parametrize("seed", range(6))
def test_rows_share_chunks_as_in_the_reference(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    names = ["".join(rng.choices(string.ascii_letters, k=rng.randint(1, 30))) for _ in range(12)]
    kinds = rng.sample(VALUES, 3)
    makes = {name: rng.choice(kinds) for name in names}
    rows = [
        {name: makes[name](rng.randint(0, 2)) for name in rng.sample(names, rng.choice([1, 1, 2, 2, 3, 5, 9]))}
        for _ in range(400)
    ]
    theirs = logged(rerun, tmp_path / "theirs.rrd", rows)
    assert any(len(components) > 3 for _, _, components, _ in theirs)
    assert logged(rrbridge, tmp_path / "ours.rrd", rows) == theirs


def test_components_that_change_their_type_lose_nothing(tmp_path: Path) -> None:
    """Though their rows have the same set of types."""
    rows = [{"a": VALUES[0](1), "b": VALUES[1](1)}, {"a": VALUES[1](1), "b": VALUES[0](1)}] * 5
    found = logged(rrbridge, tmp_path / "ours.rrd", rows)
    assert sum(count * times for (_, count, _, _), times in found.items()) == len(rows)


@pytest.mark.parametrize("kind", range(len(VALUES)))
@pytest.mark.parametrize("components", [1, 3, 4, 8])
def test_rows_weigh_what_they_weigh_in_the_reference(kind: int, components: int, tmp_path: Path) -> None:
    row = {f"component_{kind}_{i}": VALUES[kind](40) for i in range(components)}
    rows = [row] * 400
    theirs = logged(rerun, tmp_path / "theirs.rrd", rows, flush_num_bytes=150_000)
    assert len(theirs) > 1
    assert logged(rrbridge, tmp_path / "ours.rrd", rows, flush_num_bytes=150_000) == theirs


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12))
def test_chunks_out_of_order_end_when_they_have_as_many_rows_as_they_may(times: list[int], limit: int) -> None:
    """Against the definition, row by row."""
    starts, in_order = [0], True
    for i in range(1, len(times)):
        if i - starts[-1] >= limit and not in_order:
            starts.append(i)
            in_order = True
        else:
            in_order &= times[i - 1] <= times[i]
    assert _cuts(np.array([times]), limit) == [*starts, len(times)]
