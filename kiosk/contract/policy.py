"""The policy's numbers, and its rules for answers, codes, addresses and PINs."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from kiosk.contract.messages import AnswerProblem, Factor, PinRules, Way
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import fold, folded_words, typable

# Numbers, each a setting with a default and its bounds.

FEWEST_CODE_DIGITS, MOST_CODE_DIGITS = 6, 10
STOP_NUMBER_DIGITS = 12
"""More than a code may have, so that neither is taken for the other."""


_NEVER_ALONE: Final[dict[Factor, str]] = {
    Factor.QUESTIONS: "security questions alone do not prove anybody",
    Factor.SAVED_CODE: "a saved code alone lets in who finds card and paper",
}
"""Factors that prove nobody without another one: friends may know the answers."""

MOST_SAVED_CODES = 9
"""A holder has at once: each is named by a digit, and 0 looks like a letter."""


class Genuine(StrEnum):
    """When a card has to prove that it is the one that was issued."""

    ALWAYS = "always"
    WHEN_IT_CAN = "when-it-can"
    NEVER = "never"


class SecondRoute(StrEnum):
    """Whether stations let a holder add an address to which codes can go as well."""

    OFF = "off"
    OFFER = "offer"


class Policy(Struct, frozen=True):
    """What the service asks of a holder, and how many wrong attempts it allows.

    ``verification`` are the ways to unlock a card: its holder passes every factor of one of them.
    ``PolicySettings`` has the bounds of each number. Raises ``ValueError``, naming the setting,
    where two of them do not fit each other.
    """

    verification: tuple[Way, ...] = ((Factor.QUESTIONS, Factor.EMAIL_CODE),)
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
    saved_codes: int = 0
    stop_cards: tuple[str, ...] = ()
    remind_before: timedelta = timedelta(days=30)
    second_route: SecondRoute = SecondRoute.OFF

    def __post_init__(self) -> None:
        for way in self.verification:
            if not way or len(set(way)) != len(way):
                raise ValueError("verification: name each step once, and at least one")
            if len(way) == 1 and (why := _NEVER_ALONE.get(way[0])):
                raise ValueError(f"verification: {why}")
        if not self.verification:
            raise ValueError("verification: name each step once, and at least one")
        if len(set(map(frozenset, self.verification))) != len(self.verification):
            raise ValueError("verification: two ways have the same steps")
        self._check_saved_codes()
        if self.questions_asked > self.questions_registered:
            raise ValueError("questions_asked: cannot be more than questions_registered")
        if self.pin_min_length > self.pin_max_length:
            raise ValueError("pin_min_length: cannot be more than pin_max_length")

    def _check_saved_codes(self) -> None:
        with_them = [Factor.SAVED_CODE in way for way in self.verification]
        if any(with_them) and not self.saved_codes:
            raise ValueError("saved_codes: needed where verification has saved-code")
        if all(with_them):
            # They are made by who is registered, and so has another way.
            raise ValueError("verification: one list at least has to be without saved-code")

    @property
    def asks_questions(self) -> bool:
        """Return whether registration has to gather questions."""
        return any(Factor.QUESTIONS in way for way in self.verification)

    def pin_rules(self, holder_number: str) -> PinRules:
        """Return the rules for a new PIN of the holder with ``holder_number``; empty: unknown."""
        personal = (holder_number,) if holder_number else ()
        return PinRules(self.pin_min_length, self.pin_max_length, personal)


# Answers that a registration does not take.

MAX_ANSWER = 80
"""Characters; longer answers are not remembered word for word."""

MIN_FOLDED = 2
"""Letters and digits; short true answers such as "Li" are fine."""

_LONG_WORD = 3
"""Shorter words of a question make up names by chance: "in a" spells Ina."""


def answer_problem(answer: str, question: str, others: Iterable[str]) -> AnswerProblem | None:
    """Return why a registration answer is refused, or None.

    Every rule but the length applies to the folded answer, as verification does. Another station
    may have only a touch screen, so its keyboard has to be able to type the answer.
    """
    folded = fold(answer)
    if not folded:
        return AnswerProblem.EMPTY
    if len(answer) > MAX_ANSWER:
        return AnswerProblem.TOO_LONG
    if not typable(folded):
        return AnswerProblem.NOT_TYPABLE
    if len(folded) < MIN_FOLDED:
        return AnswerProblem.TOO_SHORT
    if _repeats_question(folded, folded_words(question)):
        return AnswerProblem.REPEATS_QUESTION
    if folded in {fold(other) for other in others}:
        return AnswerProblem.SAME_AS_ANOTHER
    return None


def _repeats_question(folded: str, question: list[str]) -> bool:
    """Return whether an answer is a run of the question's words, or its long words in any order."""
    ends = range(1, len(question) + 1)
    if any(folded == "".join(question[start:end]) for end in ends for start in range(end)):
        return True
    long_words = {word for word in question if len(word) >= _LONG_WORD}
    reached = {0}
    for at in range(len(folded)):
        if at in reached:
            reached |= {at + len(word) for word in long_words if folded.startswith(word, at)}
    return len(folded) in reached


# Codes: when another may be sent.

HOUR = timedelta(hours=1)


def end_of_wait(moment: datetime) -> datetime:
    """Return ``moment`` as a clock without seconds can say it: nobody is to come too early."""
    begun = moment.replace(second=0, microsecond=0)
    return begun if begun == moment else begun + timedelta(minutes=1)


LONGEST_LIFE_BY_TEXT = timedelta(minutes=10)
"""Of a code by text message (NIST SP 800-63B-4, 4.2.1.2)."""


class SendVerdict(Struct, frozen=True):
    """``wait`` is zero where a code may go out now; ``too_many``: by the limit an hour."""

    wait: timedelta
    too_many: bool = False


def may_send_code(sent: Sequence[datetime], now: datetime, policy: Policy) -> SendVerdict:
    """Decide from the times at which codes for this card were sent, in any order.

    One that is ahead by more than an hour was dated by a wrong clock, and does not count.
    """
    recent = sorted(at for at in sent if now - HOUR < at < now + HOUR)
    if len(recent) >= policy.codes_an_hour:
        return SendVerdict(recent[-policy.codes_an_hour] + HOUR - now, too_many=True)
    if recent and now < recent[-1] + policy.code_gap:
        return SendVerdict(recent[-1] + policy.code_gap - now)
    return SendVerdict(timedelta(0))


# Addresses: well formed, approved, masked.

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_ADDRESS = 254
_MAX_LOCAL = 64


class EmailProblem(StrEnum):
    """Why an address is refused."""

    MALFORMED = "malformed"
    DOMAIN = "domain"


def tidy_email(address: str) -> str:
    """Remove the spaces around an address and write its domain in lower case."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def email_problem(address: str, domains: tuple[str, ...]) -> EmailProblem | None:
    """Return why a tidied address is refused, or None.

    ``domains`` approves a domain and those below it, label by label: ``trust.nhs.uk`` is
    below ``nhs.uk`` and ``evilnhs.uk`` is not. Empty approves any. Only ASCII mailboxes
    are taken: mail to others does not leave every relay. A mailbox that names a route is of no
    approved domain.
    """
    local, _, domain = address.rpartition("@")
    labels = domain.split(".")
    if len(address) > MAX_ADDRESS or len(local) > _MAX_LOCAL or len(labels) < 2:
        return EmailProblem.MALFORMED
    if not _LOCAL.fullmatch(local) or not all(_LABEL.fullmatch(label) for label in labels):
        return EmailProblem.MALFORMED
    approved = [one.split(".") for one in domains]
    if approved and not any(labels[-len(one) :] == one for one in approved):
        return EmailProblem.DOMAIN
    return EmailProblem.DOMAIN if approved and _ROUTES & set(local) else None


_ROUTES = frozenset("%!")
"""Relays may forward ``a%b.org@nhs.net`` and ``b.org!a@nhs.net`` to ``a@b.org``.

Postfix does so by default (``allow_percent_hack`` and ``swap_bangpath``, postconf(5)).
"""


def mask_email(address: str) -> str:
    """Show the first letter and the domain: enough to recognise an address, not to learn it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def is_number(address: str) -> bool:
    """Return whether text messages go there: a number as in ITU-T E.164, and no mailbox."""
    return "@" not in address


def mask_address(address: str) -> str:
    """Show of a number its last two digits, and of a mailbox what ``mask_email`` does."""
    return f"•••{address[-2:]}" if is_number(address) else mask_email(address)


def mask_routes(addresses: Iterable[str]) -> tuple[str, ...]:
    """Mask several of one holder; those that look alike are numbered in their order.

    A further letter would tell them apart as well, and would say more of each.
    """
    masks = [mask_address(one) for one in addresses]
    alike: Counter[str] = Counter()
    numbered = []
    for mask in masks:
        alike[mask] += 1
        numbered.append(f"{mask} ({alike[mask]})" if masks.count(mask) > 1 else mask)
    return tuple(numbered)


# Rules for a new PIN, checked before any secret leaves the authority. Cards differ in what they
# accept, and some accept anything (SP 800-73-5 part 2, 2.4.3 leaves all but the format to the
# issuer).

RUN_LENGTH = 5
"""So many digits in a row that count up or down are too easy to guess."""

SAME_DIGITS = 4
"""So many equal digits in a row are too easy to guess."""

MOST_USED = frozenset(
    "112233 121314 102030 123321 123654 147258 147852 159357 159753 159951 258456 314159 "
    "271828 520131 741852 753951 789456 852456 963852 001122 101010 135790 246810 192837 "
    "142536 998877 887766 665544 332211 010203 112358 141421 5201314 1472583 7894561 2580258 "
    "1234321 11223344 12344321 12341234 12121212 14725836 15975328 78945612 11235813 31415926 "
    "27182818 13579246 24681357 10203040 19283746 99887766 55667788 44332211 12348765 "
    "1234 4321 0123 1212 1010 2020 6969 12345 54321 01234 123456 654321 012345 234567 345678 "
    "456789 567890 987654 123123 321321 121212 131313 212121 232323 696969 456456 789789 010101 "
    "1234567 7654321 0123456 1231231 12345678 87654321 01234567 23456789 98765432 69696969 "
    "13131313 10101010".split()
) | {digit * length for digit in "0123456789" for length in range(4, 9)}
"""PINs from public lists of the most used; other rules here catch some of them, too."""


class PinRule(StrEnum):
    """One rule, shown to the holder as one line that ticks itself off."""

    LENGTH = "length"
    REPEATS = "repeats"
    RUNS = "runs"
    DATES = "dates"
    PERSONAL = "personal"
    MOST_USED = "most-used"
    CURRENT = "current"


def pin_verdicts(
    pin: str, rules: PinRules, current: Sensitive | None = None
) -> dict[PinRule, bool]:
    """Return for each rule whether ``pin`` keeps it, also for a half-typed PIN.

    Without the ``current`` PIN its rule is left out, and so is that of numbers where none is given.
    """
    is_number = pin.isascii() and pin.isdigit()
    sixes = [pin[i : i + 6] for i in range(len(pin) - 5)]
    verdicts = {
        PinRule.LENGTH: is_number and rules.min_length <= len(pin) <= rules.max_length,
        PinRule.REPEATS: not _repeats(pin),
        PinRule.RUNS: not _has_run(pin),
        PinRule.DATES: not _is_date(pin),
        PinRule.PERSONAL: not any(six in number for number in rules.personal for six in sixes),
        PinRule.MOST_USED: pin not in MOST_USED,
    }
    if not rules.personal:
        del verdicts[PinRule.PERSONAL]
    return verdicts if current is None else {**verdicts, PinRule.CURRENT: Sensitive(pin) != current}


def broken_pin_rules(
    pin: str, rules: PinRules, current: Sensitive | None = None
) -> tuple[PinRule, ...]:
    """Return the rules that ``pin`` breaks, in the order in which they are shown."""
    return tuple(rule for rule, kept in pin_verdicts(pin, rules, current).items() if not kept)


def _repeats(pin: str) -> bool:
    """Return whether one digit fills ``SAME_DIGITS`` places, or a short pattern the whole PIN."""
    if any(digit * SAME_DIGITS in pin for digit in "0123456789"):
        return True
    return any(
        len(pin) >= 2 * size and pin == (pin[:size] * len(pin))[: len(pin)] for size in (2, 3, 4)
    )


def _has_run(pin: str) -> bool:
    steps = [(ord(b) - ord(a)) % 10 for a, b in itertools.pairwise(pin)]
    run = RUN_LENGTH - 1
    return any(steps[i : i + run] in ([1] * run, [9] * run) for i in range(len(steps)))


def _is_date(pin: str) -> bool:
    """Return whether the whole PIN is a date: DDMMYY, MMDDYY, YYMMDD or with a full year."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in (6, 8)):
        return False
    century = "20" if len(pin) == 6 else ""
    for year, month, day in (
        (pin[4:], pin[2:4], pin[:2]),
        (pin[4:], pin[:2], pin[2:4]),
        (pin[:-4], pin[-4:-2], pin[-2:]),
    ):
        with suppress(ValueError):
            if 1900 <= date(int(century + year), int(month), int(day)).year <= 2099:
                return True
    return False
