"""What an act of staff did, in words: each code with its facts has its sentence."""

from __future__ import annotations

from datetime import UTC
from typing import Final, get_args

import pytest

from kiosk.authority.administration import deeds as did
from kiosk.authority.administration.deeds import Deed, PlainDeed
from kiosk.authority.facts import Do, ReadAt, RegisterOrHelp
from kiosk.authority.roles import Role
from screens.words.staff.deeds import PLAIN, deed_words
from tests.screens.admin.people import NOW

KEY: Final = "SHA256:abc"
TAKEN_BACK: Final = "unused enrolment lines were taken back. Have new ones made."

SAID: Final[list[tuple[Deed, str]]] = [
    (PlainDeed.CARD_ADDED, "The card is added."),
    (did.PersonAdded("Bo Chen"), "Bo Chen is added."),
    (did.NameCorrected("Bo Lee", spoiled=False), "The name is Bo Lee now."),
    (
        did.NameCorrected("Bo Lee", spoiled=True),
        (
            "The name is Bo Lee now. What waits for a second member about them has to be proposed "
            "anew."
        ),
    ),
    (
        did.AddressCorrected(registered=True, code_ended=False, change_stopped=False),
        "The address is corrected. The next code that is sent there confirms it.",
    ),
    (
        did.AddressCorrected(registered=False, code_ended=True, change_stopped=True),
        (
            "The address is corrected. It is suggested to them when they register; the code that "
            "is sent there confirms it. The code that was given by word of mouth ended with it: "
            "give another. The change of address that waited is stopped."
        ),
    ),
    (
        did.BlockLifted(change_stopped=False),
        "The block is lifted. They have all their attempts again.",
    ),
    (
        did.BlockLifted(change_stopped=True),
        (
            "The block is lifted. They have all their attempts again. The change of address that "
            "waited is stopped."
        ),
    ),
    (
        did.RegistrationRevoked(RegisterOrHelp(Do.GIVE_CODE_TO_REGISTER), ReadAt(NOW, UTC)),
        (
            "The registration is revoked. While they know their PIN they register at any station. "
            "If the PIN is blocked, make sure who they are and give a code: with it they unlock "
            "and register at a station, in one visit."
        ),
    ),
    (did.LeaverMarked("Bo Lee"), "Bo Lee is a leaver now; no station serves them."),
    (did.LeaverTakenBack("Bo Lee"), "Bo Lee is back; stations serve them as before."),
    (did.CodeAgreed(15), "The code works now, for 15 minutes."),
    (did.StaffAdded("Ada Quill", Role.AGENT), "Ada Quill can log in as an agent."),
    (did.StaffAdded("Ada Quill", Role.MANAGER), "Ada Quill can log in as a manager."),
    (
        did.StaffAdded("Ada Quill", Role.TECHNICIAN),
        "Ada Quill is a technician. Add their card next.",
    ),
    (did.RoleChanged("Ada Quill", Role.AUDITOR, 0), "Ada Quill is an auditor now."),
    (
        did.RoleChanged("Ada Quill", Role.AUDITOR, 2),
        f"Ada Quill is an auditor now. Two {TAKEN_BACK}",
    ),
    (
        did.StaffRemoved("Ada Quill", 1),
        (
            "Ada Quill cannot log in any more. One unused enrolment line was taken back. Have new "
            "ones made."
        ),
    ),
    (did.StaffKeyAdded("Ada Quill", KEY), f"Ada Quill can log in with {KEY}, too."),
    (
        did.StaffKeyRemoved("Ada Quill", KEY, 11),
        f"Ada Quill cannot log in with {KEY} any more. 11 {TAKEN_BACK}",
    ),
    (
        did.StaffCardAdded("Ada Quill", Role.TECHNICIAN, may_maintain=True, needs_pin=True),
        "The card of Ada Quill opens stations' maintenance pages.",
    ),
    (
        did.StaffCardAdded("Ada Quill", Role.AUDITOR, may_maintain=False, needs_pin=False),
        "The card of Ada Quill opens stations' maintenance pages. But that is not for an auditor.",
    ),
    (
        did.StaffCardAdded("Ada Quill", Role.TECHNICIAN, may_maintain=True, needs_pin=False),
        (
            "The card of Ada Quill opens stations' maintenance pages. But no import says that its "
            "key needs the PIN: unless the card attests it, import its pin_policy first."
        ),
    ),
    (
        did.StaffCardRemoved("Ada Quill"),
        "The card of Ada Quill opens no maintenance page any more.",
    ),
    (did.LineMade("Ward 7"), "A line for Ward 7 is made: it works once."),
    (
        did.StationCertified("Ward 7", "0123456789abcdef0123"),
        "Ward 7 is known by its certificate, whose key is 0123456789abcdef…",
    ),
    (did.StationRetired("Ward 7"), "Ward 7 is retired. It serves nobody any more."),
    (did.StationReinstated("Ward 7"), "Ward 7 is in service again."),
    (
        did.PausesLifted(1),
        "1 pause is lifted: answers are taken with these smartcards again.",
    ),
    (
        did.PausesLifted(1200),
        "1,200 pauses are lifted: answers are taken with these smartcards again.",
    ),
    (
        did.QuestionAdded("Where did you first see the sea?"),
        "“Where did you first see the sea?” is offered to everybody who registers from now on.",
    ),
    (
        did.QuestionTranslated("Where did you first see the sea?", "cy", "Ble gwelsoch y môr?"),
        (
            "“Where did you first see the sea?” is asked as “Ble gwelsoch y môr?” where the "
            "language is cy."
        ),
    ),
    (
        did.QuestionTranslated("Where did you first see the sea?", "cy", ""),
        "“Where did you first see the sea?” is asked in English again where the language is cy.",
    ),
    (
        did.QuestionRetired("Where did you first see the sea?"),
        "“Where did you first see the sea?” is offered to nobody new; who uses it keeps it.",
    ),
    (
        did.SettingChanged("max_failures", "5", no_two_managers=False),
        "max_failures is 5 from now on, at every station within a minute.",
    ),
    (
        did.SettingChanged("email_domains", "", no_two_managers=False),
        "email_domains is an empty list from now on, at every station within a minute.",
    ),
    (
        did.SettingChanged("four_eyes", "true", no_two_managers=True),
        (
            "four_eyes is true from now on, at every station within a minute. But there are no two "
            "managers who could agree with each other: let the machine's administrator add two: "
            "`kiosk staff add`."
        ),
    ),
    (did.RowRedacted(17), "The text of row 17 is gone. Its digest stays, and the chain fits."),
    (did.FileImported(12), "12 lines were imported."),
]


@pytest.mark.parametrize(("deed", "said"), SAID)
def test_deed_is_said_with_its_facts(deed: Deed, said: str) -> None:
    assert deed_words(deed) == said


def test_every_deed_has_words_and_a_sample() -> None:
    assert set(PLAIN) == set(PlainDeed)
    assert {type(deed) for deed, _ in SAID} == set(get_args(Deed))
