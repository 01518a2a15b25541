"""The audit in plain words, and a person's story made of it."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.authority.administration.office import Office, staff_names
from kiosk.authority.administration.person_page import story_of
from kiosk.authority.administration.views import Seen, StoryLine
from kiosk.authority.audit.events import (
    AuditKind,
    StaffKind,
    audit_message,
)
from kiosk.authority.audit.sentences import UNNUMBERED, Unproven
from kiosk.authority.records import AuditEvent, Scalar
from kiosk.authority.roles import Action
from kiosk.authority.store.database import Store
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.store import samples
from tests.authority.store.samples import NOW


def test_every_way_to_fail_the_proof_has_words() -> None:
    general = AuditKind.CARD_UNPROVEN.spec.sentence
    for because in Unproven:
        kind = AuditKind.CARD_UNPROVEN.value
        detail: dict[str, Scalar] = {"because": because.value}
        event = AuditEvent(1, NOW, kind, "R", None, None, None, None, None, detail, "", "")
        assert audit_message(event) != general, because


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("visit-opened", {"pin_blocked": True}, "Put the card in; its PIN was blocked."),
        ("visit-opened", {"pin_blocked": False}, "Put the card into the station."),
        ("refused", {"reason": "not-registered"},
         "Turned away: not registered, and the PIN is blocked."),
        ("refused-at-station", {"reason": "card-unreadable"},
         "Turned away: the card could not be read."),
        ("refused", {"reason": "of-tomorrow"}, "Turned away: of-tomorrow."),
        ("purpose-chosen", {"purpose": "unlock"}, "Began to unlock the card."),
        ("purpose-chosen", {"purpose": "of-tomorrow"}, "Chose what to do."),
        ("questions-not-taken", {"problem": "too-long"},
         "An answer that was to be registered was not taken: it was too long."),
        ("email-not-taken", {"problem": "domain"},
         "Gave an email address outside the approved domains; it was not accepted."),
        ("email-not-taken", {"problem": "malformed"},
         "Gave something that is no email address; it was not accepted."),
        ("answers-right", {}, "Answered the security questions correctly."),
        ("answers-right", {"proves": "nothing"},
         "Answered the security questions correctly, but the card had left."),
        ("entry-unchecked", {"because": "its record is damaged"},
         "What was entered could not be checked, and cost no attempt: its record is damaged."),
        ("answers-wrong", {"left": 2},
         "Answered the security questions wrongly; two attempts left."),
        ("answers-wrong", {"left": 0},
         "Answered the security questions wrongly; no attempts left."),
        ("registration-blocked", {"failures": 3},
         "Self-service was blocked after three failed attempts."),
        ("code-right", {"proves": "nothing"}, "Entered the right code, but the card had left."),
        ("code-not-sent", {"because": "MailRefused"},
         "A code could not be sent: the mail server refused the address."),
        ("code-not-sent", {"because": "MailUnavailable"},
         "A code could not be sent: the mail server did not take it."),
        ("code-wrong", {"left": 1}, "Entered a wrong code; one try left."),
        ("code-wrong", {"left": 4}, "Entered a wrong code; four tries left."),
        ("code-right", {}, "Entered the right code."),
        ("code-right", {"given_by": "s1"}, "Entered the right code, which staff had given."),
        ("code-dead", {"withdrawn": True}, "Entered a code that had been withdrawn."),
        ("code-dead", {"expired": True}, "Entered a code whose time was over."),
        ("code-dead", {"expired": False}, "Entered a code that had no try left, or was replaced."),
        ("registered", {"questions": 4},
         "Registered for self-service, with four security questions."),
        ("registered", {"questions": 0}, "Registered for self-service."),
        ("email-changed", {"other": True}, "Changed the email address."),
        ("email-changed", {"other": False}, "Confirmed the same email address again."),
        ("unblock-refused", {"because": "history"}, "The card refused the new PIN."),
        ("unblock-refused", {"tries_left": 2, "because": UNNUMBERED},
         "The card refused the unblock secret, and does not say how many tries are left."),
        ("unblock-refused", {"tries_left": 2},
         "The card refused the unblock secret, and has two tries left for it."),
        ("unblock-settled", {"found": "not-done"},
         "Seen again, the card shows that it was not unlocked."),
        ("secret-tries-reported", {"tries_left": 3, "by_account": 1},
         "The card says that its unblock secret has three tries left."),
        ("secret-tries-reported", {"tries_left": 0, "by_account": 3},
         "The card says that its unblock secret has no tries left."),
        ("card-unproven", {"because": "no-admin-key"},
         ("The card did not prove that it is the one that was issued: it does not have the "
          "admin key that is recorded for it.")),
        ("visit-ended", {"how": "idle"}, "The visit ended: nobody did anything for a while."),
        ("visit-ended", {"how": "card-removed"}, "The visit ended: the card was taken out."),
        ("visit-ended", {"how": "of-tomorrow"}, "The visit ended."),
        ("block-lifted", {"note": "n"}, "Lifted the block."),
        ("of-tomorrow", {}, "of-tomorrow"),
        ("refused", {"redacted": True}, "Turned away."),
        ("unblock-refused", {"redacted": True}, "The card refused to be unlocked."),
    ],
)  # fmt: skip
def test_detail_of_an_event_is_in_its_words(
    kind: str, detail: dict[str, Any], expected: str
) -> None:
    event = AuditEvent(1, NOW, kind, "R", None, None, None, None, None, detail, "", "")
    assert audit_message(event) == expected


def test_a_story_tells_who_where_and_why_newest_first(agent: Office, store: Store) -> None:
    person = samples.stored_person(store)
    seen = Seen(person.holder.id, 0)
    happened(store, person, AuditKind.ANSWERS_WRONG, left=0)
    happened(store, person, AuditKind.VISIT_ENDED, how="refused")
    with agent.act(Action.LIFT_BLOCK, GROUNDS, seen=seen) as act:
        act.record(StaffKind.BLOCK_LIFTED)
    lifted, wrong = story(store, person)
    assert lifted == StoryLine(
        seq=3,
        at=NOW,
        sentence=(
            "Lifted the block. Reason: “Asked for by telephone”. "
            "Identified by: “Photo ID, in person”."
        ),
        who=agent.actor.name,
        station="",
        reference=act.reference,
        grave=False,
    )
    assert (wrong.seq, wrong.who, wrong.station) == (1, "", "station-1")
    assert (wrong.reference, wrong.grave) == (person.visit.reference, True)


def test_a_story_is_read_on_from_any_row(store: Store) -> None:
    person, other = samples.stored_person(store), samples.stored_person(store, "100000000002")
    for left in (2, 1, 0):
        happened(store, person, AuditKind.ANSWERS_WRONG, left=left)
        happened(store, other, AuditKind.ANSWERS_WRONG, left=left)
    assert [line.seq for line in story(store, person)] == [5, 3, 1]
    assert [line.seq for line in story(store, person, limit=2)] == [5, 3]
    assert [line.seq for line in story(store, person, before=3)] == [1]


def test_a_command_line_is_named_as_the_audit_has_it(store: Store) -> None:
    person = samples.stored_person(store)
    with store.begin() as uow:
        uow.audit.append(
            kind="holder-changed",
            reference="R",
            holder_id=person.holder.id,
            actor="command line: root",
        )
        uow.commit()
    (line,) = story(store, person)
    assert (line.who, line.sentence) == (
        "command line: root",
        "Name or email address were changed by an import.",
    )


def happened(store: Store, person: samples.Person, kind: AuditKind, **detail: str | int) -> None:
    with store.begin() as uow:
        uow.audit.append(
            kind=kind.value,
            reference=person.visit.reference,
            holder_id=person.holder.id,
            station="station-1",
            detail=detail,
        )
        uow.commit()


def story(
    store: Store, person: samples.Person, before: int | None = None, limit: int = 50
) -> tuple[StoryLine, ...]:
    with store.read() as uow:
        names = staff_names(uow)
        return story_of(uow, person.holder.id, names, before=before, limit=limit)
