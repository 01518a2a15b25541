from __future__ import annotations

import pytest

from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.store.database import Store
from tests.authority.administration.importing import Importer


@pytest.fixture
def sealer(ring: KeyRing) -> Sealer:
    return Sealer(ring)


@pytest.fixture
def importer(store: Store, sealer: Sealer) -> Importer:
    return Importer(store, sealer)
