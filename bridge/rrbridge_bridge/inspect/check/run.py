"""All checks over one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rrbridge import importers
from rrbridge.errors import DamagedFileError
from rrbridge_bridge.inspect.check.findings import Finding, Severity, by_severity
from rrbridge_bridge.inspect.check.messages import MessageChecks
from rrbridge_bridge.inspect.check.structure import index_findings, metadata_findings, note_findings, part_findings
from rrbridge_bridge.inspect.parts import parts_of
from rrbridge_bridge.raw import RawBatch
from rrbridge_bridge.readers import BagReader, ReadOptions, open_bag

__all__ = ["Report", "check_file", "read_all"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one file."""

    path: Path
    format: str
    messages: int
    topics: int
    start_nanos: int | None
    end_nanos: int | None
    findings: tuple[Finding, ...]
    """The worst first."""
    clocks: dict[str, str] = field(default_factory=dict)
    """By topic, for those with stamps: `log`, `other`, or empty where there are too few to tell."""

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def check_file(
    path: Path, *, definitions: Sequence[Path] = (), progress: Callable[[int, int], None] | None = None
) -> Report:
    """Read a file or folder of any kind whole and say what is wrong. Raises FileError if it cannot be opened."""
    from rrbridge_bridge.importers import BagImporter

    if isinstance(importers.find(path), BagImporter):
        with open_bag(path) as reader:
            return _check_messages(reader, definitions, progress)
    from rrbridge_bridge.inspect.check.chunks import check_chunks

    return check_chunks(path, definitions=definitions, progress=progress)


def read_all(checks: MessageChecks, batches: Iterable[RawBatch]) -> list[Finding]:
    """Give all messages to the checks; what they and the reading found."""
    try:
        for batch in batches:
            checks.add(batch)
    except DamagedFileError as err:
        text = f"reading ended at byte {err.offset}: {err.reason}"
        return [Finding(Severity.ERROR, "damaged", text), *checks.findings()]
    return list(checks.findings())


def _check_messages(
    reader: BagReader, definitions: Sequence[Path], progress: Callable[[int, int], None] | None
) -> Report:
    checks = MessageChecks(definitions, reader.ros_distro)
    findings = read_all(checks, reader.batches(ReadOptions(progress=progress)))
    for part in parts_of(reader):
        findings += part_findings(part)
    findings += note_findings(reader.notes)
    counts, span = checks.counts, checks.span
    if not any(finding.code == "damaged" for finding in findings):  # or it is clear why they differ
        findings += metadata_findings(reader, counts, span)
        findings += index_findings(reader, counts, span)
    return Report(
        path=reader.path,
        format=reader.format,
        messages=sum(counts.values()),
        topics=len({topic for topic, _ in counts}),
        start_nanos=span[0] if span else None,
        end_nanos=span[1] if span else None,
        findings=tuple(by_severity(dict.fromkeys(findings))),
        clocks=checks.clocks,
    )
