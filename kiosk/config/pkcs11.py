"""``[pkcs11]``: a module of a card's maker, for cards that no driver of the product knows."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Choice, Number, Text


@dataclass(frozen=True)
class Pkcs11Settings(Section):
    """``[pkcs11]``: without a module nothing of it is used.

    The style is never guessed: with the wrong one a module may spend tries of the PIN.
    """

    module: str = setting(
        "",
        Text("an absolute path", "/.+", empty=True),
        "The maker's PKCS#11 module, for cards of no other family; empty is none.",
    )
    style: str = setting(
        "init-pin",
        Choice("init-pin", "set-pin-with-puk"),
        "How it sets a PIN again: C_InitPIN as security officer, or C_SetPIN with the PUK.",
    )
    token: str = setting(
        "",
        Text("a token's label of at most 32 characters", ".{1,32}", empty=True),
        "The label of the token to use, where the module shows several in one reader.",
    )
    timeout_s: float = setting(
        15, Number(2, 60), "Seconds that the module may take for one answer before it is ended."
    )
