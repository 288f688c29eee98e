"""Which topics a recording takes: those that are named, and what services and actions publish in hiding."""

from __future__ import annotations

from rrbridge_bridge.live.names import action_of, service_of
from rrbridge_bridge.record.selection import Selection

PLAIN = ["/chatter", "/ns/scan"]
ADD = ["/ns/add/_service_event"]
TURN = [
    f"/turn/_action/{part}"
    for part in ("feedback", "status", *(f"{s}/_service_event" for s in ("send_goal", "get_result", "cancel_goal")))
]
HIDDEN = ["/_internal", "/ns/_action_like/feedback"]


def wanted(selection: Selection) -> list[str]:
    return [topic for topic in PLAIN + ADD + TURN + HIDDEN if selection.wants(topic)]


def of(*topics: str, **options: object) -> Selection:
    given: dict[str, object] = {"every": False, "pattern": None, "exclude": None}
    return Selection.of(topics, **(given | options))  # type: ignore[arg-type]


def test_names_tell_services_from_actions() -> None:
    assert {action_of(topic) for topic in TURN} == {"/turn"}
    assert {service_of(topic) for topic in TURN + PLAIN + HIDDEN} == {""}
    assert [service_of(topic) for topic in ADD] == ["/ns/add"]
    assert {action_of(topic) for topic in PLAIN + ADD + HIDDEN} == {""}


def test_services_and_actions_are_recorded_when_they_are_asked_for() -> None:
    assert wanted(of(every=True)) == PLAIN
    assert wanted(of(services=("ns/add",))) == ADD
    assert wanted(of(every_service=True)) == ADD
    assert wanted(of(actions=("/turn",))) == TURN
    assert wanted(of("/chatter", every_action=True)) == ["/chatter", *TURN]
    assert wanted(of(actions=("/other",), services=("/turn",))) == []
    assert wanted(of(every_action=True, exclude="feedback")) == TURN[1:]
    assert wanted(of(TURN[0])) == TURN[:1]
