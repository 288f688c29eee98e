"""Quality of service of subscriptions: fitted to publishers, or as a person has asked for it."""

from __future__ import annotations

from typing import Any

POLICIES = (
    ("history", "HistoryPolicy"),
    ("reliability", "ReliabilityPolicy"),
    ("durability", "DurabilityPolicy"),
    ("liveliness", "LivelinessPolicy"),
)
DURATIONS = ("deadline", "lifespan", "liveliness_lease_duration")
SECOND = 10**9


def fitted_kinds(publishers: list[dict[str, Any]], asked: dict[str, Any]) -> set[tuple[bool, bool]]:
    """Which subscriptions it takes to hear every one of the publishers, each as `(reliable, transient local)`.

    A transient-local subscription hears only transient-local publishers, a volatile one misses what such publishers
    sent before: a topic with both kinds gets both. Each is reliable only if all publishers it stands for are. What was asked
    for goes before.
    """
    wanted: dict[bool, bool] = {}
    for publisher in publishers:
        transient = publisher["durability"] == "transient_local"
        wanted[transient] = wanted.get(transient, True) and publisher["reliability"] == "reliable"
    asked_reliable = {"reliable": True, "best_effort": False}.get(asked.get("reliability", ""))
    asked_transient = {"transient_local": True, "volatile": False}.get(asked.get("durability", ""))
    if asked_transient is not None and wanted:
        wanted = {asked_transient: all(wanted.values())}
    if asked_reliable is not None:
        wanted = dict.fromkeys(wanted, asked_reliable)
    return {(reliable, transient) for transient, reliable in wanted.items()}


def profile(rclpy: Any, qos: Any, kind: tuple[bool, bool], depth: int, asked: dict[str, Any]) -> Any:
    """A subscription's profile; `rclpy` has `rclpy.duration`, `qos` is `rclpy.qos`."""
    reliable, transient = kind
    made = qos.QoSProfile(
        depth=asked.get("depth") or depth,
        history=qos.HistoryPolicy.KEEP_LAST,
        reliability=qos.ReliabilityPolicy.RELIABLE if reliable else qos.ReliabilityPolicy.BEST_EFFORT,
        durability=qos.DurabilityPolicy.TRANSIENT_LOCAL if transient else qos.DurabilityPolicy.VOLATILE,
    )
    for name, policy in POLICIES:
        if name in asked:
            value = getattr(getattr(qos, policy), str(asked[name]).upper(), None)
            if value is None:
                raise ValueError(f"this ROS has no {name}: {asked[name]}")
            if (name, asked[name]) not in _KINDS:
                setattr(made, name, value)
    for name in DURATIONS:
        if name in asked:
            nanos = int(asked[name])
            setattr(made, name, rclpy.duration.Duration(seconds=nanos // SECOND, nanoseconds=nanos % SECOND))
    if asked.get("avoid_ros_namespace_conventions"):
        made.avoid_ros_namespace_conventions = True
    return made


_KINDS = {("reliability", "reliable"), ("reliability", "best_effort")} | {
    ("durability", "transient_local"),
    ("durability", "volatile"),
}
"""What `kind` says already."""
