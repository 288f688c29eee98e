"""nav2_msgs: particles, behaviour trees, limits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import text_scalar
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Columns, Emit, Ragged, nanos
from rrbridge_bridge.messages._drawing import arrows_along
from rrbridge_bridge.messages._fields import numbers_of, path_parts
from rrbridge_bridge.messages._registry import adapters

_LIKELY, _UNLIKELY = np.array([0xFF, 0xA0, 0x20]), np.array([0x40, 0x60, 0xC0])


@adapters("nav2_msgs/msg/ParticleCloud")
def particle_cloud(msgs: Columns) -> Iterator[Emit]:
    """Where the robot may be; the heavier a particle within its cloud, the warmer its colour."""
    particles = msgs.particles
    colors = _weight_colors(particles, particles.values.weight)
    yield from arrows_along(Ragged(particles.offsets, particles.values.pose), colors)


def _weight_colors(particles: Ragged, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    sound = np.where(np.isfinite(weights), np.maximum(weights, 0.0), 0.0)
    heaviest = np.zeros(len(particles))
    np.maximum.at(heaviest, particles.row_of_value, sound)
    most = heaviest[particles.row_of_value]
    share = np.divide(sound, most, out=np.ones_like(sound), where=most > 0)[:, None]
    channels = np.rint(_UNLIKELY + (_LIKELY - _UNLIKELY) * share).astype(np.uint32)
    packed: npt.NDArray[np.uint32] = (channels @ np.array([1 << 24, 1 << 16, 1 << 8], np.uint32)) | np.uint32(0xFF)
    return packed.astype(np.uint32)


@adapters("nav2_msgs/msg/BehaviorTreeLog")
def behavior_tree_log(msgs: Columns) -> Iterator[Emit]:
    """Of each change of a node a log line, and its status as a state, at the time of the change."""
    events, each = msgs.event_log, msgs.event_log.values
    rows = events.row_of_value
    times = [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(each.timestamp))]
    text = pc.binary_join_element_wise(
        pc.binary_join_element_wise(each.node_name.to_arrow(), each.previous_status.to_arrow(), text_scalar(": ")),
        each.current_status.to_arrow(),
        text_scalar(" → "),
    )
    yield Emit(rr.TextLog.columns(text=text), rows=rows, times=times)
    states = rr.StateChange.columns(state=each.current_status)
    yield Emit(states, at=path_parts(each.node_name).to_pylist(), rows=rows, times=times)


@adapters("nav2_msgs/msg/SpeedLimit")
def speed_limit(msgs: Columns) -> Iterator[Emit]:
    """Metres per second, or percent."""
    yield from numbers_of(msgs)


@adapters("nav2_msgs/msg/CollisionMonitorState")
def collision_monitor_state(msgs: Columns) -> Iterator[Emit]:
    """What is done, and because of which polygon."""
    yield from numbers_of(msgs)
    yield Emit(rr.StateChange.columns(state=msgs.polygon_name), at="polygon_name")
