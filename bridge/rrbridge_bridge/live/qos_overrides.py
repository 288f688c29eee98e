"""Quality of service that a person asks for, topic by topic: the YAML file that `ros2 bag record` and `play` take.

    /camera/image:
      reliability: best_effort
      history: keep_last
      depth: 5
      deadline: {sec: 0, nsec: 500000000}

What a topic's profile leaves out is fitted to the publishers as without the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rrbridge.errors import FileError, RecorderError

__all__ = ["QosProfile", "asked_quality", "parse_overrides", "read_overrides"]

POLICIES = {
    "history": ("keep_last", "keep_all", "system_default"),
    "reliability": ("reliable", "best_effort", "system_default", "best_available"),
    "durability": ("transient_local", "volatile", "system_default", "best_available"),
    "liveliness": ("automatic", "manual_by_topic", "system_default", "best_available"),
}
DURATIONS = {
    "deadline": "deadline_nanos",
    "lifespan": "lifespan_nanos",
    "liveliness_lease_duration": "liveliness_lease_nanos",
}
CONVENTIONS = "avoid_ros_namespace_conventions"
KNOWN = (*POLICIES, "depth", *DURATIONS, CONVENTIONS)
MAX_DEPTH = 1_000_000
MAX_FILE_BYTES = 1 << 20
INFINITE = "infinite"


@dataclass(frozen=True, slots=True, kw_only=True)
class QosProfile:
    """What was asked for of one topic; None: not asked for."""

    history: str | None = None
    """`keep_last`, `keep_all` or `system_default`."""
    depth: int | None = None
    reliability: str | None = None
    """`reliable`, `best_effort`, `best_available` or `system_default`."""
    durability: str | None = None
    """`transient_local`, `volatile`, `best_available` or `system_default`."""
    liveliness: str | None = None
    """`automatic`, `manual_by_topic`, `best_available` or `system_default`."""
    deadline_nanos: int | None = None
    lifespan_nanos: int | None = None
    liveliness_lease_nanos: int | None = None
    avoid_ros_namespace_conventions: bool | None = None


def read_overrides(path: Path) -> dict[str, QosProfile]:
    """The profiles in a file, by topic. Raises FileError, which says what is wrong and what is known."""
    import yaml

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FileError(path, "is too long for a list of profiles")
        settings = yaml.safe_load(path.read_text("utf-8"))
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise FileError(path, f"is not YAML: {err}") from err
    try:
        return parse_overrides(settings)
    except RecorderError as err:
        raise FileError(path, str(err)) from None


def parse_overrides(settings: object) -> dict[str, QosProfile]:
    """The profiles that YAML holds, by topic. Raises RecorderError."""
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise RecorderError("topics with their profiles are expected, `/scan: {depth: 5}`")
    found = {}
    for topic, profile in settings.items():
        if not isinstance(topic, str) or not topic.strip("/"):
            raise RecorderError(f"{topic!r} is no topic")
        try:
            found["/" + topic.strip("/")] = _profile(profile)
        except RecorderError as err:
            raise RecorderError(f"{topic}: {err}") from None
    return found


def _profile(settings: object) -> QosProfile:
    if not isinstance(settings, dict):
        raise RecorderError("`policy: value` is expected, of " + ", ".join(KNOWN))
    if unknown := sorted(str(key) for key in settings if key not in KNOWN):
        raise RecorderError(f"unknown: {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if key in POLICIES:
            found[key] = _policy(key, value)
        elif key in DURATIONS:
            found[DURATIONS[key]] = _nanos(key, value)
        elif key == "depth":
            found[key] = _whole(key, value, MAX_DEPTH)
        elif isinstance(value, bool):
            found[key] = value
        else:
            raise RecorderError(f"{key} is true or false, not {value!r}")
    return QosProfile(**found)


def _policy(key: str, value: object) -> str:
    name = str(value).lower()
    if name not in POLICIES[key]:
        raise RecorderError(f"{key} is one of {', '.join(POLICIES[key])}, not {value!r}")
    return name


def _nanos(key: str, value: object) -> int:
    if value == INFINITE:
        return 2**63 - 1
    if not isinstance(value, Mapping) or set(value) - {"sec", "nsec"} or not value:
        raise RecorderError(f"{key} is a time, {{sec: 1, nsec: 500000000}}, not {value!r}")
    seconds = _whole(f"{key}: sec", value.get("sec", 0), 2**63 // 10**9)
    return min(seconds * 10**9 + _whole(f"{key}: nsec", value.get("nsec", 0), 2**32 - 1), 2**63 - 1)


def _whole(key: str, value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RecorderError(f"{key} is a whole number from 0 to {most}, not {value!r}")
    return value


def asked_quality(profile: QosProfile | None) -> dict[str, Any]:
    """What was asked for, by the names that rclpy has for it; times in nanoseconds."""
    if profile is None:
        return {}
    found = {
        "history": profile.history,
        "depth": profile.depth,
        "reliability": profile.reliability,
        "durability": profile.durability,
        "liveliness": profile.liveliness,
        "deadline": profile.deadline_nanos,
        "lifespan": profile.lifespan_nanos,
        "liveliness_lease_duration": profile.liveliness_lease_nanos,
        "avoid_ros_namespace_conventions": profile.avoid_ros_namespace_conventions,
    }
    return {name: value for name, value in found.items() if value is not None}
