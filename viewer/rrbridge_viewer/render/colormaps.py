"""Colour maps, as tables of 256 colours.

The anchors are samples of the published maps: inferno, magma, plasma, viridis and twilight of matplotlib (CC0), Spectral of
ColorBrewer, Turbo of A. Mikhailov (Google). The RViz maps colour occupancy values 0..100 and -1 (as 255) the way RViz does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from rrbridge.components import Colormap
from rrbridge_viewer.render.primitives import Colors

__all__ = ["INDEXED", "colormap"]

INDEXED: frozenset[int] = frozenset({Colormap.RvizMap, Colormap.RvizCostmap, Colormap.Costmap})
"""Maps whose table is indexed by the value itself."""

ANCHORS: dict[int, str] = {
    Colormap.Grayscale: "000000 ffffff",
    Colormap.Inferno: "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4",
    Colormap.Magma: "000004 180f3d 440f76 721f81 9e2f7f cd4071 f1605d fd9668 feca8d fcfdbf",
    Colormap.Plasma: "0d0887 47039f 7301a8 9c179e bd3786 d8576b ed7953 fa9e3b fdc926 f0f921",
    Colormap.Turbo: "30123b 4145ab 4675ed 39a2fc 1bcfd4 24eca6 61fc6c a4fc3b d1e834 f3c63a fe9b2d f36315 d93806 b11901 7a0402",
    Colormap.Viridis: "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725",
    Colormap.CyanToYellow: "00ffff 0080ff 1c1c20 b08020 ffff00",
    Colormap.Spectral: "9e0142 d53e4f f46d43 fdae61 fee08b ffffbf e6f598 abdda4 66c2a5 3288bd 5e4fa2",
    Colormap.Twilight: "e2d9e2 9ebbc9 6785be 5e43a5 421257 2f1436 611e52 95343f b86758 d1aa95 e2d9e2",
}
UNKNOWN = (0x70, 0x89, 0x86, 255)
INSCRIBED, LETHAL = 99, 100


@cache
def colormap(number: int) -> Colors:
    """(256, 4) of a `Colormap`; Turbo for a number that is none. The same object each time."""
    indexed: dict[int, Callable[[], Colors]] = {
        Colormap.RvizMap: _rviz_map,
        Colormap.RvizCostmap: lambda: _costmap((0, 0, 255), (255, 0, 0), inscribed=(0, 255, 255), lethal=(255, 0, 255)),
        Colormap.Costmap: lambda: _costmap(
            (40, 160, 90), (250, 220, 60), inscribed=(245, 130, 40), lethal=(220, 40, 70)
        ),
    }
    table = indexed[number]() if number in indexed else _interpolated(ANCHORS.get(number, ANCHORS[Colormap.Turbo]))
    table.flags.writeable = False
    return table


def _interpolated(anchors: str) -> Colors:
    stops = np.array([tuple(bytes.fromhex(anchor)) for anchor in anchors.split()], np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.stack([*channels, np.full(256, 255.0)], axis=1).round().astype(np.uint8)


def _with_illegal_values() -> Colors:
    """Values 101..127 green, -128..-2 from red to yellow, -1 unknown."""
    table = np.zeros((256, 4), np.uint8)
    table[101:128] = 0, 255, 0, 255
    table[128:255, 0] = 255
    table[128:255, 1] = np.arange(127) * 2
    table[128:, 3] = 255
    table[255] = UNKNOWN
    return table


def _rviz_map() -> Colors:
    table = _with_illegal_values()
    table[:101, :3] = (255 - np.arange(101) * 2.55).round()[:, None]
    table[:101, 3] = 255
    return table


def _costmap(
    low: tuple[int, int, int],
    high: tuple[int, int, int],
    *,
    inscribed: tuple[int, int, int],
    lethal: tuple[int, int, int],
) -> Colors:
    """Free space lets everything through."""
    table = _with_illegal_values()
    share = np.linspace(0, 1, 98)[:, None]
    table[1:INSCRIBED, :3] = (np.array(low) * (1 - share) + np.array(high) * share).round()
    table[1:INSCRIBED, 3] = 255
    table[INSCRIBED] = *inscribed, 255
    table[LETHAL] = *lethal, 255
    return table
