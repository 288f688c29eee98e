"""ROS 2 through `rclpy`, which runs in a worker process under the robot's own ROS Python.

So rrbridge needs no ROS in its own environment, the robot's Python may be another version than ours, and nothing that the
middleware does can hold up or take down the process that writes the file.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.definitions import DefinitionFinder, from_sources, search_also
from rrbridge_bridge.live.frames import EventFrame, MessageFrame, TornFrameError, read_frame
from rrbridge_bridge.live.holds import Holds
from rrbridge_bridge.live.parameters import PARAMETERS_ENTITY, dumped, entity_of
from rrbridge_bridge.live.process import WorkerProcess
from rrbridge_bridge.live.qos import LATCHED, is_latched, offered_in_words, offered_qos_profiles
from rrbridge_bridge.live.qos_overrides import asked_quality
from rrbridge_bridge.live.robot_descriptions import STRING, Description, Descriptions
from rrbridge_bridge.live.source import (
    ROS_PYTHON_VARIABLE,
    UNKNOWN,
    Announced,
    Discovered,
    Document,
    Ended,
    Event,
    Notice,
    Received,
    Refused,
    Severity,
    SourceOptions,
    refuse_address,
)
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = ["RclpySession", "RclpySource", "first_event", "source", "start_worker"]

log = logging.getLogger(__name__)

WORKER = Path(__file__).parent / "workers" / "rclpy_worker.py"
HELLO_SECS = 20.0
END_SECS = 6.0
HOLD_SECS = 5.0
MAX_CONNECTIONS = 2**16 - 1
_UNKNOWN_NODE = "_NODE_NAME"
"""A publisher is known a little before its node is."""
_PYTHON_IN_PATH = re.compile(r"/python(3\.\d+)/")
_NO_RCLPY = (
    "rclpy could not be loaded. Source your ROS 2 set-up first (source /opt/ros/<distro>/setup.bash), "
    "or name the Python that has it: --ros-python /usr/bin/python3"
)


def candidate_pythons(environment: Mapping[str, str]) -> list[str]:
    """Pythons that may have rclpy, best first: the version that the sourced set-up put on PYTHONPATH, then the usual ones."""
    versions = dict.fromkeys(_PYTHON_IN_PATH.findall(environment.get("PYTHONPATH", "") + "/"))
    names = [f"python{version}" for version in versions] + ["python3", "/usr/bin/python3"]
    found = [shutil.which(name, path=environment.get("PATH")) for name in names]
    return list(dict.fromkeys([*(path for path in found if path), sys.executable]))


def _package_folders(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Pythons that would be tried look for packages."""
    for entry in environment.get("PYTHONPATH", "").split(os.pathsep):
        if entry:
            yield Path(entry)
    for python in candidate_pythons(environment):
        prefix = Path(python).parent.parent  # not resolved: a virtual environment is where its link is
        for pattern in ("lib/python3*/site-packages", "lib/python3/dist-packages", "local/lib/python3*/dist-packages"):
            yield from sorted(prefix.glob(pattern))


def _has_rclpy(folder: Path) -> bool:
    try:
        return (folder / "rclpy" / "__init__.py").is_file()
    except OSError:
        return False


@dataclass(eq=False)
class _Stream:
    """What the session knows of one connection."""

    connection: Connection
    latched: bool
    heard: bool = False
    """Whether the worker has subscribed; before that it is not announced."""
    asked: bool = False
    """Whether a publisher was asked for the definition."""
    publishers: int = 1
    counted: bool = False
    """Whether its publishers' own counters tell what is lost."""


class RclpySession:
    """A worker that hears one ROS graph."""

    by = "rclpy"
    """What it hears the graph by."""

    def __init__(
        self,
        worker: WorkerProcess,
        hello: Mapping[str, Any],
        finder: DefinitionFinder | None = None,
        options: SourceOptions | None = None,
    ) -> None:
        options = options or SourceOptions()
        self._worker = worker
        self._finder = finder or DefinitionFinder(Path(p) for p in hello["prefixes"])
        self._streams: dict[int, _Stream] = {}
        self._holds = Holds()
        self._asked = 0
        self._topics: dict[str, list[Mapping[str, Any]]] = {}
        self._order = 0
        self._closed = False
        self._drain_secs = options.drain_secs
        self._overrides = options.qos_overrides
        self._told_lost: dict[int, int] = {}
        self._descriptions = Descriptions()
        self._unsent: list[tuple[int, Description]] = []
        search_also(hello["prefixes"])
        if options.parameters:
            worker.send(do="parameters")
        self._heard = time.monotonic()
        name = f"{self.by} ({hello['distro']})" if hello["distro"] else self.by
        self.description = f"{name}, {hello['rmw']}, domain {hello['domain']}"

    @property
    def silent_secs(self) -> float:
        """How long the worker, which says every second that it is alive, has said nothing."""
        return time.monotonic() - self._heard

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Record a topic; its definition is looked up, or asked of a publisher's node."""
        number = self._asked
        self._asked += 1
        if number > MAX_CONNECTIONS:
            raise RecorderError(f"more than {MAX_CONNECTIONS} topics cannot be recorded into one file")
        publishers = [p for p in self._topics.get(topic, []) if p["type"] == msgtype]
        definition = self._finder.find(msgtype)
        form = "ros2msg" if definition else ""
        connection = Connection(number, topic, msgtype, "cdr", definition, form, _metadata(publishers))
        stream = self._streams[number] = _Stream(connection, is_latched(publishers))
        asked = asked_quality(self._overrides.get(topic))
        self._worker.send(do="subscribe", id=number, topic=topic, type=msgtype, asked=asked)
        if not publishers and msgtype == STRING and (found := self._descriptions.alone.get(topic)):
            metadata = {"offered_qos_profiles": offered_qos_profiles([LATCHED])}
            stream.connection, stream.latched = replace(connection, metadata=metadata), True
            self._unsent.append((number, found))
        if not definition and any(publisher["hash"] for publisher in publishers):
            self._holds.wait(number, HOLD_SECS)
            self._ask_for_definition(stream, publishers)

    def events(self) -> Generator[Event, None, None]:
        """Everything the worker tells, until it has ended."""
        error = ""
        said_bye = False
        try:
            try:
                while (frame := read_frame(self._worker.frames)) is not None:
                    self._heard = time.monotonic()
                    if isinstance(frame, MessageFrame):
                        yield from self._received(frame)
                    elif frame.event == "bye":
                        said_bye = True
                        yield from self._unsettled(frame.facts["unsettled"])
                    else:
                        yield from self._told(frame)
                    for number in self._holds.overdue():
                        yield from self._holds.end(self._streams[number].connection)
                    yield from self._only_parameters()
            except TornFrameError as err:
                error = str(err)
            except (KeyError, TypeError, ValueError) as err:
                error = f"the worker sent an event that lacks something: {type(err).__name__}: {err}"
            for stream in self._streams.values():
                yield from self._holds.end(stream.connection)
        finally:
            status = self._worker.close(END_SECS if said_bye else 1.0)
        if self._closed and not said_bye:
            error = f"the {self.by} worker was ended before it had handed over everything"
        elif not said_bye and not error:
            last = self._worker.last_line()
            error = f"the {self.by} worker ended by itself (exit status {status}){': ' + last if last else ''}"
        yield Ended(error)

    def stop(self) -> None:
        """Ask the worker to hand over what has arrived."""
        self._worker.send(do="stop", drain_secs=self._drain_secs)

    def close(self) -> None:
        """End the worker now."""
        self._closed = True
        self._worker.process.kill()
        self._worker.close(1.0)

    def _unsettled(self, numbers: list[int]) -> Iterator[Event]:
        for number in numbers:
            text = "its publisher fell silent shortly before the stop: whether its last messages are missing is unknown"
            yield Notice(Severity.WARNING, text, self._streams[number].connection.topic)

    def _told(self, frame: EventFrame) -> Iterator[Event]:
        facts = frame.facts
        match frame.event:
            case "topic":
                self._topics[facts["topic"]] = facts["publishers"]
                types = tuple(dict.fromkeys(p["type"] for p in facts["publishers"]))
                yield from self._publishers_changed(facts["topic"], facts["publishers"])
                yield Discovered(
                    facts["topic"],
                    types,
                    frozenset(p["gid"] for p in facts["publishers"]),
                    tuple(dict.fromkeys(_node(p) for p in facts["publishers"])),
                    offered_in_words(facts["publishers"]),
                )
            case "subscribed":
                stream = self._streams[facts["id"]]
                if facts["again"]:
                    text = f"publishers changed, now subscribed as {_profiles(facts['profiles'])}"
                    yield Notice(Severity.INFO, text, facts["topic"])
                else:
                    stream.heard = True
                    yield Announced(stream.connection, stream.latched)
            case "refused":
                self._holds.end(self._streams.pop(facts["id"]).connection)
                yield Refused(facts["topic"], facts["type"], _refusal(facts))
            case "failed":
                reason = f"no more messages can be taken: {facts['text']}"
                yield Refused(facts["topic"], self._streams[facts["id"]].connection.msgtype, reason)
            case "description":
                yield from self._described(facts)
            case "parameters":
                self._descriptions.parameters(facts["node"], facts["values"], facts["time"], time.monotonic())
                yield from _parameters(facts)
            case "lost":
                yield from self._lost(facts)
            case "incompatible":
                text = f"a publisher is not heard, for its quality of service does not fit ({facts['policy'] or 'unknown'})"
                yield Notice(Severity.WARNING, text, facts["topic"])
            case "alive":
                pass  # that it was said is all it says
            case _:
                log.debug("unknown event %s", frame.event)

    def _ask_for_definition(self, stream: _Stream, publishers: list[Mapping[str, Any]]) -> None:
        """Ask a publisher's node what its type is made of, once the graph tells which node that is."""
        for publisher in publishers:
            if publisher["hash"] and not publisher["node"].startswith(_UNKNOWN_NODE):
                stream.asked = True
                who = {key: publisher[key] for key in ("node", "namespace", "hash")}
                self._worker.send(do="describe", id=stream.connection.id, type=stream.connection.msgtype, **who)
                return

    def _publishers_changed(self, topic: str, publishers: list[Mapping[str, Any]]) -> Iterator[Event]:
        for stream in self._streams.values():
            if stream.connection.topic == topic:
                own = [p for p in publishers if p["type"] == stream.connection.msgtype]
                if stream.connection.id in self._holds and not stream.asked:
                    self._ask_for_definition(stream, own)
                latched = stream.latched or is_latched(own)
                metadata = _metadata(own)
                stream.publishers = max(stream.publishers, len(own))
                if own and (metadata != stream.connection.metadata or latched != stream.latched):
                    stream.connection = replace(stream.connection, metadata=metadata)
                    stream.latched = latched
                    if stream.heard:
                        yield Announced(stream.connection, latched)

    def _described(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        stream = self._streams.get(facts["id"])
        if stream is None:
            return
        texts = {name: text for name, encoding, text in facts["sources"] if encoding in ("msg", "srv", "action")}
        definition = from_sources(facts["type"], texts)
        if definition:
            stream.connection = replace(stream.connection, definition=definition, definition_format="ros2msg")
            if stream.heard:
                yield Announced(stream.connection, stream.latched)
        else:
            text = f"no definition of {facts['type']} was found ({facts['text'] or 'incomplete answer'})"
            yield Notice(Severity.WARNING, text, stream.connection.topic)
        yield from self._holds.end(stream.connection)

    def _received(self, frame: MessageFrame) -> Iterator[Event]:
        stream = self._streams.get(frame.connection)
        if stream is None:
            raise ValueError(f"messages of connection {frame.connection}, which was not asked for")
        records = frame.records
        sizes = records["size"].astype(np.int64)
        sequences = records["sequence"].astype(np.int64)
        count = len(records)
        batch = RawBatch(
            stream.connection,
            frame.payload,
            np.cumsum(sizes) - sizes,
            sizes,
            records["received"].astype(np.int64),
            records["published"].astype(np.int64),
            np.where(sequences >= 0, sequences & 0xFFFFFFFF, 0).astype(np.uint32),
            np.arange(self._order, self._order + count, dtype=np.int64),
        )
        self._order += count
        publishers = records["publisher"].astype(np.int64)
        received = Received(batch, sequences, np.where(publishers > 0, publishers, UNKNOWN))
        stream.counted = bool(count) and sequences[-1] >= 0 and (publishers[-1] > 0 or stream.publishers == 1)
        if not self._holds.take(received):
            yield received

    def _lost(self, facts: Mapping[str, Any]) -> Iterator[Event]:
        """What the middleware says is lost, where no publisher's counter tells it better."""
        stream = self._streams.get(facts["id"])
        if stream is None or stream.counted:
            return
        told = self._told_lost.get(facts["id"], 0)
        if facts["total"] >= max(10 * told, 1):
            self._told_lost[facts["id"]] = facts["total"]
            text = f"the middleware says that {facts['total']} messages were lost on the way"
            yield Notice(Severity.WARNING, text, facts["topic"], about="lost")

    def _only_parameters(self) -> Iterator[Event]:
        """Robot descriptions that are nowhere but in parameters, as if they had been published."""
        for description in self._descriptions.due(self._topics, time.monotonic()):
            yield Discovered(description.topic, (STRING,), frozenset({description.node}))
        unsent, self._unsent = self._unsent, []
        for number, description in unsent:
            stream = self._streams.get(number)
            if stream is not None:
                stream.heard = True
                text = f"has no publisher; it is the parameter of {description.node}"
                yield Notice(Severity.INFO, text, description.topic)
                yield Announced(stream.connection, latched=True)
                order, self._order = self._order, self._order + 1
                batch = RawBatch.of(stream.connection, [description.payload], [description.time_nanos], order=[order])
                yield Received(batch, np.array([UNKNOWN]), np.array([UNKNOWN]))


def _node(publisher: Mapping[str, Any]) -> str:
    return f"{str(publisher['namespace']).rstrip('/')}/{publisher['node']}"


def _parameters(facts: Mapping[str, Any]) -> Iterator[Event]:
    """How a node is set up, as `ros2 param dump` writes it."""
    node = facts["node"]
    if facts["text"]:
        yield Notice(Severity.INFO, f"the parameters of {node} are not recorded: {facts['text']}")
        return
    text = dumped(node, facts["values"])
    yield Document(f"{PARAMETERS_ENTITY}{entity_of(node)}", "application/yaml", text, facts["time"])


def _metadata(publishers: list[Mapping[str, Any]]) -> Mapping[str, str]:
    metadata = {"offered_qos_profiles": offered_qos_profiles(publishers)}
    hashes = {p["hash"] for p in publishers if p["hash"]}
    if len(hashes) == 1:
        metadata["topic_type_hash"] = str(hashes.pop())
    return metadata


def _profiles(profiles: list[Mapping[str, bool]]) -> str:
    return " and ".join(
        f"{'reliable' if p['reliable'] else 'best effort'}, {'transient local' if p['transient_local'] else 'volatile'}"
        for p in profiles
    )


def _refusal(facts: Mapping[str, Any]) -> str:
    if facts["missing"]:
        package = facts["type"].split("/", 1)[0]
        return f"the ROS Python has no {facts['type']} ({facts['text']}); install or source the workspace that builds {package}"
    return str(facts["text"])


@dataclass(frozen=True, slots=True)
class RclpySource:
    """ROS 2 by its own client library."""

    name: str = "rclpy"
    priority: int = 50
    finder: DefinitionFinder | None = None
    """Where definitions are looked for; None: in the prefixes of the ROS that the worker runs under."""

    def signs(self, environment: Mapping[str, str]) -> str:
        """That a Python was named, or that rclpy lies where one of the Pythons that would be tried looks for it."""
        if named := environment.get(ROS_PYTHON_VARIABLE):
            return f"{named} is named as the Python that has rclpy"
        return next((f"rclpy is in {folder}" for folder in _package_folders(environment) if _has_rclpy(folder)), "")

    def start(self, options: SourceOptions) -> RclpySession:
        """Start a worker under the first Python that has rclpy. Raises RecorderError if none has."""
        refuse_address(self.name, options.address)
        worker, hello = start_worker(options.ros_python, WORKER)
        return RclpySession(worker, hello, self.finder, options)


def start_worker(ros_python: str | None, script: Path, *arguments: str) -> tuple[WorkerProcess, Mapping[str, Any]]:
    """A worker and what it says first, under the first Python that has rclpy. Raises RecorderError if none has."""
    reasons = []
    for python in [ros_python] if ros_python else candidate_pythons(os.environ):
        worker = WorkerProcess(python, script, *arguments)
        hello = first_event(worker)
        if hello.get("event") == "hello":
            return worker, hello
        worker.close(1.0)
        reasons.append(f"{python}: {hello.get('text') or worker.last_line() or 'no answer'}")
    raise RecorderError(f"{_NO_RCLPY}\n  tried " + "\n  tried ".join(reasons))


def first_event(worker: WorkerProcess) -> Mapping[str, Any]:
    """The worker's first event; empty if it ends or stays silent."""
    killer = threading.Timer(HELLO_SECS, worker.process.kill)
    killer.start()
    try:
        frame = read_frame(worker.frames)
    except TornFrameError as err:
        worker.process.kill()
        return {"text": str(err)}
    finally:
        killer.cancel()
    if isinstance(frame, EventFrame):
        return frame.facts
    return {}


source = RclpySource()
