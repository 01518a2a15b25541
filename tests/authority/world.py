"""A small estate on a real database, with a relay and a clock that obey the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from kiosk.authority.addresses import Addresses, read_addresses
from kiosk.authority.crypto.derivation import FollowingSecrets
from kiosk.authority.crypto.hashing import AnswerHasher, Cost
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import AuditMacs, CodeMac, KeyedRowMacs
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import MailError
from kiosk.authority.mail.compose import Message
from kiosk.authority.records import (
    AuditEvent,
    AuditQuery,
    Card,
    Cardholder,
    CardStatus,
    EmailCode,
    OutboxMessage,
    PinPolicy,
    Proof,
    Registration,
    StaffCard,
    StaffMember,
    Station,
    UnblockEntry,
    Visit,
    new_id,
)
from kiosk.authority.roles import Role
from kiosk.authority.service import LocalAuthority
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store
from kiosk.authority.store.tables import UnblockRow
from kiosk.authority.visit.factors import FACTORS
from kiosk.config.settings import CardSettings, Settings, stored_secrets
from kiosk.contract.language import Language
from kiosk.contract.messages import (
    CardChallenge,
    CardId,
    CardReport,
    Factor,
    JournalId,
    PinState,
    Purpose,
    UnblockDone,
    VisitId,
)
from kiosk.contract.policy import Policy
from kiosk.contract.ports import Clock
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.station_visit import ANSWERS, StationVisit
from tests.authority.store.samples import (
    put_registered,
    recorded_addresses,
    registered_address,
)
from tests.support.database import SetClock, sqlite_url
from tests.support.stored import live_code, stored

CHEAP = Cost(memory_kib=32, passes=1, lanes=1)
STAFF = "ra@trust.nhs.uk"
PUK = "73019264"
SECRET_KINDS = stored_secrets(Settings(cards=CardSettings(openpgp_secret="admin-pin")))
QUESTIONS = {number: f"Question {number}?" for number in range(1, 9)}
EMAIL = "asha@trust.nhs.uk"


KNOWN = ReaderCard()
KNOWN_KEY, KNOWN_PIN_KEY = KNOWN.public, KNOWN.pin_public
"""The keys of every card that a test puts in without saying more."""


def compose(
    *,
    to: str,
    purpose: Purpose,
    holder_name: str,
    code: Sensitive,
    minutes: int,
    language: Language | None,
    proves_owner: bool,
    stop_number: str,
    scan: Sensitive,
) -> Message:
    """Write the code, and nothing else, as the text, and the stop number as the other part.

    The picture are the digits of the QR code.
    """
    subject = f"{purpose.value} {holder_name} {minutes}"
    picture = scan.reveal().encode()
    return Message(to, subject, code.reveal(), stop_number, secret=True, picture=picture)


@dataclass
class Relay:
    """Takes every message, or fails as it is told to; ``on_send`` runs before it takes one."""

    sent: list[Message] = field(default_factory=list)
    failure: MailError | None = None
    on_send: Callable[[], object] | None = None
    checks: int = 0

    def send(self, message: Message) -> None:
        if self.on_send is not None:
            self.on_send()
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)

    def check(self) -> None:
        self.checks += 1
        if self.failure is not None:
            raise self.failure

    @property
    def code(self) -> Sensitive:
        """The code in the newest mail."""
        return Sensitive(self.sent[-1].text)


class World:
    """The authority on the database in ``folder``; opened twice, it is two processes' worth."""

    def __init__(
        self,
        folder: Path,
        *,
        hasher: AnswerHasher | None = None,
        busy_timeout_s: float = 5.0,
        url: str = "",
        time: Clock | None = None,
    ) -> None:
        keys = folder / "keys.json"
        ring = KeyRing.load(keys) if keys.exists() else KeyRing.create(keys)
        self.folder = folder
        self.ring = ring
        self.clock = SetClock()
        self._time: Clock = time or self.clock
        self.relay = Relay()
        self.secret_kinds = SECRET_KINDS
        self.policy = Policy(code_gap=timedelta(seconds=60), visits_a_minute=1000)
        self.reader_cards: dict[str, ReaderCard] = {}
        self.url = url = url or sqlite_url(folder / "kiosk.db")
        self.macs = KeyedRowMacs.of(ring)
        self.store = Store(
            url,
            self._time,
            self.macs,
            busy_timeout_s=busy_timeout_s,
            pool_size=50,
            audit_macs=AuditMacs(lambda: self.ring),
        )
        self.hasher = hasher or AnswerHasher(ring, CHEAP)
        self.parts = self._parts()
        self.authority = LocalAuthority(self.parts)

    def _parts(self) -> Dependencies:
        return Dependencies(
            store=self.store,
            policy=lambda: self.policy,
            clock=self._time,
            sealer=Sealer(self.ring),
            hasher=self.hasher,
            codes=CodeMac(self.ring),
            mailer=self.relay,
            compose=compose,
            secret_kinds=self.secret_kinds,
            station=StationIdentity("A"),
            source=FollowingSecrets(self.ring),
            factors=FACTORS,
            staff_addresses=(STAFF,),
        )

    def restart(self) -> None:
        """Forget everything that is not in the database."""
        self.parts = self._parts()
        self.authority = LocalAuthority(self.parts)

    def at(self, station: str) -> LocalAuthority:
        """Return the authority as a station has it; ``authority`` is the one of station A."""
        return self.authority.seen_by(StationIdentity(station))

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # --- people and cards ---

    def add_holder(self, **changes: object) -> Cardholder:
        """Record a person; ``email`` None leaves them without an address."""
        email = changes.pop("email", EMAIL)
        holder = Cardholder(new_id(), "900123456789", "Asha Okafor")
        changed: Cardholder = replace(holder, **changes)  # type: ignore[arg-type]
        addresses = recorded_addresses(changed, str(email), self.now) if email else []
        with self.store.begin() as uow:
            uow.questions.sync(QUESTIONS, self.now)
            uow.holders.put([changed], addresses)
            uow.commit()
        return replace(changed, address_id=addresses[0].id if addresses else None)

    def add_card(self, holder: Cardholder, **changes: object) -> Card:
        """Record a card; without more, its key of the PIN is declared to need the PIN."""
        declared = PinPolicy.ONCE
        plain = Card(new_id(), holder.id, "piv", new_id(), secret_limit=5, pin_policy=declared)
        card: Card = replace(plain, **changes)  # type: ignore[arg-type]
        if "sealed_secret" not in changes:
            label = SealLabel(CardId(card.driver, card.identifier), SealKind.UNBLOCK, 1)
            card = replace(card, sealed_secret=self.parts.sealer.seal(Sensitive(PUK), label))
        self.put_card(card)
        return card

    def put_card(self, card: Card) -> None:
        with self.store.begin() as uow:
            uow.cards.put([card])
            if card.status is CardStatus.REVOKED:
                uow.cards.revoke(card.id)
            uow.commit()

    def register(self, holder: Cardholder, **changes: object) -> Registration:
        """Write a registration with ``ANSWERS``, as the flow would.

        ``unconfirmed_since``: when staff set the address, which no code has confirmed since.
        """
        email, unconfirmed = changes.pop("email", EMAIL), changes.pop("unconfirmed_since", None)
        given = {number: Sensitive(text) for number, text in ANSWERS.items()}
        hashes = sum((self.hasher.hash_sets(holder.id, given, size) for size in (2, 3, 4)), ())
        address = registered_address(holder.id, str(email), self.now)
        if isinstance(unconfirmed, datetime):
            address = replace(address, effective_from=unconfirmed, confirmed_at=None)
        plain = Registration(holder.id, address.id, tuple(ANSWERS), hashes, self.now)
        plain = replace(plain, proven=True)
        registration: Registration = replace(plain, **changes)  # type: ignore[arg-type]
        with self.store.begin() as uow:
            put_registered(uow, registration, address)
            uow.commit()
        return registration

    def registered_card(self, **changes: object) -> Card:
        holder = self.add_holder()
        self.register(holder)
        return self.add_card(holder, **changes)

    def officers_card(self, card: Card, role: Role = Role.TECHNICIAN) -> StaffMember:
        """Make a card that of a member of staff, with the key that it is known by."""
        member = StaffMember(new_id(), "Sam Reed", role, self.now)
        key = self.known_reader_card(card).pin_public
        with self.store.begin() as uow:
            uow.staff.add(member)
            uow.staff.add_card(StaffCard(card.id, member.id, key, self.now))
            uow.commit()
        return member

    def retire_station(self, name: str) -> None:
        """Let a station serve nobody, as staff do; it need not have been heard of before."""
        with self.store.begin() as uow:
            uow.stations.seen(Station(name, self.now))
            uow.stations.retire(name, self.now)
            uow.commit()

    # --- what is recorded ---

    def registration(self, card: Card) -> Registration:
        with self.store.read() as uow:
            found = uow.registrations.of_holder(card.holder_id)
        assert found is not None
        return found

    def addresses_of(self, card: Card) -> Addresses:
        with self.store.read() as uow:
            return read_addresses(uow, card.holder_id)

    def registered_email(self, card: Card) -> str:
        """Return where the holder's codes go."""
        registered = self.addresses_of(card).registered
        assert registered is not None
        return registered.value

    def entry(self, journal: JournalId) -> UnblockEntry:
        with self.store.read() as uow:
            found = stored(uow, UnblockRow, UnblockEntry, id=journal)
        assert found is not None
        return found

    def live_code(self, card: Card) -> EmailCode | None:
        with self.store.read() as uow:
            return live_code(uow, card.id)

    def card(self, card: Card) -> Card:
        with self.store.read() as uow:
            found = uow.cards.get(card.id)
        assert found is not None
        return found

    def unlock(self, card: Card, reader_card: ReaderCard | None = None) -> None:
        """Go the whole way from a blocked PIN to a new one."""
        station_visit = self.insert(card, blocked=True, reader_card=reader_card)
        station_visit.to_new_pin()
        grant = station_visit.grant()
        self.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
        station_visit.pull()

    def visit(self, station_visit: StationVisit) -> Visit:
        with self.store.read() as uow:
            found = uow.visits.get(station_visit.visit)
        assert found is not None
        return found

    def proofs(self, station_visit: StationVisit) -> dict[Factor, Proof]:
        """Return what was passed in a visit."""
        with self.store.read() as uow:
            found = uow.proofs.of_visit(station_visit.visit)
        return {proof.factor: proof for proof in found}

    def events(self) -> tuple[AuditEvent, ...]:
        with self.store.read() as uow:
            return tuple(reversed(uow.trail.newest(AuditQuery(), limit=10_000)))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events()]

    def outbox(self) -> list[OutboxMessage]:
        """Take what waits to be mailed."""
        with self.store.begin() as uow:
            return list(uow.outbox.claim_due(100, timedelta(hours=1)))

    # --- station_visits ---

    def known_reader_card(self, card: Card) -> ReaderCard:
        """Return a card whose keys are recorded; one of a family without proof has none."""
        if card.driver != "piv" or len(card.identifier) != 32:
            return KeylessCard()
        if card.id not in self.reader_cards:
            self.reader_cards[card.id] = ReaderCard(
                key=KNOWN.key, shows=KNOWN.shows, pin_key=KNOWN.pin_key
            )
            with self.store.begin() as uow:
                uow.cards.record_key(card.id, KNOWN_KEY)
                uow.cards.record_pin_key(card.id, KNOWN_PIN_KEY)
                uow.commit()
        return self.reader_cards[card.id]

    def insert(
        self,
        card: Card | CardId,
        *,
        blocked: bool = False,
        station: str = "A",
        reader_card: ReaderCard | None = None,
        secret_tries: int | None = None,
        secret_kind: str | None = None,
    ) -> StationVisit:
        """Put a card in at a station; without ``reader_card`` it is one whose keys are recorded."""
        if reader_card is None:
            reader_card = self.known_reader_card(card) if isinstance(card, Card) else KeylessCard()
        named = card if isinstance(card, CardId) else CardId(card.driver, card.identifier)
        visit = VisitId(new_id())
        report = CardReport(
            named,
            PinState(blocked),
            certificate=reader_card.shows,
            secret_tries=secret_tries,
            secret_kind=secret_kind,
        )
        authority = self.at(station)
        opened = authority.begin(visit, report)
        if isinstance(opened, CardChallenge):
            opened = authority.prove(visit, reader_card.answer(opened))
        return StationVisit(self, visit, opened, reader_card, station)


def copy_template(template: Path, folder: Path) -> Path:
    shutil.copy(template, folder / "kiosk.db")
    return folder
