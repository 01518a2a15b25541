"""Others change something while a holder stands at a station: each page that follows is true."""

from __future__ import annotations

from typing import Final

import pytest

from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardId,
    FactorEnd,
    FactorOver,
    Heartbeat,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    VisitOpened,
)
from kiosk.station.events import GaveUp, Replied
from kiosk.station.executor import Actions
from tests.authority.concurrent_changes import ACTS, PAGES, REGISTERS, Others
from tests.authority.registering import to_code
from tests.authority.world import World
from tests.station.fakes import FakeCards

GOES_ON: Final = None
"""What was changed does not concern this step: the holder is asked for the next thing."""

CASES: Final[dict[str, dict[str, Reason | FactorEnd | None]]] = {
    "menu": {
        "revoke the card": Reason.CARD_REVOKED,
        "mark a leaver": Reason.LEAVER,
        "erase the person": Reason.CHANGED_MEANWHILE,
        "revoke the registration": Reason.NOT_REGISTERED,
        "retire the station": Reason.STATION_RETIRED,
        "want genuine cards": Reason.NOT_GENUINE,
        "use up the attempts": Reason.REGISTRATION_BLOCKED,
    },
    "answers": {
        "erase the person": Reason.CHANGED_MEANWHILE,
        "revoke the registration": Reason.NOT_REGISTERED,
        "correct the address": GOES_ON,
        "ask no questions": Reason.CHANGED_MEANWHILE,
        "use up the attempts": Reason.REGISTRATION_BLOCKED,
    },
    "sending": {
        "revoke the registration": Reason.NOT_REGISTERED,
        "correct the address": GOES_ON,
        "ask no questions": GOES_ON,
    },
    "code": {
        "erase the person": Reason.CHANGED_MEANWHILE,
        "revoke the registration": Reason.NOT_REGISTERED,
        "correct the address": FactorEnd.WITHDRAWN,
        "ask no questions": GOES_ON,
    },
    "new PIN": {
        "revoke the card": Reason.CARD_REVOKED,
        "mark a leaver": Reason.LEAVER,
        "erase the person": Reason.CHANGED_MEANWHILE,
        "revoke the registration": Reason.NOT_REGISTERED,
        "correct the address": Reason.CODE_WITHDRAWN,
        "retire the station": Reason.STATION_RETIRED,
        "want genuine cards": Reason.NOT_GENUINE,
        "ask no questions": GOES_ON,
        "use up the attempts": Reason.REGISTRATION_BLOCKED,
    },
    "new PIN by code alone": {"ask questions first": Reason.CHANGED_MEANWHILE},
    "registers": {"erase the person": Reason.CHANGED_MEANWHILE},
    "own PIN": {
        "revoke the card": Reason.CARD_REVOKED,
        "replace the key of the PIN": GOES_ON,
        "ask no questions": GOES_ON,
    },
    "own questions": {
        "revoke the card": Reason.CARD_REVOKED,
        "erase the person": Reason.CHANGED_MEANWHILE,
        "replace the key of the PIN": Reason.CHANGED_MEANWHILE,
        "retire the station": Reason.STATION_RETIRED,
        "retire a question": Reason.CHANGED_MEANWHILE,
        "ask no questions": Reason.CHANGED_MEANWHILE,
    },
    "own address": {"correct the address": Reason.CHANGED_MEANWHILE},
    "own code": {
        "erase the person": Reason.CHANGED_MEANWHILE,
        "correct the address": Reason.CHANGED_MEANWHILE,
        "replace the key of the PIN": Reason.CHANGED_MEANWHILE,
        "retire a question": GOES_ON,
    },
    "other PIN": {
        "revoke the card": Reason.CARD_REVOKED,
        "erase the person": Reason.CHANGED_MEANWHILE,
    },
    "other questions": {
        "revoke the registration": Reason.CHANGED_MEANWHILE,
        "replace the key of the PIN": Reason.CHANGED_MEANWHILE,
        "retire a question": Reason.CHANGED_MEANWHILE,
    },
    "other address": {
        "revoke the registration": Reason.CHANGED_MEANWHILE,
        "replace the key of the PIN": Reason.CHANGED_MEANWHILE,
        "use up the attempts": Reason.REGISTRATION_BLOCKED,
    },
}
"""Per page: what staff do while it is up, and what the holder sees after the next press."""


@pytest.mark.parametrize(
    ("page", "act"), [(page, act) for page, expected in CASES.items() for act in expected]
)
def test_the_page_that_follows_is_true(world: World, page: str, act: str) -> None:
    card = world.add_card(world.add_holder()) if page in REGISTERS else world.registered_card()
    command = PAGES[page](world, card)
    ACTS[act](Others(world, card))
    reader_card = FakeCards(CardId(card.driver, card.identifier))
    follows = Actions(world.authority, reader_card, Heartbeat()).perform(command)
    assert _shown(follows) == CASES[page][act]
    if page.startswith(("new PIN", "other PIN")) and CASES[page][act] is not GOES_ON:
        assert reader_card.pin is None, "the card was not touched"
        assert "secret-released" not in world.kinds()


def _shown(follows: object) -> Reason | FactorEnd | None:
    """Return why the visit ends, or the code; None where it goes on."""
    match follows:
        case GaveUp(reason=reason) | Replied(reply=Refusal(reason=reason)):
            return reason
        case Replied(reply=FactorOver(why=why)):
            return why
        case Replied():
            return GOES_ON
        case _:
            raise AssertionError(follows)


def test_a_code_that_was_sent_on_a_replaced_key_is_not_waited_for(world: World) -> None:
    card = world.add_card(world.add_holder())
    station_visit = to_code(world, card, "asha.okafor@nhs.net")
    code = world.relay.code
    station_visit.pull()
    Others(world, card).replace_pin_key()
    back = world.insert(card)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is None
    assert [offer.purpose for offer in back.opened.offers] == [
        Purpose.REGISTER,
        Purpose.CHANGE_PIN,
    ]
    assert isinstance(back.authority.choose(back.visit, Purpose.REGISTER), ProvePin)
    with pytest.raises(StepRefused):
        back.enter(code)
