"""Python's own logging, into a recording."""

from __future__ import annotations

import logging
from typing import ClassVar

from rrbridge._active import get_data_recording
from rrbridge.archetypes.text import TextLog

__all__ = ["LoggingHandler"]


class LoggingHandler(logging.Handler):
    """Logs every record as a `TextLog`, at an entity named after the module that it comes from.

    `logging.getLogger().addHandler(rr.LoggingHandler("logs"))`
    """

    LVL2NAME: ClassVar[dict[int, str]] = {
        logging.CRITICAL: "CRITICAL",
        logging.ERROR: "ERROR",
        logging.WARNING: "WARN",
        logging.INFO: "INFO",
        logging.DEBUG: "DEBUG",
    }

    def __init__(self, path_prefix: str | None = None) -> None:
        """`path_prefix`: the entity above."""
        super().__init__()
        self.path_prefix = path_prefix

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record to this thread's recording, else the program's; without one, nothing happens."""
        stream = get_data_recording()
        if stream is None:
            return
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit the message; said as logging's own handlers say it
            self.handleError(record)
            return
        path = record.module.replace(".", "/")
        level = self.LVL2NAME.get(record.levelno, record.levelname)
        stream.log(
            path if self.path_prefix is None else f"{self.path_prefix}/{path}",
            TextLog(text, level=level),
        )
