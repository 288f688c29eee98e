"""Runs a script under a newer rclpy made to look like Humble's where the two differ: what Humble lacks is not there.

Usage: as_humble.py SCRIPT ARGUMENTS… Of Humble (rclpy 3.3): messages come without their publisher's counter and name, endpoints
without a hash of their type, `EventHandle` is called `QoSEvent`, and there is no policy `BEST_AVAILABLE`.
"""

import runpy
import sys
from typing import Any

import rclpy.executors
import rclpy.impl.implementation_singleton as singleton
import rclpy.node
import rclpy.qos
import rclpy.topic_endpoint_info

NEWER = ("publication_sequence_number", "reception_sequence_number", "publisher_gid")
implementation = singleton.rclpy_implementation
take_message = implementation.Subscription.take_message


def take(self: Any, msg_type: Any, raw: bool) -> Any:
    found = take_message(self, msg_type, raw)
    if found is not None:
        for name in NEWER:
            found[1].pop(name, None)
    return found


def told(_: Any) -> Any:
    raise AttributeError("topic_type_hash")


class Older:
    """The module with what is compiled, without what is newer."""

    QoSEvent = implementation.EventHandle

    def __getattr__(self, name: str) -> Any:
        if name == "EventHandle":
            raise AttributeError(name)
        return getattr(implementation, name)


implementation.Subscription.take_message = take
singleton.rclpy_implementation = Older()
rclpy.topic_endpoint_info.TopicEndpointInfo.topic_type_hash = property(told, lambda _, value: None)
for policy in (rclpy.qos.ReliabilityPolicy, rclpy.qos.DurabilityPolicy, rclpy.qos.LivelinessPolicy):
    policy._member_map_.pop("BEST_AVAILABLE", None)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
