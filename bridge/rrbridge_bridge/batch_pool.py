"""Conversions in processes of their own, so that each has a processor, and one that dies takes nothing with it.

A worker is this package's `batch_worker`, spoken to in lines of JSON: a unit in; how far it is, and the outcome, out.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import IO, Any

from rrbridge_bridge.batch import Outcome, Unit
from rrbridge_bridge.output_files import Bar
from rrbridge_bridge.settings import Settings

__all__ = ["convert_in_processes", "outcome_line", "unit_line"]

PATIENCE_SECS = 10


def unit_line(unit: Unit, settings: Settings) -> str:
    """A unit for a worker."""
    sources = [[str(s.path), s.prefix, s.offset_nanos, list(s.below)] for s in unit.sources]
    return json.dumps({"sources": sources, "output": str(unit.output), "settings": settings.plain()})


def outcome_line(outcome: Outcome) -> str:
    """An outcome from a worker."""
    return json.dumps({"status": outcome.status, "error": outcome.error, "summary": outcome.summary})


def convert_in_processes(units: Sequence[Unit], settings: Settings, jobs: int, bar: Bar | None) -> list[Outcome]:
    """The outcomes, in the order of the units. When interrupted, workers end and leave nothing behind."""
    pool = _Pool(units, settings, bar)
    threads = [threading.Thread(target=pool.work, name=f"job {n}", daemon=True) for n in range(jobs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        pool.stop()
    return [pool.outcomes[number] for number in range(len(units))]


class _Pool:
    """Units that wait, and the workers that take them."""

    def __init__(self, units: Sequence[Unit], settings: Settings, bar: Bar | None) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._units, self._settings, self._bar = units, settings, bar
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in sorted(
            range(len(units)), key=lambda n: -units[n].size_bytes
        ):  # large ones first: all end together
            self._waiting.put(number)
        self._workers: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._progress = dict.fromkeys(range(len(units)), (0, 0))
        self._total = sum(unit.size_bytes for unit in units)
        self._is_stopped = False

    def work(self) -> None:
        """Run in a thread: one worker after the other, until nothing waits."""
        worker: subprocess.Popen[str] | None = None
        try:
            while True:
                try:
                    number = self._waiting.get_nowait()
                except queue.Empty:
                    return
                if worker is None or worker.poll() is not None:
                    worker = self._started()
                    if worker is None:
                        return
                self.outcomes[number] = self._convert(worker, number)
        finally:
            if worker is not None:
                self._end([worker])

    def stop(self) -> None:
        """End all workers."""
        with self._lock:
            self._is_stopped = True
            workers = list(self._workers)
        for worker in workers:
            worker.terminate()
        self._end(workers)

    def _started(self) -> subprocess.Popen[str] | None:
        command = [sys.executable, "-m", "rrbridge_bridge.program", "rrbridge_bridge.batch_worker"]
        with self._lock:
            if self._is_stopped:
                return None
            worker = subprocess.Popen(  # noqa: S603 - this package's own module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            self._workers.add(worker)
        return worker

    def _convert(self, worker: subprocess.Popen[str], number: int) -> Outcome:
        unit = self._units[number]
        paths = tuple(source.path for source in unit.sources)
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(unit_line(unit, self._settings) + "\n")
            worker.stdin.flush()
            for line in worker.stdout:
                told: dict[str, Any] = json.loads(line)
                if "status" in told:
                    self._show(number, unit.size_bytes, _messages(told["summary"]))
                    return Outcome(paths, unit.output, told["status"], told["error"], told["summary"])
                self._show(number, told["done"], told["messages"])
        except (BrokenPipeError, ValueError):
            worker.terminate()
        code = worker.wait()
        why = (
            f"was killed by signal {-code}; is there too little memory?" if code < 0 else f"ended with exit code {code}"
        )
        return Outcome(paths, unit.output, "failed", f"{paths[0]}: its process {why}")

    def _show(self, number: int, done: int, messages: int) -> None:
        with self._lock:
            self._progress[number] = (done, messages)
            if self._bar:
                counted = sum(count for _, count in self._progress.values())
                self._bar.messages = lambda: counted
                self._bar(sum(part for part, _ in self._progress.values()), self._total)

    def _end(self, workers: Iterable[subprocess.Popen[str]]) -> None:
        for worker in workers:
            for stream in (worker.stdin, worker.stdout):
                _close(stream)
            try:
                worker.wait(PATIENCE_SECS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            with self._lock:
                self._workers.discard(worker)


def _close(stream: IO[str] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except BrokenPipeError:
        return  # it is gone already


def _messages(summary: dict[str, Any]) -> int:
    return int(summary.get("messages", 0))
