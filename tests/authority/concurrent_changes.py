"""Each page at which a holder may stand while somebody else acts, and the press that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.policy import QuestionsDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.administration.views import Seen
from kiosk.authority.records import Card, Station
from kiosk.authority.roles import Role
from kiosk.contract.messages import Answers, CardId, Code, Factor, Purpose
from kiosk.contract.policy import Genuine, Policy
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import (
    ChangePin,
    Choose,
    Command,
    Prepare,
    SaveQuestions,
    SubmitEmail,
    SubmitEntry,
    UnblockPin,
    VerifyPin,
)
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.registering import given, start
from tests.authority.station_visit import answers_to
from tests.authority.world import EMAIL, World

NEW_PIN: Final = Sensitive("482916")


def at(card: Card) -> CardAddress:
    return CardAddress("R", CardId(card.driver, card.identifier))


# --- pages -----------------------------------------------------------------------------


def _menu(world: World, card: Card) -> Command:
    return Choose(world.insert(card, blocked=True, reader_card=KeylessCard()).visit, Purpose.UNLOCK)


def _answers(world: World, card: Card) -> Command:
    station_visit = world.insert(card, blocked=True)
    return SubmitEntry(
        station_visit.visit, station_visit.attempt(), Answers(answers_to(station_visit.questions()))
    )


def _sending(world: World, card: Card) -> Command:
    station_visit = world.insert(card, blocked=True)
    station_visit.answer(station_visit.questions())
    return Prepare(
        station_visit.visit, station_visit.attempt(), Factor.EMAIL_CODE, station_visit.route()
    )


def _code(world: World, card: Card) -> Command:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    return SubmitEntry(station_visit.visit, station_visit.attempt(), Code(world.relay.code))


def _new_pin(world: World, card: Card) -> Command:
    station_visit = world.insert(card, blocked=True, reader_card=KeylessCard())
    station_visit.to_new_pin()
    return UnblockPin(station_visit.visit, at(card), NEW_PIN, station_visit.attempt())


def _registers(world: World, card: Card) -> Command:
    return Choose(world.insert(card).visit, Purpose.REGISTER)


def _own_pin(world: World, card: Card) -> Command:
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.REGISTER)
    return VerifyPin(station_visit.visit, at(card), NEW_PIN)


def _own_questions(world: World, card: Card) -> Command:
    return SaveQuestions(start(world, card, Purpose.REGISTER).visit, given())


def _own_address(world: World, card: Card) -> Command:
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())
    return SubmitEmail(station_visit.visit, EMAIL, station_visit.attempt())


def _own_code(world: World, card: Card) -> Command:
    command = _own_address(world, card)
    assert isinstance(command, SubmitEmail)
    world.authority.give_email(command.visit, EMAIL, command.attempt)
    return SubmitEntry(command.visit, "1", Code(world.relay.code))


def _other_pin(world: World, card: Card) -> Command:
    visit = start(world, card, Purpose.CHANGE_PIN).visit
    return ChangePin(visit, at(card), NEW_PIN, NEW_PIN)


def _other_questions(world: World, card: Card) -> Command:
    return SaveQuestions(start(world, card, Purpose.CHANGE_QUESTIONS).visit, given())


def _other_address(world: World, card: Card) -> Command:
    return SubmitEmail(start(world, card, Purpose.CHANGE_EMAIL).visit, "asha.o@nhs.net", "1")


def _by_code_alone(world: World, card: Card) -> Command:
    world.policy = Policy(verification=((Factor.EMAIL_CODE,),))
    station_visit = world.insert(card, blocked=True)
    station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    station_visit.send()
    station_visit.enter(world.relay.code)
    return UnblockPin(station_visit.visit, at(card), NEW_PIN, station_visit.attempt())


Page = Callable[[World, Card], Command]
REGISTERS: Final[dict[str, Page]] = {
    "registers": _registers,
    "own PIN": _own_pin,
    "own questions": _own_questions,
    "own address": _own_address,
    "own code": _own_code,
}
PAGES: Final[dict[str, Page]] = {
    "menu": _menu,
    "answers": _answers,
    "sending": _sending,
    "code": _code,
    "new PIN": _new_pin,
    "new PIN by code alone": _by_code_alone,
    **REGISTERS,
    "other PIN": _other_pin,
    "other questions": _other_questions,
    "other address": _other_address,
}
"""By what the holder does next there; those of ``REGISTERS`` are not registered yet."""


# --- what others do --------------------------------------------------------------------


@dataclass
class Others:
    """Staff at their desks, while the holder stands at station A."""

    world: World
    card: Card

    @property
    def office(self) -> Office:
        return office_beside(self.world, Role.MANAGER)

    @property
    def seen(self) -> Seen:
        return as_seen(self.office, self.card)

    def revoke_card(self) -> None:
        CardsDesk(self.office).revoke(self.seen, self.card.id, GROUNDS)

    def mark_leaver(self) -> None:
        PeopleDesk(self.office).mark_leaver(self.seen, GROUNDS)

    def erase(self) -> None:
        PeopleDesk(self.office).erase(self.seen, GROUNDS)

    def revoke_registration(self) -> None:
        PeopleDesk(self.office).revoke_registration(self.seen, GROUNDS)

    def correct_address(self) -> None:
        PeopleDesk(self.office).correct_email(self.seen, "asha.new@nhs.net", GROUNDS)

    def replace_pin_key(self) -> None:
        """A file of people names another key that the card uses after its PIN."""
        with self.world.store.begin() as uow:
            now = uow.cards.get(self.card.id)
            assert now is not None
            changed = replace(now, pin_key=ReaderCard().pin_public, pin_key_imported=True)
            uow.cards.put([changed])
            uow.commit()

    def retire_station(self) -> None:
        with self.world.store.begin() as uow:
            uow.stations.seen(Station("A", self.world.now))
            uow.commit()
        StationsDesk(self.office).retire("A", GROUNDS)

    def retire_question(self) -> None:
        """One that was chosen for a registration."""
        QuestionsDesk(self.office).retire(5, GROUNDS)

    def want_genuine_cards(self) -> None:
        self.world.policy = Policy(genuine=Genuine.ALWAYS)

    def ask_no_questions(self) -> None:
        self.world.policy = Policy(verification=((Factor.EMAIL_CODE,),))

    def ask_questions_first(self) -> None:
        """Where a code alone was enough when the holder began."""
        self.world.policy = Policy()

    def use_up_attempts(self) -> None:
        """The answers are given wrongly to the end, with another card of theirs."""
        with self.world.store.begin() as uow:
            uow.registrations.block(self.card.holder_id)
            uow.commit()


ACTS: Final[dict[str, Callable[[Others], None]]] = {
    "revoke the card": Others.revoke_card,
    "mark a leaver": Others.mark_leaver,
    "erase the person": Others.erase,
    "revoke the registration": Others.revoke_registration,
    "correct the address": Others.correct_address,
    "replace the key of the PIN": Others.replace_pin_key,
    "retire the station": Others.retire_station,
    "retire a question": Others.retire_question,
    "want genuine cards": Others.want_genuine_cards,
    "ask no questions": Others.ask_no_questions,
    "ask questions first": Others.ask_questions_first,
    "use up the attempts": Others.use_up_attempts,
}
