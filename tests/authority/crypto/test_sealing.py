"""Sealed secrets open for one card, kind, key and revision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.errors import KeyMissing, SealBroken
from kiosk.authority.records import SealedSecret
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

LABEL = SealLabel(CardId("piv", "00aa"), SealKind.UNBLOCK, 3)
PUK = Sensitive("73019264")


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(KeyRing.fresh())


def test_what_was_sealed_opens(sealer: Sealer) -> None:
    sealed = sealer.seal(PUK, LABEL)
    assert sealer.open(sealed, LABEL) == PUK
    assert (sealed.revision, sealed.key_id) == (3, sealer.current_key_id)


@pytest.mark.parametrize(
    "other",
    [
        replace(LABEL, card=CardId("piv", "00ab")),
        replace(LABEL, card=CardId("gids", "00aa")),
        replace(LABEL, card=CardId("piv0", "0aa")),
        replace(LABEL, kind=SealKind.PENDING),
        replace(LABEL, revision=2),
        replace(LABEL, revision=4),
    ],
)
def test_sealed_secret_opens_for_no_other_label(sealer: Sealer, other: SealLabel) -> None:
    with pytest.raises(SealBroken) as caught:
        sealer.open(sealer.seal(PUK, LABEL), other)
    assert caught.value.__cause__ is None


def test_any_changed_bit_breaks_it(sealer: Sealer) -> None:
    sealed = sealer.seal(PUK, LABEL)
    for place in range(len(sealed.ciphertext)):
        raw = bytearray(sealed.ciphertext)
        raw[place] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(replace(sealed, ciphertext=bytes(raw)), LABEL)


@given(st.binary(max_size=40))
def test_junk_is_broken_and_nothing_else(junk: bytes) -> None:
    sealer = Sealer(KeyRing.fresh())
    with pytest.raises(SealBroken):
        sealer.open(SealedSecret(junk, sealer.current_key_id, 3), LABEL)


def test_sealed_secret_opens_with_no_other_key_of_the_ring() -> None:
    old = KeyRing.fresh()
    sealed = Sealer(old).seal(PUK, LABEL)
    sealer = Sealer(old.with_new(KeyPurpose.SEAL))
    assert sealer.open(sealed, LABEL) == PUK
    with pytest.raises(SealBroken):
        sealer.open(replace(sealed, key_id=sealer.current_key_id), LABEL)


def test_a_key_that_is_gone_is_missing(sealer: Sealer) -> None:
    with pytest.raises(KeyMissing):
        Sealer(KeyRing.fresh()).open(sealer.seal(PUK, LABEL), LABEL)


def test_the_secret_is_not_in_what_is_kept_or_shown(sealer: Sealer) -> None:
    sealed = sealer.seal(PUK, LABEL)
    assert b"73019264" not in sealed.ciphertext
    assert "73019264" not in repr(sealed)
    assert sealer.seal(PUK, LABEL).ciphertext != sealed.ciphertext


# --- secrets that derive ---------------------------------------------------------------

OTHER_LABELS = [
    replace(LABEL, card=CardId("piv", "00ab")),
    replace(LABEL, kind=SealKind.FORMER),
    replace(LABEL, revision=4),
]


@pytest.fixture
def deriving() -> Sealer:
    return Sealer(KeyRing.fresh().with_new(KeyPurpose.DERIVE))


@pytest.fixture
def how(deriving: Sealer) -> Derivation:
    return Derivation(deriving.masters.current(), 7)


def test_of_one_that_derives_only_how_it_does_is_kept(deriving: Sealer, how: Derivation) -> None:
    sealed = deriving.seal(how, LABEL)
    secret = deriving.open(sealed, LABEL)
    assert secret == deriving.masters.derive(how, LABEL.card)
    assert deriving.look(sealed, LABEL) == how
    assert sealed.derived_from == how.master
    with pytest.raises(SealBroken):
        deriving.open(replace(sealed, derived_from=""), LABEL)


@pytest.mark.parametrize("other", OTHER_LABELS)
def test_derived_secret_opens_for_no_other_label(
    deriving: Sealer, how: Derivation, other: SealLabel
) -> None:
    with pytest.raises(SealBroken):
        deriving.open(deriving.seal(how, LABEL), other)


def test_how_one_derives_never_passes_for_a_secret(deriving: Sealer, how: Derivation) -> None:
    """Nor the other way round: who writes the database cannot choose what is released."""
    for secret in (how, Sensitive(f"0:{how.master}")):
        sealed = deriving.seal(secret, LABEL)
        for version in range(6):
            if version != sealed.ciphertext[0]:
                forged = bytes([version]) + sealed.ciphertext[1:]
                for master in ("", how.master):
                    with pytest.raises(SealBroken):
                        deriving.open(SealedSecret(forged, sealed.key_id, 3, master), LABEL)


def test_what_derives_is_carried_without_its_master_key(deriving: Sealer) -> None:
    new = replace(LABEL, kind=SealKind.FORMER, revision=4)
    sealed = deriving.seal(Derivation("derive-elsewhere", 2), LABEL)
    carried = deriving.carry(sealed, LABEL, new)
    assert deriving.look(carried, new) == Derivation("derive-elsewhere", 2)
    assert (carried.revision, carried.derived_from) == (4, "derive-elsewhere")
    with pytest.raises(KeyMissing, match="derive-elsewhere"):
        deriving.open(carried, new)
    plain = deriving.carry(deriving.seal(PUK, LABEL), LABEL, new)
    assert deriving.open(plain, new) == PUK
