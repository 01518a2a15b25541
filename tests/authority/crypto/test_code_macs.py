"""Codes: drawn evenly, kept as keyed digests that are bound to what they are for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import CodeMac, draw_code
from kiosk.authority.errors import KeyMissing
from kiosk.authority.records import EmailCode
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive

DRAFT = EmailCode(
    id="c1",
    card_id="card",
    holder_id="holder",
    purpose=Purpose.UNLOCK,
    visit_id="visit",
    digest=b"",
    key_id="",
    route="address",
    drafted_at=datetime(2026, 5, 4, tzinfo=UTC),
    max_tries=5,
    digits=8,
)
CODE = Sensitive("04711815")


@pytest.mark.parametrize("digits", [6, 8, 10])
def test_a_code_has_its_digits_zeros_in_front_included(digits: int) -> None:
    drawn = [draw_code(digits).reveal() for _ in range(400)]
    assert all(len(code) == digits and code.isdigit() for code in drawn)
    assert {code[0] for code in drawn} == set("0123456789")
    assert len(set(drawn)) > 390


def test_a_code_that_is_mailed_again_is_the_same_and_no_other_one_is() -> None:
    mac = CodeMac(ring := KeyRing.fresh())
    codes = {mac.code_of(replace(DRAFT, id=f"c{n}")).reveal() for n in range(400)}
    assert len(codes) > 390
    assert {code[0] for code in codes} == set("0123456789")
    assert all(len(code) == 8 and code.isdigit() for code in codes)
    code = mac.code_of(DRAFT)
    assert CodeMac(ring).code_of(DRAFT) == code
    assert mac.code_of(replace(DRAFT, visit_id="another")) != code
    assert CodeMac(KeyRing.fresh()).code_of(DRAFT) != code


def test_only_the_code_fits_and_only_where_it_belongs() -> None:
    mac = CodeMac(KeyRing.fresh())
    kept = mac.with_digest(DRAFT, CODE)
    assert mac.matches(CODE, kept)
    assert not mac.matches(Sensitive("04711816"), kept)
    for other in (
        replace(kept, id="c2"),
        replace(kept, purpose=Purpose.CHANGE_EMAIL),
        replace(kept, card_id="car"),
        replace(kept, visit_id="dvisit"),
    ):
        assert not mac.matches(CODE, other)


def test_a_rotation_leaves_older_codes_alive_and_another_ring_does_not() -> None:
    ring = KeyRing.fresh()
    kept = CodeMac(ring).with_digest(DRAFT, CODE)
    assert CodeMac(ring.with_new(KeyPurpose.CODE_MAC)).matches(CODE, kept)
    with pytest.raises(KeyMissing):
        CodeMac(KeyRing.fresh()).matches(CODE, kept)


def test_the_digest_is_not_shown() -> None:
    kept = CodeMac(KeyRing.fresh()).with_digest(DRAFT, CODE)
    assert repr(kept.digest) not in repr(kept)
    assert "04711815" not in repr(kept)
