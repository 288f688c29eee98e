"""The tree of links and joints of one robot, and what is logged of it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._archetype import Archetype
from rrbridge._chunk import Chunk
from rrbridge._misuse import caller_depth
from rrbridge.errors import FileError, InvalidValueError, RrbridgeWarning
from rrbridge.urdf._batches import joint_transform_batches
from rrbridge.urdf._joint import UrdfJoint, parse_joint, quaternion_from_rpy
from rrbridge.urdf._meshes import read_mesh
from rrbridge.urdf._model import Color, Geometry, UrdfLink, parse_geometries, parse_materials
from rrbridge.urdf._xml import Element, read_xml

if TYPE_CHECKING:
    from rrbridge._chunk_stream import LazyChunkStream
    from rrbridge._recording import RecordingStream

__all__ = ["UrdfTree"]

_WHITE = (255, 255, 255, 255)


class UrdfTree:
    """A robot model: one root link, and every other link the child of one joint. Made by `from_file_path`.

    Each link is a frame of its name, each joint an edge between two. `log_urdf_to_recording` logs what does not move;
    then a joint moves by logging its `compute_transform(value)`, at any entity.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        links: Iterable[UrdfLink],
        joints: Iterable[UrdfJoint],
        *,
        entity_path_prefix: str | None = None,
        frame_prefix: str | None = None,
        static_transform_entity_path: str | None = None,
    ) -> None:
        """Take links and joints that were read from `path`. Raises FileError if they are no tree."""
        self._path = path
        self._name = name
        self._links = {link.name: link for link in links}
        self._joints = {joint.name: joint for joint in joints}
        self._frame_prefix = frame_prefix
        parts = [part for part in (entity_path_prefix, name) if part]
        self._entity_path = _entity_path.normalize(parts)
        self._static_path = _entity_path.normalize(static_transform_entity_path or "/tf_static")
        self._below: dict[str, list[UrdfJoint]] = {link: [] for link in self._links}
        parents: dict[str, UrdfJoint] = {}
        for joint in self._joints.values():
            for end in (joint.parent_link, joint.child_link):
                if end not in self._links:
                    raise FileError(path, f"joint {joint.name}: no link {end}")
            if joint.child_link in parents:
                raise FileError(
                    path, f"{joint.child_link} is the child of {parents[joint.child_link].name} and {joint.name}"
                )
            parents[joint.child_link] = joint
            self._below[joint.parent_link].append(joint)
        roots = [link for link in self._links if link not in parents]
        if len(roots) != 1:
            raise FileError(path, f"expected one root link, found {len(roots)}: {', '.join(roots[:5])}")
        self._root = self._links[roots[0]]
        self._order = list(self._walk())
        if len(self._order) != len(self._joints):
            raise FileError(path, "joints go round in a circle")

    @staticmethod
    def from_file_path(
        path: str | Path,
        entity_path_prefix: str | None = None,
        *,
        frame_prefix: str | None = None,
        static_transform_entity_path: str | None = None,
    ) -> UrdfTree:
        """Read a URDF file.

        `entity_path_prefix` is one part above the robot's entities. `frame_prefix` goes before every frame's name, so
        that several robots of one model stay apart. `static_transform_entity_path` is where the joints' transforms at
        rest are logged, by default `/tf_static`. Raises FileError.
        """
        path = Path(os.fspath(path))
        return UrdfTree._of(
            read_xml(path),
            path,
            entity_path_prefix=entity_path_prefix,
            frame_prefix=frame_prefix,
            static_transform_entity_path=static_transform_entity_path,
        )

    @staticmethod
    def _of(
        robot: Element,
        path: Path,
        *,
        entity_path_prefix: str | None = None,
        frame_prefix: str | None = None,
        static_transform_entity_path: str | None = None,
    ) -> UrdfTree:
        """Of XML that was read already; `path` is what errors call it. Raises FileError."""
        if robot.tag != "robot":
            raise robot.error("expected <robot>")
        materials = parse_materials(robot)
        links = [
            UrdfLink(
                element.text("name"),
                parse_geometries(element, "visual", materials),
                parse_geometries(element, "collision", materials),
            )
            for element in robot.each("link")
        ]
        joints = [parse_joint(element, frame_prefix or "") for element in robot.each("joint")]
        for kind, names in (("link", [link.name for link in links]), ("joint", [joint.name for joint in joints])):
            if len(set(names)) != len(names):
                raise FileError(path, f"two of its {kind}s have the same name")
        return UrdfTree(
            path,
            robot.attributes.get("name", ""),
            links,
            joints,
            entity_path_prefix=entity_path_prefix,
            frame_prefix=frame_prefix,
            static_transform_entity_path=static_transform_entity_path,
        )

    def __repr__(self) -> str:
        return f'UrdfTree(name="{self._name}")'

    @property
    def name(self) -> str:
        """Name of the robot."""
        return self._name

    @property
    def frame_prefix(self) -> str | None:
        """What goes before every frame's name."""
        return self._frame_prefix

    def root_link(self) -> UrdfLink:
        """The link that no joint moves."""
        return self._root

    def joints(self) -> list[UrdfJoint]:
        """All joints, in the file's order."""
        return list(self._joints.values())

    def get_joint_by_name(self, joint_name: str) -> UrdfJoint | None:
        """The joint of this name, if there is one."""
        return self._joints.get(joint_name)

    def get_joint_child(self, joint: UrdfJoint) -> UrdfLink:
        """The link that a joint moves. Raises InvalidValueError for a joint of another robot."""
        link = self._links.get(joint.child_link)
        if link is None:
            raise InvalidValueError("joint", f"a joint of {self._name}", repr(joint))
        return link

    def get_link_by_name(self, link_name: str) -> UrdfLink | None:
        """The link of this name, if there is one."""
        return self._links.get(link_name)

    def get_visual_geometry_paths(self, link: str | UrdfLink) -> list[str]:
        """Entities of what a link is seen by; none for a link that the robot does not have."""
        found = self._links.get(link if isinstance(link, str) else link.name)
        return [] if found is None else [self._visual_path(found, geometry) for geometry in found._visuals]

    def get_collision_geometry_paths(self, link: str | UrdfLink) -> list[str]:
        """Entities of what a link collides with; none for a link that the robot does not have."""
        found = self._links.get(link if isinstance(link, str) else link.name)
        return [] if found is None else [self._collision_path(found, geometry) for geometry in found._collisions]

    def stream(self, *, include_joint_transforms: bool = True) -> LazyChunkStream:
        """What `log_urdf_to_recording` logs, chunk by chunk; meshes are read as it goes on.

        A mesh that cannot be read is left out with a warning.
        """
        from rrbridge._chunk_nodes import Source
        from rrbridge._chunk_stream import LazyChunkStream

        name = f"UrdfTree({self.name})"
        return LazyChunkStream(Source(name, lambda: self._chunks(include_joint_transforms=include_joint_transforms)))

    def _chunks(
        self,
        *,
        include_joint_transforms: bool,
        include_collisions: bool = True,
        tell: Callable[[str], None] | None = None,
        packages: Sequence[Path] = (),
    ) -> Iterator[Chunk]:
        """`tell` hears what is left out, else it is warned of; `packages` are folders to look for ROS packages in."""
        shapes = _Shapes(self._path, tell, packages)
        yield from self._frame_chunk(self._entity_path, self._root)
        for link in (self._root, *(self._links[joint.child_link] for joint in self._order)):
            for geometry in link._visuals:
                yield from self._geometry_chunks(self._visual_path(link, geometry), link, geometry, shapes)
            for geometry in link._collisions if include_collisions else ():
                yield from self._geometry_chunks(self._collision_path(link, geometry), link, geometry, shapes)
        if include_joint_transforms and self._order:
            yield self._rest_chunk()

    def log_urdf_to_recording(self, recording: RecordingStream | None = None) -> None:
        """Log shapes, frames and the joints at rest, all static, to a recording (default: the active one)."""
        from rrbridge._global import send_chunks

        send_chunks(self.stream(), recording=recording)

    def compute_joint_transform_batches(self, names: pa.Array, values: pa.Array, *, clamp: bool = False) -> pa.Array:
        """Transforms of many joints in many rows, such as those of joint state messages.

        `names` is a list array of strings, `values` one of numbers (radians or metres), with lists of the same lengths;
        the result has the same lists, of structs of `translation`, `quaternion`, `parent_frame` and `child_frame`.
        Raises InvalidValueError.
        """
        return joint_transform_batches(self._joints, names, values, clamp=clamp)

    def _walk(self) -> Iterator[UrdfJoint]:
        """Joints from the root outwards, each branch to its end first."""
        waiting = self._below[self._root.name][::-1]
        while waiting:
            joint = waiting.pop()
            yield joint
            waiting += self._below[joint.child_link][::-1]

    def _visual_path(self, link: UrdfLink, geometry: Geometry) -> str:
        below = _entity_path.normalize(["visual_geometries", link.name, geometry.name])
        return _entity_path.join(self._entity_path, below)

    def _collision_path(self, link: UrdfLink, geometry: Geometry) -> str:
        below = _entity_path.normalize(["collision_geometries", geometry.shape.kind, link.name, geometry.name])
        return _entity_path.join(self._entity_path, below)

    def _frame_chunk(self, path: str, link: UrdfLink) -> Iterator[Chunk]:
        from rrbridge.archetypes.transforms import CoordinateFrame

        yield _static_chunk(path, CoordinateFrame((self._frame_prefix or "") + link.name))

    def _geometry_chunks(self, path: str, link: UrdfLink, geometry: Geometry, shapes: _Shapes) -> Iterator[Chunk]:
        from rrbridge.archetypes.transforms import InstancePoses3D

        origin, scale = geometry.origin, geometry.shape.scale
        yield _static_chunk(
            path,
            InstancePoses3D(
                translations=[origin.xyz],
                quaternions=[quaternion_from_rpy(origin.rpy)],
                scales=None if scale is None else [scale],
            ),
        )
        yield from self._frame_chunk(path, link)
        try:
            yield _static_chunk(path, shapes.archetype(geometry))
        except FileError as err:
            shapes.left_out(path, err)

    def _rest_chunk(self) -> Chunk:
        """Where every joint's child is while nothing has moved it: one row per joint."""
        from rrbridge.archetypes.transforms import Transform3D

        frames = [joint.frames for joint in self._order]
        columns = Transform3D.columns(
            translation=np.array([joint.origin_xyz for joint in self._order]),
            quaternion=np.array([quaternion_from_rpy(joint.origin_rpy) for joint in self._order]),
            parent_frame=[parent for parent, _ in frames],
            child_frame=[child for _, child in frames],
        )
        return Chunk.from_columns(self._static_path, components=columns)


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Makes archetypes of shapes, reading meshes."""

    urdf: Path
    tell: Callable[[str], None] | None
    packages: Sequence[Path]

    def left_out(self, path: str, err: FileError) -> None:
        if self.tell is not None:
            self.tell(f"{path} is left out: {err}")
        else:
            warnings.warn(f"{self.urdf}: {path} is left out: {err}", RrbridgeWarning, caller_depth())

    def archetype(self, geometry: Geometry) -> Archetype:
        from rrbridge.archetypes.meshes import Asset3D
        from rrbridge.archetypes.shapes import Boxes3D, Capsules3D, Cylinders3D, Ellipsoids3D

        shape = geometry.shape
        color = None if geometry.color is None else _srgb(geometry.color)
        if shape.kind == "mesh":
            content, media_type = read_mesh(self.urdf, shape.mesh, self.packages)
            return Asset3D(contents=content, media_type=media_type, albedo_factor=color)
        colors = [_WHITE if color is None else color]
        if shape.kind == "box":
            return Boxes3D(half_sizes=[np.array(shape.size) / 2], colors=colors)
        if shape.kind == "sphere":
            return Ellipsoids3D(half_sizes=[[shape.radius] * 3], colors=colors)
        kind = Cylinders3D if shape.kind == "cylinder" else Capsules3D
        return kind(lengths=[shape.length], radii=[shape.radius], colors=colors)


def _static_chunk(entity_path: str, archetype: Archetype) -> Chunk:
    """One static row."""
    columns = [batch.partition([len(batch.batch)]) for batch in archetype.as_component_batches()]
    return Chunk.from_columns(entity_path, components=columns)


def _srgb(color: Color) -> tuple[int, int, int, int]:
    """A colour of linear light as sRGB bytes; alpha stays linear (IEC 61966-2-1)."""
    red, green, blue, alpha = np.clip(np.array(color), 0, 1)
    linear: npt.NDArray[np.float64] = np.array([red, green, blue])
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    r, g, b, a = (int(255 * value + 0.5) for value in (*curved, alpha))
    return r, g, b, a
