"""Robot models (URDF): an entity per shape, and the joints at rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge.formats._contents import content_id, read_content
from rrbridge.importers import ImportOptions, Note, Summary, TopicSummary

__all__ = ["RobotImporter", "importer"]

TRANSFORMS = "/tf_static"


class RobotImporter:
    """Opens URDF files. Meshes are looked for beside them, and in packages of the environment and the options."""

    name = "URDF"

    def probe(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - XML begins in many ways
        """By the file's name."""
        return path.suffix.lower() == ".urdf" and not path.is_dir()

    def info(self, path: Path) -> Summary:
        """An entity per shape. Raises FileError."""
        from rrbridge.urdf import UrdfTree

        tree = UrdfTree.from_file_path(path)
        links = [tree.root_link(), *map(tree.get_joint_child, tree.joints())]
        shapes = [p for link in links for p in tree.get_visual_geometry_paths(link)]
        shapes += [p for link in links for p in tree.get_collision_geometry_paths(link)]
        topics = [TopicSummary(entity, "shape", 1) for entity in shapes]
        topics.append(TopicSummary(TRANSFORMS, "Transform3D", len(tree.joints())))
        return Summary(path, self.name, path.stat().st_size, None, None, tuple(topics))

    def chunks(self, path: Path, options: ImportOptions) -> Iterator[Chunk]:
        """Static data. A mesh that cannot be read is left out, and noted as a loss. Raises FileError."""
        from rrbridge.urdf import UrdfTree

        prefix = options.prefix.strip("/")
        tree = UrdfTree.from_file_path(path, frame_prefix=f"{prefix}/" if prefix else None)
        tell = options.note or (lambda _: None)
        for chunk in tree._chunks(
            include_joint_transforms=True,
            tell=lambda text: tell(Note(text, is_loss=True)),
            packages=options.definitions,
        ):
            if options.wants(chunk.entity_path):
                yield chunk.with_entity_path(_entity_path.join(prefix, chunk.entity_path)) if prefix else chunk
        if options.progress:
            size = path.stat().st_size
            options.progress(size, size)

    def movable_frames(self, path: Path, prefix: str) -> frozenset[str]:
        """The frames that joints move, whose place at rest is only a guess where a recording knows better. Raises FileError."""
        from rrbridge.urdf import UrdfTree

        before = f"{prefix.strip('/')}/" if prefix.strip("/") else None
        joints = UrdfTree.from_file_path(path, frame_prefix=before).joints()
        return frozenset(joint.frames[1] for joint in joints if joint.joint_type != "fixed")

    def recording_id(self, path: Path) -> str:
        """Of the file's content, not that of its meshes."""
        return content_id(read_content(path))


importer = RobotImporter()
