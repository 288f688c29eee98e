"""Random messages of every type in the Humble store: our fields column equals what the reference's reflection writes.

`rosbags` writes them to an MCAP; `rerun mcap convert` and we read it. Names, Arrow types and values must be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rerun.chunk import RrdReader
from rosbags.interfaces import Nodetype
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from rrbridge.adapters import Adapters
from rrbridge.importers import ImportOptions
from rrbridge_bridge.conversion import Conversion

MESSAGES = 5
CONSTANTS_ONLY = {
    ("/rcl_interfaces/ParameterType", "rcl_interfaces.msg.ParameterType:message"),
    ("/statistics_msgs/StatisticDataType", "statistics_msgs.msg.StatisticDataType:message"),
}
"""Types of constants alone: the reference writes a struct without members, which Parquet cannot hold; we the dummy member."""
EVERYTHING = (
    """
bool[3] flags
byte[2] octets
char[2] letters
int8 small
uint64 large
float32[3] vector
string[2] pair
geometry_msgs/Point[2] corners
builtin_interfaces/Time[2] times
bool[] more_flags
byte[] more_octets
string[] words
string<=5 short
float64[<=3] few
geometry_msgs/Point[] path
Inner inner
Inner[2] two
Inner[] many
builtin_interfaces/Duration lasts
"""
    + "=" * 80
    + """
MSG: every_msgs/Inner
float32[] x
string[] names
geometry_msgs/Point[2] corners
"""
)


def store_with_everything() -> Typestore:
    store = get_typestore(Stores.ROS2_HUMBLE)
    store.register(get_types_from_msg(EVERYTHING, "every_msgs/msg/Everything"))
    return store


def random_value(rng: np.random.Generator, store: Typestore, kind: Nodetype, about: Any) -> Any:
    if kind == Nodetype.BASE:
        name = about[0]
        if name in ("string", "wstring"):
            return "".join(rng.choice(list("abc é")) for _ in range(rng.integers(0, 5)))
        if name == "bool":
            return bool(rng.integers(0, 2))
        return float(np.float32(rng.normal())) if name.startswith("float") else int(rng.integers(0, 100))
    if kind == Nodetype.NAME:
        return random_message(rng, store, about)
    (item_kind, item), count = about
    if kind == Nodetype.SEQUENCE:
        count = int(rng.integers(0, min(count or 4, 4) + 1))
    items = [random_value(rng, store, item_kind, item) for _ in range(count)]
    if item_kind == Nodetype.BASE and item[0] not in ("string", "wstring"):
        return np.array(items, {"octet": "u1", "byte": "u1", "char": "u1"}.get(item[0], item[0]))
    return items


def random_message(rng: np.random.Generator, store: Typestore, msgtype: str) -> Any:
    fields = {name: random_value(rng, store, kind, about) for name, (kind, about) in store.fielddefs[msgtype][1]}
    fields |= {name: 0 for name in fields if name == "structure_needs_at_least_one_member"}
    return store.types[msgtype](**fields)


def topic_of(msgtype: str) -> str:
    return "/" + msgtype.replace("/msg/", "/")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store, rng = store_with_everything(), np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("fields") / "bag"
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for msgtype in sorted(store.fielddefs):
            if "wstring" in str(store.fielddefs[msgtype]):
                continue
            connection = writer.add_connection(topic_of(msgtype), msgtype, typestore=store)
            for number in range(MESSAGES):
                message = random_message(rng, store, msgtype)
                writer.write(connection, 10**9 + number, store.serialize_cdr(message, msgtype))
    return folder / "bag.mcap"


def columns_of_reference(path: Path) -> dict[tuple[str, str], pa.Array]:
    found = {}
    for chunk in RrdReader(path).stream():
        batch = chunk.to_record_batch()
        entity = batch.schema.metadata[b"rerun:entity_path"].decode()
        for name in batch.schema.names:
            if name.endswith(":message"):
                assert batch.num_rows == MESSAGES
                found[entity, name] = batch.column(name)
    return found


def test_equal_to_reflection(bag: Path, tmp_path: Path, rerun: Callable[..., str]) -> None:
    rerun("mcap", "convert", bag, "-o", tmp_path / "reference.rrd")
    wanted = columns_of_reference(tmp_path / "reference.rrd")
    ours = {}
    for chunk in Conversion([bag], ImportOptions(), adapters=Adapters()).chunks():
        for name, column in chunk.components.items():
            if name.endswith(":message"):
                ours[chunk.entity_path, name] = column.cells
    assert len(wanted) > 100
    assert wanted.keys() - ours.keys() == set()
    for key, cells in wanted.items():
        if key in CONSTANTS_ONLY:
            continue
        assert ours[key].type == cells.type, key
        assert ours[key].equals(cells), key
    assert ("/every_msgs/Everything", "every_msgs.msg.Everything:message") in wanted
