"""Types that the reference does not map: random messages become what a plain loop over them says, by every definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_rows import flat, made_of, path, single, vector
from rosbags.highlevel import AnyReader

from rrbridge.columns import Emit
from rrbridge.stages import Messages
from rrbridge_bridge.messages import adapters
from rrbridge_bridge.messages._colors import class_colors

DefinitionsOf = Callable[[str], list[Any]]
GENERATIONS = pytest.mark.parametrize("generation", [0, 1, 2])


def best_result(detection: Any) -> tuple[str, float] | None:
    results = [getattr(result, "hypothesis", result) for result in detection.results]
    best = max(results, key=lambda r: r.score, default=None)
    return best and (str(getattr(best, "class_id", getattr(best, "id", None))), best.score)


@GENERATIONS
@pytest.mark.parametrize("space", ["2D", "3D"])
def test_detections(space: str, generation: int, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of(f"vision_msgs/msg/Detection{space}Array")[generation]
    messages = definition.random(12, generation)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        detections = message.detections
        labels, colors = [], []
        for detection in detections:
            best, name = best_result(detection), getattr(detection, "tracking_id", getattr(detection, "id", ""))
            labels.append(f"{best[0]} {best[1]:.2f} {name}".strip() if best else name)
            colors.append(class_colors([best[0]])[0] if best else 0xC8C8C8FF)
        frame = message.header.frame_id or (detections[0].header.frame_id if detections else "")
        if space == "3D":
            assert single(made, "CoordinateFrame:frame") == [frame]
            assert single(made, "Boxes3D:labels") == labels
            assert single(made, "Boxes3D:colors") == colors
            assert np.allclose(np.array(single(made, "Boxes3D:half_sizes")).reshape(-1, 3) * 2,
                               np.array([vector(d.bbox.size) for d in detections]).reshape(-1, 3))  # fmt: skip
            continue
        outlined = [bool(d.bbox.center.theta) for d in detections]
        assert single(made, "LineStrips2D:labels") == [t for t, o in zip(labels, outlined, strict=True) if o]
        assert single(made, "Boxes2D:labels") == [t for t, o in zip(labels, outlined, strict=True) if not o]
        assert single(made, "CoordinateFrame:frame") == [f"{frame}_image_plane" if frame else ""]
        for detection, strip in zip(detections, single(made, "LineStrips2D:strips"), strict=False):
            center = getattr(detection.bbox.center, "position", detection.bbox.center)
            angle, strip = detection.bbox.center.theta, np.array(strip)
            assert np.allclose(strip[:4].mean(axis=0), [center.x, center.y], atol=1e-5)
            assert np.allclose(strip[4], strip[0])
            along = np.array([np.cos(angle), np.sin(angle)]) * detection.bbox.size_x
            assert np.allclose(strip[1] - strip[0], along, atol=1e-5)


def test_straight_boxes_stay_boxes(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("vision_msgs/msg/BoundingBox2DArray")[0]
    messages = definition.random(5, 1)
    for message in messages:
        for box in message.boxes:
            box.center.theta = 0.0
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        centers = [[b.center.position.x, b.center.position.y] for b in message.boxes]
        assert np.allclose(np.array(single(made, "Boxes2D:centers")).reshape(-1, 2), np.array(centers).reshape(-1, 2))
        assert single(made, "LineStrips2D:strips") == []


@GENERATIONS
def test_classifications(generation: int, definitions_of: DefinitionsOf) -> None:
    definition = [
        *definitions_of("vision_msgs/msg/Classification"),
        *definitions_of("vision_msgs/msg/Classification2D"),
    ]
    messages = definition[generation].random(8, generation)
    for message, made in zip(messages, made_of(definition[generation], messages), strict=True):
        wanted: Any = defaultdict(list)
        for result in message.results:
            name = str(getattr(result, "class_id", getattr(result, "id", "")))
            wanted[path(name), "Scalars:scalars"].append([result.score])
        assert made == wanted


def test_same_class_same_colour() -> None:
    names = ["car", "person", "7", "", "été"]
    assert class_colors(names).tolist() == [class_colors([name])[0] for name in names]
    assert len(set(class_colors(map(str, range(80))).tolist())) == 80
    assert (class_colors(names) & 0xFF == 0xFF).all()


def test_diagnostics(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("diagnostic_msgs/msg/DiagnosticArray")[0]
    messages = definition.random(10, 3)
    texts = ["1", "-2.5", " +3e2 ", "4.", ".5", "12 V", "nan", "", "0x10", "True", "1e", "--1", "1_000"]
    numbers = {"1": 1.0, "-2.5": -2.5, " +3e2 ": 300.0, "4.": 4.0, ".5": 0.5}
    for number, pair in enumerate(pair for m in messages for s in m.status for pair in s.values):
        pair.value = texts[number % len(texts)]
    seen = 0
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        lines = [[f"{s.name}: {s.message}"] for s in message.status]
        assert made.get(("", "TextLog:text"), []) == lines
        wanted: Any = defaultdict(list)
        for status in message.status:
            level = min(status.level, 3)
            wanted[path(status.name), "StateChange:state"].append([("OK", "WARN", "ERROR", "STALE")[level]])
            for pair in status.values:
                if pair.value in numbers:
                    wanted[path(status.name, pair.key), "Scalars:scalars"].append([numbers[pair.value]])
                    seen += 1
        assert {key: cells for key, cells in made.items() if key[0]} == wanted
    assert seen > 10


def test_joint_trajectories_are_curves_in_the_time_that_they_are_for(definitions_of: DefinitionsOf) -> None:
    """A stamp of 0 asks to begin at once: when the message was sent."""
    definition = definitions_of("trajectory_msgs/msg/JointTrajectory")[0]
    messages = definition.random(6, 4)
    for message in messages[::2]:
        message.header.stamp.sec = message.header.stamp.nanosec = 0
    sent = np.arange(6) * 10**9 + 1_700_000_000 * 10**9
    (stage,) = adapters.stages_of(definition.msgtype)
    _, emits = stage.function(None, Messages("/plan", definition.columns(messages), sent + 5, sent))
    found: dict[tuple[int, str, str], list[Any]] = defaultdict(list)
    for emit in emits:
        assert isinstance(emit, Emit)
        assert emit.rows is not None
        times = emit.times[0].values.tolist()
        for column in flat(emit):
            for row, time, cell in zip(emit.rows.tolist(), times, column.cells.to_pylist(), strict=True):
                found[row, str(emit.at), column.descriptor.component].append((time, cell))
    for row, message in enumerate(messages):
        start = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec or int(sent[row])
        times = [start + p.time_from_start.sec * 10**9 + p.time_from_start.nanosec for p in message.points]
        for quantity in ("positions", "velocities", "accelerations", "effort"):
            values = [getattr(p, quantity).tolist() for p in message.points]
            names = [message.joint_names] * len(message.points)
            assert found[row, quantity, "Scalars:scalars"] == list(zip(times, values, strict=True))
            assert found[row, quantity, "SeriesLines:names"] == list(zip(times, names, strict=True))


def test_ways_of_free_joints(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("trajectory_msgs/msg/MultiDOFJointTrajectory")[0]
    messages = definition.random(8, 5)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        ways: dict[int, list[list[float]]] = defaultdict(list)
        for point in message.points:
            for joint, transform in enumerate(point.transforms):
                ways[joint].append(vector(transform.translation))
        strips = single(made, "LineStrips3D:strips")
        assert [len(strip) for strip in strips] == [len(ways[joint]) for joint in sorted(ways)]
        for joint, strip in enumerate(strips):
            assert np.allclose(strip, ways[joint])


def test_interfaces_of_joints(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("control_msgs/msg/DynamicJointState")[0]
    messages = definition.random(40, 6)
    for message in messages[::2]:  # as they should be; the others are random
        message.interface_values = message.interface_values[: len(message.joint_names)]
        for interface in message.interface_values:
            interface.values = np.arange(len(interface.interface_names)) + 0.5
    seen = 0
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        wanted: Any = defaultdict(list)
        for joint, interface in zip(message.joint_names, message.interface_values, strict=False):
            if len(interface.interface_names) == len(interface.values):
                for name, value in zip(interface.interface_names, interface.values, strict=True):
                    wanted[path(joint, name), "Scalars:scalars"].append([value])
                    seen += 1
        assert made == wanted
    assert seen > 50


@pytest.mark.parametrize("generation", [0, 1])
def test_controllers(generation: int, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("control_msgs/msg/JointTrajectoryControllerState")[generation]
    messages = definition.random(4, 7)
    parts = ("desired", "actual", "error") if generation else ("reference", "feedback", "error", "output")
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        for part in parts:
            point = getattr(message, part)
            assert single(made, "Scalars:scalars", f"{part}/velocities") == point.velocities.tolist()
            assert single(made, "SeriesLines:names", f"{part}/velocities") == message.joint_names


@pytest.mark.parametrize("generation", [0, 1])
def test_disparity_is_depth(generation: int, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("stereo_msgs/msg/DisparityImage")[generation]
    messages = definition.random(3, 8)
    for number, message in enumerate(messages):
        disparity = np.random.default_rng(number).uniform(-5, 60, (4, 5)).astype(np.float32)
        disparity[0, 0] = np.nan
        image = message.image
        image.height, image.width, image.encoding, image.step, image.is_bigendian = 4, 5, "32FC1", 20, 0
        image.data, message.min_disparity = np.frombuffer(disparity.tobytes(), np.uint8), 2.0
    for number, (message, made) in enumerate(zip(messages, made_of(definition, messages), strict=True)):
        disparity = np.random.default_rng(number).uniform(-5, 60, (4, 5)).astype(np.float32)
        disparity[0, 0] = np.nan
        (buffer,) = single(made, "DepthImage:buffer")
        depth = np.array(buffer, np.uint8).view(np.float32).reshape(4, 5)
        baseline = message.T if hasattr(message, "T") else message.t
        for found, pixels in zip(depth.reshape(-1), disparity.reshape(-1), strict=True):
            expected = message.f * baseline / pixels if pixels >= 2.0 else 0.0
            assert np.isclose(found, expected, rtol=1e-5)


def test_maps_of_the_earth(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("geographic_msgs/msg/GeographicMap")[0]
    messages = definition.random(20, 9)
    for message in messages:
        for number, point in enumerate(message.points):
            point.id.uuid = np.full(16, number, np.uint8)
        for number, part in enumerate(c for f in message.features for c in f.components):
            part.uuid = np.full(16, number % 5, np.uint8)
    lines = 0
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        places = {bytes(p.id.uuid): [p.position.latitude, p.position.longitude] for p in message.points}
        ways = [[places[bytes(c.uuid)] for c in f.components if bytes(c.uuid) in places] for f in message.features]
        found = single(made, "GeoLineStrings:line_strings", "features")
        assert found == [way for way in ways if len(way) > 1]
        assert single(made, "GeoPoints:positions") == list(places.values())
        lines += len(found)
    assert lines > 10


def test_routes(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("geographic_msgs/msg/RouteNetwork")[0]
    messages = definition.random(20, 10)
    for message in messages:
        for number, point in enumerate(message.points):
            point.id.uuid = np.full(16, number, np.uint8)
        for number, segment in enumerate(message.segments):
            segment.start.uuid, segment.end.uuid = np.full(16, number % 4, np.uint8), np.full(16, number % 3, np.uint8)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        places = {bytes(p.id.uuid): [p.position.latitude, p.position.longitude] for p in message.points}
        ends = [(bytes(s.start.uuid), bytes(s.end.uuid)) for s in message.segments]
        ways = [[places[a], places[b]] for a, b in ends if a in places and b in places]
        assert single(made, "GeoLineStrings:line_strings", "segments") == ways


def test_solids(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("shape_msgs/msg/SolidPrimitive")[0]
    messages = definition.random(6, 11)
    kinds = [(1, [1, 2, 3]), (2, [0.5]), (3, [2, 0.25]), (4, [2, 0.5]), (5, [1]), (1, [1, 2])]
    for message, (kind, sizes) in zip(messages, kinds, strict=True):
        message.type, message.dimensions = kind, np.array(sizes, float)
    box, sphere, cylinder, cone, prism, flat_box = made_of(definition, messages)
    assert single(box, "Boxes3D:half_sizes") == [[0.5, 1, 1.5]]
    assert single(sphere, "Ellipsoids3D:half_sizes") == [[0.5, 0.5, 0.5]]
    assert single(cylinder, "Cylinders3D:lengths") == [2]
    assert single(cylinder, "Cylinders3D:radii") == [0.25]
    vertices = np.array(single(cone, "Mesh3D:vertex_positions"))
    assert vertices[:, 2].tolist().count(1.0) == 1
    assert np.isclose(np.linalg.norm(vertices[:, :2], axis=1).max(), 0.5)
    assert np.array(single(cone, "Mesh3D:triangle_indices")).max() < len(vertices)
    assert [key[0] for made in (prism, flat_box) for key in made] == ["skipped", "skipped"]


def test_meshes_have_the_corners_that_they_name(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("shape_msgs/msg/Mesh")[0]
    messages = definition.random(30, 12)
    drawn = 0
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        corners = [t.vertex_indices.tolist() for t in message.triangles]
        if max((i for triangle in corners for i in triangle), default=-1) >= len(message.vertices):
            assert [key[0] for key in made] == ["skipped"]
            continue
        drawn += 1
        assert single(made, "Mesh3D:triangle_indices") == corners
        assert np.allclose(
            np.array(single(made, "Mesh3D:vertex_positions")).reshape(-1, 3),
            np.array([vector(v) for v in message.vertices]).reshape(-1, 3),
        )
    assert drawn > 2


@pytest.mark.parametrize(
    ("msgtype", "tags"),
    [
        ("apriltag_msgs/msg/AprilTagDetectionArray", "detections"),
        ("apriltag_msgs/msg/ApriltagArrayStamped", "apriltags"),
    ],
)
def test_tags_in_pictures(msgtype: str, tags: str, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of(msgtype)[0]
    messages = definition.random(6, 13)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        strips = [[[c.x, c.y] for c in (*tag.corners, tag.corners[0])] for tag in getattr(message, tags)]
        assert single(made, "LineStrips2D:strips") == strips
        assert single(made, "LineStrips2D:labels") == [str(tag.id) for tag in getattr(message, tags)]


def test_radar_echoes(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("radar_msgs/msg/RadarScan")[0]
    messages = definition.random(6, 14)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        places = single(made, "Points3D:positions")
        for echo, place in zip(message.returns, places, strict=True):
            assert np.isclose(np.linalg.norm(place), abs(echo.range), rtol=1e-5)
            assert np.isclose(place[2], echo.range * np.sin(echo.elevation), rtol=1e-4, atol=1e-5)
        assert single(made, "Points3D:amplitude") == [echo.amplitude for echo in message.returns]


def test_particles_are_coloured_by_weight(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("nav2_msgs/msg/ParticleCloud")[0]
    (message,) = definition.random(1, 15)
    message.particles = (definition.random(1, 16)[0].particles * 9)[:3]
    message.particles = [
        type(p)(pose=p.pose, weight=w) for p, w in zip(message.particles, (0.0, 0.5, 1.0), strict=False)
    ]
    (made,) = made_of(definition, [message])
    colors = single(made, "Arrows3D:colors")
    assert colors[0] == 0x4060C0FF
    assert colors[-1] == 0xFFA020FF
    assert len(set(colors)) == len(message.particles)


@pytest.mark.parametrize("generation", [0, 1])
def test_behaviour_trees(generation: int, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("nav2_msgs/msg/BehaviorTreeLog")[generation]
    messages = definition.random(6, 16)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        lines = [[f"{e.node_name}: {e.previous_status} → {e.current_status}"] for e in message.event_log]
        assert made.get(("", "TextLog:text"), []) == lines
        wanted: Any = defaultdict(list)
        for event in message.event_log:
            wanted[path(event.node_name), "StateChange:state"].append([event.current_status])
        assert {key: cells for key, cells in made.items() if key[0]} == wanted


def test_statistics(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("statistics_msgs/msg/MetricsMessage")[0]
    messages = definition.random(6, 17)
    kinds = ("uninitialized", "average", "minimum", "maximum", "stddev", "sample_count")
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        wanted: Any = defaultdict(list)
        for statistic in message.statistics:
            at = path(message.measurement_source_name, message.metrics_source, kinds[min(statistic.data_type, 5)])
            wanted[at, "Scalars:scalars"].append([statistic.data])
        assert made == wanted


@pytest.mark.parametrize("kind", ["UInt8", "Byte", "Float32", "Int64"])
def test_many_numbers_are_no_plot(kind: str, definitions_of: DefinitionsOf) -> None:
    """Few are a series each; many are an array of the layout's shape; of many without a shape, the fields are all there is."""
    rng = np.random.default_rng(5)
    for definition in definitions_of(f"std_msgs/msg/{kind}MultiArray"):
        axis = definitions_of("std_msgs/msg/MultiArrayDimension")[0].random(1, 0)[0]
        messages = definition.random(6, 3)
        sizes = [(7,), (40, 50), (2000,), (10, 3), (40, 50), (20, 10, 10)]
        for message, size in zip(messages, sizes, strict=True):
            message.layout.data_offset = 0
            message.data = rng.integers(0, 100, np.prod(size)).astype(message.data.dtype)
            message.layout.dim = [replace(axis, label=f"axis {i}", size=n) for i, n in enumerate(size)]
        messages[4].layout.dim[1].size += 1
        messages[5].layout.data_offset, messages[5].data = 3, np.concatenate([messages[5].data[:3], messages[5].data])
        made = made_of(definition, messages)
        shaped = {1: messages[1].data, 5: messages[5].data[3:]}
        for row, (message, size) in enumerate(zip(messages, sizes, strict=True)):
            if row in (0, 3):
                assert made[row] == {("", "Scalars:scalars"): [message.data.tolist()]}
            elif row in shaped:
                (tensor,) = single(made[row], "Tensor:data")
                assert tensor == {
                    "shape": list(size),
                    "names": [f"axis {i}" for i in range(len(size))],
                    "buffer": shaped[row].tolist(),
                }
            else:
                assert not made[row]


def test_inertia_is_that_of_the_ellipsoid(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("geometry_msgs/msg/Inertia")[0]
    (message,) = definition.random(1, 18)
    message.m, half = 5.0, np.array([0.3, 0.2, 0.1])
    moments = message.m / 5 * (half @ half - half**2)
    message.ixx, message.iyy, message.izz = moments.tolist()
    message.ixy = message.ixz = message.iyz = 0.0
    (made,) = made_of(definition, [message])
    assert np.allclose(sorted(single(made, "Ellipsoids3D:half_sizes")[0]), sorted(half), atol=1e-6)


@pytest.mark.parametrize("generation", [0, 1])
def test_grid_maps(generation: int, definitions_of: DefinitionsOf) -> None:
    """Cell by cell as grid_map's own iterator goes: from the corner of most positive x and y on, around the start index."""
    definition = definitions_of("grid_map_msgs/msg/GridMap")[generation]
    (message,) = definition.random(1, 20)
    array = definitions_of("std_msgs/msg/Float32MultiArray")[0].random(1, 0)[0]
    dimension = definitions_of("std_msgs/msg/MultiArrayDimension")[0].random(1, 0)[0]
    rows, columns = 4, 3
    array.layout.dim = [
        replace(dimension, label="column_index", size=columns),
        replace(dimension, label="row_index", size=rows),
    ]
    rng = np.random.default_rng(21)
    layers = [rng.normal(size=rows * columns).astype(np.float32) for _ in range(2)]
    layers[1][5] = np.nan
    message.layers, message.data = ["slope", "elevation"], [replace(array, data=layer) for layer in layers]
    message.outer_start_index, message.inner_start_index, message.info.resolution = 3, 1, 0.5
    pose = message.info.pose
    pose.orientation.x = pose.orientation.y = pose.orientation.z = 0.0
    (made,) = made_of(definition, [message])
    wanted = []
    for i in range(rows):
        for j in range(columns):
            index = (j + 1) % columns * rows + (i + 3) % rows
            x = pose.position.x + 0.5 * ((rows - 1) / 2 - i)
            y = pose.position.y + 0.5 * ((columns - 1) / 2 - j)
            if np.isfinite(layers[1][index]):
                wanted.append([x, y, pose.position.z + layers[1][index], layers[0][index]])
    found = np.column_stack([single(made, "Points3D:positions"), single(made, "Points3D:layer_slope")])
    assert np.allclose(found, wanted, atol=1e-6)
    message.data[0].data = layers[0][1:]
    (made,) = made_of(definition, [message])
    assert [at for at, _ in made] == ["skipped"]


REAL = {
    "ANYbotics+grid_map/grid_map.bag": ["grid_map_msgs/msg/GridMap"],
    "berndpfrommer+tagslam_test/test_1_tag_detections.bag": ["apriltag_msgs/msg/ApriltagArrayStamped"],
    "UbiquityRobotics+fiducials/aruco_transforms.bag": ["fiducial_msgs/msg/FiducialTransformArray"],
    "cmu-rss-lab+roswire/example.bag": [
        *("mavros_msgs/msg/State", "mavros_msgs/msg/WaypointList", "diagnostic_msgs/msg/DiagnosticArray"),
    ],
    "jsk-ros-pkg+jsk_recognition/wrench_sensing_drill_vibration.bag": ["geometry_msgs/msg/WrenchStamped"],
    "cruise-automation+rosbag.js/example-lz4.bag": ["turtlesim/msg/Pose"],
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_recordings(name: str, shared_data: Any) -> None:
    """Every message of a type is drawn, by whatever definition the recording has."""
    from rrbridge.importers import ImportOptions
    from rrbridge_bridge.conversion import Conversion

    conversion = Conversion([shared_data / name], ImportOptions())
    drawn: dict[str, set[str]] = defaultdict(set)
    for chunk in conversion.chunks():
        drawn[chunk.entity_path] |= {component for component in chunk.components if ":message" not in component}
    reports = {report.msgtype: report for report in conversion.reports}
    with AnyReader([shared_data / name]) as reader:
        counts = {connection.msgtype: connection.msgcount for connection in reader.connections}
    for msgtype in REAL[name]:
        assert reports[msgtype].messages == counts[msgtype] > 0
        assert reports[msgtype].unmapped == 0
        entity = reports[msgtype].entity_path
        below = set().union(
            *(parts for path, parts in drawn.items() if path == entity or path.startswith(f"{entity}/"))
        )
        assert below & {
            "LineStrips2D:strips", "Arrows3D:vectors", "GeoPoints:positions", "InstancePoses3D:translations",
            "Points3D:positions", "TextLog:text", "StateChange:state",
        }  # fmt: skip


def test_imus_that_know_how_they_are_turned(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("sensor_msgs/msg/Imu")[0]
    messages = definition.random(4, 19)
    turn = type(messages[0].orientation)
    messages[0].orientation = turn(0.0, 0.0, np.sin(0.3), np.cos(0.3))
    messages[1].orientation = turn(np.sin(-0.2), 0.0, 0.0, np.cos(0.2))
    messages[2].orientation_covariance[0] = -1  # it does not know
    messages[3].orientation = turn(0.0, 0.0, 0.0, 0.0)
    yawed, rolled, unknown, unset = made_of(definition, messages)
    assert np.allclose(single(yawed, "Scalars:scalars", "orientation"), [0, 0, 0.6])
    assert np.allclose(single(rolled, "Scalars:scalars", "orientation"), [-0.4, 0, 0])
    assert single(yawed, "CoordinateFrame:frame", "orientation") == [""]
    assert {at for made in (unknown, unset) for at, _ in made} == {""}
