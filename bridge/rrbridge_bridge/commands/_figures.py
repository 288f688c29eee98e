"""Printing figures of the messages of each topic, for all of them or for one stretch after the other."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from rrbridge_bridge.commands._topics import ending
from rrbridge_bridge.format import size, unless_nobody_reads
from rrbridge_bridge.inspect.gauge import Gauges
from rrbridge_bridge.inspect.rates import Bandwidth, Rate
from rrbridge_bridge.inspect.selection import Selection

if TYPE_CHECKING:
    from rrbridge_bridge.inspect.listening import Listening
    from rrbridge_bridge.raw import Int64s
    from rrbridge_bridge.readers import ReadOptions

__all__ = ["figures", "live_figures"]

LIVE_WINDOW = 10_000
SHOWN_SECS = 1.0

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


def live_figures(heard: Listening, selection: Selection, window: int | None, of: FigureOf, *, as_json: bool) -> int:
    """Print what `of` makes of the messages that arrive, once a second until Ctrl-C or the time is up, and at the end."""
    from rrbridge_bridge.commands._live import ended_by_hand

    gauges = Gauges(window or LIVE_WINDOW, of)
    is_one = len(selection.asked) == 1
    screen = None if as_json or is_one or not sys.stdout.isatty() else _Screen()
    began = time.monotonic()
    options = selection.options()
    with unless_nobody_reads():
        with ended_by_hand():
            while not _is_over(heard, options, gauges):
                if screen is not None:
                    screen.show(gauges)
                else:
                    _print(gauges, as_json=as_json, is_one=is_one, only_news=True)
        if screen is not None:
            screen.close()
        if not as_json:
            sys.stdout.write(f"\nin {time.monotonic() - began:.1f} s:\n")
        _print(gauges, as_json=as_json, is_one=is_one, only_news=False)
    return ending(selection, found=bool(len(gauges)))


def _is_over(heard: Listening, options: ReadOptions, gauges: Gauges) -> bool:
    """Whether that was all; after a second, and everything that has arrived in it."""
    for event in heard.gather(SHOWN_SECS):
        if options.wants(event.batch.connection.topic):
            gauges.add(event.batch.connection.topic, event.batch.log_time_nanos, event.batch.sizes)
    return heard.is_over


def _print(gauges: Gauges, *, as_json: bool, is_one: bool, only_news: bool) -> None:
    news, figures = gauges.news(), gauges.figures()
    for topic, figure in figures.items():
        if as_json:
            facts = {"topic": topic, "time": time.time(), "total": gauges.total(topic), "new": news[topic]}
            sys.stdout.write(json.dumps(facts | (asdict(figure) if figure else {})) + "\n")
        elif news[topic] or not only_news:
            text = str(figure) if figure else "no rate: one message"
            sys.stdout.write(f"{text}\n" if is_one else f"{topic}\n{text}\n")
        elif is_one:
            sys.stdout.write("no new messages\n")
    sys.stdout.flush()


class _Screen:
    """A table of all topics that is redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, gauges: Gauges) -> None:
        """Redraw it."""
        from rich.table import Table
        from rich.text import Text

        news, figures = gauges.news(), gauges.figures()
        room = max(self._console.height - 3, 3)
        busiest = sorted(figures, key=lambda topic: -gauges.total(topic))[:room]
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("topic", overflow="fold")
        is_rate = any(isinstance(figure, Rate) for figure in figures.values())
        for name in ("Hz", "min", "max", "std dev") if is_rate else ("per second", "mean", "min", "max"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("messages", justify="right", no_wrap=True)
        for topic in sorted(busiest):
            style = "" if news[topic] else "dim"
            table.add_row(topic, *_cells(figures[topic]), str(gauges.total(topic)), style=style)
        more = f"… and {len(figures) - room} quieter topics" if len(figures) > room else "Ctrl-C ends it"
        table.caption, table.caption_justify = Text(more, "dim"), "left"
        self._live.update(table, refresh=True)

    def close(self) -> None:
        """Take it away."""
        self._live.stop()


def _cells(figure: Rate | Bandwidth | None) -> tuple[str, ...]:
    match figure:
        case Rate():
            secs = (figure.min_secs, figure.max_secs, figure.std_dev_secs)
            return (f"{figure.hertz:.2f}", *(f"{value * 1e3:.1f} ms" for value in secs))
        case Bandwidth():
            return (
                f"{size(figure.bytes_per_sec)}/s",
                size(figure.mean_bytes),
                size(figure.min_bytes),
                size(figure.max_bytes),
            )
        case None:
            return ("", "", "", "")
