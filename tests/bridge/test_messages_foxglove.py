"""Foxglove's schemas, written by its own SDK: what the reference draws of them we draw too, and the rest as they say."""

from __future__ import annotations

import base64
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import foxglove
import numpy as np
import pytest
from foxglove import messages as fm
from foxglove.messages import PackedElementField as Field
from foxglove.messages import PackedElementFieldNumericType as Kind
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from mcap.writer import Writer

from rrbridge.chunk import ChunkStore
from rrbridge.importers import ImportOptions
from rrbridge_bridge.cli import main
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.decode._foxglove_documents import FIELDS, LEAVES

COUNT = 3
START_SECS = 1_700_000_000
RED, GREEN, FAINT = fm.Color(r=1, g=0, b=0, a=1), fm.Color(r=0, g=0.5, b=0, a=1), fm.Color(r=0.2, g=0.4, b=0.6, a=0.5)
HALF_TURN = math.sqrt(0.5)
ENCODINGS = {"rgb8": 3, "rgba8": 4, "bgr8": 3, "bgra8": 4, "mono8": 1, "mono16": 2, "8UC1": 1, "8UC3": 3, "16UC1": 2}
ENCODINGS |= {"32FC1": 4, "64FC1": 8, "rgb16": 6, "yuyv": 2, "yuv422_yuy2": 2}
ENCODINGS |= {f"bayer_{order}8": 1 for order in ("rggb", "bggr", "gbrg", "grbg")}

Cells = dict[str, dict[str, list[Any]]]


def stamp(i: int) -> fm.Timestamp:
    return fm.Timestamp(sec=START_SECS + i, nsec=5)


def pose(i: float) -> fm.Pose:
    """At (i, 2, 3), turned by a quarter to the left."""
    turned = fm.Quaternion(x=0, y=0, z=HALF_TURN, w=HALF_TURN)
    return fm.Pose(position=fm.Vector3(x=i, y=2, z=3), orientation=turned)


def points(*places: tuple[float, float, float]) -> list[fm.Point3]:
    return [fm.Point3(x=x, y=y, z=z) for x, y, z in places]


def packed(values: np.ndarray[Any, Any]) -> list[Field]:
    kinds = {"u1": Kind.Uint8, "u2": Kind.Uint16, "f4": Kind.Float32, "f8": Kind.Float64}
    assert values.dtype.fields is not None
    return [Field(name=n, offset=o, type=kinds[t.str[1:]]) for n, (t, o, *_) in values.dtype.fields.items()]


def write(path: Path, topics: Callable[[int], Iterable[tuple[str, Any]]], count: int = COUNT) -> Path:
    with foxglove.open_mcap(path):
        for i in range(count):
            for topic, message in topics(i):
                foxglove.log(topic, message, log_time=(START_SECS + i) * 10**9)
    return path


def cells_of(path: Path) -> Cells:
    """By entity and component, the cells of each row that has one, in order of time."""
    found: dict[str, dict[str, list[tuple[int, Any]]]] = {}
    conversion = Conversion([path], ImportOptions(fields="none"))
    for chunk in conversion.chunks():
        times = chunk.times["message_log_time"].values if chunk.times else np.zeros(len(chunk))
        for name, column in chunk.components.items():
            rows = found.setdefault(chunk.entity_path, {}).setdefault(name, [])
            cells = zip(times.tolist(), column.cells.to_pylist(), strict=True)
            rows += [(time, cell) for time, cell in cells if cell is not None]
    assert [r for r in conversion.reports if r.unmapped or r.undecodable] == []
    return {e: {n: [c for _, c in sorted(r, key=lambda x: x[0])] for n, r in p.items()} for e, p in found.items()}


def mapped_there(i: int) -> Iterable[tuple[str, Any]]:
    """A message of each schema that the reference draws, in several forms."""
    for name, size in ENCODINGS.items():
        for padding in (0, 4):
            octets = bytes(np.arange((4 * size + padding) * 2, dtype=np.uint8) + i)
            image = fm.RawImage(
                timestamp=stamp(i),
                frame_id="cam",
                width=4,
                height=2,
                encoding=name,
                step=4 * size + padding,
                data=octets,
            )
            yield f"/image/{name}/{padding}", image
    for name in ("jpeg", "png", "webp", "avif"):
        yield f"/file/{name}", fm.CompressedImage(timestamp=stamp(i), frame_id="cam", format=name, data=b"\xff\xd8" * 9)
    for name in ("h264", "h265", "vp9", "av1"):
        video = fm.CompressedVideo(timestamp=stamp(i), frame_id="cam", format=name, data=b"\0\0\0\1\x67" * 9)
        yield f"/video/{name}", video
    matrix = [500.0 + i, 0, 320, 0, 500, 240, 0, 0, 1]
    yield (
        "/camera",
        fm.CameraCalibration(
            timestamp=stamp(i), frame_id="cam", width=640, height=480, K=matrix, D=[0.1], R=[1.0] * 9, P=[1.0] * 12
        ),
    )
    spread = np.zeros(5 + i, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4"), ("ring", "<u2")])
    spread["x"], spread["ring"] = np.arange(5 + i), 7
    colored = np.zeros(
        4, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), *((c, "u1") for c in ("red", "green", "blue", "alpha"))]
    )
    colored["red"], colored["alpha"] = np.arange(4) * 80, 200
    for topic, cloud, at in (("/cloud", spread, pose(i)), ("/colors", colored, None)):
        yield (
            topic,
            fm.PointCloud(
                timestamp=stamp(i), frame_id="lidar", pose=at, point_stride=cloud.itemsize, fields=packed(cloud),
                data=cloud.tobytes(),
            ),
        )  # fmt: skip
    for topic, voxels in (("/voxels", np.zeros(8, [("full", "u1")])), ("/voxels_colored", colored.repeat(2))):
        size = voxels.itemsize
        yield (
            topic,
            fm.VoxelGrid(
                timestamp=stamp(i), frame_id="map", pose=pose(i), row_count=2, column_count=2,
                cell_size=fm.Vector3(x=0.5, y=0.25, z=1), slice_stride=4 * size, row_stride=2 * size, cell_stride=size,
                fields=packed(voxels), data=voxels.tobytes(),
            ),
        )  # fmt: skip
    fix = fm.LocationFix(timestamp=stamp(i), frame_id="gps", latitude=50 + i, longitude=8, altitude=100, color=FAINT)
    plain = fm.LocationFix(timestamp=stamp(i), frame_id="gps", latitude=51 + i, longitude=8, altitude=100)
    yield "/fix", fix
    yield "/plain_fix", plain
    yield "/fixes", fm.LocationFixes(fixes=[fix, plain])
    edges = [
        fm.FrameTransform(
            timestamp=stamp(i), parent_frame_id="map", child_frame_id=child, translation=fm.Vector3(x=i, y=0, z=0),
            rotation=fm.Quaternion(x=0, y=0, z=HALF_TURN, w=HALF_TURN),
        )
        for child in ("base", "arm")
    ]  # fmt: skip
    yield "/edge", edges[0]
    yield "/edges", fm.FrameTransforms(transforms=edges)
    yield "/at", fm.PoseInFrame(timestamp=stamp(i), frame_id="map", pose=pose(i))
    yield "/many", fm.PosesInFrame(timestamp=stamp(i), frame_id="map", poses=[pose(i), pose(i + 1)])
    for level in ("Debug", "Info", "Warning", "Error", "Fatal", "Unknown"):
        line = fm.Log(timestamp=stamp(i), level=getattr(fm.LogLevel, level), message=f"hi {i}", name="node")
        yield f"/log/{level}", line


ABSENT = {
    r"missing  .* (Points3D|GeoPoints|VoxelGridMap):colors": "a column without any value there",
    r"missing  /colors InstancePoses3D:": "a column without any value there",
    r"missing  /log/Unknown TextLog:level": "a null there",
}


@pytest.mark.real_data
def test_what_the_reference_draws_is_here(tmp_path: Path, shared_data: Path, rerun: Callable[..., str]) -> None:
    path = write(tmp_path / "all.mcap", mapped_there)
    ours, theirs = tmp_path / "ours.rrd", tmp_path / "theirs.rrd"
    rerun("mcap", "convert", path, "-o", theirs)
    assert main(["convert", str(path), "-o", str(ours), "--mapping", "reference", "--json"]) == 0
    oracle = shared_data.parent / "oracles" / "superset.py"
    for timeline in ("message_log_time", "timestamp"):
        command = [sys.executable, str(oracle), str(theirs), str(ours), "--time", timeline]
        *differences, count = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout.splitlines()
        assert [line for line in differences if not any(re.match(pattern, line) for pattern in ABSENT)] == []
        agreeing, total = map(int, re.findall(r"\d+", count))
        assert agreeing == total - len(differences) > 200
    theirs.unlink()  # `rerun rrd verify` refuses the columns without values


def test_scans_are_where_their_rays_end(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ranges = [rng.uniform(0.5, 9, 7 + 3 * i) for i in range(COUNT)]
    ranges[1][2], ranges[1][3] = np.inf, 0

    def scan(i: int) -> Iterable[tuple[str, Any]]:
        bright = np.arange(len(ranges[i]), dtype=float).tolist() if i != 2 else []
        yield (
            "/scan",
            fm.LaserScan(
                timestamp=stamp(i), frame_id="laser", pose=pose(i), start_angle=-1, end_angle=1.5,
                ranges=ranges[i].tolist(), intensities=bright,
            ),
        )  # fmt: skip

    found = cells_of(write(tmp_path / "scan.mcap", scan))["/scan"]
    bright = []
    for i, got in enumerate(found["Points3D:positions"]):
        expected = []
        for angle, distance in zip(np.linspace(-1, 1.5, len(ranges[i])), ranges[i], strict=True):
            if 0 < distance < np.inf:  # the pose turns x to y
                expected.append([i - distance * np.sin(angle), 2 + distance * np.cos(angle), 3])
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        if i != 2:
            bright.append([float(k) for k, d in enumerate(ranges[i]) if 0 < d < np.inf])
    assert found["Points3D:intensity"] == bright
    assert found["CoordinateFrame:frame"] == [["laser"]] * COUNT


def test_documents_whose_schema_says_nothing(tmp_path: Path) -> None:
    """JSON with an empty schema, and without what is empty: missing numbers are 0, colours black, alphas and widths 1."""
    place, size = {"position": {"x": 1, "y": 2}}, {"x": 2, "y": 2, "z": 4}
    dots = np.array([[1, 2, 3], [4, 5, 6]], "<f4")
    parts = [{"name": axis, "offset": 4 * i, "type": 7} for i, axis in enumerate("xyz")]
    documents = {
        "SceneUpdate": {
            "entities": [
                {"id": "a", "frame_id": "map", "cubes": [{"pose": place, "size": size}],
                 "cylinders": [{"pose": place, "size": size, "color": {"r": 1, "g": 0, "b": 0}}]}
            ]
        },
        "PointCloud": {"point_stride": 12, "fields": parts, "data": base64.b64encode(dots.tobytes()).decode()},
        "LaserScan": {"start_angle": 0, "end_angle": math.pi / 2, "ranges": [1, None, 3]},
        "ImageAnnotations": {"circles": [{"position": {"x": 5, "y": 6}, "diameter": 4}]},
        "Log": {"message": "hello"},
    }  # fmt: skip
    for number, schema in enumerate((b"", b"{}", b'{"type": "object", "properties": {"entities": {"type": "array"}}}')):
        path = tmp_path / f"{number}.mcap"
        with path.open("wb") as file:
            writer = Writer(file)
            writer.start()
            for name, document in documents.items():
                schema_id = writer.register_schema(f"foxglove.{name}", "jsonschema", schema)
                channel = writer.register_channel(f"/{name}", "json", schema_id)
                writer.add_message(channel, 5, json.dumps(document).encode(), 5)
            writer.finish()  # type: ignore[no-untyped-call]
        found = cells_of(path)
        cubes, cylinders = (found[f"/SceneUpdate/a/{kind}"] for kind in ("cubes", "cylinders"))
        assert (cubes["Boxes3D:centers"], cubes["Boxes3D:half_sizes"]) == ([[[1, 2, 0]]], [[[1, 1, 2]]])
        assert (cubes["Boxes3D:colors"], cylinders["Cylinders3D:colors"]) == ([[0x000000FF]], [[0xFF0000FF]])
        assert cylinders["Cylinders3D:radii"] == [[1]]
        assert found["/PointCloud"]["Points3D:positions"] == [dots.tolist()]
        np.testing.assert_allclose(found["/LaserScan"]["Points3D:positions"], [[[1, 0, 0], [0, 3, 0]]], atol=1e-6)
        assert found["/ImageAnnotations/circles"]["Ellipses2D:half_sizes"] == [[[2, 2]]]
        assert found["/Log"]["TextLog:text"] == [["hello"]]


def test_usual_fields_of_documents_are_those_of_the_schemas() -> None:
    """As the SDK's own descriptors name them."""
    theirs: dict[str, dict[str, bool]] = {}
    for schema in [getattr(fm, name) for name in dir(fm) if hasattr(getattr(fm, name), "get_schema")]:
        for file in FileDescriptorSet.FromString(schema.get_schema().data).file:
            for message in file.message_type:
                theirs[message.name] = {f.name: f.label == f.LABEL_REPEATED for f in message.field}
    assert len(FIELDS) > 30
    for name, text in FIELDS.items():
        pairs = [part.split(" ") for part in text.split(", ")]
        if name != "Time":  # documents spell it otherwise
            ours = {field: kind.endswith("[]") for field, kind in pairs}
            assert ours.items() <= theirs[name].items()
            assert {kind.removesuffix("[]") for _, kind in pairs} <= {*FIELDS, *LEAVES}


def test_transforms_of_nothing_are_told(tmp_path: Path) -> None:
    def nameless(i: int) -> Iterable[tuple[str, Any]]:
        edge = fm.FrameTransform(parent_frame_id="map" if i else "", child_frame_id="base" if i else "")
        yield "/tf", edge
        yield (
            "/tfs",
            fm.FrameTransforms(transforms=[edge, fm.FrameTransform(parent_frame_id="map", child_frame_id="arm")]),
        )

    conversion = Conversion([write(tmp_path / "nameless.mcap", nameless)], ImportOptions(fields="none"))
    edges = [(c.entity_path, len(c)) for c in conversion.chunks() if "Transform3D:child_frame" in c.components]
    assert sorted(edges) == [("/tf", COUNT - 1), ("/tfs", 2 * COUNT - 1)]
    assert [r.unmapped for r in conversion.reports] == [1, 1]


def test_joints_without_a_velocity_have_none(tmp_path: Path) -> None:
    def joints(i: int) -> Iterable[tuple[str, Any]]:
        both = [fm.JointState(name="a", position=i, velocity=2), fm.JointState(name="b", position=4)]
        yield "/joints", fm.JointStates(timestamp=stamp(i), joints=both)

    found = cells_of(write(tmp_path / "joints.mcap", joints))
    assert found["/joints/position"]["Scalars:scalars"] == [[i, 4] for i in range(COUNT)]
    assert found["/joints/velocity"]["Scalars:scalars"] == [[2.0]] * COUNT
    assert found["/joints/velocity"]["SeriesLines:names"] == [["a"]] * COUNT
    assert "/joints/effort" not in found


def test_grids_are_drawn_from_their_lower_edge(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.uint8).reshape(3, 2)
    heights = np.array([[0.0, 1.0], [2.0, 4.0]], "<f4")
    colors = np.zeros((2, 2), [("red", "u1"), ("green", "u1"), ("blue", "u1")])
    colors["red"] = [[1, 2], [3, 4]]

    def grids(i: int) -> Iterable[tuple[str, Any]]:
        for topic, cells in (
            ("/grid/bytes", values.view([("cost", "u1")])),
            ("/grid/floats", heights.view([("height", "<f4")])),
            ("/grid/colors", colors),
        ):
            padded = np.zeros((len(cells), 3), cells.dtype)
            padded[:, :2] = cells.reshape(len(cells), 2)
            yield (
                topic,
                fm.Grid(
                    timestamp=stamp(i), frame_id="map", pose=pose(i), column_count=2, cell_size=fm.Vector2(x=0.5, y=0.5),
                    cell_stride=cells.itemsize, row_stride=3 * cells.itemsize, fields=packed(cells), data=padded.tobytes(),
                ),
            )  # fmt: skip

    found = cells_of(write(tmp_path / "grids.mcap", grids))
    assert found["/grid/bytes"]["GridMap:data"] == [[values[::-1].reshape(-1).tolist()]] * COUNT
    assert found["/grid/floats"]["GridMap:data"] == [[[127, 255, 0, 63]]] * COUNT
    rgba = [[3, 0, 0, 255], [4, 0, 0, 255], [1, 0, 0, 255], [2, 0, 0, 255]]
    assert found["/grid/colors"]["GridMap:data"] == [[[c for pixel in rgba for c in pixel]]] * COUNT
    assert [(f[0]["width"], f[0]["height"]) for f in found["/grid/bytes"]["GridMap:format"]] == [(2, 3)] * COUNT
    assert found["/grid/bytes"]["GridMap:translation"] == [[[i, 2, 3]] for i in range(COUNT)]


def test_geojson_points_and_outlines(tmp_path: Path) -> None:
    square = [[0, 0], [1, 0], [1, 2], [0, 0]]
    shapes = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [8, 50, 100]}},
            {"type": "Feature", "properties": {}, "geometry": None},
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "Polygon", "coordinates": [square, square[::-1]]},
            },
            {"type": "GeometryCollection", "geometries": [{"type": "LineString", "coordinates": square[:2]}]},
        ],
    }
    found = cells_of(write(tmp_path / "geo.mcap", lambda _: [("/geo", fm.GeoJson(geojson=json.dumps(shapes)))]))["/geo"]
    outline = [[y, x] for x, y in square]
    assert found["GeoPoints:positions"] == [[[50, 8]]] * COUNT
    assert found["GeoLineStrings:line_strings"] == [[outline, outline[::-1], outline[:2]]] * COUNT


def entity(i: int, name: str, **primitives: Any) -> fm.SceneEntity:
    kinds = ("arrows", "cubes", "spheres", "cylinders", "lines", "triangles", "texts", "models")
    parts: dict[str, Any] = {kind: [] for kind in kinds} | primitives
    return fm.SceneEntity(timestamp=stamp(i), frame_id="map", id=name, metadata=[], **parts)


def line(kind: fm.LinePrimitiveLineType, **more: Any) -> fm.LinePrimitive:
    corners = points((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0))
    given: dict[str, Any] = {"points": corners, "colors": [], "indices": [], "color": RED} | more
    return fm.LinePrimitive(type=kind, pose=pose(0), thickness=0.2, scale_invariant=False, **given)


def test_scenes_are_drawn_by_entity_and_kind(tmp_path: Path) -> None:
    size = fm.Vector3(x=1, y=2, z=4)
    kinds = fm.LinePrimitiveLineType

    def scene(i: int) -> Iterable[tuple[str, Any]]:
        box = entity(
            i, "box/1",
            cubes=[fm.CubePrimitive(pose=pose(i), size=size, color=FAINT), fm.CubePrimitive(pose=pose(9), size=size, color=RED)],
            arrows=[fm.ArrowPrimitive(pose=pose(i), shaft_length=1, shaft_diameter=0.2, head_length=0.5, color=RED)],
            cylinders=[fm.CylinderPrimitive(pose=pose(i), size=size, bottom_scale=1, top_scale=0, color=RED)],
            texts=[fm.TextPrimitive(pose=pose(i), font_size=1, color=RED, text="hello", billboard=True)],
        )  # fmt: skip
        lines = entity(
            i, "lines",
            lines=[
                line(kinds.LineStrip),
                line(kinds.LineLoop),
                line(kinds.LineList, indices=[3, 0, 1, 2], colors=[RED, GREEN, RED, FAINT]),
                line(kinds.LineLoop, colors=[RED, GREEN, RED, FAINT]),
            ],
            triangles=[
                fm.TriangleListPrimitive(
                    pose=pose(0), points=points((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)), color=GREEN, colors=[],
                    indices=[0, 1, 2, 1, 3, 2],
                )
            ],
        )  # fmt: skip
        yield "/scene", fm.SceneUpdate(entities=[box, lines], deletions=[])

    found = cells_of(write(tmp_path / "scene.mcap", scene))
    box = r"/scene/box\/1"
    assert found[f"{box}/cubes"]["Boxes3D:half_sizes"] == [[[0.5, 1, 2]] * 2] * COUNT
    assert found[f"{box}/cubes"]["Boxes3D:colors"] == [[0x33669980, 0xFF0000FF]] * COUNT
    assert found[f"{box}/cubes"]["Boxes3D:centers"] == [[[i, 2, 3], [9, 2, 3]] for i in range(COUNT)]
    np.testing.assert_allclose(found[f"{box}/arrows"]["Arrows3D:vectors"], [[[0, 1.5, 0]]] * COUNT, atol=1e-6)
    assert found[f"{box}/cylinders"]["Cylinders3D:radii"] == [[0.375]] * COUNT
    assert found[f"{box}/texts"]["Points3D:labels"] == [["hello"]] * COUNT
    assert found[f"{box}/texts"]["CoordinateFrame:frame"] == [["map"]] * COUNT
    corners = [[0, 2, 3], [0, 3, 3], [-1, 3, 3], [-1, 2, 3]]
    for strips in found["/scene/lines/lines"]["LineStrips3D:strips"]:
        expected = [corners, [*corners, corners[0]], [corners[3], corners[0]], [corners[1], corners[2]]]
        expected += [[corners[k], corners[(k + 1) % 4]] for k in range(4)]
        assert len(strips) == len(expected)
        for got, wanted in zip(strips, expected, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-6)
    colors = [0xFF0000FF, 0xFF0000FF, 0x33669980, 0x008000FF, 0xFF0000FF, 0x008000FF, 0xFF0000FF, 0x33669980]
    assert found["/scene/lines/lines"]["LineStrips3D:colors"] == [colors] * COUNT
    assert [len(v) for v in found["/scene/lines/triangles"]["Mesh3D:vertex_positions"]] == [6] * COUNT


def test_models_that_are_left_out_are_told(tmp_path: Path) -> None:
    def scene(i: int) -> Iterable[tuple[str, Any]]:
        one, far = (
            fm.ModelPrimitive(media_type="model/stl", data=b"solid"),
            fm.ModelPrimitive(url="https://nowhere.test/a.stl"),
        )
        yield "/scene", fm.SceneUpdate(entities=[entity(i, "a", models=[[one], [far], [one, one]][i])], deletions=[])

    conversion = Conversion([write(tmp_path / "models.mcap", scene)], ImportOptions(fields="none"))
    drawn = [len(c) for c in conversion.chunks() if "Asset3D:blob" in c.components]
    assert (sum(drawn), conversion.reports[0].unmapped) == (2, 2)


def test_scenes_are_seen_as_a_plain_loop_says(tmp_path: Path) -> None:
    """Entities that come, change their primitives, are deleted by id or all at once, and run out of time."""
    rng = np.random.default_rng(3)
    deletion = fm.SceneEntityDeletionType
    shapes: dict[str, Callable[[float], Any]] = {
        "cubes": lambda x: fm.CubePrimitive(pose=pose(x), size=fm.Vector3(x=1, y=1, z=1), color=RED),
        "spheres": lambda x: fm.SpherePrimitive(pose=pose(x), size=fm.Vector3(x=1, y=1, z=1), color=RED),
    }
    seen: list[dict[str, float]] = []
    up: dict[str, tuple[float, list[str], float]] = {}

    def scene(i: int) -> Iterable[tuple[str, Any]]:
        for name in [name for name, (_, _, end) in up.items() if end <= i]:
            del up[name]
        gone, came = [], []
        if rng.random() < 0.3:
            name = str(rng.choice(["a", "b/c"]))
            up.pop(name, None)
            gone.append(fm.SceneEntityDeletion(timestamp=stamp(i), type=deletion.MatchingId, id=name))
        if rng.random() < 0.1:
            up.clear()
            gone.append(fm.SceneEntityDeletion(timestamp=stamp(i), type=deletion.All, id=""))
        for name in ("a", "b/c", "d"):
            if rng.random() < 0.4:
                kinds = [kind for kind in shapes if rng.random() < 0.6]
                lasts = int(rng.integers(0, 4))
                made: dict[str, Any] = {kind: [shapes[kind](i)] for kind in kinds}
                made["lifetime"] = fm.Duration(sec=lasts)
                came.append(entity(i, name, **made))
                up[name] = (i, kinds, i + lasts if lasts else math.inf)
        yield "/scene", fm.SceneUpdate(entities=came, deletions=gone)
        seen.append({f"{name}/{kind}": at for name, (at, kinds, _) in up.items() for kind in kinds})

    path = write(tmp_path / "scene.mcap", scene, count=60)
    store = ChunkStore.from_chunks(list(Conversion([path], ImportOptions(fields="none")).chunks()))
    assert {len(now) for now in seen} >= {0, 1, 2, 3}
    components = {"cubes": "Boxes3D:centers", "spheres": "Ellipsoids3D:centers"}
    for i, expected in enumerate(seen):
        found: dict[str, list[float]] = {}
        for name, kind in ((n, k) for n in ("a", "b/c", "d") for k in shapes):
            where, component = f"/scene/{name.replace('/', chr(92) + '/')}/{kind}", components[kind]
            for timeline, late in (("message_log_time", 0), ("timestamp", 5)):
                at = (START_SECS + i) * 10**9 + late
                row = store.latest_at(where, [component], timeline, at).get(component)
                if row is not None:
                    found.setdefault(f"{name}/{kind}", []).append(row.values.to_pylist()[0][0])
        assert found == {name: [x, x] for name, x in expected.items()}, i


def test_annotations_are_drawn_in_pixels(tmp_path: Path) -> None:
    kinds = fm.PointsAnnotationType
    corners = [fm.Point2(x=0, y=0), fm.Point2(x=5, y=0), fm.Point2(x=5, y=5), fm.Point2(x=0, y=5)]

    def shape(i: int, kind: fm.PointsAnnotationType, **more: Any) -> fm.PointsAnnotation:
        given = {"outline_colors": []} | more
        return fm.PointsAnnotation(
            timestamp=stamp(i), type=kind, points=corners, outline_color=RED, thickness=2, **given
        )  # fmt: skip

    def annotations(i: int) -> Iterable[tuple[str, Any]]:
        circle = fm.CircleAnnotation(
            timestamp=stamp(i), position=fm.Point2(x=10, y=20), diameter=6, thickness=1, outline_color=GREEN
        )
        text = fm.TextAnnotation(timestamp=stamp(i), position=fm.Point2(x=1, y=2), text="a cat", text_color=RED)
        shapes = [shape(i, kinds.LineLoop), shape(i, kinds.Points, outline_colors=[RED, GREEN, RED, FAINT])]
        shapes += [shape(i, kinds.LineList), shape(i, kinds.LineStrip)] if i != 1 else []
        shapes += [shape(i, kinds.LineStrip, outline_colors=[RED, GREEN, FAINT])] if i == 2 else []
        yield "/drawn", fm.ImageAnnotations(circles=[circle] * (i + 1), points=shapes, texts=[text])

    found = cells_of(write(tmp_path / "drawn.mcap", annotations))
    assert found["/drawn/circles"]["Ellipses2D:half_sizes"] == [[[3, 3]] * (i + 1) for i in range(COUNT)]
    assert found["/drawn/texts"]["Points2D:labels"] == [["a cat"]] * COUNT
    places = [[0, 0], [5, 0], [5, 5], [0, 5]]
    assert found["/drawn/points"]["Points2D:positions"] == [places] * COUNT
    assert found["/drawn/points"]["Points2D:colors"] == [[0xFF0000FF, 0x008000FF, 0xFF0000FF, 0x33669980]] * COUNT
    loop = [*places, places[0]]
    every = [loop, places[:2], places[2:], places]
    steps = [places[k : k + 2] for k in range(3)]
    assert found["/drawn/lines"]["LineStrips2D:strips"] == [every, [loop], [*every, *steps]]
    assert found["/drawn/lines"]["LineStrips2D:colors"][2][4:] == [0xFF0000FF, 0x008000FF, 0x33669980]
