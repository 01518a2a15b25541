"""The numbers of the service, each a setting with a default and its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from kiosk.dialogue import PinRules


class Factor(StrEnum):
    """One step of verification, in the order in which the policy lists them."""

    QUESTIONS = "questions"
    EMAIL_CODE = "email-code"


class Genuine(StrEnum):
    """When a card has to prove that it is the one that was issued."""

    ALWAYS = "always"
    WHEN_IT_CAN = "when-it-can"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the service asks of a holder, and how often it may be got wrong.

    Raises ``ValueError``, naming the setting, where a number is out of its bounds.
    """

    verification: tuple[Factor, ...] = (Factor.QUESTIONS, Factor.EMAIL_CODE)
    questions_registered: int = 4
    questions_asked: int = 3
    max_failures: int = 3
    code_digits: int = 8
    code_life: timedelta = timedelta(minutes=15)
    code_tries: int = 5
    codes_an_hour: int = 3
    code_gap: timedelta = timedelta(seconds=60)
    pin_min_length: int = 6
    pin_max_length: int = 8
    email_domains: tuple[str, ...] = ("nhs.net", "nhs.uk", "gov.uk", "mod.uk")
    four_eyes: bool = False
    genuine: Genuine = Genuine.WHEN_IT_CAN
    rotate_secret: bool = True
    address_cooling_off: timedelta = timedelta(hours=24)
    visits_a_minute: int = 30

    def __post_init__(self) -> None:
        if not self.verification or len(set(self.verification)) != len(self.verification):
            raise ValueError("verification: name each step once, and at least one")
        if Factor.EMAIL_CODE not in self.verification:
            raise ValueError("verification: security questions alone do not prove anybody")
        for name, low, high in _BOUNDS:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: must be {low} to {high}")
        if self.questions_asked > self.questions_registered:
            raise ValueError("questions_asked: cannot be more than questions_registered")
        if self.pin_min_length > self.pin_max_length:
            raise ValueError("pin_min_length: cannot be more than pin_max_length")

    @property
    def asks_questions(self) -> bool:
        """Whether registration has to gather questions at all."""
        return Factor.QUESTIONS in self.verification

    def pin_rules(self, holder_number: str) -> PinRules:
        """Return the rules for a new PIN of the holder with ``holder_number``."""
        return PinRules(self.pin_min_length, self.pin_max_length, (holder_number,))


_BOUNDS: tuple[tuple[str, object, object], ...] = (
    ("questions_registered", 2, 8),
    ("questions_asked", 2, 4),
    ("max_failures", 1, 10),
    ("code_digits", 6, 10),
    ("code_life", timedelta(minutes=1), timedelta(hours=1)),
    ("code_tries", 1, 10),
    ("codes_an_hour", 1, 20),
    ("code_gap", timedelta(0), timedelta(minutes=10)),
    ("pin_min_length", 4, 8),
    ("pin_max_length", 4, 8),
    ("visits_a_minute", 5, 1000),
    ("address_cooling_off", timedelta(0), timedelta(days=14)),
)
