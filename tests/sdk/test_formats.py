"""Files beside recordings, opened through `rrbridge.importers`: pictures, meshes, videos, texts, robots, folders of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import rrbridge as rr
from rrbridge import importers
from rrbridge._folders import contents, recordings_in
from rrbridge._messages import StoredChunk
from rrbridge._query_open import open_all
from rrbridge.chunk import Chunk
from rrbridge.errors import EmptyFileError, FileError, NotARecordingError
from rrbridge.importers import ImportOptions, Note
from rrbridge.rrd import RrdReader

PNG = b"\x89PNG\r\n\x1a\n"
SO100 = "TheRobotStudio+SO-ARM100/Simulation/SO100/so100.urdf"
BURGER = "ROBOTIS-GIT+turtlebot3/turtlebot3_description/urdf/turtlebot3_burger.urdf"


def chunks_of(path: Path, **options: object) -> list[Chunk]:
    return list(importers.find(path).chunks(path, ImportOptions(**options)))  # type: ignore[arg-type]


def components(chunks: list[Chunk]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for chunk in chunks:
        found.setdefault(chunk.entity_path, set()).update(chunk.components)
    return found


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("pypi+scikit-image/coins.png", "EncodedImage:blob"),
        ("pypi+scikit-learn/flower.jpg", "EncodedImage:blob"),
        ("rerun-io+rerun/examples/assets/example.glb", "Asset3D:blob"),
        ("rerun-io+rerun/examples/assets/example.obj", "Asset3D:blob"),
        ("mikedh+trimesh/models/blue_cube.dae", "Asset3D:blob"),
        ("mikedh+trimesh/models/featuretype.STL", "Asset3D:blob"),
        ("mikedh+trimesh/models/points_bin.ply", "Points3D:positions"),
        ("pypi+gradio/a.mp4", "AssetVideo:blob"),
    ],
)
def test_a_file_is_an_entity_of_its_name_as_sdk_calls_log_it(
    name: str, component: str, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / name
    ours = chunks_of(path, prefix="/here")
    assert component in components(ours)[f"/here/{path.name}"]
    with rr.RecordingStream("t") as recording:
        recording.save(tmp_path / "logged.rrd")
        recording.log_file_from_path(path)
    logged = [m.chunk for m in RrdReader(tmp_path / "logged.rrd").messages() if isinstance(m, StoredChunk)]
    by_name = {c: chunk.components[c].cells for chunk in ours for c in chunk.components}
    assert {c: chunk.components[c].cells for chunk in logged for c in chunk.components if "Info" not in c} == by_name
    summary = importers.info(path)
    assert (summary.size_bytes, [t.count for t in summary.topics]) == (path.stat().st_size, [1])
    assert rr.open(path).entities() == ["/__properties", f"/{path.name}"]


@pytest.mark.real_data
def test_a_robot_with_its_meshes(shared_data: Path) -> None:
    path = shared_data / SO100
    notes: list[Note] = []
    found = components(chunks_of(path, prefix="/arm", note=notes.append))
    assert notes == []
    assert sum("Asset3D:blob" in parts for parts in found.values()) >= 13
    assert all(entity.startswith("/arm/") for entity in found)
    frames = [
        name
        for chunk in chunks_of(path, prefix="/arm")
        for component in ("CoordinateFrame:frame", "Transform3D:child_frame", "Transform3D:parent_frame")
        if component in chunk.components
        for (name,) in chunk.components[component].cells.to_pylist()
    ]
    assert frames
    assert all(frame.startswith("arm/") for frame in frames)
    assert {t.topic for t in importers.info(path).topics} >= {
        e.removeprefix("/arm") for e in found if "geometries" in e
    }


@pytest.mark.real_data
def test_a_missing_mesh_is_a_loss_and_packages_are_searched(shared_data: Path, tmp_path: Path) -> None:
    notes: list[Note] = []
    chunks_of(shared_data / BURGER, note=notes.append)
    (lost,) = notes
    assert lost.is_loss
    assert "burger_base.stl: not found" in lost.text
    mesh = tmp_path / "ws/turtlebot3/turtlebot3_description/meshes/bases/burger_base.stl"
    mesh.parent.mkdir(parents=True)
    mesh.write_bytes(b"solid\nendsolid\n")
    notes.clear()
    chunks_of(shared_data / BURGER, note=notes.append, definitions=(tmp_path / "ws",))
    assert notes == []


@pytest.mark.parametrize(
    ("names", "stamps"),
    [
        (["2.png", "10.png", "1.png"], None),
        (
            ["1403636579763555584.png", "1403636579813555456.png", "1403636579713555584.png"],
            [1403636579713555584, 1403636579763555584, 1403636579813555456],
        ),
        (["1305031102.175304.png", "1305031102.5.png"], [1305031102175304000, 1305031102500000000]),
    ],
)
def test_a_folder_of_pictures_is_a_sequence(names: list[str], stamps: list[int] | None, tmp_path: Path) -> None:
    folder = tmp_path / "cam0"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(PNG + name.encode())
    (folder / ".hidden").write_bytes(b"")
    chunks = chunks_of(folder)
    order = sorted(names, key=lambda name: float(Path(name).stem))
    blobs = [bytes(cell[0]) for chunk in chunks for cell in chunk.components["EncodedImage:blob"].cells.to_pylist()]
    assert blobs == [PNG + name.encode() for name in order]
    assert {chunk.entity_path for chunk in chunks} == {"/cam0"}
    assert np.concatenate([chunk.times["frame"].values for chunk in chunks]).tolist() == list(range(len(names)))
    if stamps is None:
        assert list(chunks[0].times) == ["frame"]
    else:
        assert chunks[0].times["timestamp"].values.tolist() == stamps
        cut = chunks_of(folder, start_nanos=stamps[1])
        assert cut[0].times["timestamp"].values.tolist() == stamps[1:]
    summary = importers.info(folder)
    assert [t.count for t in summary.topics] == [len(names)]
    assert importers.find(folder).recording_id(folder) == importers.find(folder).recording_id(folder)


def test_what_is_in_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Natural order; meshes and texts that come with other things are left out; failures and strangers are told apart."""
    rr.RecordingStream("a").save(tmp_path / "run_10.rrd")
    rr.RecordingStream("a").save(tmp_path / "run_2.rrd")
    (tmp_path / "robot.urdf").write_text("<robot name='r'><link name='a'/></robot>")
    (tmp_path / "meshes").mkdir()
    (tmp_path / "meshes/a.stl").write_bytes(b"solid")
    (tmp_path / "meshes/texture.png").write_bytes(PNG)
    (tmp_path / "README.md").write_text("hello")
    (tmp_path / "empty.bag").write_bytes(b"")
    (tmp_path / "notes.yaml").write_text("a: b")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/x.rrd").write_bytes(b"")
    (tmp_path / "round").symlink_to(tmp_path)
    found = contents(tmp_path)
    assert [member.path.name for member in found.members] == ["robot.urdf", "run_2.rrd", "run_10.rrd"]
    assert [err.message for err in found.failed] == ["is empty"]
    assert [path.name for path in found.strangers] == ["notes.yaml"]
    assert recordings_in(tmp_path) == [tmp_path / "run_2.rrd", tmp_path / "run_10.rrd"]
    assert "empty.bag: is empty; it is left out" in caplog.text
    (below,) = contents(tmp_path / "meshes/..").recordings()[:1]
    assert below.below == ()


def test_a_link_to_a_recording_in_the_same_folder_is_no_further_one(tmp_path: Path) -> None:
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    for folder in (logs / "monday", elsewhere):
        folder.mkdir(parents=True)
        rr.RecordingStream("a").save(folder / "run.rrd")
    (logs / "latest.rrd").symlink_to(logs / "monday" / "run.rrd")
    (logs / "today.rrd").symlink_to(elsewhere / "run.rrd")
    (logs / "tomorrow.rrd").symlink_to(elsewhere / "run.rrd")
    assert recordings_in(logs) == [logs / "monday" / "run.rrd", logs / "today.rrd"]
    assert recordings_in(logs / "latest.rrd") == [logs / "latest.rrd"]


@pytest.mark.parametrize("left", [b"", bytes(4096)])
def test_of_several_parts_an_empty_one_is_left_out(
    left: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The part that a recorder had just begun when the power went."""
    stream = rr.RecordingStream("a", recording_id="run")
    stream.save(tmp_path / "part_0.rrd")
    stream.log("/x", rr.Scalars(1.0))
    stream.disconnect()
    empty = tmp_path / "part_1.rrd"
    empty.write_bytes(left)
    for paths in ([tmp_path / "part_0.rrd", empty], [empty, tmp_path / "part_0.rrd"]):
        caplog.clear()
        (recording,) = open_all(paths)
        assert "/x" in recording.store.entities()
        assert "part_1.rrd: " in caplog.text
        assert caplog.text.strip().endswith("it is left out")
    for nothing in (empty, [empty], [empty, empty]):
        with pytest.raises(EmptyFileError):
            rr.open(nothing)
    with pytest.raises(FileError, match="no such file"):
        rr.open([tmp_path / "part_0.rrd", tmp_path / "part_9.rrd"])


def test_where_there_is_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(NotARecordingError, match="nothing in this folder"):
        contents(tmp_path)
    (tmp_path / "a.bag").write_bytes(b"not one")
    with pytest.raises(NotARecordingError, match="not a file that rrbridge can open"):
        contents(tmp_path)
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(FileError, match="no such file"):
        contents(tmp_path / "nowhere")
    (tmp_path / "latin.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="not UTF-8"):
        chunks_of(tmp_path / "latin.txt")


def test_files_too_large_for_a_cell_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 2**31)
    with pytest.raises(FileError, match="larger than 2147483647 bytes"):
        chunks_of(path)


def test_a_recording_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a b.md"
    path.write_text("hello")
    stored = [m.chunk for m in importers.read(path) if isinstance(m, StoredChunk)]
    names = [chunk.components["RecordingInfo:name"] for chunk in stored if "RecordingInfo:name" in chunk.components]
    assert [column.cells.to_pylist() for column in names] == [[["a b.md"]]]
