"""A view: what it shows of which entities, and how."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rrbridge import _entity_path
from rrbridge._archetype import Archetype, own_errors
from rrbridge._batches import DescribedComponentBatch
from rrbridge._recording import AsComponents
from rrbridge.blueprint._rows import Row
from rrbridge.blueprint.archetypes import ActiveVisualizers, ViewBlueprint, ViewContents
from rrbridge.blueprint.visualizers import VisualizableArchetype, Visualizer, VisualizerLike
from rrbridge.errors import InvalidValueError

if TYPE_CHECKING:
    from rrbridge.blueprint._blueprint import Blueprint
    from rrbridge.blueprint.containers import Container

__all__ = ["Defaults", "EntityPathLike", "Overrides", "View", "ViewContentsLike"]

EntityPathLike: TypeAlias = str | Sequence[object]
"""`/world/robot`, or its parts."""
ViewContentsLike: TypeAlias = str | Sequence[str] | ViewContents
Defaults: TypeAlias = Iterable[AsComponents | Iterable[DescribedComponentBatch]]
"""Values for components that entities do not have."""
Overrides: TypeAlias = Mapping[str, VisualizerLike | Iterable[VisualizerLike]]
"""By entity: what draws it, and other archetypes about it, such as `EntityBehavior`."""


@own_errors
class View:
    """A view of any class; mostly made by one of its subclasses."""

    id: uuid.UUID
    name: str | None
    origin: EntityPathLike
    contents: ViewContentsLike
    visible: bool | None
    titlebar: bool | None
    properties: dict[str, Archetype]
    """By the name of the archetype."""
    default_batches: list[list[DescribedComponentBatch]]
    visualizer_overrides: dict[str, list[Visualizer | AsComponents]]
    """By entity."""

    def __init__(
        self,
        *,
        class_identifier: str,
        origin: EntityPathLike,
        contents: ViewContentsLike,
        name: str | None,
        visible: bool | None = None,
        titlebar: bool | None = None,
        properties: Mapping[str, Archetype] | None = None,
        defaults: Defaults | None = None,
        overrides: Overrides | None = None,
    ) -> None:
        """`origin`: the entity whose space it shows; `contents`: rules, relative to `$origin` where they say so.

        Raises InvalidValueError.
        """
        self.id = uuid.uuid4()
        self.class_identifier = str(class_identifier)
        self.origin = origin
        self.contents = contents
        self.name = None if name is None else str(name)
        self.visible = visible
        self.titlebar = titlebar
        self.properties = dict(properties or {})
        for value in self.properties.values():
            if not hasattr(value, "as_component_batches"):
                raise InvalidValueError("View.properties", "archetypes by name", repr(value)[:80])
        self.default_batches = [_batches("defaults", default) for default in _each("defaults", defaults)]
        self.visualizer_overrides = {
            _entity_path.normalize(path): [
                _visualizer(path, v) for v in ([given] if _is_one(given) else _each("overrides", given))
            ]
            for path, given in (overrides or {}).items()
        }
        self._contents_archetype()
        self._view_archetype()

    def blueprint_path(self) -> str:
        """Where blueprints speak of it: `view/<uuid>`."""
        return f"view/{self.id}"

    def to_container(self) -> Container:
        """The view alone in a container."""
        from rrbridge.blueprint.containers import Tabs  # views are declared before what contains them

        return Tabs(self)

    def to_blueprint(self) -> Blueprint:
        """The view alone in a blueprint."""
        from rrbridge.blueprint._blueprint import Blueprint

        return Blueprint(self)

    def blueprint_rows(self) -> Iterator[Row]:
        """What a blueprint says about it."""
        base = f"/{self.blueprint_path()}"
        yield Row(f"{base}/ViewContents", self._contents_archetype().as_component_batches())
        yield Row(base, self._view_archetype().as_component_batches())
        for name, archetype in self.properties.items():
            yield Row(f"{base}/{name}", archetype.as_component_batches())
        for default in self.default_batches:
            yield Row(f"{base}/defaults", default)
        for entity_path, visualizers in self.visualizer_overrides.items():
            yield from _override_rows(f"{base}/ViewContents/overrides{entity_path}/visualizers", visualizers)

    def _contents_archetype(self) -> ViewContents:
        if isinstance(self.contents, ViewContents):
            return self.contents
        if not isinstance(self.contents, Iterable):
            raise InvalidValueError("contents", "an entity path expression, or several", repr(self.contents)[:80])
        return ViewContents(self.contents)

    def _view_archetype(self) -> ViewBlueprint:
        return ViewBlueprint(
            self.class_identifier,
            display_name=self.name,
            space_origin=self.origin if isinstance(self.origin, str) else _entity_path.normalize(self.origin),
            visible=self.visible,
            titlebar=self.titlebar,
        )

    def __repr__(self) -> str:
        named = "" if self.name is None else f", name={self.name!r}"
        return f"{type(self).__name__}({self.class_identifier!r}, origin={self.origin!r}{named})"


def _override_rows(base: str, overrides: Iterable[Visualizer | AsComponents]) -> Iterator[Row]:
    ids = []
    for override in overrides:
        if isinstance(override, Visualizer):
            ids.append(override.id)
            yield Row(f"{base}/{override.id}", override.instruction().as_component_batches())
            yield Row(f"{base}/{override.id}", override.overrides)
        else:
            yield Row(base, override.as_component_batches())
    if ids:
        yield Row(base, ActiveVisualizers(ids).as_component_batches())


def _is_one(given: object) -> bool:
    return isinstance(given, Visualizer | VisualizableArchetype | AsComponents)


def _each(what: str, given: object) -> list[object]:
    if given is None:
        return []
    if isinstance(given, str | bytes | AsComponents) or not isinstance(given, Iterable):
        raise InvalidValueError(f"View.{what}", "a list", repr(given)[:80])
    return list(given)


def _batches(what: str, given: object) -> list[DescribedComponentBatch]:
    if isinstance(given, AsComponents):
        return list(given.as_component_batches())
    batches = _each(what, given)
    found = [batch for batch in batches if isinstance(batch, DescribedComponentBatch)]
    if len(found) < len(batches):
        raise InvalidValueError(f"View.{what}", "archetypes or component batches", repr(given)[:80])
    return found


def _visualizer(entity_path: object, given: object) -> Visualizer | AsComponents:
    if isinstance(given, Visualizer):
        return given
    if isinstance(given, VisualizableArchetype):
        return given.visualizer()
    if isinstance(given, AsComponents):
        return given
    raise InvalidValueError(f"View.overrides[{entity_path!r}]", "visualizers or archetypes", repr(given)[:80])
