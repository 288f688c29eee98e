"""Foxglove's schemas, in whatever encoding: protobuf, JSON, FlatBuffers (`foxglove.Grid`), ROS (`foxglove_msgs/msg/Grid`).

The fields have the same names everywhere; only times, enums and a camera's matrices are spelled differently, which `_schema`
evens out. Fields: https://docs.foxglove.dev/docs/visualization/message-schemas/introduction.
"""
