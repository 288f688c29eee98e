"""Which live sink is played to."""

from __future__ import annotations

import pytest
from live_loopback import LoopbackSink

from rrbridge.errors import RecorderError
from rrbridge_bridge.play.sinks import choose

SINKS = {name: LoopbackSink(name=name) for name in ("ros1", "foxglove", "loopback")}


@pytest.mark.parametrize(
    ("asked", "name", "address"),
    [
        ("loopback", "loopback", ""),
        ("foxglove:127.0.0.1:8765", "foxglove", "127.0.0.1:8765"),
        ("ros1:http://master:11311", "ros1", "http://master:11311"),
        ("http://master:11311", "ros1", "http://master:11311"),
        ("ws://0.0.0.0:8765", "foxglove", "ws://0.0.0.0:8765"),
    ],
)
def test_what_is_asked_for_is_taken(asked: str, name: str, address: str) -> None:
    found = choose(asked, SINKS, {"LOOPBACK": "is set"})
    assert (found.sink.name, found.address) == (name, address)
    assert found.reason == (
        "" if asked.startswith(name) else f"an address with {asked.partition(':')[0]}:// is its own"
    )


def test_without_a_wish_the_environment_decides() -> None:
    first, second = LoopbackSink(name="first", priority=2), LoopbackSink(name="second", priority=1)
    found = choose(None, {"second": second, "first": first}, {"LOOPBACK": "LOOPBACK is set"})
    assert (found.sink, found.reason) == (first, "LOOPBACK is set")


@pytest.mark.parametrize("asked", [None, "elsewhere", "elsewhere:1"])
def test_what_cannot_be_chosen_is_told_with_what_there_is(asked: str | None) -> None:
    with pytest.raises(RecorderError, match="there are foxglove, loopback, ros1"):
        choose(asked, SINKS, {})
