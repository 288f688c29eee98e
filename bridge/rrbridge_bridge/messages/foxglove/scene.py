"""Scenes: entities with an id, made of primitives, for as long as they are up.

An entity lives below its topic, at its id; each kind of primitive has an entity below that. A new message about an entity
replaces all of it: one that is made of other kinds of primitives clears the old ones. A deletion clears it, and so does the end
of its lifetime, which counts from when the message was received. That needs memory, so this is a stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, nanos, present, take
from rrbridge.stages import Messages, Takes
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._lives import Lives, end_due, ends_of, ends_of_up
from rrbridge_bridge.messages._marker_memory import ADD, DELETE, DELETE_ALL, Acts, Up, fates_of
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import rotate
from rrbridge_bridge.messages.foxglove._lines import lines_of
from rrbridge_bridge.messages.foxglove._schema import colors_of, integers, orientations, placed, positions, rgba

_ALL = 1
"""SceneEntityDeletion.Type; else it is by id."""
_LINE_LOOP, _LINE_LIST = 1, 2
"""LinePrimitive.Type; else it is a strip."""

Int64s = npt.NDArray[np.int64]
EntitiesUp = Mapping[str, Up]
"""Of a topic, by path below it; those that came first at the front."""


def _end_what_is_due(state: EntitiesUp, until_nanos: int, _is_end: bool) -> tuple[EntitiesUp, Iterable[Emit]]:
    """Entities whose lifetime has ended by then."""
    return end_due(state, until_nanos, recursive=True)


@adapters.stage(
    Takes("foxglove.SceneUpdate", wholly=True),
    Takes("foxglove_msgs/msg/SceneUpdate", wholly=True),
    start={},
    settle=_end_what_is_due,
)
@np.errstate(invalid="ignore", over="ignore")  # of what is infinitely far or large
def scene_update(state: EntitiesUp, msgs: Messages) -> tuple[EntitiesUp, list[Emit | Skipped]]:
    """Entities that come, change and go."""
    entities, deletions = msgs.columns.entities, msgs.columns.deletions
    table = _Table.of(state, entities, deletions, msgs)
    fates = fates_of(table.acts, int(msgs.log_time_nanos[-1]))
    emits = [*table.clears(fates, recursive=True), *_drawn(entities.values, table, fates.drawn)]
    return table.up_after(fates), emits


@dataclass(frozen=True, eq=False, slots=True)
class _Table(Lives):
    """Entities that were up, then what the messages ask for."""

    source: Int64s
    """Which of the messages' entities each act is about; -1 for the others."""

    @classmethod
    def of(cls, state: EntitiesUp, entities: Ragged, deletions: Ragged, msgs: Messages) -> _Table:
        each, gone = entities.values, deletions.values
        message = np.concatenate([deletions.row_of_value, entities.row_of_value])
        is_entity = np.arange(len(message)) >= len(gone)
        stamps = (
            np.concatenate([nanos(gone.timestamp), nanos(each.timestamp)]) if len(message) else np.zeros(0, np.int64)
        )
        lifetimes = np.concatenate([np.zeros(len(gone), np.int64), nanos(each.lifetime)])
        ends = ends_of(msgs, message, stamps, lifetimes)
        paths, names = _numbered(list(state), _paths(gone) + _paths(each))
        known, kinds = _numbered([], [up.kind for up in state.values()] + _kinds(each))
        before = len(state)
        kind = np.concatenate([kinds[:before], np.full(len(gone), -1), kinds[before:]])
        action = np.where(is_entity, ADD, DELETE)
        action[: len(gone)][integers(gone.type) == _ALL] = DELETE_ALL
        order = np.lexsort((is_entity, message))  # what a message deletes goes before what it adds
        all_ends = np.concatenate([ends_of_up(state.values()), ends[order]])
        acts = Acts(
            message=np.concatenate([np.full(before, -1), message[order]]),
            action=np.concatenate([np.full(before, ADD), action[order]]),
            name=np.concatenate([np.arange(before), names[order]]),
            namespace=np.full(before + len(order), -1),
            kind=np.concatenate([kind[:before], kind[before:][order]]),
            log_nanos=np.concatenate([np.zeros(before, np.int64), msgs.log_time_nanos[message][order]]),
            log_end_nanos=all_ends[:, 0],
        )
        source = np.where(is_entity, np.arange(len(message)) - len(gone), -1)
        return cls(
            acts,
            paths,
            known,
            all_ends,
            np.concatenate([np.zeros(before, np.int64), stamps[order]]),
            np.concatenate([np.full(before, -1), source[order]]),
        )


def _numbered(known: Sequence[str], names: Sequence[str]) -> tuple[list[str], Int64s]:
    """All names, each once; and which of them each is."""
    numbers = {name: number for number, name in enumerate(known)}
    found = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
    return list(numbers), found


def _paths(things: Columns) -> list[str]:
    """Of entities or deletions, by their ids."""
    if not len(things):
        return []
    codes, ids = things.id.dictionary()
    parts = [escape_entity_path_part(name) or "_" for name in ids]
    return [parts[code] for code in codes.tolist()]


def _kinds(entities: Columns) -> list[str]:
    """Which kinds of primitives each entity has."""
    has = np.stack([entities[kind].lengths > 0 for kind in KINDS], axis=-1) @ (1 << np.arange(len(KINDS)))
    return [str(kinds) for kinds in has.tolist()]


def _drawn(entities: Columns, table: _Table, acts: Int64s) -> Iterator[Emit | Skipped]:
    """The primitives of entities, kind by kind."""
    for kind, draw in _DRAWN.items():
        has = acts[entities[kind].lengths[table.source[acts]] > 0]
        if len(has):
            chosen = take(entities, table.source[has])
            frames = rr.CoordinateFrame.columns(frame=chosen.frame_id)
            yield table.emit([draw(chosen[kind]), frames], has, below=f"/{kind}")
    has = acts[entities.models.lengths[table.source[acts]] > 0]
    if len(has):
        yield from _models(take(entities, table.source[has]), table, has)


def _shared(primitives: Ragged, values: npt.NDArray[Any]) -> Ragged:
    return Ragged(primitives.offsets, values)


def _solid(primitives: Ragged) -> npt.NDArray[Any]:
    return np.full(len(primitives), rr.FillMode.Solid)


def _arrows(arrows: Ragged) -> rr.ComponentColumnList:
    each = arrows.values
    length = each.shaft_length + each.head_length
    ahead = np.stack([length, np.zeros(len(each)), np.zeros(len(each))], axis=-1)
    return rr.Arrows3D.columns(
        vectors=_shared(arrows, rotate(orientations(each.pose), ahead)),
        origins=_shared(arrows, positions(each.pose)),
        radii=_shared(arrows, each.shaft_diameter / 2),
        colors=_shared(arrows, colors_of(each)),
    )


def _half_sized(
    archetype: type[rr.Boxes3D | rr.Ellipsoids3D],
) -> Callable[[Ragged], rr.ComponentColumnList]:
    def draw(bodies: Ragged) -> rr.ComponentColumnList:
        each = bodies.values
        return archetype.columns(
            half_sizes=_shared(bodies, xyz(each.size) / 2),
            centers=_shared(bodies, positions(each.pose)),
            quaternions=_shared(bodies, orientations(each.pose)),
            colors=_shared(bodies, colors_of(each)),
            fill_mode=_solid(bodies),
        )

    return draw


def _cylinders(cylinders: Ragged) -> rr.ComponentColumnList:
    """Cones are drawn as cylinders of their mean width."""
    each = cylinders.values
    bottom, top = (np.where(present(each, f"{end}_scale"), each[f"{end}_scale"], 1.0) for end in ("bottom", "top"))
    widths = (each.size.x + each.size.y) / 4 * (bottom + top) / 2
    return rr.Cylinders3D.columns(
        lengths=_shared(cylinders, each.size.z),
        radii=_shared(cylinders, widths),
        centers=_shared(cylinders, positions(each.pose)),
        quaternions=_shared(cylinders, orientations(each.pose)),
        colors=_shared(cylinders, colors_of(each)),
        fill_mode=_solid(cylinders),
    )


def _indexed(shapes: Columns) -> tuple[Ragged, npt.NDArray[np.uint32]]:
    """Points of each shape in its entity's frame, in the order of its indices if it has some; and a colour for each."""
    points, indices, own = shapes.points, shapes.indices, shapes.colors
    spread = Ragged(points.offsets, xyz(points.values))
    places = placed(shapes.pose, spread)
    plain = points.lengths
    shared = np.repeat(colors_of(shapes), plain)
    colored = (own.lengths == plain) & (plain > 0)
    if colored.any():
        shared[colored[places.row_of_value]] = rgba(take(own.values, colored[own.row_of_value]))
    by_index = indices.lengths > 0
    if not by_index.any():
        return places, shared
    counts = np.where(by_index, indices.lengths, plain)
    wanted = Ragged.from_lengths(counts, None)
    shape = np.repeat(np.arange(len(shapes)), counts)
    step = np.arange(int(wanted.offsets[-1])) - wanted.offsets[:-1][shape]
    inner = step.copy()
    of_index = by_index[shape]
    inner[of_index] = indices.values[(indices.offsets[:-1][shape] + step)[of_index]]
    inside = (inner >= 0) & (inner < plain[shape])
    index = (points.offsets[:-1][shape] + inner)[inside]
    before = np.concatenate(([0], np.cumsum(inside)))
    return Ragged(before[wanted.offsets], places.values[index]), shared[index]


def _lines(lines: Ragged) -> rr.ComponentColumnList:
    """Loops are closed; lists become a line for each pair of points. With a colour for each point, a step has its first one's."""
    each = lines.values
    kinds = integers(each.type)
    points, colors = _indexed(each)
    cut = (each.colors.lengths == each.points.lengths) & (each.points.lengths > 0)
    made = lines_of(points, pairs=kinds == _LINE_LIST, loops=kinds == _LINE_LOOP, cut=cut)
    strips = Ragged.from_lengths(made.lengths, points.values[made.points])
    offsets = Ragged.from_lengths(made.counts, None).offsets[lines.offsets]
    scale = np.where(each.scale_invariant, -0.5, 0.5)  # a negative radius is in points on the screen
    return rr.LineStrips3D.columns(
        strips=Ragged(offsets, strips),
        radii=Ragged(offsets, (each.thickness * scale)[made.shape]),
        colors=Ragged(offsets, colors[made.points[strips.offsets[:-1]]]),
    )


def _triangles(triangles: Ragged) -> rr.ComponentColumnList:
    """All triangles of an entity in one mesh."""
    points, colors = _indexed(triangles.values)
    lengths = points.lengths // 3 * 3
    whole = np.arange(len(points.values)) - np.repeat(points.offsets[:-1], points.lengths) < np.repeat(
        lengths, points.lengths
    )
    offsets = Ragged.from_lengths(lengths, None).offsets[triangles.offsets]
    return rr.Mesh3D.columns(
        vertex_positions=Ragged(offsets, points.values[whole]), vertex_colors=Ragged(offsets, colors[whole])
    )


def _texts(texts: Ragged) -> rr.ComponentColumnList:
    each = texts.values
    return rr.Points3D.columns(
        positions=_shared(texts, positions(each.pose)),
        radii=_shared(texts, np.full(len(each), -1.0)),
        colors=_shared(texts, colors_of(each)),
        labels=_shared(texts, each.text),
        show_labels=np.ones(len(texts), np.bool_),
    )


def _models(entities: Columns, table: _Table, acts: Int64s) -> Iterator[Emit | Skipped]:
    """Models that are in the message: the first of each entity. Those named by address only are not fetched."""
    model = take(entities.models.values, entities.models.offsets[:-1])
    inside = model.data.lengths > 0
    yield Skipped(table.acts.message[acts[~inside]], "a model named by its address is not drawn")
    more = acts[entities.models.lengths > 1]
    yield Skipped(table.acts.message[more], "of an entity's models only the first is drawn")
    if not inside.any():
        return
    model, pose = take(model, inside), take(model.pose, inside)
    columns = [
        rr.Asset3D.columns(blob=model.data, media_type=model.media_type.to_list()),
        rr.InstancePoses3D.columns(
            translations=positions(pose), quaternions=orientations(pose), scales=xyz(model.scale)
        ),
        rr.CoordinateFrame.columns(frame=take(entities.frame_id, inside)),
    ]
    yield table.emit(columns, acts[inside], below="/models")


_DRAWN: dict[str, Callable[[Ragged], rr.ComponentColumnList]] = {
    "arrows": _arrows,
    "cubes": _half_sized(rr.Boxes3D),
    "spheres": _half_sized(rr.Ellipsoids3D),
    "cylinders": _cylinders,
    "lines": _lines,
    "triangles": _triangles,
    "texts": _texts,
}
"""Kinds of primitives, and how a list of them per entity is drawn."""
KINDS = (*_DRAWN, "models")
