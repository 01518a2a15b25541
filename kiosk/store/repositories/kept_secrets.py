"""Unblock secrets beside the one that a card is known to have, sealed.

One that a card had, or may have had, is never thrown away.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import col

from kiosk.store.gateway import Gateway
from kiosk.store.records import SealedSecret
from kiosk.store.repositories import by_key
from kiosk.store.secret_records import KeptKind, KeptSecret
from kiosk.store.tables.kept import KeptSecretRow


class KeptSecrets:
    """The pending one of a card, and its former ones; hold the card before changing any."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def add(self, kept: KeptSecret) -> bool:
        """Keep one; False, and nothing kept, when a second one would be pending."""
        insert = self._gateway.upsert(KeptSecretRow).values(
            id=kept.id,
            card_id=kept.card_id,
            kind=kept.kind,
            kept_at=kept.kept_at,
            entry_id=kept.entry_id,
            presented=kept.presented,
            refused=kept.refused,
            **_sealed_values(kept.sealed),
        )
        return self._gateway.run(insert.on_conflict_do_nothing()) == 1

    def pending(self, card_id: str) -> KeptSecret | None:
        """Return the one that the card may have by now."""
        found = self._where(col(KeptSecretRow.card_id) == card_id, _is(KeptKind.PENDING))
        return found[0] if found else None

    def former(self, card_id: str) -> tuple[KeptSecret, ...]:
        """Return those that the card had once or may have had, the newest first."""
        found = self._where(col(KeptSecretRow.card_id) == card_id, _is(KeptKind.FORMER))
        return tuple(sorted(found, key=lambda one: (one.kept_at, one.id), reverse=True))

    def refused(self, card_id: str) -> KeptSecret | None:
        """Return the newest former one that the card is said to have refused."""
        return next((kept for kept in self.former(card_id) if kept.refused), None)

    def forget_refusals(self, card_id: str) -> None:
        """Know that a card has its current secret: what it refused it did not take."""
        refused = col(KeptSecretRow.card_id) == card_id, col(KeptSecretRow.refused)
        self._gateway.run(update(KeptSecretRow).where(*refused).values(refused=False))

    def turn(self, kept: KeptSecret, sealed: SealedSecret, *, refused: bool = False) -> None:
        """Make a pending one former, sealed as such: it is not what the card has."""
        changed = {
            "kind": KeptKind.FORMER,
            "presented": False,
            "refused": refused,
            **_sealed_values(sealed),
        }
        self._change(kept.id, changed)

    def take(self, kept: KeptSecret) -> None:
        """Take one out: it has become the card's current secret, or no card ever had it."""
        self._gateway.run(delete(KeptSecretRow).where(col(KeptSecretRow.id) == kept.id))

    def present(self, kept: KeptSecret, *, presented: bool) -> None:
        """Note whether the pending one, or the current, was given to the card last."""
        self._change(kept.id, {"presented": presented})

    def reseal(self, kept: KeptSecret, sealed: SealedSecret) -> bool:
        """Put the same secret in place, sealed anew; False when somebody was first."""
        same = (
            col(KeptSecretRow.id) == kept.id,
            col(KeptSecretRow.kind) == kept.kind,
            col(KeptSecretRow.sealed_secret) == kept.sealed.ciphertext,
        )
        statement = update(KeptSecretRow).where(*same).values(_sealed_values(sealed))
        return self._gateway.run(statement) == 1

    def sealed_otherwise(
        self, key_id: str, *, after: str = "", limit: int = 200
    ) -> tuple[KeptSecret, ...]:
        """Return those that another key than ``key_id`` sealed; see ``by_key``."""
        return self._others(col(KeptSecretRow.sealed_key_id), key_id, after, limit)

    def derived_otherwise(
        self, key_id: str, *, after: str = "", limit: int = 200
    ) -> tuple[KeptSecret, ...]:
        """Return those that derive from another master key than ``key_id``."""
        return self._others(col(KeptSecretRow.derived_from), key_id, after, limit)

    def count_by_key(self) -> dict[str, int]:
        """Return how many of them each key sealed."""
        return by_key.counted(self._gateway, col(KeptSecretRow.sealed_key_id))

    def count_derived(self) -> dict[str, int]:
        """Return how many of them derive from each master key."""
        return by_key.counted(self._gateway, col(KeptSecretRow.derived_from))

    def _others(
        self, key: by_key.Key, key_id: str, after: str, limit: int
    ) -> tuple[KeptSecret, ...]:
        found = by_key.others(self._gateway, KeptSecretRow, key, key_id, after, limit)
        return tuple(_record(row) for row in found)

    def _change(self, kept_id: str, values: dict[str, object]) -> None:
        statement = update(KeptSecretRow).where(col(KeptSecretRow.id) == kept_id)
        self._gateway.run(statement.values(values))

    def _where(self, *conditions: ColumnElement[bool]) -> tuple[KeptSecret, ...]:
        rows = self._gateway.many(select(KeptSecretRow).where(*conditions), KeptSecretRow)
        return tuple(_record(row) for row in rows)


def _is(kind: KeptKind) -> ColumnElement[bool]:
    return col(KeptSecretRow.kind) == kind


def _sealed_values(sealed: SealedSecret) -> dict[str, object]:
    return {
        "sealed_secret": sealed.ciphertext,
        "sealed_key_id": sealed.key_id,
        "sealed_revision": sealed.revision,
        "derived_from": sealed.derived_from,
    }


def _record(row: KeptSecretRow) -> KeptSecret:
    return KeptSecret(
        id=row.id,
        card_id=row.card_id,
        kind=row.kind,
        sealed=SealedSecret(
            row.sealed_secret, row.sealed_key_id, row.sealed_revision, row.derived_from
        ),
        kept_at=row.kept_at,
        entry_id=row.entry_id,
        presented=row.presented,
        refused=row.refused,
    )
