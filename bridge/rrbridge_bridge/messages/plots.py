"""Packages whose messages are numbers and little else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import text_scalar, utf8
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.messages._drawing import axes
from rrbridge_bridge.messages._fields import named_scalars, numbers_of, path_parts, seconds
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import about_z

_STATISTICS = ("uninitialized", "average", "minimum", "maximum", "stddev", "sample_count")


@adapters("ackermann_msgs/msg/AckermannDrive", "ackermann_msgs/msg/AckermannDriveStamped")
def ackermann_drive(msgs: Columns) -> Iterator[Emit]:
    """How to steer (rad) and go (m/s)."""
    yield from numbers_of(msgs.get("drive", msgs))


@adapters("builtin_interfaces/msg/Time", "builtin_interfaces/msg/Duration")
def time(msgs: Columns) -> Iterator[Emit]:
    """Seconds."""
    yield Emit(rr.Scalars.columns(scalars=seconds(msgs)))


@adapters("dynamic_reconfigure/msg/Config")
def config(msgs: Columns) -> Iterator[Emit]:
    """Each parameter that is a number as a plot, below its name."""
    for kind in ("bools", "ints", "doubles"):
        given = msgs[kind]
        at = path_parts(given.values.name).to_pylist()
        yield Emit(rr.Scalars.columns(scalars=given.values.value.astype(np.float64)), at=at, rows=given.row_of_value)


@adapters("rosgraph_msgs/msg/Clock")
def clock(msgs: Columns) -> Iterator[Emit]:
    """Seconds of simulated time; it is the timeline `sim_time` too."""
    yield Emit(rr.Scalars.columns(scalars=seconds(msgs.clock)))


@adapters("statistics_msgs/msg/MetricsMessage")
def metrics(msgs: Columns) -> Iterator[Emit]:
    """Each statistic as a plot, below what was measured and of what: `<source>/<metric>/average`."""
    statistics = msgs.statistics
    rows = statistics.row_of_value
    kinds = np.array(_STATISTICS, object)[np.minimum(statistics.values.data_type, len(_STATISTICS) - 1)]
    measured = pc.binary_join_element_wise(
        path_parts(msgs.measurement_source_name), path_parts(msgs.metrics_source), text_scalar("/")
    )
    paths = pc.binary_join_element_wise(measured.take(rows), utf8(kinds.tolist()), text_scalar("/"))
    yield Emit(rr.Scalars.columns(scalars=statistics.values.data), at=paths.to_pylist(), rows=rows)


@adapters("turtlesim/msg/Pose")
def turtle(msgs: Columns) -> Iterator[Emit]:
    """Where a turtle is, and how fast it goes."""
    yield axes()
    positions = np.stack([msgs.x, msgs.y, np.zeros(len(msgs))], axis=-1)
    yield Emit(rr.InstancePoses3D.columns(translations=positions, quaternions=about_z(msgs.theta)))
    yield from named_scalars({"linear": msgs.linear_velocity, "angular": msgs.angular_velocity}, at="velocity")
