"""How a registration, or a change of it, begins."""

from __future__ import annotations

from kiosk.authority.records import Card
from kiosk.contract.messages import Answer, EnterCode, GiveEmail, ProvePin, Purpose
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World

DOMAINS = Policy().email_domains
OTHER = "asha.okafor@nhs.net"
CHOSEN = {5: "Blue Anchor Lane", 6: "Li", 7: "4711", 8: "Mr Träumer"}


def given(changes: dict[int, str] | None = None) -> tuple[Answer, ...]:
    """The answers, some of them changed."""
    texts = CHOSEN | (changes or {})
    return tuple(Answer(number, Sensitive(text)) for number, text in texts.items())


def start(
    world: World, card: Card, purpose: Purpose, reader_card: ReaderCard | None = None
) -> StationVisit:
    """Choose, and prove the PIN."""
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(station_visit.authority.choose(station_visit.visit, purpose), ProvePin)
    station_visit.verify_pin()
    return station_visit


def to_code(
    world: World, card: Card, email: str = EMAIL, reader_card: ReaderCard | None = None
) -> StationVisit:
    """Answer, and have a code sent to ``email``."""
    station_visit = start(world, card, Purpose.REGISTER, reader_card)
    assert isinstance(
        station_visit.authority.save_questions(station_visit.visit, given()), GiveEmail
    )
    assert isinstance(
        station_visit.authority.give_email(station_visit.visit, email, station_visit.attempt()),
        EnterCode,
    )
    return station_visit
