"""What to show of a recording when nobody has said: which views, and where on the screen.

One 3D view for each set of frames that transforms connect, one 2D view per image, one plot per group of numbers, one log,
one view per text. Pure: facts about entities in, a blueprint out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rrbridge import _entity_path
from rrbridge_viewer.blueprint import Blueprint, Container, Pane, PlottedField
from rrbridge_viewer.message_fields import FieldPath, field_title

__all__ = ["EntityFacts", "automatic_blueprint"]

SPACE = frozenset(
    [
        *("Points3D", "LineStrips3D", "Arrows3D", "Boxes3D", "Ellipsoids3D", "Cylinders3D", "Capsules3D", "Mesh3D"),
        *("Asset3D", "InstancePoses3D", "TransformAxes3D", "GridMap", "VoxelGridMap"),
    ]
)
"""Archetypes that need a view in space."""
DIRECTIONS = frozenset(["Arrows3D", "InstancePoses3D", "TransformAxes3D"])
"""Those that alone are no scene: a velocity, an orientation."""
SCENERY = SPACE - DIRECTIONS
PLACES = frozenset(["Transform3D", "Pinhole", "CoordinateFrame"])
"""Archetypes that are worth showing in space, but need no view of their own."""
IMAGES = frozenset(["Image", "EncodedImage", "DepthImage", "EncodedDepthImage", "SegmentationImage", "VideoStream"])
FLAT = frozenset(["Points2D", "LineStrips2D", "Arrows2D", "Boxes2D", "Ellipses2D"])
NUMBERS, LOG, DOCUMENT = "Scalars", "TextLog", "TextDocument"
DRAWN = SPACE | IMAGES | FLAT | {"Transform3D", "Pinhole", NUMBERS, LOG, DOCUMENT}
"""Archetypes that some view shows."""

MAX_SPACES = 4
MAX_IMAGES = 12
MAX_PLOTS = 12
MAX_DOCUMENTS = 4
CURVES_PER_PLOT = 12
FEW_THINGS = 2
"""In a space with no more things than this, named frames are drawn too."""


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """What the layout has to know of an entity."""

    path: str
    archetypes: frozenset[str]
    """Short names: `Points3D`."""
    space: str = ""
    """The root of the frames that it is connected with; entities of equal `space` can be shown together."""
    camera: str | None = None
    """The pinhole in whose picture it lies."""
    rows: int = 0
    fields: tuple[PlottedField, ...] = ()
    """If nothing draws the entity: the numbers in its messages, those worth looking at first."""


def automatic_blueprint(entities: Sequence[EntityFacts]) -> Blueprint:
    """Views for these entities."""
    shown = [entity for entity in entities if not entity.path.startswith("/__properties")]
    spaces = _spaces(shown)
    images = _images(shown)
    plots = _plots([entity for entity in shown if NUMBERS in entity.archetypes])
    plots += _field_plots([entity for entity in shown if entity.fields and entity.rows > 1], MAX_PLOTS - len(plots))
    logs = _log([entity.path for entity in shown if LOG in entity.archetypes])
    documents = [
        Pane("TextDocumentView", _leaf(entity.path), entity.path, (entity.path,))
        for entity in shown
        if DOCUMENT in entity.archetypes
    ][:MAX_DOCUMENTS]
    panes: dict[str, Pane] = {}

    def named(made: Iterable[Pane]) -> tuple[str, ...]:
        ids = []
        for pane in made:
            view_id = f"{pane.view}:{pane.origin}:{pane.frame}"
            while view_id in panes:
                view_id += "'"
            panes[view_id] = pane
            ids.append(view_id)
        return tuple(ids)

    # Documents and logs share a place: both are for reading.
    space_ids, image_ids, plot_ids = named(spaces), named(images), named(plots)
    text_ids = named([*logs, *documents])
    scenes = sum(any(entity.archetypes & SCENERY for entity in shown if entity.space == pane.frame) for pane in spaces)
    return Blueprint(panes, _arranged(space_ids, scenes, image_ids, plot_ids, text_ids))


def _spaces(entities: Sequence[EntityFacts]) -> list[Pane]:
    by_space: dict[str, list[EntityFacts]] = defaultdict(list)
    for entity in entities:
        flat_on_camera = entity.camera is not None and entity.archetypes & (IMAGES | FLAT)
        if entity.archetypes & (SPACE | PLACES) or flat_on_camera:
            by_space[entity.space].append(entity)
    worth = {
        space: members
        for space, members in by_space.items()
        if any(member.archetypes & SPACE for member in members)
        or any({"Transform3D", "Pinhole"} & member.archetypes for member in members)
    }
    drawn = {space for space, members in worth.items() if any(member.archetypes & SPACE for member in members)}
    scenes = {space for space, members in worth.items() if any(member.archetypes & SCENERY for member in members)}

    def rank(space: str) -> tuple[bool, bool, int, str]:
        return space not in scenes, space not in drawn, -sum(member.rows for member in worth[space]), space

    order = sorted(worth, key=rank)
    kept = [space for space in order if space in drawn][:MAX_SPACES] or order[:1]
    titles = {space: "3D" if len(kept) == 1 else f"3D {_frame_title(space)}" for space in kept}
    return [
        Pane(
            "Spatial3DView",
            titles[space],
            "/",
            tuple(member.path for member in worth[space]),
            frame=space,
            frames=sum(bool(member.archetypes & SPACE) for member in worth[space]) <= FEW_THINGS,
        )
        for space in kept
    ]


def _frame_title(frame: str) -> str:
    return frame.removeprefix("tf#") or "/"


def _images(entities: Sequence[EntityFacts]) -> list[Pane]:
    pictures = [entity for entity in entities if entity.archetypes & IMAGES]
    overlays = [entity for entity in entities if entity.archetypes & FLAT and not entity.archetypes & IMAGES]
    panes = []
    used: set[str] = set()
    titles = _short_titles([picture.path for picture in pictures])
    for picture in sorted(pictures, key=lambda entity: (-entity.rows, entity.path))[:MAX_IMAGES]:
        folder = _entity_path.parent(picture.path) or "/"
        alone = sum(_entity_path.is_descendant(other.path, folder) for other in pictures) == 1 and folder != "/"
        drawn_on = [
            overlay.path
            for overlay in overlays
            if _entity_path.is_descendant(overlay.path, folder if alone else picture.path)
            or (overlay.camera is not None and overlay.camera == picture.camera)
        ]
        used.update(drawn_on)
        panes.append(Pane("Spatial2DView", titles[picture.path], picture.path, (picture.path, *drawn_on)))
    by_folder: dict[str, list[str]] = defaultdict(list)
    for overlay in overlays:
        if overlay.path not in used and overlay.camera is None:
            by_folder[_entity_path.parent(overlay.path) or "/"].append(overlay.path)
    panes += [Pane("Spatial2DView", folder, folder, tuple(paths)) for folder, paths in by_folder.items()]
    return panes[:MAX_IMAGES]


def _short_titles(paths: Sequence[str]) -> dict[str, str]:
    """Of each path its last two parts, or as many as tell it from the others: tabs are narrow."""
    ends = {path: [_entity_path.unescape(part) for part in _entity_path.parts(path)] for path in paths}
    titles: dict[str, str] = {}
    for path, parts in ends.items():
        count = 2
        while count < len(parts) and sum(other[-count:] == parts[-count:] for other in ends.values()) > 1:
            count += 1
        titles[path] = "/".join(parts[-count:])
    return titles


def _plots(entities: Sequence[EntityFacts]) -> list[Pane]:
    """Numbers with the same parent share a plot; if that makes too many plots, those under the same grandparent do, …"""
    groups: Mapping[str, list[EntityFacts]] = {}
    deepest = max((len(_entity_path.parts(entity.path)) for entity in entities), default=0)
    for depth in range(max(deepest - 1, 1), 0, -1):
        groups = _grouped(entities, depth)
        if len(groups) <= MAX_PLOTS:
            break
    order = sorted(groups, key=lambda folder: (-sum(member.rows for member in groups[folder]), folder))
    panes = []
    for folder in sorted(order[:MAX_PLOTS]):
        paths = [member.path for member in groups[folder]]
        title = paths[0] if len(paths) == 1 else folder
        origin = paths[0] if len(paths) == 1 else folder
        hidden = frozenset(paths[CURVES_PER_PLOT:])
        panes.append(Pane("TimeSeriesView", title, origin, tuple(paths), hidden=hidden))
    return panes


def _grouped(entities: Sequence[EntityFacts], depth: int) -> dict[str, list[EntityFacts]]:
    """By the first `depth` parts of the parent's path; what lies at the root stands alone."""
    groups: dict[str, list[EntityFacts]] = defaultdict(list)
    for entity in entities:
        found = _entity_path.parts(entity.path)
        folder = found[: min(depth, len(found) - 1)]
        groups["/" + "/".join(folder) if folder else entity.path].append(entity)
    return groups


def _field_plots(entities: Sequence[EntityFacts], places: int) -> list[Pane]:
    """Numbers in messages that nothing else draws: one plot per struct within a message, or per entity if those are too many."""
    groups: list[tuple[EntityFacts, FieldPath, list[PlottedField]]] = []
    for entity in entities:
        by_struct: dict[FieldPath, list[PlottedField]] = defaultdict(list)
        for field in entity.fields:
            by_struct[field.path[:-1]].append(field)
        groups += [(entity, struct, fields) for struct, fields in by_struct.items()]
    if len(groups) > places:
        groups = [(entity, (), list(entity.fields)) for entity in entities]
    groups.sort(key=lambda group: -group[0].rows)
    return [
        Pane(
            "TimeSeriesView",
            f"{entity.path} {field_title(struct)}".rstrip(),
            entity.path,
            (entity.path,),
            fields=tuple(fields[:CURVES_PER_PLOT]),
            left_out=max(len(fields) - CURVES_PER_PLOT, 0),
        )
        for entity, struct, fields in groups[: max(places, 0)]
    ]


def _log(paths: Sequence[str]) -> list[Pane]:
    return [Pane("TextLogView", "Log", "/", tuple(paths))] if paths else []


def _leaf(path: str) -> str:
    return _entity_path.unescape(path.rpartition("/")[2])


def _arranged(
    spaces: tuple[str, ...], scenes: int, images: tuple[str, ...], plots: tuple[str, ...], texts: tuple[str, ...]
) -> Container | None:
    """Space at the left and large, its first `scenes` in front; images, plots and texts at the right, one above the other."""
    left = Container("vertical", spaces) if len(spaces) == 2 and scenes != 1 else _tabs(spaces)
    kinds = sum(1 for ids in (images, plots, texts) if ids)
    parts: list[tuple[str | Container, float]] = []
    if images:
        parts.append((_tiled(images, 4 if kinds == 1 else 2), 1.2))
    if plots:
        rows = min(len(plots), 5 - kinds)
        parts.append((_stacked(plots, rows), 0.4 + 0.6 * rows))
    if texts:
        parts.append((Container("tabs", texts), 0.9))
    if left is None:
        if len(parts) <= 1:
            return _grid(images or plots or texts)
        left, parts = parts[0][0], parts[1:]
    if not parts:
        return left if isinstance(left, Container) else Container("horizontal", (left,))
    right = Container("vertical", tuple(part for part, _ in parts), tuple(share for _, share in parts))
    return Container("horizontal", (left, right), (0.58, 0.42))


def _stacked(ids: tuple[str, ...], places: int) -> Container:
    """One above the other; where there are more views than places, several share one as tabs."""
    groups = [ids[round(i * len(ids) / places) : round((i + 1) * len(ids) / places)] for i in range(places)]
    return Container("vertical", tuple(group[0] if len(group) == 1 else Container("tabs", group) for group in groups))


def _tiled(ids: tuple[str, ...], places: int) -> Container:
    """Two in a row, the rest behind them as tabs."""
    places = min(places, len(ids))
    cells = _stacked(ids, places).children
    rows = [Container("horizontal", cells[start : start + 2]) for start in range(0, len(cells), 2)]
    return rows[0] if len(rows) == 1 else Container("vertical", tuple(rows))


def _tabs(ids: tuple[str, ...]) -> str | Container | None:
    if len(ids) <= 1:
        return ids[0] if ids else None
    return Container("tabs", ids)


def _grid(ids: tuple[str, ...]) -> Container | None:
    """All views of a recording that has only one kind: two columns, then three."""
    if not ids:
        return None
    count = 1 if len(ids) <= 2 else 2 if len(ids) <= 6 else 3
    columns = [ids[start::count] for start in range(count)]
    made = tuple(Container("vertical", column) for column in columns)
    return made[0] if len(made) == 1 else Container("horizontal", made)
