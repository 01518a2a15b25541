"""What a driver raises: no frame of its own holds a PIN or a secret in clear."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from hardware.apdu import CommandApdu, ResponseApdu, StatusWord
from hardware.drivers.gids import GidsSession
from hardware.drivers.openpgp import OpenPgpSession, Secret
from hardware.drivers.piv import PivSession
from kiosk.contract.errors import CardError
from kiosk.contract.sensitive import Sensitive
from tests.hardware.drivers.openpgp_cards import Passwords

PIN, NEW = Sensitive("482915"), Sensitive("605142")
PUK, NEW_PUK = Sensitive("73918264"), Sensitive("50283746")
TOO_LONG, NO_DIGITS = Sensitive("48291504829150482915"), Sensitive("48291x")
SECRETS = PIN, NEW, PUK, NEW_PUK, TOO_LONG, NO_DIGITS


class _Refusing:
    """A card that refuses everything."""

    def send(self, _command: CommandApdu) -> ResponseApdu:
        return ResponseApdu(b"", StatusWord(0x63C2))


PIV, GIDS = PivSession(_Refusing()), GidsSession(_Refusing())


def openpgp(secret: Secret) -> OpenPgpSession:
    """Return a card that refuses every password."""
    return OpenPgpSession(Passwords("63c2"), secret)


@pytest.mark.parametrize(
    "act",
    [
        lambda: PIV.verify_pin(PIN),
        lambda: PIV.verify_pin(TOO_LONG),
        lambda: PIV.change_pin(PIN, NEW),
        lambda: PIV.change_pin(PIN, NO_DIGITS),
        lambda: PIV.change_pin(TOO_LONG, NEW),
        lambda: PIV.unblock(PUK, NEW),
        lambda: PIV.unblock(PUK, NO_DIGITS),
        lambda: PIV.change_secret(PUK, NEW_PUK),
        lambda: PIV.change_secret(PUK, NO_DIGITS),
        lambda: GIDS.verify_pin(PIN),
        lambda: GIDS.change_pin(PIN, NEW),
        lambda: GIDS.reset_pin(NEW),
        lambda: GIDS.reset_pin(NO_DIGITS),
        lambda: openpgp(Secret.ADMIN_PIN).verify_pin(PIN),
        lambda: openpgp(Secret.ADMIN_PIN).change_pin(PIN, NEW),
        lambda: openpgp(Secret.ADMIN_PIN).unblock(PUK, NEW),
        lambda: openpgp(Secret.ADMIN_PIN).unblock(PUK, NO_DIGITS),
        lambda: openpgp(Secret.ADMIN_PIN).change_secret(PUK, NEW_PUK),
        lambda: openpgp(Secret.RESETTING_CODE).unblock(PUK, NEW),
        lambda: openpgp(Secret.RESETTING_CODE).unblock(PUK, NO_DIGITS),
    ],
)
def test_a_refused_command_leaves_no_secret_in_its_frames(act: Callable[[], None]) -> None:
    with pytest.raises(CardError) as raised:
        act()
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    of_drivers = [str(frame.locals) for frame in told.stack if "/tests/" not in frame.filename]
    assert of_drivers
    assert not [shown for shown in of_drivers for one in SECRETS if one.reveal() in shown]
