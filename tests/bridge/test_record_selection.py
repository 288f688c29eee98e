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
    return Selection.of(topics, **options)  # type: ignore[arg-type]


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
    assert wanted(of(every_action=True, exclude=["feedback"])) == TURN[1:]
    assert wanted(of(TURN[0])) == TURN[:1]


def test_hidden_topics_are_recorded_when_that_is_asked_for() -> None:
    assert wanted(of(every=True, hidden=True)) == PLAIN + ADD + TURN + HIDDEN
    assert wanted(of(pattern=["intern", "scan"], hidden=True)) == ["/ns/scan", "/_internal"]
    assert wanted(of("/_intern*")) == []
    assert wanted(of("/_intern*", hidden=True)) == ["/_internal"]


TYPES = {
    "/image": "sensor_msgs/msg/Image",
    "/left/image": "sensor_msgs/msg/Image",
    "/cloud": "sensor_msgs/msg/PointCloud2",
    "/odom": "nav_msgs/msg/Odometry",
    "/own": "own.Type",
}


def of_types(**options: object) -> list[str]:
    selection = of(**options)
    return [topic for topic, msgtype in TYPES.items() if selection.wants(topic, msgtype)]


def test_topics_are_recorded_by_their_type() -> None:
    for name in ("sensor_msgs/msg/Image", "sensor_msgs/Image", "*Image", "*/Image"):
        assert of_types(types=[name]) == ["/image", "/left/image"], name
    assert of_types(types=["sensor_msgs/*", "own.Type"]) == ["/image", "/left/image", "/cloud", "/own"]
    assert of_types(types=["sensor_msgs/*"], exclude_types=["sensor_msgs/Image"]) == ["/cloud"]
    assert of_types(types=["nav_msgs/Odo"]) == []


def test_names_may_be_patterns_and_what_is_excluded_stays_out() -> None:
    assert [topic for topic in TYPES if of("*/image").wants(topic)] == ["/left/image"]
    assert of_types(every=True, exclude_topics=["image", "/left/*"]) == ["/cloud", "/odom", "/own"]
    assert of_types(pattern=["^/o", "cloud"], exclude=["wn$"]) == ["/cloud", "/odom"]
    assert of("/left/*", "/cloud").topics == {"/cloud"}, "only of what is named in full it is known that it should come"


def test_names_without_a_slash_are_chosen_with_and_without_it() -> None:
    """Outside ROS there are such names; of ROS all begin with one."""
    for asked in ("pose", "/pose"):
        assert of(asked).wants("pose")
        assert not of(asked).missing(["pose"])
    assert of("/p*").wants("pose")
    assert of(pattern=["^/pose"]).wants("pose")
    assert of(pattern=["^pose"]).wants("pose")
    assert not of(pattern=["^pose"]).wants("/pose")
    assert not of(every=True, exclude_topics=["/pose"]).wants("pose")
    assert not of(every=True, exclude=["^/pose$"]).wants("pose")
    assert of("/a", "b").missing(["a", "c"]) == {"/b"}


def test_services_and_actions_that_were_named_are_missed_too() -> None:
    asked = of("/a", services=["/s", "t"], actions=["/f", "g"])
    assert asked.missing([]) == {"/a", "/s", "/t", "/f", "/g"}
    assert asked.missing(["/s/_service_event", "/f/_action/status", "/a"]) == {"/t", "/g"}
    assert asked.missing(["/f/_action/send_goal/_service_event"]) == {"/a", "/s", "/t", "/g"}
