"""The list of questions: kept by staff, never shorter than the policy needs, and set up once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.app.setup.authority import load_questions
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.policy import PolicyDesk, QuestionsDesk
from kiosk.authority.errors import (
    AdministrationError,
    ConcurrentChange,
    NotFound,
    NotPermitted,
    NotTaken,
)
from kiosk.authority.records import AuditQuery
from kiosk.authority.store.database import Store
from screens.words.staff.deeds import deed_words
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.store import samples
from tests.support.database import SetClock
from tests.support.refusals import refused

NEW = "What did you call your first bicycle?"


@pytest.fixture
def desk(manager: Office, store: Store, clock: SetClock) -> QuestionsDesk:
    load_questions(store, clock)
    return QuestionsDesk(manager)


def test_a_question_is_added_and_audited_by_its_id(desk: QuestionsDesk, store: Store) -> None:
    done = desk.add(f"  {NEW.replace(' ', '  ')} ", GROUNDS)
    added = desk.every()[-1]
    assert (added.id, added.text, added.used_by, added.retired_at) == (21, NEW, 0, None)
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert (event.kind, event.detail["question"]) == ("question-added", 21)


WELSH = "Beth oedd enw eich siop losin?"


def test_question_gets_a_text_in_a_language_and_loses_it(desk: QuestionsDesk, store: Store) -> None:
    done = desk.translate(3, "cy", f" {WELSH.replace(' ', '  ')}", GROUNDS)
    line = desk.every()[2]
    assert (line.id, line.others) == (3, {"cy": WELSH})
    with store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert (event.kind, event.detail["question"]) == ("question-translated", 3)
    assert event.detail["language"] == "cy"
    desk.translate(3, "de", "Wie hieß der Laden mit den Bonbons?", GROUNDS)
    desk.translate(3, "cy", "", GROUNDS)
    assert set(desk.every()[2].others) == {"de"}


def test_text_that_another_question_has_in_a_language_is_refused(desk: QuestionsDesk) -> None:
    desk.translate(3, "cy", WELSH, GROUNDS)
    for said in (WELSH, desk.every()[4].text):  # the fifth has none in Welsh, and is in English
        with refused(NotTaken, match="is in the list already"):
            desk.translate(4, "cy", said, GROUNDS)
    desk.translate(4, "de", WELSH, GROUNDS)


@pytest.mark.parametrize(
    ("number", "language", "text", "because"),
    [
        (3, "en", WELSH, "another language than English"),
        (3, "Welsh", WELSH, "another language than English"),
        (3, "../cy", WELSH, "another language than English"),
        (3, "cy", "Beth?", "10 to 64 characters"),
        (3, "cy", "\x1b[31mBeth oedd?", "letters"),
        (99, "cy", WELSH, "no such question"),
    ],
)
def test_what_is_no_text_of_a_question_in_a_language_is_refused(
    desk: QuestionsDesk, number: int, language: str, text: str, because: str
) -> None:
    with refused(AdministrationError, match=because):
        desk.translate(number, language, text, GROUNDS)
    assert not any(line.others for line in desk.every())


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("Where?", "10 to 64 characters"),
        (f"{NEW}{'x' * 64}", "10 to 64 characters"),
        ("あ" * 33, "10 to 64 characters"),
        ("?" * 20, "letters"),
        ("\x1b[31mWhat colour?", "letters"),
        ("WHERE did you first see the sea", "is in the list already"),
    ],
)
def test_what_is_no_new_question_is_not_taken(desk: QuestionsDesk, text: str, because: str) -> None:
    with refused(NotTaken, match=because) as caught:
        desk.add(text, GROUNDS)
    assert caught.value.field == "text"
    assert len(desk.every()) == 20


def test_retired_question_is_offered_again(desk: QuestionsDesk, clock: SetClock) -> None:
    desk.retire(16, GROUNDS)
    last = desk.every()[-1]
    assert (last.id, last.retired_at) == (16, clock.now())
    done = desk.add("Where did you first see the SEA?", GROUNDS)
    assert "“Where did you first see the sea?” is offered" in deed_words(done.deed)
    assert [line.retired_at for line in desk.every()] == [None] * 20


def test_who_uses_a_question_is_counted_and_keeps_it(desk: QuestionsDesk, store: Store) -> None:
    with store.begin() as uow:
        for number, ids in enumerate(((1, 2, 3, 4), (4, 2, 5, 6), (1, 2, 3, 4))):
            holder = samples.holder(f"10000000000{number}")
            uow.holders.put([holder])
            uow.registrations.put(replace(samples.registration(holder.id), question_ids=ids))
        uow.commit()
    desk.retire(4, GROUNDS)
    used = {line.id: line.used_by for line in desk.every()}
    assert [used[id_] for id_ in range(1, 8)] == [2, 3, 2, 3, 1, 1, 0]
    with store.read() as uow:
        assert uow.questions.by_ids([4])[4].text


def test_as_many_stay_as_everybody_has_to_choose(desk: QuestionsDesk, manager: Office) -> None:
    for question_id in range(5, 20):
        desk.retire(question_id, GROUNDS)
    PolicyDesk(manager).change("questions_registered", "5", 0, GROUNDS)
    with refused(NotTaken, match="chooses 5 questions, and 4 would be left"):
        desk.retire(1, GROUNDS)
    assert desk.every()[0].retired_at is None
    PolicyDesk(manager).change("verification", "email-code", 0, GROUNDS)
    desk.retire(1, GROUNDS)


def test_second_retirement_of_a_question_is_refused(desk: QuestionsDesk) -> None:
    desk.retire(3, GROUNDS)
    with refused(ConcurrentChange, match="retired already"):
        desk.retire(3, GROUNDS)
    with pytest.raises(NotFound):
        desk.retire(99, GROUNDS)


def test_setting_the_service_up_again_undoes_nothing(
    desk: QuestionsDesk, manager: Office, store: Store, clock: SetClock
) -> None:
    desk.add(NEW, GROUNDS)
    PolicyDesk(manager).change("verification", "email-code", 0, GROUNDS)
    for question_id in range(1, 22):
        desk.retire(question_id, GROUNDS)
    was = desk.every()
    load_questions(store, clock)
    assert desk.every() == was


def test_others_look_and_change_nothing(
    desk: QuestionsDesk, agent: Office, auditor: Office
) -> None:
    for office in (agent, auditor):
        reading = QuestionsDesk(office)
        assert reading.every() == desk.every()
        with pytest.raises(NotPermitted):
            reading.add("", GROUNDS)
