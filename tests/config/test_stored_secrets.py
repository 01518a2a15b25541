"""Which kind of unblock secret is stored for the cards of each family, by the settings."""

from __future__ import annotations

import pytest

from kiosk.config.settings import CardSettings, Pkcs11Settings, Settings, stored_secrets

USUAL = {
    "piv": ("puk", True),
    "openpgp": ("resetting-code", False),
    "pkcs11": ("init-pin", True),
    "gids": ("admin-key", False),
}
"""The kind, and whether it is changed after each use."""


@pytest.mark.parametrize(
    ("settings", "others"),
    [
        (Settings(), {}),
        (
            Settings(cards=CardSettings(openpgp_secret="admin-pin")),
            {"openpgp": ("admin-pin", True)},
        ),
        (
            Settings(pkcs11=Pkcs11Settings(style="set-pin-with-puk")),
            {"pkcs11": ("set-pin-with-puk", False)},
        ),
    ],
)
def test_kinds_by_settings(settings: Settings, others: dict[str, tuple[str, bool]]) -> None:
    stored = {name: (kind.name, kind.rotates) for name, kind in stored_secrets(settings).items()}
    assert {name: stored[name] for name in USUAL} == USUAL | others
