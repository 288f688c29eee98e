"""radar_msgs: echoes, and the things that they were made into."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._colors import class_colors
from rrbridge_bridge.messages._fields import custom, xyz
from rrbridge_bridge.messages._registry import adapters

_POINTS3D = "rerun.archetypes.Points3D"
_VALUES = ("doppler_velocity", "amplitude")


@adapters("radar_msgs/msg/RadarScan")
def radar_scan(msgs: Columns) -> Iterator[Emit]:
    """Where the echoes came from, metres, with their speed (m/s) and strength."""
    returns, each = msgs.returns, msgs.returns.values
    with np.errstate(invalid="ignore", over="ignore"):
        ground = each.range * np.cos(each.elevation)
        places = np.stack(
            [ground * np.cos(each.azimuth), ground * np.sin(each.azimuth), each.range * np.sin(each.elevation)], axis=-1
        )
    values = [custom(f"Points3D:{name}", Ragged(returns.offsets, each[name]), _POINTS3D) for name in _VALUES]
    yield Emit([rr.Points3D.columns(positions=Ragged(returns.offsets, places)), *values])


@adapters("radar_msgs/msg/RadarTracks")
def radar_tracks(msgs: Columns) -> Iterator[Emit]:
    """Things as boxes along the axes, metres, and the way that each goes in a second."""
    tracks, each = msgs.tracks, msgs.tracks.values
    centers = Ragged(tracks.offsets, xyz(each.position))
    colors = Ragged(tracks.offsets, class_colors(map(str, each.classification.tolist())))
    yield Emit(
        rr.Boxes3D.columns(centers=centers, half_sizes=Ragged(tracks.offsets, xyz(each.size) / 2), colors=colors)
    )
    vectors = Ragged(tracks.offsets, xyz(each.velocity))
    yield Emit(rr.Arrows3D.columns(vectors=vectors, origins=centers, colors=colors), at="velocity")
