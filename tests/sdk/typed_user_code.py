"""Programs as users write them, for type checkers: what must pass, what must be found, and which types come out.

`scripts/test` runs strict mypy over it, `test_typing.py` pyright. A line with an ignore is wrong on purpose: both report
an ignore that was not needed. Nothing here runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import rrbridge as rr
import rrbridge.blueprint as rrb
from rrbridge.chunk import (
    Chunk,
    ChunkStore,
    DeriveLens,
    LazyChunkStream,
    LazyStore,
    McapReader,
    MutateLens,
    OptimizationProfile,
    RrdReader,
    Selector,
    StreamingReader,
)
from rrbridge.urdf import UrdfJoint, UrdfLink, UrdfTree

XYZ: npt.NDArray[np.float32] = np.zeros((10, 3), np.float32)
RGB: npt.NDArray[np.uint8] = np.zeros((10, 3), np.uint8)
PICTURE: npt.NDArray[np.uint8] = np.zeros((480, 640, 3), np.uint8)


def shapes() -> None:
    rr.init("typed", spawn=False)
    rr.log("points", rr.Points3D(XYZ, colors=RGB, radii=0.1, labels=["a"] * 10))
    rr.log("points", rr.Points3D([[1, 2, 3], [4.5, 5, 6]], colors=[[255, 0, 0], [0, 0.5, 1]]), static=True)
    rr.log(["a", "list of parts"], rr.Boxes3D(half_sizes=[1, 2, 3]), rr.TransformAxes3D(0.5))
    rr.log("boxes", rr.Boxes3D(mins=[0, 0, 0], sizes=[1, 1, 1], fill_mode="solid"))
    rr.log("strips", rr.LineStrips3D([XYZ, XYZ[:3]], colors=0xFF0000FF))
    rr.log("arrows", rr.Arrows3D(vectors=XYZ, origins=XYZ))
    rr.log("listed", rr.Points3D([XYZ[0], [1, 2.5, 3], (4, 5, 6)], colors=[RGB[0], (255, 0, 0)]))
    rr.log("mesh", rr.Mesh3D(vertex_positions=XYZ[:9], triangle_indices=[[0, 1, 2]]))
    rr.log("asset", rr.Asset3D(path=Path("robot.glb")))
    rr.log("flat", rr.Points2D(np.zeros((4, 2))), rr.Boxes2D(sizes=[[1, 2]], mins=[[0, 0]]))


def frames_and_cameras() -> None:
    rr.log("frame", rr.Transform3D(translation=(1, 2, 3), quaternion=[0, 0, 0, 1], scale=2.0))
    rr.log("frame", rr.Transform3D(rotation=rr.RotationAxisAngle(axis=[0, 0, 1], degrees=90)))
    rr.log("frame", rr.Transform3D(mat3x3=np.eye(3), parent_frame="map", child_frame="odom"))
    rr.log("camera", rr.Pinhole(focal_length=300.0, width=640, height=480))
    rr.log("camera", rr.ViewCoordinates.RDF, static=True)
    rr.log("image", rr.Image(PICTURE, color_model="RGB"), rr.EncodedImage(contents=b"...", media_type="image/png"))
    rr.log("depth", rr.DepthImage(np.zeros((4, 4), np.uint16), meter=1000.0))
    rr.log("labels", rr.SegmentationImage(np.zeros((4, 4), np.uint8)))


def texts_and_numbers() -> None:
    rr.set_time("frame", sequence=3)
    rr.set_time("clock", timestamp=datetime.now(UTC))
    rr.set_time("elapsed", duration=0.5)
    rr.log("log", rr.TextLog("hello", level=rr.TextLogLevel.INFO))
    rr.log("document", rr.TextDocument("# hello", media_type="text/markdown"))
    rr.log("speed", rr.Scalars(1.5), rr.SeriesLines(names="speed", widths=2))
    rr.log("speeds", rr.Scalars([1.0, 2.0]))
    rr.log("any", rr.AnyValues(confidence=0.5, note="free"))


def columns_and_updates() -> None:
    column = rr.TimeColumn("frame", sequence=range(10))
    found = rr.Points3D.columns(positions=XYZ, colors=RGB)
    assert_type(found, rr.ComponentColumnList)
    rr.send_columns("points", indexes=[column], columns=found)
    rr.send_columns(
        "speed", indexes=[rr.TimeColumn("at", duration=np.arange(3.0))], columns=rr.Scalars.columns([1, 2, 3])
    )
    assert_type(rr.Points3D.from_fields(radii=0.2), rr.Points3D)
    assert_type(rr.Points3D.cleared(), rr.Points3D)
    assert_type(rr.Points3D(XYZ).as_component_batches(), list[rr.DescribedComponentBatch])


def recordings(path: Path) -> Iterable[Chunk]:
    with rr.RecordingStream("typed", recording_id="one") as recording:
        assert_type(recording, rr.RecordingStream)
        recording.save(path)
        recording.log("points", rr.Points3D(XYZ))
        recording.send_blueprint(rrb.Blueprint(rrb.Horizontal(rrb.Spatial3DView(origin="/"), rrb.TimeSeriesView())))
        recording.flush()
    store = ChunkStore()
    for message in RrdReader(path).messages():
        print(message)
    return store.chunks()


class Confidence(rr.Archetype):
    """An archetype of one's own."""

    values: rr.components.ScalarLike


def own_archetypes() -> None:
    rr.log("own", Confidence([0.5, 0.25]))
    assert_type(Confidence.archetype(), str)
    Confidence(value=1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def robots(path: Path) -> None:
    tree = UrdfTree.from_file_path(path, frame_prefix="left/")
    assert_type(tree.joints(), list[UrdfJoint])
    assert_type(tree.root_link(), UrdfLink)
    assert_type(tree.get_joint_by_name("elbow"), UrdfJoint | None)
    assert_type(tree.stream(), LazyChunkStream)
    for joint in tree.joints():
        assert_type(joint.limit_lower, float)
        rr.log("joints", joint.compute_transform(0.5, clamp=False))
        assert_type(joint.compute_transform_columns([0.0, 0.5]), rr.ComponentColumnList)
    tree.log_urdf_to_recording()
    tree.get_joint_by_name("elbow").compute_transform(0.5)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    tree.joints()[0].name = "shoulder"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    UrdfTree.from_file_path(path, "prefix", "left/")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def pipelines(path: Path) -> None:
    reader = RrdReader(path)
    source: StreamingReader = McapReader(path, decoders=["ros2msg"], start_time_ns=5)
    stream = source.stream().filter(
        content=["/imu/**", "- /imu/raw"], components=rr.ComponentDescriptor("Scalars:scalars")
    )
    lens = DeriveLens("Imu:sample", scatter=True).to_scalars("x", "y").to_timeline("t", "sequence", ".stamp!")
    mapped = stream.lenses([lens, MutateLens("x", Selector(".a"))]).map(lambda chunk: chunk)
    kept, rest = mapped.split(is_static=True)
    assert_type(LazyChunkStream.merge(kept, rest), LazyChunkStream)
    assert_type(stream.flat_map(lambda chunk: [chunk, chunk]).to_chunks(), list[Chunk])
    assert_type(stream.collect(optimize=OptimizationProfile.LIVE), ChunkStore)
    assert_type(reader.store(store=reader.recordings()[0]), LazyStore)
    assert_type(next(iter(stream)).apply_lenses(lens), list[Chunk])
    reader.stream().write_rrd(path, application_id="app", recording_id="run")
    rr.send_chunks(stream)
    rr.send_chunks(reader.store())
    stream.map(lambda chunk: chunk.num_rows)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    stream.filter("/imu")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def misuse(anything: Any) -> None:
    rr.Points3D()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.Points3D(XYZ, colour=RGB)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.Points3D(XYZ, 0.1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.Points3D(XYZ, show_labels="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rr.Points3D.columns(position=XYZ)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.Points3D(XYZ).positions = anything  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    rr.Transform3D([1, 2, 3])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.Transform3D(parent_frame=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rr.Points3D([["one", "two", "three"]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    rr.Pinhole(focal="long")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.TextLog(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rr.Boxes3D(half_size=[1, 2, 3])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.log(rr.Points3D(XYZ), "points")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rr.log("points")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.set_time("frame", sequence="three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rr.send_columns("points", columns=rr.Points3D.columns(positions=XYZ))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.RecordingStream()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rr.Point3D(XYZ)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
