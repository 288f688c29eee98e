"""Into the Zenoh network as `rmw_zenoh` goes into it: a peer that finds the others through the router of this machine.

The user's own settings hold here too: `ZENOH_SESSION_CONFIG_URI` (a file), `ZENOH_CONFIG_OVERRIDE` (`key=value;key=value`) and
`ROS_DOMAIN_ID`. Where no router answers on this machine, the session is one itself.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.source import Notice, Severity

if TYPE_CHECKING:
    import zenoh

__all__ = ["Joined", "endpoint_of", "join", "ros_domain", "signs_of_zenoh", "told"]

PORT = 7447
PROBE_SECS = 0.5
PROTOCOLS = frozenset(["tcp", "tls", "quic", "udp", "ws", "serial", "vsock", "unixpipe", "unixsock-stream"])
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
VARIABLES = ("ZENOH_SESSION_CONFIG_URI", "ZENOH_CONFIG_OVERRIDE", "ZENOH_ROUTER_CONFIG_URI")
_MISSING = 'to speak Zenoh, install it: pip install "rrbridge[live]"'
_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "mode": "peer",
        "connect/endpoints": [f"tcp/localhost:{PORT}"],
        "connect/timeout_ms": {"router": -1, "peer": -1, "client": 0},
        "connect/exit_on_failure": {"router": False, "peer": False, "client": True},
        "listen/endpoints": ["tcp/localhost:0"],
        "scouting/multicast/enabled": False,
        "scouting/gossip/enabled": True,
        "timestamping/enabled": {"router": True, "peer": True, "client": True},
        "queries_default_timeout": 600_000,
        "transport/unicast/open_timeout": 60_000,
        "transport/unicast/accept_timeout": 60_000,
        "transport/unicast/accept_pending": 10_000,
        "transport/unicast/max_sessions": 10_000,
        "transport/link/tx/lease": 60_000,
        "transport/link/tx/keep_alive": 2,
        "transport/link/tx/queue/congestion_control/block/wait_before_close": 60_000_000,
    }
)
"""What `rmw_zenoh` sets by default, other than Zenoh itself; histories are waited for ten minutes instead of for ever."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """A session in the network."""

    session: zenoh.Session
    domain: int
    description: str
    notices: tuple[Notice, ...]
    is_router: bool


def signs_of_zenoh(environment: Mapping[str, str]) -> str:
    """What says that this robot speaks Zenoh; empty if nothing does."""
    if environment.get("RMW_IMPLEMENTATION") == "rmw_zenoh_cpp":
        return "RMW_IMPLEMENTATION is rmw_zenoh_cpp"
    return next((f"{name} is set" for name in VARIABLES if environment.get(name)), "")


def ros_domain(environment: Mapping[str, str]) -> int:
    """The number of the ROS graph. Raises RecorderError."""
    text = environment.get("ROS_DOMAIN_ID", "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RecorderError(f"ROS_DOMAIN_ID is {text!r}, which is not a number")
    return int(text)


def endpoint_of(address: str) -> str:
    """`10.0.0.2` or `10.0.0.2:7447` as Zenoh spells it, `tcp/10.0.0.2:7447`; anything with a protocol is left as it is."""
    if "/" in address:
        return address
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, str(PORT)
    return f"tcp/{host}:{port}"


def join(address: str, environment: Mapping[str, str] = os.environ) -> Joined:
    """Open a session: to the router at `address`, or as the environment says. Raises RecorderError."""
    try:
        import zenoh
    except ImportError as err:
        raise RecorderError(_MISSING) from err
    domain = ros_domain(environment)
    config = _configured(address, environment)
    mode, endpoints = _mode(config), _endpoints(config, "connect")
    notices = []
    answering = [endpoint for endpoint in endpoints if _answers(endpoint)]
    is_router = False
    if endpoints and not answering:
        mine = [endpoint for endpoint in endpoints if _is_here(endpoint)]
        if mine and mode == "peer" and not _setting(config, "scouting/multicast/enabled"):
            mode, is_router = "router", True
            _set(config, {"mode": mode, "connect/endpoints": [], "listen/endpoints": mine[:1]})
            text = (
                f"no Zenoh router answers on {mine[0]}, so rrbridge is one while it runs: ROS nodes on this machine "
                "find each other, and it them, through it. To have one that stays: ros2 run rmw_zenoh_cpp rmw_zenohd"
            )
            notices.append(Notice(Severity.INFO, text))
        else:
            text = f"no Zenoh router answers on {', '.join(endpoints)}; nothing is heard until one does"
            notices.append(Notice(Severity.WARNING, text))
    try:
        session = zenoh.open(config)
    except zenoh.ZError as err:
        where = ", ".join(endpoints) or "the network"
        raise RecorderError(f"no Zenoh session to {where}: {_why_not_open(err, endpoints)}") from err
    via = f"its own router on {_endpoints(config, 'listen')[0]}" if is_router else ", ".join(answering or endpoints)
    description = f"Zenoh, {mode}, {via or 'found by multicast'}, domain {domain}"
    return Joined(session, domain, description, tuple(notices), is_router)


def _configured(address: str, environment: Mapping[str, str]) -> zenoh.Config:
    import zenoh

    if file := environment.get("ZENOH_SESSION_CONFIG_URI", "").strip():
        path = file.removeprefix("file://")
        try:
            config = zenoh.Config.from_file(path)
        except (zenoh.ZError, OSError) as err:
            raise RecorderError(
                f"ZENOH_SESSION_CONFIG_URI: {path} cannot be read as Zenoh's settings (JSON5): {told(err)}"
            ) from err
        _set(config, {"timestamping/enabled": _SETTINGS["timestamping/enabled"]})
    else:
        config = zenoh.Config()
        _set(config, _SETTINGS)
    for setting in environment.get("ZENOH_CONFIG_OVERRIDE", "").split(";"):
        if setting.strip():
            key, equals, value = setting.partition("=")
            if not equals:
                raise RecorderError(f"ZENOH_CONFIG_OVERRIDE: {setting.strip()!r} is not of the form key=value")
            try:
                config.insert_json5(key.strip(), value.strip())
            except zenoh.ZError as err:
                why = told(err)
                hint = '; texts stand in quotes, as in mode="client"' if why.startswith("expected") else ""
                raise RecorderError(f"ZENOH_CONFIG_OVERRIDE: {setting.strip()!r}: {why}{hint}") from err
    if address:
        endpoint = endpoint_of(address)
        # peers on another machine listen on their own loopback only: to hear them, everything has to come by the router
        mode = {} if _is_here(endpoint) else {"mode": "client"}
        _set(config, {"connect/endpoints": [endpoint], **mode})
    return config


def _set(config: zenoh.Config, settings: Mapping[str, Any]) -> None:
    import zenoh

    for key, value in settings.items():
        try:
            config.insert_json5(key, json.dumps(value))
        except zenoh.ZError as err:
            raise RecorderError(f"Zenoh does not take the setting {key} = {json.dumps(value)}: {told(err)}") from err


def told(err: Exception) -> str:
    """What Zenoh says, in one line: without where in its own source it says so, and without pictures of the place."""
    text = str(err).partition(" at /")[0].strip()
    place = re.search(r"line: (\d+), column: (\d+)", text) or re.search(r"--> (\d+):(\d+)", text)
    if quoted := re.search(r'(?:msg: |Str\()"((?:[^"\\]|\\.)*)"', text):
        text = quoted[1].replace(r"\n", "\n").replace(r"\"", '"')
    text = " ".join(text.rpartition("\n  = ")[2].split())
    return text + (f" (line {place[1]}, column {place[2]})" if place else "")


def _why_not_open(err: Exception, endpoints: Sequence[str]) -> str:
    text = told(err)
    if "listener" in text:  # its own address, from the settings
        return f"{text}; look at listen/endpoints of ZENOH_SESSION_CONFIG_URI or ZENOH_CONFIG_OVERRIDE"
    reasons = [reason for endpoint in endpoints if (reason := _why_unreachable(endpoint))]
    what = "no connection could be made" if text.startswith("Unable to connect") else text
    return reasons[0] if reasons else f"{what}. Is its router (rmw_zenohd) running there?"


def _why_unreachable(endpoint: str) -> str:
    """What is wrong with an address, as far as this machine can tell; empty if that is nothing."""
    protocol = endpoint.partition("/")[0]
    if protocol not in PROTOCOLS:
        return f"Zenoh has no protocol named {protocol!r}; an address is HOST, HOST:PORT or tcp/HOST:PORT"
    host, port = _host_and_port(endpoint)
    if protocol != "tcp":
        return ""
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        return f"{port!r} is no port; an address is HOST, HOST:PORT or tcp/HOST:PORT"
    try:
        socket.getaddrinfo(host.strip("[]"), int(port))
    except (OSError, UnicodeError):
        return f"this machine knows no host named {host!r}; is it spelled right, and does `ping {host}` find it?"
    return f"nobody answers there. Is its router (rmw_zenohd) running on {host}?"


def _setting(config: zenoh.Config, key: str) -> Any:
    found = config.get_json(key)
    return json.loads(found) if isinstance(found, str) else found


def _mode(config: zenoh.Config) -> str:
    return str(_setting(config, "mode") or "peer")


def _endpoints(config: zenoh.Config, side: str) -> list[str]:
    """The endpoints to connect to, or to listen on, in this mode."""
    found = _setting(config, f"{side}/endpoints")
    if isinstance(found, Mapping):
        found = found.get(_mode(config))
    return [str(endpoint) for endpoint in found or []] if isinstance(found, Sequence) else []


def _host_and_port(endpoint: str) -> tuple[str, str]:
    host, _, port = endpoint.partition("/")[2].split("#")[0].split("?")[0].rpartition(":")
    return host, port


def _is_here(endpoint: str) -> bool:
    return endpoint.startswith("tcp/") and _host_and_port(endpoint)[0] in LOOPBACK


def _answers(endpoint: str) -> bool:
    """Whether somebody listens there; what is not TCP is taken to."""
    if not endpoint.startswith("tcp/"):
        return True
    host, port = _host_and_port(endpoint)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PROBE_SECS):
            return True
    except (OSError, ValueError):
        return False
