"""XML-RPC as the ROS 1 master and nodes speak it: calls with a bound on time and size, and the server that a node must be.

http://wiki.ros.org/ROS/Master_API, http://wiki.ros.org/ROS/Slave_API. Every answer is `[code, text, value]`; code 1 is success.
"""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error, ServerProxy, Transport
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from rrbridge.errors import RecorderError
from rrbridge_bridge.closing import Closing

__all__ = ["CallError", "Remote", "Slave", "host_and_port", "own_address"]

MAX_ANSWER_BYTES = 64 << 20
"""The parameter server's content comes in one answer."""
MAX_REQUEST_BYTES = 4 << 20
REQUEST_SECS = 3.0
CALL_SECS = 5.0
PROTOCOL_FAULTS = (Error, ExpatError, http.client.HTTPException, ValueError, TypeError, LookupError)
"""What `xmlrpc` raises for answers that are none."""


class CallError(Exception):
    """A call failed. `cause` is the error of the connection, None if the other side answered."""

    def __init__(self, text: str, cause: OSError | None = None) -> None:
        super().__init__(text)
        self.cause = cause


class _Transport(Transport):
    accept_gzip_encoding = False
    """What is packed could grow beyond any bound."""

    def __init__(self, timeout_secs: float) -> None:
        super().__init__()
        self._timeout_secs = timeout_secs

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = self._timeout_secs
        return connection

    def parse_response(self, response: http.client.HTTPResponse) -> Any:
        answer = response.read(MAX_ANSWER_BYTES + 1)
        if len(answer) > MAX_ANSWER_BYTES:
            raise ValueError(f"an answer of more than {MAX_ANSWER_BYTES >> 20} MB")
        parser, target = self.getparser()
        parser.feed(answer)
        parser.close()
        return target.close()


class Remote(Closing):
    """The master or a node. One thread at a time."""

    def __init__(self, uri: str, timeout_secs: float = CALL_SECS) -> None:
        """Raises CallError if the address is none."""
        host_and_port(uri)
        try:
            self._proxy = ServerProxy(uri, transport=_Transport(timeout_secs), allow_none=True)
        except (OSError, ValueError) as err:
            raise CallError(f"{uri} is no address of a ROS 1 node: {err}") from err
        self.uri = uri

    def call(self, method: str, *arguments: Any) -> Any:
        """The value that it answers. Raises CallError."""
        try:
            answer = getattr(self._proxy, method)(*arguments)
        except OSError as err:
            raise CallError(_why(err), err) from err
        except PROTOCOL_FAULTS as err:
            raise CallError(f"it does not answer as ROS 1 nodes do ({type(err).__name__}: {err})") from err
        if not isinstance(answer, list) or len(answer) != 3:
            raise CallError("it does not answer as ROS 1 nodes do")
        code, text, value = answer
        if code != 1:
            raise CallError(str(text) or f"{method} failed")
        return value

    def close(self) -> None:
        """Let go of the connection."""
        self._proxy("close")()


def _why(err: OSError) -> str:
    if isinstance(err, TimeoutError):
        return "no answer in time"
    return err.strerror or str(err)


def host_and_port(uri: str) -> tuple[str, int]:
    """Of `http://host:port/`. Raises CallError."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != "http":
        raise CallError(f"{uri!r} is no address of a ROS 1 node; one looks like http://robot:11311")
    return host, port


def own_address(environment: Mapping[str, str]) -> tuple[str, str]:
    """`(address to listen at, host name to be told to others)`, by ROS_HOSTNAME and ROS_IP; this machine alone without them.

    Raises RecorderError.
    """
    for variable in ("ROS_HOSTNAME", "ROS_IP"):
        name = environment.get(variable, "").strip()
        if not name:
            continue
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError as err:
            raise RecorderError(
                f"{variable}={name} cannot be resolved ({err.strerror or err}); set ROS_IP to this machine's address"
            ) from err
        for family, _, _, _, address in found:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                try:
                    trial.bind((address[0], 0))
                except OSError:
                    continue
                return str(address[0]), name
        raise RecorderError(
            f"{variable}={name} is not an address of this machine; set ROS_IP to one that other machines reach it by"
        )
    return "127.0.0.1", "127.0.0.1"


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ()
    timeout = REQUEST_SECS

    def do_POST(self) -> None:  # noqa: N802 - the name is the library's
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
            self.send_error(413)
            return
        super().do_POST()


class Slave:
    """The server that every ROS 1 node is to the master and to other nodes."""

    def __init__(self, address: str, host: str, master_uri: str, methods: Mapping[str, Callable[..., Any]]) -> None:
        """`methods` return the value of a successful answer, or raise CallError; for others it answers as an idle node.

        Raises RecorderError.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        class Server(SimpleXMLRPCServer):
            address_family = family

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Nothing: who hung up need not be told of."""

        try:
            self._server = Server((address, 0), _Handler, logRequests=False, allow_none=True)
        except OSError as err:
            raise RecorderError(f"cannot listen at {address}: {err.strerror or err}; see ROS_IP") from err
        idle: dict[str, Callable[..., Any]] = {
            "getBusInfo": lambda _: [],
            "getBusStats": lambda _: [[], [], []],
            "getMasterUri": lambda _: master_uri,
            "getPid": lambda _: os.getpid(),
            "getPublications": lambda _: [],
            "getSubscriptions": lambda _: [],
            "paramUpdate": lambda *_: 0,
            "publisherUpdate": lambda *_: 0,
            "requestTopic": _publishes_nothing,
        }
        for name, method in (idle | dict(methods)).items():
            self._server.register_function(_answering(method), name)
        written = f"[{host}]" if ":" in host else host
        self.uri = f"http://{written}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="ros1-slave", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop to answer. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()


def _publishes_nothing(_: str, topic: str, __: Any) -> int:
    raise CallError(f"{topic} is not published here")


def _answering(method: Callable[..., Any]) -> Callable[..., list[Any]]:
    def answer(*arguments: Any) -> list[Any]:
        try:
            return [1, "", method(*arguments)]
        except CallError as err:
            return [0, str(err), 0]
        except (TypeError, ValueError) as err:  # a stranger's arguments
            return [-1, str(err), 0]

    return answer
