"""What an act that waits for a second member of staff would do."""

from __future__ import annotations

from typing import Final, assert_never

from kiosk.authority.administration import intents as to
from kiosk.authority.administration.intents import Intent, PlainIntent
from kiosk.authority.administration.views import ProposalLine
from kiosk.authority.audit.rows import row_name
from screens.words.staff.refusals import NO_VALUES, because_words

PLAIN: Final[dict[PlainIntent, str]] = {
    PlainIntent.LIFT_BLOCK: "Lift the block.",
    PlainIntent.REVOKE_REGISTRATION: "Revoke the registration, so that they register anew.",
    PlainIntent.TAKE_BACK_LEAVER: "Take them back from the leavers.",
    PlainIntent.ERASE_PERSON: "Erase the person, with everything about them.",
    PlainIntent.LET_CODE_WORK: "Let a code by word of mouth work.",
}


def why_not_words(line: ProposalLine) -> str:
    """Return why the reader cannot agree; empty: they can."""
    return "" if line.why_not is None else because_words(line.why_not)


def proposal_words(what: Intent) -> str:
    match what:
        case PlainIntent():
            return PLAIN[what]
        case to.CannotBeRead(action=action):
            return f"{action}: what was entered cannot be read."
        case to.ToAddPerson(name=name, number=number, email=email):
            return f"Add {name} ({number}), with the address {email}."
        case to.ToCorrectAddress() | to.ToAddAddress() | to.ToWithdrawAddress():
            return _about_address(what)
        case to.ToAddCard(card=card, with_secret=secret):
            return f"Add the card {card}{_with_secret(secret)}."
        case to.ToReplaceCard(card=card, new=new, with_secret=secret):
            return f"Replace the card {_card(card)} by {new}{_with_secret(secret)}."
        case to.ToSetSecret(card=card, tries_full=full):
            given = " The card was just given it." if full else ""
            return f"Set the unblock secret of the card {_card(card)}.{given}"
        case to.ToLetIn(name=name, role=role, key=key):
            by = "" if key is None else f", with the key {_key(key)}"
            return f"Let in {name} as {role.value}{by}."
        case to.ToGiveRole(member=member, role=role):
            return f"Give {_member(member)} the role {role.value}."
        case to.ToAddKey(member=member, key=key):
            return f"Let {_member(member)} in with the key {_key(key)}, too."
        case to.ToAddStaffCard(card=card, member=member, key=key):
            whose = f"the card {card} of {_member(member)}"
            return f"Let {whose} open stations' maintenance pages, with the key {_key(key)}."
        case to.ToLetInStation():
            return _station_words(what)
        case to.ToReinstateStation(station=station):
            return f"Put the station {station} back into service."
        case to.ToOfferQuestion(text=text):
            return f"Offer the security question “{text}”."
        case to.ToTranslateQuestion(question=number, english=english, language=language, text=text):
            asked = english or f"question {number}"
            if not text:
                return f"Ask “{asked}” in English again where the language is {language}."
            return f"Ask “{asked}” as “{text}” where the language is {language}."
        case to.ToSetPolicy(name=name, value=value):
            return f"Set {name} to {value or NO_VALUES}."
        case to.ToRedactRow(row=row, whole=whole):
            taken = "everything in words" if whole else "the reason"
            return f"Take {taken} out of row {row_name(row)} of the audit."
        case to.ToImportFile(name=name, digest=digest, known=known):
            changes, them = ("one change", "it") if known == 1 else (f"{known} changes", "them")
            return (
                f"Import the file {name} (SHA-256 {digest[:16]}...), with {changes} of "
                "addresses, cards, keys or secrets of people who are known already or were erased. "
                f"The page Import (F9) shows {them}: try the file there."
            )
        case _:
            assert_never(what)


def _station_words(what: to.ToLetInStation) -> str:
    station = f"{what.station} ({what.site})" if what.site else what.station
    if what.key is None:
        return f"Let in the station {station}: whoever agrees is shown its line."
    shown = what.key.fingerprint
    key = f"is {shown[:16]}…" if shown else "cannot be read."
    return f"Let in the station {station} by the certificate whose key {key}"


def _key(key: to.ShownKey) -> str:
    return key.fingerprint or "that cannot be read"


def _card(card: str) -> str:
    return card or "that is not recorded any more"


def _member(member: str) -> str:
    return member or "somebody who is not recorded any more"


def _with_secret(has_one: bool) -> str:
    return ", with an unblock secret" if has_one else ""


def _about_address(what: to.ToCorrectAddress | to.ToAddAddress | to.ToWithdrawAddress) -> str:
    match what:
        case to.ToCorrectAddress(known=known, email=email):
            before = " and ".join(known) or "none"
            return f"Correct the email address from {before} to {email}."
        case to.ToAddAddress(known=known, email=email):
            before = " and ".join(known) or "none"
            return f"Add the address {email}, to which codes can go as well, to {before}."
        case to.ToWithdrawAddress(email=email):
            return f"Withdraw the further address {email}."
        case _:
            assert_never(what)
