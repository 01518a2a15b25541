"""Before: anybody could report that a mail came back, and its address was marked as failing."""

from __future__ import annotations

import pytest

from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.mail.bounces import Bounces, Taken, ignored
from kiosk.authority.records import Card, new_id
from kiosk.contract.messages import SetPin
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World
from tests.support.reports import BOUNCES, answer, report

LOCAL, _, DOMAIN = BOUNCES.rpartition("@")


@pytest.fixture
def visit(world: World, card: Card) -> StationVisit:
    """Waits for the code in the newest mail."""
    visit = world.insert(card, blocked=True)
    visit.to_code()
    return visit


def take_in(world: World, raw: bytes) -> Taken:
    return Bounces(world.store, CodeMac(world.ring), BOUNCES).take_in(raw)


def marks(world: World, card: Card) -> set[str]:
    with world.store.read() as uow:
        around = uow.addresses.around(card.holder_id)
    assert around is not None
    return {one.bounce for one in around[2]}


def test_report_without_a_right_tag_marks_nothing_and_is_counted(
    world: World, card: Card, visit: StationVisit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The id of a mail is no secret: of a code it is in the audit, and so at the collector."""
    with world.store.read() as uow:
        code_id = next(e.detail["code"] for e in reversed(world.events()) if "code" in e.detail)
        assert uow.codes.get(str(code_id)) is not None
    foreign = KeyRing.create(tmp_path_factory.mktemp("foreign") / "keys.json")
    right, forged = world.relay.sent[-1].tag, CodeMac(foreign).mail_tag(str(code_id))
    assert right[:26] == forged[:26], "the id is right"
    tags = forged, right[:26] + forged[26:], right[:-1], right + "0", new_id(), ""
    paths = [f"{LOCAL}+{tag}@{DOMAIN}" for tag in tags]
    for to in (*paths, BOUNCES, EMAIL, f"{LOCAL}+{right}@elsewhere.example"):
        assert take_in(world, report(to)) is Taken.NO_TAG, to
    with world.store.read() as uow:
        assert ignored(uow) == len(paths) + 3
    assert marks(world, card) == {""}
    assert "mail-failed" not in world.kinds()


def test_tag_of_one_mail_is_none_of_another_persons(
    world: World, card: Card, visit: StationVisit
) -> None:
    mine = world.relay.sent[-1].tag
    other = world.add_holder(number="900123456780", email="jo@trust.nhs.uk")
    world.register(other, email="jo@trust.nhs.uk")
    theirs = world.add_card(other)
    world.insert(theirs, blocked=True).to_code()
    to = f"{LOCAL}+{world.relay.sent[-1].tag[:26]}{mine[26:]}@{DOMAIN}"
    assert take_in(world, report(to)) is Taken.NO_TAG
    assert marks(world, theirs) == {""}


def test_report_by_somebody_who_has_seen_the_mail_bars_nothing(
    world: World, card: Card, visit: StationVisit
) -> None:
    """They read the return path in it. Its holder reads that mail may fail, and goes on."""
    to = f"{LOCAL}+{world.relay.sent[-1].tag}@{DOMAIN}"
    assert take_in(world, report(to)) is Taken.FAILING
    code = world.relay.code
    assert isinstance(visit.enter(code), SetPin)
    assert marks(world, card) == {""}, "the entry shows that the mail arrived"
    visit.pull()
    world.clock.forward(hours=2)
    again = world.insert(card, blocked=True)
    again.to_code()
    assert take_in(world, report(f"{LOCAL}+{world.relay.sent[-1].tag}@{DOMAIN}")) is Taken.FAILING
    again.pull()
    world.clock.forward(hours=2)
    later = world.insert(card, blocked=True)
    page = later.to_code()
    assert page.sent_to is not None
    assert page.sent_to.may_fail
    assert isinstance(later.enter(world.relay.code), SetPin), "a code still goes there"


def test_answer_of_a_mailbox_to_the_return_path_marks_nothing(
    world: World, card: Card, visit: StationVisit
) -> None:
    to = f"{LOCAL}+{world.relay.sent[-1].tag}@{DOMAIN}"
    assert take_in(world, answer(to)) is Taken.NOTHING
    assert marks(world, card) == {""}
