"""`rrbridge convert` and `view` of recordings that hold messages' bytes alone, as `rrbridge record --no-decode` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import rrbridge as rr
from rrbridge import importers
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.chunk import Chunk
from rrbridge.importers import ImportOptions, Note
from rrbridge.rrd import RrdReader, RrdWriter
from rrbridge_bridge.cli import main
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.readers import open_bag

TURTLE = "locusrobotics+fuse/turtlebot3.bag"
ROS2 = "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap"
NUMBERS = {"channel_id", "McapChannel:id", "McapSchema:id"}
"""Which may be others each time that a file is written."""


def bytes_alone(bag: Path, output: Path, *more: Chunk) -> Path:
    """What a recorder that decodes nothing would have written of the messages."""
    store_id = StoreId(StoreKind.RECORDING, "robots", "morning")
    with open_bag(bag) as reader, RrdWriter(output) as writer:
        driver = Driver(ImportOptions(raw=True))
        writer.write(StoreInfo.new(store_id))
        made = driver.announce(reader.connections)
        for chunk in (*more, *made, *(c for batch in reader.batches() for c in driver.bytes_only(batch))):
            writer.write(StoredChunk(store_id, chunk))
    return output


def converted(*arguments: object, code: int = 0) -> None:
    assert main(["convert", "-q", *map(str, arguments)]) == code


def content(path: Path) -> dict[tuple[str, str], list[Any]]:
    """Every value of each component of each entity, with its times."""
    found: dict[tuple[str, str], list[Any]] = {}
    for message in RrdReader(path).messages():
        if not isinstance(message, StoredChunk) or message.chunk.entity_path.startswith("/__properties"):
            continue
        chunk = message.chunk
        times = sorted((name, column.values.tolist()) for name, column in chunk.times.items())
        for name, column in chunk.components.items():
            if name in NUMBERS:
                continue
            for row, cell in enumerate(column.cells.to_pylist()):
                if cell is not None:
                    at = [(timeline, values[row]) for timeline, values in times]
                    found.setdefault((chunk.entity_path, name), []).append((at, repr(cell).replace("/msg/", "/")))
    return {place: sorted(values) for place, values in found.items()}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("bag", "options"),
    [(TURTLE, ["-t", "/imu", "-t", "/joint_states"]), (ROS2, []), (TURTLE, ["--start", "+60s", "--end", "+61s"])],
)
def test_it_gives_what_the_way_over_mcap_gives(
    shared_data: Path, tmp_path: Path, bag: str, options: Sequence[str]
) -> None:
    undecoded = bytes_alone(shared_data / bag, tmp_path / "undecoded.rrd")
    converted(undecoded, "-o", tmp_path / "once.rrd", *options)
    converted(undecoded, "-o", tmp_path / "between.mcap")
    converted(tmp_path / "between.mcap", "-o", tmp_path / "twice.rrd", "--raw", *options)
    once = content(tmp_path / "once.rrd")
    assert any(name.endswith(":message") for _, name in once)
    assert once == content(tmp_path / "twice.rrd")


@pytest.mark.real_data
def test_it_keeps_its_ids_and_what_else_is_in_it(shared_data: Path, tmp_path: Path) -> None:
    note = Chunk.from_columns("/__properties/metadata", components=rr.TextDocument.columns(text=["on the hill"]))
    log = Chunk.from_columns("/operator", components=rr.TextLog.columns(text=["hello"]))
    undecoded = bytes_alone(shared_data / TURTLE, tmp_path / "undecoded.rrd", note, log)
    converted(undecoded, "-o", tmp_path / "whole.rrd", "-x", "/scan")
    manifest = RrdReader(tmp_path / "whole.rrd").manifests()[0]
    assert manifest.store_id == StoreId(StoreKind.RECORDING, "robots", "morning")
    assert {"/__properties/metadata", "/operator", "/imu"} <= set(manifest.entities)
    assert "/scan" not in manifest.entities
    converted(tmp_path / "whole.rrd", "-o", tmp_path / "again.rrd")
    assert content(tmp_path / "again.rrd") == content(tmp_path / "whole.rrd"), "decoded once, it is left as it is"
    converted(undecoded, "--prefix", "/robot1", "-o", tmp_path / "prefixed.rrd", "-t", "/imu")
    assert {"/robot1/imu"} <= set(RrdReader(tmp_path / "prefixed.rrd").manifests()[0].entities)


@pytest.mark.real_data
def test_who_opens_it_is_told_what_to_do(shared_data: Path, tmp_path: Path) -> None:
    undecoded = bytes_alone(shared_data / TURTLE, tmp_path / "undecoded.rrd")
    converted(undecoded, "-o", tmp_path / "whole.rrd")

    def told(path: Path) -> list[str]:
        notes: list[Note] = []
        for _ in importers.read(path, ImportOptions(note=notes.append)):
            pass
        return [note.text for note in notes if not note.is_loss]

    (note,) = told(undecoded)
    assert "as bytes alone" in note
    assert "`rrbridge convert undecoded.rrd -o OUT.rrd` decodes them" in note
    assert told(tmp_path / "whole.rrd") == []
    assert importers.info(undecoded).notes == ("messages as bytes alone: `rrbridge convert` decodes them",)
    assert importers.info(tmp_path / "whole.rrd").notes == ()
