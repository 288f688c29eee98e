"""Printing figures of the messages of each topic, for all of them or for one stretch after the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from rrbridge_bridge.commands._topics import ending
from rrbridge_bridge.format import unless_nobody_reads
from rrbridge_bridge.inspect.rates import Bandwidth, Rate
from rrbridge_bridge.inspect.selection import Selection

if TYPE_CHECKING:
    from rrbridge_bridge.raw import Int64s

__all__ = ["figures"]

FigureOf = Callable[["Int64s", "Int64s"], Rate | Bandwidth | None]


def figures(selection: Selection, window: int | None, of: FigureOf, *, exact: bool, as_json: bool) -> int:
    """Print what `of` makes of times and sizes; the exit code. `exact`: whether sizes matter."""
    topics = _by_topic(selection, exact=exact)
    with unless_nobody_reads():
        for topic, (times, sizes) in sorted(topics.items()):
            stretches = _stretches(len(times), window)
            for lo, hi in stretches:
                figure = of(times[lo:hi], sizes[lo:hi])
                if as_json:
                    facts = {"topic": topic, "start_nanos": int(times[lo]), "end_nanos": int(times[hi - 1])}
                    figure_facts = asdict(figure) if figure else {"messages": hi - lo}
                    sys.stdout.write(json.dumps(facts | figure_facts) + "\n")
                    continue
                head = topic if len(topics) > 1 or window else ""
                if window:
                    head += f" at +{(int(times[lo]) - int(times[0])) / 1e9:.3f}s"
                text = str(figure) if figure else f"no rate: {'one message' if hi - lo == 1 else 'all came at once'}"
                sys.stdout.write(f"{head}\n{text}\n" if head else f"{text}\n")
    return ending(selection, found=bool(topics))


def _by_topic(selection: Selection, *, exact: bool) -> dict[str, tuple[Int64s, Int64s]]:
    parts: dict[str, tuple[list[Int64s], list[Int64s]]] = {}
    options = selection.options()
    for source in selection.sources:
        for arrivals in source.arrivals(options, exact=exact):
            if len(arrivals.sizes):
                times, sizes = parts.setdefault(arrivals.topic, ([], []))
                times.append(arrivals.log_time_nanos)
                sizes.append(arrivals.sizes)
    return {topic: _in_order(np.concatenate(times), np.concatenate(sizes)) for topic, (times, sizes) in parts.items()}


def _in_order(times: Int64s, sizes: Int64s) -> tuple[Int64s, Int64s]:
    """By time: a topic's connections, and the files, may overlap."""
    order = np.argsort(times, kind="stable")
    return times[order], sizes[order]


def _stretches(count: int, window: int | None) -> Iterator[tuple[int, int]]:
    step = window or count
    return ((lo, min(lo + step, count)) for lo in range(0, count, step))
