"""Who is told: a list for each trouble, the Registration Authority unless it says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.config.loading import load_settings
from kiosk.config.settings import addresses
from kiosk.contract.errors import ConfigError

TOLD = (
    "registration_blocked",
    "card_not_genuine",
    "many_failures",
    "station_silent",
    "mail_held_up",
    "audit_broken",
    "clocks_differ",
    "list_not_current",
)
RA = "ra@trust.nhs.uk"


@pytest.mark.parametrize("name", TOLD)
def test_notices_go_to_the_registration_authority_by_default(name: str) -> None:
    assert addresses(getattr(load_settings(None, {}).notices, name), RA) == (RA,)


@pytest.mark.parametrize("name", TOLD)
def test_can_be_switched_off_and_sent_to_a_list(name: str, tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(f'[notices]\n{name} = ["it@nhs.net", "ra", "it@nhs.net", "{RA}"]\n')
    told = getattr(load_settings(path, {}).notices, name)
    assert addresses(told, RA) == ("it@nhs.net", RA)
    path.write_text(f"[notices]\n{name} = []\n")
    assert addresses(getattr(load_settings(path, {}).notices, name), RA) == ()
    variable = {f"KIOSK_NOTICES__{name.upper()}": "it@nhs.net, ra"}
    assert getattr(load_settings(path, variable).notices, name) == ("it@nhs.net", "ra")


@pytest.mark.parametrize("word", ["it", "it@", "it@a b", "a@b\nBcc: c@d", "<it@nhs.net>"])
def test_what_is_no_address_is_named(word: str) -> None:
    with pytest.raises(ConfigError, match=r"notices\.audit_broken") as caught:
        load_settings(None, {"KIOSK_NOTICES__AUDIT_BROKEN": word})
    assert "no email address" in str(caught.value)
    assert '"ra" is ra_email of [service]' in str(caught.value)
