"""Instances of several components side by side (FORMAT §6): how a view joins radii and colours to positions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rrbridge._arrow import primitive

__all__ = ["joined"]


def joined(values: pa.Array, count: int) -> pa.Array:
    """A component's instances as they go with `count` instances of another: shape (count,).

    One instance goes with all of them; a shorter batch repeats its last, a longer one is cut; none gives nulls. No copy
    where the count fits.
    """
    given = len(values)
    if given >= count:
        return values.slice(0, count)
    if not given:
        return pa.nulls(count, values.type)
    return values.take(primitive(np.minimum(np.arange(count), given - 1)))
