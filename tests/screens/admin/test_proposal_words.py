"""What an act that waits would do, in words: each code with its facts has its sentence."""

from __future__ import annotations

from typing import Final, get_args

import pytest

from kiosk.authority.administration import intents as to
from kiosk.authority.administration.intents import Intent, PlainIntent, ShownKey
from kiosk.authority.roles import Role
from screens.words.staff.proposals import PLAIN, proposal_words

KEY: Final = ShownKey("SHA256:uN7vJ2ab4Xk0")
NONE: Final = ShownKey("")

SAID: Final[list[tuple[Intent, str]]] = [
    (PlainIntent.LIFT_BLOCK, "Lift the block."),
    (to.CannotBeRead("add-card"), "add-card: what was entered cannot be read."),
    (
        to.ToAddPerson("Bo Chen", "900", "bo@nhs.net"),
        "Add Bo Chen (900), with the address bo@nhs.net.",
    ),
    (
        to.ToCorrectAddress(("a@nhs.net", "b@nhs.net"), "c@nhs.net"),
        "Correct the email address from a@nhs.net and b@nhs.net to c@nhs.net.",
    ),
    (
        to.ToCorrectAddress((), "c@nhs.net"),
        "Correct the email address from none to c@nhs.net.",
    ),
    (
        to.ToAddAddress(("a@nhs.net", "b@nhs.net"), "c@nhs.net"),
        "Add the address c@nhs.net, to which codes can go as well, to a@nhs.net and b@nhs.net.",
    ),
    (to.ToWithdrawAddress("c@nhs.net"), "Withdraw the further address c@nhs.net."),
    (to.ToAddCard("piv 01", with_secret=True), "Add the card piv 01, with an unblock secret."),
    (
        to.ToReplaceCard("", "piv 02", with_secret=False),
        "Replace the card that is not recorded any more by piv 02.",
    ),
    (
        to.ToSetSecret("piv 01", tries_full=True),
        "Set the unblock secret of the card piv 01. The card was just given it.",
    ),
    (to.ToLetIn("Cy Dunn", Role.AGENT, None), "Let in Cy Dunn as agent."),
    (
        to.ToLetIn("Cy Dunn", Role.AGENT, NONE),
        "Let in Cy Dunn as agent, with the key that cannot be read.",
    ),
    (to.ToGiveRole("Cy Dunn", Role.AUDITOR), "Give Cy Dunn the role auditor."),
    (
        to.ToAddKey("", KEY),
        "Let somebody who is not recorded any more in with the key SHA256:uN7vJ2ab4Xk0, too.",
    ),
    (
        to.ToAddStaffCard("piv 01", "Cy Dunn", KEY),
        (
            "Let the card piv 01 of Cy Dunn open stations' maintenance pages, with the key "
            "SHA256:uN7vJ2ab4Xk0."
        ),
    ),
    (
        to.ToLetInStation("Level 7", "South"),
        "Let in the station Level 7 (South): whoever agrees is shown its line.",
    ),
    (
        to.ToLetInStation("Level 7", "", KEY),
        "Let in the station Level 7 by the certificate whose key is SHA256:uN7vJ2ab4…",
    ),
    (
        to.ToLetInStation("Level 7", "", NONE),
        "Let in the station Level 7 by the certificate whose key cannot be read.",
    ),
    (to.ToReinstateStation("Level 7"), "Put the station Level 7 back into service."),
    (to.ToOfferQuestion("Which pet?"), "Offer the security question “Which pet?”."),
    (
        to.ToTranslateQuestion(7, "Which pet?", "de", "Welches Tier?"),
        "Ask “Which pet?” as “Welches Tier?” where the language is de.",
    ),
    (
        to.ToTranslateQuestion(7, "", "de", ""),
        "Ask “question 7” in English again where the language is de.",
    ),
    (to.ToSetPolicy("levels", ""), "Set levels to an empty list."),
    (to.ToRedactRow(7, whole=False), "Take the reason out of row 7 of the audit."),
    (
        to.ToImportFile("people.csv", "ab" * 32, 1),
        (
            "Import the file people.csv (SHA-256 abababababababab...), with one change of "
            "addresses, cards, keys or secrets of people who are known already or were erased. "
            "The page Import (F9) shows it: try the file there."
        ),
    ),
]


@pytest.mark.parametrize(("what", "said"), SAID)
def test_proposal_is_said(what: Intent, said: str) -> None:
    assert proposal_words(what) == said


def test_every_proposal_has_words_and_a_sample() -> None:
    assert set(PLAIN) == set(PlainIntent)
    assert {type(what) for what, _ in SAID} == set(get_args(Intent))
