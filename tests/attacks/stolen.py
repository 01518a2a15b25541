"""A thief at the installed program: with a stolen card behind a shim, or with a copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hardware.virtual.link import Chip
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.app.composition.opening import open_store
from kiosk.authority.records import Registration, new_id
from kiosk.contract.messages import (
    Answer,
    CardId,
    CardReport,
    Code,
    Factor,
    Finished,
    PinState,
    Purpose,
    VisitEnd,
    VisitId,
)
from kiosk.contract.policy import mask_email
from kiosk.contract.ports import SystemClock
from kiosk.contract.sensitive import Sensitive
from kiosk.station.states import CodeLack
from screens.words import choices, email
from tests.e2e.people import Person
from tests.e2e.registered import ANSWERS, Yesterday
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import World
from tests.support.hashes import cheap_hashes
from tests.support.routes import route_of

ANY_PIN: Final = "135790"
ONE_TRY: Final = {"code_tries": 1}
"""Policy: a guess at the code spends it, and the next visit begins at the menu."""


def behind(victim: Person, card: Chip, pin: str = ANY_PIN) -> Person:
    """The victim, as the station knows them, with the thief's chip in the reader."""
    return replace(victim, card=card, pin=pin)  # type: ignore[arg-type]


def changes_nothing(world: World, station: Station, thief: Person, card: CardId) -> None:
    """Try both changes; the registration stays as it is, and its holder gets mail of each."""
    before = registration_of(world, card)
    for times, purpose in enumerate((Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL), 1):
        _ends_at_the_known_address(world, station, thief, purpose)
        mail = world.mailbox.wait_for(1, timeout_s=30)
        told = [one for one in mail if "Somebody is changing your" in one.text]
        assert len(told) == times
        assert {one.to for one in told} == {(thief.email,)}
        assert told[-1].subject.startswith("Show that it is you")
    assert registration_of(world, card) == before


def _ends_at_the_known_address(
    world: World, station: Station, thief: Person, purpose: Purpose
) -> None:
    """Choose, enter a PIN: the station asks for a code, and shows no address in full."""
    visitor = Visitor(world, thief, station).comes().chooses(purpose).proves_pin()
    shown = station.see("Show that it is you", mask_email(thief.email))
    assert thief.email not in shown
    assert email.NEW_EMAIL_TITLE not in shown
    assert choices.success(purpose)[0] not in shown
    visitor.enters_code("12345678")
    station.see(email.LACKS[CodeLack.SPENT][0])
    visitor.goes()


def registration_of(world: World, card: CardId) -> Registration:
    """Return what is recorded of the card's holder."""
    store = open_store(world.settings, SystemClock(), {})
    try:
        with store.read() as uow:
            known = uow.cards.find(card)
            found = uow.registrations.of_holder(known.holder.id) if known else None
    finally:
        store.close()
    assert found is not None
    return found


def register_by_name(world: World, whose: Person, card: CardId) -> None:
    """Take somebody in whose card is known by its name, and register them as of yesterday."""
    world.take_in(whose, card)
    with cheap_hashes():
        built = BuiltAuthority(world.settings, world.environ, Yesterday())
    visit = VisitId(new_id())
    try:
        port = built.authority
        port.begin(visit, CardReport(card, PinState(blocked=False)))
        port.choose(visit, Purpose.REGISTER)
        asked = port.pin_verified(visit, None)
        port.prepare(visit, "owner", Factor.EMAIL_CODE, route_of(asked))
        port.submit(visit, "owner", Code(Sensitive(world.read_code(whose.email))))
        given = tuple(Answer(number, Sensitive(text)) for number, text in ANSWERS.items())
        port.save_questions(visit, given)
        done = port.give_email(visit, whose.email, "same")
        assert isinstance(done, Finished), done
        port.end(visit, VisitEnd.FINISHED)
        built.outbox.drain_once()
    finally:
        built.close()
