"""Files of people in the imports folder: listed, rehearsed, imported by a manager alone."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.import_people import ImportDesk, ImportResult
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import AuditFilter, Progress, unseen
from kiosk.authority.audit.events import audit_message
from kiosk.authority.crypto.derivation import Masters
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.crypto.token import Token, TokenMasters
from kiosk.authority.errors import ConcurrentChange, NotFound, NotPermitted, NotTaken
from kiosk.authority.facts import CodesGoTo
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.policy import mask_email
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.importing import HEADER, line
from tests.authority.card_in_reader import ReaderCard
from tests.authority.store.samples import Person
from tests.support.database import MACS, TestDatabase
from tests.support.refusals import refused


@pytest.fixture
def desk(manager: Office) -> ImportDesk:
    return ImportDesk(manager)


def put(means: StaffDependencies, name: str, *lines: str, at: int = 1_900_000_000) -> Path:
    path = means.imports / name
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    os.utime(path, (at, at))
    return path


def both(desk: ImportDesk) -> tuple[Callable[[str, Progress], ImportResult], ...]:
    """Return the rehearsal, and the import for a reason."""
    return desk.rehearse, lambda name, progress: desk.run(name, GROUNDS, progress)


def test_the_newest_file_comes_first(desk: ImportDesk, means: StaffDependencies) -> None:
    old = put(means, "old.csv", line(1))
    put(means, "new.csv", line(1), at=1_900_000_060)
    first, second = desk.files()
    assert (first.name, second.name) == ("new.csv", "old.csv")
    assert second.size == old.stat().st_size
    assert second.changed_at == datetime.fromtimestamp(1_900_000_000, UTC)


def test_only_plain_files_of_the_folder_are_there(
    desk: ImportDesk, means: StaffDependencies, tmp_path: Path
) -> None:
    outside = tmp_path / "keys.json"
    outside.write_text("secret")
    (means.imports / "link.csv").symlink_to(outside)
    (means.imports / "folder.csv").mkdir()
    (means.imports / ".hidden.csv").write_text("")
    (means.imports / "bell\x07.csv").write_text("")
    os.mkfifo(means.imports / "pipe.csv")
    assert desk.files() == ()
    names = ("link.csv", "folder.csv", ".hidden.csv", "pipe.csv", "../keys.json", str(outside), "")
    for name in names:
        with pytest.raises(NotFound):
            desk.run(name, GROUNDS, unseen)


def test_a_rehearsal_tells_all_and_changes_nothing(
    desk: ImportDesk, means: StaffDependencies, store: Store
) -> None:
    path = put(means, "people.csv", *(line(n) for n in range(3)))
    told: list[tuple[int, int]] = []
    dry = desk.rehearse("people.csv", lambda *how_far: told.append(how_far))
    assert (dry.lines, dry.people_added, dry.cards_added, dry.secrets_sealed) == (3, 3, 3, 3)
    assert (dry.reference, dry.problems) == ("", ())
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    with store.read() as uow:
        assert uow.holders.by_numbers(["900000000001"]) == {}


def test_an_import_is_audited_with_who_did_it(
    desk: ImportDesk, means: StaffDependencies, store: Store, manager: Office
) -> None:
    put(means, "people.csv", line(1), line(2))
    done = desk.run("people.csv", GROUNDS, unseen)
    assert (done.lines, done.people_added) == (2, 2)
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
        assert "900000000001" in uow.holders.by_numbers(["900000000001"])
    assert (event.kind, event.actor) == ("people-imported", manager.actor.staff_id)
    (row,) = AuditDesk(manager).page(AuditFilter(reference=done.reference)).lines
    assert row.detail.startswith(f"reason: “{GROUNDS.reason}”; ")


def test_people_who_were_erased_are_named(
    desk: ImportDesk, means: StaffDependencies, store: Store
) -> None:
    put(means, "people.csv", line(1), line(2))
    desk.run("people.csv", GROUNDS, unseen)
    with store.begin() as uow:
        assert uow.holders.erase(uow.holders.by_numbers(["900000000002"])["900000000002"].id)
        uow.commit()
    put(means, "people.csv", line(1), line(2))
    for import_ in both(desk):
        result = import_("people.csv", unseen)
        assert result.erased_before == ((3, "900000000002 Jo Smith"),)
        assert "Jo Smith" not in repr(result)


def test_people_who_are_changed_are_named_with_what_becomes_of_them(
    desk: ImportDesk, means: StaffDependencies
) -> None:
    put(means, "people.csv", line(1), line(2))
    desk.run("people.csv", GROUNDS, unseen)
    put(means, "people.csv", line(1), line(2).replace("Jo Smith", "Jo Smythe"))
    for import_ in both(desk):
        result = import_("people.csv", unseen)
        assert result.people_changed == 1
        assert result.changes == ((3, "900000000002 name Jo Smith → Jo Smythe"),)
        assert "Smythe" not in repr(result)


def test_codes_of_who_is_registered_still_go_to_the_registered_address(
    desk: ImportDesk, means: StaffDependencies, manager: Office, asha: Person
) -> None:
    """Before: an import that changed an address said nothing of where codes go."""
    holder = asha.holder
    put(means, "people.csv", f"{holder.number},{holder.name},asha@other.nhs.uk,,", line(1))
    for import_ in both(desk):
        result = import_("people.csv", unseen)
        ((_line, told),) = result.changes
        assert told.endswith("→ asha@other.nhs.uk (codes still go to asha@trust.nhs.uk)")
        assert result.codes_elsewhere == 1
    person = PeopleDesk(manager).person(holder.id)
    assert person.registration is not None
    goes_to = CodesGoTo("asha@trust.nhs.uk", confirmed=True, recorded="asha@other.nhs.uk")
    assert goes_to in person.registration.enrolled


def test_an_old_address_is_mailed_where_an_import_records_another(
    desk: ImportDesk, means: StaffDependencies, store: Store, asha: Person
) -> None:
    """Who writes the source file could otherwise have the code of a copied card without a trace."""
    holder = asha.holder
    put(means, "people.csv", line(1), line(2), line(3), "900000000004,No Mail,,,")
    desk.run("people.csv", GROUNDS, unseen)
    put(
        means,
        "people.csv",
        f"{holder.number},{holder.name},asha@other.nhs.uk,,",
        line(1).replace("p1@nhs.net", "thief@nhs.net"),
        line(2).replace("p2@nhs.net", "P2@nhs.net"),
        line(3).replace("Jo Smith", "Jo Smythe"),
        "900000000004,No Mail,p4@nhs.net,,",
    )
    for import_ in both(desk):
        result = import_("people.csv", unseen)
        assert result.people_mailed == 2
    with store.begin() as uow:
        waiting = uow.outbox.claim_due(10, timedelta(0))
    notice = "recorded-email-changed"
    assert {(one.to, one.template, one.params["masked_email"]) for one in waiting} == {
        ("p1@nhs.net", notice, mask_email("thief@nhs.net")),
        ("asha@trust.nhs.uk", notice, mask_email("asha@other.nhs.uk")),
    }
    assert {one.params["reference"] for one in waiting} == {result.reference}


def test_holder_is_mailed_about_another_card_key_or_secret(
    desk: ImportDesk, means: StaffDependencies, store: Store, asha: Person
) -> None:
    key, other = (base64.b64encode(ReaderCard().public).decode() for _ in range(2))
    header = f"{HEADER},pin_key"
    path = put(means, "people.csv")
    first = (f"{line(1)},{key}", f"{line(2)},", f"{line(3)},", f"{line(4, card='', secret='')},")
    path.write_text("\n".join([header, *first]) + "\n")
    done = desk.run("people.csv", GROUNDS, unseen)
    assert (done.cards_added, done.cards_mailed) == (3, 0)
    then = (
        f"{asha.holder.number},{asha.holder.name},,{'cd' * 16},,",
        f"{line(1)},{other}",
        f"{line(2, secret='11112222')},",
        f"{line(3)},{key}",
        f"{line(4)},",
    )
    path.write_text("\n".join([header, *then]) + "\n")
    for import_ in both(desk):
        assert import_("people.csv", unseen).cards_mailed == 3
    with store.begin() as uow:
        waiting = uow.outbox.claim_due(10, timedelta(0))
    assert {(one.to, one.template) for one in waiting} == {
        ("asha@trust.nhs.uk", "card-added"),
        ("p1@nhs.net", "card-key-set"),
        ("p2@nhs.net", "secret-set"),
    }


def test_holder_is_mailed_about_a_card_that_is_in_use_again(
    desk: ImportDesk, means: StaffDependencies, store: Store, asha: Person
) -> None:
    with store.begin() as uow:
        expired = replace(asha.card, expires_at=uow.now - timedelta(days=1))
        uow.cards.put([expired])
        uow.commit()
    path = put(means, "people.csv")
    cells = f"{asha.holder.number},{asha.holder.name},,{asha.card.identifier},,2199-01-31"
    path.write_text(f"{HEADER},expires\n{cells}\n")
    for import_ in both(desk):
        assert import_("people.csv", unseen).cards_mailed == 1
    with store.begin() as uow:
        (mail,) = uow.outbox.claim_due(10, timedelta(0))
    assert (mail.to, mail.template) == ("asha@trust.nhs.uk", "card-in-use-again")


@pytest.mark.parametrize(
    ("name", "email", "told"),
    [
        ("Jo Smythe", "p1@nhs.net", "The name was changed by an import."),
        (
            "Jo Smith",
            "jo@nhs.uk",
            "The email address was changed by an import; the new address is of an approved domain.",
        ),
        (
            "Jo Smythe",
            "jo@mail.example",
            (
                "Name and email address were changed by an import; "
                "the new address is of no approved domain."
            ),
        ),
    ],
)
def test_the_audit_says_what_an_import_changed_of_a_person(
    desk: ImportDesk, means: StaffDependencies, store: Store, name: str, email: str, told: str
) -> None:
    """Before: "Name or email address were changed by an import", whichever it was."""
    put(means, "people.csv", line(1))
    desk.run("people.csv", GROUNDS, unseen)
    put(means, "people.csv", line(1).replace("Jo Smith", name).replace("p1@nhs.net", email))
    done = desk.run("people.csv", GROUNDS, unseen)
    with store.read() as uow:
        changed, _all = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert audit_message(changed) == told
    assert "Smythe" not in str(changed.detail)
    assert "@" not in str(changed.detail)


def test_cards_that_are_changed_are_named_with_what_becomes_of_them(
    desk: ImportDesk, means: StaffDependencies
) -> None:
    put(means, "people.csv", line(1), line(2))
    desk.run("people.csv", GROUNDS, unseen)
    put(means, "people.csv", line(1), line(2, secret="11112222"))
    for import_ in both(desk):
        result = import_("people.csv", unseen)
        assert result.cards_changed == 1
        told = "900000000002 card ending in 0003: unblock_secret replaced"
        assert result.card_changes == ((3, told),)


def test_addresses_of_no_approved_domain_are_named(
    desk: ImportDesk, means: StaffDependencies
) -> None:
    put(means, "people.csv", line(1), line(2).replace("p2@nhs.net", "jo@mail.example"))
    for import_ in both(desk):
        result = import_("people.csv", unseen)
        assert result.outside_domains == ((3, "900000000002 jo@mail.example"),)
        assert "jo@mail.example" not in repr(result)


def test_the_first_problems_are_shown_and_all_are_counted(
    desk: ImportDesk, means: StaffDependencies, store: Store
) -> None:
    put(means, "bad.csv", line(1), *("nonsense" for _ in range(250)))
    for import_ in both(desk):
        refused = import_("bad.csv", unseen)
        assert len(refused.problems) == 250
        assert refused.problems[0][0] == 3
        assert (refused.people_added, refused.reference) == (0, "")
    with store.read() as uow:
        assert uow.trail.newest(AuditQuery()) == ()


def test_a_folder_that_is_gone_is_named(desk: ImportDesk, means: StaffDependencies) -> None:
    means.imports.rmdir()
    with refused(NotTaken, match=r"no folder .* yet\. The administrator"):
        desk.files()


def test_others_do_not_even_see_the_files(
    means: StaffDependencies, agent: Office, auditor: Office
) -> None:
    put(means, "people.csv", line(1))
    for office in (agent, auditor):
        desk = ImportDesk(office)
        with pytest.raises(NotPermitted):
            desk.files()
        with pytest.raises(NotPermitted):
            desk.rehearse("people.csv", unseen)
        with pytest.raises(NotPermitted):
            desk.run("people.csv", GROUNDS, unseen)


class Beforehand(Store):
    """A store in which somebody else is done just before the next one who writes begins."""

    first: Callable[[], object] | None = None

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        first, self.first = self.first, None
        if first is not None:
            first()
        with super().begin() as uow:
            yield uow


def test_the_role_is_asked_in_the_transaction_that_imports(
    database: TestDatabase, means: StaffDependencies, store: Store, manager: Office
) -> None:
    put(means, "people.csv", line(1))
    late = Beforehand(database.url, database.clock, MACS)
    desk = ImportDesk(Office(replace(means, store=late), manager.actor))

    def part_with() -> None:
        with store.begin() as uow:
            member = uow.staff.get(manager.actor.staff_id)
            assert member is not None
            uow.staff.save(replace(member, role=Role.AUDITOR))
            uow.commit()

    late.first = part_with
    with pytest.raises(NotPermitted):
        desk.run("people.csv", GROUNDS, unseen)
    late.close()
    with store.read() as uow:
        assert uow.holders.by_numbers(["900000000001"]) == {}
        assert [event.kind for event in uow.trail.newest(AuditQuery())] == ["staff-not-permitted"]


def test_import_says_plainly_that_a_token_is_away(
    means: StaffDependencies, manager: Office
) -> None:
    away = TokenMasters(Token("/none.so", "kiosk"), lambda: Sensitive("1"), {})
    ring = KeyRing.fresh()
    without = replace(means, sealer=Sealer(ring, Masters(ring, away)))
    desk = ImportDesk(Office(without, manager.actor))
    path = put(means, "people.csv", line(1, secret="") + ",derive-0001-x")
    path.write_text(path.read_text().replace(HEADER, f"{HEADER},master_key"))
    for act in both(desk):
        with refused(NotTaken, match="master keys are away: nothing was done"):
            act("people.csv", unseen)


def test_what_was_imported_is_removed_from_the_folder(
    desk: ImportDesk, means: StaffDependencies
) -> None:
    path = put(means, "people.csv", line(1))
    assert desk.rehearse("people.csv", unseen).file_kept == ""
    assert path.exists()
    assert desk.run("people.csv", GROUNDS, unseen).file_kept == ""
    assert not path.exists()


def test_a_file_that_is_not_the_one_that_was_tried_is_not_imported(
    desk: ImportDesk, means: StaffDependencies, store: Store
) -> None:
    put(means, "people.csv", line(1))
    tried = desk.rehearse("people.csv", unseen)
    path = put(means, "people.csv", line(2))
    with refused(ConcurrentChange, match="changed since it was tried"):
        desk.run("people.csv", GROUNDS, unseen, digest=tried.digest)
    with store.read() as uow:
        assert uow.holders.by_numbers(["900000000001", "900000000002"]) == {}
    assert path.exists()
    again = desk.rehearse("people.csv", unseen)
    assert desk.run("people.csv", GROUNDS, unseen, digest=again.digest).people_added == 1


@pytest.mark.parametrize("in_place", [False, True])
def test_a_file_that_came_under_its_name_meanwhile_is_not_removed(
    desk: ImportDesk, means: StaffDependencies, in_place: bool
) -> None:
    path = put(means, "people.csv", line(1))

    def drop(*_: int) -> None:
        newer = path if in_place else means.imports / "newer"
        newer.write_text(f"{HEADER}\n{line(2)}\n")
        newer.replace(path)

    done = desk.run("people.csv", GROUNDS, drop)
    assert (done.people_added, done.file_replaced, done.file_kept) == (1, True, "")
    assert line(2) in path.read_text()


def test_a_file_that_cannot_be_removed_is_said_to_be_there(
    desk: ImportDesk, means: StaffDependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(means, "people.csv", line(1))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert desk.run("people.csv", GROUNDS, unseen).file_kept == "Permission denied"
    assert path.exists()
