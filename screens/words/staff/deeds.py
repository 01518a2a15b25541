"""What an act of staff did, as its member of staff reads it afterwards."""

from __future__ import annotations

from typing import Final, assert_never

from kiosk.authority.administration import deeds as did
from kiosk.authority.administration.deeds import Deed, PlainDeed
from kiosk.authority.administration.proposals import ADD_TWO_MANAGERS, NO_TWO_MANAGERS
from kiosk.authority.audit.rows import row_name
from kiosk.authority.roles import Role
from kiosk.authority.wording import as_sentence, counted, numbered
from screens.words.staff.standing import advice_words

PLAIN: Final[dict[PlainDeed, str]] = {
    PlainDeed.PROPOSED: "Nothing is changed yet: it waits until a second member of staff agrees.",
    PlainDeed.TAKEN_BACK: "It is taken back: nothing was changed.",
    PlainDeed.DECLINED: "It is declined: nothing was changed.",
    PlainDeed.PAUSE_ENDED: "The pause is over: answers are taken with their smartcards again.",
    PlainDeed.MISUSE_STOPPED: (
        "Everything that was under way is stopped, and self-service is blocked."
    ),
    PlainDeed.MISUSE_STOPPED_UNREGISTERED: (
        "Everything that was under way is stopped; they are not registered."
    ),
    PlainDeed.CHANGE_STOPPED: "The address stays as it is.",
    PlainDeed.ADDRESS_ADDED: (
        "The address is added. Once its cooling-off is over, they choose at the station where a "
        "code goes; the first that is sent there and entered confirms it."
    ),
    PlainDeed.ADDRESS_WITHDRAWN: (
        "The address is withdrawn, and so is each code that was not used yet."
    ),
    PlainDeed.SAVED_CODES_WITHDRAWN: "None of their saved codes works any more.",
    PlainDeed.PERSON_ERASED: (
        "The person is erased. Nothing here names them any more; an import whose file still "
        "has them would bring them back, and says so."
    ),
    PlainDeed.CARD_ADDED: "The card is added.",
    PlainDeed.CARD_REPLACED: "The new card is added, and the old one is revoked.",
    PlainDeed.CARD_REVOKED: "The card is revoked.",
    PlainDeed.SECRET_SET: "The unblock secret is set.",
    PlainDeed.SECRET_SET_BUT_BARRED: (
        "The unblock secret is set, but stations will not use it: the card may have only one try "
        "left. Give the card the secret with your card management, and say so here."
    ),
    PlainDeed.CODE_WITHDRAWN: "The code is worthless now.",
}


def deed_words(deed: Deed) -> str:  # noqa: C901 - an arm a deed
    match deed:
        case PlainDeed():
            return PLAIN[deed]
        case did.PersonAdded(name=name):
            return f"{name} is added."
        case did.NameCorrected(name=name, spoiled=spoiled):
            anew = " What waits for a second member about them has to be proposed anew."
            return f"The name is {name} now.{anew if spoiled else ''}"
        case did.AddressCorrected():
            return " ".join(_address_corrected(deed))
        case did.BlockLifted(change_stopped=stopped):
            also = f" {_CHANGE_STOPPED}" if stopped else ""
            return f"The block is lifted. They have all their attempts again.{also}"
        case did.RegistrationRevoked(advice=advice, clock=clock):
            return f"The registration is revoked. {advice_words(advice, clock)}"
        case did.LeaverMarked(name=name):
            return f"{name} is a leaver now; no station serves them."
        case did.LeaverTakenBack(name=name):
            return f"{name} is back; stations serve them as before."
        case did.CodeAgreed(minutes=minutes):
            return f"The code works now, for {minutes} minutes."
        case did.StaffAdded(name=name, role=Role.TECHNICIAN):
            return f"{name} is a technician. Add their card next."
        case did.StaffAdded(name=name, role=role):
            return f"{name} can log in as {with_article(role)}."
        case did.RoleChanged(name=name, role=role, lines=lines):
            return f"{name} is {with_article(role)} now.{_taken_back(lines)}"
        case did.StaffRemoved(name=name, lines=lines):
            return f"{name} cannot log in any more.{_taken_back(lines)}"
        case did.StaffKeyAdded(name=name, fingerprint=key):
            return f"{name} can log in with {key}, too."
        case did.StaffKeyRemoved(name=name, fingerprint=key, lines=lines):
            return f"{name} cannot log in with {key} any more.{_taken_back(lines)}"
        case did.StaffCardAdded(name=name):
            return f"The card of {name} opens stations' maintenance pages.{_card_lacks(deed)}"
        case did.StaffCardRemoved(name=name):
            return f"The card of {name} opens no maintenance page any more."
        case did.LineMade(station=station):
            return f"A line for {station} is made: it works once."
        case did.StationCertified(station=station, fingerprint=key):
            return f"{station} is known by its certificate, whose key is {key[:16]}…"
        case did.StationRetired(station=station):
            return f"{station} is retired. It serves nobody any more."
        case did.StationReinstated(station=station):
            return f"{station} is in service again."
        case did.PausesLifted(count=count):
            many = numbered(count, "pause is", "pauses are")
            return f"{many} lifted: answers are taken with these smartcards again."
        case did.QuestionAdded(text=text):
            return f"“{text}” is offered to everybody who registers from now on."
        case did.QuestionTranslated(text=text, language=language, said=""):
            return f"“{text}” is asked in English again where the language is {language}."
        case did.QuestionTranslated(text=text, language=language, said=said):
            return f"“{text}” is asked as “{said}” where the language is {language}."
        case did.QuestionRetired(text=text):
            return f"“{text}” is offered to nobody new; who uses it keeps it."
        case did.SettingChanged(name=name, value=value, no_two_managers=lacking):
            now = value or "an empty list"
            but = f" But {NO_TWO_MANAGERS}: {ADD_TWO_MANAGERS}." if lacking else ""
            return f"{name} is {now} from now on, at every station within a minute.{but}"
        case did.RowRedacted(row=row):
            return f"The text of row {row_name(row)} is gone. Its digest stays, and the chain fits."
        case did.FileImported(lines=lines):
            return f"{lines} lines were imported."
        case _:
            assert_never(deed)


_CHANGE_STOPPED: Final = "The change of address that waited is stopped."


def _address_corrected(deed: did.AddressCorrected) -> list[str]:
    later = (
        "The next code that is sent there confirms it."
        if deed.registered
        else "It is suggested to them when they register; the code that is sent there confirms it."
    )
    sentences = ["The address is corrected.", later]
    if deed.code_ended:
        sentences.append("The code that was given by word of mouth ended with it: give another.")
    if deed.change_stopped:
        sentences.append(_CHANGE_STOPPED)
    return sentences


def _taken_back(lines: int) -> str:
    if not lines:
        return ""
    were = "was" if lines == 1 else "were"
    taken = as_sentence(f"{counted(lines, 'unused enrolment line')} {were} taken back")
    return f" {taken} Have new ones made."


def _card_lacks(deed: did.StaffCardAdded) -> str:
    if not deed.may_maintain:
        return f" But that is not for {with_article(deed.role)}."
    if not deed.needs_pin:
        return (
            " But no import says that its key needs the PIN: unless the card attests it, "
            "import its pin_policy first."
        )
    return ""


def with_article(role: Role) -> str:
    return f"{'an' if role.value[0] in 'aeiou' else 'a'} {role.value}"
