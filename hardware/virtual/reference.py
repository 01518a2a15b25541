"""VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP 800-73-5 part 2, 3.2).

Only here do tries go down and up. The session (what was verified since power-up or
SELECT) is kept apart from the state, which survives it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from hardware.virtual.commands import Command, Status
from hardware.virtual.state import BODY, CardState, Reference

PIN = 0x80
PUK = 0x81
FILLER = 0xFF


@dataclass(slots=True)
class Session:
    """What the card forgets with its power."""

    pin_verified: bool = False
    puk_proven: bool = False


class ReferenceCommands:
    """The three commands over one card's PIN and PUK; each returns a status word."""

    def __init__(self, state: CardState, session: Session) -> None:
        self._state = state
        self._session = session

    def verify(self, command: Command) -> int:
        """VERIFY: an empty body asks, P1=FF forgets, eight bytes spend a try."""
        if command.p2 != PIN:
            return Status.NO_REFERENCE
        if command.p1 == 0xFF:
            return self._forget(command)
        if command.p1 != 0:
            return Status.WRONG_P1P2
        if not command.data:
            return self._tell_pin()
        if len(command.data) != BODY:
            return self._state.profile.wrong_length_status
        status = self._try(self._state.pin, command.data)
        self._note(self._state.pin, status)
        return status

    def change(self, command: Command) -> int:
        """CHANGE REFERENCE DATA: the old value, then the new one, of PIN or PUK."""
        if command.p2 not in (PIN, PUK) or command.p1 != 0:
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if len(command.data) != 2 * BODY:
            return self._state.profile.wrong_length_status
        old, new = command.data[:BODY], command.data[BODY:]
        which = self._state.pin if command.p2 == PIN else self._state.puk
        status = self._try(which, old)
        self._note(which, status)
        return self._take(which, new) if status == Status.OK else status

    def reset_retry_counter(self, command: Command) -> int:
        """RESET RETRY COUNTER: the PUK, then the new PIN."""
        if command.p2 != PIN or command.p1 != 0:
            return Status.NO_REFERENCE if command.p1 == 0 else Status.WRONG_P1P2
        if len(command.data) != 2 * BODY:
            return self._state.profile.wrong_length_status
        status = self._prove_puk(command.data[:BODY])
        if status != Status.OK:
            return status
        self._session.pin_verified = False
        return self._take(self._state.pin, command.data[BODY:])

    def _forget(self, command: Command) -> int:
        if command.data:
            return Status.WRONG_DATA
        self._session.pin_verified = False
        return Status.OK

    def _tell_pin(self) -> int:
        if self._session.pin_verified and self._state.profile.verified_answers_9000:
            return Status.OK
        return self._tries(self._state.pin)

    def _prove_puk(self, body: bytes) -> int:
        held = self._session.puk_proven and self._state.profile.holds_puk_validation
        if held and not self._state.puk.blocked:
            return Status.OK
        status = self._try(self._state.puk, body)
        self._note(self._state.puk, status)
        return status

    def _note(self, which: Reference, status: int) -> None:
        if which is self._state.pin:
            self._session.pin_verified = status == Status.OK
        else:
            self._session.puk_proven = status == Status.OK

    def _try(self, which: Reference, body: bytes) -> int:
        if which.blocked:
            return self._state.profile.blocked_status
        # Charged before the comparison, so that power loss gives nothing away.
        which.left -= 1
        if not hmac.compare_digest(which.body, body):
            self._erase_keys_if_dead()
            if which.blocked:
                return self._state.profile.last_try_status
            return self._tries(which)
        which.left = which.limit
        return Status.OK

    def _tries(self, which: Reference) -> int:
        if which.blocked:
            return self._state.profile.blocked_status
        return self._state.profile.tries_status | which.left

    def _take(self, which: Reference, new: bytes) -> int:
        status = self._refusal(which, new)
        if status == Status.OK:
            which.replace(new, self._state.profile.history)
        return status

    def _refusal(self, which: Reference, new: bytes) -> int:
        profile = self._state.profile
        if which is self._state.puk:
            return Status.WRONG_DATA if profile.numeric_puk and not new.isdigit() else Status.OK
        if profile.accepts_any_new_pin:
            return Status.OK
        if not _is_pin(new):
            return Status.WRONG_DATA
        if profile.complexity_rule and len(set(new) - {FILLER}) == 1:
            return Status.CONDITIONS
        used = profile.history and new in [which.body, *which.former]
        return Status.USED_BEFORE if used else Status.OK

    def _erase_keys_if_dead(self) -> None:
        both = self._state.pin.blocked and self._state.puk.blocked
        if both and self._state.profile.erases_keys_when_both_blocked:
            self._state.keys.clear()


def _is_pin(body: bytes) -> bool:
    """Six to eight decimal digits, filled up with FF (SP 800-73-5 part 2, 2.4.3)."""
    digits = body.rstrip(bytes([FILLER]))
    return len(digits) >= 6 and all(0x30 <= byte <= 0x39 for byte in digits)
