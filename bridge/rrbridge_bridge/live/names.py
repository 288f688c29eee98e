"""Which hidden topics ROS 2 publishes of services and actions.

A service whose introspection is switched on publishes each request and response on `<service>/_service_event`. An action
is made of two topics and three services below `<action>/_action/`; its services may be introspected too.
"""

from __future__ import annotations

__all__ = ["action_of", "is_hidden", "service_of"]

EVENTS = "/_service_event"
ACTION_PARTS = tuple(f"/_action/{part}" for part in ("feedback", "status", "send_goal", "get_result", "cancel_goal"))


def is_hidden(topic: str) -> bool:
    """Whether ROS keeps a topic out of lists: some part of its name begins with `_`."""
    return any(part.startswith("_") for part in topic.split("/"))


def action_of(topic: str) -> str:
    """The action that a topic tells of, be it an event of one of its services; empty if of none."""
    name = topic.removesuffix(EVENTS)
    return next((name.removesuffix(part) for part in ACTION_PARTS if name.endswith(part)), "")


def service_of(topic: str) -> str:
    """The service, other than those that make up an action, whose calls a topic tells; empty if of none."""
    return topic.removesuffix(EVENTS) if topic.endswith(EVENTS) and not action_of(topic) else ""
