"""An estate with one card whose unblock is cut, and what is found in it afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kiosk.authority.crypto.card_keys import key_from
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.records import Card, new_id
from kiosk.authority.unblock.stored_secrets import open_current, open_kept
from kiosk.contract.messages import (
    CardChallenge,
    CardId,
    Code,
    EnterCode,
    Factor,
    Finished,
    GiveEmail,
    Heartbeat,
    PinChallenge,
    ProvePin,
    Purpose,
    Refusal,
    SendCode,
    SetPin,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardAddress, Cards
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin, VerifyPin
from kiosk.station.events import Replied
from kiosk.station.executor import Actions
from tests.authority.world import World
from tests.cuts.cutter import Cut
from tests.cuts.databases import Base
from tests.cuts.families import Family
from tests.cuts.inspected_card import FIRST_PIN, LATER_PIN, NEW_PIN, ReaderCard
from tests.cuts.stations import STEPS, Line, serve
from tests.support.routes import route_of


@dataclass(frozen=True)
class Moment:
    """What an estate is set back to: a visit that has passed every factor, and its card."""

    name: str
    visit: VisitId
    now: datetime
    reader_card: Any = field(repr=False)


class Estate:
    """A world with one card; ``blocked`` says whether its PIN is, whenever it comes."""

    def __init__(
        self, world: World, base: Base, family: Family, reader_card: ReaderCard, cards: Cards, *,
        blocked: bool,
    ) -> None:  # fmt: skip
        self.world, self.reader_card, self.blocked = world, reader_card, blocked
        self._base, self._family, self._cards = base, family, cards
        serve(world, family)
        self.id = CardId(family.driver, reader_card.identifier)
        self._card = self._registered()
        self.visit = VisitId("")

    def _registered(self) -> Card:
        world, family = self.world, self._family
        label = SealLabel(self.id, SealKind.UNBLOCK, 1)
        sealed = world.parts.sealer.seal(Sensitive(family.secret), label)
        return world.registered_card(
            driver=family.driver, identifier=self.id.identifier, sealed_secret=sealed,
            secret_limit=family.limit,
        )  # fmt: skip

    def record_card_key(self) -> None:
        """Record the key by which the card proves itself without a PIN, as an import does."""
        key = key_from(self._cards.read(self.reader_card.reader).certificate)
        assert key is not None
        with self.world.store.begin() as uow:
            assert uow.cards.record_key(self._card.id, key)
            uow.commit()

    def record_pin_key(self) -> None:
        """Record the key that the card uses only after its PIN, as an import does."""
        asked = PinChallenge(b"which key")
        proof = self._cards.verify_pin(self._at, Sensitive(FIRST_PIN), asked)
        assert proof is not None
        with self.world.store.begin() as uow:
            assert uow.cards.record_pin_key(self._card.id, proof.public_key)
            uow.commit()

    # --- moments ---

    def keep(self, name: str) -> Moment:
        """Remember everything as it is."""
        self.world.store.close()
        self._base.save(name)
        return Moment(name, self.visit, self.world.now, self.reader_card.save())

    def back_to(self, moment: Moment) -> None:
        """Be as it was."""
        self.world.store.close()
        self._base.restore(moment.name)
        self.reader_card.restore(moment.reader_card)
        self.visit, self.world.clock.time = moment.visit, moment.now

    def line(self, cut: Cut | None) -> Line:
        """Say what a station is to do with the visit that is under way."""
        family, world = self._family, self.world
        where = (cut.step, cut.side.value, cut.fault.value) if cut else ()
        return Line(
            str(world.folder), world.url, family.name, world.now.isoformat(),
            self.visit, self.reader_card.reader, self.id.identifier, *where,
        )  # fmt: skip

    @property
    def steps(self) -> list[str]:
        """What the last station that was not killed did."""
        steps: list[str] = json.loads((self.world.folder / STEPS).read_text())["steps"]
        return steps

    # --- visits ---

    def comes(self, station: str) -> Refusal | None:
        """Put the card in, twenty minutes later, and go on until a new PIN is asked for."""
        self.world.clock.forward(minutes=20)
        opened = self._sits_down(station)
        if isinstance(opened, VisitOpened) and self.blocked and not self.reader_card.is_blocked:
            self.reader_card.block()
            opened = self._sits_down(station)
        if isinstance(opened, Refusal):
            return opened
        return self._passes(station)

    def enters_pin(self, station: str) -> None:
        """Put the card in, twenty minutes later, and enter the PIN to change the address."""
        self.world.clock.forward(minutes=20)
        assert isinstance(self._sits_down(station), VisitOpened)
        chosen = self.world.at(station).choose(self.visit, Purpose.CHANGE_EMAIL)
        assert isinstance(chosen, ProvePin)
        actions = Actions(self.world.at(station), self._cards, Heartbeat())
        told = actions.perform(VerifyPin(self.visit, self._at, Sensitive(FIRST_PIN)))
        assert isinstance(told, Replied), told
        assert isinstance(told.reply, GiveEmail | SendCode), told

    def _sits_down(self, station: str) -> VisitOpened | Refusal:
        authority, report = self.world.at(station), self._cards.read(self.reader_card.reader)
        self.visit = VisitId(new_id())
        opened = authority.begin(self.visit, report)
        if not isinstance(opened, CardChallenge):
            return opened
        asked = opened
        proof = self._cards.hold(self._at, lambda held: held.prove(asked))
        return authority.prove(self.visit, proof)

    def _passes(self, station: str) -> Refusal | None:
        authority, visit = self.world.at(station), self.visit
        task = authority.choose(visit, Purpose.UNLOCK)
        if isinstance(task, Refusal):
            return task
        assert isinstance(task, SendCode)
        assert isinstance(
            authority.prepare(visit, "send", Factor.EMAIL_CODE, route_of(task)), EnterCode
        )
        entered = authority.submit(visit, f"{visit}-1", Code(self.world.relay.code))
        assert isinstance(entered, SetPin)
        return None

    def unlocks(self, station: str) -> Finished | Refusal:
        """Set a new PIN without any cut."""
        actions = Actions(self.world.at(station), self._cards, Heartbeat())
        told = actions.perform(UnblockPin(self.visit, self._at, Sensitive(LATER_PIN), "unblock"))
        assert isinstance(told, Replied), told
        assert isinstance(told.reply, Finished | Refusal), told
        assert isinstance(told.reply, Refusal) or self.reader_card.has_pin(LATER_PIN)
        return told.reply

    @property
    def _at(self) -> CardAddress:
        return CardAddress(self.reader_card.reader, self.id)

    # --- what is found ---

    @property
    def has_new_pin(self) -> bool:
        """Whether the station that was cut has unblocked the card."""
        return self.reader_card.has_pin(NEW_PIN)

    @property
    def card(self) -> Card:
        """The card's record as it is now."""
        return self.world.card(self._card)

    @property
    def is_in_order(self) -> bool:
        """Whether nothing waits to be found out, and no try is in doubt."""
        return not self.card.secret_exposure and "pending" not in self.secrets()

    def secrets(self) -> dict[str, str]:
        """Return every secret that the database holds for the card, opened."""
        sealer, card = self.world.parts.sealer, self.card
        with self.world.store.read() as uow:
            assert card.sealed_secret is not None
            found = {"current": open_current(sealer, card, card.sealed_secret).reveal()}
            pending = uow.kept_secrets.pending(card.id)
            if pending is not None:
                found["pending"] = open_kept(sealer, card, pending).reveal()
            for number, kept in enumerate(uow.kept_secrets.former(card.id)):
                found[f"former {number}"] = open_kept(sealer, card, kept).reveal()
            return found
