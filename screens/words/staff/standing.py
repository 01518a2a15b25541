"""Why somebody can or cannot unlock, and what to do next, in sentences to be read out.

Every code of ``Finding``, ``Advice`` and ``CardTrouble`` has its words here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple, assert_never

from kiosk.authority.facts import (
    AddressUnconfirmed,
    AdminKeyNotShown,
    Advice,
    AfterRefusal,
    AnswersPaused,
    AttemptsFailed,
    AttemptsUsedUp,
    Blocked,
    BlockedByReport,
    CardExpired,
    CardRevoked,
    CardSetAside,
    CardStopped,
    CardTrouble,
    ChoosePin,
    CodeEntered,
    CodeNotEntered,
    CodeWaits,
    Do,
    EnterCode,
    EnterGivenCode,
    FamilyUnknown,
    Finding,
    FirstCodeEntered,
    FirstCodeGiven,
    FirstCodeWaits,
    GiveCodeOnly,
    Headline,
    LastTryKept,
    Left,
    NoCard,
    NoneInUse,
    NoneUsable,
    NotRegistered,
    Obstacle,
    OneCardTroubled,
    OnlyCardTroubled,
    OutcomeUnknown,
    QuestionsMissing,
    ReadAt,
    Ready,
    RegisterOrHelp,
    Registers,
    RegistersLater,
    RegistrationCodeSent,
    Remark,
    SecretNotOpened,
    SecretNotRecorded,
    SecretUnchanged,
    SeenRefused,
    Start,
    ThenRegister,
    TooManyCodes,
)
from kiosk.authority.wording import as_sentence, counted, format_day, format_moment, last_day
from kiosk.contract.messages import Reason
from kiosk.contract.policy import end_of_wait
from screens.words.staff.events import event_words

ADVICE: Final[dict[Do, str]] = {
    Do.NOTHING: "Nothing has to be done.",
    Do.TAKE_BACK_LEAVER: "If they are here again, take them back from the leavers.",
    Do.LIFT_BLOCK: "Make sure who they are, then lift the block.",
    Do.LIFT_BLOCK_PIN_IN_USE: (
        "Make sure who they are, then lift the block. Until then, whoever knows the PIN can still "
        "change it at a station."
    ),
    Do.PUT_RIGHT_THEN_LIFT_BLOCK: (
        "Make sure who they are. Put right with them what was done; then lift the block."
    ),
    Do.ADD_CARD: "Add their card.",
    Do.ADD_PRESENT_CARD: "Add the card that they have now.",
    Do.REPLACE_STOPPED_CARD: (
        "Replace the card. A manager sees in stop_cards, on the page Policy, which are stopped."
    ),
    Do.REPLACE_EXPIRED_CARD: (
        "Replace the card. Where the recorded end is wrong, import the right one; "
        "it cannot lengthen the card's own certificate."
    ),
    Do.UPDATE_RELEASE: (
        "Tell the service's administrator: a newer release recorded the card, and this one "
        "has to be updated."
    ),
    Do.SET_OR_REPLACE: "Set the unblock secret, or replace the card.",
    Do.REPLACE_CARD: "Replace the card: the last try of its unblock secret is never spent.",
    Do.GIVE_CARD_ANOTHER_SECRET: (
        "Give the card another unblock secret with your card management and set it here."
    ),
    Do.SET_RIGHT_SECRET: "Set the right unblock secret, or replace the card.",
    Do.SET_ADMIN_KEY_AGAIN: (
        "Look at the card that they hold. If it is the one that was issued, set its admin key "
        "again here, with all its tries: it need not be replaced."
    ),
    Do.SEE_EACH_CARD: "See what each card needs, beside it.",
    Do.SET_SECRET_THEN_GIVE_CODE: ("First set the unblock secret of the card, then give a code."),
    Do.RECORD_ADDRESS_AND_GIVE_CODE: (
        "Make sure who they are, record their email address, and give a code: with it they "
        "unlock and register at a station."
    ),
    Do.GIVE_CODE_TO_REGISTER: (
        "Make sure who they are and give a code: with it they unlock and register at a "
        "station, in one visit."
    ),
    Do.AGREE_TO_CODE: "A colleague has to agree to the code.",
    Do.WAIT_OR_LIFT_BLOCK: (
        "They wait until then; or make sure who they are, and lift the block, which ends the "
        "wait. A card whose key is recorded is not affected."
    ),
    Do.WAIT_OR_GIVE_CODE: (
        "None of these can be entered any more. They wait, or you make sure who they are and "
        "give a code."
    ),
    Do.NEXT_CODE_CONFIRMS: "The next code that they enter confirms it.",
    Do.NEXT_UNLOCK_FORGETS_FAILURES: (
        "Nothing has to be done: the next unlock forgets the failed ones."
    ),
    Do.NEXT_VISIT_SHOWS_OUTCOME: "The card tells as soon as it is put into any station.",
    Do.NEXT_UNLOCK_CHANGES_SECRET: (
        "The next unlock at a station changes it. If that is long to wait for, give the "
        "card another one with your card management and set it here."
    ),
}

STARTS: Final[dict[Start, str]] = {
    Start.NOT_REGISTERED: "They are not registered",
    Start.OTHER_CARD_WORKS: "They can unlock another card",
    Start.MAY_NOT_UNLOCK: "They may not be able to unlock",
    Start.CANNOT_UNLOCK: "They cannot unlock",
    Start.CAN_UNLOCK: "They can unlock at every station",
}

THEN_REGISTERS: Final[dict[Registers, str]] = {
    Registers.THERE: "Then they register there.",
    Registers.AFTER_ADDRESS_IS_RECORDED: (
        "They cannot register without an email address: record it before."
    ),
}

SEEN_AT_STATIONS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.CARD_EXPIRED: (
        "The certificate on {card} has expired",
        "Replace the card. An imported end cannot lengthen its certificate.",
    ),
    Reason.CARD_STOPPED: (
        "By its certificate, {card} is one that the policy stops",
        "Replace the card. A manager sees in stop_cards, on the page Policy, which are stopped.",
    ),
    Reason.CARD_REVOKED: (
        "A certificate on {card} was revoked by its issuer",
        "Replace the card. If it was revoked by mistake, its issuer has to take that back.",
    ),
    Reason.NOT_GENUINE: (
        "What named itself as {card} did not prove that it is that card",
        (
            "Look at the card that they hold. If it is not the one that was issued, keep it and "
            "tell your security team. If it is, its recorded key is wrong or missing: import the "
            "right one."
        ),
    ),
    Reason.SECRET_BLOCKED: (
        "By its own count {card} takes no unblock secret any more",
        "Replace the card, or have your card management give it another secret and set it here.",
    ),
    Reason.CARD_REFUSED: (
        "The command to set a PIN was refused by {card}",
        "Let them try once more at another station. If it refuses again, replace the card.",
    ),
    Reason.PIN_BLOCKED: (
        "Wrong entries blocked the PIN of {card}",
        "They put it into any station and choose to unlock it.",
    ),
    Reason.OUTCOME_UNKNOWN: (
        "What became of the PIN of {card} is not known",
        "They put it into any station again, which shows whether the PIN was set.",
    ),
    Reason.CARD_UNREADABLE: (
        "The station could not read {card}",
        "Let them clean the chip and try another station. If that fails too, replace the card.",
    ),
    Reason.INSERT_CARD: (
        "Held against the reader, {card} takes no PIN",
        "They put the card into a slot, at a station that has one.",
    ),
    Reason.NO_RECORDED_EMAIL: (
        "The PIN of {card} was not proved by a key, and no email address is recorded",
        "Make sure who they are, and record their email address. Then they register again.",
    ),
}
"""A refusal that will meet the same card again, and the advice."""

_NOT_ITS_OWN = "The unblock secret that is recorded for {card} is not the card's"


class HeadlineWords(NamedTuple):
    sentence: str
    advice: str


def headline_words(headline: Headline, clock: ReadAt) -> HeadlineWords:
    return HeadlineWords(
        finding_words(headline.finding, clock), advice_words(headline.advice, clock)
    )


def finding_words(finding: Finding, clock: ReadAt) -> str:
    if isinstance(finding, Remark):
        return remark_words(finding, clock)
    return obstacle_words(finding, clock)


def obstacle_words(obstacle: Obstacle, clock: ReadAt) -> str:
    match obstacle:
        case Left(since):
            day = format_day(since, clock.zone)
            return f"Marked as a leaver since {day}: no station serves them."
        case AttemptsUsedUp(pins):
            used = "Blocked: all attempts at their security questions are used."
            return used + _pins_blocked(pins)
        case Blocked(since, failures, station, pins):
            why = f": {counted(failures, 'failed attempt')}" if failures else ""
            where = f", the last at {station}" if failures and station else ""
            return f"Blocked since {_when(since, clock)}{why}{where}.{_pins_blocked(pins)}"
        case BlockedByReport(since, act, pins):
            reported = "something was not done by them."
            if act is not None:
                where, when = _at(act.station), _when(act.at, clock)
                deed = event_words(act.what)
                reported = f"they did not do {act.reference}{where}, {when}: {deed}"
            said = f"Blocked since {_when(since, clock)}: it was reported that {reported}"
            return said + _pins_blocked(pins)
        case NoCard():
            return "No card is recorded for them."
        case FirstCodeEntered(at, station):
            entered = _was_entered(at, station, clock)
            return f"Not registered. A code by word of mouth {entered}"
        case FirstCodeGiven():
            return "Not registered. A code by word of mouth was given and has not been entered."
        case FirstCodeWaits():
            return "Not registered. A code by word of mouth waits for a second member of staff."
        case RegistrationCodeSent(at):
            when = _when(at, clock)
            return f"Not registered yet: the code that was sent at {when} was not entered."
        case QuestionsMissing():
            return "Registered without security questions, which the policy asks for now."
        case NotRegistered():
            return "Not registered: they have not finished a registration at any station."
        case OnlyCardTroubled(trouble):
            return trouble_words(trouble, "their card")
        case NoneUsable(cards):
            return f"None of their {counted(cards, 'card')} can be unlocked."
        case NoneInUse(cards, tail, trouble):
            found = trouble_words(trouble, _card(tail))
            return f"None of their {counted(cards, 'card')} is in use. {found}"
        case _:
            assert_never(obstacle)


def remark_words(remark: Remark, clock: ReadAt) -> str:
    match remark:
        case SeenRefused(start, reason, tail, at, station, of_other_secret):
            sentence = _NOT_ITS_OWN if of_other_secret else SEEN_AT_STATIONS[reason][0]
            found = sentence.format(card=_card(tail))
            return f"{STARTS[start]}. {found} ({_when(at, clock)}{_at(station)})."
        case AnswersPaused(until):
            return (
                "Too many wrong answers with a card that cannot prove itself: no answers are taken "
                f"with such a card before {_wait(until, clock)}."
            )
        case TooManyCodes(until, codes):
            went = f"{counted(codes, 'code')} went out within the hour."
            return f"Not before {_wait(until, clock)}: {went}"
        case CodeWaits():
            return "They can unlock. A code by word of mouth waits for a second member of staff."
        case CodeEntered(at, station):
            return f"They can unlock: a code {_was_entered(at, station, clock)}"
        case CodeNotEntered(by_mail):
            how = "was sent by mail" if by_mail else "was given by word of mouth"
            return f"They can unlock: a code {how} and has not been entered."
        case AddressUnconfirmed():
            return (
                "They can unlock. Codes go to an address that has not been confirmed since "
                "staff changed it."
            )
        case OutcomeUnknown(began_at):
            began = _when(began_at, clock)
            return f"They can unlock. What became of the unlock of {began} is not known."
        case OneCardTroubled(tail, trouble):
            return f"They can unlock, but not {_card(tail)}. {trouble_words(trouble)}"
        case AdminKeyNotShown(tail, times, last_at, barred_until):
            barred = ""
            if barred_until is not None:
                barred = f"They cannot unlock before {_wait(barred_until, clock)}. "
            return (
                f"{barred}A card that names itself as {_card(tail)} did not show its admin key, "
                f"{counted(times, 'time')}, the last {_when(last_at, clock)}. It may be forged."
            )
        case SecretUnchanged(tail, at):
            return (
                f"They can unlock. The unblock secret of {_card(tail)} went to a station at "
                f"{_when(at, clock)} and was not changed since: somebody may know it."
            )
        case AttemptsFailed(failures, left):
            failed = counted(failures, "failed attempt")
            return f"They can unlock. After {failed} they have {counted(left, 'attempt')} left."
        case Ready():
            return "They can unlock at every station."
        case _:
            assert_never(remark)


def advice_words(advice: Advice, clock: ReadAt) -> str:
    match advice:
        case Do():
            return ADVICE[advice]
        case EnterCode(before):
            return f"They enter it at any station before {_clock_time(before, clock)}."
        case EnterGivenCode(before, then):
            return (
                f"Before {_clock_time(before, clock)} they put the card into any station, enter "
                f"the code and choose a new PIN. {then_words(then, clock)}"
            )
        case ChoosePin(before, then):
            after = f" {then_words(then, clock)}" if then is not None else ""
            return (
                "They choose the new PIN at the station. If they had to stop, they put the card "
                "into any station and enter the same code again before "
                f"{_clock_time(before, clock)}.{after}"
            )
        case GiveCodeOnly(later):
            return (
                "Make sure who they are and give a code: with it they unlock at a station. "
                f"{later_words(later, clock)}"
            )
        case RegisterOrHelp(if_blocked):
            help_ = advice_words(if_blocked, clock)
            return (
                "While they know their PIN they register at any station. If the PIN is blocked, "
                f"{help_[0].lower()}{help_[1:]}"
            )
        case AfterRefusal(reason):
            return SEEN_AT_STATIONS[reason][1]
        case _:
            assert_never(advice)


def then_words(then: ThenRegister, clock: ReadAt) -> str:
    return THEN_REGISTERS[then] if isinstance(then, Registers) else later_words(then, clock)


def later_words(later: RegistersLater, clock: ReadAt) -> str:
    sent = f"{counted(later.codes, 'code')} went out within the hour"
    return f"They may not be able to register before {_wait(later.at, clock)}: {sent}."


def trouble_words(trouble: CardTrouble, it: str = "it") -> str:
    """Return why a card, which is called ``it``, cannot be unlocked."""
    its = "its" if it == "it" else f"{it}'s"
    match trouble:
        case CardRevoked():
            words = f"{it} was revoked"
        case CardExpired(ended_at):
            words = f"{it} expired on {last_day(ended_at)}"
        case CardStopped():
            words = f"{it} is stopped by the policy (stop_cards)"
        case FamilyUnknown(family):
            words = f"this release does not know {its} family, {family}"
        case SecretNotRecorded():
            words = f"no unblock secret is recorded for {it}"
        case SecretNotOpened():
            words = f"{its} unblock secret cannot be opened any more"
        case LastTryKept():
            words = f"{it} may have one try of its unblock secret left: it is sent nothing more"
        case CardSetAside():
            words = f"{it} is set aside: the recorded unblock secret is not the card's"
        case _:
            assert_never(trouble)
    return as_sentence(words)


# Parts of those sentences.


def _card(tail: str) -> str:
    return f"the card ending in {tail}"


def _pins_blocked(tails: tuple[str, ...]) -> str:
    which = " and of ".join(map(_card, tails))
    return f" The PIN of {which} is blocked, too." if which else ""


def _was_entered(at: datetime, station: str, clock: ReadAt) -> str:
    return f"was entered{_at(station)}, {_when(at, clock)}; the new PIN is not set yet."


def _at(station: str) -> str:
    return f" at {station}" if station else ""


def _when(moment: datetime, clock: ReadAt) -> str:
    return format_moment(moment, clock.now, clock.zone)


def _wait(until: datetime, clock: ReadAt) -> str:
    return _when(end_of_wait(until), clock)


def _clock_time(moment: datetime, clock: ReadAt) -> str:
    return f"{moment.astimezone(clock.zone):%H:%M}"
