"""rosbag2's SQLite files (schema version 4, as since Iron): one file, or a folder with `metadata.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written

if TYPE_CHECKING:
    from rrbridge.importers import ImportOptions
    from rrbridge_bridge.raw import Connection
    from rrbridge_bridge.readers import AttachedFile, NamedMetadata
    from rrbridge_bridge.readers._blocks import Rows

__all__ = ["Db3Sink", "db3", "rosbag2"]

TABLES = """
CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, serialization_format TEXT NOT NULL,
  offered_qos_profiles TEXT NOT NULL, type_description_hash TEXT NOT NULL);
CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
  encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);
INSERT INTO schema VALUES(4, 'rrbridge');
"""
SCHEMA_FORMATS = ("ros2msg", "ros2idl")
QOS_IN_WORDS = re.compile(r"\b(history|reliability|durability|liveliness):\s*[a-z]")


class Db3Sink:
    """A SQLite file that is being written."""

    def __init__(self, path: Path, name: str) -> None:
        """`name` is what the file will be called in the end."""
        import sqlite3

        self._path = path
        self._name = name
        path.unlink(missing_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # The file counts only when it is whole, so nothing is gained by a journal.
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {TABLES} BEGIN;")
        self._described: dict[str, Connection] = {}
        """The first connection of each type, whose definition is written."""
        self.facts = RecordingFacts()
        """What `metadata.yaml` says."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def announce(self, connection: Connection) -> None:
        """Add the topic, and the definition of its type if that is new. Raises TranscodeError if the type has another one."""
        self._check_definition(connection)
        self.facts.announce(connection)
        topic = self.facts.topic(connection.id)
        digest = type_hash(connection)
        if topic.id == connection.id:
            about = (topic.id, topic.topic, topic.msgtype, topic.encoding, topic.qos, digest)
            self._run("INSERT INTO topics VALUES(?, ?, ?, ?, ?, ?)", about)
        else:
            self._run("UPDATE topics SET offered_qos_profiles = ? WHERE id = ?", (topic.qos, topic.id))
        if connection.definition_format in SCHEMA_FORMATS and self._described[connection.msgtype] is connection:
            values = (connection.msgtype, connection.definition_format, connection.definition, digest)
            self._run("INSERT INTO message_definitions VALUES(NULL, ?, ?, ?, ?)", values)

    def _check_definition(self, connection: Connection) -> None:
        from rrbridge.errors import UnknownTypeError
        from rrbridge_bridge.decode.definitions import definition_hash, registry_for
        from rrbridge_bridge.writers._transcode import TranscodeError

        if connection.definition_format not in SCHEMA_FORMATS:
            return
        first = self._described.setdefault(connection.msgtype, connection)
        if first.definition == connection.definition:
            return
        try:
            hashes = {definition_hash(registry_for(one), one.msgtype) for one in (first, connection)}
        except UnknownTypeError:
            return  # nobody reads them by their definition
        if len(hashes) > 1:
            reason = f"another definition of {connection.msgtype} than that of {first.topic}, and there is room for one"
            raise TranscodeError(f"{connection.topic} ({reason})")

    def write(self, rows: Rows) -> None:
        """Append messages."""
        self.facts.count(rows)
        view = rows.buffer.data
        payloads = [view[a : a + n] for a, n in zip(rows.starts.tolist(), rows.sizes.tolist(), strict=True)]
        numbers = [self.facts.topic(number).id for number in rows.connection_ids.tolist()]
        values = zip(numbers, rows.log_time_nanos.tolist(), payloads, strict=True)
        self._run_many("INSERT INTO messages VALUES(NULL, ?, ?, ?)", values)

    def add(self, record: NamedMetadata | AttachedFile) -> bool:  # noqa: ARG002 - there is no place for it
        """False: there is room for messages only."""
        return False

    def finish(self) -> None:
        """Write the index and the metadata."""
        import yaml

        facts = self.facts.document("sqlite3", self._name)
        text = yaml.safe_dump(facts["rosbag2_bagfile_information"], sort_keys=False)
        self._run("INSERT INTO metadata VALUES(1, ?, ?)", (self.facts.version, text))
        self._run("CREATE INDEX timestamp_idx ON messages (timestamp ASC)", ())
        self._run("COMMIT", ())
        self._db.close()

    def _run(self, statement: str, values: Sequence[object]) -> None:
        self._run_many(statement, [values])

    def _run_many(self, statement: str, values: Any) -> None:
        import sqlite3

        from rrbridge.errors import FileError

        try:
            self._db.executemany(statement, values) if "?" in statement else self._db.execute(statement)
        except sqlite3.Error as err:
            raise FileError(self._path, str(err)) from err


def type_hash(connection: Connection) -> str:
    """The hash of the type's description (RIHS01), if it is known."""
    about = connection.metadata
    return about.get("type_description_hash") or about.get("topic_type_hash") or ""


@dataclass(slots=True)
class Topic:
    """What connections of one topic, type and encoding are in rosbag2, which knows no publishers."""

    id: int
    """Of the first connection."""
    topic: str
    msgtype: str
    encoding: str
    digest: str
    qos: str = ""
    """The profiles of all of them."""
    messages: int = 0

    def join(self, connection: Connection) -> None:
        """Another publisher of the topic."""
        profile = connection.metadata.get("offered_qos_profiles", "")
        if profile and profile not in self.qos:
            self.qos = f"{self.qos}\n{profile}" if self.qos else profile


class RecordingFacts:
    """What `metadata.yaml` says about a recording."""

    def __init__(self) -> None:
        self._topics: dict[tuple[str, str, str], Topic] = {}
        self._topic_of: dict[int, Topic] = {}
        self._span: tuple[int, int] | None = None

    @property
    def version(self) -> int:
        """Of the metadata: since 9, QoS profiles have words instead of numbers."""
        return 9 if any(QOS_IN_WORDS.search(topic.qos) for topic in self._topics.values()) else 8

    def announce(self, connection: Connection) -> None:
        """Note a connection."""
        key = (connection.topic, connection.msgtype, connection.encoding)
        topic = self._topics.setdefault(key, Topic(connection.id, *key, type_hash(connection)))
        topic.join(connection)
        self._topic_of[connection.id] = topic

    def topic(self, connection_id: int) -> Topic:
        """The topic of a connection that was announced."""
        return self._topic_of[connection_id]

    def count(self, rows: Rows) -> None:
        """Note messages."""
        import numpy as np

        if not len(rows):
            return
        ids, counts = np.unique(rows.connection_ids, return_counts=True)
        for number, count in zip(ids.tolist(), counts.tolist(), strict=True):
            self._topic_of[number].messages += count
        first, last = int(rows.log_time_nanos.min()), int(rows.log_time_nanos.max())
        self._span = (first, last) if self._span is None else (min(first, self._span[0]), max(last, self._span[1]))

    def document(self, storage: str, file: str) -> dict[str, Any]:
        """All of it, for a recording in one file."""
        start, end = self._span or (0, 0)
        span = {
            "duration": {"nanoseconds": end - start},
            "starting_time": {"nanoseconds_since_epoch": start},
            "message_count": sum(topic.messages for topic in self._topics.values()),
        }
        return {
            "rosbag2_bagfile_information": {
                "version": self.version,
                "storage_identifier": storage,
                **span,
                "topics_with_message_count": [self._document(topic) for topic in self._topics.values()],
                "compression_format": "",
                "compression_mode": "",
                "relative_file_paths": [file],
                "files": [{"path": file, **span}],
                "custom_data": None,
                "ros_distro": "rrbridge",
            }
        }

    def _document(self, topic: Topic) -> dict[str, Any]:
        import yaml

        return {
            "topic_metadata": {
                "name": topic.topic,
                "type": topic.msgtype,
                "serialization_format": topic.encoding,
                "offered_qos_profiles": (yaml.safe_load(topic.qos) or []) if self.version >= 9 else topic.qos,
                "type_description_hash": topic.digest,
            },
            "message_count": topic.messages,
        }


def _write(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    from rrbridge_bridge.writers._copy import copy_messages

    return copy_messages(inputs, output, options, how, db3, lambda path, _: Db3Sink(path, output.name), encoding="cdr")


def _write_folder(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    from rrbridge_bridge.writers._copy import copy_messages
    from rrbridge_bridge.writers._rosbag2 import FolderSink

    def make(path: Path, _profile: str) -> FolderSink:
        name = f"{output.name}_0.db3"
        return FolderSink(path, lambda folder: Db3Sink(folder / name, name), "sqlite3", name)

    return copy_messages(inputs, output, options, how, rosbag2, make, encoding="cdr")


db3 = OutputFormat("db3", "rosbag2 SQLite file", ".db3", ("none",), _write)
rosbag2 = OutputFormat("rosbag2", "rosbag2 folder with SQLite", ".db3", ("none",), _write_folder, is_folder=True)
