"""The demo's people and cards: fictional, and written where nothing is secret."""

from __future__ import annotations

import base64
import csv
import secrets
from dataclasses import dataclass
from pathlib import Path

from hardware.virtual.card import VirtualCard
from hardware.virtual.making import blocked_card, new_card
from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION
from screens.demo.bench import DemoCard

DOMAIN = "wexbridge.example"
ANSWERS = {1: "Mrs Vane", 2: "Dumplings", 3: "Hobbs", 4: "Bicycle"}
"""What the registered person answered, by question id."""

PIN = "739154"
_ASHA = """\
Asha is registered, and has blocked her PIN. Her answers:
teacher Mrs Vane, dish Dumplings, sweet shop Hobbs, first bought Bicycle."""
_BEN = f"""\
Ben's card works, and he is not registered yet. His PIN is {PIN}.
Any answers will do, so long as they differ."""
_STRANGER = f"Nobody here knows this card. Its PIN is {PIN}."
_OTHERS = (
    "Carys Morgan",
    "Daniel Osei",
    "Elif Yilmaz",
    "Farid Rahman",
    "Grace Liu",
    "Hugh Tennant",
    "Ines Duarte",
    "Jonas Weber",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """One person of the story; ``known`` tells whether the estate has their card."""

    number: str
    name: str
    chip: VirtualCard
    puk: str
    shown: DemoCard
    known: bool = True

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.name.lower().replace(' ', '.')}@{DOMAIN}"


def cast() -> tuple[Actor, Actor, Actor]:
    """Make the three cards of the story: blocked and registered, working and not, unknown."""
    puks = [f"{secrets.randbelow(10**8):08}" for _ in range(3)]
    return (
        _actor("900100200301", "Asha Patel", puks[0], "Asha, blocked", _ASHA, blocked=True),
        _actor("900100200302", "Ben Carter", puks[1], "Ben, new", _BEN),
        _actor("900100200303", "Unknown Person", puks[2], "Unknown", _STRANGER, known=False),
    )


def write_csv(path: Path, actors: tuple[Actor, ...]) -> None:
    """Write the estate's people as a file for ``kiosk import``."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                "holder_number",
                "name",
                "email",
                "card_driver",
                "card_id",
                "unblock_secret",
                "auth_key",
                "pin_key",
            ]
        )
        for actor in actors:
            if actor.known:
                guid = actor.chip.state.guid.hex()
                keys = (SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION)
                shown = [base64.b64encode(actor.chip.public_key(key)).decode() for key in keys]
                person = [actor.number, actor.name, actor.email, "piv", guid, actor.puk]
                rows.writerow([*person, *shown])
        for place, name in enumerate(_OTHERS):
            email = f"{name.lower().replace(' ', '.')}@{DOMAIN}"
            guid, puk = secrets.token_hex(16), f"{secrets.randbelow(10**8):08}"
            rows.writerow([f"9001002004{place:02}", name, email, "piv", guid, puk, "", ""])


def _actor(
    number: str,
    name: str,
    puk: str,
    label: str,
    hint: str,
    *,
    blocked: bool = False,
    known: bool = True,
) -> Actor:
    make = blocked_card if blocked else new_card
    chip = make(holder_name=name, pin=PIN, puk=puk)
    return Actor(number, name, chip, puk, DemoCard(label, hint), known)
