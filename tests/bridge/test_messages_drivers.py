"""Messages of drivers, simulators, detectors and autopilots: random ones become what a plain loop over them says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_rows import made_of, path, single, vector

from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main
from rrbridge_bridge.decode import _common, decode_what_can, decoder_for
from rrbridge_bridge.fields import struct_array
from rrbridge_bridge.messages._colors import class_colors
from rrbridge_bridge.raw import Connection, RawBatch

DefinitionsOf = Callable[[str], list[Any]]


def xyzw(rotation: Any) -> list[float]:
    return [rotation.x, rotation.y, rotation.z, rotation.w]


def close(ours: Any, theirs: Any) -> bool:
    return bool(np.allclose(np.array(ours, float).reshape(-1), np.array(theirs, float).reshape(-1), equal_nan=True))


def test_common_types_are_decoded_without_a_definition_in_the_recording(definitions_of: DefinitionsOf) -> None:
    """As `.db3` files up to Humble have none; one of another layout is not taken for what is known."""
    names = [name for name in _common._all() if definitions_of(name)]
    assert {"vision_msgs/msg/Detection2DArray", "livox_ros_driver2/msg/CustomMsg"} <= set(names)
    for name in names:
        definition = definitions_of(name)[0]
        messages = definition.random(5, 14)
        connection = Connection(1, "/t", name, "cdr")
        raw = [bytes(definition.store.serialize_cdr(message, name)) for message in messages]
        got = decode_what_can(decoder_for(connection), RawBatch.of(connection, raw, np.arange(5)))
        assert not len(got.bad), (name, got.error)
        wanted = definition.columns(messages)
        assert struct_array(got.columns, list(got.columns)).equals(struct_array(wanted, list(wanted))), name
    foxy = definitions_of("vision_msgs/msg/Detection2D")[-1]
    connection = Connection(1, "/t", foxy.msgtype, "cdr")
    raw = [bytes(foxy.store.serialize_cdr(message, foxy.msgtype)) for message in foxy.random(5, 15)]
    assert len(decode_what_can(decoder_for(connection), RawBatch.of(connection, raw, np.arange(5))).bad) == 5


@pytest.mark.parametrize("package", ["livox_ros_driver", "livox_ros_driver2", "livox_interfaces"])
def test_livox_clouds(package: str, definitions_of: DefinitionsOf) -> None:
    (definition,) = definitions_of(f"{package}/msg/CustomMsg")
    messages = definition.random(8, 1)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        assert close(single(made, "Points3D:positions"), [[p.x, p.y, p.z] for p in message.points])
        for name in ("offset_time", "reflectivity", "tag", "line"):
            assert single(made, f"Points3D:{name}") == [getattr(p, name) for p in message.points]


def test_models_of_a_simulator(definitions_of: DefinitionsOf) -> None:
    (definition,) = definitions_of("gazebo_msgs/msg/ModelStates")
    messages = definition.random(12, 2)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        wanted: dict[str, list[Any]] = defaultdict(list)
        for name, pose in zip(message.name, message.pose, strict=False):  # random lists are of different lengths
            wanted[path(name)].append((vector(pose.position), xyzw(pose.orientation)))
        found = {at for at, _ in made}
        assert found == set(wanted)
        for at, poses in wanted.items():
            assert close(made[at, "InstancePoses3D:translations"], [place for place, _ in poses])
            assert close(made[at, "InstancePoses3D:quaternions"], [turn for _, turn in poses])


@pytest.mark.parametrize("kind", ["Detected", "Tracked", "Predicted"])
def test_things_on_the_road(kind: str, definitions_of: DefinitionsOf) -> None:
    (definition,) = definitions_of(f"autoware_perception_msgs/msg/{kind}Objects")
    names = [
        *("UNKNOWN", "CAR", "TRUCK", "BUS", "TRAILER", "MOTORCYCLE", "BICYCLE", "PEDESTRIAN"),
        *("ANIMAL", "HAZARD", "OVER_DRIVABLE", "UNDER_DRIVABLE"),
    ]
    messages = definition.random(8, 3)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        labels, classes, places, paths = [], [], [], []
        for thing in message.objects:
            best = max(thing.classification, key=lambda c: c.probability, default=None)
            classes.append("UNKNOWN" if best is None else names[best.label])
            labels.append("UNKNOWN" if best is None else f"{names[best.label]} {best.probability:.2f}")
            known = thing.kinematics
            pose = known.initial_pose_with_covariance if kind == "Predicted" else known.pose_with_covariance
            places.append(vector(pose.pose.position))
            paths += [[vector(p.position) for p in way.path] for way in getattr(known, "predicted_paths", [])]
        assert single(made, "Boxes3D:labels") == labels
        assert single(made, "Boxes3D:colors") == class_colors(classes).tolist()
        assert close(single(made, "Boxes3D:centers"), places)
        halves = [vector(thing.shape.dimensions) for thing in message.objects]
        assert close(single(made, "Boxes3D:half_sizes"), np.array(halves) / 2)
        assert len(single(made, "Arrows3D:vectors", "velocity")) == len(places)
        if kind == "Predicted":
            strips = single(made, "LineStrips3D:strips", "paths")
            assert [len(strip) for strip in strips] == [len(way) for way in paths]
            assert all(close(strip, way) for strip, way in zip(strips, paths, strict=True))


@pytest.mark.parametrize("generation", [0, 1])
def test_boxes_of_darknet(generation: int, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("darknet_ros_msgs/msg/BoundingBoxes")[generation]
    messages = definition.random(8, 4)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        boxes = message.bounding_boxes
        assert close(single(made, "Boxes2D:centers"), [[(b.xmin + b.xmax) / 2, (b.ymin + b.ymax) / 2] for b in boxes])
        assert close(
            single(made, "Boxes2D:half_sizes"), [[(b.xmax - b.xmin) / 2, (b.ymax - b.ymin) / 2] for b in boxes]
        )
        assert single(made, "Boxes2D:labels") == [f"{b.Class} {b.probability:.2f}" for b in boxes]
        frame = message.image_header.frame_id
        assert single(made, "CoordinateFrame:frame") == [f"{frame}_image_plane" if frame else ""]


def test_boxes_of_yolo(definitions_of: DefinitionsOf) -> None:
    (definition,) = definitions_of("yolo_msgs/msg/DetectionArray")
    messages = definition.random(8, 5)
    for message in messages:
        for detection in message.detections:
            detection.bbox.center.theta = 0.0
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        boxes = [d.bbox for d in message.detections]
        assert close(single(made, "Boxes2D:centers"), [[b.center.position.x, b.center.position.y] for b in boxes])
        assert close(single(made, "Boxes2D:half_sizes"), [[b.size.x / 2, b.size.y / 2] for b in boxes])
        wanted = [f"{d.class_name} {d.score:.2f} {d.id}".strip() for d in message.detections]
        assert single(made, "Boxes2D:labels") == wanted


def test_boxes_and_outlines_of_jsk(definitions_of: DefinitionsOf) -> None:
    (definition,) = definitions_of("jsk_recognition_msgs/msg/BoundingBoxArray")
    messages = definition.random(8, 6)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        assert close(single(made, "Boxes3D:half_sizes"), np.array([vector(b.dimensions) for b in message.boxes]) / 2)
        assert close(single(made, "Boxes3D:centers"), [vector(b.pose.position) for b in message.boxes])
        assert single(made, "Boxes3D:labels") == [str(b.label) for b in message.boxes]
    (definition,) = definitions_of("jsk_recognition_msgs/msg/PolygonArray")
    messages = definition.random(8, 7)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        outlines = [[vector(p) for p in one.polygon.points] for one in message.polygons]
        for ours, corners in zip(single(made, "LineStrips3D:strips"), outlines, strict=True):
            assert close(ours, [*corners, *corners[:1]])


@pytest.mark.parametrize("generation", [0, 1])
def test_an_autopilot_by_every_release(generation: int, definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("px4_msgs/msg/VehicleOdometry")[generation]
    messages = definition.random(5, 8)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        place = message.position if hasattr(message, "position") else [message.x, message.y, message.z]
        assert close(single(made, "InstancePoses3D:translations"), place)
        w, x, y, z = message.q
        assert close(single(made, "InstancePoses3D:quaternions"), [x, y, z, w])
    definition = definitions_of("px4_msgs/msg/SensorGps")[generation]
    messages = definition.random(5, 9)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        if hasattr(message, "lat"):
            wanted = [message.lat / 1e7, message.lon / 1e7, message.alt / 1e3]
        else:
            wanted = [message.latitude_deg, message.longitude_deg, message.altitude_msl_m]
        assert close([*single(made, "GeoPoints:positions")[0], *single(made, "altitude")], wanted)


def test_what_became_of_goals(definitions_of: DefinitionsOf) -> None:
    names = [
        "PENDING",
        "ACTIVE",
        "PREEMPTED",
        "SUCCEEDED",
        "ABORTED",
        "REJECTED",
        "PREEMPTING",
        "RECALLING",
        "RECALLED",
        "LOST",
    ]
    definition = definitions_of("actionlib_msgs/msg/GoalStatusArray")[0]
    messages = definition.random(30, 10)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        if not message.status_list:
            assert made == {}
            continue
        number = message.status_list[-1].status
        assert single(made, "StateChange:state") == [names[number] if number < len(names) else "?"]
    (definition,) = definitions_of("move_base_msgs/msg/MoveBaseActionGoal")
    messages = definition.random(5, 11)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        target = message.goal.target_pose
        assert close(single(made, "InstancePoses3D:translations"), vector(target.pose.position))
        assert single(made, "CoordinateFrame:frame") == [target.header.frame_id]


def test_parameters_and_states_of_nodes(definitions_of: DefinitionsOf) -> None:
    definition = definitions_of("dynamic_reconfigure/msg/Config")[0]
    messages = definition.random(8, 12)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        wanted: dict[str, list[float]] = defaultdict(list)
        for one in (*message.bools, *message.ints, *message.doubles):
            wanted[path(one.name)].append(float(one.value))
        assert {at: [cell[0] for cell in cells] for (at, _), cells in made.items()} == wanted
    definition = definitions_of("lifecycle_msgs/msg/TransitionEvent")[0]
    messages = definition.random(8, 13)
    for message, made in zip(messages, made_of(definition, messages), strict=True):
        assert single(made, "StateChange:state") == [message.goal_state.label]


@pytest.mark.real_data
def test_a_receivers_own_messages_are_where_its_fixes_are(shared_data: Path, tmp_path: Path) -> None:
    bag = shared_data / "foxglove+foxglove-cli" / "gps.bag.active"
    assert main(["convert", "-q", str(bag), "-o", str(tmp_path / "gps.rrd"), "-t", "/navpvt$"]) in (0, 3)
    wanted: list[Any] = []
    places: list[Any] = []
    for stored in RrdReader(tmp_path / "gps.rrd").messages():
        if isinstance(stored, StoredChunk):
            for name, column in stored.chunk.components.items():
                cells = [cell[0] for cell in column.cells.to_pylist()]
                if name == "ublox_msgs.msg.NavPVT:message":
                    wanted += [[one["lat"] / 1e7, one["lon"] / 1e7] for one in cells]
                elif name == "GeoPoints:positions":
                    places += cells
    assert len(places) == len(wanted) > 0
    assert np.allclose(places, wanted, rtol=0, atol=1e-12)
    assert (np.abs(places) > 1).all()
