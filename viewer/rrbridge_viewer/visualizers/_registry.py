"""The registry of visualizers: which function draws which components of an entity.

A visualizer is a pure function of an entity's components::

    visualizers = Visualizers()

    @visualizers("Points3D", needs=["Points3D:positions"], content="3D")
    def points3d(entity: EntityData) -> Iterator[Primitive]:
        yield Points(positions=..., colors=..., radii=...)

and a package offers its own by an entry point `rrbridge.visualizers` that names the `Visualizers` object.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from rrbridge import plugins
from rrbridge.errors import PluginConflictError
from rrbridge_viewer.render.primitives import F64, Primitive
from rrbridge_viewer.visualizers._entity import AnnotationClass, ComponentValue, EntityData, PinholeView
from rrbridge_viewer.visualizers._pinhole_geometry import camera_from_image_plane

__all__ = ["Content", "SceneBuilder", "Space", "Visualizer", "VisualizerFunction", "Visualizers"]

VisualizerFunction: TypeAlias = Callable[[EntityData], Iterable[Primitive]]
F = TypeVar("F", bound=VisualizerFunction)
Space: TypeAlias = Literal["2D", "3D"]
"""What kind of view is being filled."""
Content: TypeAlias = Literal["2D", "3D", "camera"]
"""In which space a visualizer's positions are: a plane of pixels, the entity's frame, or the optical frame of its camera."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visualizer:
    """One registered visualizer."""

    name: str
    function: VisualizerFunction
    needs: frozenset[str]
    """Components without which there is nothing to draw."""
    content: Content
    spaces: frozenset[Space]
    """The kinds of view it is for."""
    origin: str = ""

    def applies_to(self, entity: EntityData, space: Space) -> bool:
        """Whether it has something to draw in such a view."""
        if space not in self.spaces or not all(component in entity for component in self.needs):
            return False
        if self.content == "camera" or (self.content == "2D" and space == "3D"):
            return entity.pinhole is not None
        if self.content == "3D" and space == "2D":
            return not np.array_equal(entity.world_from_entity[3], (0, 0, 0, 1))
        return True

    def world_from_content(self, entity: EntityData, space: Space) -> F64:
        """(4, 4): where the visualizer's positions are in the view."""
        if entity.pinhole is None or self.content == "3D" or space == "2D":
            return entity.world_from_entity
        placed: F64 = entity.pinhole.world_from_camera @ camera_from_image_plane(
            entity.pinhole, optical_only=self.content == "camera"
        )
        return placed


@dataclass
class Visualizers:
    """Visualizers by name; the name is the archetype's where one draws one."""

    by_name: dict[str, Visualizer] = field(default_factory=dict)

    def __call__(
        self,
        name: str,
        *,
        needs: Sequence[str],
        content: Content,
        spaces: Sequence[Space] = ("2D", "3D"),
        replace: bool = False,
    ) -> Callable[[F], F]:
        """Register the decorated function. Claiming a name twice needs `replace=True`.

        What is 3D appears in a 2D view only if the entity is projected there, what is 2D in a 3D view only on its
        camera's image plane.
        """

        def register(function: F) -> F:
            if name in self.by_name and not replace:
                other = self.by_name[name].function.__qualname__
                raise PluginConflictError(f"{name} is drawn by {other} already; pass replace=True to replace it")
            self.by_name[name] = Visualizer(
                name, function, frozenset(needs), content, frozenset(spaces), function.__module__
            )
            return function

        return register

    @classmethod
    def discover(cls) -> Visualizers:
        """Every installed visualizer: rrbridge's first, then plug-ins', which may replace ours."""
        found: dict[str, Visualizer] = {}
        for plugin in plugins.load("rrbridge.visualizers"):
            offered: Mapping[str, Visualizer] = plugin.value.by_name
            found |= offered
        return cls(found)

    def for_entity(self, entity: EntityData, space: Space) -> list[Visualizer]:
        """Those that have something to draw."""
        return [visualizer for visualizer in self.by_name.values() if visualizer.applies_to(entity, space)]


class _Watched(Mapping[str, ComponentValue]):
    """Components that remember which of them were asked for."""

    def __init__(self, components: Mapping[str, ComponentValue]) -> None:
        self.components = components
        self.asked: dict[str, Hashable] = {}

    def __getitem__(self, name: str) -> ComponentValue:
        found = self.components.get(name)
        self.asked[name] = None if found is None else found.identity
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.components)

    def __len__(self) -> int:
        return len(self.components)


@dataclass(frozen=True, slots=True)
class _Remembered:
    asked: Mapping[str, Hashable]
    annotations: Mapping[int, AnnotationClass]
    circumstances: Hashable
    primitives: tuple[Primitive, ...]
    problem: str | None

    def placed(self, world_from_content: F64) -> _Remembered:
        """With its primitives there; itself if they are there already, so that an unchanged scene is equal to itself."""
        if all(np.array_equal(primitive.world_from_entity, world_from_content) for primitive in self.primitives):
            return self
        moved = tuple(replace(primitive, world_from_entity=world_from_content) for primitive in self.primitives)
        return replace(self, primitives=moved)

    def still_holds(self, entity: EntityData) -> bool:
        return (
            entity.annotations is self.annotations
            and _circumstances(entity) == self.circumstances
            and all(entity.identity(name) == identity for name, identity in self.asked.items())
        )


class SceneBuilder:
    """Runs visualizers for one view, each only when something that it read has changed.

    So the arrays in its primitives stay the same objects, and nothing is uploaded again, while the data stays the same:
    moving an entity does not decode its mesh again.
    """

    def __init__(self, visualizers: Visualizers, space: Space) -> None:
        self.visualizers = visualizers
        self.space: Space = space
        self.problems: dict[str, str] = {}
        """Why an entity is not drawn, or not wholly, as of the last call: entity path → a sentence."""
        self._remembered: dict[tuple[str, str], _Remembered] = {}

    def primitives(self, entities: Iterable[EntityData]) -> tuple[Primitive, ...]:
        """What to draw for these entities. What is known of others is forgotten."""
        remembered: dict[tuple[str, str], _Remembered] = {}
        self.problems = {}
        primitives: list[Primitive] = []
        for entity in entities:
            for visualizer in self.visualizers.for_entity(entity, self.space):
                known = self._run(visualizer, entity).placed(visualizer.world_from_content(entity, self.space))
                remembered[entity.path, visualizer.name] = known
                primitives += known.primitives
                if known.problem:
                    self.problems[entity.path] = known.problem
        self._remembered = remembered
        return tuple(primitives)

    def _run(self, visualizer: Visualizer, entity: EntityData) -> _Remembered:
        known = self._remembered.get((entity.path, visualizer.name))
        if known and known.still_holds(entity):
            return known
        watched = _Watched(entity.components)
        problem = None
        made: list[Primitive] = []
        try:
            made.extend(visualizer.function(replace(entity, components=watched)))
        except Exception as err:
            problem = f"{visualizer.name}: {err}"
            log.debug("%s: %s", entity.path, problem, exc_info=True)
        named = tuple(
            replace(primitive, key=f"{entity.path}#{visualizer.name}#{number}", entity_path=entity.path)
            for number, primitive in enumerate(made)
        )
        return _Remembered(watched.asked, entity.annotations, _circumstances(entity), named, problem)


def _circumstances(entity: EntityData) -> Hashable:
    """What else than components and annotations a visualizer may read, where it changes the primitives."""
    pinhole = entity.pinhole and _intrinsics(entity.pinhole)
    last_frame = entity.video[-1].time if entity.video else None
    return pinhole, entity.frame, last_frame


def _intrinsics(pinhole: PinholeView) -> Hashable:
    return pinhole.image_from_camera.tobytes(), pinhole.resolution, pinhole.camera_xyz, pinhole.image_plane_distance
