"""Mail that came back or is late: read from the reports of relays, said to holder and staff."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace as with_parts
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kiosk.authority.administration import checks
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.facts import CodesGoTo
from kiosk.authority.mail.bounces import BELIEVED, MOST_BYTES, Bounces, Taken, ignored, status_of
from kiosk.authority.mail.outbox import OutboxWorker
from kiosk.authority.mail.smtp import SmtpMailer
from kiosk.authority.people_groups import PeopleGroup, PeopleOrder
from kiosk.authority.records import LATE_FOR, Card
from kiosk.authority.roles import Role
from kiosk.authority.service import LocalAuthority
from kiosk.config.settings import MailSettings
from kiosk.contract.findings import Condition
from kiosk.contract.messages import EnterCode, SetPin
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.mail.test_outbox import compose
from tests.authority.station_visit import StationVisit
from tests.authority.visit.test_several_routes import PRIVATE, add, asked
from tests.authority.world import EMAIL, World
from tests.support.reports import BOUNCES, answer, report
from tests.support.smtp import BouncingMailbox, relay_to, running


def bounces(world: World, folder: Path | None = None) -> Bounces:
    return Bounces(world.store, CodeMac(world.ring), BOUNCES, folder)


def return_path(tag: str) -> str:
    local, _, domain = BOUNCES.rpartition("@")
    return f"{local}+{tag}@{domain}"


def waiting(world: World, card: Card) -> tuple[StationVisit, EnterCode]:
    visit = world.insert(card, blocked=True)
    return visit, visit.to_code()


def come_back(world: World, status: str = "5.1.1", action: str = "failed") -> Taken:
    """Let the newest mail come back."""
    to = return_path(world.relay.sent[-1].tag)
    return bounces(world).take_in(report(to, status, action))


def marked(world: World, card: Card) -> list[str]:
    """Return the status of each address of a card's holder."""
    with world.store.read() as uow:
        found = uow.addresses.around(card.holder_id)
    assert found is not None
    return sorted(one.bounce for one in found[2] if one.value == EMAIL)


def may_fail(world: World, card: Card) -> bool:
    """Return what the page of the code says at the next visit."""
    world.clock.forward(hours=2)
    visit, page = waiting(world, card)
    visit.pull()
    assert page.sent_to is not None
    return page.sent_to.may_fail


# --- reports -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "status", "found"),
    [
        ("failed", "5.1.1", "5.1.1"),
        ("Failed", " 5.2.2 (mailbox full)", "5.2.2"),
        ("failed", "4.4.7", "4.4.7"),
        ("delayed", "4.4.1", "4.4.1"),
        ("delayed", "5.4.1", "4.4.1"),
        ("delivered", "2.0.0", ""),
        ("relayed", "2.0.0", ""),
        ("expanded", "5.1.1", ""),
        ("failed", "2.0.0", ""),
        ("failed", "5.1", ""),
        ("failed", "550 5.1.1", ""),
        ("failed", "5.1234.1", ""),
    ],
)
def test_report_says_by_action_and_status_what_became_of_a_mail(
    action: str, status: str, found: str
) -> None:
    assert status_of(report("x@y", status, action)) == found


def test_report_of_several_recipients_fails_where_all_of_them_do() -> None:
    assert status_of(report("x@y", "5.1.1", more=(("failed", "5.2.2"),))) == "5.1.1"
    assert status_of(report("x@y", "5.1.1", more=(("delayed", "4.4.1"),))) == "4.4.1"
    assert status_of(report("x@y", "5.1.1", more=(("delivered", "2.0.0"),))) == ""


def test_report_within_a_mail_that_is_quoted_is_none() -> None:
    inner = report("x@y", "5.1.1").decode().replace("===", "+++")
    quoted = inner.encode()
    assert status_of(report("x@y", "2.0.0", "delivered", original=quoted)) == ""
    assert status_of(answer("x@y")) == ""


@given(st.binary(max_size=400))
def test_report_of_any_bytes_is_read_without_an_error(raw: bytes) -> None:
    assert status_of(raw) == ""


@given(st.integers(0, 1500), st.binary(max_size=30))
def test_report_with_bytes_in_it_has_a_status_or_none(at: int, put: bytes) -> None:
    whole = report("x@y", "5.1.1")
    found = status_of(whole[:at] + put + whole[at:])
    assert re.fullmatch(r"|[45]\.\d{1,3}\.\d{1,3}", found), found


def test_report_of_parts_in_parts_without_end_is_none() -> None:
    head = b"Content-Type: multipart/report; boundary=a%d\r\n\r\n--a%d\r\n"
    assert status_of(b"".join(head % (n, n) for n in range(5000))) == ""


def test_report_that_postfix_wrote_is_taken_in(world: World, card: Card) -> None:
    """As Postfix 3.10.13 delivered it to a maildir, but for the names of its machine."""
    waiting(world, card)
    written = (Path(__file__).parent / "postfix-report.eml").read_text()
    raw = written.replace("{to}", return_path(world.relay.sent[-1].tag)).encode()
    assert bounces(world).take_in(raw) is Taken.FAILING
    assert marked(world, card) == ["5.2.2", "5.2.2"]


# --- tags ----------------------------------------------------------------------------------


def test_return_path_has_room_for_the_tag_in_an_address(world: World) -> None:
    tag = CodeMac(world.ring).mail_tag("f" * 32)
    assert len(return_path(tag).partition("@")[0]) <= 64
    assert tag == tag.lower()


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.create(tmp_path_factory.mktemp("keys") / "keys.json")


@given(st.integers(0, 41), st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz"))
def test_tag_with_another_sign_is_of_no_mail(ring: KeyRing, at: int, sign: str) -> None:
    codes, mail_id = CodeMac(ring), "0123456789abcdef" * 2
    tag = codes.mail_tag(mail_id)
    other = tag[:at] + sign + tag[at + 1 :]
    assert codes.mail_of(other) == (mail_id if other == tag else None)
    assert codes.mail_of(tag.upper()) == mail_id, "some relays write capitals"


def test_tag_is_read_after_the_key_was_changed(world: World) -> None:
    tag = CodeMac(world.ring).mail_tag("a" * 32)
    assert CodeMac(world.ring.with_new(KeyPurpose.CODE_MAC)).mail_of(tag) == "a" * 32


# --- what is marked ------------------------------------------------------------------------


def test_mail_that_came_back_marks_its_address_and_the_page_says_so(
    world: World, card: Card
) -> None:
    visit, page = waiting(world, card)
    assert page.sent_to is not None
    assert not page.sent_to.may_fail
    visit.pull()
    assert come_back(world) is Taken.FAILING
    assert marked(world, card) == ["5.1.1", "5.1.1"], "as recorded and as registered"
    assert may_fail(world, card)
    assert world.kinds().count("mail-failed") == 1
    assert come_back(world, "5.2.2") is Taken.FAILING
    assert world.kinds().count("mail-failed") == 1, "it was known"


def test_code_that_is_entered_takes_the_mark_off(world: World, card: Card) -> None:
    visit, _ = waiting(world, card)
    come_back(world)
    assert isinstance(visit.enter(world.relay.code), SetPin)
    assert marked(world, card) == ["", ""]
    assert not may_fail(world, card)


def test_late_mail_is_said_for_a_day_and_is_no_failure(world: World, card: Card) -> None:
    visit, _ = waiting(world, card)
    visit.pull()
    assert come_back(world, "4.4.1", "delayed") is Taken.LATE
    assert may_fail(world, card)
    assert listed(world) == []
    world.clock.forward(seconds=LATE_FOR.total_seconds())
    assert not may_fail(world, card)


def test_late_mail_ends_no_failure(each_world: World) -> None:
    card = each_world.registered_card()
    visit, _ = waiting(each_world, card)
    come_back(each_world)
    come_back(each_world, "4.4.1", "delayed")
    assert marked(each_world, card) == ["5.1.1", "5.1.1"]
    assert listed(each_world) == [EMAIL]
    visit.enter(each_world.relay.code)
    assert marked(each_world, card) == ["", ""]


def test_further_address_is_marked_alone_and_a_code_can_go_to_the_other(
    world: World, card: Card
) -> None:
    add(world, card, PRIVATE)
    visit, task = asked(world, card)
    first, further = task.routes
    visit.send(route=further.id)
    come_back(world)
    world.clock.forward(minutes=2)
    page = visit.send(route=first.id)
    assert isinstance(page, EnterCode)
    assert [each.may_fail for each in page.routes] == [False, True]
    assert page.sent_to == page.routes[0]


def test_notice_that_came_back_marks_its_address(world: World, card: Card) -> None:
    world.unlock(card)
    worker = OutboxWorker(
        world.store, world.relay, world.clock, compose, tag=CodeMac(world.ring).mail_tag
    )
    assert worker.drain_once() > 0
    assert come_back(world, "5.2.2") is Taken.FAILING
    assert marked(world, card) == ["5.2.2", "5.2.2"]


def test_used_code_has_arrived_whatever_comes_back(world: World, card: Card) -> None:
    world.unlock(card)
    assert come_back(world) is Taken.NOTHING
    assert marked(world, card) == ["", ""]


def test_report_of_a_mail_of_long_ago_marks_nothing(world: World, card: Card) -> None:
    waiting(world, card)
    world.clock.forward(seconds=(BELIEVED + timedelta(hours=1)).total_seconds())
    assert come_back(world) is Taken.NOTHING


def test_report_about_somebody_who_was_erased_marks_nothing(world: World, card: Card) -> None:
    visit, _ = waiting(world, card)
    visit.pull()
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).erase(as_seen(office, card), GROUNDS)
    assert come_back(world) is Taken.NOTHING


def test_nothing_of_a_report_is_kept_but_its_status(
    world: World, card: Card, caplog: pytest.LogCaptureFixture
) -> None:
    waiting(world, card)
    code = world.relay.code.reveal()
    to = return_path(world.relay.sent[-1].tag)
    raw = report(to, original=f"Subject: canary\r\n\r\n{code} canary\r\n".encode())
    assert bounces(world).take_in(raw) is Taken.FAILING
    kept = (world.folder / "kiosk.db").read_bytes() if world.url.startswith("sqlite") else b""
    for each in world.folder.glob("kiosk.db*"):
        kept += each.read_bytes()
    assert b"canary" not in kept
    assert code.encode() not in kept
    assert "canary" not in caplog.text
    assert tuple(event.detail for event in world.events() if event.kind == "mail-failed") == (
        {"status": "5.1.1"},
    )


# --- staff ---------------------------------------------------------------------------------


def listed(world: World) -> list[str]:
    desk = PeopleDesk(office_beside(world, Role.MANAGER))
    page = desk.listed(PeopleGroup.MAIL_FAILS, PeopleOrder.NAME, limit=10)
    return [line.email for line in page.people]


def test_staff_read_on_the_persons_page_in_the_list_and_in_doctor_that_mail_came_back(
    world: World, card: Card
) -> None:
    assert checks.check_bounces(world.store, BOUNCES, "").condition is Condition.OK
    waiting(world, card)
    come_back(world)
    assert listed(world) == [EMAIL]
    desk = PeopleDesk(office_beside(world, Role.MANAGER))
    registration = desk.person(card.holder_id).registration
    assert registration is not None
    (goes_to,) = (one for one in registration.enrolled if isinstance(one, CodesGoTo))
    assert goes_to.failing == ((EMAIL, "5.1.1"),), "once, though it is recorded and registered"
    found = checks.check_bounces(world.store, BOUNCES, "")
    assert (found.condition, found.found.partition(";")[0]) == (
        Condition.WARN,
        "mail came back from 1 person",
    )
    assert checks.check_bounces(world.store, "", "").condition is Condition.OK
    assert checks.check_bounces(world.store, BOUNCES, "/nowhere").condition is Condition.FAIL


# --- a maildir, and a real relay --------------------------------------------------------------


def test_mail_that_a_relay_returns_to_a_maildir_is_taken_in(
    world: World, card: Card, tmp_path: Path
) -> None:
    """A real server over TLS takes the mail, and the relay behind it reports to its return path."""
    maildir = tmp_path / "bounces"
    mailbox = BouncingMailbox(tmp_path / "mail", maildir)
    with running(mailbox) as settings:
        relay = relay_to(replace(settings, bounces=BOUNCES))
        with closing(SmtpMailer(relay)) as mailer:
            parts = with_parts(world.parts, mailer=mailer)
            world.parts, world.authority = parts, LocalAuthority(parts)
            for action, status, taken in (
                ("delayed", "4.4.1", "4.4.1"),
                ("failed", "5.1.1", "5.1.1"),
            ):
                mailbox.statuses[EMAIL] = action, status
                visit, _ = waiting(world, card)
                visit.pull()
                assert bounces(world, maildir).take_in_folder() == 1
                assert list((maildir / "new").iterdir()) == []
                assert marked(world, card) == [taken, taken]
                world.clock.forward(hours=2)
            mailbox.statuses.clear()
            visit, page = waiting(world, card)
            assert page.sent_to is not None
            assert page.sent_to.may_fail
            assert bounces(world, maildir).take_in_folder() == 0
            sent = mailbox.messages()[-1]
            assert sent.sender.startswith("bounces+")
            assert mailbox.messages()[0].sender != sent.sender
    assert marked(world, card) == ["5.1.1", "5.1.1"]


def test_mail_without_a_return_path_of_its_own_comes_from_the_sender() -> None:
    relay = relay_to(MailSettings())
    assert relay.return_path("tag") == relay.sender
    assert relay_to(replace(relay.settings, bounces=BOUNCES)).return_path("") == relay.sender


def test_maildir_with_what_is_no_message_is_read_on(world: World, tmp_path: Path) -> None:
    new = tmp_path / "new"
    (new / "0 a folder").mkdir(parents=True)
    (tmp_path / "keys.json").write_text("secret")
    (new / "1 a link").symlink_to(tmp_path / "keys.json")
    (new / "2 large").write_bytes(b"a" * (MOST_BYTES + 1))
    (new / "3 a message").write_bytes(answer(BOUNCES))
    assert bounces(world, tmp_path).take_in_folder() == 2
    assert (tmp_path / "keys.json").read_text() == "secret"
    assert [each.name for each in new.iterdir()] == ["0 a folder"]
    with world.store.read() as uow:
        assert ignored(uow) == 2
