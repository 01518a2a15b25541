"""What a driver raises: no frame of its own holds a PIN or a secret in clear."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from hardware.apdu import (
    GET_DATA_SIMPLE,
    CommandApdu,
    CommandHeader,
    ResponseApdu,
    StatusWord,
    decode,
)
from hardware.driver import CardSession
from kiosk.contract.errors import CardError
from kiosk.contract.sensitive import Sensitive
from tests.hardware.fuzzing import Answer
from tests.hardware.test_fuzz import FAMILIES

PIN, NEW = Sensitive("482915"), Sensitive("605142")
PUK, NEW_PUK = Sensitive("73918264"), Sensitive("50283746")
TOO_LONG, NO_DIGITS = Sensitive("48291504829150482915"), Sensitive("48291x")
SECRETS = PIN, NEW, PUK, NEW_PUK, TOO_LONG, NO_DIGITS


KDF = CommandHeader(0x00, GET_DATA_SIMPLE, 0x00, 0xF9)
"""GET DATA of an OpenPGP card for how it wants its passwords derived."""


class _Refusing:
    """A card that answers what only reads, and refuses everything else."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def send(self, command: CommandApdu) -> ResponseApdu:
        if command.changes_card:
            return ResponseApdu(b"", StatusWord(0x63C2))
        if command.header == KDF:  # a derived password would not be found
            return ResponseApdu(b"", StatusWord(0x6A88))
        response = decode(self._answer(command))
        assert response is not None
        return response


ACTS: dict[str, Callable[[CardSession], None]] = {
    "verify": lambda card: card.verify_pin(PIN),
    "verify, too long": lambda card: card.verify_pin(TOO_LONG),
    "change": lambda card: card.change_pin(PIN, NEW),
    "change, no digits": lambda card: card.change_pin(PIN, NO_DIGITS),
    "change, too long": lambda card: card.change_pin(TOO_LONG, NEW),
    "unblock": lambda card: card.unblock(PUK, NEW),
    "unblock, no digits": lambda card: card.unblock(PUK, NO_DIGITS),
    "reset": lambda card: card.reset_pin(NEW),
    "reset, no digits": lambda card: card.reset_pin(NO_DIGITS),
    "change secret": lambda card: card.change_secret(PUK, NEW_PUK),
    "change secret, no digits": lambda card: card.change_secret(PUK, NO_DIGITS),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_refused_command_leaves_no_secret_in_its_frames(family: str, act: str) -> None:
    driver, make, _ = FAMILIES[family]
    session = driver.open(_Refusing(make()))
    assert session is not None
    with pytest.raises(CardError) as raised:
        ACTS[act](session)
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    of_drivers = [str(frame.locals) for frame in told.stack if "/tests/" not in frame.filename]
    assert of_drivers
    assert not [shown for shown in of_drivers for one in SECRETS if one.reveal() in shown]
