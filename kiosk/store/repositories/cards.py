"""Cards, and the account kept of each card's unblock secret."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.dialogue import CardId
from kiosk.store.gateway import Gateway
from kiosk.store.records import Card, KnownCard, SealedSecret


class Cards:
    """The cards of the estate, unique by driver and identifier."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def get(self, card_id: str) -> Card | None:
        """Return one by id."""
        raise NotImplementedError

    def find(self, card: CardId) -> KnownCard | None:
        """Return the card that a reader named, with its holder."""
        raise NotImplementedError

    def lock(self, card_id: str) -> Card | None:
        """Return one, held against other writers until the unit of work ends.

        Lock before reading what a decision on this card rests on (send times, an open
        journal entry): on PostgreSQL two stations could otherwise both decide.
        """
        raise NotImplementedError

    def of_holder(self, holder_id: str) -> tuple[Card, ...]:
        """Return every card of a holder, by id."""
        raise NotImplementedError

    def by_card_ids(self, cards: Iterable[CardId]) -> dict[CardId, Card]:
        """Return those of ``cards`` that exist; at most 500 at a time."""
        raise NotImplementedError

    def put(self, cards: Iterable[Card]) -> None:
        """Add each, or overwrite the one with its id.

        A card that exists keeps its exposure and its tries left: an import of the same
        file again must not forget what an unblock may have cost.
        """
        raise NotImplementedError

    # --- the unblock secret ---

    def expose_secret(self, card_id: str, *, assumed_limit: int, keep: int = 1) -> int | None:
        """Charge one possible try of the unblock secret; return how many remain.

        One atomic statement: it gives None, and charges nothing, unless more than ``keep``
        tries are left by our account (the tries last told, else the limit, else
        ``assumed_limit``; less the exposure).
        """
        raise NotImplementedError

    def unexpose_secret(self, card_id: str) -> None:
        """Take back one charge: the secret was never sent."""
        raise NotImplementedError

    def know_secret_tries(self, card_id: str, tries_left: int | None) -> None:
        """Clear the exposure: the card told its tries, or took the secret (None: full again)."""
        raise NotImplementedError

    def replace_secret(self, card_id: str, expected_revision: int, sealed: SealedSecret) -> bool:
        """Put ``sealed`` in place of revision ``expected_revision`` (0: none yet).

        False when another writer was first; nothing changed then.
        """
        raise NotImplementedError

    def sealed_otherwise(
        self, key_id: str, *, after: str = "", limit: int = 200
    ) -> tuple[Card, ...]:
        """Return cards whose secret another key than ``key_id`` sealed, by id, from ``after`` on.

        A rotation that was interrupted simply starts again from the first.
        """
        raise NotImplementedError

    def count_by_key(self) -> dict[str, int]:
        """Return how many secrets each key sealed."""
        raise NotImplementedError
