"""A card in a file is the same card."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.virtual.pcscd import VirtualHardwareError
from kiosk.contract.messages import KeyKind
from tests.hardware.virtual.apdus import OTHER, PIN, PUK, WRONG, card, select, unblock, verify
from tests.support.card_file import keep, load, open_card


@pytest.mark.parametrize("kind", [KeyKind.RSA_2048, KeyKind.P_256, KeyKind.ED25519])
def test_a_card_comes_back_as_it_was(tmp_path: Path, kind: KeyKind) -> None:
    made = card(pin_tries=6, history=2, key=kind)
    keep(made, tmp_path / "card")
    again = load(tmp_path / "card")
    assert again.profile == made.state.profile
    assert again.objects == made.state.objects
    assert (again.guid, again.serial, again.holder_name) == (
        made.state.guid,
        made.state.serial,
        made.state.holder_name,
    )
    for slot, key in again.keys.items():
        assert key.public_key() == made.state.keys[slot].public_key()


def test_change_is_kept_at_once(tmp_path: Path) -> None:
    made = card()
    keep(made, tmp_path / "card")
    verify(made, WRONG)
    assert load(tmp_path / "card").pin.left == 2
    unblock(made, PUK, OTHER)
    again = open_card(tmp_path / "card")
    select(again)
    assert verify(again, OTHER) == 0x9000
    assert verify(again, PIN) == 0x63C2
    assert load(tmp_path / "card").pin.left == 2


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    keep(card(), tmp_path / "card")
    assert (tmp_path / "card").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "card"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 9}', '{"version": 1}'])
def test_what_is_no_card(tmp_path: Path, text: str) -> None:
    (tmp_path / "card").write_text(text)
    with pytest.raises(VirtualHardwareError, match="keeps no virtual card"):
        load(tmp_path / "card")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(VirtualHardwareError):
        load(tmp_path / "card")
