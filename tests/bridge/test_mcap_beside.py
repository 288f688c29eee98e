"""What an MCAP file holds besides messages, attachments and metadata, is kept as the reference keeps it, wherever it stands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import rerun.chunk as reference
import zstandard
from mcap.writer import CompressionType, IndexType, Writer

import rrbridge.chunk as ours
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.cli import main
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.readers import HoldsMore, open_bag

ATTACHMENTS: list[tuple[int, int, str, str, bytes]] = [
    (5, 6, "notes.txt", "text/plain", b"hello"),
    (7, 8, "notes.txt", "text/plain", b"hello again"),
    (0, 2**64 - 1, "a/b c/ü.png", "image/png", bytes(range(256))),
    (0, 0, "", "", b""),
]
"""`(create time, log time, name, media type, data)`."""
METADATA = [("rosbag2", {"z": "1", "ROS_DISTRO": "jazzy"}), ("driver", {"version": "é"}), ("driver", {"host": ""})]
INDEXES: dict[str, dict[str, Any]] = {
    "listed": {},
    "not listed": {"index_types": IndexType.CHUNK | IndexType.MESSAGE},
    "no summary": {"index_types": IndexType.NONE, "repeat_channels": False, "repeat_schemas": False}
    | {"use_statistics": False, "use_summary_offsets": False},
    "no chunks": {"use_chunking": False, "index_types": IndexType.NONE, "use_statistics": False},
}


def make(path: Path, **options: Any) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE, chunk_size=100, **options)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/UInt8", "ros2msg", b"uint8 data\n")
        channel = writer.register_channel("/n", "cdr", schema)
        things = [(writer.add_attachment, item) for item in ATTACHMENTS] + [(writer.add_metadata, m) for m in METADATA]
        for number, (add, what) in enumerate(things):
            writer.add_message(channel, number, b"\0\1\0\0" + bytes([number]), number, number)
            add(*what)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


@pytest.mark.parametrize(
    ("name", "status"),
    [("/__parameters", 0), ("/__parameters/camera", 0), ("/__parameters_of_mine", 3), ("notes.txt", 3)],
)
def test_what_a_bag_has_no_place_for(name: str, status: int, tmp_path: Path, capsys: Any) -> None:
    """Parameters, which the recorder adds unasked, are no reason to call a bag incomplete; what a person attached is."""
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros1", "test")
        schema = writer.register_schema("std_msgs/UInt8", "ros1msg", b"uint8 data\n")
        writer.add_message(writer.register_channel("/n", "ros1", schema), 1, b"\1", 1, 1)
        writer.add_attachment(1, 1, name, "text/yaml", b"a: 1")
        writer.finish()  # type: ignore[no-untyped-call]
    assert main(["convert", str(path), "-o", str(tmp_path / "a.bag")]) == status
    printed = capsys.readouterr()
    kind = "attachments" if status else "parameters"
    assert f"{kind} are left out (1): only MCAP has a place for them" in printed.out + printed.err


def beside(chunks: Iterable[Any]) -> dict[tuple[str, str], Any]:
    """Cells and their types."""
    found = {}
    for chunk in chunks:
        if chunk.entity_path in ("/__mcap_attachments", "/__mcap_metadata"):
            batch = chunk.to_record_batch()
            for field, column in zip(batch.schema, batch.columns, strict=True):
                meta = field.metadata or {}
                if meta[b"rerun:kind"] == b"data":
                    about = meta[b"rerun:archetype"], meta[b"rerun:component_type"], str(field.type)
                    found[chunk.entity_path, field.name] = (column.to_pylist(), *about)
    return found


def kept(path: Path) -> list[Any]:
    with open_bag(path) as reader:
        assert isinstance(reader, HoldsMore)
        return [(a.create_time_nanos, a.log_time_nanos, a.name, a.media_type, a.data) for a in reader.attachments()] + [
            (m.name, m.values) for m in reader.metadata_records()
        ]


def test_the_same_columns_as_the_reference(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mcap")
    theirs = beside(reference.McapReader(path).stream().to_chunks())
    assert len(theirs) == 5
    assert beside(ours.McapReader(path).stream()) == theirs
    assert beside(ours.McapReader(path, decoders=["attachments", "metadata"]).stream()) == theirs
    only = ours.McapReader(path, decoders=["attachments"]).stream()
    assert {chunk.entity_path for chunk in only} == {"/__mcap_attachments"}


@pytest.mark.real_data
def test_conformance_files_give_what_the_reference_finds(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "foxglove+mcap" / "data").glob("One[AM][te]t*/*.mcap")):
        mine = beside(ours.McapReader(path).stream())
        try:
            theirs = beside(reference.McapReader(path, recover=True).stream().to_chunks())
        except RuntimeError as err:
            print(f"the reference cannot read {path.name}: {err}")
            theirs = {}
        assert {key: mine.get(key) for key in theirs} == theirs, path
        compared += bool(theirs)
        assert mine, f"{path}: there is one, whether it is listed or not"
    assert compared >= 3


@pytest.mark.parametrize("indexes", INDEXES)
def test_wherever_they_stand(indexes: str, tmp_path: Path) -> None:
    path = make(tmp_path / "a.mcap", **INDEXES[indexes])
    assert kept(path) == [*ATTACHMENTS, *METADATA]
    conversion = Conversion([path], ImportOptions())
    found, listed = beside(conversion.chunks()), beside(ours.McapReader(make(tmp_path / "b.mcap")).stream())
    for columns in (found, listed):
        for pairs in columns["/__mcap_attachments", "metadata"][0][0]:
            assert pairs.pop()["first"] == "offset"
    assert found == listed
    assert conversion.notes == []


def test_of_parts_and_of_packed_files(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    whole = make(folder / "run_0.mcap").read_bytes()
    (folder / "run_1.mcap.zstd").write_bytes(zstandard.compress(whole))
    assert kept(folder) == 2 * ATTACHMENTS + 2 * METADATA
    conversion = Conversion([folder / "run_0.mcap", folder / "run_1.mcap.zstd"], ImportOptions())
    found = beside(conversion.chunks())
    assert len(found["/__mcap_attachments", "data"][0][0]) == 2 * len(ATTACHMENTS)
    assert len(found["/__mcap_metadata", "driver"][0][0][0]) == 2


def test_a_recovered_file_has_them(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mcap", index_types=IndexType.CHUNK)
    path.write_bytes(path.read_bytes()[:-10])
    assert main(["recover", str(path), "-o", str(tmp_path / "b.mcap")]) == 0
    assert kept(tmp_path / "b.mcap") == [*ATTACHMENTS, *METADATA]


def test_damage_is_told(tmp_path: Path, capsys: Any) -> None:
    """A changed byte is told, and what is there is kept; a length that lies costs what it is about."""
    path = make(tmp_path / "a.mcap")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"hello again", b"hallo again"))
    assert main(["convert", str(path), "-o", str(tmp_path / "a.rrd"), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)["losses"]
    assert len(told) == 1
    assert "'notes.txt'" in told[0]
    assert "its checksum" in told[0]
    at = whole.index(b"hello again") - 8
    path.write_bytes(whole[:at] + (10**12).to_bytes(8, "little") + whole[at + 8 :])
    with open_bag(path) as reader:
        assert isinstance(reader, HoldsMore)
        assert [a.data for a in reader.attachments()] == [a[4] for a in ATTACHMENTS if a[4] != b"hello again"]
        assert [note.is_loss for note in reader.notes] == [True]
        assert "attachment at byte" in reader.notes[0].text


def test_too_much_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rrbridge_bridge.beside.MAX_ATTACHED_BYTES", 20)
    conversion = Conversion([make(tmp_path / "a.mcap")], ImportOptions())
    found = beside(conversion.chunks())
    assert len(found["/__mcap_attachments", "data"][0][0]) == 3
    assert conversion.notes == [
        Note("the attachment 'a/b c/ü.png' is left out: all attachments together may have 20 bytes", is_loss=True)
    ]
