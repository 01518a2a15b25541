"""Acts on the card in a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from kiosk.dialogue import (
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    KeyAnswer,
    KeyChallenge,
    KeyNonce,
    PinChallenge,
    PinEntry,
    PinProof,
)
from kiosk.sensitive import Sensitive

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CardAddress:
    """Where a card is, and which card it must be."""

    reader: str
    card: CardId


class CardHold(Protocol):
    """The card that was addressed, held so that no other program and no other card gets between.

    It is only good within ``Cards.hold``. Every call raises only ``CardError`` and its kind.
    """

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """Let the card prove itself; None where it has no such key. No try is spent."""

    def prepare_unblock(self) -> None:
        """Read what ``unblock`` has to know of the card, before a secret is asked for.

        Nothing is changed and no try is spent: a card that is torn out here costs nothing.
        """

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Reset the PIN to ``new``; ``PinWrong`` and ``PinBlocked`` speak of ``secret``.

        Raises ``PinRefused``, ``PadLeft`` and, where an answer was lost, ``OutcomeUnknown``.
        """

    def meet_key(self, challenge: KeyChallenge) -> KeyNonce:
        """Begin to authenticate each other by the admin key; no try is spent.

        Raises ``NotAllowed`` where the card's family has no such key.
        """

    def prove_key(self, cryptogram: bytes) -> KeyAnswer:
        """Give the card what the admin key made, and return what it made in its turn.

        ``PinWrong`` and ``PinBlocked`` speak of the key; raises ``OutcomeUnknown`` where the
        answer was lost.
        """

    def reset_pin(self, new: PinEntry) -> None:
        """Reset the PIN, once both have authenticated each other in this hold.

        Raises ``PinRefused``, ``PadLeft`` and, where an answer was lost, ``OutcomeUnknown``.
        """

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """Change the unblock secret; ``PinWrong`` and ``PinBlocked`` speak of ``current``.

        Raises ``PinRefused`` and, where an answer was lost, ``OutcomeUnknown``.
        """


class Cards(Protocol):
    """Acts on the card in a reader; each call connects, works and lets go with a reset.

    Every call blocks, raises only ``CardError`` and its kind, and, but for ``read``,
    first reads the card's identifier again and raises ``CardSwapped`` when it is not the
    one addressed: no PIN and no secret ever reaches another card.
    """

    def read(self, reader: str) -> CardReport:
        """Return what the card tells without a PIN; no try is spent."""

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """Let the card verify ``pin``; raise ``PinWrong``, ``PinBlocked`` or ``PadLeft``.

        Directly after VERIFY, in the same hold, the card signs ``challenge`` with a key that it
        uses only after VERIFY. None where it has no such key, or did not sign: the PIN was
        verified all the same.
        """

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        """Change the PIN; ``PinWrong`` and ``PinBlocked`` speak of ``current``.

        Both are entered on the reader's keys, or neither. Raises ``PinRefused``, ``PadLeft``
        and, where an answer was lost, ``OutcomeUnknown``.
        """

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Reset the card, hold it while ``use`` works with it, and return or raise what that does.

        ``use`` runs on another thread. What it does between two of the card's answers is
        not counted against the card; it must come to an end by itself. Where the card
        hangs, ``hold`` raises while ``use`` is still stuck: ``use`` gets no answer then,
        and nothing that it would do next is done.
        """
