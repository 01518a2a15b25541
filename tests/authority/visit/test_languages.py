"""A visit has a language: its questions and its mails come in it, and a registration keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from msgspec import structs

from kiosk.app.composition.authority import build_outbox
from kiosk.authority.mail.compose import Message, compose_code
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.records import Card
from kiosk.authority.service import LocalAuthority
from kiosk.config.settings import ServiceSettings, Settings
from kiosk.contract.language import ENGLISH, Language
from kiosk.contract.messages import Answers, ChooseQuestions, Purpose, VisitOpened
from kiosk.contract.sensitive import Sensitive
from tests.authority.registering import given, to_code
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World
from tests.support import catalogues
from tests.support.catalogues import PSEUDO, as_data, is_english

NAME = as_data("Asha Okafor")
WORDS = ("name", "trust", "ra_contact", "ra_hours")
SERVICE = structs.replace(
    ServiceSettings(), **{name: as_data(getattr(ServiceSettings(), name)) for name in WORDS}
)


@pytest.fixture(autouse=True)
def pseudo_language(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with catalogues.installed(tmp_path_factory.mktemp("locale")):
        yield


def serve_in(world: World, language: Language) -> None:
    """Let the authority have another language for those who have chosen none."""
    compose = partial(compose_code, service=structs.replace(SERVICE, language=language))
    world.parts = replace(world.parts, language=language, compose=compose)
    world.authority = LocalAuthority(world.parts)


def language_of(station_visit: StationVisit) -> Language | None:
    assert isinstance(station_visit.opened, VisitOpened)
    return station_visit.opened.language


def register(world: World) -> Card:
    card = world.add_card(world.add_holder(name=NAME))
    station_visit = to_code(world, card)
    station_visit.enter(code_in(world.relay.sent[-1]))
    return card


def put_texts(world: World) -> None:
    """Let half of the questions have a text in the pseudo-language."""
    with world.store.begin() as uow:
        for number in range(5, 9):
            assert uow.questions.put_text(number, PSEUDO, f"Ṕŕéǵúńťá {number}?")
        uow.commit()


def code_in(message: Message) -> Sensitive:
    assert message.secret
    found = re.search(r"\b(\d{4}) (\d{4})\b", message.text)
    assert found
    return Sensitive("".join(found.groups()))


def mailed(world: World) -> tuple[Message, ...]:
    """Send the notices that wait, from an estate in English."""
    before = len(world.relay.sent)
    worker = build_outbox(
        Settings(service=SERVICE), world.store, world.relay, world.clock, ring=world.ring
    )
    worker.drain_once()
    return tuple(world.relay.sent[before:])


def in_pseudo(message: Message) -> bool:
    """Return whether nothing is English but the name of the zone and the reference: data."""
    data = re.compile(r"UTC|\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")
    return not is_english(data.sub("", f"{message.subject} {message.text}"))


def test_visit_of_somebody_unknown_has_the_language_of_the_estate(world: World) -> None:
    serve_in(world, PSEUDO)
    card = world.add_card(world.add_holder(name=NAME))
    put_texts(world)
    station_visit = world.insert(card)
    assert language_of(station_visit) == PSEUDO
    world.authority.choose(station_visit.visit, Purpose.REGISTER)
    task = station_visit.verify_pin()
    assert isinstance(task, ChooseQuestions)
    texts = {one.id: one.text for one in task.bank}
    assert (texts[4], texts[5]) == ("Question 4?", "Ṕŕéǵúńťá 5?"), "without a text it is English"

    world.authority.save_questions(station_visit.visit, given())
    world.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert in_pseudo(world.relay.sent[-1])


def test_registration_keeps_the_language_of_its_visit_for_later_visits_and_notices(
    world: World,
) -> None:
    serve_in(world, PSEUDO)
    card = register(world)
    assert world.registration(card).language == PSEUDO
    (registered,) = mailed(world)
    assert in_pseudo(registered)

    serve_in(world, ENGLISH)
    world.clock.forward(minutes=5)
    put_texts(world)
    later = world.insert(card, blocked=True)
    assert language_of(later) == PSEUDO
    task = later.questions()
    assert {one.text for one in task.questions} <= {f"Ṕŕéǵúńťá {n}?" for n in range(5, 9)}
    asked = {one.id for one in task.questions}
    answers = Answers(tuple(one for one in given() if one.question in asked))
    world.authority.submit(later.visit, later.attempt(), answers)
    later.send()
    code = world.relay.sent[-1]
    assert code.secret
    assert in_pseudo(code)
    assert in_pseudo(world.relay.sent[-1])


def test_notices_of_staff_come_in_the_language_of_the_registration(world: World) -> None:
    serve_in(world, PSEUDO)
    card = register(world)
    mailed(world)
    serve_in(world, ENGLISH)
    with world.store.begin() as uow:
        holder = uow.holders.by_ids([card.holder_id])[card.holder_id]
        known = world.addresses_of(card)
        notify_holder(uow, Notice.BLOCK_LIFTED, "7KQ4-9ZXM", holder, known)
        uow.commit()
    (lifted,) = mailed(world)
    assert in_pseudo(lifted)


def test_visit_cannot_choose_the_language_in_which_its_holder_is_warned(world: World) -> None:
    """A visit belongs to who has the card, and that need not be the holder."""
    serve_in(world, ENGLISH)
    card = register(world)
    mailed(world)
    visit = world.visit(world.insert(card))
    with world.store.begin() as uow:
        holder = uow.holders.by_ids([card.holder_id])[card.holder_id]
        spoken = replace(visit, language=PSEUDO)
        notify_holder(uow, Notice.PIN_CHANGED, spoken, holder, world.addresses_of(card))
        uow.commit()
    (warning,) = mailed(world)
    assert "The PIN of your smartcard was changed" in warning.subject


def test_registration_in_place_of_another_has_a_language_of_its_own(world: World) -> None:
    card = world.registered_card()
    assert world.registration(card).language is None
    with world.store.begin() as uow:
        uow.registrations.put(replace(world.registration(card), language=PSEUDO))
        uow.commit()
    assert world.registration(card).language == PSEUDO
