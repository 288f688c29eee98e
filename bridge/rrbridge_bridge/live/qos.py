"""Publishers' quality of service as `rosbag2` writes it into `offered_qos_profiles`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["is_latched", "offered_in_words", "offered_qos_profiles"]

_INFINITE_NANOS = 2**63 - 1
_DURATIONS = ("deadline", "lifespan")


def _duration(key: str, nanos: int) -> list[str]:
    nanos = min(max(nanos, 0), _INFINITE_NANOS)
    return [f"  {key}:", f"    sec: {nanos // 1_000_000_000}", f"    nsec: {nanos % 1_000_000_000}"]


def offered_qos_profiles(publishers: Sequence[Mapping[str, Any]]) -> str:
    """YAML, one list item per publisher; the keys and their order are those of rosbag2's metadata version 9."""
    lines = []
    for publisher in publishers:
        lines += [
            f"- history: {publisher['history']}",
            f"  depth: {int(publisher['depth'])}",
            f"  reliability: {publisher['reliability']}",
            f"  durability: {publisher['durability']}",
        ]
        for key in _DURATIONS:
            lines += _duration(key, int(publisher[key]))
        lines.append(f"  liveliness: {publisher['liveliness']}")
        lines += _duration("liveliness_lease_duration", int(publisher["liveliness_lease_duration"]))
        lines.append("  avoid_ros_namespace_conventions: false")
    return "\n".join(lines)


def offered_in_words(publishers: Sequence[Mapping[str, Any]]) -> str:
    """`reliable, volatile`; each way once where publishers differ, `best effort, volatile / reliable, volatile`."""
    found = {f"{publisher['reliability']}, {publisher['durability']}".replace("_", " ") for publisher in publishers}
    return " / ".join(sorted(found))


def is_latched(publishers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some publisher keeps messages for listeners that come later."""
    return any(publisher["durability"] == "transient_local" for publisher in publishers)
