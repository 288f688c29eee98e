"""Looks after a recorder while it runs: shows how it stands, does what is asked of it, ends it when it is time."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.source import Notice, Severity
from rrbridge_bridge.record.control import ControlServer
from rrbridge_bridge.record.disk import DiskMeter
from rrbridge_bridge.record.keys import pressed_keys
from rrbridge_bridge.record.operator import Operator, RefusedError
from rrbridge_bridge.record.recorder import Outcome, Recorder
from rrbridge_bridge.record.settings import RecordSettings
from rrbridge_bridge.record.show import Show
from rrbridge_bridge.record.signals import Signals
from rrbridge_bridge.record.stages import Stages
from rrbridge_bridge.record.status import State, Status, StatusMeter, headline, status_facts
from rrbridge_bridge.record.trigger import Trigger
from rrbridge_bridge.record.watchdog import Watchdog

__all__ = ["Loop"]

POLL_SECS = 0.25
LEAVE_SECS = 3.0
"""So long a write that is under way is waited for when it is to leave at once."""


def default_name() -> str:
    """What a recorder is called that was given no name."""
    return f"record-{os.getpid()}"


class Loop:
    """What happens in the main thread from the start of a recorder to its end."""

    def __init__(
        self,
        recorder: Recorder,
        settings: RecordSettings,
        show: Show,
        signals: Signals,
        stages: Stages,
        watchdog: Watchdog,
        trigger: Trigger,
    ) -> None:
        self._recorder = recorder
        self._settings = settings
        self._show = show
        self._signals = signals
        self._stages = stages
        self._watchdog = watchdog
        self._trigger = trigger
        self._meter = StatusMeter(DiskMeter(settings.min_free, is_ring=settings.is_ring))
        self._notices: deque[Notice] = deque()
        self._stop_asked = False
        self._stopping = False
        self.operator = Operator(
            recorder,
            self._notices.append,
            self._ask_to_stop,
            lambda: headline(self._status),
            snapshots=bool(settings.snapshot),
        )
        trigger.connect(lambda: self.operator.try_to("snapshot"))
        self._status = self._look()

    @contextmanager
    def doors_open(self, name: str | None) -> Iterator[None]:
        """While this lasts, keys and other programs are listened to."""
        with ExitStack() as doors:
            try:
                server = ControlServer(name or default_name(), self._answer)
                doors.callback(server.close)
            except RecorderError as err:
                if name:
                    raise
                self._notices.append(Notice(Severity.WARNING, f"`rrbridge control` cannot reach this recorder: {err}"))
            doors.enter_context(pressed_keys(self.operator.press))
            yield

    def run(self) -> Outcome | None:
        """Start it; until it has ended. None: it was to leave at once, and cannot, as the disk answers no more."""
        self._recorder.start()
        try:
            return self._run()
        except BaseException:
            self._recorder.stop()
            self._recorder.outcome()
            raise

    def _run(self) -> Outcome | None:
        leave = None
        until = None if self._settings.duration is None else time.monotonic() + self._settings.duration
        ended = False
        while not ended:
            ended = self._recorder.wait(POLL_SECS)
            for command in self._signals.take_commands():
                self.operator.try_to(command)
            self._trigger.look()
            self._tell()
            if not ended:
                self._status = self._look()
                if not self._stopping:  # then topics fall silent as they should
                    self._watch()
                self._show.status(self._status)
            if self._signals.abort:
                leave = leave or time.monotonic() + LEAVE_SECS
                self._recorder.abort()
                if not ended and time.monotonic() > leave:
                    return None
            elif self._is_time_to_stop(until):
                self._stop()
        outcome = self._recorder.outcome()
        self._tell()
        return outcome

    def _tell(self) -> None:
        for notice in self._recorder.notices():
            self._show.notice(notice)
        while self._notices:
            self._show.notice(self._notices.popleft())

    def _look(self) -> Status:
        return self._meter.look(self._recorder.snapshot(), self._state)

    @property
    def _state(self) -> State:
        if self._stopping or self._stop_asked:
            return "stopping"
        return "paused" if self._recorder.is_paused else "recording"

    def _watch(self) -> None:
        found = self._watchdog.look(time.monotonic(), self._status.snapshot, self._stages.busy())
        self._notices.extend(found)

    def _is_time_to_stop(self, until: float | None) -> bool:
        if self._signals.stop or self._stop_asked or (until is not None and time.monotonic() >= until):
            return True
        return self._recorder.is_at_limit

    def _ask_to_stop(self) -> None:
        self._stop_asked = True

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._recorder.stop()
            secs = self._settings.drain
            text = f"stopping; what has to be sent again is waited for up to {secs:g} s, Ctrl-C leaves at once"
            self._show.notice(Notice(Severity.INFO, text))

    def _answer(self, command: str) -> dict[str, Any]:
        """What another program is told; called in another thread."""
        try:
            text = self.operator.do(command)
        except RefusedError as err:
            return {"ok": False, "text": str(err)}
        return {"ok": True, "text": text, "status": status_facts(replace(self._status, state=self._state))}
