"""``[policy]``: the numbers of the service, as ``kiosk.policy.Policy`` takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Choice, Number, Truth, Unfit, Words
from kiosk.policy import Factor, Genuine, Policy

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_DOMAIN = rf"({_LABEL}\.)*{_LABEL}"


def _factor(word: str) -> Factor:
    if word == "witness":
        raise Unfit('"witness" is not available in this version', quotes=False)
    try:
        return Factor(word)
    except ValueError:
        raise Unfit("is not allowed here") from None


def _domain(word: str) -> str:
    if not re.fullmatch(_DOMAIN, word.lower()):
        raise Unfit(f"{word.lower()!r} is not a domain", quotes=False)
    return word.lower()


@dataclass(frozen=True)
class PolicySettings(Section):
    """``[policy]``: durations carry their unit in their name."""

    verification: tuple[Factor, ...] = setting(
        (Factor.QUESTIONS, Factor.EMAIL_CODE),
        Words('a list of "questions" and "email-code"', _factor),
        "What a holder has to pass, in this order.",
    )
    questions_registered: int = setting(
        4, Number(2, 8, whole=True), "Questions a holder registers."
    )
    questions_asked: int = setting(3, Number(2, 4, whole=True), "Questions asked in one attempt.")
    max_failures: int = setting(3, Number(1, 10, whole=True), "Failed attempts that block.")
    code_digits: int = setting(8, Number(6, 10, whole=True), "Digits of an emailed code.")
    code_life_minutes: float = setting(15, Number(1, 60), "Minutes that a code lives.")
    code_tries: int = setting(5, Number(1, 10, whole=True), "Wrong entries that spend a code.")
    codes_an_hour: int = setting(
        3,
        Number(1, 20, whole=True),
        "Codes mailed for one card in an hour; staff may give as many again.",
    )
    code_gap_s: float = setting(60, Number(0, 600), "Seconds between two codes.")
    pin_min_length: int = setting(6, Number(4, 8, whole=True), "Fewest digits of a new PIN.")
    pin_max_length: int = setting(8, Number(4, 8, whole=True), "Most digits of a new PIN.")
    email_domains: tuple[str, ...] = setting(
        ("nhs.net", "nhs.uk", "gov.uk", "mod.uk"),
        Words('a list of domains such as "nhs.net"', _domain),
        "Domains, with those below them, that codes go to; an empty list is any.",
    )

    four_eyes: bool = setting(
        False,
        Truth(),
        "What could help to open somebody else's card waits until a second member of staff "
        "agrees: addresses, cards, secrets, blocks, registrations, codes, staff, the policy.",
    )

    genuine: str = setting(
        Genuine.WHEN_IT_CAN.value,
        Choice(*(when.value for when in Genuine)),
        "When a card has to prove that it is the one that was issued; "
        "one whose key is recorded can.",
    )

    rotate_secret: bool = setting(
        True,
        Truth(),
        "Change the unblock secret of a card after each use, where the card allows it.",
    )

    address_cooling_off_hours: float = setting(
        24,
        Number(0, 336),
        "Hours in which the old address can stop a change that a card did not prove; 0: none.",
    )

    visits_a_minute: int = setting(
        30, Number(5, 1000, whole=True), "Visits that one station may begin within a minute."
    )

    def check(self) -> None:
        """Let the policy itself judge how its numbers fit together."""
        self.policy()

    def policy(self) -> Policy:
        """Return the frozen policy that both halves judge by."""
        return Policy(
            verification=self.verification,
            questions_registered=self.questions_registered,
            questions_asked=self.questions_asked,
            max_failures=self.max_failures,
            code_digits=self.code_digits,
            code_life=timedelta(minutes=self.code_life_minutes),
            code_tries=self.code_tries,
            codes_an_hour=self.codes_an_hour,
            code_gap=timedelta(seconds=self.code_gap_s),
            pin_min_length=self.pin_min_length,
            pin_max_length=self.pin_max_length,
            email_domains=self.email_domains,
            four_eyes=self.four_eyes,
            genuine=Genuine(self.genuine),
            rotate_secret=self.rotate_secret,
            address_cooling_off=timedelta(hours=self.address_cooling_off_hours),
            visits_a_minute=self.visits_a_minute,
        )
