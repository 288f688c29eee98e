"""A loop that receives what a live source brings and does nothing else with it: `bare.py SOURCE OUT.npz TOPIC…`, until SIGINT.

What a recorder of the same source could reach at best. Keeps each message's tail, as a recorder does with the whole of it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

from recording_load.arrivals import Arrivals, Gathering
from rrbridge_bridge.live.choose import choose
from rrbridge_bridge.live.source import ROS_PYTHON_VARIABLE, Discovered, Received, SourceOptions

__all__ = ["of_npz"]


def receive(named: str, out: Path, topics: frozenset[str]) -> None:
    """Until the source has ended."""
    choice = choose(named, os.environ)
    python = os.environ.get(ROS_PYTHON_VARIABLE)
    session = choice.source.start(SourceOptions(address=choice.address, ros_python=python))
    signal.signal(signal.SIGINT, lambda *_: session.stop())
    asked: set[str] = set()
    found = Gathering()
    for event in session.events():
        if isinstance(event, Received):
            found.add_batch(event.batch)
        elif isinstance(event, Discovered) and event.topic in topics - asked:
            asked.add(event.topic)
            session.subscribe(event.topic, event.msgtypes[0])
    session.close()
    arrays = {
        f"{topic}|{name}": value
        for topic, arrivals in found.arrivals().items()
        for name, value in (
            ("numbers", arrivals.numbers),
            ("lag", arrivals.lag_nanos),
            ("nbytes", np.array([arrivals.nbytes])),
        )
    }
    np.savez(out, **arrays)  # type: ignore[arg-type]


def of_npz(path: Path) -> dict[str, Arrivals]:
    """What such a loop received, by topic."""
    with np.load(path, allow_pickle=False) as found:
        topics = {name.partition("|")[0] for name in found.files}
        return {
            topic: Arrivals(found[f"{topic}|numbers"], found[f"{topic}|lag"], int(found[f"{topic}|nbytes"][0]))
            for topic in topics
        }


if __name__ == "__main__":
    receive(sys.argv[1], Path(sys.argv[2]), frozenset(sys.argv[3:]))
