"""``[cards]``: the families of cards that are served, and what opens them."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Choice, Text, Unfit, Words

FAMILIES = ("piv", "openpgp", "gids")
"""The drivers on PC/SC by their names, in the order in which a card is asked."""


def _family(word: str) -> str:
    if word not in FAMILIES:
        raise Unfit(f"{word!r} is no family of cards", quotes=False)
    return word


@dataclass(frozen=True)
class CardSettings(Section):
    """``[cards]``: a card that carries several applications is served by the first that is named.

    A card is recorded with the family by which it was read: change the order only before
    cards are recorded.
    """

    families: tuple[str, ...] = setting(
        FAMILIES,
        Words(f"some of {', '.join(FAMILIES)}", _family),
        "The families of cards that are served, in the order in which a card is asked.",
    )
    openpgp_secret: str = setting(
        "resetting-code",
        Choice("resetting-code", "admin-pin"),
        "What the unblock secrets of OpenPGP cards are.",
    )
    issuers: str = setting(
        "",
        Text("the path of a PEM file", empty=True),
        "Certificates of those who issue cards: then a card that has to prove itself shows one "
        "of theirs that names its GUID; empty trusts the recorded keys alone.",
    )
