"""A reader's keys over its control channel: their properties, and PIN entry."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Self

from hardware import pin_pad
from hardware.apdu import CommandApdu, StatusWord
from hardware.pcsc import GET_FEATURE_REQUEST, PcscError
from hardware.pin_pad import PadEntry, PadProperties
from kiosk.contract.errors import PadLeft, PadRefused

Control = Callable[[int, bytes], bytes]
"""Sends a control code and a body to the reader; raises ``PcscError``."""


class KeysRefused(PadRefused):
    """The reader refuses the request; it would also do so for another card of the family."""


class PinPad:
    """The keys of the reader that a connection goes through."""

    def __init__(self, control: Control, codes: dict[int, int]) -> None:
        self._control = control
        self._codes = codes

    @classmethod
    def found(cls, control: Control) -> Self | None:
        """Return the keys; None where the reader cannot do all of VERIFY, a new PIN and a change.

        A reader that fails the question has none: most know no control code.
        """
        try:
            codes = pin_pad.features(control(GET_FEATURE_REQUEST, b""))
        except PcscError:
            return None
        if {pin_pad.VERIFY_PIN_DIRECT, pin_pad.MODIFY_PIN_DIRECT} <= codes.keys():
            return cls(control, codes)
        return None

    def prepared(self, command: CommandApdu, entry: PadEntry) -> Callable[[], bytes]:
        """Return what asks for the PIN and sends the command; raise where no PIN would fit."""
        can = self._properties
        shortest, longest = max(entry.shortest, can.shortest), min(entry.longest, can.longest)
        if shortest > longest:
            raise refused()
        fitting = PadEntry(entry.asked, shortest, longest, entry.block, entry.new_at)
        apdu = bytes((*bytes(command.header), len(command.body))) + command.body
        asked = pin_pad.structure(fitting, apdu, display=self._properties.display)
        return lambda: self._control(self._codes[entry.feature], asked)

    @cached_property
    def _properties(self) -> PadProperties:
        code = self._codes.get(pin_pad.GET_TLV_PROPERTIES)
        if code is None:
            return PadProperties()
        try:
            return pin_pad.properties(self._control(code, b""))
        except PcscError:
            return PadProperties()


def check(status: StatusWord) -> None:
    """Raise an error where the reader answered by itself and sent nothing to the card.

    A card with the same answer is taken for the reader: neither 64xx nor 6Bxx has changed anything
    in it (ISO/IEC 7816-4, 5.6).
    """
    trouble = pin_pad.trouble(status)
    if trouble is not None:
        raise PadLeft(trouble)
    if status == pin_pad.NOT_TAKEN:
        raise refused()


def refused() -> KeysRefused:
    """Return the error of a reader that has keys and refuses this request."""
    return KeysRefused("the reader's keys do not take a PIN in the way that this card needs")
