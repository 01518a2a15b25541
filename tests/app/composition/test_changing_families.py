"""Which families have their unblock secret changed after its use, by the settings."""

from __future__ import annotations

import pytest

from kiosk.app.composition.authority import changes_secret
from kiosk.config.settings import CardSettings, Pkcs11Settings, Settings

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
ADMIN_PIN = CardSettings(openpgp_secret="admin-pin")
JUDGED = {"piv", "gids", "openpgp", "pkcs11"}
"""Of any other family its row in ``kiosk.contract.families`` decides alone."""


@pytest.mark.parametrize(
    ("settings", "families"),
    [
        (Settings(), {"piv"}),
        (Settings(cards=ADMIN_PIN), {"piv", "openpgp"}),
        (Settings(pkcs11=Pkcs11Settings(module=MODULE)), {"piv", "pkcs11"}),
        (Settings(pkcs11=Pkcs11Settings(module=MODULE, style="set-pin-with-puk")), {"piv"}),
    ],
)
def test_a_code_and_a_puk_of_a_module_stay_as_they_are(
    settings: Settings, families: set[str]
) -> None:
    assert changes_secret(settings) & JUDGED == families
