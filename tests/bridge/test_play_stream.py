"""Files that are played together: one stream by time, every message once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from rrbridge_bridge.play import stream as module
from rrbridge_bridge.play.stream import Feed, Run, Stream
from rrbridge_bridge.raw import Int64s, join_payloads
from rrbridge_bridge.readers._blocks import Rows


@dataclass(frozen=True)
class File:
    """Messages that say which file they are from, and where in it they stand."""

    number: int
    begin: int
    log: Int64s
    sent: Int64s

    def payload(self, row: int) -> bytes:
        return f"{self.number}:{row}".encode() * (1 + row % 7)

    def blocks(self, length: int) -> Iterator[Rows]:
        for lo in range(0, len(self.log), length):
            log, sent = self.log[lo : lo + length], self.sent[lo : lo + length]
            buffer, starts, sizes = join_payloads([self.payload(lo + i) for i in range(len(log))])
            numbers = np.full(len(log), self.number)
            yield Rows(buffer, numbers, starts, sizes, log, sent, np.zeros(len(log), np.uint32), np.arange(len(log)))

    def messages(self, key: Int64s) -> list[tuple[int, int, bytes]]:
        return [(int(time), self.number, self.payload(row)) for row, time in enumerate(key)]


def files_of(rng: np.random.Generator, disorder: int) -> Iterator[File]:
    for number in range(int(rng.integers(1, 5))):
        count, begin = int(rng.integers(0, 600)), int(rng.integers(0, 3000))
        log = np.sort(rng.integers(begin, begin + 5000, count)) + rng.integers(0, disorder, count)
        yield File(number, begin, log, log - rng.integers(0, 60, count))


def messages(runs: Iterator[Run]) -> list[tuple[int, int, bytes]]:
    found = []
    for run in runs:
        for i in range(len(run)):
            payload = run.buffer[run.starts[i] : run.starts[i] + run.sizes[i]].tobytes()
            found.append((int(run.due_nanos[i]), int(run.connection_ids[i]), payload))
    return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few hundred messages are as many as in a long recording."""
    monkeypatch.setattr(module, "LEAVING_BYTES", 2000)


@pytest.mark.parametrize("by_publish_time", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_all_messages_sorted(seed: int, by_publish_time: bool) -> None:
    rng = np.random.default_rng(seed)
    files = list(files_of(rng, 40))
    every = [m for file in files for m in file.messages(file.sent if by_publish_time else file.log)]
    feeds = [Feed(file.blocks(int(rng.integers(1, 80))), file.begin) for file in files]
    stream = Stream(feeds, 30_000, by_publish_time)
    found = messages(stream.runs())
    assert sorted(found) == sorted(every)
    assert [due for due, _, _ in found] == sorted(due for due, _, _ in every)
    assert stream.misplaced == 0


@pytest.mark.parametrize("seed", range(5))
def test_messages_at_one_time_keep_their_order_in_the_file(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = np.sort(rng.integers(0, 40, 800))
    file = File(0, 0, log, log)
    found = messages(Stream([Feed(file.blocks(13), 0)], 9000).runs())
    assert found == file.messages(log)


@pytest.mark.parametrize("seed", range(5))
def test_what_stands_too_far_from_its_place_is_played_and_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = np.concatenate([np.arange(3000), rng.integers(0, 100, 17)])
    file = File(0, 0, log, log)
    stream = Stream([Feed(file.blocks(50), 0)], 5000)
    found = messages(stream.runs())
    assert sorted(found) == sorted(file.messages(log))
    assert stream.misplaced == 17


def test_memory_is_bounded_whatever_the_files() -> None:
    """What is held is at most what is to be held, a block of each file, and what is about to leave."""
    every = np.arange(40_000)
    files = [File(n, 0, every[n::2], every[n::2]) for n in range(2)]
    stream = Stream([Feed(file.blocks(50), 0) for file in files], 20_000)
    most = 0
    for _ in stream.runs():
        most = max(most, sum(map(module._weight, stream._held)))
    assert most < 20_000 + 2000 + 3 * 50 * 128
