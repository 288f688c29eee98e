"""Questions to the nodes of the graph: what a message type is made of, how a node is set up.

They are asked through a node of their own, a few at a time, and moved on by short steps between two rounds of receiving:
nothing here waits.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from rclpy_side.pipe import Pipe
from rclpy_side.process import first_line

ANSWER_SECS = 4.0
SERVICE_SECS = 6.0
"""So long a node may take to show its services after it was itself seen."""
AT_ONCE = 4
"""Nodes that are asked for their parameters at the same time."""
MAX_NODES = 2000
SILENT = ("_", "rrbridge_")
"""How nodes are named that have no parameters for others: hidden ones, and those of recorders and players."""
MAX_PARAMETERS = 10_000


class Call:
    """One request to a service, until it is answered."""

    def __init__(self, node: Any, service: Any, name: str) -> None:
        self.client = node.create_client(service, name)
        self.deadline = time.monotonic() + SERVICE_SECS
        self.future: Any = None

    def answer(self, **fields: Any) -> Any:
        """The answer to a request with these fields, or None while there is none. Raises TimeoutError."""
        if self.future is None and self.client.service_is_ready():
            request = self.client.srv_type.Request()
            for name, value in fields.items():
                setattr(request, name, value)
            self.future = self.client.call_async(request)
            self.deadline = time.monotonic() + ANSWER_SECS
        if self.future is not None and self.future.done():
            return self.future.result()
        if time.monotonic() > self.deadline:
            raise TimeoutError("the node did not answer" if self.future else "the node has no such service")
        return None


class Description:
    """A question to a publisher's node: which sources make up its message type?"""

    def __init__(self, command: dict[str, Any]) -> None:
        self.command = command
        self.call: Any = None

    def step(self, node: Any) -> Any:
        """Move on; the event that tells the answer, or None."""
        command = self.command
        if self.call is None:
            service = importlib.import_module("type_description_interfaces.srv").GetTypeDescription
            name = command["namespace"].rstrip("/") + "/" + command["node"]
            self.call = Call(node, service, name + "/get_type_description")
        answer = self.call.answer(type_name=command["type"], type_hash=command["hash"] or "", include_type_sources=True)
        if answer is None:
            return None
        sources = [[s.type_name, s.encoding, s.raw_file_contents] for s in answer.type_sources]
        return self.event(sources, answer.failure_reason)

    def failed(self, text: str) -> dict[str, Any]:
        """The event that tells that there is no answer."""
        return self.event([], text)

    def event(self, sources: list[list[str]], text: str) -> dict[str, Any]:
        """An event."""
        command = self.command
        return {"event": "description", "id": command["id"], "type": command["type"], "sources": sources, "text": text}

    def close(self, node: Any) -> None:
        """Give up what it took."""
        if self.call is not None:
            node.destroy_client(self.call.client)


class Parameters:
    """Questions to one node: which parameters has it, and what are they set to?"""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Any] = []
        self.names: list[str] = []

    def step(self, node: Any) -> Any:
        """Move on; the event that tells the answer, or None."""
        services = importlib.import_module("rcl_interfaces.srv")
        if not self.calls:
            self.calls.append(Call(node, services.ListParameters, self.name + "/list_parameters"))
        if len(self.calls) == 1:
            answer = self.calls[0].answer()
            if answer is None:
                return None
            self.names = sorted(answer.result.names)[:MAX_PARAMETERS]
            self.calls.append(Call(node, services.GetParameters, self.name + "/get_parameters"))
        answer = self.calls[1].answer(names=self.names)
        if answer is None:
            return None
        values = [[self.names[i], *plain(value)] for i, value in enumerate(answer.values)]
        return {"event": "parameters", "node": self.name, "time": time.time_ns(), "values": values, "text": ""}

    def failed(self, text: str) -> dict[str, Any]:
        """The event that tells that there is no answer."""
        return {"event": "parameters", "node": self.name, "time": time.time_ns(), "values": [], "text": text}

    def close(self, node: Any) -> None:
        """Give up what it took."""
        for call in self.calls:
            node.destroy_client(call.client)


FIELDS = ("bool", "integer", "double", "string")
ARRAYS = ("byte_array", "bool_array", "integer_array", "double_array", "string_array")


def plain(value: Any) -> list[Any]:
    """The kind of a parameter's value, and the value as JSON takes it."""
    kinds = ("not_set", *FIELDS, *ARRAYS)
    kind = kinds[value.type] if value.type < len(kinds) else kinds[0]
    if kind == "not_set":
        return [kind, None]
    held = getattr(value, kind + "_value")
    if kind == "byte_array":
        return [kind, [ord(b) if isinstance(b, bytes) else int(b) for b in held]]
    return [kind, list(held) if kind in ARRAYS else held]


class Questions:
    """Those that are being asked and those that wait for their turn."""

    def __init__(self, rclpy: Any, name: str, pipe: Pipe) -> None:
        self.rclpy = rclpy
        self.name = name
        self.pipe = pipe
        self.node: Any = None
        self.executor: Any = None
        self.asking: list[Any] = []
        self.waiting: list[Any] = []
        self.seen: set[str] = set()

    def ask(self, question: Any) -> None:
        """Begin to ask, when there is room."""
        self.waiting.append(question)

    def ask_nodes(self, names: list[tuple[str, str]], own: set[str]) -> None:
        """Ask those nodes for their parameters that were not asked before; `names` are nodes and their namespaces."""
        for node, namespace in names:
            name = namespace.rstrip("/") + "/" + node
            if name in self.seen or node in own or node.startswith(SILENT) or len(self.seen) > MAX_NODES:
                continue
            self.seen.add(name)
            self.ask(Parameters(name))

    def move_on(self) -> None:
        """One short step for each question."""
        while self.waiting and (len(self.asking) < AT_ONCE or not isinstance(self.waiting[0], Parameters)):
            self.asking.append(self.waiting.pop(0))
        if not self.asking:
            return
        if self.node is None:
            self.node = self.rclpy.create_node(self.name, start_parameter_services=False, enable_rosout=False)
            self.executor = importlib.import_module("rclpy.executors").SingleThreadedExecutor()
            self.executor.add_node(self.node)
        for question in list(self.asking):
            try:
                told = question.step(self.node)
            except Exception as err:  # noqa: BLE001 - an old ROS without the service, or a node that went away
                told = question.failed(str(err) if isinstance(err, TimeoutError) else first_line(err))
            if told is not None:
                self.asking.remove(question)
                question.close(self.node)
                self.pipe.event(told.pop("event"), **told)
        if self.asking:
            self.executor.spin_once(timeout_sec=0)

    def close(self) -> None:
        """Leave the graph."""
        if self.node is not None:
            self.node.destroy_node()
