"""Importing people: all of a file or nothing, every bad line named, and no secret told."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.authority.administration.import_people import BATCH, ChangedCard, ImportResult
from kiosk.authority.audit.events import audit_message
from kiosk.authority.records import (
    AuditQuery,
    CardStatus,
    KeptKind,
    KeptSecret,
    PinPolicy,
    new_id,
)
from kiosk.authority.unblock.stored_secrets import label_of, open_kept
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.importing import HEADER, Importer, csv_of, line
from tests.authority.card_in_reader import ReaderCard
from tests.authority.store import samples


def test_people_cards_and_secrets_arrive(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, line(0), line(1, name='"Ann ""Al"" O\'Hara, Jr"', secret="00000017"))
    summary = importer.run(path)
    assert (summary.lines, summary.people_added, summary.cards_added) == (2, 2, 2)
    assert importer.holder(1).name == 'Ann "Al" O\'Hara, Jr'
    assert importer.secret(importer.card(1)) == "00000017"
    assert importer.card(0).status is CardStatus.ACTIVE


def test_a_key_or_an_issued_secret_that_the_card_has_already_is_confirmed_or_noted() -> None:
    was = samples.card("asha", auth_key=b"auth", pin_key=b"pin")
    now = replace(was, auth_key_imported=True, pin_key_imported=True, secret_generation=0)
    now = replace(now, pin_policy=PinPolicy.ONCE)
    words = "auth_key confirmed; pin_key confirmed; pin_policy none → once; master_key noted"
    assert ChangedCard(was, now).words == words


def test_audit_of_an_import_says_who_and_what(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, line(0), line(1))
    summary = importer.run(path)
    with importer.store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=summary.reference))
    assert (event.kind, event.actor) == ("people-imported", "command line: test")
    assert event.detail["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (event.detail["lines"], event.detail["people_added"]) == (2, 2)
    changed = importer.run(csv_of(tmp_path, line(0, name="Jo Jones"), line(1, secret="99999999")))
    with importer.store.read() as uow:
        events = uow.trail.oldest(AuditQuery(reference=changed.reference))
    assert [event.kind for event in events] == [
        "holder-changed",
        "card-changed",
        "people-imported",
    ]
    assert events[0].holder_id == importer.holder(0).id
    assert "Jones" not in repr(events)


def test_a_dry_run_counts_and_writes_nothing(importer: Importer, tmp_path: Path) -> None:
    before = importer.everything()
    summary = importer.work.rehearse(csv_of(tmp_path, line(0), line(1)))
    assert (summary.people_added, summary.cards_added, summary.secrets_sealed) == (2, 2, 2)
    assert summary.reference == ""
    assert importer.everything() == before


def test_the_same_file_again_changes_nothing(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, line(0), line(1))
    importer.run(path)
    was = importer.card(0)
    summary = importer.run(path)
    same = ImportResult(
        lines=2, reference=summary.reference, digest=summary.digest, opened=summary.opened
    )
    assert summary == same
    assert importer.card(0) == was


def test_known_people_and_cards_are_brought_up_to_date(importer: Importer, tmp_path: Path) -> None:
    importer.run(csv_of(tmp_path, line(0), line(1)))
    was, holder = importer.card(0), importer.holder(0)
    renewed = f"{900000000000},Jo Jones,,{was.identifier},11112222,2031-01-31,5"
    header = HEADER + ",expires,secret_limit"
    summary = importer.run(csv_of(tmp_path, renewed, header=header))
    assert (summary.people_changed, summary.cards_changed, summary.secrets_sealed) == (1, 1, 1)
    now = importer.card(0)
    changed = replace(holder, name="Jo Jones", revision=1)  # the email cell was empty
    assert importer.holder(0) == changed
    assert (now.id, importer.secret(now), now.secret_limit) == (was.id, "11112222", 5)
    assert now.sealed_secret is not None
    assert now.sealed_secret.revision == 2


def test_cards_that_are_changed_are_named_by_their_end_with_what_becomes_of_them(
    importer: Importer, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0), line(1)))
    key = base64.b64encode(ReaderCard().public).decode()
    path = csv_of(
        tmp_path,
        f"{line(0, secret='11112222')},2031-01-31,5,{key}",
        f"{line(1)},,,",
        header=HEADER + ",expires,secret_limit,auth_key",
    )
    told = (
        "card ending in 0001: expires none → 31 January 2031; secret_limit none → 5; "
        "auth_key added; unblock_secret replaced"
    )
    for import_ in (importer.work.rehearse, importer.run):
        summary = import_(path)
        assert summary.cards_changed == 1
        assert summary.card_changes == ((2, f"900000000000 {told}"),)
        assert "0001" not in repr(summary)
    with importer.store.read() as uow:
        event, _all = uow.trail.oldest(AuditQuery(reference=summary.reference))
    of_card = told.removeprefix("card ending in 0001: ")
    assert audit_message(event) == f"The card was changed by an import: {of_card}."


@pytest.mark.parametrize("column", ["auth_key", "pin_key"])
def test_the_key_of_a_card_is_recorded_and_another_takes_its_place(
    importer: Importer, tmp_path: Path, column: str
) -> None:
    first, second = ReaderCard().public, ReaderCard().public
    for given, kept, changed in ((first, first, 0), (b"", first, 0), (second, second, 1)):
        cell = base64.b64encode(given).decode()
        path = csv_of(tmp_path, f"{line(0)},{cell}", header=f"{HEADER},{column}")
        assert importer.run(path).cards_changed == changed
        card = importer.card(0)
        assert (getattr(card, column), getattr(card, f"{column}_imported")) == (kept, True)


def test_a_declared_pin_policy_stays_until_another_or_another_key_comes(
    importer: Importer, tmp_path: Path
) -> None:
    first, second = (base64.b64encode(ReaderCard().public).decode() for _ in range(2))
    header = f"{HEADER},pin_key,pin_policy"
    rows = (first, "once", "once"), (first, "", "once"), ("", "", "once"), ("", "always", "always")
    for key, said, kept in (*rows, (second, "", None), ("", "never", "never")):
        importer.run(csv_of(tmp_path, f"{line(0)},{key},{said}", header=header))
        assert importer.card(0).pin_policy == kept


def test_a_pin_policy_by_which_the_pin_counts_touches_a_known_person(
    importer: Importer, tmp_path: Path
) -> None:
    """With four_eyes it waits: a writer of the file could have a claimed PIN count as proven."""
    importer.run(csv_of(tmp_path, line(0)))
    header = f"{HEADER},pin_policy"
    for said, touched in ("never", 0), ("once", 1), ("once", 0), ("always", 1), ("never", 0):
        summary = importer.run(csv_of(tmp_path, f"{line(0)},{said}", header=header))
        assert (summary.known_touched, summary.cards_mailed) == (touched, 0), said
    assert "pin_policy always → never" in summary.card_changes[0][1]


def test_a_leaver_and_a_revoked_card_stay_so(importer: Importer, tmp_path: Path) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    with importer.store.begin() as uow:
        left = replace(importer.holder(0), left_at=uow.now)
        uow.holders.save(left)
        uow.cards.revoke(importer.card(0).id)
        uow.commit()
    importer.run(csv_of(tmp_path, line(0, name="Jo Jones", secret="11112222")))
    assert importer.holder(0).left_at == left.left_at
    assert importer.card(0).status is CardStatus.REVOKED


def test_imported_person_is_found_at_once(importer: Importer, tmp_path: Path) -> None:
    importer.run(csv_of(tmp_path, line(0), line(1, name="Bo Nowak")))
    assert importer.found("smith") == [importer.holder(0).id]
    importer.run(csv_of(tmp_path, line(0, name="Jo Jones", card=7), line(1, name="Bo Nowak")))
    assert importer.found("smith") == []
    for text in ("jones", "p0@nhs.net", f"{8:032x}", f"{1:032x}", f"{900000000000}"):
        assert importer.found(text) == [importer.holder(0).id], text


def test_a_dry_run_and_a_refused_file_make_nobody_found(importer: Importer, tmp_path: Path) -> None:
    importer.work.rehearse(csv_of(tmp_path, line(0)))
    importer.refused(csv_of(tmp_path, line(0), line(1, secret="short")))
    assert importer.found("smith") == []


def test_two_cards_of_one_person_are_two_lines(importer: Importer, tmp_path: Path) -> None:
    summary = importer.run(csv_of(tmp_path, line(0), line(0, card=5)))
    assert (summary.people_added, summary.cards_added) == (1, 2)
    assert importer.card(0).holder_id == importer.card(5).holder_id


def test_two_cards_far_apart_are_one_person_dry_and_real(
    importer: Importer, tmp_path: Path
) -> None:
    lines = [line(n) for n in range(BATCH + 1)] + [line(0, card=BATCH + 10)]
    path = csv_of(tmp_path, *lines)
    dry, real = importer.work.rehearse(path), importer.run(path)
    assert dry.people_added == real.people_added == BATCH + 1
    assert dry.cards_added == real.cards_added == BATCH + 2


def test_repetitions_within_a_file_are_named(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(
        tmp_path,
        line(0),
        line(1, card=0),
        line(0, name="Eve", card=7),
        line(2, card="", secret=""),
        line(2, card="", secret=""),
    )
    assert importer.refused(path) == (
        (3, "card_id: is on line 2 already"),
        (4, "holder_number: line 2 has another name or email for it"),
        (6, "holder_number: is on line 5 already"),
    )


def test_a_card_of_somebody_else_is_never_moved(importer: Importer, tmp_path: Path) -> None:
    importer.run(csv_of(tmp_path, line(0)))
    problems = importer.refused(csv_of(tmp_path, line(1, card=0), line(2)))
    assert problems == ((2, "card_id: this card belongs to 900000000000"),)


def test_every_bad_line_is_named_and_no_good_one_is_taken(
    importer: Importer, tmp_path: Path
) -> None:
    path = csv_of(
        tmp_path,
        line(0),
        "9.00E+11,Jo,jo@nhs.net,,",
        line(1, secret="canary12345"),
        "900000000003,Jo",
        "",
        line(4, name='"two\nlines"'),
        line(5, card="xyz"),
    )
    problems = importer.refused(path)
    assert [number for number, _ in problems] == [3, 4, 5, 9]
    assert "spreadsheet" in problems[0][1]
    assert "has 2 cells, and the header 5" in problems[2][1]
    assert "canary" not in repr(problems)


def test_a_problem_far_down_undoes_what_came_before(importer: Importer, tmp_path: Path) -> None:
    lines = [line(n) for n in range(2 * BATCH)]
    problems = importer.refused(csv_of(tmp_path, *lines, "oops"))
    assert problems == ((2 * BATCH + 2, "has 1 cells, and the header 5"),)


def test_progress_ends_with_all_of_the_file(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, *(line(n) for n in range(BATCH + 1)))
    seen: list[tuple[int, int]] = []
    importer.work.run(path, "test", lambda done, total: seen.append((done, total)))
    assert len(seen) == 2
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert seen == sorted(seen)


def test_memory_grows_by_little_for_each_line(importer: Importer, tmp_path: Path) -> None:
    """Of a line that is done, only what a later one could contradict is kept."""

    def peak(count: int) -> int:
        path = csv_of(tmp_path, *(line(n) for n in range(count)))
        tracemalloc.start()
        try:
            importer.work.rehearse(path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(BATCH)
    assert (peak(5 * BATCH) - peak(BATCH)) / (4 * BATCH) < 1000


def test_no_secret_is_in_the_database_file(
    importer: Importer, tmp_path: Path, database_folder: Path
) -> None:
    lines: Iterable[str] = (line(n, secret="CANARY77") for n in range(3))
    importer.run(csv_of(tmp_path, *lines))
    files = [*database_folder.glob("kiosk.db*")]
    assert files
    assert not [file for file in files if b"CANARY77" in file.read_bytes()]


def test_a_file_that_is_imported_again_brings_no_secret_back(
    importer: Importer, tmp_path: Path
) -> None:
    """A card's secret is changed after each use: the file still has the one before."""
    old = csv_of(tmp_path, line(0, secret="11112222"))
    importer.run(old)
    importer.run(csv_of(tmp_path, line(0, secret="33334444")))
    again = importer.run(csv_of(tmp_path, line(0, secret="11112222")))
    assert (again.secrets_sealed, again.cards_changed) == (0, 0)
    assert importer.secret(importer.card(0)) == "33334444"


def test_a_new_secret_takes_the_place_of_all_that_the_card_may_have(
    importer: Importer, tmp_path: Path
) -> None:
    importer.run(csv_of(tmp_path, line(0, secret="11112222")))
    card = importer.card(0)
    with importer.store.begin() as uow:
        waits = importer.sealer.seal(Sensitive("55556666"), label_of(card, KeptKind.PENDING, 2))
        uow.kept_secrets.add(KeptSecret(new_id(), card.id, KeptKind.PENDING, waits, uow.now))
        uow.cards.set_aside(card.id, uow.now)
        uow.commit()
    importer.run(csv_of(tmp_path, line(0, secret="33334444")))
    assert importer.secret(importer.card(0)) == "33334444"
    assert importer.card(0).set_aside_at is None
    with importer.store.read() as uow:
        assert uow.kept_secrets.pending(card.id) is None
        former = [open_kept(importer.sealer, card, one) for one in uow.kept_secrets.former(card.id)]
    assert {secret.reveal() for secret in former} == {"11112222", "55556666"}


def test_an_admin_key_in_another_hand_is_the_same_key(importer: Importer, tmp_path: Path) -> None:
    key = "0123456789abcdef fedcba9876543210 89abcdef01234567"
    header = HEADER + ",card_driver"
    first = importer.run(csv_of(tmp_path, line(0, secret=key) + ",gids", header=header))
    again = importer.run(csv_of(tmp_path, line(0, secret=key.upper()) + ",gids", header=header))
    assert (first.secrets_sealed, again.secrets_sealed, again.cards_changed) == (1, 0, 0)


def test_people_who_were_erased_are_named_before_and_while_they_come_back(
    importer: Importer, tmp_path: Path
) -> None:
    path = csv_of(tmp_path, *(line(n) for n in range(600)))
    assert importer.run(path).erased_before == ()
    with importer.store.begin() as uow:
        for n in (3, 550):
            assert uow.holders.erase(importer.holder(n).id)
        uow.commit()
    comes_back = (5, "900000000003 Jo Smith"), (552, "900000000550 Jo Smith")
    assert importer.work.rehearse(path).erased_before == comes_back
    done = importer.run(path)
    assert done.erased_before == comes_back
    with importer.store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert event.detail["erased_before"] == 2
    assert "900000000003" not in repr(event)
    assert importer.run(path).erased_before == (), "they are known again"


def test_a_person_with_two_lines_is_named_once(importer: Importer, tmp_path: Path) -> None:
    path = csv_of(tmp_path, line(0), line(0, card=7))
    importer.run(path)
    with importer.store.begin() as uow:
        assert uow.holders.erase(importer.holder(0).id)
        uow.commit()
    assert [number for number, *_ in importer.work.rehearse(path).erased_before] == [2]


def test_people_with_one_address_are_named(importer: Importer, tmp_path: Path) -> None:
    """Before: no word, and each of a ward's people read the codes of the others."""
    lines = [line(n).replace(f"p{n}@", "Ward7@" if n in (1, 3) else f"p{n}@") for n in range(5)]
    second_card = line(1, card=9).replace("p1@", "Ward7@")
    path = csv_of(tmp_path, *lines, second_card)
    assert importer.work.rehearse(path).shared_addresses == (
        (5, "900000000003 Ward7@nhs.net, which 900000000001 has, too"),
    )
    assert importer.run(path).shared_addresses, "it is no error: a mailbox may be shared"
