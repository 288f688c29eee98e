"""Publishers' quality of service as `rosbag2` writes it into `offered_qos_profiles`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["LATCHED", "is_latched", "offered_in_words", "offered_qos_profiles", "profile_to_offer"]

_INFINITE_NANOS = 2**63 - 1
_DURATIONS = ("deadline", "lifespan")
LATCHED: Mapping[str, Any] = {
    "history": "keep_last",
    "depth": 1,
    "reliability": "reliable",
    "durability": "transient_local",
    **dict.fromkeys((*_DURATIONS, "liveliness_lease_duration"), _INFINITE_NANOS),
    "liveliness": "automatic",
}
"""What a publisher offers of whom late listeners are given the last message."""


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


_NUMBERED = {
    "reliability": {"1": "reliable", "2": "best_effort"},
    "durability": {"1": "transient_local", "2": "volatile"},
}
"""How bags before metadata version 9 spell policies."""


def profile_to_offer(recorded: str, *, latched: bool, depth: int) -> dict[str, Any]:
    """What one publisher should offer that stands for those of a recording; times in nanoseconds.

    `recorded` is what `offered_qos_profiles` holds; where it is empty or cannot be read, publishers count as reliable. A
    listener that heard any of them hears this one: it is reliable if some were, and it is latched if the recording is.
    Deadlines and lifespans count where all had the same.
    """
    profiles = _parsed(recorded)
    reliable = [_word("reliability", profile.get("reliability")) != "best_effort" for profile in profiles]
    found: dict[str, Any] = {
        "reliability": "reliable" if latched or not reliable or any(reliable) else "best_effort",
        "durability": "transient_local" if latched else "volatile",
        "depth": depth,
    }
    for key in ("deadline", "lifespan", "liveliness_lease_duration"):
        nanos = {_nanos(profile.get(key)) for profile in profiles}
        if len(nanos) == 1 and (only := nanos.pop()):
            found[key] = only
    return found


def _parsed(recorded: str) -> list[Mapping[str, Any]]:
    import yaml

    try:
        profiles = yaml.safe_load(recorded) or []
    except yaml.YAMLError:
        return []
    return [profile for profile in profiles if isinstance(profile, dict)] if isinstance(profiles, list) else []


def _word(policy: str, value: object) -> str:
    return _NUMBERED[policy].get(str(value), str(value))


def _nanos(value: object) -> int:
    """A time of a profile; 0 where there is none, or it is infinite."""
    if not isinstance(value, Mapping):
        return 0
    seconds, nanos = value.get("sec", 0), value.get("nsec", 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int):
        return 0
    total = seconds * 1_000_000_000 + nanos
    return total if 0 < total < _INFINITE_NANOS and seconds < 2**31 - 1 else 0
