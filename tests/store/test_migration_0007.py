"""A database from before secrets could derive: what it keeps is what it kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from kiosk.store.database import Store
from kiosk.store.engine import parse_url
from kiosk.store.records import SealedSecret
from tests.store.older import DATABASES, older_database
from tests.support.database import SetClock

PERSON = "INSERT INTO cardholder (id, number, name, revision) VALUES ('h', '1', 'Asha', 0)"
CARD = """
INSERT INTO card (id, holder_id, driver, identifier, status, secret_exposure, auth_key_imported,
                  sealed_secret, sealed_key_id, sealed_revision)
VALUES ('c', 'h', 'piv', '00aa', 'active', 1, :no, :sealed, 'seal-1', 3)
"""
KEPT = """
INSERT INTO kept_secret (id, card_id, kind, sealed_secret, sealed_key_id, sealed_revision,
                         kept_at, entry_id, presented)
VALUES ('k', 'c', 'pending', :sealed, 'seal-1', 4, '2030-05-17 09:30:00.000000', 'e', :no)
"""


@pytest.fixture(params=DATABASES)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the release before, with a card and its secrets."""
    with older_database(request, tmp_path, "0006") as url:
        with sa.create_engine(parse_url(url), poolclass=sa.NullPool).begin() as connection:
            connection.execute(sa.text(PERSON))
            connection.execute(sa.text(CARD), {"no": False, "sealed": b"current"})
            connection.execute(sa.text(KEPT), {"no": False, "sealed": b"waits"})
        yield url


def test_a_card_and_its_secrets_are_there_after_migrating(older: str) -> None:
    store = Store(older, SetClock())
    store.migrate()
    with store.begin() as uow:
        card, waits = uow.cards.get("c"), uow.kept.pending("c")
        assert card is not None
        assert waits is not None
        assert card.sealed_secret == SealedSecret(b"current", "seal-1", 3)
        assert waits.sealed == SealedSecret(b"waits", "seal-1", 4)
        assert (card.secret_exposure, card.secret_generation) == (1, None)
        assert uow.cards.count_derived() == uow.kept.count_derived() == {}
        assert uow.cards.next_generation("c", 7) == 7
    store.close()
