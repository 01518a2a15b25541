"""The renewal of a station's certificate, in a process that ends when it is done.

openssl makes key and request: a station does without the library for them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from hardware.public_keys import read_pem_certificate
from kiosk.config.loading import CERTIFICATE, ENROLMENT, state_directory
from kiosk.contract.enrolment import RENEWAL_PART
from kiosk.system import child
from kiosk.system.files import WatchedFile

log = logging.getLogger(__name__)

AGAIN_S: Final = 600.0
"""Between two tries of one process of the station."""

ENDS_SOON: Final = timedelta(days=14)
"""Of a certificate that somebody else renews, as a rule a month before it ends."""


class Renewal:
    """Called again and again while nobody is at the station, which runs with ``settings``."""

    def __init__(
        self,
        file: Path,
        settings: Path,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = str(settings)
        self._environ = dict(environ)
        self._now = now
        self._monotonic = monotonic
        self._watched = WatchedFile(file)
        is_ours = is_renewed(file, state_directory(environ, settings))
        self._dates = dates_of(file) if is_ours else None
        self._again = monotonic()
        self._process: child.Process | None = None

    @property
    def is_done(self) -> bool:
        """Whether the certificate was replaced since this was made, in any way."""
        return self._watched.was_replaced

    def renew_if_due(self) -> None:
        """Begin to renew where it is due; log how it ended."""
        is_due = self._dates is not None and self._now() >= self._dates.due_at
        if self._process is not None:
            if self._process.poll() is None:
                return
            output, _ = self._process.communicate()
            printed = output.decode(errors="replace")
            if self._process.returncode:
                log.error("the certificate was not renewed: %s", " ".join(printed.split()))
            else:
                log.info("the certificate: %s", printed.strip())
            self._process = None
        elif is_due and self._monotonic() >= self._again:
            self._again = self._monotonic() + AGAIN_S
            try:
                self._process = child.start(
                    *child.this_program("enrol", "--renew", "--config", self._settings),
                    stdout=child.PIPE,
                    stderr=child.WITH_OUTPUT,
                    environ=self._environ,
                )
            except OSError as error:  # processes, files or memory have run out
                why = f"no process can be started ({error.strerror})"
                log.error("the certificate was not renewed: %s", why)  # noqa: TRY400


def is_renewed(file: Path, state: Path) -> bool:
    """Return whether the authority issued a certificate; who has a CA of their own renews it."""
    return (state / ENROLMENT).exists() and file.absolute() == state.absolute() / CERTIFICATE


@dataclass(frozen=True, slots=True)
class Dates:
    due_at: datetime
    ends_at: datetime


def dates_of(file: Path) -> Dates | None:
    """Return those of the certificate in a file (PEM); None where there is none."""
    try:
        shown = read_pem_certificate(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    if shown is None or shown.not_before is None or shown.not_after is None:
        return None
    life = shown.not_after - shown.not_before
    return Dates(shown.not_after - life / RENEWAL_PART, shown.not_after)
