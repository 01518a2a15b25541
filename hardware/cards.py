"""``Cards`` on PC/SC: each call takes hold of the card, works, and lets go with a reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from hardware.attendance import Attendance
from hardware.connection import Connection
from hardware.contexts import Contexts
from hardware.driver import CardSession, PinKey
from hardware.grip import DEFAULT_PATIENCE, Grip, Patience
from hardware.keypad import KeysRefused
from hardware.pad_offers import PadOffers
from hardware.registry import Registry
from hardware.trace import Trace
from hardware.workers import Workers
from kiosk.dialogue import CardId, CardReport, PinChallenge, PinEntry, PinProof
from kiosk.errors import CardError, CardHung, CardProtocolError, ContactNeeded, NotAllowed
from kiosk.ports import CardAddress, CardHold

T = TypeVar("T")

_BEFORE_VERIFY: Final = PinChallenge(b"unlock-kiosk: a key that signs this needs no PIN")
"""What the key of a card that was just reset must refuse to sign."""


class PcscCards:
    """Implements ``kiosk.ports.Cards``; calls may come from several threads."""

    def __init__(
        self,
        registry: Registry,
        patience: Patience = DEFAULT_PATIENCE,
        trace: Trace | None = None,
        *,
        exclusive: bool = True,
        pads: bool = True,
    ) -> None:
        self._registry = registry
        self._patience = patience
        self._trace = trace
        self._exclusive = exclusive
        self._contexts = Contexts()
        self._workers = Workers()
        self._stuck: dict[str, Attendance] = {}
        self._offers = PadOffers(wanted=pads)

    def read(self, reader: str) -> CardReport:
        """Return what the card tells without a PIN; raise ``CardUnknown`` for a stranger."""

        def work(connection: Connection) -> CardReport:
            driver, session = self._registry.recognise(connection)
            card = CardId(driver, session.identifier())
            pin, expires_at = session.pin_state(), session.expires_at()
            certificate = session.certificate()
            pin_pad = self._offers.is_made(CardAddress(reader, card), connection, session)
            return CardReport(
                card,
                pin,
                expires_at,
                certificate,
                pin_pad,
                session.changes_on_pad(),
                session.secret_tries(),
            )

        return self._hold(reader, work)

    def applications(self, reader: str) -> tuple[CardId, ...]:
        """Return all that the card carries of these families, in their order."""
        return self._hold(reader, self._registry.every)

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """Let the card verify ``pin``, and sign ``challenge`` directly afterwards.

        The card is reset first: a PIN that another program verified would let a key sign
        before VERIFY. A card that hangs over the signature has verified the PIN, and gives no
        proof.
        """
        verified = False

        def work(connection: Connection) -> PinProof | None:
            nonlocal verified
            if challenge is None:
                self._registry.meet(connection, at.card).verify_pin(pin)
                return None
            connection.reset()
            session = self._registry.meet(connection, at.card)
            key = _pin_key(session)
            session.verify_pin(pin)
            verified = True
            return None if key is None else _proof(session, key, challenge)

        try:
            return self._hold_card(at, work)
        except CardHung:
            if not verified:
                raise
            return None

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        """Change the PIN."""

        def work(connection: Connection) -> None:
            self._registry.meet(connection, at.card).change_pin(current, new)

        self._hold_card(at, work)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Return or raise what ``use`` does with the card.

        The card is reset first: one that still holds a secret validated earlier would
        take a wrong one for right.
        """

        def work(connection: Connection) -> T:
            connection.reset()
            return use(self._registry.meet(connection, at.card))

        return self._hold_card(at, work)

    def _hold_card(self, at: CardAddress, work: Callable[[Connection], T]) -> T:
        try:
            return self._hold(at.reader, work)
        except KeysRefused:
            self._offers.withdraw(at)
            raise

    def _hold(self, reader: str, work: Callable[[Connection], T]) -> T:
        self._wait_for_stuck(reader)
        attendance = Attendance(self._patience.answer_s, self._workers)
        grip = Grip(
            reader, attendance.step, self._patience, self._contexts, exclusive=self._exclusive
        )
        try:
            return attendance.run(
                lambda: _explained(work, Connection(grip.take(), self._trace)), grip.let_go
            )
        finally:
            if not attendance.ended(0):
                self._stuck[reader] = attendance

    def _wait_for_stuck(self, reader: str) -> None:
        """Do not pile a second call on a card that holds the first one for ever."""
        stuck = self._stuck.get(reader)
        if stuck is not None and not stuck.ended(self._patience.busy_s):
            raise CardHung("the card still holds an earlier command")
        self._stuck.pop(reader, None)


def _pin_key(session: CardSession) -> PinKey | None:
    """Return the key; None where the card tells of none, or where it signs before VERIFY, too."""
    try:
        key = session.pin_key()
        if key is None or session.sign_with_pin_key(key, _BEFORE_VERIFY) is not None:
            return None
    except CardProtocolError:
        return None
    return key


def _proof(session: CardSession, key: PinKey, challenge: PinChallenge) -> PinProof | None:
    try:
        signature = session.sign_with_pin_key(key, challenge)
    except CardError:
        return None
    if signature is None:
        return None
    return PinProof(signature, key.public_key, key.certificate)


def _explained(work: Callable[[Connection], T], connection: Connection) -> T:
    """Do it; a card that forbids it over the air is told from one that forbids it for good.

    Both answer with the same status word, and the way to the card only the reader knows.
    """
    try:
        return work(connection)
    except NotAllowed as refused:
        if refused.status and connection.is_contactless():
            raise ContactNeeded(
                "held against the reader, the card takes no PIN: it wants a reader with contacts",
                refused.status,
            ) from None
        raise
