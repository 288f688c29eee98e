"""Robots that messages describe: `/robot_description` (URDF, as text) and where joint states put its links.

A description is drawn as Rerun draws it: `/<robot>/visual_geometries/<link>/<shape>`, static, each in the frame of its link; a
second robot of that name below its topic. Shapes for collisions are left out, as they would hide the others. Joints are edges
between those frames:

* at rest, static, at `/tf_static/<link>`: fixed joints, and others that nothing moves;
* moved, one row per joint and joint state at the message's own stamp, at `<description>/joint_transforms`. Joints that mimic
  another one follow it, unless the message says where they are.

What `/tf` and `/tf_static` say wins: joints whose child frame they speak of are left to them. So where a robot_state_publisher
was running nothing is said twice, and where none was, the robot moves all the same. A joint state belongs to the description that
has its joints and is nearest by namespace. Of several descriptions on a topic the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Text, take
from rrbridge.errors import FileError
from rrbridge.stages import Emitted, Messages, Note, Takes
from rrbridge_bridge.messages._registry import adapters

if TYPE_CHECKING:
    from rrbridge.urdf import UrdfJoint, UrdfTree

STRING, JOINTS = "std_msgs/msg/String", "sensor_msgs/msg/JointState"
TF = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")
MOVED_BY_ONE_NUMBER = ("revolute", "continuous", "prismatic")
MAX_ROBOTS = 64
MAX_FRAMES = 100_000
"""Frames of `/tf` that are remembered."""
MAX_MIMICS = 16
"""Joints that mimic one that mimics one …"""

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class _Robot:
    """A description that was drawn."""

    topic: str
    text: str
    tree: UrdfTree
    paths: frozenset[str]
    """Of what was drawn."""

    @property
    def namespace(self) -> list[str]:
        return [part for part in self.topic.split("/")[:-1] if part]

    @property
    def entity(self) -> str:
        return _entity(self.topic)

    @property
    def links(self) -> set[str]:
        return {frame for joint in self.tree.joints() for frame in joint.frames}


@dataclass(frozen=True, slots=True)
class Robots:
    """What is known of a recording's robots."""

    robots: Mapping[str, _Robot] = field(default_factory=dict)
    """By topic of their description."""
    frames: frozenset[str] = frozenset()
    """Child frames that `/tf` and `/tf_static` speak of."""
    resting: Mapping[str, UrdfJoint] = field(default_factory=dict)
    """By child frame: joints that could move, but have not so far."""


def _rest(state: Robots, _until_nanos: int, _is_end: bool) -> tuple[Robots, list[Emit]]:
    """Joints that nothing has moved until now. Not sooner, as a frame is best placed by one topic."""
    emits = [_at_rest(joint) for frame, joint in state.resting.items() if frame not in state.frames]
    return replace(state, resting={}), emits


@adapters.stage(
    Takes(STRING, topic=r"(^|/)robot_description$", needed=True),
    JOINTS,
    *(Takes(msgtype, topic=r"(^|/)tf(_static)?$", first=True) for msgtype in TF),
    start=Robots(),
    group=lambda _topic: "",
    settle=_rest,
)
@np.errstate(invalid="ignore", over="ignore")  # of what is infinitely far or large
def robots(state: Robots, msgs: Messages) -> tuple[Robots, Emitted]:
    """Robots as their descriptions say, moved by joint states."""
    if msgs.msgtype in TF:
        named = msgs.columns.transforms.values.child_frame_id.dictionary()[1]
        new = {name.removeprefix("/") for name in named} - state.frames
        return replace(state, frames=state.frames | new) if new and len(state.frames) < MAX_FRAMES else state, []
    if msgs.msgtype == JOINTS:
        moved, emits = _moved(state, msgs)
        if moved & state.resting.keys():
            state = replace(state, resting={k: v for k, v in state.resting.items() if k not in moved})
        return state, emits
    return _described(state, msgs)


@adapters.stage(
    Takes(STRING, topic=r"(^|/)robot_description$", needed=True),
    start=Robots(),
    group=lambda _topic: "",
    reference=True,
)
def robot_shapes(state: Robots, msgs: Messages) -> tuple[Robots, Emitted]:
    """Robots as their descriptions say, with their shapes for collisions and without their joints."""
    state, emits = _described(state, msgs, with_collisions=True)
    return state, [e for e in emits if not (isinstance(e, Emit) and str(e.at).startswith("/tf_static/"))]


def _described(
    state: Robots, msgs: Messages, *, with_collisions: bool = False
) -> tuple[Robots, list[Emit | Skipped | Note]]:
    """The last description of a topic; those before could not be told from it, as all is static."""
    last = len(msgs) - 1
    text, before = msgs.columns.data[last], state.robots.get(msgs.topic)
    if before is not None and before.text == text:
        return state, []
    if before is None and len(state.robots) >= MAX_ROBOTS:
        return state, [Skipped(np.array([last]), f"there are more than {MAX_ROBOTS} robots")]
    try:
        tree = _tree(state, msgs.topic, text)
    except FileError as err:
        return state, [Skipped(np.array([last]), f"the robot cannot be drawn: {err.message}")]
    left_out: list[str] = []
    shapes = list(_shapes(state, tree, msgs, left_out, with_collisions=with_collisions))
    robot = _Robot(msgs.topic, text, tree, frozenset(str(emit.at) for emit in shapes))
    gone = (before.paths if before else frozenset()) - robot.paths
    emits = [Emit(rr.Clear._columns({"is_recursive": [False]}), at=path, static=True) for path in sorted(gone)]
    notes = [Note(_told(left_out))] if left_out else []
    joints = [joint for joint in tree.joints() if joint.frames[1] not in state.frames]
    fixed = [_at_rest(joint) for joint in joints if joint.joint_type == "fixed"]
    resting = {joint.frames[1]: joint for joint in joints if joint.joint_type != "fixed"}
    known = {**state.robots, msgs.topic: robot}
    return replace(state, robots=known, resting={**state.resting, **resting}), [*emits, *shapes, *fixed, *notes]


def _told(left_out: list[str]) -> str:
    more = f", and {len(left_out) - 1} more" if len(left_out) > 1 else ""
    return f"shapes of the robot are left out (--msgs DIR names a workspace to look in): {left_out[0]}{more}"


def _tree(state: Robots, topic: str, text: str) -> UrdfTree:
    """The robot, with a prefix for its frames if it needs one. Raises FileError."""
    from rrbridge.urdf import UrdfTree
    from rrbridge.urdf._xml import parse_xml

    label = Path(topic)
    root = parse_xml(text.encode(), label)
    plain = UrdfTree._of(root, label)
    namespace = "/".join(part for part in topic.split("/")[:-1] if part)
    links = {frame for joint in plain.joints() for frame in joint.frames} or {plain.root_link().name}
    if not namespace or not _needs_prefix(state, topic, namespace, links):
        return plain
    return UrdfTree._of(root, label, frame_prefix=f"{namespace}/")


def _needs_prefix(state: Robots, topic: str, namespace: str, links: set[str]) -> bool:
    """Whether `/tf` has the robot's frames with the namespace before them, or another robot has frames of these names."""
    if any(f"{namespace}/{link}" in state.frames for link in links):
        return True
    if links & state.frames:
        return False
    return any(links & robot.links for robot in state.robots.values() if robot.topic != topic)


def _shapes(
    state: Robots, tree: UrdfTree, msgs: Messages, left_out: list[str], *, with_collisions: bool
) -> Iterator[Emit]:
    """What links look like."""
    names = {robot.tree.name for topic, robot in state.robots.items() if topic != msgs.topic}
    below = _entity(msgs.topic) if tree.name in names else ""
    made = tree._chunks(
        include_joint_transforms=False,
        include_collisions=with_collisions,
        tell=left_out.append,
        packages=msgs.definitions,
    )
    for chunk in made:
        columns = rr.ComponentColumnList(list(chunk.components.values()))
        yield Emit(columns, at=f"{below}{chunk.entity_path}".rstrip("/"), static=True)


def _at_rest(joint: UrdfJoint) -> Emit:
    """Where a link is while nothing moves it."""
    parent, child = joint.frames
    translation, turn = replace(joint, joint_type="fixed").poses(np.zeros(1), clamp=False)
    columns = rr.Transform3D.columns(
        translation=translation, quaternion=turn, parent_frame=[parent], child_frame=[child]
    )
    return Emit(columns, at=f"/tf_static/{escape_entity_path_part(child)}", static=True)


def _moved(state: Robots, msgs: Messages) -> tuple[set[str], list[Emit]]:
    """The joints that a message names, and those that mimic them; and the frames that they move."""
    given = _Given.of(msgs.columns)
    robot = _robot_of(state, msgs.topic, given.names)
    if robot is None:
        return set(), []
    joints = [j for j in robot.tree.joints() if j.joint_type in MOVED_BY_ONE_NUMBER and j.frames[1] not in state.frames]
    found = [(joint, *given.of_joint(joint, robot.tree)) for joint in joints]
    found = [(joint, rows, values) for joint, rows, values in found if len(rows)]
    if not found:
        return set(), []
    poses = [joint.poses(values, clamp=False) for joint, _, values in found]
    counts = [len(rows) for _, rows, _ in found]
    which = np.repeat(np.arange(len(found)), counts)
    parents, children = (Text.from_strings([joint.frames[end] for joint, _, _ in found]) for end in (0, 1))
    columns = rr.Transform3D.columns(
        translation=np.concatenate([translation for translation, _ in poses]),
        quaternion=np.concatenate([turn for _, turn in poses]),
        parent_frame=take(parents, which),
        child_frame=take(children, which),
    )
    emit = Emit(columns, at=f"{robot.entity}/joint_transforms", rows=np.concatenate([rows for _, rows, _ in found]))
    return {joint.frames[1] for joint, _, _ in found}, [emit]


def _robot_of(state: Robots, topic: str, names: Mapping[str, int]) -> _Robot | None:
    """The robot that has some of the joints, the nearest by namespace."""
    own = [part for part in topic.split("/")[:-1] if part]

    def nearness(robot: _Robot) -> int:
        shared = 0
        for mine, theirs in zip(own, robot.namespace, strict=False):
            if mine != theirs:
                break
            shared += 1
        return 2 * shared - len(robot.namespace)

    known = [r for r in state.robots.values() if any(r.tree.get_joint_by_name(name) for name in names)]
    return max(known, key=nearness, default=None)


@dataclass(frozen=True, eq=False, slots=True)
class _Given:
    """Where messages say that joints are."""

    names: Mapping[str, int]
    codes: Int64s
    """Which of the names each number is about."""
    rows: Int64s
    """The message that it came in."""
    values: Floats

    @classmethod
    def of(cls, msgs: Columns) -> _Given:
        names, positions = msgs.name, msgs.position
        codes, known = names.values.dictionary()
        rows = names.row_of_value
        within = np.arange(len(rows)) - names.offsets[:-1][rows]
        has_value = np.flatnonzero(within < positions.lengths[rows])
        values = positions.values[positions.offsets[:-1][rows[has_value]] + within[has_value]].astype(np.float64)
        sound = np.isfinite(values)
        kept = has_value[sound]
        return cls({name: code for code, name in enumerate(known)}, codes[kept], rows[kept], values[sound])

    def of_joint(self, joint: UrdfJoint, tree: UrdfTree, mimics: int = 0) -> tuple[Int64s, Floats]:
        """Messages and values for a joint: its own, and where messages have none those of the joint that it mimics."""
        about = np.flatnonzero(self.codes == self.names.get(joint.name, -1))
        rows, values = self.rows[about], self.values[about]
        leader = tree.get_joint_by_name(joint.mimic.joint) if joint.mimic else None
        if joint.mimic is None or leader is None or mimics == MAX_MIMICS:
            return rows, values
        led, followed = self.of_joint(leader, tree, mimics + 1)
        others = ~np.isin(led, rows)
        followed = followed[others] * joint.mimic.multiplier + joint.mimic.offset
        return np.concatenate([rows, led[others]]), np.concatenate([values, followed])


def _entity(topic: str) -> str:
    return "/" + "/".join(escape_entity_path_part(part) for part in topic.split("/") if part)
