"""What the layout has to know of a recording."""

from __future__ import annotations

from rrbridge_viewer.clock import Span
from rrbridge_viewer.layout import EntityFacts
from rrbridge_viewer.pinholes import Pinholes
from rrbridge_viewer.recordings import Recording

__all__ = ["entity_facts"]


def entity_facts(recording: Recording, timeline: str, span: Span | None) -> list[EntityFacts]:
    """Facts about every entity, with frames as they are related at the end, when most is known."""
    store, transforms = recording.store, recording.transforms
    time = span.hi if span else 0
    paths = store.entities()
    pinholes = Pinholes(recording, timeline, time)
    frames = pinholes.frames_of(paths)
    return [
        EntityFacts(
            path=path,
            archetypes=frozenset(
                (descriptor.archetype or "").rpartition(".")[2] for descriptor in store.components(path).values()
            ),
            space=transforms.root_of(frame, timeline, time) or frame,
            camera=pinholes.camera_of(path),
            rows=len(store.times(path, timeline)),
        )
        for path, frame in zip(paths, frames, strict=True)
    ]
