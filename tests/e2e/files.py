"""The two files that an administrator writes: the settings, and the list of people."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION
from kiosk.config.settings import MailSettings
from kiosk.contract.messages import CardId
from tests.e2e.people import DOMAIN, Person

Tables = Mapping[str, Mapping[str, Any]]

# Visits follow each other faster here than anybody walks. And what waits is patient: a machine that
# is slow, or stands still for a minute, must not end a visit, nor give up a card or a mail.
SETTINGS: Tables = {
    "policy": {
        "email_domains": [DOMAIN],
        "code_gap_s": 0,
        "codes_an_hour": 20,
        "visits_a_minute": 1000,
    },
    "station": {
        "name": "Main entrance",
        "motion": False,
        "idle_s": 600,
        "idle_answer_s": 120,
        "card_timeout_s": 60,
    },
    "mail": {"sender": f"no-reply@{DOMAIN}", "deadline_s": 60},
}


def write_settings(path: Path, relay: MailSettings, more: Tables) -> None:
    """Write ``SETTINGS``, how to reach the relay, and ``more`` over both."""
    tables: dict[str, dict[str, Any]] = {}
    for layer in (SETTINGS, {"mail": _reaching(relay)}, more):
        for section, values in layer.items():
            tables.setdefault(section, {}).update(values)
    path.touch(mode=0o600)
    path.write_text("".join(_toml(name, table) for name, table in tables.items()))


def write_people(path: Path, people: tuple[Person, ...], pin_policy: str = "once") -> None:
    """Write a file for ``kiosk import``; ``pin_policy`` is that of each key of a PIN."""
    path.touch(mode=0o600)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        columns = "holder_number name email card_id unblock_secret auth_key pin_key pin_policy"
        rows.writerow(columns.split())
        for one in people:
            guid = one.card.state.guid.hex()
            slots = (SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION)
            keys = [base64.b64encode(one.card.public_key(slot)).decode() for slot in slots]
            rows.writerow([one.number, one.name, one.email, guid, one.puk, *keys, pin_policy])


def write_card(path: Path, whose: Person, card: CardId) -> None:
    """Write a file for ``kiosk import`` with one person, whose card is of any family."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        columns = "holder_number name email card_driver card_id unblock_secret pin_policy"
        rows.writerow(columns.split())
        person = [whose.number, whose.name, whose.email]
        rows.writerow([*person, card.driver, card.identifier, whose.puk, "once"])


def _reaching(relay: MailSettings) -> dict[str, Any]:
    return {
        "host": relay.host,
        "port": relay.port,
        "security": relay.security,
        "ca_file": relay.ca_file,
        "credential": relay.credential,
    }


def _toml(section: str, table: Mapping[str, Any]) -> str:
    """Write one table; for text, numbers, truth and lists JSON is the same."""
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in table.items()]
    return "".join([f"[{section}]\n", *lines])
