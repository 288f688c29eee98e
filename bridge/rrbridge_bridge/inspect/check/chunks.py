"""Checks of recordings of chunks: everything that the format asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rrbridge import importers
from rrbridge.errors import FileError
from rrbridge.rrd.tools.verify import verify
from rrbridge_bridge.inspect.check.findings import Finding, Severity, by_severity
from rrbridge_bridge.inspect.check.run import Report

__all__ = ["check_chunks"]


def check_chunks(path: Path, progress: Callable[[int, int], None] | None = None) -> Report:
    """Every message, chunk and index of an `.rrd`. Raises FileError if it cannot be opened."""
    summary = importers.info(path)
    if not summary.format.startswith("RRD"):
        raise FileError(path, f"is {summary.format}; recordings of messages and chunks are checked")
    findings = []
    for problem in verify(path, progress=progress):
        where = f" in {problem.where}" if problem.where else ""
        text = f"at byte {problem.offset}{where}: {problem.text}"
        severity = Severity.ERROR if problem.is_error else Severity.WARNING
        advice = "`rrbridge recover` writes what is left to a file that is whole" if problem.is_error else ""
        findings.append(Finding(severity, "structure", text, problem.where or "", None, advice, problem.times))
    return Report(
        path,
        summary.format,
        sum(topic.count or 0 for topic in summary.topics),
        len(summary.topics),
        summary.start_nanos,
        summary.end_nanos,
        tuple(by_severity(findings)),
    )
