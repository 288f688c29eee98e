"""The watchdog tells what is wrong when it begins and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.counters import TopicState
from rrbridge_bridge.record.recorder import Snapshot
from rrbridge_bridge.record.stages import Stage, Stages
from rrbridge_bridge.record.watchdog import Watchdog

IMU = TopicState("/imu", "sensor_msgs/msg/Imu", 0, 0, 0, 0, 0, 0, None)
SNAPSHOT = Snapshot(0.0, (), 0, 0, 1000)


class World:
    """Time that the test makes pass, and topics that send at a rate while the test wants it."""

    def __init__(self, watchdog: Watchdog, *names: str) -> None:
        self.watchdog = watchdog
        self.now = 0.0
        self.topics = {name: replace(IMU, topic=name) for name in names or ("/imu",)}
        self.stages: Mapping[Stage, tuple[float, str]] = {}
        self.backlog = 0

    def passes(self, secs: float, hertz: float | Callable[[str], float] = 0.0) -> list[Notice]:
        found = []
        for _ in range(round(secs / 0.25)):
            self.now += 0.25
            for name, topic in self.topics.items():
                rate = hertz(name) if callable(hertz) else hertz
                count = int(self.now * rate) - int((self.now - 0.25) * rate)
                self.topics[name] = replace(topic, received=topic.received + count)
            snapshot = replace(SNAPSHOT, topics=tuple(self.topics.values()), backlog_bytes=self.backlog)
            found += self.watchdog.look(self.now, snapshot, self.stages)
        return found


def test_a_topic_that_falls_silent_is_told_once_and_again_when_it_ends() -> None:
    world = World(Watchdog())
    assert world.passes(20, 50) == []
    (told,) = world.passes(30)
    assert (told.severity, told.topic) == (Severity.WARNING, "/imu")
    assert told.text.startswith("silent for 2.")
    assert "usually 5" in told.text
    (again,) = world.passes(10, 50)
    assert (again.severity, again.topic) == (Severity.INFO, "/imu")
    assert again.text.startswith("arrives again after 30.")


def test_a_slow_topic_has_more_time() -> None:
    world = World(Watchdog())
    assert world.passes(100, 0.2) == []
    assert world.passes(14) == []
    assert len(world.passes(30)) == 1


def test_topics_that_never_had_a_rate_are_left_alone() -> None:
    world = World(Watchdog())
    assert world.passes(3, 1) + world.passes(60) == [], "three messages, as of a latched topic"


def test_a_topic_that_is_often_silent_is_told_of_ever_more_rarely() -> None:
    world = World(Watchdog())
    world.passes(10, 50)
    told = [n for _ in range(10) for n in world.passes(5) + world.passes(1, 50) if n.severity is Severity.WARNING]
    assert len(told) == 2


def test_many_topics_that_fall_silent_together_are_told_together() -> None:
    world = World(Watchdog(), *(f"/t{i}" for i in range(5)))
    world.passes(10, 10)
    (told,) = world.passes(10)
    assert told.text == "5 topics went silent: /t0, /t1, /t2 …"
    (again,) = world.passes(2, 10)
    assert "5 topics arrive again" in again.text
    assert [n.topic for n in world.passes(20, lambda name: 0.0 if name == "/t3" else 10.0)] == ["/t3"]


def test_losses_are_told_with_their_remedy_and_when_they_end() -> None:
    world = World(Watchdog(is_dds=True))
    world.topics["/imu"] = replace(world.topics["/imu"], lost=5, received=10, received_bytes=1000)
    (told,) = world.passes(3, 50)
    assert "5 messages were lost" in told.text
    assert "deeper queue" in told.text
    world.topics["/imu"] = replace(world.topics["/imu"], lost=7)
    assert world.passes(9, 50) == []
    (ended,) = world.passes(10, 50)
    assert "nothing more was lost for 10 s; 7 messages in all" in ended.text
    large = replace(world.topics["/imu"], lost=8, received_bytes=10**9, received=1000)
    world.topics["/imu"] = large
    assert "segment_size" in world.passes(1, 50)[0].text
    other = World(Watchdog(), "/imu")
    other.topics["/imu"] = large
    assert "a deeper queue on the publisher's side" in other.passes(1, 50)[0].text
    unknown = World(Watchdog())
    unknown.topics["/imu"] = replace(IMU, lost=None)
    assert unknown.passes(5, 50) == []


def test_dropping_is_told_for_all_topics_together() -> None:
    world = World(Watchdog(), "/a", "/b", "/c")
    for name in ("/a", "/c"):
        world.topics[name] = replace(world.topics[name], dropped=3)
    (told,) = world.passes(1, 10)
    assert "messages of /a, /c are dropped" in told.text
    assert "--no-decode" in told.text
    (ended,) = world.passes(12, 10)
    assert "6 messages in all" in ended.text
    bytes_only = World(Watchdog(decodes=False))
    bytes_only.topics["/imu"] = replace(IMU, dropped=1)
    assert "--no-decode" not in bytes_only.passes(1)[0].text


def test_decoding_that_gives_way_is_told() -> None:
    world = World(Watchdog())
    world.backlog = 500
    (told,) = world.passes(3)
    assert "only bytes are written" in told.text
    world.backlog = 300
    assert world.passes(3) == []
    world.backlog = 100
    assert [n.text for n in world.passes(3)] == ["decoding keeps up again"]


def test_a_stage_that_stalls_is_told_with_what_mends_it() -> None:
    now = 0.0
    stages = Stages(lambda: now)
    watchdog = Watchdog()

    def look() -> list[str]:
        return [notice.text for notice in watchdog.look(now, SNAPSHOT, stages.busy())]

    with stages.doing(Stage.WRITING):
        now = 1.0
        assert look() == []
        with stages.doing(Stage.DECODING, "/camera"):
            now = 3.5
            (told,) = look()
            assert told.startswith("decoding stalls, for 2.5 s by now")
            assert "/camera" in told
            now = 5.0
            assert look() == []
        assert look() == ["decoding goes on, after 4.0 s"]
        now = 6.0
        assert look() == [], "that decoding took long is no fault of the disk"
        now = 7.5
        assert look()[0].startswith("writing stalls")
    assert look() == ["writing goes on, after 2.5 s"]
    with stages.doing(Stage.SYNCING):
        now += 3
        assert "does not sync" in look()[0]
