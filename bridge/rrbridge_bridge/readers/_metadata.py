"""rosbag2's `metadata.yaml`, of every version (1 to 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from rrbridge_bridge.readers._names import long_type_name

__all__ = ["MAX_METADATA_BYTES", "RosbagMetadata", "parse_metadata"]

MAX_METADATA_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class RosbagMetadata:
    """What rosbag2 says about a recording."""

    version: int
    storage: str
    """`sqlite3` or `mcap`."""
    files: tuple[str, ...]
    """Names of the parts, in order, without folders."""
    counts: Mapping[tuple[str, str], int]
    """Number of messages by (topic, type)."""
    message_count: int | None
    start_nanos: int | None
    end_nanos: int | None
    ros_distro: str
    custom: Mapping[str, str] = field(default_factory=dict)
    """`custom_data`, which the person who recorded may have added."""

    @property
    def is_complete(self) -> bool:
        """Whether the counts by topic add up to the count of all: they do not while recording, or after a crash."""
        return bool(self.message_count) and sum(self.counts.values()) == self.message_count

    @property
    def is_of_one_file(self) -> bool:
        """Whether the recording was not split: the last part of a split one keeps the counts of all."""
        return len(self.files) <= 1

    def missing(self, found: Mapping[tuple[str, str], int], wants: Callable[[str], bool]) -> int:
        """How many messages of the wanted topics it counts beyond those found, by (topic, type); 0 where it cannot say."""
        if not self.is_complete:
            return 0
        return sum(max(count - found.get(key, 0), 0) for key, count in self.counts.items() if wants(key[0]))


def parse_metadata(text: str) -> RosbagMetadata:
    """The metadata in a YAML text. Raises ValueError."""
    import yaml  # most files are read without looking at the metadata beside them

    if len(text) > MAX_METADATA_BYTES:
        raise ValueError(f"metadata of {len(text)} characters")
    try:
        _refuse_bombs(text)
        # CSafeLoader makes plain values only, like safe_load, and is ten times as fast.
        document: Any = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        # In a file of its own the facts stand below one key; inside a .db3 they may stand alone.
        facts = document.get("rosbag2_bagfile_information", document)
        if "version" not in facts:
            raise ValueError("it has no version")  # noqa: TRY301
        count = facts.get("message_count")
        start = _integer(facts.get("starting_time") or {}, "nanoseconds_since_epoch")
        duration = _integer(facts.get("duration") or {}, "nanoseconds")
        topics = facts.get("topics_with_message_count") or []
        return RosbagMetadata(
            version=int(facts["version"]),
            storage=_plain(facts.get("storage_identifier") or ""),
            files=tuple(PurePath(_plain(name)).name for name in facts.get("relative_file_paths") or ()),
            counts=dict(_topic_count(topic) for topic in topics),
            message_count=int(count) if count is not None else None,
            start_nanos=start if count else None,
            end_nanos=start + duration if count and start is not None and duration is not None else None,
            ros_distro=_plain(facts.get("ros_distro") or ""),
            custom={_plain(k): _plain(v) for k, v in (facts.get("custom_data") or {}).items()},
        )
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as err:
        raise ValueError(f"not rosbag2 metadata: {err}") from err


def _refuse_bombs(text: str) -> None:
    """Raises ValueError for nested references, by which a few lines may stand for more than any memory holds."""
    if "&" not in text or "*" not in text:
        return
    import yaml  # as above

    named: list[bool] = []
    for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            named.append(event.anchor is not None)
        elif isinstance(event, yaml.CollectionEndEvent):
            named.pop()
        elif isinstance(event, yaml.AliasEvent) and any(named):
            raise ValueError("it has references within what is referred to")


def _plain(value: Any) -> str:
    """A scalar as text; of anything else, which may be of any size once written out, nothing. Raises ValueError."""
    if isinstance(value, (dict, list, tuple, set)):
        raise ValueError(f"a {type(value).__name__} where a text should be")  # noqa: TRY004 - the text's fault
    return str(value)


def _topic_count(entry: Mapping[str, Any]) -> tuple[tuple[str, str], int]:
    topic = entry["topic_metadata"]
    return (_plain(topic["name"]), long_type_name(_plain(topic["type"]))), int(entry["message_count"])


def _integer(of: Mapping[str, Any], key: str) -> int | None:
    value = of.get(key)
    return None if value is None else int(value)
