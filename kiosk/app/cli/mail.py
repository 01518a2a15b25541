"""``kiosk mail``: takes in mail that came back, for the relay that hands it over."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from kiosk.app.cli.help import Commands
from kiosk.app.cli.printing import complain, echo
from kiosk.app.cli.tools import Parts, Tools
from kiosk.app.composition.opening import open_known_keys
from kiosk.contract.errors import ConfigError, KioskError

_MAIL = """\
`kiosk mail bounced` reads one message that came to a return path (`bounces` in [mail]). Where it
is a report (RFC 3464) that one of our mails could not be delivered, or is late, the address
is marked: its holder reads at the station that mail may not arrive, and staff see it. The
next code that comes from there takes the mark off. Nothing of the message is kept but the
status. A message without the tag of one of our mails is counted, and ignored.

It ends with 0 where the message was taken in or ignored, and with 75 where it has to be handed
over again: the database or the keys cannot be reached, or the settings are wrong.
docs/estate.md says how Postfix and Exim are told.
"""
_MAIL_EXAMPLE = "  kiosk mail bounced --config /etc/kiosk/kiosk.toml\n"


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "mail", "take in mail that came back", _MAIL, _MAIL_EXAMPLE)
    parts.add("bounced", _take_bounced, "read one message from standard input")


AGAIN: Final = os.EX_TEMPFAIL
"""Relays keep a message for which a command ends so, and try again; after most others they answer
its sender, which would be a report about a report.
"""


def _take_bounced(args: argparse.Namespace) -> int:
    from kiosk.app.composition.authority import bounces_from
    from kiosk.authority.mail.bounces import MOST_BYTES

    raw = sys.stdin.buffer.read(MOST_BYTES)
    while sys.stdin.buffer.read(MOST_BYTES):
        pass  # to its end: a relay whose pipe breaks would hand it over again
    try:
        tools = Tools(args)
        ring = open_known_keys(tools.settings, tools.environ, tools.store)
        bounces = bounces_from(tools.settings, tools.store, ring)
        if bounces is None:
            raise ConfigError("mail.bounces: is empty, so that no return path is ours")
        echo(str(bounces.take_in(raw)))
    except (KioskError, OSError) as error:
        complain(f"kiosk: {error}")
        return AGAIN
    return 0
