"""Unlocking with secrets that derive from a master key: nothing of them is kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from kiosk.authority.administration.resealing import secrets_by
from kiosk.authority.crypto.derivation import Derivation, DerivedSecrets, Masters, unblock_secret
from kiosk.authority.crypto.keys import KeyPurpose
from kiosk.authority.crypto.sealing import Sealer, SealKind, SealLabel
from kiosk.authority.crypto.token import TokenMasters
from kiosk.authority.errors import KeysUnavailable
from kiosk.authority.records import Card, Cardholder, NamedKey, new_id
from kiosk.authority.service import Health, LocalAuthority
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import TableRow
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import CardId, Finished, UnblockDone, UnblockUnknown
from kiosk.contract.sensitive import Sensitive
from tests.authority import admin_key_card
from tests.authority.crypto.test_deriving import cmac
from tests.authority.crypto.token.hsm import Hsm
from tests.authority.station_visit import ready
from tests.authority.unblock.test_rotating import WRONG, Unlocked, record_outcome, unlock
from tests.authority.world import World
from tests.support.stored import live_code

MASTER = "derive-0001-test"


@dataclass
class Place(TokenMasters):
    """A token that is away when the test says so; ``asked`` are the MACs that it made.

    ``fails_in`` counts the calls until one fails.
    """

    away: bool = False
    keys: tuple[str, ...] = (MASTER,)
    fails_in: int = 0
    asked: list[bytes] = field(default_factory=list)

    def ids(self) -> tuple[str, ...]:
        self._respond()
        return self.keys

    def cmac(self, key_id: str, message: bytes) -> bytes:
        self._respond()
        assert key_id == MASTER
        self.asked.append(message)
        return cmac(message)

    def close(self) -> None:
        self.away = True

    def _respond(self) -> None:
        self.fails_in -= 1
        if self.away or self.fails_in == 0:
            raise KeysUnavailable("the token is away")


def derive(world: World, token: TokenMasters | None = None) -> Masters:
    """Let the authority derive its secrets, from a token's keys or those of the key file."""
    if token is None:
        world.ring = world.ring.with_new(KeyPurpose.DERIVE)
    masters = Masters(world.ring, token)
    sealer, source = Sealer(world.ring, masters), DerivedSecrets(masters)
    world.parts = replace(world.parts, sealer=sealer, source=source)
    world.authority = LocalAuthority(world.parts)
    return masters


def issued(world: World) -> Card:
    """A registered card that was personalised from the master key."""
    masters, named = world.parts.sealer.masters, CardId("piv", new_id())
    label = SealLabel(named, SealKind.UNBLOCK, 1)
    sealed = world.parts.sealer.seal(Derivation(masters.current()), label)
    return world.registered_card(
        identifier=named.identifier, sealed_secret=sealed, secret_generation=0
    )


def secret_of(world: World, card: Card, generation: int) -> str:
    masters = world.parts.sealer.masters
    how = Derivation(masters.current(), generation)
    return masters.derive(how, CardId(card.driver, card.identifier)).reveal()


def number_of(world: World, card: Card) -> int:
    """Return which secret was derived for a card last."""
    number = world.card(card).secret_generation
    assert number is not None
    return number


def everything(world: World) -> str:
    """Return all that the database holds, and on SQLite its files as they lie on the disk."""
    with sa.create_engine(parse_url(world.url), poolclass=sa.NullPool).connect() as connection:
        rows = [
            list(connection.execute(table.select())) for table in TableRow.metadata.sorted_tables
        ]
    files = [path for path in world.folder.iterdir() if path.name.startswith("kiosk.db")]
    return repr(rows) + "".join(path.read_bytes().decode("latin-1") for path in files)


def again(world: World, unlocked: Unlocked) -> Unlocked:
    back = unlocked.again()
    grant = back.grant()
    assert isinstance(record_outcome(back, grant, UnblockDone()), Finished)
    return Unlocked(world, unlocked.card, back, grant)


def test_a_card_unlocks_from_its_issue_on_and_nothing_of_its_secrets_is_kept(
    each_world: World,
) -> None:
    world = each_world
    derive(world)
    card = issued(world)
    unlocked = unlock(world, card)
    shown = [unlocked.grant.secret.reveal()]
    numbers = [0]
    for _ in range(3):
        new = unlocked.rotate_secret()
        assert new is not None
        assert new == unlocked.rotate_secret()
        numbers.append(number_of(world, card))
        assert new.reveal() == secret_of(world, card, numbers[-1])
        unlocked.tell(UnblockDone())
        unlocked = again(world, unlocked)
        assert unlocked.grant.secret == new
        shown.append(new.reveal())
    assert shown == [secret_of(world, card, number) for number in numbers]
    assert numbers == sorted(set(numbers))
    assert len(set(shown)) == 4
    with world.store.read() as uow:
        assert secrets_by(uow, NamedKey.MASTER) == {world.parts.sealer.masters.current(): 4}
        assert uow.audit.verify().intact
    drawn = [event.detail for event in world.events() if event.kind == "secret-drawn"]
    assert {told["derived_from"] for told in drawn} == {world.parts.sealer.masters.current()}
    kept = everything(world)
    assert card.identifier in kept
    assert not any(secret in kept for secret in shown)


def test_an_estate_is_switched_from_sealed_secrets_to_derived_ones(world: World) -> None:
    card = world.registered_card()
    derive(world)
    unlocked = unlock(world, card)
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockDone())
    assert again(world, unlocked).grant.secret == new
    now = world.card(card)
    assert now.sealed_secret is not None
    assert now.sealed_secret.derived_from == world.parts.sealer.masters.current()
    assert new.reveal() == secret_of(world, card, number_of(world, card))


def test_estate_is_switched_back_from_derived_to_sealed_secrets(world: World) -> None:
    derive(world)
    unlocked = unlock(world, issued(world))
    sealer = world.parts.sealer
    world.restart()  # derives no new ones any more; what derives goes on doing so
    world.parts = replace(world.parts, sealer=sealer)
    world.authority = LocalAuthority(world.parts)
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockDone())
    assert again(world, unlocked).grant.secret == new
    now = world.card(unlocked.card).sealed_secret
    assert now is not None
    assert now.derived_from == ""


@pytest.mark.parametrize("took_it", [True, False])
def test_a_change_that_was_torn_is_settled_with_derived_secrets(
    each_world: World, took_it: bool
) -> None:
    """The new one first; where it is wrong the other at once, and both are known again."""
    world = each_world
    derive(world)
    unlocked = unlock(world, issued(world))
    old = unlocked.grant.secret
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockUnknown())
    back = unlocked.again()
    grant = back.grant()
    assert grant.secret == new
    if not took_it:
        record_outcome(back, grant, WRONG)
        grant = back.grant()
        assert grant.secret == old
    assert isinstance(record_outcome(back, grant, UnblockDone()), Finished)
    right, wrong = (new, old) if took_it else (old, new)
    assert unlocked.secrets() == (right.reveal(), None, [wrong.reveal()])
    before = number_of(world, unlocked.card)
    third = Unlocked(world, unlocked.card, back, grant).rotate_secret()
    assert third is not None
    number = number_of(world, unlocked.card)
    assert number > before, "no generation comes twice"
    assert third.reveal() == secret_of(world, unlocked.card, number)


def test_a_card_proves_an_admin_key_that_derives(world: World) -> None:
    """The key is made for each exchange, and is nowhere but in the card."""
    derive(world)
    identifier, masters = new_id(), world.parts.sealer.masters
    how, named = Derivation(masters.current()), CardId("gids", identifier)
    sealed = world.parts.sealer.seal(how, SealLabel(named, SealKind.UNBLOCK, 1))
    card = admin_key_card.registered(world, identifier=identifier, sealed_secret=sealed)
    station_visit, chip = (
        ready(world, card),
        admin_key_card.Chip(masters.derive(how, named).reveal()),
    )
    grant = admin_key_card.granted(station_visit, chip)
    assert chip.takes(grant.cryptogram)
    assert admin_key_card.admitted(station_visit, grant.journal, chip) is None


def test_an_authority_that_is_to_derive_and_has_no_master_key_is_not_well(world: World) -> None:
    """It could unlock, but would leave a secret that was used as it is, and nobody would know."""
    derive(world, Place(keys=()))
    assert world.authority.health.check() == Health(store=True, mail=True, keys=False)


# --- a token that is away --------------------------------------------------------------


@pytest.fixture
def place(world: World) -> Place:
    place = Place()
    derive(world, place)
    return place


def test_a_token_that_is_away_when_the_secret_is_wanted_costs_nothing(
    world: World, place: Place
) -> None:
    card = issued(world)
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    before = everything_recorded(world, card)
    place.away = True
    for _ in range(2):
        with pytest.raises(AuthorityUnavailable, match="away"):
            station_visit.grant()
    assert everything_recorded(world, card) == before
    assert world.authority.health.check() == Health(store=True, mail=True, keys=False)
    place.away = False
    assert station_visit.grant().secret.reveal() == secret_of(world, card, 0)
    assert world.authority.health.check().keys


def everything_recorded(world: World, card: Card) -> tuple[object, ...]:
    with world.store.read() as uow:
        return world.card(card), uow.journal.open_for(card.id), live_code(uow, card.id)


def test_a_token_that_is_away_when_another_is_drawn_leaves_the_card_as_it_is(
    world: World, place: Place
) -> None:
    unlocked = unlock(world, issued(world))
    place.away = True
    with pytest.raises(AuthorityUnavailable):
        unlocked.rotate_secret()
    with world.store.read() as uow:
        assert uow.kept_secrets.pending(unlocked.card.id) is None
    assert world.card(unlocked.card).secret_generation == 0
    place.away = False
    assert again(world, unlocked).grant.secret == unlocked.grant.secret


def test_what_became_of_a_change_is_written_down_without_the_token(
    world: World, place: Place
) -> None:
    """A station that tells late, or a card that is seen again, does not wait for it."""
    unlocked = unlock(world, issued(world))
    assert unlocked.rotate_secret() is not None
    place.away, asked = True, len(place.asked)
    unlocked.tell(UnblockDone())
    place.away = False
    assert len(place.asked) == asked
    drawn = secret_of(world, unlocked.card, number_of(world, unlocked.card))
    assert again(world, unlocked).grant.secret.reveal() == drawn


def test_a_token_that_fails_at_any_one_call_loses_no_card(world: World, place: Place) -> None:
    """Each call of two unlocks in turn, with the change of the secret after each."""
    holder = world.add_holder()
    world.register(holder)
    for call in count(1):
        card = issued_to(world, holder)
        has = unblock_secret(cmac, CardId(card.driver, card.identifier), 0)
        place.fails_in = call
        for _ in range(2):
            has = unlocks_and_changes(world, card, has)
        if place.fails_in > 0:
            break  # there are fewer calls than that
    assert call > 6, "each unlock has the secret, which key is current, and the next secret"
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def issued_to(world: World, holder: Cardholder) -> Card:
    named = CardId("piv", new_id())
    sealed = world.parts.sealer.seal(Derivation(MASTER), SealLabel(named, SealKind.UNBLOCK, 1))
    return world.add_card(holder, identifier=named.identifier, sealed_secret=sealed)


def unlocks_and_changes(world: World, card: Card, has: Sensitive) -> Sensitive:
    """Unlock a card that has that secret; what is away is asked once more. Return what it has."""
    world.clock.forward(hours=1)
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    try:
        grant = station_visit.grant()
    except AuthorityUnavailable:
        grant = station_visit.grant()
    assert grant.secret == has
    assert isinstance(record_outcome(station_visit, grant, UnblockDone()), Finished)
    unlocked = Unlocked(world, card, station_visit, grant)
    try:
        new = unlocked.rotate_secret()
    except AuthorityUnavailable:
        new = None
    if new is not None:
        unlocked.tell(UnblockDone())
    station_visit.pull()
    return new or has


def test_a_whole_unlock_with_a_token(world: World, tmp_path: Path) -> None:
    hsm = Hsm(tmp_path / "softhsm")
    hsm.masters().add()
    derive(world, hsm.masters())
    unlocked = unlock(world, issued(world))
    new = unlocked.rotate_secret()
    assert new is not None
    unlocked.tell(UnblockDone())
    last = again(world, unlocked)
    hsm.close()  # the processes end, and are started again
    assert last.grant.secret == new
    assert last.rotate_secret() is not None
    hsm.close()


def test_nobody_waits_for_a_token_that_hangs_when_it_is_asked_first(world: World) -> None:
    """It is asked before the card's transaction begins: others could not write meanwhile."""
    place = Hanging(world=world)
    derive(world, place)
    station_visit = world.insert(issued(world), blocked=True)
    station_visit.to_new_pin()
    place.waits = True
    with pytest.raises(AuthorityUnavailable, match="away"):
        station_visit.grant()
    assert place.others == 1


@dataclass
class Hanging(Place):
    """A token that gives no answer; somebody else writes something while it is waited for."""

    world: World = field(kw_only=True)
    waits: bool = False
    others: int = 0

    def _respond(self) -> None:
        if not self.waits:
            return
        if not self.away:
            self.world.add_holder(number="another")
            self.others, self.away = self.others + 1, True
        super()._respond()


def test_no_secret_is_made_again_where_the_database_forgot_that_it_was(world: World) -> None:
    """The person was erased, and their card recorded anew; a restored backup is no other."""
    derive(world)
    card = issued(world)
    unlocked = unlock(world, card)
    new = unlocked.rotate_secret()
    with world.store.begin() as uow:
        assert uow.holders.erase(card.holder_id)
        uow.commit()
    world.clock.forward(hours=1)
    same = world.registered_card(
        identifier=card.identifier, sealed_secret=card.sealed_secret, secret_generation=0
    )
    assert unlock(world, same).rotate_secret() not in (None, new)
