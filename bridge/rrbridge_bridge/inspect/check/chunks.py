"""Checks of recordings of chunks: everything that the format asks for, and the messages whose bytes were kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from rrbridge import importers
from rrbridge.errors import FileError
from rrbridge.rrd.tools.verify import verify
from rrbridge_bridge.inspect.check.findings import Finding, Severity, by_severity
from rrbridge_bridge.inspect.check.messages import MessageChecks
from rrbridge_bridge.inspect.check.run import Report, read_all
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.readers.rrd import RrdMessages

__all__ = ["check_chunks"]


def check_chunks(
    path: Path, *, definitions: Sequence[Path] = (), progress: Callable[[int, int], None] | None = None
) -> Report:
    """Every message, chunk and index of an `.rrd`. Raises FileError if it cannot be opened."""
    summary = importers.info(path)
    if not summary.format.startswith("RRD"):
        raise FileError(path, f"is {summary.format}; recordings of messages and chunks are checked")
    findings = []
    for problem in verify(path, progress=progress):
        text = f"at byte {problem.offset}: {problem.text}"
        severity = Severity.ERROR if problem.is_error else Severity.NOTE
        advice = "`rrbridge recover` writes what is left to a file that is whole" if problem.is_error else ""
        findings.append(Finding(severity, "structure", text, problem.where or "", None, advice, problem.times))
    checks = MessageChecks(definitions)
    findings += _of_messages(path, checks)
    counts = checks.counts  # of messages, where there are their bytes; what they became counts beside them else
    return Report(
        path,
        summary.format,
        sum(counts.values()) if counts else sum(topic.count or 0 for topic in summary.topics),
        len({topic for topic, _ in counts}) if counts else len(summary.topics),
        summary.start_nanos,
        summary.end_nanos,
        tuple(by_severity(findings)),
        checks.clocks,
    )


def _of_messages(path: Path, checks: MessageChecks) -> list[Finding]:
    """What is wrong with messages whose bytes were kept; nothing where there are none."""
    try:
        reader = RrdMessages(path)
    except FileError:
        return []  # no bytes, several recordings, or damage that has been told
    with reader:
        return read_all(checks, _batches(reader))


def _batches(reader: RrdMessages) -> Iterator[RawBatch]:
    connections = {connection.id: connection for connection in reader.connections}
    for rows in reader.rows():
        for number in np.unique(rows.connection_ids).tolist():
            if number in connections:
                yield rows.batch(connections[number], np.flatnonzero(rows.connection_ids == number))
