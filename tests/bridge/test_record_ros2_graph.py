"""What a ROS 2 graph tells besides plain topics: calls of services, actions, parameters; and asked-for quality of service."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from ros_world import ROS_SCRIPTS, STRING, Recording, World, chunks_of, payloads_of, verify, worker_pids

from rrbridge_bridge.decode.definitions import embedded_definitions
from rrbridge_bridge.latched import is_latched
from rrbridge_bridge.live.definitions import DefinitionFinder
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers.rrd import RrdMessages

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

CALLS = "/robot/twice/_service_event"
FEEDBACK = "/robot/count/_action/feedback"
STATUS = "/robot/count/_action/status"
GOAL_PARTS = ("send_goal", "get_result")


class RobotNode:
    """`robot_node.py` as a process."""

    def __init__(self, world: World, name: str = "base", description: str = "") -> None:
        with (world.folder / f"{name}.stderr").open("w") as errors:
            self.process = subprocess.Popen(
                [world.python, ROS_SCRIPTS / "robot_node.py", name, description],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        world.stack.callback(self.close)
        self.said("ready")

    def said(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def do(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        self.said("done")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()


def fields_of(path: Path, topic: str) -> list[dict[str, Any]]:
    return [
        cell[0]
        for chunk in chunks_of(path)
        if chunk.entity_path == topic
        for name, column in chunk.components.items()
        if name.endswith(":message")
        for cell in column.cells.to_pylist()
    ]


def until_recording(recording: Recording, *topics: str) -> None:
    missing = set(topics)

    def seen(event: dict[str, Any]) -> bool:
        if event["event"] == "notice" and event["text"].startswith("recording "):
            missing.discard(event["topic"])
        return not missing

    recording.until(seen)


def until_whole_round(robot: RobotNode, recording: Recording, asked: dict[str, int]) -> None:
    """Three calls and a goal, again until all that they send arrives.

    Writer and reader learn of each other one after the other; what is sent in between, DDS keeps in the histories of
    the writers alone, which here hold one message.
    """

    def received(event: dict[str, Any]) -> Counter[str]:
        return Counter({topic["topic"]: topic["received"] for topic in event["topics"]})

    def is_status(event: dict[str, Any]) -> bool:
        return bool(event["event"] == "status")

    for _ in range(10):
        wanted = received(recording.until(is_status)) + Counter(asked)
        robot.do("call 3")
        robot.do("act")
        for _ in range(5):
            if received(recording.until(is_status)) >= wanted:
                return
    raise AssertionError(f"no round arrived whole; heard {recording.events[-1]}")


def test_calls_goals_and_parameters_are_recorded(each_world: World) -> None:
    robot = RobotNode(each_world)
    recording = each_world.record("--services", "/robot/twice", "--all-actions", "--parameters", "--drain", "0.5")
    parts = [f"/robot/count/_action/{part}/_service_event" for part in GOAL_PARTS]
    kilted = each_world.not_lost is not None  # where actions can be introspected
    until_recording(recording, CALLS, FEEDBACK, STATUS, *(parts if kilted else []))
    asked = {CALLS: 6, FEEDBACK: 5, STATUS: 2} | (dict.fromkeys(parts, 2) if kilted else {})
    until_whole_round(robot, recording, asked)
    status, last = recording.end()
    assert status == 0, recording.errors.read_text()
    verify(recording.path)
    calls = fields_of(recording.path, CALLS)
    assert [(c["request"] or [{}])[0].get("int32_value") for c in calls if c["request"]][-3:] == [0, 1, 2]
    answers = [c["response"][0]["string_value"] for c in calls if c["response"]]
    assert answers[-3:] == ["call 0!", "call 1!", "call 2!"]
    feedback = [c["feedback"]["sequence"] for c in fields_of(recording.path, FEEDBACK)]
    assert feedback[-5:] == [list(range(n + 1)) for n in range(5)]
    if kilted:
        sent, got = (fields_of(recording.path, part) for part in parts)
        assert [event["request"][0]["goal"]["order"] for event in sent if event["request"]][-1] == 5
        assert [event["response"][0]["result"]["sequence"] for event in got if event["response"]][-1] == [7] * 5
    assert fields_of(recording.path, STATUS)[-1]["status_list"][0]["status"] == 4, "it succeeded"
    assert all(topic["undecoded"] == 0 and topic["lost"] in (0, None) for topic in last["topics"])
    texts = {
        chunk.entity_path: chunk.components["TextDocument:text"].cells.to_pylist()
        for chunk in chunks_of(recording.path)
        if "TextDocument:text" in chunk.components
    }
    (((text,),),) = (texts["/__parameters/robot/base"],)
    parameters = yaml.safe_load(text)["/robot/base"]["ros__parameters"]
    assert parameters["speed"] == {"limit": 1.5, "levels": [1, 2, 3]}
    assert (parameters["name"], parameters["on"], parameters["use_sim_time"]) == ("grüße", True, False)


def test_definitions_of_parts_of_services_and_actions(each_ros_python: Path) -> None:
    finder = DefinitionFinder([each_ros_python.parent.parent])
    parts = [
        "test_msgs/srv/BasicTypes_Event",
        "test_msgs/action/Fibonacci_FeedbackMessage",
        "test_msgs/action/NestedMessage_SendGoal_Event",
        "test_msgs/action/NestedMessage_GetResult_Event",
        "action_msgs/srv/CancelGoal_Event",
    ]
    for msgtype in parts:
        text = finder.find(msgtype)
        definitions = embedded_definitions(Connection(0, "/a", msgtype, "cdr", text, "ros2msg"))
        waiting, seen = [msgtype], set[str]()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            for _, kind in definitions[name]:
                item = getattr(kind, "item", kind)
                if (used := getattr(item, "msgtype", "")) and used not in seen:
                    waiting.append(used)
        assert len(seen) > 2, msgtype


def test_what_was_asked_of_the_quality_of_service_counts(world: World) -> None:
    overrides = world.folder / "qos.yaml"
    overrides.write_text("/chatter: {reliability: best_effort, depth: 5}\n/strict: {reliability: reliable}\n")
    world.publish(
        STRING | {"count": 1000},
        STRING | {"topic": "/strict", "reliable": False, "count": 200, "wait": False},
    )
    recording = world.record("/chatter", "/strict", "--qos-profile-overrides-path", str(overrides), "--drain", "0.2")
    told = recording.until(lambda e: e["event"] == "notice" and e["topic"] == "/strict" and "not heard" in e["text"])
    assert "reliability" in told["text"]
    recording.until_received(chatter=50)
    _, last = recording.end()
    assert last["absent"] == ["/strict"]


def test_messages_larger_than_shared_memory_are_missed_and_the_remedy_is_told(world: World) -> None:
    image = {"type": "sensor_msgs/msg/Image", "topic": "/camera", "reliable": False, "depth": 5, "logged": False}
    world.publish(image | {"count": 300, "hertz": 100, "bytes": 4_000_000})
    recording = world.record("/camera", "--drain", "0.2")
    recording.until(lambda e: e["event"] == "notice" and e["topic"] == "/camera" and "segment_size" in e["text"])
    if os.geteuid() == 0:
        (pid,) = worker_pids(world.folder)
        threads = {int(t.name): (t / "comm").read_text() for t in Path(f"/proc/{pid}/task").iterdir()}
        niceness = {os.getpriority(os.PRIO_PROCESS, t) for t, name in threads.items() if name.startswith("dds.shm.")}
        assert niceness == {-10}, "who receives comes first"
        assert os.getpriority(os.PRIO_PROCESS, pid) == 0
    _, last = recording.end()
    assert recording.topic(last, "/camera")["lost"] > 0


def test_a_robot_is_drawn_with_meshes_that_only_the_ros_python_knows_of(world: World) -> None:
    meshes = world.folder / "install" / "share" / "test_bot" / "meshes"
    meshes.mkdir(parents=True)
    (meshes / "base.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    shape = '<geometry><mesh filename="package://test_bot/meshes/base.obj"/></geometry>'
    urdf = f'<robot name="test_bot"><link name="base"><visual>{shape}</visual></link></robot>'
    python = world.folder / "python"
    prefix = shlex.quote(str(world.folder / "install"))
    python.write_text(f'#!/bin/sh\nAMENT_PREFIX_PATH={prefix} exec {shlex.quote(str(world.python))} "$@"\n')
    python.chmod(0o755)
    robot = RobotNode(world, "bot", urdf)
    for options in ((), ("--no-parameters",)):
        if options:
            robot.do(f"describe {urdf}")
        recording = world.record("-a", "--ros-python", str(python), "--drain", "0.2", *options)
        recording.until_received(**{"robot/robot_description": 1})
        status, _ = recording.end()
        assert status == 0, recording.errors.read_text()
        drawn = [c for c in chunks_of(recording.path) if "Asset3D:blob" in c.components]
        (chunk,) = drawn
        assert "/test_bot/visual_geometries/base" in chunk.entity_path
        assert bytes(chunk.components["Asset3D:blob"].cells[0].as_py()[0]) == (meshes / "base.obj").read_bytes()
        (text,) = payloads_of(recording.path)["/robot/robot_description"]
        assert urdf.encode() in text
        with RrdMessages(recording.path) as reader:
            (described,) = (c for c in reader.connections if c.topic == "/robot/robot_description")
        assert is_latched(described), "or who is played to late, RViz above all, hears nothing of it"
        recording.path.unlink()
