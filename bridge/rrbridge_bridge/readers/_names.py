"""Names of message types and topics as the rest of the bridge knows them."""

from __future__ import annotations

__all__ = ["long_type_name", "short_type_name"]

KINDS = frozenset({"msg", "srv", "action"})


def long_type_name(name: str) -> str:
    """`sensor_msgs/Imu` as `sensor_msgs/msg/Imu`; a DDS name (`a::msg::dds_::B_`) likewise; long names unchanged."""
    if "::" in name:
        parts = [part for part in name.split("::") if part != "dds_"]
        return "/".join(parts).removesuffix("_")
    package, slash, rest = name.partition("/")
    if not slash or rest.partition("/")[0] in KINDS:
        return name
    return f"{package}/msg/{rest.rpartition('/')[2]}"


def short_type_name(name: str) -> str:
    """`sensor_msgs/msg/Imu` as ROS 1 writes it, `sensor_msgs/Imu`; other names unchanged."""
    package, _, rest = name.partition("/msg/")
    return f"{package}/{rest}" if rest else name
