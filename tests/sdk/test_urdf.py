"""Robot models: the same joints, transforms and chunks as the reference makes of the same files."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge import urdf
from rrbridge._messages import StoredChunk
from rrbridge._store import ChunkStore
from rrbridge._transforms import TransformTree
from rrbridge.chunk import Chunk
from rrbridge.errors import FileError, InvalidValueError, RrbridgeError, RrbridgeWarning
from rrbridge.rrd import RrdReader

theirs = pytest.importorskip("rerun.urdf")

REAL = (
    "TheRobotStudio+SO-ARM100/Simulation/SO100/so100.urdf",
    "ROBOTIS-GIT+turtlebot3/turtlebot3_description/urdf/turtlebot3_burger.urdf",
    "ros+urdf_tutorial/urdf/01-myfirst.urdf",
    "ros+urdf_tutorial/urdf/02-multipleshapes.urdf",
    "ros+urdf_tutorial/urdf/03-origins.urdf",
    "ros+urdf_tutorial/urdf/04-materials.urdf",
    "ros+urdf_tutorial/urdf/05-visual.urdf",
    "ros+urdf_tutorial/urdf/06-flexible.urdf",
    "ros+urdf_tutorial/urdf/07-physics.urdf",
)
EVERYTHING = """<?xml version="1.0"?>
<robot name="my robot/x">
  <material name="red"><color rgba="0.5 0.25 0.333 1"/></material>
  <link name="root link">
    <visual name="eye ball"><origin xyz="1 2 3"/><geometry><sphere radius="0.5"/></geometry><material name="red"/></visual>
    <visual><geometry><capsule radius="0.5" length="2"/></geometry>
      <material name="own"><color rgba="1 0 0 1"/></material></visual>
    <visual><geometry><mesh filename="part.stl" scale="1 2 3"/></geometry><material name="red"/></visual>
    <visual><geometry><box size="1 2 3"/></geometry><material name="own"/></visual>
    <collision name="hull"><geometry><sphere radius="1"/></geometry></collision>
    <collision><geometry><cylinder radius="1" length="3"/></geometry></collision>
  </link>
  <link name="b"/><link name="c"/><link name="d"/><link name="e"/>
  <joint name="last" type="planar"><parent link="d"/><child link="e"/><origin xyz="1 2 3" rpy="1 1 1"/></joint>
  <joint name="slide" type="prismatic"><parent link="root link"/><child link="b"/><axis xyz="0 0.6 0.8"/>
    <origin xyz="1 2 3" rpy="0.1 0.2 0.3"/><limit lower="-1" upper="2" effort="3" velocity="4"/></joint>
  <joint name="turn" type="revolute"><parent link="b"/><child link="c"/><axis xyz="0 -0.6 0.8"/>
    <origin rpy="0.1 0.2 0.3"/><limit lower="-1" upper="2" effort="3" velocity="4"/></joint>
  <joint name="follow" type="continuous"><parent link="b"/><child link="d"/>
    <mimic joint="turn" multiplier="2" offset="0.5"/></joint>
</robot>
"""


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """A model with every kind of shape and of joint that can be computed, and one that cannot."""
    (tmp_path / "part.stl").write_bytes(b"solid part\nendsolid part\n")
    path = tmp_path / "everything.urdf"
    path.write_text(EVERYTHING)
    return path


def load(path: Path, **options: Any) -> tuple[urdf.UrdfTree, Any]:
    return urdf.UrdfTree.from_file_path(path, **options), theirs.UrdfTree.from_file_path(path, **options)


def same_joints(path: Path) -> int:
    """How many joints were compared, each at 20 values."""
    own, other = load(path, frame_prefix="left/")
    assert [repr(joint) for joint in own.joints()] == [repr(joint) for joint in other.joints()]
    assert own.name == other.name
    assert repr(own.root_link()) == repr(other.root_link())
    random = np.random.default_rng(3)  # its own: what was drawn before must not depend on the order of tests
    for ours, reference in zip(own.joints(), other.joints(), strict=True):
        for name in ("name", "axis", "origin_xyz", "origin_rpy", "child_link", "parent_link", "joint_type"):
            assert getattr(ours, name) == getattr(reference, name)
        for name in ("limit_lower", "limit_upper", "limit_effort", "limit_velocity"):
            assert getattr(ours, name) == getattr(reference, name)
        assert repr(ours.mimic) == repr(reference.mimic)
        if ours.joint_type in ("floating", "planar", "spherical"):
            with pytest.raises(InvalidValueError, match="a revolute, continuous, prismatic or fixed joint"):
                ours.compute_transform(0.0)
            continue
        for clamp in (True, False):
            values = random.uniform(-7, 7, 20)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                columns = ours.compute_transform_columns(values.tolist(), clamp=clamp)
                wanted = reference.compute_transform_columns(values.tolist(), clamp=clamp)
                rows = [ours.compute_transform(value, clamp).as_component_batches() for value in values]
            assert sorted(c.descriptor.component for c in columns) == sorted(
                c.component_descriptor().component for c in wanted
            )
            for column in wanted:
                name = column.component_descriptor().component
                cells = next(c.cells for c in columns if c.descriptor.component == name)
                assert_same_cells(cells, column.as_arrow_array())
                one_by_one = [next(b for b in row if b.component_descriptor().component == name) for row in rows]
                assert cells.flatten().to_pylist() == [batch.as_arrow_array().to_pylist()[0] for batch in one_by_one]
    return len(own.joints())


def assert_same_cells(ours: pa.Array, reference: pa.Array) -> None:
    assert ours.type == reference.type
    if "float" not in str(ours.type):
        assert ours.to_pylist() == reference.to_pylist()
        return
    wanted = flat(reference)
    # The reference adds in 32 bits, where the last digit is that of the largest term, not of a small sum.
    largest = max(1.0, float(np.abs(wanted).max(initial=0)))
    np.testing.assert_allclose(flat(ours), wanted, atol=2e-7 * largest, rtol=2e-7)


def flat(cells: pa.Array) -> Any:
    while not pa.types.is_floating(cells.type):
        cells = cells.flatten()
    return cells.to_numpy(zero_copy_only=False)


def chunks(found: Any) -> list[Chunk]:
    return [chunk if isinstance(chunk, Chunk) else Chunk(chunk.to_record_batch()) for chunk in found]


def same_chunks(path: Path, **options: Any) -> int:
    """How many chunks were compared, in the same order."""
    own, other = load(path, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = chunks(own.stream())
    reference = chunks(other.stream().to_chunks())
    assert [chunk.entity_path for chunk in ours] == [chunk.entity_path for chunk in reference]
    for mine, wanted in zip(ours, reference, strict=True):
        assert mine.is_static
        assert [c.descriptor for c in mine.components.values()] == [c.descriptor for c in wanted.components.values()]
        for name, column in wanted.components.items():
            assert_same_cells(mine.components[name].cells, column.cells)
    for joint in own.joints():
        link = own.get_joint_child(joint)
        assert own.get_visual_geometry_paths(link) == other.get_visual_geometry_paths(link.name)
        assert own.get_collision_geometry_paths(link.name) == other.get_collision_geometry_paths(link.name)
    return len(ours)


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_joints_are_the_references(shared_data: Path, name: str) -> None:
    compared = same_joints(shared_data / name)
    assert compared == len(re.findall(r"<joint [^>]*type=", (shared_data / name).read_text()))


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_models_are_logged_as_the_reference_logs_them(
    shared_data: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_PACKAGE_PATH", str(shared_data / name.partition("/")[0]))
    assert same_chunks(shared_data / name) > 2


def test_every_joint_and_shape_is_the_references(everything: Path) -> None:
    assert same_joints(everything) == 4
    assert same_chunks(everything) == 20
    options = {"entity_path_prefix": "two/parts", "frame_prefix": "p_", "static_transform_entity_path": "st/x"}
    assert same_chunks(everything, **options) == 20


def test_joint_states_as_batches_are_the_references(everything: Path) -> None:
    own, other = load(everything, frame_prefix="p_")
    names = pa.array([["slide", "turn"], [], ["turn", "follow", "slide"]], pa.list_(pa.string()))
    values = pa.array([[1.0, 0.5], [], [-4.0, 3.0, 0.25]], pa.list_(pa.float64()))
    ours = own.compute_joint_transform_batches(names, values)
    reference = other.compute_joint_transform_batches(names, values)
    assert ours.type == reference.type
    for field in ("parent_frame", "child_frame"):
        assert ours.flatten().field(field).to_pylist() == reference.flatten().field(field).to_pylist()
    for field in ("translation", "quaternion"):
        assert_same_cells(ours.flatten().field(field), reference.flatten().field(field))
    assert ours.value_lengths().to_pylist() == [2, 0, 3]
    later = own.compute_joint_transform_batches(names[2:], values[2:])
    assert later.to_pylist() == ours[2:].to_pylist()
    with pytest.raises(InvalidValueError, match="'nose'"):
        own.compute_joint_transform_batches(pa.array([["nose"]]), pa.array([[1.0]]))
    with pytest.raises(InvalidValueError, match="row 1"):
        own.compute_joint_transform_batches(pa.array([["turn"], ["turn"]]), pa.array([[1.0], [1.0, 2.0]]))
    with pytest.raises(InvalidValueError, match="no nulls"):
        own.compute_joint_transform_batches(pa.array([["turn", None]]), pa.array([[1.0, 2.0]]))
    with pytest.raises(InvalidValueError, match="list array"):
        own.compute_joint_transform_batches(pa.array(["turn"]), pa.array([[1.0]]))


def compared(ours: Path, reference: Path) -> str:
    """What the reference's own comparison of two recordings complains about."""
    command = [str(Path(sys.executable).parent / "rerun"), "rrd", "compare", "--unordered", str(ours), str(reference)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.real_data
def test_recordings_of_both_compare_equal(shared_data: Path, tmp_path: Path) -> None:
    import rerun

    own, other = load(shared_data / REAL[0])
    ours, reference = tmp_path / "ours.rrd", tmp_path / "reference.rrd"
    for module, tree, path in ((rr, own, ours), (rerun, other, reference)):
        recording: Any = module.RecordingStream("urdf", recording_id="one", send_properties=False)
        recording.save(path)
        recording.set_time("frame", sequence=3)  # what does not move belongs to all times
        tree.log_urdf_to_recording(recording)
        recording.flush()
        recording.disconnect()
    assert compared(ours, reference) == ""


@pytest.mark.real_data
def test_a_robot_as_a_file_is_logged_as_the_reference_logs_it(shared_data: Path, tmp_path: Path) -> None:
    import rerun

    def write(module: Any, static: bool, wait_secs: float) -> Path:
        path = tmp_path / f"{module.__name__}.rrd"
        recording = module.RecordingStream("urdf", recording_id=f"robot {static}", send_properties=False)
        recording.save(path)
        recording.log_file_from_path(shared_data / REAL[0], entity_path_prefix="pre/fix", static=static)
        time.sleep(wait_secs)
        recording.flush()
        recording.disconnect()
        return path

    def agrees(static: bool, says: Callable[[Path], object], expected: object) -> bool:
        """The reference reads files in a thread that its flush does not wait for."""
        return any(says(write(rerun, static, wait_secs)) == expected for wait_secs in (0.2, 1.0, 5.0, 20.0))

    def kinds(path: Path) -> object:
        """Without times, for those of logging differ."""
        return {(c.entity_path, c.is_static, tuple(c.times), tuple(c.components)) for c in stored(path)}

    ours = write(rr, True, 0.0)
    assert agrees(True, lambda path: compared(ours, path), "")
    assert agrees(False, kinds, kinds(write(rr, False, 0.0)))


def stored(path: Path) -> list[Chunk]:
    return [message.chunk for message in RrdReader(path).messages() if isinstance(message, StoredChunk)]


@pytest.mark.real_data
def test_meshes_colours_and_joints_are_those_of_an_older_recording(shared_data: Path) -> None:
    """`so100.rrd` keeps the robot as nested entities, as the reference did before it had frames."""
    tree = urdf.UrdfTree.from_file_path(shared_data / REAL[0])
    store, old = ChunkStore(), ChunkStore()
    for chunk in tree.stream():
        store.insert(chunk)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its application id holds slashes
        for chunk in stored(shared_data / "TheRobotStudio+SO-ARM100/so100.rrd"):
            old.insert(chunk)

    def last(of: ChunkStore, entity: str, component: str) -> Any:
        return of.latest_at(entity, [component], "log_tick", 1 << 40)[component].values

    places = {path.rsplit("/", 1)[-1]: path for path in old.entities()}
    for joint in tree.joints():
        place = places[joint.child_link]
        wanted = last(old, place, "Transform3D:translation").to_pylist()[0]
        np.testing.assert_allclose(wanted, joint.origin_xyz, rtol=1e-6)
    meshes = [path for path in old.entities() if path.endswith(".stl")]
    assert len(meshes) == 13
    sizes = sorted(len(last(old, path, "Asset3D:blob").to_pylist()[0]) for path in meshes)
    visuals = [path for path in store.entities() if "/visual_geometries/" in path]
    assert sorted(len(last(store, path, "Asset3D:blob").to_pylist()[0]) for path in visuals) == sizes


@pytest.mark.real_data
def test_the_store_follows_the_joints(shared_data: Path) -> None:
    tree = urdf.UrdfTree.from_file_path(shared_data / REAL[0], frame_prefix="arm/")
    store = ChunkStore()
    for chunk in tree.stream():
        store.insert(chunk)
    expected = np.eye(4)
    for joint in tree.joints():  # a chain, in the file's order
        translations, quaternions = joint.poses(np.zeros(1), clamp=False)
        x, y, z, w = quaternions[0]
        turned = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        expected = expected @ np.block([[turned, translations[0][:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])
    found = TransformTree(store).transform("arm/base", "arm/jaw", "log_time", 0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_values_beyond_the_limits_are_taken_back_with_a_warning(everything: Path) -> None:
    tree = urdf.UrdfTree.from_file_path(everything)
    turn, slide = tree.get_joint_by_name("turn"), tree.get_joint_by_name("slide")
    assert turn is not None
    assert slide is not None
    with pytest.warns(RrbridgeWarning, match=r"joint turn: 5\.0000 rad .* 2\.0000 rad; .*1 of 1") as caught:
        clamped = turn.compute_transform(5.0)
    assert caught[0].filename == __file__
    assert clamped == turn.compute_transform(2.0) or repr(clamped) == repr(turn.compute_transform(2.0))
    with pytest.warns(RrbridgeWarning, match=r"joint slide: -3\.0000 m .*2 of 3 values"):
        slide.compute_transform_columns([-3, 0, 3])
    for bad in (float("nan"), "much", [1, "two"]):
        with pytest.raises(InvalidValueError, match="joint turn"):
            turn.compute_transform_columns(bad)  # type: ignore[arg-type]


def test_an_axis_of_another_length_turns_by_the_same_angle(everything: Path) -> None:
    """The reference multiplies it into the quaternion, which then is none; ROS itself uses its direction."""
    straight = urdf.UrdfTree.from_file_path(everything).get_joint_by_name("turn")
    everything.write_text(EVERYTHING.replace('"0 -0.6 0.8"', '"0 -3 4"'))
    long = urdf.UrdfTree.from_file_path(everything).get_joint_by_name("turn")
    assert straight is not None
    assert long is not None
    np.testing.assert_allclose(
        long.poses(np.ones(1), clamp=True)[1], straight.poses(np.ones(1), clamp=True)[1], atol=1e-12
    )


def test_meshes_are_found_where_packages_are(everything: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, content in (("ros/my_robot/meshes", "ros1"), ("install/share/my_robot/meshes", "ros2")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "part.stl").write_text(content)
    near = tmp_path / "ros/my_robot/urdf/robot.urdf"
    near.parent.mkdir()

    def blob(filename: str, path: Path = everything) -> bytes:
        path.write_text(EVERYTHING.replace("part.stl", filename))
        meshes = [c for c in urdf.UrdfTree.from_file_path(path).stream() if "Asset3D:blob" in c.components]
        return bytes(meshes[0].components["Asset3D:blob"].cells.to_pylist()[0][0])

    for variable in ("AMENT_PREFIX_PATH", "ROS_PACKAGE_PATH"):
        monkeypatch.delenv(variable, raising=False)
    assert blob("part.stl").startswith(b"solid")
    assert blob((tmp_path / "part.stl").as_uri()).startswith(b"solid")
    assert blob(str(tmp_path / "part.stl")).startswith(b"solid")
    assert blob("package://my_robot/meshes/part.stl", near) == b"ros1"
    monkeypatch.setenv("ROS_PACKAGE_PATH", f"/nowhere:{tmp_path / 'ros'}")
    assert blob("package://my_robot/meshes/part.stl") == b"ros1"
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "install"))
    assert blob("package://my_robot/meshes/part.stl") == b"ros2"


@pytest.mark.parametrize(
    "filename",
    ["gone.stl", "package://gone/a.stl", "model://a/b.stl", "/etc/hostname", "/dev/zero.stl", f"{'long' * 100}.stl"],
)
def test_a_mesh_that_cannot_be_read_leaves_the_rest(everything: Path, filename: str) -> None:
    whole = chunks(urdf.UrdfTree.from_file_path(everything).stream())
    everything.write_text(EVERYTHING.replace("part.stl", filename))
    with pytest.warns(RrbridgeWarning, match=filename) as caught:
        rest = chunks(urdf.UrdfTree.from_file_path(everything).stream())
    assert len(caught) == 1
    assert len(rest) == len(whole) - 1


ROBOT = '<robot name="a"><link name="x"/><link name="y"/>{}</robot>'
JOINT = '<joint name="{}" type="{}"><parent link="{}"/><child link="{}"/>{}</joint>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not XML"),
        ("{}", "not XML"),
        ("<robot>", "not XML"),
        ('<?xml version="1.0" encoding="klingon"?><robot/>', "not XML"),
        ("<car/>", "expected <robot>"),
        ('<robot name="a"/>', "one root link, found 0"),
        (ROBOT.format(""), "one root link, found 2"),
        (ROBOT.format('<link name="x"/>'), "two of its links"),
        (ROBOT.format("<link/>"), "<link>: no attribute name"),
        (ROBOT.format(JOINT.format("j", "fixed", "x", "z", "")), "joint j: no link z"),
        (ROBOT.format(JOINT.format("j", "weird", "x", "y", "")), "'weird' is none of"),
        (ROBOT.format(JOINT.format("j", "fixed", "x", "y", '<axis xyz="1 2"/>')), "line 1: <axis>: xyz: expected 3"),
        (ROBOT.format(JOINT.format("j", "fixed", "x", "y", '<axis xyz="1 2 nan"/>')), "xyz: expected 3"),
        (ROBOT.format(JOINT.format("j", "fixed", "x", "y", '<origin rpy="0 inf 1e60"/>')), "rpy: expected 3"),
        (ROBOT.format(JOINT.format("j", "fixed", "x", "y", '<axis xyz="${a} 0 0"/>')), "run xacro"),
        (ROBOT.format('<joint name="j" type="fixed"><child link="y"/></joint>'), "no <parent>"),
        (ROBOT.format(JOINT.format("j", "fixed", "x", "y", "") + JOINT.format("k", "fixed", "x", "y", "")), "j and k"),
        (
            ROBOT.format(
                '<link name="z"/>' + JOINT.format("j", "fixed", "z", "y", "") + JOINT.format("k", "fixed", "y", "z", "")
            ),
            "circle",
        ),
        (ROBOT.format('<link name="v"><visual/></link>'), "expected a <geometry>"),
        ('<!DOCTYPE robot [<!ENTITY a "b">]><robot name="&a;"/>', "document types and entities"),
        ('<!DOCTYPE robot SYSTEM "file:///etc/passwd"><robot/>', "document types and entities"),
        ("<a>" * 100_000, "elements deep"),
    ],
)  # fmt: skip
def test_what_is_no_robot_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "robot.urdf"
    path.write_text(text)
    with pytest.raises(FileError, match=reason) as caught:
        urdf.UrdfTree.from_file_path(path)
    assert caught.value.path == path


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        urdf.UrdfTree.from_file_path(tmp_path / "gone.urdf")
    with pytest.raises(FileError):
        urdf.UrdfTree.from_file_path(str(tmp_path))


def test_links_and_joints_are_found_by_name(everything: Path) -> None:
    tree = rr.urdf.UrdfTree.from_file_path(everything, frame_prefix="p_")
    assert tree.frame_prefix == "p_"
    assert tree.get_joint_by_name("gone") is None
    assert tree.get_link_by_name("gone") is None
    assert tree.get_visual_geometry_paths("gone") == tree.get_collision_geometry_paths("gone") == []
    follow = tree.get_joint_by_name("follow")
    assert follow is not None
    assert follow.mimic == urdf.UrdfMimic("turn", 2.0, 0.5)
    assert len(list(tree.stream(include_joint_transforms=False))) == len(list(tree.stream())) - 1


def test_damaged_files_are_refused_or_read(everything: Path) -> None:
    """Whatever becomes of a file, nothing is raised but our own errors."""
    whole, rng = EVERYTHING.encode(), np.random.default_rng(11)
    read = 0
    for _ in range(1000):
        damaged = bytearray(whole)
        at, other, length = (int(n) for n in rng.integers(0, (len(whole), len(whole), 40)))
        if rng.random() < 0.5:
            damaged[at : at + length] = whole[other : other + length]
        else:
            damaged[at] = int(rng.integers(32, 127))
        everything.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RrbridgeWarning)
            with contextlib.suppress(RrbridgeError):
                tree = urdf.UrdfTree.from_file_path(everything)
                read += len(list(tree.stream())) > 1
                for joint in tree.joints():
                    joint.compute_transform_columns([-1e30, 0.0, 1.0])
    assert read > 100
