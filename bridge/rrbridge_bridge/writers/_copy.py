"""Messages from recordings into a file of another format, with what a person should be told in the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rrbridge import importers
from rrbridge.errors import FileError
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.format import date
from rrbridge_bridge.live.parameters import PARAMETERS_ENTITY
from rrbridge_bridge.output_files import complete_or_absent, output_path, progress_bar
from rrbridge_bridge.raw import Connection
from rrbridge_bridge.readers import AttachedFile, NamedMetadata
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.writers._folders import complete_or_absent_folder, folder_path
from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written
from rrbridge_bridge.writers._messages import Messages, Source
from rrbridge_bridge.writers._sink import Sink
from rrbridge_bridge.writers._transcode import TranscodeError, Transcoder
from rrbridge_bridge.writers._typestores import described

__all__ = ["check_chosen", "copy_messages", "input_bytes"]

ATTACHMENTS = "attachments"
MakeSink = Callable[[Path, str], Sink]


def copy_messages(
    inputs: Sequence[Path],
    output: Path,
    options: ImportOptions,
    how: WriteOptions,
    to: OutputFormat,
    make_sink: MakeSink,
    *,
    encoding: str | None = None,
) -> Written:
    """Write the chosen messages of all inputs, in order. `make_sink` gets a path and the MCAP profile.

    `encoding`: the only one that the format takes (`ros1`, `cdr`). Raises FileError.
    """
    began = time.monotonic()
    check_path, place = (folder_path, complete_or_absent_folder) if to.is_folder else (output_path, complete_or_absent)
    target = check_path(inputs, output, force=how.force)
    with progress_bar("converting") as progress, place(target) as partial:
        messages = Messages(inputs, replace(options, progress=progress))
        copy = _Copy(messages, to, encoding)
        copy.run(lambda profile: make_sink(partial, profile))
    return Written(
        output=output,
        format=to.describes,
        topics=sorted(copy.reports.values(), key=lambda report: (report.topic, report.msgtype)),
        notes=[*messages.notes, *copy.notes()],
        input_bytes=input_bytes(inputs),
        output_bytes=input_bytes([target]),
        start_nanos=messages.start_nanos,
        end_nanos=messages.end_nanos,
        seconds=time.monotonic() - began,
    )


class _Copy:
    """One run."""

    def __init__(self, messages: Messages, to: OutputFormat, encoding: str | None) -> None:
        self._messages = messages
        self._to = to
        folders = messages.options.definitions
        self._transcoder = None if encoding is None else Transcoder(encoding, folders)
        self._made_up: set[str] = set()
        self._announced: set[int] = set()
        self._by_number: dict[int, TopicReport] = {}
        self._left_out: Counter[str] = Counter()
        self.reports: dict[tuple[str, str, str], TopicReport] = {}

    def run(self, make_sink: Callable[[str], Sink]) -> None:
        sink: Sink | None = None
        try:
            for source in self._messages.sources():
                if sink is None:
                    sink = make_sink(_profile(source))
                    sink.__enter__()
                self._copy(source, sink)
            check_chosen(self._messages)
            if sink is not None:
                sink.finish()
        finally:
            if sink is not None:
                sink.__exit__(None, None, None)

    def _copy(self, source: Source, sink: Sink) -> None:
        refused = []
        for number, connection in self._messages.connections.items():
            if number not in self._announced:
                self._announced.add(number)
                try:
                    sink.announce(self._as_written(connection, source.ros_distro))
                except TranscodeError as err:
                    refused.append(str(err))
        if refused:
            raise FileError(
                source.path,
                f"a {self._to.describes} cannot hold {'; '.join(refused)}; leave them out with -x, or convert to .mcap",
            )
        for block in self._messages.blocks(source):
            rows = block if self._transcoder is None else self._transcoder.rows(block)
            if len(rows):
                self._count(rows)
                sink.write(rows)
        for record in source.beside():
            if not sink.add(record):
                self._left_out[_kind(record)] += 1

    def _as_written(self, connection: Connection, ros_distro: str) -> Connection:
        """A connection as the output has it: in its encoding, with a definition."""
        folders = self._messages.options.definitions
        key = (connection.topic, connection.msgtype, connection.encoding)
        report = self._by_number[connection.id] = self.reports.setdefault(key, TopicReport(*key, ""))
        if self._transcoder is not None:
            connection = self._transcoder.connection(connection, ros_distro, report)
        found = described(connection, folders, ros_distro)
        if found is not None:
            self._made_up.add(connection.msgtype)
        return found or connection

    def _count(self, rows: Rows) -> None:
        ids, which = np.unique(rows.connection_ids, return_inverse=True)
        counts = np.bincount(which)
        sizes = np.bincount(which, rows.sizes)
        for number, count, size in zip(ids.tolist(), counts.tolist(), sizes.tolist(), strict=True):
            report = self._by_number[number]
            report.messages += count
            report.rows += count
            report.nbytes += int(size)

    def notes(self) -> list[Note]:
        """What the copy itself has to say."""
        found = [
            Note(f"no topic matches {pattern.pattern}")
            for pattern in self._messages.options.include
            if not any(map(pattern.search, self._messages.topics))
        ]
        if self._transcoder is not None:
            found += self._transcoder.notes()
        if self._made_up:
            names = ", ".join(sorted(self._made_up))
            found.append(Note(f"the recording has no definition of {names}; a known one is written"))
        for kind, count in self._left_out.items():
            text = f"{kind} are left out ({count}): only MCAP has a place for them"
            found.append(Note(text, is_loss=kind == ATTACHMENTS))
        return found


def _kind(record: NamedMetadata | AttachedFile) -> str:
    """What is no message, as people are told of it. Parameters are beside the point of a bag, and others leave them out too."""
    if isinstance(record, NamedMetadata):
        return "metadata records"
    return "parameters" if f"{record.name}/".startswith(f"{PARAMETERS_ENTITY}/") else ATTACHMENTS


def _profile(source: Source) -> str:
    """The profile of the first recording, or else what its messages are."""
    if source.profile is not None:
        return source.profile
    encodings = {connection.encoding for connection in source.reader.connections}
    return {"ros1": "ros1", "cdr": "ros2"}.get(encodings.pop(), "") if len(encodings) == 1 else ""


def check_chosen(messages: Messages) -> None:
    """Raises FileError if there are messages, but all of them were left out by the choice of topics and times."""
    options = messages.options
    if messages.start_nanos is not None or not messages.topics:
        return
    if not any(map(options.wants, messages.topics)):
        raise FileError(messages.paths[0], f"no topic is chosen; there are {', '.join(sorted(messages.topics))}")
    if options.start_nanos is None and options.end_nanos is None:
        return
    summaries = [importers.info(path) for path in messages.paths]
    spans = [t for summary in summaries for t in (summary.start_nanos, summary.end_nanos) if t is not None]
    if spans:
        raise FileError(
            messages.paths[0],
            f"no message in the chosen time; messages are from {date(min(spans))} to {date(max(spans))}",
        )


def input_bytes(paths: Sequence[Path]) -> int:
    """The size of files and folders."""
    inside = [part for path in paths for part in (path.iterdir() if path.is_dir() else [path])]
    return sum(path.stat().st_size for path in inside if path.is_file())
