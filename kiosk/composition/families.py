"""Which families of cards are given another unblock secret after its use, by the settings."""

from __future__ import annotations

from hardware.drivers.openpgp import OpenPgpDriver, Secret
from hardware.drivers.piv import PivDriver
from hardware.pkcs11.cards import NAME, Style
from kiosk.config import Settings


def changes_secret(settings: Settings) -> frozenset[str]:
    """Return the families whose secret can be changed by whoever knows it, and by nothing else.

    A resetting code is changed with the admin PIN, which is not stored beside it, and
    PKCS#11 has no call that changes a PUK.
    """
    by_admin_pin = settings.cards.openpgp_secret == Secret.ADMIN_PIN
    by_officer = bool(settings.pkcs11.module) and settings.pkcs11.style == Style.INIT_PIN
    able = {PivDriver.name: True, OpenPgpDriver.name: by_admin_pin, NAME: by_officer}
    return frozenset(family for family, can in able.items() if can)
