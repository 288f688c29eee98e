"""A signal that asks the program to end is an exception, wherever it falls."""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref

import pytest

from rrbridge_bridge import ending_signals
from rrbridge_bridge.ending_signals import Told


class Thing:
    """Something that can be watched."""


def let_go_and_wait(things: list[Thing]) -> None:
    things.clear()
    end = time.monotonic() + 120
    while time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, Told), (signal.SIGHUP, Told), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_within_a_finalizer_is_not_lost(
    number: int, raised: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    """As when a lock of Python's own imports goes away in that moment."""
    fallen = []

    def finalize(_: object) -> None:
        fallen.append(number)
        os.kill(os.getpid(), number)

    things = [Thing()]
    watched = weakref.ref(things[0], finalize)
    with pytest.raises(raised) as caught, ending_signals.raised():
        let_go_and_wait(things)
    assert fallen == [number]
    assert watched() is None
    assert capfd.readouterr().err == ""
    if isinstance(caught.value, Told):
        assert caught.value.exit_code == 128 + number
        assert signal.getsignal(number) is signal.SIG_DFL


def test_other_faults_of_finalizers_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[sys.UnraisableHookArgs] = []
    monkeypatch.setattr("sys.unraisablehook", told.append)

    def finalize(_: object) -> None:
        raise ValueError

    thing = Thing()
    watched = weakref.ref(thing, finalize)
    with ending_signals.raised():
        del thing
    assert watched() is None
    assert [one.exc_type for one in told] == [ValueError]
