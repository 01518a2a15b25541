"""``kiosk cards try`` on cards in software, through pcscd and its virtual reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.virtual.piv import CardProfile, new_card, padded
from kiosk.app.trial.journal import NAME
from kiosk.app.trial.report import markdown
from kiosk.app.trial.transcript import from_json, to_json
from kiosk.app.trial.trial import Outcome
from kiosk.contract.messages import KeyKind
from tests.app.trial.cards import live, prepare
from tests.hardware.drivers.openpgp_cards import ForeignCard, resetting_code
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.pcsc import Insert
from tests.transcripts.replay import replay

pytestmark = pytest.mark.hardware

PIN, PUK = "482915", "73918265"
HOLDER = "Canary Holder"

PROFILES = {
    "plain": CardProfile(),
    "metadata": CardProfile(metadata=True),
    "T=0": CardProfile(t0=True),
    "T=0 and chaining": CardProfile(t0=True, key=KeyKind.RSA_2048),
    "RSA": CardProfile(key=KeyKind.RSA_2048),
    "Ed25519 of 32 bytes": CardProfile(key=KeyKind.ED25519, ed25519_bytes=32, metadata=True),
    "blocked by 63C0": CardProfile(blocked_status=0x63C0, pin_tries=5, puk_tries=10),
}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_piv_card_is_as_before_and_its_transcript_replays(
    insert: Insert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: CardProfile
) -> None:
    card = new_card(holder_name=HOLDER, pin=PIN, puk=PUK, profile=profile)
    tried = live(prepare(insert(card), "piv", "puk", PIN, PUK)[0], tmp_path)
    assert not tried.stopped, tried.stopped
    assert card.state.pin.body == padded(PIN)
    assert card.state.puk.body == padded(PUK)
    assert card.state.pin.left == profile.pin_tries
    assert card.state.puk.left == profile.puk_tries
    assert not (tmp_path / NAME).exists()
    transcript = from_json(to_json(tried.transcript()))
    everything = to_json(transcript).decode() + markdown(transcript, "")
    for canary in (
        PIN,
        PUK,
        PIN.encode().hex(),
        PUK.encode().hex(),
        HOLDER,
        HOLDER.encode().hex(),
        card.state.guid.hex(),
        card.public_key(0x9E)[-32:].hex(),
        card.public_key(0x9A)[-32:].hex(),
    ):
        assert canary not in everything
    assert replay(transcript, monkeypatch) > 20
    limits = tried.outcomes(Outcome.LIMIT)
    assert bool(limits) is (profile.ed25519_bytes == 32)


def test_gids_card_is_as_before_and_its_transcript_replays(
    insert: Insert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = new_gids_card(pin=PIN)
    tried = live(prepare(insert(card), "gids", "admin-key", PIN, ADMIN_KEY.hex())[0], tmp_path)
    assert not tried.stopped, tried.stopped
    assert card.state.pin.body == PIN.encode()
    assert card.state.pin.left == card.state.pin.limit
    everything = to_json(tried.transcript()).decode()
    for canary in (PIN.encode().hex(), ADMIN_KEY.hex(), card.state.card_id.hex()):
        assert canary not in everything
    assert replay(tried.transcript(), monkeypatch) > 20


@pytest.mark.parametrize(
    ("kind", "secret"), [("admin-pin", "12345678"), ("resetting-code", "24681357")]
)
def test_openpgp_card_is_as_before_and_its_transcript_replays(
    insert: Insert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, secret: str
) -> None:
    card = ForeignCard(tmp_path)
    card.generate_authentication_key()
    if kind == "resetting-code":
        resetting_code(card, secret)
    tried = live(prepare(insert(card), "openpgp", kind, "123456", secret)[0], tmp_path)
    assert not tried.stopped, tried.stopped
    assert card.left[0] == 3
    assert card.left[2] == 3
    assert replay(tried.transcript(), monkeypatch) > 20
