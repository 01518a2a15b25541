"""Mail without a relay: the authority hands each message to the measuring process.

``python -m campaigns.load.stub_mail SOCKET ...`` is ``kiosk ...`` with such mail.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from unittest.mock import patch

from kiosk.__main__ import main
from kiosk.authority.mail.compose import Message
from kiosk.authority.mail.smtp import SmtpMailer
from kiosk.contract.sensitive import Sensitive

_CODE = re.compile(r"\b(\d{4}) (\d{4})\b")
_LONGEST = 1000
WAIT_S = 60.0


class CodeMailbox:
    """Where the codes arrive; ``taken`` counts all mails."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.taken = 0
        self._codes: dict[str, SimpleQueue[str]] = defaultdict(SimpleQueue)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place))
        threading.Thread(target=self._take, daemon=True).start()

    def code(self, address: str) -> Sensitive:
        """Return the next code that was mailed to an address; raises ``queue.Empty``."""
        return Sensitive(self._codes[address].get(timeout=WAIT_S))

    def close(self) -> None:
        with closing(self._socket), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.place))

    def _take(self) -> None:
        while heard := self._socket.recv(_LONGEST).decode():
            self.taken += 1
            address, _, code = heard.partition(" ")
            if code:
                self._codes[address].put(code)


class _HandOver:
    """Implements ``Mailer``."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def send(self, message: Message) -> None:
        found = _CODE.search(message.text) if message.secret else None
        code = "".join(found.groups()) if found else ""
        self._socket.sendto(f"{message.to} {code}".encode(), self._place)

    def check(self) -> None:
        """It is always there."""


def _main(place: str, *arguments: str) -> int:
    mail = _HandOver(place)
    with (
        patch.object(SmtpMailer, "send", lambda _, message: mail.send(message)),
        patch.object(SmtpMailer, "check", lambda _: mail.check()),
    ):
        return main(list(arguments))


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
