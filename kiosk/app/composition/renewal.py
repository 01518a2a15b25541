"""A station's certificate renews itself: by a process of the program that ends when it is done.

Key and request are made there, so the station itself does without the library for them.
"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from kiosk.app.config.loading import ENROLMENT, state_directory

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
"""Between two looks whether it is due; the first comes within this time, at random."""


class Renewal:
    """Asked again and again while nobody is at the station; ``now`` gives seconds (monotonic)."""

    def __init__(
        self,
        certificate: Path,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._certificate = certificate
        self._environ = dict(environ)
        self._is_ours = (state_directory(environ) / ENROLMENT).exists()
        self._now = now
        self._stamp = self._read_stamp()
        self._due = now() + random.uniform(0, EVERY_S)  # noqa: S311 - no secret
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_done(self) -> bool:
        """Whether the certificate was replaced since this was made, by whatever did it."""
        return self._read_stamp() not in (None, self._stamp)

    def tend(self) -> None:
        """Look whether it is due, once an hour; one that the estate's own CA issued never is."""
        if self._process is not None:
            self._end(self._process)
        elif self._is_ours and self._now() >= self._due:
            self._due = self._now() + EVERY_S
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-m", "kiosk", "enrol", "--renew"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environ,
            )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            return
        self._process = None
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
        if process.returncode:
            log.error("the certificate was not renewed: %s", " ".join(said.split()))
        if process.stderr:
            process.stderr.close()

    def _read_stamp(self) -> tuple[int, int] | None:
        try:
            found = self._certificate.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
