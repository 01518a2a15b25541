"""The log of a process: JSON for the journal, or lines for people; never a secret or a name.

An error in a library's log line is shown without its text, which may hold anything.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from kiosk.app.cli.printing import printable
from kiosk.contract.errors import ConfigError, describe_fault
from kiosk.contract.log_context import logged_about

log = logging.getLogger(__name__)

LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_MEASURED: Final = ("reply", "ms")
"""Names that a line may carry as ``extra`` beside its subject."""

_PRIORITIES: Final = {logging.ERROR: "<3>", logging.WARNING: "<4>", logging.INFO: "<6>"}
"""The journal's priority prefixes; see sd-daemon(3)."""


class Discreet(logging.Formatter):
    """Writes lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines without control characters, with their subject."""
        about = " ".join(f"{name}={text}" for name, text in logged_about().items())
        return printable(super().format(record)) + (f" [{printable(about)}]" if about else "")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line; with an error nothing of the library's text."""
        if record.exc_info:
            record.message = "an error that nobody handled"
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return where the error was raised, without its text."""
        return describe_fault(ei[1]) if ei[1] is not None else ""


class JsonLines(Discreet):
    """Writes each record as one line of JSON, in ASCII; ``marks`` puts its priority before it."""

    def __init__(self, *, marks: bool) -> None:
        super().__init__("%(message)s")
        self._marks = marks

    def format(self, record: logging.LogRecord) -> str:
        message = "an error that nobody handled" if record.exc_info else record.getMessage()
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **logged_about(),
        }
        fields |= {name: getattr(record, name) for name in _MEASURED if hasattr(record, name)}
        if record.exc_info:
            fields["fault"] = self.formatException(record.exc_info)
        return (_PRIORITIES.get(record.levelno, "") if self._marks else "") + json.dumps(fields)


def open_log(stream: TextIO | None, environ: Mapping[str, str]) -> None:
    """Write the log to ``stream``; None logs nothing. A terminal gets lines for people."""
    handler = logging.NullHandler() if stream is None else logging.StreamHandler(stream)
    if stream is not None and stream.isatty():
        handler.setFormatter(Discreet(LINE))
    elif stream is not None:
        found = os.fstat(stream.fileno())  # compared as systemd.exec(5) says
        is_journal = environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
        handler.setFormatter(JsonLines(marks=is_journal))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # A handler's own error would print the record's arguments.
    logging.raiseExceptions = False


def log_fault(fault: BaseException) -> None:
    """Log an error of the screens without its contents."""
    log.error("fault on the display\n%s", describe_fault(fault))


def appended(path: str) -> TextIO:
    """Open for the rest of the process; with a mode that only the administrator can read."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")
    except OSError as error:
        raise ConfigError(f"the log {path} cannot be opened: {error.strerror}") from None
