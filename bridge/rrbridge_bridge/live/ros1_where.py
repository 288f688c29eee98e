"""Where the ROS 1 master is, and whether it answers."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.ros1_rpc import CallError, Remote, host_and_port

__all__ = ["PRIORITY", "check_master", "master_uri", "signs"]

PRIORITY = 60
DEFAULT_MASTER = "http://localhost:11311"


def signs(environment: Mapping[str, str]) -> str:
    """ROS_MASTER_URI, unless a ROS 2 was sourced: many a `.bashrc` still sets it."""
    if environment.get("ROS_MASTER_URI") and environment.get("ROS_VERSION", "1") == "1":
        return "ROS_MASTER_URI is set"
    return ""


def master_uri(address: str, environment: Mapping[str, str]) -> str:
    """Where the master is meant to be. Raises RecorderError."""
    uri = address or environment.get("ROS_MASTER_URI") or DEFAULT_MASTER
    if "://" not in uri:
        uri = f"http://{uri}"
    if uri.count(":") < 2:
        uri = f"{uri.rstrip('/')}:11311"
    try:
        host_and_port(uri)
    except CallError as err:
        raise RecorderError(f"no ROS master: {err}") from err
    return uri.rstrip("/")


def check_master(uri: str) -> None:
    """Raises RecorderError if no master answers."""
    try:
        with Remote(uri) as master:
            master.call("getPid", "/rrbridge")
    except CallError as err:
        host, _ = host_and_port(uri)
        if isinstance(err.cause, socket.gaierror):
            text = f"the name {host!r} of the ROS master cannot be resolved; set ROS_MASTER_URI to its address"
        else:
            text = f"no ROS master answers at {uri} ({err}): start roscore there, or set ROS_MASTER_URI"
        raise RecorderError(text) from err
