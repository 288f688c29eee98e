"""What a viewer relies on when it asks a store: identity, order of work, threads, clears in ranges."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest

from rrbridge import _store_runs
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._compaction import Layout, Targets, merged
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._messages import ActivateBlueprint, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._store import ChunkStore, load_messages
from rrbridge._store_index import Span
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.errors import InvalidChunkError

X = ComponentDescriptor("x")
CLEAR = ComponentDescriptor("Clear:is_recursive", "rerun.archetypes.Clear", "rerun.components.ClearIsRecursive")


def chunk(
    entity: str,
    times: list[int] | None,
    cells: list[object],
    *,
    descriptor: ComponentDescriptor = X,
    datatype: pa.DataType | None = None,
) -> Chunk:
    column = ComponentColumn(descriptor, pa.array(cells, datatype or pa.list_(pa.int64())))
    column_times = [] if times is None else [TimeColumn.of("log", TimeKind.SEQUENCE, times)]
    return Chunk.from_columns(entity, times=column_times, components=[column])


def clear(entity: str, times: list[int] | None, *, recursive: bool) -> Chunk:
    count = 1 if times is None else len(times)
    return chunk(entity, times, [[recursive]] * count, descriptor=CLEAR, datatype=pa.list_(pa.bool_()))


def test_the_same_cell_is_the_same_object() -> None:
    store = ChunkStore.from_chunks([chunk("/a", [0, 10, 20], [[1], [2], [3]]), chunk("/s", None, [[7]])])
    first = store.latest_at("/a", None, "log", 10)
    assert store.latest_at("/a", None, "log", 19) is first
    assert store.latest_at("/a", None, "log", 20)["x"] is not first["x"]
    assert store.latest_at("/a", ["x", "y"], "log", 12)["x"] is first["x"]
    store.insert(chunk("/a", [30], [[4]]))
    assert store.latest_at("/a", None, "log", 15)["x"] == first["x"]
    assert store.latest_at("/s", None, "log", 0)["x"] is store.latest_at("/s", ["x"], "other", 5)["x"]
    assert first["x"].chunk.row_ids[1].tobytes() == first["x"].row_id
    assert (first["x"].component, first["x"].row, first["x"].time) == ("x", 1, 10)


def test_cells_are_equal_however_long_ago_they_were_asked() -> None:
    store = ChunkStore.from_chunks([chunk("/a", list(range(100)), [[n] for n in range(100)])])
    found = [store.latest_at("/a", None, "log", time)["x"] for time in range(100)]
    again = [store.latest_at("/a", None, "log", time)["x"] for time in range(100)]
    assert found == again
    assert len({*found, *again}) == 100
    assert found[3].values.to_pylist() == again[3].values.to_pylist() == [3]


def test_an_answer_is_kept_while_other_entities_change() -> None:
    store = ChunkStore.from_chunks([chunk("/a", [0], [[1]])])
    first = store.latest_at_many(["/a", "/b"], ["x"], "log", 5)
    assert list(first) == ["/a"]
    store.insert(chunk("/b", [0], [[1]]))
    assert store.latest_at_many(["/a", "/b"], ["x"], "log", 6)["/a"] is first["/a"]


def test_answers_cannot_be_changed() -> None:
    store = ChunkStore.from_chunks([chunk("/a", [0], [[1]])])
    with pytest.raises(TypeError):
        store.latest_at("/a", None, "log", 0)["x"] = None  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        store.times("/a", "log")[0] = 5


def test_a_query_looks_into_one_chunk_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ChunkStore.from_chunks(chunk("/a", [2 * n, 2 * n + 1], [[n], [n]]) for n in range(1000))
    looked: list[Span] = []
    position = Span.position

    def counted(span: Span, time: int) -> int:
        looked.append(span)
        return position(span, time)

    monkeypatch.setattr(Span, "position", counted)
    for time in (0, 999, 1500, 5000):
        store.latest_at("/a", None, "log", time)
    assert len(looked) == 4
    assert len(store.range("/a", "x", "log", 100, 199)) == 100
    assert len(looked) == 4


def test_chunks_that_come_last_to_first_are_found() -> None:
    store = ChunkStore()
    for n in reversed(range(50)):
        store.insert(chunk("/a", [n, 100], [[n], [-n]]))
        assert store.latest_at("/a", None, "log", 75)["x"].values.to_pylist() == [49]
        assert store.range("/a", "x", "log", 0, 99).times.tolist() == list(range(n, 50))


def test_what_is_dropped() -> None:
    store = ChunkStore()
    taken = chunk("/a", [0], [[1]])
    assert store.insert(taken)
    assert not store.insert(taken)
    assert not store.insert(chunk("/a", [], []))
    bare = Chunk.from_columns("/a", times=[TimeColumn.of("log", TimeKind.SEQUENCE, [1])], components=[])
    assert not store.insert(bare)
    assert (store.revision, store.num_rows, store.entity_revision("/a")) == (1, 1, 1)
    assert store.nbytes >= taken.nbytes
    assert store.chunks() == [taken]
    assert store.nbytes == taken.nbytes


def test_a_row_at_the_reserved_time_is_not_found() -> None:
    store = ChunkStore.from_chunks([chunk("/a", [-(2**63), 4], [[1], [2]])])
    assert store.latest_at("/a", None, "log", 3) == {}
    assert store.time_range("log") == (4, 4)
    assert store.times("/a", "log").tolist() == [4]
    assert store.range("/a", "x", "log", -(2**63), 2**63 - 1).cells.to_pylist() == [[2]]


def test_the_ends_of_time() -> None:
    low, high = -(2**63) + 1, 2**63 - 1
    store = ChunkStore.from_chunks([chunk("/a", [low, high], [[1], [2]])])
    assert store.latest_at("/a", None, "log", low)["x"].values.to_pylist() == [1]
    assert store.latest_at("/a", None, "log", high - 1)["x"].values.to_pylist() == [1]
    assert store.latest_at("/a", None, "log", high)["x"].values.to_pylist() == [2]
    assert len(store.range("/a", "x", "log", low, high)) == 2


def test_a_clear_hides_what_is_older_and_only_that() -> None:
    store = ChunkStore.from_chunks(
        [
            chunk("/a/b", [0, 20], [[1], [2]]),
            chunk("/ab", [0], [[1]]),
            chunk("/a/static", None, [[1]]),
            clear("/a", [10], recursive=True),
            clear("/ab", [30], recursive=False),
        ]
    )
    found = store.latest_at_many(store.entities(), ["x"], "log", 15)
    assert sorted(found) == ["/a/static", "/ab"]
    assert sorted(store.latest_at_many(store.entities(), ["x"], "log", 25)) == ["/a/b", "/a/static", "/ab"]
    assert sorted(store.latest_at_many(store.entities(), ["x"], "log", 30)) == ["/a/b", "/a/static"]
    assert store.clears("/a/b", "log").times.tolist() == [10]
    assert store.clears("/ab", "log").times.tolist() == [30]


def test_the_greatest_row_id_decides_in_whatever_order_chunks_come() -> None:
    for times in (None, [5]):
        chunks = [chunk("/a", times, [[n]]) for n in range(3)]  # later chunks have greater row ids
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
            store = ChunkStore.from_chunks(chunks[i] for i in order)
            assert store.latest_at("/a", None, "log", 5)["x"].values.to_pylist() == [2]


def test_clears_at_the_time_of_the_data_are_told_apart_by_row_ids() -> None:
    early, data, late = (clear("/a", [5], recursive=True), chunk("/a/b", [5], [[1]]), clear("/", [5], recursive=True))
    assert ChunkStore.from_chunks([early, data]).latest_at("/a/b", None, "log", 5)
    assert not ChunkStore.from_chunks([late, data]).latest_at("/a/b", None, "log", 5)
    assert not ChunkStore.from_chunks([early, late, data]).latest_at("/a/b", None, "log", 5)
    assert not ChunkStore.from_chunks([late, early, data]).latest_at("/a/b", None, "log", 9)


def test_static_clears_hide_older_static_data_only() -> None:
    before = [chunk("/a", None, [[1]]), chunk("/a/b", None, [[1]]), chunk("/a/c", [0], [[1]])]
    cleared = clear("/a", None, recursive=True)
    after = chunk("/a", None, [[2]])
    store = ChunkStore.from_chunks([cleared, *before])
    assert list(store.latest_at_many(store.entities(), ["x"], "log", 5)) == ["/a/c"]
    assert store.range("/a", "x", "log", 0, 9).static is None
    store.insert(after)
    assert store.latest_at("/a", ["x"], "log", 5)["x"].values.to_pylist() == [2]


def test_a_clear_stands_in_a_range_as_an_empty_cell() -> None:
    store = ChunkStore.from_chunks([chunk("/a", [0, 20], [[1], [2]]), clear("/a", [10], recursive=False)])
    found = store.range("/a", "x", "log", 0, 30)
    assert found.times.tolist() == [0, 10, 20]
    assert found.cells.to_pylist() == [[1], [], [2]]
    assert found.is_clear.tolist() == [False, True, False]
    assert store.range("/a", "x", "log", 0, 30, clears=False).cells.to_pylist() == [[1], [2]]


def test_a_clear_that_comes_late_changes_answers_given_before() -> None:
    store = ChunkStore.from_chunks([chunk("/a/b", [0], [[1]])])
    assert store.latest_at("/a/b", None, "log", 5)
    assert len(store.range("/a/b", "x", "log", 0, 9)) == 1
    store.insert(clear("/a", [3], recursive=True))
    assert not store.latest_at("/a/b", None, "log", 5)
    assert len(store.range("/a/b", "x", "log", 0, 9)) == 2


def test_static_data_has_no_rows_in_a_range() -> None:
    store = ChunkStore.from_chunks([chunk("/a", None, [[1]]), chunk("/a", [0], [[2]])])
    found = store.range("/a", "x", "log", 0, 9)
    assert (len(found), len(found.cells), len(found.row_ids)) == (0, 0, 0)
    assert found.static is store.latest_at("/a", None, "log", 0)["x"]
    assert store.is_static("/a", "x")
    assert not store.is_static("/a", "y")


def test_a_range_of_one_chunk_is_not_copied() -> None:
    source = chunk("/a", [0, 1, 2], [[1, 2], [3], [4]])
    found = ChunkStore.from_chunks([source]).range("/a", "x", "log", 1, 2)
    assert found.cells.to_pylist() == [[3], [4]]
    assert found.cells.values.buffers()[1].address == source.components["x"].cells.values.buffers()[1].address


def test_chunks_may_disagree_about_nullability_but_not_about_the_type() -> None:
    strict = pa.list_(pa.field("item", pa.int64(), nullable=False))
    store = ChunkStore.from_chunks([chunk("/a", [0], [[1]]), chunk("/a", [1], [[2]], datatype=strict)])
    assert store.range("/a", "x", "log", 0, 9).cells.to_pylist() == [[1], [2]]
    store.insert(chunk("/a", [2], [["text"]], datatype=pa.list_(pa.utf8())))
    store.insert(chunk("/a", [3], [[2]]))
    with pytest.raises(InvalidChunkError, match=r"x is .*string.* in some chunks"):
        _ = store.range("/a", "x", "log", 0, 9).cells


def test_the_tree_of_entities() -> None:
    store = ChunkStore.from_chunks(chunk(path, None, [[1]]) for path in ("/a/b/c", "/a/b", "/z", "/ab"))
    assert store.children() == ["/a", "/ab", "/z"]
    assert store.children("/a") == ["/a/b"]
    assert store.children("/a/b") == ["/a/b/c"]
    assert store.children("/nothing") == []
    assert store.descendants("/a") == ["/a/b", "/a/b/c"]


def test_messages_are_sorted_into_stores() -> None:
    ids = [StoreId(StoreKind.RECORDING, "app", name) for name in ("one", "two")]
    blueprint = StoreId(StoreKind.BLUEPRINT, "app", "layout")
    chunks = [chunk("/a", [n], [[n]]) for n in range(4)]
    stores = load_messages(
        [
            StoreInfo.new(ids[0]),
            StoredChunk(ids[0], chunks[0]),
            StoredChunk(ids[1], chunks[1]),
            StoredChunk(blueprint, chunks[2]),
            ActivateBlueprint(blueprint, make_active=True, make_default=True),
            StoredChunk(ids[0], chunks[3]),
        ]
    )
    assert list(stores) == [ids[0], ids[1], blueprint]
    assert stores[ids[0]].range("/a", "x", "log", 0, 9).cells.to_pylist() == [[0], [3]]
    assert stores[ids[0]].store_id == ids[0]


def test_one_thread_loads_while_another_asks() -> None:
    store = ChunkStore()
    chunks = [chunk(f"/e{n % 20}", [n, n + 1], [[n], [n + 1]]) for n in range(4000)]
    chunks += [clear("/e3", [n], recursive=False) for n in range(0, 4000, 100)]
    order = np.random.default_rng(0).permutation(len(chunks))
    loader = threading.Thread(target=lambda: store.insert_all(chunks[i] for i in order))
    loader.start()
    asked = 0
    while loader.is_alive() or asked == 0:
        alive = store.entities()
        for path, cells in store.latest_at_many(alive, None, "log", asked % 4000).items():
            assert path in alive
            for cell in cells.values():
                assert cell.time is not None
                assert cell.time <= asked % 4000
        for path in alive[:3]:
            times = store.range(path, "x", "log", 0, 4000).times
            assert bool(np.all(np.diff(times) >= 0))
            assert store.times(path, "log").size
        asked += 97
    loader.join()
    fresh = ChunkStore.from_chunks(chunks)
    for time in (0, 1999, 4000):
        assert store.latest_at_many(store.entities(), None, "log", time) == fresh.latest_at_many(
            fresh.entities(), None, "log", time
        )


@pytest.mark.parametrize(("cell", "datatype"), [("yes", pa.utf8()), (1.0, pa.float32()), (None, pa.bool_())])
def test_a_clear_that_is_none_clears_nothing(cell: object, datatype: pa.DataType) -> None:
    odd = chunk("/a", [5], [[cell]], descriptor=CLEAR, datatype=pa.list_(datatype))
    store = ChunkStore.from_chunks([chunk("/a", [0], [[1]]), odd, clear("/b", [5], recursive=False)])
    assert store.revision == 3
    assert store.latest_at("/a", ["x"], "log", 9)["x"].values.to_pylist() == [1]


def test_small_chunks_are_put_together_a_few_times_however_often_queries_come(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = 0

    def counted(chunks: list[Chunk], layout: Layout, targets: Targets) -> list[Chunk]:
        nonlocal copied
        copied += sum(chunk.num_rows for chunk in chunks) if len(chunks) > 1 else 0
        return merged(chunks, layout, targets)

    monkeypatch.setattr(_store_runs, "merged", counted)
    store = ChunkStore()
    for n in range(3000):
        store.insert(chunk("/a", [n], [[n]]))
        assert store.latest_at("/a", ["x"], "log", n)["x"].time == n
    assert copied <= 3000 * 5  # eight to the fourth power is 4096
    assert store.num_chunks <= 4 * 7
    assert store.range("/a", "x", "log", 0, 3000).cells.flatten().to_pylist() == list(range(3000))


def test_a_chunk_is_known_after_it_was_put_together_with_others() -> None:
    chunks = [chunk("/a", [n], [[n]]) for n in range(5000)]
    store = ChunkStore.from_chunks(chunks)
    assert store.num_chunks < 10
    assert store.insert_all(chunks) == 0
    assert store.num_rows == 5000


def without_a_time(*, admitted: bool) -> Chunk:
    batch = chunk("/a", [0, 1], [[1], [2]]).to_record_batch()
    columns = [batch.column(0), pa.array([1, None]), batch.column(2)]
    fields = list(batch.schema)
    fields[1] = fields[1].with_nullable(admitted)
    return Chunk(pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, metadata=batch.schema.metadata)))


def test_a_chunk_that_may_lack_times_and_does_is_refused() -> None:
    store = ChunkStore()
    with pytest.raises(InvalidChunkError, match="log has nulls"):
        store.insert(without_a_time(admitted=True))
    assert (store.revision, store.entities()) == (0, [])


@pytest.mark.parametrize("is_alone", [False, True])
def test_rows_that_lack_a_time_against_their_schema_are_left_out(is_alone: bool) -> None:
    store = ChunkStore.from_chunks([chunk("/a", [5], [[5]])])
    if is_alone:
        assert store.num_chunks == 1
    store.insert(without_a_time(admitted=False))
    assert store.times("/a", "log").tolist() == [1, 5]
    assert store.latest_at("/a", None, "log", 4)["x"].values.to_pylist() == [1]
