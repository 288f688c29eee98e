"""Real rclpy publishers, the real command as a process of its own, every byte compared."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ros_world import (
    BIN,
    IMAGE,
    IMU,
    LATCHED,
    STRING,
    World,
    chunks_of,
    missing,
    payloads_of,
    raw_of,
    verify,
    worker_pids,
)
from waiting import WAIT_SECS, until

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]


def test_every_byte_is_recorded(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 150, "hertz": 100},
        IMAGE | {"count": 30, "hertz": 20, "bytes": 300_000},
        IMU | {"count": 150, "hertz": 100, "reliable": False},
        LATCHED | {"count": 1, "depth": 1},
    )
    recording = world.record("-a")
    publisher.said("done")
    recording.until_received(chatter=150, camera=30, imu=20, latched=1)
    status, last = recording.end()
    assert status == 0
    assert last["finished"]
    assert not recording.active.exists()
    verify(recording.path)
    recorded = payloads_of(recording.path)
    for topic in ("/chatter", "/camera", "/imu", "/latched"):
        sent = publisher.sent_on(topic)
        assert recorded[topic] == sent or topic == "/imu", "what is sent by best effort has to give way to images"
        account = recording.topic(last, topic)
        lost = missing(recorded[topic], sent)
        assert (account["lost"], account["dropped"], account["written"]) == (lost, 0, len(recorded[topic]))


def test_the_file_says_what_it_holds(world: World) -> None:
    world.publish(IMU | {"count": 20}, LATCHED | {"count": 1})
    recording = world.record("/imu", "latched")
    recording.until_received(imu=20, latched=1)
    recording.end()
    static = {
        (chunk.entity_path, name): column.cells[0].as_py()
        for chunk in chunks_of(recording.path)
        if chunk.is_static
        for name, column in chunk.components.items()
    }
    assert static["/imu", "McapChannel:topic"] == ["/imu"]
    assert static["/imu", "McapSchema:name"] == ["sensor_msgs/msg/Imu"]
    definition = bytes(static["/imu", "McapSchema:data"][0]).decode()
    assert "MSG: std_msgs/Header" in definition
    assert "MSG: builtin_interfaces/Time" in definition
    assert "durability: transient_local" in str(static["/latched", "McapChannel:metadata"])
    account = dict(
        zip(
            static["/__properties/recorder", "topic"],
            zip(
                static["/__properties/recorder", "written"],
                static["/__properties/recorder", "lost"],
                static["/__properties/recorder", "dropped"],
                strict=True,
            ),
            strict=True,
        )
    )
    assert account == {"/imu": (20, 0, 0), "/latched": (1, 0, 0)}
    assert static["/__properties/recorder", "complete"] == [True]


def test_messages_are_decoded_while_they_are_recorded(world: World) -> None:
    world.publish(IMU | {"count": 30}, LATCHED | {"count": 1})
    recording = world.record("-a")
    recording.until_received(imu=30, latched=1)
    _, last = recording.end()
    assert recording.topic(last, "/imu")["undecoded"] == 0
    cells = [
        cell[0]
        for chunk in chunks_of(recording.path)
        for name, column in chunk.components.items()
        if name == "sensor_msgs.msg.Imu:message"
        for cell in column.cells.to_pylist()
    ]
    assert [cell["angular_velocity"]["x"] for cell in cells] == [number / 3 for number in range(30)]
    transforms = [chunk for chunk in chunks_of(recording.path) if "Transform3D:translation" in chunk.components]
    assert [chunk.entity_path for chunk in transforms] == ["/latched"]
    assert transforms[0].components["Transform3D:child_frame"].cells.to_pylist() == [["laser_0"]]


def test_a_second_interrupt_leaves_at_once(world: World, tmp_path: Path) -> None:
    world.publish(STRING | {"count": 500})
    recording = world.record("/chatter", "--drain", "60")
    recording.until_received(chatter=50)
    (pid,) = worker_pids(tmp_path)
    os.kill(pid, signal.SIGSTOP)  # so that an orderly end has to wait
    recording.process.send_signal(signal.SIGINT)
    recording.until(lambda event: event["event"] == "notice" and event["text"].startswith("stopping"))
    recording.process.send_signal(signal.SIGINT)
    assert recording.process.wait(WAIT_SECS) == 130
    assert not recording.path.exists()
    assert len(payloads_of(recording.active)["/chatter"]) > 0


def test_a_worker_that_hangs_does_not_keep_the_file_from_being_finished(world: World, tmp_path: Path) -> None:
    world.publish(STRING | {"count": 500})
    recording = world.record("/chatter")
    recording.until_received(chatter=50)
    (pid,) = worker_pids(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    recording.until(lambda event: event["event"] == "notice" and "no sign of life" in event["text"])
    status, last = recording.end()
    assert last["finished"]
    assert status == 1
    assert "had last been heard" in last["error"]
    assert "is missing" in recording.errors.read_text()
    verify(recording.path)


def test_lists_of_numbers_wait_for_a_recorder_that_stands_still(world: World) -> None:
    """As it does when the machine has other things to do: the messages fill the pipe, and then the middleware's history."""
    arrays = {"type": "std_msgs/msg/UInt64MultiArray", "topic": "/arrays", "count": 8000, "hertz": 2000, "bytes": 1600}
    publisher = world.publish(arrays)
    recording = world.record("/arrays")
    recording.until_received(arrays=1)
    recording.process.send_signal(signal.SIGSTOP)
    publisher.said("done")
    recording.process.send_signal(signal.SIGCONT)
    status, last = recording.end()
    assert status == 0
    assert recording.topic(last, "/arrays")["lost"] == 0
    sent = publisher.sent_on("/arrays")
    recorded = payloads_of(recording.path)["/arrays"]
    assert recorded == sent[-len(recorded) :]


def test_what_has_to_be_sent_again_is_waited_for_at_the_stop(world: World) -> None:
    """Images larger than Fast DDS's shared memory push small messages out of it: these are sent again at a heartbeat."""
    publisher = world.publish(
        STRING | {"count": 3000, "hertz": 150, "depth": 3000},
        IMAGE | {"count": 400, "hertz": 20, "bytes": 6_000_000, "depth": 10, "logged": False},
    )
    recording = world.record("/chatter", "/camera")
    recording.until_received(chatter=300)
    asked_nanos = time.time_ns()
    status, last = recording.end()
    assert status == 0
    sent = publisher.sent()
    numbers = {s.payload: number for number, s in enumerate(sent)}
    recorded = [numbers[payload] for payload in payloads_of(recording.path)["/chatter"]]
    assert recorded == sorted(set(recorded))
    lost = recorded[-1] - recorded[0] + 1 - len(recorded)
    assert recording.topic(last, "/chatter")["lost"] == lost
    assert sent[recorded[-1]].time_nanos < asked_nanos + 3_000_000_000, "later ones are not wanted"
    notices = [event for event in recording.events if event["event"] == "notice" and event["topic"] == "/chatter"]
    if not any(
        "is unknown" in notice["text"] for notice in notices
    ):  # under so much load even what is sent again gets lost
        assert recorded[-1] + 1 >= sum(s.time_nanos < asked_nanos for s in sent)


def test_a_topic_that_never_comes_is_told(world: World) -> None:
    world.publish(STRING | {"count": 500})
    recording = world.record("/chatter", "/nothing")
    told = recording.until(lambda event: event["event"] == "notice" and event["topic"] == "/nothing")
    assert "no publisher" in told["text"]
    status, last = recording.end()
    assert (status, last["absent"], last["finished"]) == (3, ["/nothing"], True)


def test_two_publishers_and_a_late_one(world: World) -> None:
    first = world.publish(STRING | {"count": 100, "hertz": 50})
    second = world.publish(STRING | {"count": 100, "hertz": 50})
    recording = world.record("-a")
    recording.until_received(chatter=50)
    late = world.publish(STRING | {"topic": "/late", "count": 30})
    recording.until_received(chatter=200, late=30)
    status, last = recording.end()
    assert status == 0
    recorded = payloads_of(recording.path)
    sent = first.sent_on("/chatter") + second.sent_on("/chatter")
    assert sorted(recorded["/chatter"]) == sorted(sent)
    assert recording.topic(last, "/chatter")["lost"] == world.not_lost
    assert recorded["/late"] == late.sent_on("/late")


def test_a_later_publisher_of_other_quality_is_heard(world: World) -> None:
    reliable = world.publish(STRING | {"count": 400, "hertz": 50})
    latched = world.publish(LATCHED | {"count": 2, "depth": 5})
    recording = world.record("-a")
    recording.until_received(chatter=50, latched=2)
    careless = world.publish(
        STRING | {"count": 100, "hertz": 50, "reliable": False},
        LATCHED | {"count": 5, "latched": False, "wait": True},
    )
    again = recording.until(lambda e: e["event"] == "notice" and e["topic"] == "/chatter" and "subscribed" in e["text"])
    assert "best effort" in again["text"]
    recording.until_received(chatter=500, latched=7)
    status, last = recording.end()
    assert status == 0
    recorded = payloads_of(recording.path)
    assert sorted(recorded["/chatter"]) == sorted(reliable.sent_on("/chatter") + careless.sent_on("/chatter"))
    assert sorted(recorded["/latched"]) == sorted(latched.sent_on("/latched") + careless.sent_on("/latched"))
    assert recording.topic(last, "/chatter")["lost"] == world.not_lost


def test_an_unknown_type_does_not_stop_the_others(world: World) -> None:
    shadow = world.folder / "shadow" / "geometry_msgs"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ImportError('not built here')\n")
    publisher = world.publish(LATCHED | {"count": 1}, STRING | {"count": 20})
    path = os.pathsep.join([str(shadow.parent), os.environ["PYTHONPATH"]])
    recording = world.record("-a", env={"PYTHONPATH": path})
    told = recording.until(lambda e: e["event"] == "notice" and e["topic"] == "/latched")
    assert told["severity"] == "warning"
    assert "geometry_msgs/msg/TransformStamped" in told["text"]
    recording.until_received(chatter=20)
    status, last = recording.end()
    assert (status, last["finished"]) == (3, True)
    assert "geometry_msgs" in recording.topic(last, "/latched")["refused"]
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_every_type_of_a_topic_is_recorded(world: World) -> None:
    strings = world.publish(STRING | {"count": 60})
    others = world.publish(LATCHED | {"topic": "/chatter", "count": 2, "depth": 2})
    recording = world.record("/chatter")
    recording.until(
        lambda e: e["event"] == "status" and [60, 2] in [[t["received"] for t in e["topics"]][::way] for way in (1, -1)]
    )
    status, last = recording.end()
    assert status == 0
    assert {t["msgtype"]: t["written"] for t in last["topics"]} == {STRING["type"]: 60, LATCHED["type"]: 2}
    sent = {*strings.sent_on("/chatter"), *others.sent_on("/chatter")}
    assert {payload for payloads in payloads_of(recording.path).values() for payload in payloads} == sent


def test_a_sourced_set_up_is_enough(world: World) -> None:
    """What `source /opt/ros/<distro>/setup.bash` sets, with the wheels in the place of /opt/ros."""
    prefix = world.python.parent.parent
    (packages,) = prefix.glob("lib/python3.*/site-packages")
    folder = world.folder / "usr-bin"
    folder.mkdir()
    (folder / packages.parent.name).symlink_to(world.python.resolve())
    libraries = [prefix / "lib", *packages.glob("ros_*.libs")]
    only_ros = (
        world.folder / "lib" / packages.parent.name / "site-packages"
    )  # the wheels' folder has numpy and more too
    only_ros.mkdir(parents=True)
    for package in packages.iterdir():
        if not package.name.startswith(("numpy", "yaml", "pip", "ros_wheels")):
            (only_ros / package.name).symlink_to(package)
    set_up = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(only_ros), os.environ["PYTHONPATH"]]),
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "AMENT_PREFIX_PATH": str(prefix),
        "ROS_DISTRO": "kilted",
    }
    publisher = world.publish(STRING | {"count": 30}, IMU | {"count": 30})
    recording = world.record("-a", env=set_up, sourced=True)
    assert recording.events[0]["source"].startswith("rclpy (kilted)")
    recording.until_received(chatter=30, imu=30)
    status, last = recording.end()
    assert status == 0
    assert recording.topic(last, "/imu")["undecoded"] == 0
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_killed_recorder_leaves_all_that_it_said_is_written(world: World, tmp_path: Path) -> None:
    publisher = world.publish(STRING | {"count": 2000, "hertz": 100}, IMAGE | {"count": 500, "hertz": 20})
    recording = world.record("-a")
    status = recording.until_written(chatter=300)
    recording.process.kill()
    recording.close()
    assert not recording.path.exists()
    recorded = raw_of(recording.active)
    for topic in ("/chatter", "/camera"):
        payloads = [payload for _, payload in recorded[topic]]
        sent = [s for s in publisher.sent() if publisher.spec[s.index]["topic"] == topic]
        assert payloads == [s.payload for s in sent[: len(payloads)]]
        assert len(payloads) >= recording.topic(status, topic)["written"] > 0
    printed = subprocess.run([BIN / "rerun", "rrd", "stats", recording.active], capture_output=True, check=True)
    assert b"num_chunks" in printed.stdout
    until(lambda: worker_pids(tmp_path) == [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_cleanly_too(world: World, number: int) -> None:
    publisher = world.publish(STRING | {"count": 50})
    recording = world.record("/chatter")
    recording.until_received(chatter=50)
    status, last = recording.end(number)
    assert (status, last["finished"]) == (0, True)
    verify(recording.path)
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_terminal_that_goes_away_does_not_cost_the_recording(world: World) -> None:
    publisher = world.publish(STRING | {"count": 100})
    recording = world.record("/chatter")
    recording.until_received(chatter=10)
    assert recording.process.stdout is not None
    recording.process.stdout.close()
    publisher.said("done")
    time.sleep(1.0)
    recording.process.send_signal(signal.SIGHUP)
    assert recording.process.wait(WAIT_SECS) == 0
    verify(recording.path)
    assert payloads_of(recording.path)["/chatter"] == publisher.sent_on("/chatter")


def test_a_worker_that_dies_is_told_and_what_came_is_saved(world: World, tmp_path: Path) -> None:
    world.publish(STRING | {"count": 1000})
    recording = world.record("/chatter")
    recording.until_received(chatter=20)
    for pid in worker_pids(tmp_path):
        os.kill(pid, signal.SIGKILL)
    last = recording.until(lambda event: event["event"] == "end")
    assert recording.process.wait(WAIT_SECS) == 1
    assert last["finished"]
    assert "worker ended by itself" in recording.errors.read_text()
    verify(recording.path)
    assert len(payloads_of(recording.path)["/chatter"]) >= 20


def test_the_definition_is_asked_of_the_publisher_where_no_package_has_it(world: World) -> None:
    from rrbridge_bridge.live.definitions import DefinitionFinder
    from rrbridge_bridge.live.rclpy import RclpySource
    from rrbridge_bridge.live.source import Discovered, Received, SourceOptions

    world.publish(IMU | {"count": 100})
    session = RclpySource(finder=DefinitionFinder([])).start(SourceOptions(ros_python=str(world.python)))
    world.stack.callback(session.close)
    events = session.events()
    world.stack.callback(events.close)
    for event in events:
        if isinstance(event, Discovered) and event.topic == "/imu":
            session.subscribe("/imu", "sensor_msgs/msg/Imu")
        if isinstance(event, Received):
            assert "MSG: geometry_msgs/Vector3" in event.batch.connection.definition
            break
    else:
        pytest.fail("nothing was received")


def test_it_says_how_many_were_lost_on_the_way(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 4000, "hertz": 100_000, "bytes": 20_000, "depth": 1, "reliable": False}
    )
    recording = world.record("/chatter")
    publisher.said("done")
    time.sleep(1.5)
    _, last = recording.end()
    account = recording.topic(last, "/chatter")
    recorded = payloads_of(recording.path)["/chatter"]
    assert account["received"] == len(recorded)
    assert account["lost"] == missing(recorded, publisher.sent_on("/chatter"))
