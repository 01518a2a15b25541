"""What one of two releases does on a shared estate; run with the folder of its program, and an act.

It is given the estate as JSON on its standard input, and prints what it made as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import kiosk
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.verification import sweep, verify_audit
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import AuditKind, ServiceKind
from kiosk.authority.audit.put_back import find
from kiosk.authority.records import AuditQuery, Card
from kiosk.authority.roles import Role
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import (
    Answer,
    CardId,
    EnterCode,
    JournalId,
    Purpose,
    Reason,
    Refusal,
    UnblockDone,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority import world as worlds
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, give, office_beside
from tests.authority.registering import start
from tests.authority.station_visit import ANSWERS, StationVisit, resumed_by
from tests.authority.world import World
from tests.support.release_0_1 import reader_card

CHOSEN = tuple(Answer(number, Sensitive(text)) for number, text in ANSWERS.items())


class Acts:
    def __init__(self, given: dict[str, Any]) -> None:
        self.world = World(Path(given["folder"]), url=given["url"])
        if "now" in given:
            self.world.clock.time = datetime.fromisoformat(given["now"])
        self.given = given

    @cached_property
    def office(self) -> Office:
        return office_beside(self.world, Role.MANAGER)

    @property
    def desk(self) -> AdminDesk:
        return AdminDesk(self.office)

    def end(self, **made: Any) -> dict[str, Any]:
        self.world.store.close()
        return {"now": self.world.now.isoformat(), **made}

    def migrate(self) -> dict[str, Any]:
        return self.end(revision=self.world.store.migrate())

    def finish(self) -> dict[str, Any]:
        kind = ServiceKind.OLDER_ENDED.value
        return self.end(raised=self.world.store.end_older_programs(kind, "admin"))

    # --- it writes all that it can ---

    def registered(self, name: str) -> Card:
        """Add a person with a card, and let them register."""
        world, mark = self.world, self.given["mark"]
        email = f"{name}-{mark}@trust.nhs.uk"
        holder = world.add_holder(number=f"{mark}-{name}", name=f"{name} {mark}", email=email)
        card = world.add_card(holder)
        visit = start(world, card, Purpose.REGISTER)
        visit.authority.save_questions(visit.visit, CHOSEN)
        visit.email(email)
        visit.enter(world.relay.code)
        visit.pull()
        world.clock.forward(seconds=90)
        return card

    def write(self) -> dict[str, Any]:
        """Leave people in every state in which the other release may meet them."""
        world, people = self.world, {}
        cards = {
            name: self.registered(name)
            for name in ("done", "walked", "open", "granted", "failed", "given", "moved", "wrong")
        }
        world.unlock(cards["done"])
        visit = world.insert(cards["walked"], blocked=True)
        visit.to_code()
        people["walked"] = {"code": world.relay.code.reveal()}
        visit.pull()
        visit = world.insert(cards["open"], blocked=True, station="B")
        visit.to_code()
        people["open"] = {"visit": visit.visit, "code": world.relay.code.reveal()}
        visit = world.insert(cards["granted"], blocked=True, station="C")
        visit.to_new_pin()
        people["granted"] = {"visit": visit.visit, "journal": visit.grant().journal}
        visit = world.insert(cards["failed"], blocked=True)
        for _ in range(world.policy.max_failures):
            visit.answer(visit.questions(), wrong=True)
        visit.pull()
        visit = world.insert(cards["wrong"], blocked=True)
        visit.answer(visit.questions(), wrong=True)
        visit.pull()
        people["given"] = {"code": give(self.office, cards["given"]).code.reveal()}
        seen = as_seen(self.office, cards["moved"])
        self.desk.people.correct_email(seen, f"new-{self.given['mark']}@trust.nhs.uk", GROUNDS)
        for name, card in cards.items():
            people.setdefault(name, {}).update(card=card.id, identifier=card.identifier)
        return self.end(people=people)

    # --- the other serves ---

    def serve(self) -> dict[str, Any]:
        """Go on with each of the people whom the other release has left."""
        world = self.world
        visit = self.insert("walked")
        assert resumed_by(visit) is not None, "the code of before does not count"
        self.unlocked(visit, self.given["people"]["walked"]["code"])
        self.unlocked(self.there("open", "B"), self.given["people"]["open"]["code"])
        journal = JournalId(self.given["people"]["granted"]["journal"])
        self.reported(self.there("granted", "C"), journal)
        given = self.insert("given")
        assert isinstance(given.answer(given.questions()), EnterCode)
        self.unlocked(given, self.given["people"]["given"]["code"])
        blocked = self.insert("failed")
        assert isinstance(blocked.opened, Refusal), blocked.opened
        assert blocked.opened.reason is Reason.REGISTRATION_BLOCKED, blocked.opened
        self.desk.people.lift_block(as_seen(self.office, self.card("failed")), GROUNDS)
        world.clock.forward(minutes=2)  # the last code is too fresh for another
        for name in ("done", "moved", "wrong", "failed"):
            self.unlocked(self.insert(name), to_code=True)
        self.read_by_staff()
        return self.end(**self.checked())

    def card(self, name: str) -> Card:
        with self.world.store.read() as uow:
            found = uow.cards.get(self.given["people"][name]["card"])
        assert found is not None
        return found

    def insert(self, name: str) -> StationVisit:
        card = CardId("piv", self.given["people"][name]["identifier"])
        return self.world.insert(card, blocked=True, reader_card=worlds.KNOWN)

    def there(self, name: str, station: str) -> StationVisit:
        """Return the visit that the other release has opened, as its station goes on with it."""
        visit = VisitId(self.given["people"][name]["visit"])
        return StationVisit(
            self.world, visit, VisitOpened(visit, "", ()), worlds.KNOWN, station, attempts=50
        )

    def unlocked(self, visit: StationVisit, code: str = "", *, to_code: bool = False) -> None:
        if to_code:
            assert isinstance(visit.opened, VisitOpened), visit.opened
            visit.to_code()
            code = self.world.relay.code.reveal()
        visit.enter(Sensitive(code))
        self.reported(visit, visit.grant().journal)

    def reported(self, visit: StationVisit, journal: JournalId) -> None:
        visit.authority.record_outcome(visit.visit, journal, UnblockDone())
        entry = self.world.entry(journal)
        assert entry.closed_at is not None, entry
        visit.pull()

    def read_by_staff(self) -> None:
        for name in self.given["people"]:
            holder = self.card(name).holder_id
            with self.world.store.read() as uow:
                number = uow.holders.get(holder)
            assert number is not None
            page = self.desk.people.person(number.id)
            assert page.name == number.name
        assert self.desk.today.look()

    def checked(self) -> dict[str, Any]:
        """Say what the checks of this release find in all that both have written."""
        world = self.world
        altered = sweep(world.store).altered
        verdict = verify_audit(world.store, AnchorSigner(world.ring), (), lambda *_: None)
        with world.store.read() as uow:
            refused = uow.trail.newest(AuditQuery(kind=AuditKind.ROW_ALTERED.value), limit=10)
        return {
            "altered": [*altered, *((one.table, one.row) for one in find(world.store))],
            "refused": [one.detail for one in refused],
            "fault": verdict.fault and verdict.fault.because,
        }

    def try_visit(self) -> dict[str, Any]:
        """Put a card in, in a program that may be too old; say how the authority answers."""
        try:
            opened = self.insert("done").opened
        except AuthorityUnavailable as away:
            return self.end(away=str(away))
        return self.end(refusal=getattr(opened, "reason", None))


def main() -> None:
    assert Path(kiosk.__file__).is_relative_to(sys.argv[1]), kiosk.__file__
    # Both releases have the same cards in their hands.
    worlds.KNOWN = reader_card()
    worlds.KNOWN_KEY, worlds.KNOWN_PIN_KEY = worlds.KNOWN.public, worlds.KNOWN.pin_public
    made = getattr(Acts(json.load(sys.stdin)), sys.argv[2])()
    sys.stdout.write("\n" + json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
