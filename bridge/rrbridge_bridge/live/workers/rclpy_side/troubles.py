"""What the middleware says went wrong with a subscription. Asked now and then, as nothing here waits for events."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

KINDS = {
    "lost": "RCL_SUBSCRIPTION_MESSAGE_LOST",
    "incompatible": "RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS",
}


class Troubles:
    """Counts since the subscription was made. Where the middleware has no such events there are none."""

    def __init__(self, subscription: Any) -> None:
        self.handles: dict[str, Any] = {}
        self.totals: dict[str, int] = {}
        try:
            implementation = importlib.import_module("rclpy.impl.implementation_singleton").rclpy_implementation
            make = getattr(implementation, "EventHandle", None) or implementation.QoSEvent  # up to Humble
            types = implementation.rcl_subscription_event_type_t
        except (ImportError, AttributeError):
            return
        for name, kind in KINDS.items():
            with contextlib.suppress(Exception):  # whatever it raises, this middleware does not tell
                self.handles[name] = make(subscription.handle, getattr(types, kind))

    def new(self) -> dict[str, tuple[int, str]]:
        """By kind what has grown since this was last asked: the number in all, and the policy that does not fit."""
        found = {}
        for name, handle in list(self.handles.items()):
            try:
                status = handle.take_event()
            except Exception:  # noqa: BLE001 - this middleware does not tell after all
                del self.handles[name]
                continue
            total = getattr(status, "total_count", 0)
            if total > self.totals.get(name, 0):
                self.totals[name] = total
                found[name] = (total, policy(getattr(status, "last_policy_kind", None)))
        return found


def policy(kind: Any) -> str:
    """`reliability`, `durability` …; empty where it is not told."""
    if kind is None:
        return ""
    name = getattr(importlib.import_module("rclpy.qos"), "qos_policy_name_from_kind", str)(kind)
    return str(name).rpartition(".")[2].lower().replace("_qos_policy", "").replace("_", " ").strip()
