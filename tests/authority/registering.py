"""How a registration, or a change of it, begins."""

from __future__ import annotations

from kiosk.authority.store.records import Card
from kiosk.contract.messages import Answer, EnterCode, GiveEmail, ProvePin, Purpose
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import Plastic
from tests.authority.station_visit import Sitting
from tests.authority.world import EMAIL, World

DOMAINS = Policy().email_domains
OTHER = "asha.okafor@nhs.net"
CHOSEN = {5: "Blue Anchor Lane", 6: "Li", 7: "4711", 8: "Mr Träumer"}


def given(changes: dict[int, str] | None = None) -> tuple[Answer, ...]:
    """The answers, some of them changed."""
    texts = CHOSEN | (changes or {})
    return tuple(Answer(number, Sensitive(text)) for number, text in texts.items())


def start(world: World, card: Card, purpose: Purpose, plastic: Plastic | None = None) -> Sitting:
    """Choose, and prove the PIN."""
    sitting = world.insert(card, plastic=plastic)
    assert isinstance(sitting.authority.choose(sitting.visit, purpose), ProvePin)
    sitting.verify_pin()
    return sitting


def to_code(
    world: World, card: Card, email: str = EMAIL, plastic: Plastic | None = None
) -> Sitting:
    """Answer, and have a code sent to ``email``."""
    sitting = start(world, card, Purpose.REGISTER, plastic)
    assert isinstance(sitting.authority.save_questions(sitting.visit, given()), GiveEmail)
    assert isinstance(
        sitting.authority.give_email(sitting.visit, email, sitting.attempt()), EnterCode
    )
    return sitting
