"""What drivers of satellite receivers send in their own types: places on Earth, and what else is known of them as plots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.messages._fields import custom, numbers_of
from rrbridge_bridge.messages._registry import adapters

__all__ = ["place", "place_of_counts"]

DEGREES_PER_COUNT = 1e-7
METRES_PER_COUNT = 1e-3


def place(latitude: npt.NDArray[Any], longitude: npt.NDArray[Any], altitude: npt.NDArray[Any]) -> Emit:
    """Degrees and metres."""
    positions = np.stack([latitude, longitude], axis=-1).astype(np.float64)
    above = custom("altitude", altitude.astype(np.float64), "geographic_msgs.msg.GeoPoint")
    return Emit([rr.GeoPoints.columns(positions=positions), above])


def place_of_counts(latitude: npt.NDArray[Any], longitude: npt.NDArray[Any], altitude: npt.NDArray[Any]) -> Emit:
    """1e-7 degrees and millimetres, as integers, which many receivers count in."""
    return place(latitude * DEGREES_PER_COUNT, longitude * DEGREES_PER_COUNT, altitude * METRES_PER_COUNT)


@adapters("ublox_msgs/msg/NavPVT", "ublox_msgs/msg/NavPOSLLH")
def ublox(msgs: Columns) -> Iterator[Emit]:
    """Above the ellipsoid."""
    yield place_of_counts(msgs.lat, msgs.lon, msgs.height)
    yield from numbers_of(msgs, without=("lat", "lon"))


@adapters("novatel_gps_msgs/msg/NovatelPosition", "novatel_oem7_msgs/msg/BESTPOS")
def novatel(msgs: Columns) -> Iterator[Emit]:
    """Degrees, metres above sea."""
    height = "height" if "height" in msgs else "hgt"
    yield place(msgs.lat, msgs.lon, msgs[height])
    yield from numbers_of(msgs, without=("lat", "lon", height))


@adapters("septentrio_gnss_driver/msg/PVTGeodetic")
def septentrio(msgs: Columns) -> Iterator[Emit]:
    """Radians, metres above the ellipsoid."""
    with np.errstate(over="ignore"):
        yield place(np.degrees(msgs.latitude), np.degrees(msgs.longitude), msgs.height)
    yield from numbers_of(msgs, without=("latitude", "longitude", "height"))


@adapters("nmea_msgs/msg/Sentence")
def sentence(msgs: Columns) -> Iterator[Emit]:
    """A line, as the receiver sent it."""
    yield Emit(rr.TextLog.columns(text=msgs.sentence))
