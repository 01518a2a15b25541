"""Codes: drawn evenly, kept as keyed digests that are bound to what they are for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import CodeBinding, CodeMac, draw_code
from kiosk.authority.errors import KeyMissing
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive

BINDING = CodeBinding("c1", Purpose.UNLOCK, "card", "visit")
CODE = Sensitive("04711815")


@pytest.mark.parametrize("digits", [6, 8, 10])
def test_a_code_has_its_digits_zeros_in_front_included(digits: int) -> None:
    drawn = [draw_code(digits).reveal() for _ in range(400)]
    assert all(len(code) == digits and code.isdigit() for code in drawn)
    assert {code[0] for code in drawn} == set("0123456789")
    assert len(set(drawn)) > 390


def test_a_code_that_is_mailed_again_is_the_same_and_no_other_one_is() -> None:
    mac = CodeMac(ring := KeyRing.fresh())
    codes = {mac.code_of(replace(BINDING, code_id=f"c{n}"), 8).reveal() for n in range(400)}
    assert len(codes) > 390
    assert {code[0] for code in codes} == set("0123456789")
    assert all(len(code) == 8 and code.isdigit() for code in codes)
    code = mac.code_of(BINDING, 8)
    assert CodeMac(ring).code_of(BINDING, 8) == code
    assert mac.code_of(replace(BINDING, visit_id="another"), 8) != code
    assert CodeMac(KeyRing.fresh()).code_of(BINDING, 8) != code


def test_only_the_code_fits_and_only_where_it_belongs() -> None:
    mac = CodeMac(KeyRing.fresh())
    kept = mac.digest(CODE, BINDING)
    assert mac.matches(CODE, kept, BINDING)
    assert not mac.matches(Sensitive("04711816"), kept, BINDING)
    for other in (
        replace(BINDING, code_id="c2"),
        replace(BINDING, purpose=Purpose.CHANGE_EMAIL),
        replace(BINDING, card_id="car"),
        replace(BINDING, visit_id="dvisit"),
    ):
        assert not mac.matches(CODE, kept, other)


def test_a_rotation_leaves_older_codes_alive_and_another_ring_does_not() -> None:
    ring = KeyRing.fresh()
    kept = CodeMac(ring).digest(CODE, BINDING)
    assert CodeMac(ring.with_new(KeyPurpose.CODE_MAC)).matches(CODE, kept, BINDING)
    with pytest.raises(KeyMissing):
        CodeMac(KeyRing.fresh()).matches(CODE, kept, BINDING)


def test_the_digest_is_not_shown() -> None:
    kept = CodeMac(KeyRing.fresh()).digest(CODE, BINDING)
    assert repr(kept.digest) not in repr(kept)
    assert "04711815" not in repr(kept)
