"""Why an act of staff was not done, in words: each code with its facts has its sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, get_args

import pytest

from kiosk.authority import refusals as why
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.facts import CardRevoked, Happened
from kiosk.authority.refusals import PlainRefusal, Refusal
from kiosk.authority.roles import Action, Role
from screens.words.staff.refusals import PLAIN, change_lines, refusal_lines, refusal_words

NOW: Final = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
BEGAN: Final = datetime(2026, 5, 3, 9, 14, tzinfo=UTC)

SAID: Final[list[tuple[Refusal, str]]] = [
    (PlainRefusal.OWN_ROLE, "Nobody changes their own role. Ask a colleague."),
    (
        PlainRefusal.NO_TWO_MANAGERS_TO_AGREE,
        (
            "There are no two managers who could agree with each other, each with a key and "
            "neither let in by the other. Everything would wait, this setting too. First let the "
            "machine's administrator add two: `kiosk staff add`."
        ),
    ),
    (why.NotForRole(Role.HELPER), "This is not for the role helper."),
    (
        why.NotForRole(Role.HELPER, Action.ADD_CARD),
        f"This is not for the role helper: {Action.ADD_CARD.value}.",
    ),
    (
        why.AlteredRecord("card", "c1", "K7QH-2M9T"),
        (
            "A record was altered outside of the service: card c1 (reference K7QH-2M9T). Nothing "
            "is done with it. Tell the service's administrator: `kiosk doctor` says more."
        ),
    ),
    (
        why.StaffRecordsAltered("K7QH-2M9T"),
        (
            "The records of staff are not right (reference K7QH-2M9T). Please tell the service's "
            "administrator: `kiosk doctor` says what was altered."
        ),
    ),
    (
        why.KeyOfNobody("K7QH-2M9T"),
        (
            "This key belongs to no member of staff (reference K7QH-2M9T). Ask a manager of the "
            "Registration Authority to add it."
        ),
    ),
    (
        why.LoginNeedsSecurityKey("K7QH-2M9T"),
        (
            "This key is not in a security key, and no other lets in here (reference K7QH-2M9T). "
            "Ask a manager of the Registration Authority to add one that is."
        ),
    ),
    (
        why.NothingForRole(Role.TECHNICIAN, "K7QH-2M9T"),
        (
            "There is nothing here for the role technician (reference K7QH-2M9T): your card "
            "counts, at a station."
        ),
    ),
    (
        why.ExportsDiskFull("/srv", 500),
        (
            "The disk of the exports folder /srv has less than 500 MB left. Ask who looks after "
            "the service's machine to make room; nothing was exported."
        ),
    ),
    (
        why.ExportsFolderFails("/srv", ""),
        (
            "The exports folder /srv: it does not answer. Ask who looks after the service's "
            "machine to make it for the service's account; nothing was exported."
        ),
    ),
    (
        why.NoImportsFolder("/srv"),
        (
            "There is no folder /srv yet. The administrator of the service's machine creates it, "
            "readable by the RA application's account alone."
        ),
    ),
    (
        why.ImportsFolderFails("/srv", "Permission denied"),
        "The imports folder /srv: Permission denied.",
    ),
    (
        why.TooManyWaiting(100),
        (
            "100 acts that you proposed wait already: nothing was proposed. Let a colleague "
            "decide about them first."
        ),
    ),
    (
        why.LetInByProposer("Bo Lee"),
        "Bo Lee let you in here, so somebody else has to agree to this.",
    ),
    (
        why.ProposerLetIn("Bo Lee"),
        "You let Bo Lee in here, so somebody else has to agree to this.",
    ),
    (
        why.CardOfNoUse(CardRevoked()),
        "A code is of no use for this card. It was revoked.",
    ),
    (
        why.UnlockUnderWay(BEGAN, NOW, UTC),
        "An unlock that began at 09:14 today is under way. Erase them in an hour.",
    ),
    (
        why.UnlockUndetermined(BEGAN, NOW, UTC),
        (
            "What became of the unlock of 09:14 today is not known. Have the card put into any "
            "station, which settles it, or revoke the card; then erase them."
        ),
    ),
    (
        why.NoSuchNumber("900"),
        (
            "Nobody has the holder number 900: `kiosk people search` finds them by a name, or by "
            "the number of a notice."
        ),
    ),
    (
        why.AddressOfOther("Bo Lee", "900"),
        "There is already Bo Lee, 900, with this address.",
    ),
    (
        why.DomainNotApproved(("nhs.uk", "nhs.net")),
        "Only addresses of approved domains are taken: nhs.uk, nhs.net.",
    ),
    (
        why.NumberOfOtherCountry(("GB", "IE")),
        "Only mobile numbers of these countries are taken: GB, IE.",
    ),
    (
        why.FamilyUnknown("xyz"),
        "This release does not know the family of the card, xyz.",
    ),
    (why.CardOfOther("900"), "This card belongs to another person (number 900)."),
    (
        why.CodesGivenAlready(3),
        (
            "Staff have given three codes for this card within an hour. Wait, or let a colleague "
            "look into it."
        ),
    ),
    (
        why.CodeForSomethingElse("Bo Lee", registered=True),
        (
            "Bo Lee is registered now: the code is for something else. Withdraw it, and give "
            "another one."
        ),
    ),
    (
        why.CodeForSomethingElse("Bo Lee", registered=False),
        (
            "Bo Lee is not registered now: the code is for something else. Withdraw it, and give "
            "another one."
        ),
    ),
    (
        why.ReasonLength(identifies=False, least=5, most=500),
        "Say why, in 5 to 500 characters.",
    ),
    (
        why.ReasonLength(identifies=True, least=5, most=500),
        "Say how you made sure who this person is, in 5 to 500 characters.",
    ),
    (why.NoSuchRow(17), "There is no row 17 in the audit."),
    (
        why.NoSuchKindOfRow("logged-in"),
        "There is no such kind of row. Did you mean logged-in?",
    ),
    (
        why.NoSuchKindOfRow(""),
        "There is no such kind of row. `kiosk audit kinds` lists all.",
    ),
    (
        why.NobodyNamedSo("command line:"),
        'No member of staff is named so. A command line is written "command line: root".',
    ),
    (why.FilterTooLong(100), "A name has at most 100 characters that can be shown."),
    (why.TooManyReportsMailed(10), "At most 10 reports are mailed for you in an hour."),
    (why.NothingBefore(2000), "There is nothing to report before 2000."),
    (why.NothingBeyond(2999), "Nobody plans beyond 2999."),
    (
        why.NoSuchFile("people.csv"),
        "There is no file people.csv in the imports folder (any more).",
    ),
    (
        why.NothingImported(3, "name: is empty"),
        "Nothing was imported. Line 3: name: is empty.",
    ),
    (why.KeyOfOtherStation("Ward 7"), "Its key is that of Ward 7."),
    (why.NoPauseInForce("Ward 7"), "No pause that Ward 7 made is in force."),
    (
        why.StationRetiredSince("Ward 7"),
        "Ward 7 was retired since this was proposed: decline it, and look again.",
    ),
    (why.StationNameTooLong(80), "A name has at most 80 characters that can be shown."),
    (why.StationRetiredAlready("Ward 7"), "Ward 7 is retired already."),
    (why.StationInServiceAlready("Ward 7"), "Ward 7 is in service already."),
    (
        why.NoSuchStation("Ward 7"),
        "There is no station named Ward 7; `kiosk stations list` shows all.",
    ),
    (
        why.LastManager("Ada Quill"),
        "Ada Quill is the last manager who can log in. Add another one first.",
    ),
    (why.HasRoleAlready("Ada Quill", Role.AGENT), "Ada Quill is an agent already."),
    (why.HasNoSuchCard("Ada Quill"), "Ada Quill has no such card."),
    (why.HasNoSuchKey("Ada Quill"), "Ada Quill has no such key."),
    (why.MemberChanged("Ada Quill"), "Ada Quill was changed since you looked."),
    (
        why.KeyInUse("Ada Quill"),
        "Ada Quill logs in with this key already. Everybody has their own.",
    ),
    (why.KeyInUse(""), "somebody else logs in with this key already. Everybody has their own."),
    (why.NoSuchFamily("xyz"), "There is no family of cards called xyz."),
    (why.StaffNameUnfit(2, 60), "A name has 2 to 60 letters that can be seen."),
    (
        why.StaffNameTaken("Ada Quill"),
        "Somebody is called Ada Quill already. Tell them apart by their names.",
    ),
    (
        why.RsaKeyTooShort(3072),
        "An RSA key needs 3072 bits or more; better make an ed25519 key.",
    ),
    (why.NoSuchSetting("max_failures"), "There is no policy setting named max_failures."),
    (why.SettingChangedSince("max_failures"), "max_failures was changed since you looked."),
    (
        why.SettingSetAlready("max_failures"),
        "That is what counts already for max_failures.",
    ),
    (
        why.StopsManyCards(38, 40),
        "That may stop 38 of 40 recorded cards (95.0 %). If you mean it, ask for it again.",
    ),
    (why.ValueUnfit("That is too long. Allowed: 1."), "That is too long. Allowed: 1."),
    (why.ValueDoesNotFit("it is below 6"), "That does not fit. it is below 6."),
    (why.TooFewQuestions(1), "Only 1 question is offered. Add some first."),
    (why.TooFewQuestions(4), "Only 4 questions are offered. Add some first."),
    (
        why.QuestionLength(10, 64),
        "Write it in 10 to 64 characters; wide ones, as Han, count twice.",
    ),
    (why.QuestionInList("Where is it?"), "“Where is it?” is in the list already."),
    (
        why.TooFewWouldBeLeft(5, 4),
        "Everybody chooses 5 questions, and 4 would be left. Add one first.",
    ),
]


@pytest.mark.parametrize(("because", "said"), SAID)
def test_refusal_is_said_with_its_facts(because: Refusal, said: str) -> None:
    assert refusal_words(NotFound(because)) == said


def test_every_refusal_has_words_and_a_sample() -> None:
    assert set(PLAIN) == set(PlainRefusal)
    assert {type(because) for because, _ in SAID} == set(get_args(Refusal))


def test_refusal_as_text_for_a_log_names_nobody() -> None:
    assert str(NotTaken("name", why.StaffNameTaken("Ada Quill"))) == "StaffNameTaken"
    assert str(NotTaken("role", PlainRefusal.OWN_ROLE)) == "OWN_ROLE"


def test_terminal_prints_the_field_or_what_others_did() -> None:
    assert refusal_lines(NotTaken("public_key", PlainRefusal.NOT_ONE_KEY)) == (
        "public key: Paste one public key: one line, as in a .pub file.",
    )
    changed = ConcurrentChange(why.MemberChanged("Ada Quill"), ("Bo removed them.",))
    assert refusal_lines(changed) == (
        "Ada Quill was changed since you looked.",
        "  Bo removed them.",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            why.DoneSince("Bo Lee", Happened("name-corrected", {}), "K7QH-2M9T"),
            "Bo Lee corrected the name (reference K7QH-2M9T).",
        ),
        (
            why.DoneSince("", Happened("name-corrected", {}), "K7QH-2M9T"),
            "somebody corrected the name (reference K7QH-2M9T).",
        ),
        (
            why.DoneSince("", Happened("email-changed", {}), "K7QH-2M9T"),
            "Changed the email address. (reference K7QH-2M9T)",
        ),
        (why.ProposedBefore("Bo Lee", "K7QH-2M9T"), "Bo Lee proposed it (reference K7QH-2M9T)."),
        (why.AgreedSince("Bo Lee"), "Bo Lee agreed to it."),
        (why.DeclinedSince("Bo Lee", taken_back=False), "Bo Lee declined it."),
        (why.DeclinedSince("Bo Lee", taken_back=True), "Bo Lee took it back."),
        (why.SettingSetSince("Bo Lee", "levels", ""), "Bo Lee set levels to an empty list."),
        (
            why.SettingSetSince("Bo Lee", "levels", None),
            "Bo Lee set levels back to the settings file's value.",
        ),
    ],
)
def test_what_others_did_since_has_words(change: why.Change, said: str) -> None:
    error = ConcurrentChange(PlainRefusal.PERSON_CHANGED, (change,))
    assert change_lines(error) == (said,)
