"""What the driver makes of the answers of a GIDS card to its admin key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware.driver import CardSession
from hardware.drivers.gids import GidsSession
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import CardChallenge, KeyChallenge, KeyKind
from kiosk.contract.sensitive import Sensitive
from tests.hardware.fakes import Answer, Script

NEW, KEY = Sensitive("60514273"), Sensitive("00" * 24)
HOST, NONCE, CRYPTOGRAM = "aa" * 16, "bb" * 16, "cc" * 40
CHOOSE, CHALLENGE = "0022c1a403830180", f"00870000147c128110{HOST}00"
GIVE, TOLD_NONCE = f"008700002c7c2a8228{CRYPTOGRAM}00", f"7c128110{NONCE}9000"


def session(*answers: Answer) -> tuple[GidsSession, Script]:
    card = Script(*answers)
    return GidsSession(card), card


def test_the_key_is_met_and_proven() -> None:
    gids, card = session("9000", TOLD_NONCE, f"7c2a8228{'dd' * 40}9000")
    assert gids.begin_mutual_authentication(KeyChallenge(bytes.fromhex(HOST))).nonce.hex() == NONCE
    assert all(not command.changes_card for command in card.commands)
    assert (
        gids.complete_mutual_authentication(bytes.fromhex(CRYPTOGRAM)).cryptogram.hex() == "dd" * 40
    )
    assert card.commands[-1].changes_card
    assert card.sent == [CHOOSE, CHALLENGE, GIVE]


@pytest.mark.parametrize("answers", [[], ["9000"]])
@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ("6983", NotAllowed),
        ("63c0", NotAllowed),
        ("6982", NotAllowed),
        ("6a88", CardProtocolError),
        ("6985", CardProtocolError),
        ("63c2", CardProtocolError),
    ],
)
def test_a_card_that_does_not_begin(
    answers: list[str], refusal: str, kind: type[CardError]
) -> None:
    gids, card = session(*answers, refusal)
    with pytest.raises(kind):
        gids.begin_mutual_authentication(KeyChallenge(bytes(16)))
    assert len(card.sent) == len(answers) + 1


@pytest.mark.parametrize(
    "content", ["", "7c00", f"7c118110{NONCE[2:]}", f"7c11810f{NONCE[2:]}", f"7c138111{NONCE}00"]
)
def test_a_random_number_of_another_length(content: str) -> None:
    with pytest.raises(CardProtocolError):
        session("9000", content + "9000")[0].begin_mutual_authentication(KeyChallenge(bytes(16)))


@pytest.mark.parametrize(
    ("answer", "kind", "left"),
    [
        ("6982", PinWrong, None),
        ("6300", PinWrong, None),
        ("63c4", PinWrong, 4),
        ("63c0", PinBlocked, None),
        ("6983", PinBlocked, None),
        ("6985", NotAllowed, None),
        ("6f00", OutcomeUnknown, None),
        ("6581", OutcomeUnknown, None),
        ("6a80", CardProtocolError, None),
        ("6984", CardProtocolError, None),
    ],
)
def test_a_cryptogram_is_refused(answer: str, kind: type[CardError], left: int | None) -> None:
    gids, card = session(answer)
    with pytest.raises(kind) as refused:
        gids.complete_mutual_authentication(bytes.fromhex(CRYPTOGRAM))
    assert getattr(refused.value, "tries_left", None) == left
    assert len(card.sent) == 1


@pytest.mark.parametrize(
    ("content", "shown"),
    [("", ""), ("7c00", ""), ("7c298227" + "dd" * 39, "dd" * 39), ("dd" * 40, "")],
)
def test_a_card_that_takes_a_cryptogram_is_judged_by_whatever_it_shows(
    content: str, shown: str
) -> None:
    """To say that nothing was sent to it would be untrue."""
    gids, _ = session(content + "9000")
    assert gids.complete_mutual_authentication(bytes.fromhex(CRYPTOGRAM)).cryptogram.hex() == shown


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("6982", NotAllowed),
        ("6984", PinRefused),
        ("6985", PinRefused),
        ("6700", PinRefused),
        ("6a80", PinRefused),
        ("6581", OutcomeUnknown),
        ("63c2", CardProtocolError),
        ("6983", CardProtocolError),
        ("6a88", CardProtocolError),
    ],
)
def test_a_pin_is_not_reset(answer: str, kind: type[CardError]) -> None:
    """None of it says anything of the key, which was proven before."""
    with pytest.raises(kind):
        session(answer)[0].reset_pin(NEW)


def test_what_a_card_of_this_family_never_does() -> None:
    gids, card = session()
    sending: list[Callable[[], None]] = [
        lambda: gids.unblock(KEY, NEW),
        lambda: gids.change_secret(KEY, KEY),
    ]
    for act in sending:
        with pytest.raises(NotAllowed):
            act()
    as_any: CardSession = gids
    assert as_any.expires_at() is None
    assert as_any.certificate() is None
    assert as_any.prove(CardChallenge(bytes(32), KeyKind.P_256)) is None
    assert card.sent == []
