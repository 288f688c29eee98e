"""What the layout has to know of a recording."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rrbridge import _entity_path
from rrbridge._descriptor import ComponentDescriptor
from rrbridge_viewer.blueprint import PlottedField
from rrbridge_viewer.clock import Span
from rrbridge_viewer.layout import DRAWN, EntityFacts
from rrbridge_viewer.message_fields import is_raw, number_fields
from rrbridge_viewer.pinholes import Pinholes
from rrbridge_viewer.recordings import Recording

__all__ = ["entity_facts"]

CHILD_FRAME = "Transform3D:child_frame"
FRAME = "CoordinateFrame:frame"
MESSAGE_BYTES = "McapMessage:data"


def entity_facts(recording: Recording, timeline: str, span: Span | None) -> list[EntityFacts]:
    """Facts about every entity, with frames as they are related at the end, when most is known.

    An entity that was cleared before, such as a marker that was deleted, is where it was when it was last seen.
    """
    store, transforms = recording.store, recording.transforms
    time = span.hi if span else 0
    paths = store.entities()
    components = {path: store.components(path) for path in paths}
    archetypes = {path: _short_archetypes(components[path]) for path in paths}
    pinholes = Pinholes(recording, timeline, time)
    frames = pinholes.frames_of(paths)
    drawn = _drawn(components, archetypes)
    facts = []
    for path, frame in zip(paths, frames, strict=True):
        if CHILD_FRAME in components[path]:
            found = store.latest_at(path, (CHILD_FRAME,), timeline, time).get(CHILD_FRAME)
            frame = str(found.values[0].as_py()) if found is not None and len(found.values) else frame
        elif FRAME in components[path] and not store.latest_at(path, (FRAME,), timeline, time):
            frame = _last_frame(recording, path, timeline, time) or frame
        facts.append(
            EntityFacts(
                path=path,
                archetypes=archetypes[path],
                space=transforms.root_of(frame, timeline, time) or frame,
                camera=pinholes.camera_of(path),
                rows=len(store.times(path, timeline)),
                fields=() if path in drawn else _fields(recording, path, components[path]),
            )
        )
    return facts


def _last_frame(recording: Recording, path: str, timeline: str, time: int) -> str | None:
    """The last frame that an entity was in, whatever was cleared since."""
    rows = recording.store.range(path, FRAME, timeline, np.iinfo(np.int64).min + 1, time, clears=False)
    names = [name for cell in rows.cells[-1:].to_pylist() for name in cell]
    return str(names[-1]) if names else None


def _short_archetypes(descriptors: Mapping[str, ComponentDescriptor]) -> frozenset[str]:
    return frozenset((descriptor.archetype or "").rpartition(".")[2] for descriptor in descriptors.values())


def _drawn(
    components: Mapping[str, Mapping[str, ComponentDescriptor]], archetypes: Mapping[str, frozenset[str]]
) -> set[str]:
    """The entities that views show: by what they hold, or by what was made of their messages and put below them."""
    own = {path for path, known in archetypes.items() if known & DRAWN}
    topics = {path for path, known in components.items() if any(name.endswith(":message") for name in known)}
    made_of = (
        next((above for above in _entity_path.ancestors(path)[1:] if above in topics), None)
        for path in own
        if path not in topics
    )
    return own | {topic for topic in made_of if topic is not None}


def _fields(
    recording: Recording, path: str, descriptors: Mapping[str, ComponentDescriptor]
) -> tuple[PlottedField, ...]:
    """The numbers in what the entity holds that no archetype describes."""
    # Data may have arrived since `descriptors` was asked for.
    types = {name: cells.value_type for name, cells in recording.store.datatypes(path).items() if name in descriptors}
    messages = [name for name in types if name.endswith(":message")]
    # Where a message's bytes are kept, what stands beside them only says which message it was.
    only_messages = bool(messages) or MESSAGE_BYTES in types
    return tuple(
        PlottedField(path, name, field)
        for name, datatype in types.items()
        if is_raw(descriptors[name].archetype, datatype) and (not only_messages or name in messages)
        for field in number_fields(datatype)
    )
