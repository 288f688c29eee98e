"""What can be asked of a running recording, by a key, a signal, another program or a message of a topic."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.recorder import Recorder

__all__ = ["COMMANDS", "KEYS", "Operator", "RefusedError"]

COMMANDS = ("status", "pause", "resume", "snapshot", "split", "stop")
KEYS = {" ": "toggle", "s": "snapshot", "n": "split"}
"""By key, what is asked for."""


class RefusedError(Exception):
    """What was asked for cannot be done, in a sentence."""


class Operator:
    """Does what it is asked, from any thread."""

    def __init__(
        self,
        recorder: Recorder,
        notify: Callable[[Notice], object],
        stop: Callable[[], object],
        describe: Callable[[], str],
        *,
        snapshots: bool = False,
    ) -> None:
        """`stop` ends the recording in good order, `describe` says how it stands; `snapshots`: nothing else is written."""
        self._recorder = recorder
        self._notify = notify
        self._ask_to_stop = stop
        self._snapshots = snapshots
        self._lock = threading.Lock()
        self._do: Mapping[str, Callable[[], str]] = {
            "status": describe,
            "pause": self._pause,
            "resume": self._resume,
            "toggle": self._toggle,
            "snapshot": self._snapshot,
            "split": self._split,
            "stop": self._stop,
        }

    def do(self, command: str) -> str:
        """Do it; returns what has been done, in words. Raises RefusedError."""
        if command not in self._do:
            raise RefusedError(f"{command!r} is unknown; known are {', '.join(COMMANDS)}")
        with self._lock:
            return self._do[command]()

    def press(self, key: str) -> None:
        """Do what a key stands for; nothing if it stands for nothing."""
        if command := KEYS.get(key):
            self.try_to(command)

    def try_to(self, command: str) -> None:
        """Do it, or tell why not."""
        try:
            self.do(command)
        except RefusedError as err:
            self._notify(Notice(Severity.WARNING, str(err)))

    def _stop(self) -> str:
        self._ask_to_stop()
        return "stopping"

    def _toggle(self) -> str:
        return self._resume() if self._recorder.is_paused else self._pause()

    def _pause(self) -> str:
        if self._recorder.is_paused:
            return "is paused already"
        self._recorder.pause()
        return self._tell("paused; latched topics are recorded all the same")

    def _resume(self) -> str:
        if not self._recorder.is_paused:
            return "is not paused"
        self._recorder.resume()
        return self._tell("recording again")

    def _snapshot(self) -> str:
        if not self._snapshots:
            raise RefusedError(
                "everything is written: there are snapshots only with --snapshot 30s, or --snapshot 500MB"
            )
        if not self._recorder.holds_messages:
            raise RefusedError("there is nothing to write: no message is held since the last snapshot")
        self._recorder.trigger()
        return self._tell("a snapshot is asked for")

    def _split(self) -> str:
        if self._snapshots:
            raise RefusedError("with --snapshot each snapshot is a file of its own: there is nothing to split")
        self._recorder.split()
        return self._tell("another file is begun")

    def _tell(self, text: str) -> str:
        self._notify(Notice(Severity.INFO, text))
        return text
