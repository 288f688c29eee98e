"""Places on Earth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, present
from rrbridge_bridge.messages._fields import custom
from rrbridge_bridge.messages.foxglove._schema import foxglove, rgba, stamps

Line = list[tuple[float, float]]


@foxglove("LocationFix", reference=True)
def location_fix(msgs: Columns) -> Iterator[Emit]:
    """A place on Earth, and the altitude above the ellipsoid in metres."""
    yield from _fixes(msgs, np.arange(len(msgs)))


@foxglove("LocationFixes", reference=True)
def location_fixes(msgs: Columns) -> Iterator[Emit]:
    """One row per place, each at its own time."""
    yield from _fixes(msgs.fixes.values, msgs.fixes.row_of_value, own_times=True)


def _fixes(fixes: Columns, rows: Any, *, own_times: bool = False) -> Iterator[Emit]:
    times = stamps(fixes) if own_times else ()
    colored = present(fixes, "color") if "color" in fixes else np.zeros(len(fixes), np.bool_)
    places = np.stack([fixes.latitude, fixes.longitude], axis=-1)
    columns = [rr.GeoPoints.columns(positions=places), custom("altitude", fixes.altitude, "foxglove.LocationFix")]
    if colored.any():
        columns.append(rr.GeoPoints.columns(colors=Ragged.from_lengths(colored, rgba(fixes.color)[colored])))
    if own_times:
        columns.append(rr.CoordinateFrame.columns(frame=fixes.frame_id))
    yield Emit(columns, rows=rows, times=times)


@foxglove("GeoJSON")
def geo_json(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Points and lines of GeoJSON (RFC 7946); areas are drawn as their outlines."""
    points: list[Line] = []
    lines: list[list[Line]] = []
    bad = []
    for row, text in enumerate(msgs.geojson.to_list()):  # a document each, and rarely more than one
        found: tuple[Line, list[Line]] = ([], [])
        try:
            _collect(json.loads(text), found)
        except (ValueError, TypeError, KeyError, RecursionError):
            bad.append(row)
            found = ([], [])
        points.append(found[0])
        lines.append(found[1])
    yield Skipped(np.array(bad, np.int64), "the text is no GeoJSON")
    rows = np.setdiff1d(np.arange(len(msgs)), bad)
    if any(points):
        flat = np.array([place for row in rows for place in points[row]]).reshape(-1, 2)
        yield Emit(
            rr.GeoPoints.columns(positions=Ragged.from_lengths([len(points[row]) for row in rows], flat)), rows=rows
        )
    if any(lines):
        strips = [line for row in rows for line in lines[row]]
        flat = np.array([place for line in strips for place in line]).reshape(-1, 2)
        nested = Ragged.from_lengths(
            [len(lines[row]) for row in rows], Ragged.from_lengths([len(line) for line in strips], flat)
        )
        yield Emit(rr.GeoLineStrings.columns(line_strings=nested), rows=rows)


def _collect(thing: dict[str, Any], found: tuple[Line, list[Line]]) -> None:
    """Add what a GeoJSON object draws to `(points, lines)`, as latitude and longitude."""
    points, lines = found
    match thing["type"]:
        case "FeatureCollection":
            for part in thing["features"]:
                _collect(part, found)
        case "GeometryCollection":
            for part in thing["geometries"]:
                _collect(part, found)
        case "Feature":
            if thing["geometry"] is not None:
                _collect(thing["geometry"], found)
        case "Point":
            points += _places([thing["coordinates"]])
        case "MultiPoint":
            points += _places(thing["coordinates"])
        case "LineString":
            lines.append(_places(thing["coordinates"]))
        case "MultiLineString" | "Polygon":
            lines += [_places(line) for line in thing["coordinates"]]
        case "MultiPolygon":
            lines += [_places(line) for area in thing["coordinates"] for line in area]
        case kind:
            raise ValueError(f"{kind} is no type of GeoJSON")


def _places(coordinates: list[list[float]]) -> Line:
    return [(float(place[1]), float(place[0])) for place in coordinates]
