"""VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER of a GIDS card's one PIN."""

from __future__ import annotations

import hmac

from hardware.virtual.commands import Command, Status
from hardware.virtual.gids.state import LONGEST, SHORTEST, GidsState, Session

PIN = 0x80
EVERYTHING = 0x82
"""VERIFY with this reference asks for nothing: the card forgets all that was proven."""
_AFTER_THE_KEY = 0x02


class PinCommands:
    """The three commands; each returns a status word."""

    def __init__(self, state: GidsState, session: Session) -> None:
        self._state = state
        self._session = session

    def verify(self, command: Command) -> int:
        """VERIFY: an empty body asks, anything else of a fitting length spends a try."""
        if (command.p1, command.p2) == (0x00, EVERYTHING):
            self._session.forget()
            return Status.OK
        if (command.p1, command.p2) != (0x00, PIN):
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if not command.data:
            return self._tries()
        if not _fits(command.data):
            return self._wrong_length()
        return self._try(command.data)

    def change(self, command: Command) -> int:
        """CHANGE REFERENCE DATA: old and new PIN, cut by the length of the one that is held."""
        if (command.p1, command.p2) != (0x00, PIN):
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if not 2 * SHORTEST <= len(command.data) <= 2 * LONGEST:
            return self._wrong_length()
        cut = len(self._state.pin.body)
        status = self._try(command.data[:cut])
        return status if status != Status.OK else self._take(command.data[cut:])

    def reset_retry_counter(self, command: Command) -> int:
        """RESET RETRY COUNTER: the new PIN alone, once the admin key was proven."""
        if (command.p1, command.p2) != (_AFTER_THE_KEY, PIN):
            reset = command.p1 == _AFTER_THE_KEY
            return Status.NO_REFERENCE if reset else Status.WRONG_P1P2
        if not self._session.key_proven:
            return Status.NOT_SATISFIED
        status = self._take(command.data)
        if status == Status.OK:
            self._session.forget()
        return status

    def _try(self, body: bytes) -> int:
        pin = self._state.pin
        if pin.blocked:
            return self._state.profile.blocked_status
        # Charged before the comparison, so that power loss gives nothing away.
        pin.left -= 1
        self._session.pin_verified = hmac.compare_digest(pin.body, body)
        if not self._session.pin_verified:
            return self._state.profile.last_try_status if pin.blocked else self._tries()
        pin.left = pin.limit
        return Status.OK

    def _take(self, new: bytes) -> int:
        pin, history = self._state.pin, self._state.profile.history
        if not _fits(new):
            return Status.WRONG_LENGTH
        if history and new in [pin.body, *pin.former]:
            return Status.USED_BEFORE
        pin.replace(new, history)
        return Status.OK

    def _tries(self) -> int:
        blocked = self._state.pin.blocked
        return self._state.profile.blocked_status if blocked else 0x63C0 | self._state.pin.left

    def _wrong_length(self) -> int:
        return self._state.profile.wrong_length_status or self._tries()


def _fits(pin: bytes) -> bool:
    return SHORTEST <= len(pin) <= LONGEST
