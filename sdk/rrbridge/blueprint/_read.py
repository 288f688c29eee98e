"""Blueprints out of stores: the way back from what `Blueprint.save` and viewers write."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from rrbridge import _entity_path
from rrbridge import archetypes as data_archetypes
from rrbridge._archetype import Archetype
from rrbridge._batches import DescribedComponentBatch, arrow_encoding
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._recording import AsComponents
from rrbridge._time_ranges import AbsoluteTimeRange
from rrbridge.blueprint import archetypes as a
from rrbridge.blueprint import views
from rrbridge.blueprint._blueprint import Blueprint
from rrbridge.blueprint._rows import TIMELINE
from rrbridge.blueprint._view import View
from rrbridge.blueprint.components import ContainerKind
from rrbridge.blueprint.containers import Container, Grid, Horizontal, Tabs, Vertical
from rrbridge.blueprint.encodings import VisualizerComponentMapping
from rrbridge.blueprint.panels import BlueprintPanel, Panel, SelectionPanel, TimePanel, TopPanel
from rrbridge.blueprint.visualizers import VisualizableArchetype, Visualizer
from rrbridge.errors import InvalidValueError

if TYPE_CHECKING:
    from rrbridge._store import ChunkStore

__all__ = ["read_blueprint"]

log = logging.getLogger(__name__)

LATEST = 2**63 - 2
MAX_DEPTH = 64
"""How deep containers may be nested: far more than a screen has room for."""
PanelT = TypeVar("PanelT", bound=Panel)


def read_blueprint(store: ChunkStore) -> Blueprint:
    """What a blueprint's store says at its latest, with the ids that it has there.

    A view or container counts where it is first mentioned; what is mentioned but not there is left out. Raises
    InvalidValueError where a value makes no sense.
    """
    reader = _Reader(store)
    viewport = reader.fields("/viewport", a.ViewportBlueprint)
    parts: list[Any] = [
        reader.panel(TopPanel),
        reader.panel(BlueprintPanel),
        reader.panel(SelectionPanel),
        reader.time_panel(),
    ]
    if (root := viewport.get("root_container")) is not None:
        parts.append(reader.node(f"container/{uuid.UUID(bytes=bytes(root[0]))}", 0))
    return Blueprint(
        *[part for part in parts if part is not None],
        auto_layout=_first(viewport, "auto_layout"),
        auto_views=_first(viewport, "auto_views"),
    )


@dataclass(frozen=True, slots=True)
class _Batches:
    """Components of an archetype that is not declared here."""

    batches: list[DescribedComponentBatch]

    def as_component_batches(self) -> list[DescribedComponentBatch]:
        return self.batches


class _Reader:
    """Reads one store; knows which nodes of the tree it has met."""

    def __init__(self, store: ChunkStore) -> None:
        self.store = store
        self.met: set[str] = set()

    def values(self, entity: str) -> dict[ComponentDescriptor, pa.Array]:
        """The components of an entity that are not empty."""
        found = self.store.latest_at(entity, None, TIMELINE, LATEST)
        descriptors = self.store.components(entity)
        return {descriptors[name]: cell.values for name, cell in found.items() if len(cell.values)}

    def fields(self, entity: str, cls: type[Archetype]) -> dict[str, list[Any]]:
        """The fields of an archetype at an entity, as Python values."""
        own = {d: values for d, values in self.values(entity).items() if d.archetype == cls.archetype_name}
        return {d.field: values.to_pylist() for d, values in own.items()}

    def archetypes(self, entity: str) -> dict[str, AsComponents]:
        """All that is said at an entity, by archetype."""
        groups: dict[str, dict[ComponentDescriptor, pa.Array]] = {}
        for descriptor, values in self.values(entity).items():
            groups.setdefault(descriptor.archetype or "", {})[descriptor] = values
        return {name: _archetype(name, values) for name, values in sorted(groups.items())}

    def node(self, path: str, depth: int) -> Container | View | None:
        """The container or view at `container/<uuid>` or `view/<uuid>`."""
        if path in self.met:
            log.warning("blueprint: %s is mentioned more than once; only the first counts", path)
            return None
        self.met.add(path)
        if depth > MAX_DEPTH:
            raise InvalidValueError("blueprint", f"containers nested at most {MAX_DEPTH} deep", path)
        kind, _, text = path.strip("/").partition("/")
        try:
            node_id = uuid.UUID(text)
        except ValueError:
            node_id = None
        made = None
        if node_id is not None:
            made = self.container(path, depth) if kind == "container" else self.view(path)
        if made is None or node_id is None:
            log.warning("blueprint: no %s", path)
            return None
        made.id = node_id
        return made

    def container(self, path: str, depth: int) -> Container | None:
        """The container whose entity this is, and all that it contains, without its id."""
        said = self.fields(_entity_path.normalize(path), a.ContainerBlueprint)
        if "container_kind" not in said:
            return None
        children: dict[str, Container | View] = {}
        for child in said.get("contents", ()):
            if (node := self.node(child, depth + 1)) is not None:
                children[child] = node
        active = _first(said, "active_tab")
        try:
            kind = ContainerKind(said["container_kind"][0])
        except ValueError as err:
            raise InvalidValueError(f"{path}.container_kind", "a ContainerKind", str(err)) from err
        made = _CONTAINERS[kind].__new__(_CONTAINERS[kind])
        Container.__init__(  # each kind's own constructor takes a part of this
            made,
            contents=children.values(),
            kind=kind,
            column_shares=said.get("col_shares"),
            row_shares=said.get("row_shares"),
            grid_columns=_first(said, "grid_columns"),
            active_tab=list(children).index(active) if active in children else None,
            name=_first(said, "display_name"),
            visible=_first(said, "visible"),
        )
        return made

    def view(self, path: str) -> View | None:
        """The view whose entity this is, without its id; of its own class where that is known."""
        base = _entity_path.normalize(path)
        said = self.fields(base, a.ViewBlueprint)
        if "class_identifier" not in said:
            return None
        properties: dict[str, Archetype] = {}
        for entity in self.store.children(base):
            name = entity.rpartition("/")[2]
            said_there = () if name in ("ViewContents", "defaults") else self.archetypes(entity).values()
            for archetype in said_there:
                if isinstance(archetype, Archetype):
                    properties[name] = archetype
        given: dict[str, Any] = {
            "origin": _first(said, "space_origin") or "/",
            "contents": self.fields(f"{base}/ViewContents", a.ViewContents).get("query", []),
            "name": _first(said, "display_name"),
            "visible": _first(said, "visible"),
            "titlebar": _first(said, "titlebar"),
            "defaults": list(self.archetypes(f"{base}/defaults").values()),
            "overrides": self.overrides(f"{base}/ViewContents/overrides"),
        }
        identifier = said["class_identifier"][0]
        cls = _view_classes().get(identifier)
        if cls is None:
            return View(class_identifier=identifier, properties=properties, **given)
        made = cls(**given, **_arguments(cls, properties))
        made.properties = properties  # with those that the class does not take
        return made

    def overrides(self, base: str) -> dict[str, list[Visualizer | AsComponents]]:
        """What is said about entities in a view, by entity; `base` is where that begins."""
        found: dict[str, list[Visualizer | AsComponents]] = {}
        for entity in self.store.descendants(base):
            if not entity.endswith("/visualizers"):
                continue
            said = self.archetypes(entity)
            active = said.pop(a.ActiveVisualizers.archetype_name, None)
            visualizers = [] if active is None else [self.visualizer(entity, one) for one in _ids(active)]
            path = entity.removeprefix(base).removesuffix("/visualizers") or "/"
            others = [_not_drawn(archetype) for archetype in said.values()]
            found[path] = [*(v for v in visualizers if v is not None), *others]
        return {path: overrides for path, overrides in found.items() if overrides}

    def visualizer(self, base: str, instruction_id: uuid.UUID) -> Visualizer | None:
        """One of the visualizers below `base`."""
        entity = f"{base}/{instruction_id}"
        said = self.fields(entity, a.VisualizerInstruction)
        if "visualizer_type" not in said:
            log.warning("blueprint: no %s", entity)
            return None
        others = [
            _batch(descriptor, values)
            for descriptor, values in self.values(entity).items()
            if descriptor.archetype != a.VisualizerInstruction.archetype_name
        ]
        mappings = [VisualizerComponentMapping(**mapping) for mapping in said.get("component_map", ())]
        made = Visualizer(said["visualizer_type"][0], overrides=others, mappings=mappings)
        made.id = instruction_id
        return made

    def panel(self, cls: type[PanelT]) -> PanelT | None:
        """A panel; None where nothing is said about it."""
        state = _first(self.fields(f"/{cls.name}", a.PanelBlueprint), "state")
        return None if state is None else cls(state=state)

    def time_panel(self) -> TimePanel | None:
        """The time panel; None where nothing is said about it."""
        said = self.fields(f"/{TimePanel.name}", a.TimePanelBlueprint)
        if not said:
            return None
        given = {name: values[0] for name, values in said.items()}
        if "time_selection" in given:
            given["time_selection"] = AbsoluteTimeRange(**given["time_selection"])
        return TimePanel(**given)


_CONTAINERS: Mapping[ContainerKind, type[Container]] = {
    ContainerKind.Tabs: Tabs,
    ContainerKind.Horizontal: Horizontal,
    ContainerKind.Vertical: Vertical,
    ContainerKind.Grid: Grid,
}


@cache
def _view_classes() -> Mapping[str, type[views.DeclaredView]]:
    return {cls.identifier: cls for cls in map(vars(views).__getitem__, views.__all__)}


@cache
def _archetype_classes() -> Mapping[str, type[Archetype]]:
    known = [*(getattr(data_archetypes, name) for name in dir(data_archetypes)), *vars(a).values()]
    return {cls.archetype_name: cls for cls in known if isinstance(cls, type) and issubclass(cls, Archetype)}


def _arguments(cls: type[views.DeclaredView], properties: Mapping[str, Archetype]) -> dict[str, Any]:
    """Properties by the names that a view's constructor has for them."""
    named = {name: properties.get(kind.archetype_short_name()) for name, kind in cls.property_archetypes.items()}
    return {name: value for name, value in named.items() if isinstance(value, cls.property_archetypes[name])}


def _archetype(name: str, components: Mapping[ComponentDescriptor, pa.Array]) -> AsComponents:
    """An archetype out of its components; as they are, where it or one of them is not declared here."""
    cls = _archetype_classes().get(name)
    if cls is None or any(descriptor.field not in cls.fields for descriptor in components):
        return _Batches([_batch(descriptor, values) for descriptor, values in components.items()])
    return cls.from_fields(**{descriptor.field: values for descriptor, values in components.items()})


def _not_drawn(archetype: AsComponents) -> AsComponents:
    """What is said beside the visualizers; it must not become one of them."""
    is_drawn = isinstance(archetype, VisualizableArchetype)
    return _Batches(archetype.as_component_batches()) if is_drawn else archetype


def _batch(descriptor: ComponentDescriptor, values: pa.Array) -> DescribedComponentBatch:
    return DescribedComponentBatch.parsed(descriptor, arrow_encoding(values.type), values)


def _ids(active: AsComponents) -> list[uuid.UUID]:
    (batch,) = active.as_component_batches()
    return [uuid.UUID(bytes=bytes(one)) for one in batch.as_arrow_array().to_pylist()]


def _first(said: Mapping[str, list[Any]], field: str) -> Any:
    """The one value of a field, or None."""
    return next(iter(said.get(field, ())), None)
