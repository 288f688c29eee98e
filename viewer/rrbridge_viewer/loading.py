"""Reading recordings while the viewer is already on screen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TypeAlias

from rrbridge import importers
from rrbridge._joined_repeats import repeated_in
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge.errors import RrbridgeError
from rrbridge.feeds import FeedOptions, open_feed
from rrbridge.importers import ImportOptions, Note
from rrbridge.rrd import RrdReader
from rrbridge_viewer.recordings import Recording

__all__ = ["Library", "Loading"]

log = logging.getLogger(__name__)

MOST_NOTES = 20
"""A file with more damaged places than this is damaged: more sentences say no more."""
Read: TypeAlias = Callable[[Callable[[int, int], None], Callable[[Note], None]], Iterator[LogMessage]]
"""Yields a file's messages, given what to tell of progress (bytes done, bytes in all) and what to tell of damage."""


class Library:
    """All recordings, and what is still being read into them."""

    def __init__(self, *, memory_limit_bytes: int | None = None) -> None:
        self._lock = threading.Lock()
        self._recordings: dict[StoreId, Recording] = {}
        self.memory_limit_bytes = memory_limit_bytes
        self.loadings: list[Loading] = []
        self.repeated: frozenset[bytes] = frozenset()
        """Ids of chunks that parts of a run have again from those before them; they are not shown twice."""

    @property
    def recordings(self) -> dict[StoreId, Recording]:
        """Every recording, in the order they began to arrive."""
        with self._lock:
            return dict(self._recordings)

    @property
    def nbytes(self) -> int:
        """Memory that all data takes."""
        return sum(recording.store.nbytes for recording in self.recordings.values())

    @property
    def is_loading(self) -> bool:
        """Whether something is still being read."""
        return any(loading.is_running for loading in self.loadings)

    @property
    def notices(self) -> list[Note]:
        """What a person should know about the files, with their names, in the order they were opened."""
        return [note for loading in self.loadings for note in loading.notices]

    @property
    def problems(self) -> list[str]:
        """Of these, why part of the data is missing; one sentence each."""
        return [note.text for note in self.notices if note.is_loss]

    def recording(self, store_id: StoreId, *, is_endless: bool = False) -> Recording:
        """The recording of this id, a new one if there is none; an endless one keeps to the memory limit by itself."""
        with self._lock:
            found = self._recordings.get(store_id)
            if found is None:
                keeps_bytes = self.memory_limit_bytes if is_endless else None
                found = self._recordings[store_id] = Recording(store_id, keeps_bytes=keeps_bytes)
            return found

    def forget(self, store_id: StoreId) -> None:
        """Let go of a recording's memory."""
        with self._lock:
            self._recordings.pop(store_id, None)

    def open_files(self, paths: Sequence[Path], options: ImportOptions | None = None) -> None:
        """Start reading files, which may be parts of one run, in its order."""
        if len(paths) > 1:
            self.repeated |= repeated_in(paths)
        for path in paths:
            self.open_file(path, options)

    def open_file(self, path: Path, options: ImportOptions | None = None) -> Loading:
        """Start reading a file of any kind."""
        wanted = options or ImportOptions()

        def read(progress: Callable[[int, int], None], note: Callable[[Note], None]) -> Iterator[LogMessage]:
            return importers.read(path, replace(wanted, progress=progress, note=note))

        return self._start(path.name or str(path), read)

    def open_stream(self, stream: IO[bytes], name: str = "standard input") -> Loading:
        """Start reading an `.rrd` stream, such as a pipe."""

        def read(progress: Callable[[int, int], None], note: Callable[[Note], None]) -> Iterator[LogMessage]:
            reader = RrdReader(stream, on_damage=lambda damage: note(Note(str(damage), is_loss=True)))
            return reader.messages(progress)

        return self._start(name, read)

    def open_feed(self, options: FeedOptions) -> Loading:
        """Start to look at a running robot. Raises RrbridgeError when there is none to be heard."""
        feed = open_feed(options)
        return self._start(feed.description, lambda _, note: feed.messages(note), feed.close)

    def _start(self, name: str, read: Read, close: Callable[[], None] | None = None) -> Loading:
        loading = Loading(self, name, read, close)
        self.loadings.append(loading)
        loading.start()
        return loading

    def wait(self) -> None:
        """Until everything has been read."""
        for loading in self.loadings:
            loading.join()


class Loading:
    """One file, or one running robot, on its way into the library, read by a thread of its own."""

    def __init__(self, library: Library, name: str, read: Read, close: Callable[[], None] | None = None) -> None:
        """`close` is how a robot that is being heard is let go of; a file has none."""
        self.name = name
        self.problem = ""
        """Why reading ended too early, as a sentence; empty if it did not."""
        self._notes: dict[Note | str, Note] = {}
        """By what they are about, or themselves."""
        self._notes_left_out = 0
        self._loss_left_out = False
        self.done_bytes = 0
        self.total_bytes = 0
        self._library = library
        self._read = read
        self._close = close
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"reading {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Read no further."""
        self._stopped.set()
        if self._close is not None:
            self._close()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    @property
    def is_live(self) -> bool:
        """Whether it comes from a running robot."""
        return self._close is not None

    @property
    def is_running(self) -> bool:
        """Whether it has not come to its end."""
        return self._thread.is_alive()

    @property
    def share_done(self) -> float | None:
        """0..1; None if nobody knows."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else None

    @property
    def notices(self) -> list[Note]:
        """What a person should know about this file, with its name."""
        said = [self._named(note) for note in list(self._notes.values())]
        if self._notes_left_out:
            said.append(Note(f"{self.name}: and {self._notes_left_out} more such notes", self._loss_left_out))
        return said + ([Note(self.problem, is_loss=True)] if self.problem else [])

    def _named(self, note: Note) -> Note:
        return note if note.text.startswith(self.name) else Note(f"{self.name}: {note.text}", note.is_loss)

    def note(self, note: Note) -> None:
        """Take down what a person should know; the same thing only once, of what goes on the latest."""
        key = note.about or note
        if key in self._notes or len(self._notes) < MOST_NOTES:
            self._notes[key] = note
        else:
            self._notes_left_out += 1
            self._loss_left_out |= note.is_loss

    def _progress(self, done: int, total: int) -> None:
        self.done_bytes, self.total_bytes = done, total

    def _run(self) -> None:
        try:
            for message in self._read(self._progress, self.note):
                if self._stopped.is_set():
                    return
                self._take(message)
        except RrbridgeError as err:
            self.problem = str(err)
        except OSError as err:
            self.problem = f"{self.name}: {err.strerror or err}"
        except MemoryError:
            self.problem = f"{self.name}: memory is full; what was read so far is shown"
        except Exception as err:  # an importer may be a stranger's plug-in: its bug must not take the window down
            log.debug("reading %s", self.name, exc_info=True)
            self.problem = f"{self.name} could not be read to its end: {type(err).__name__}: {err}"

    def _take(self, message: LogMessage) -> None:
        if self.is_live:
            self._take_live(message)
            return
        match message:
            case StoreInfo(store_id) if store_id.kind is StoreKind.RECORDING:
                sources = self._library.recording(store_id).sources
                if self.name not in sources:
                    sources.append(self.name)
            case StoredChunk(store_id, chunk) if store_id.kind is StoreKind.RECORDING:
                if chunk.tuid in self._library.repeated:
                    return
                if not self._library.recording(store_id).insert(chunk, self):
                    self.note(
                        Note("it has rows that another open file of the same recording has too; they are shown once")
                    )
                limit = self._library.memory_limit_bytes
                if limit is not None and self._library.nbytes > limit:
                    self._stopped.set()
                    self.problem = (
                        f"{self.name}: reading stopped at the memory limit of {limit / 2**20:.0f} MiB; "
                        "what was read so far is shown (--memory-limit sets another)"
                    )

    def _take_live(self, message: LogMessage) -> None:
        if message.store_id.kind is not StoreKind.RECORDING:
            return
        recording = self._library.recording(message.store_id, is_endless=True)
        if isinstance(message, StoredChunk):
            recording.insert(message.chunk)
            if recording.store.dropped:
                limit = self._library.memory_limit_bytes or 0
                text = f"the oldest data goes, to keep to the memory limit of {limit / 2**20:.0f} MiB"
                self.note(Note(f"{text} (--memory-limit sets another)"))
        elif self.name not in recording.sources:
            recording.sources.append(self.name)
