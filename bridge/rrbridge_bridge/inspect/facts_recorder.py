"""The account that `rrbridge record` leaves in its files: what happened to each topic, also to what is not in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rrbridge.rrd import Manifest, RrdReader

__all__ = ["Recorded", "RecordedTopic", "recorded_in_mcap", "recorded_in_rrd"]

ENTITY = "/__properties/recorder"
METADATA = "rrbridge.account"
OF_THE_RUN = ("complete", "clock")
"""Keys of the metadata that are no topics."""


@dataclass(frozen=True, slots=True)
class RecordedTopic:
    """One topic's account, of the whole run until the file was finished; `in_file`: of this file."""

    topic: str
    type: str
    received: int
    lost: int | None
    """On the way to the recorder; None: the middleware did not tell."""
    dropped: int
    paused: int
    throttled: int
    written: int
    in_file: int
    refused: str = ""
    """Why it was not recorded, or not to the end; empty if it was."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorder's account."""

    topics: tuple[RecordedTopic, ...]
    is_complete: bool
    """Whether the recorder came to its end, or to the end of the part, in good order."""


COUNTS = tuple(field.name for field in fields(RecordedTopic) if field.name not in ("topic", "type", "lost", "refused"))


def recorded_in_rrd(reader: RrdReader, manifest: Manifest) -> Recorded | None:
    """The last account in a recording; None if there is none. Raises FileError."""
    newest: dict[str, tuple[bytes, list[Any]]] = {}
    for index, entity in enumerate(manifest.entity_paths):
        if entity == ENTITY:
            chunk = reader.chunk(manifest, index)
            row_id = chunk.row_ids[-1].astype(">u8").tobytes()
            for name, column in chunk.components.items():
                if row_id >= newest.get(name, (b"", []))[0]:
                    newest[name] = (row_id, column.cells[-1].as_py() or [])
    cells = {name: values for name, (_, values) in newest.items()}
    if "topic" not in cells or "type" not in cells:
        return None
    number = len(cells["topic"])
    empty = [0] * number
    columns = {name: cells.get(name, empty) for name in COUNTS}
    lost, refused = cells.get("lost", [-1] * number), cells.get("refused", [""] * number)
    if any(len(values) != number for values in (cells["type"], lost, refused, *columns.values())):
        return None
    topics = tuple(
        RecordedTopic(
            topic=str(cells["topic"][at]),
            type=str(cells["type"][at]),
            lost=None if lost[at] < 0 else int(lost[at]),
            refused=str(refused[at]),
            **{name: int(values[at]) for name, values in columns.items()},
        )
        for at in range(number)
    )
    return Recorded(topics, is_complete=cells.get("complete") == [True])


def recorded_in_mcap(metadata: Mapping[str, Mapping[str, str]]) -> Recorded | None:
    """The account in an MCAP file's metadata; None if there is none, or it cannot be understood."""
    found = metadata.get(METADATA)
    if found is None:
        return None
    topics = []
    try:
        for name, text in found.items():
            if name in OF_THE_RUN:
                continue
            facts = json.loads(text)
            lost = facts["lost"]
            topics.append(
                RecordedTopic(
                    topic=name.split(" ", 1)[0],
                    type=str(facts["type"]),
                    lost=None if lost is None else int(lost),
                    refused=str(facts.get("refused", "")),
                    **{key: int(facts.get(key, 0)) for key in COUNTS},
                )
            )
        return Recorded(tuple(topics), is_complete=json.loads(found.get("complete", "false")) is True)
    except (ValueError, KeyError, TypeError):
        return None
