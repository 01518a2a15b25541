"""Why an act of staff was not done, as its member of staff reads it."""

from __future__ import annotations

from typing import Final, assert_never

from kiosk.authority import refusals as why
from kiosk.authority.administration.proposals import ADD_TWO_MANAGERS
from kiosk.authority.audit.events import EVENTS, STAFF_KINDS
from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import AdministrationError, ConcurrentChange, NotTaken
from kiosk.authority.refusals import Change, PlainRefusal, Refusal
from kiosk.authority.wording import counted, format_moment, numbered
from screens.words.staff.deeds import with_article
from screens.words.staff.events import event_words
from screens.words.staff.standing import trouble_words

_NO_ANSWER: Final = "it does not answer"
NO_VALUES: Final = "an empty list"


def would_stop(stopped: int, cards: int) -> str:
    """Say how many cards a value of ``stop_cards`` stops; no certificate is recorded."""
    share = f" ({100 * stopped / cards:.1f} %)" if cards else ""
    return f"That may stop {stopped:,} of {counted(cards, 'recorded card')}{share}."


PLAIN: Final[dict[PlainRefusal, str]] = {
    PlainRefusal.PERSON_CHANGED: "This person was changed since you looked. Look again.",
    PlainRefusal.PERSON_NOT_RECORDED: "This person is not recorded any more.",
    PlainRefusal.KEY_LETS_IN_NO_MORE: "Your key does not let you in any more. Please log out.",
    PlainRefusal.MASTER_KEYS_AWAY: (
        "The master keys are away: nothing was done. Try again later, or tell the machine's "
        "administrator."
    ),
    PlainRefusal.KEY_IS_MISSING: (
        "A key that this needs is missing: nothing was done. Tell the machine's "
        "administrator: `kiosk doctor` says more."
    ),
    PlainRefusal.LOGIN_NOT_BY_SSH: "Log in by SSH: this opens only for the key that logged in.",
    PlainRefusal.LOGIN_KEY_NOT_KNOWN: "It cannot be told which key logged in.",
    PlainRefusal.LOGIN_NOT_BY_ONE_KEY: "Log in with one SSH key, and with nothing else.",
    PlainRefusal.WAITS_ALREADY: (
        "An act of this kind waits already, for a second member of staff. It has to be "
        "decided first: a colleague agrees to it or declines it, or who proposed it takes it "
        "back."
    ),
    PlainRefusal.WAITS_NO_MORE: "This does not wait any more.",
    PlainRefusal.NOT_AGREED_IN_TIME: "Nobody agreed to this in time. Propose it anew.",
    PlainRefusal.DECIDED_ALREADY: "This is decided already.",
    PlainRefusal.PROPOSER_MAY_NOT_ANY_MORE: (
        "The one who proposed this may not do it any more: propose it anew."
    ),
    PlainRefusal.PROPOSERS_REASON_GONE: (
        "The reason for which this was proposed is gone. Propose it anew."
    ),
    PlainRefusal.OVERTAKEN: (
        "This person was changed since this was proposed: decline it, look again, and propose it "
        "anew."
    ),
    PlainRefusal.SECRET_REPLACED_SINCE: (
        "Another unblock secret was recorded for this card since this was proposed: decline it, "
        "look again, and propose it anew."
    ),
    PlainRefusal.OWN_PROPOSAL: "You proposed this yourself: somebody else has to agree to it.",
    PlainRefusal.OF_ANOTHER_VERSION: "This version of the program cannot do what was proposed.",
    PlainRefusal.PROPOSAL_UNREADABLE: (
        "This was altered in the database, or its key is gone: decline it, and propose it anew."
    ),
    PlainRefusal.REASON_NAMES_THEM: "This is kept: say it without naming the person.",
    PlainRefusal.NUMBER_TAKEN: "Somebody has this number already.",
    PlainRefusal.NAME_AS_BEFORE: "This is their name already.",
    PlainRefusal.ADDRESS_AS_BEFORE: "This is their address already.",
    PlainRefusal.TOO_MANY_ADDRESSES: "They have as many further addresses as one person can have: "
    "withdraw one first.",
    PlainRefusal.NO_MOBILE_NUMBER: "This is no mobile number that gets text messages.",
    PlainRefusal.NO_TEXT_MESSAGES: "This service sends no text messages: enter an email address.",
    PlainRefusal.NO_FURTHER_ADDRESS: "This is none of their further addresses. The first one is "
    "corrected, not withdrawn.",
    PlainRefusal.NO_ADDRESS: "This is not an address that mail can be sent to.",
    PlainRefusal.NOT_BLOCKED: "They are not blocked.",
    PlainRefusal.NOT_REGISTERED: "They are not registered.",
    PlainRefusal.LEAVER_ALREADY: "They are marked as a leaver already.",
    PlainRefusal.NO_LEAVER: "They are no leaver.",
    PlainRefusal.NO_CHANGE_OF_ADDRESS: "No change of address waits.",
    PlainRefusal.NO_SAVED_CODES: "They have no saved codes.",
    PlainRefusal.NO_SUCH_MASTER_KEY: "There is no such master key; see `kiosk keys list`.",
    PlainRefusal.SECRET_MISSING: "Enter the card's unblock secret.",
    PlainRefusal.IDENTIFIER_MISSING: "Enter the card's identifier.",
    PlainRefusal.CARD_BEING_REPLACED: (
        "This is the card that is being replaced. Enter the identifier of the new card."
    ),
    PlainRefusal.HOLDER_HAS_LEFT: ("This person has left. Take them back before they get a card."),
    PlainRefusal.NEW_CARD_EXPIRED: "A card that has expired already is of no use here.",
    PlainRefusal.CARD_ADDED_JUST_NOW: "This card was added by somebody else just now. Look again.",
    PlainRefusal.CARD_STAYS_REVOKED: (
        "This person had this card, and it was revoked. A revoked card stays revoked."
    ),
    PlainRefusal.CARD_THEIRS_ALREADY: "This person has this card already.",
    PlainRefusal.NO_SUCH_CARD_ANY_MORE: "This person has no such card any more.",
    PlainRefusal.CARD_REVOKED_ALREADY: "This card is revoked already.",
    PlainRefusal.LEAVER_NOT_SERVED: "They are marked as a leaver: no station serves them.",
    PlainRefusal.BLOCK_COMES_FIRST: "Self-service is blocked for them. Lift the block first.",
    PlainRefusal.CODE_NOT_AGREED_IN_TIME: "Nobody agreed to this code in time. Give another one.",
    PlainRefusal.CODE_GIVER_MAY_NOT_ANY_MORE: (
        "Whoever gave this code may give none any more. Give another one."
    ),
    PlainRefusal.CHANGED_SINCE_CODE: (
        "They were changed since the code was given. Withdraw it, look again, and give another one."
    ),
    PlainRefusal.CODE_CHANGED: "This code is not as you saw it any more.",
    PlainRefusal.CODE_OVER: "This code was used, or it ran out.",
    PlainRefusal.NOTHING_OF_THIS_ID: "Nothing has this id (any more). Look at what waits.",
    PlainRefusal.NOT_SHOWABLE: "There is a character in it that cannot be shown.",
    PlainRefusal.ADDRESS_ALONE: ("This is an address and says nothing else. Say why, in words."),
    PlainRefusal.LOOKS_SECRET: (
        "This looks like a PIN, a PUK, a code or a key, so it is not kept. Say it in words. "
        'A ticket number goes behind its word: "ticket 470092".'
    ),
    PlainRefusal.NO_TIME_ZONE: "Say the time zone, too.",
    PlainRefusal.NO_SUCH_MOMENT: "There is no such moment in UTC. Leave this empty.",
    PlainRefusal.END_BEFORE_BEGINNING: "This is not after the beginning.",
    PlainRefusal.STATION_OF_NO_ROW: (
        "There is no such station. Stations (F4) and `kiosk stations list` have their names."
    ),
    PlainRefusal.NO_REFERENCE: "A reference number has eight letters and digits: XXXX-XXXX.",
    PlainRefusal.NUMBER_OF_NOBODY: (
        "Nobody has this number. People (F2) and `kiosk people search` find it by a name."
    ),
    PlainRefusal.ROW_OF_REDACTION: "This row says what was taken out of another one, and stays.",
    PlainRefusal.ROW_WITHOUT_TEXT: "There is no text in this row.",
    PlainRefusal.ROW_WITHOUT_REASON: (
        "This row has no reason that could be taken out. Its detail goes as a whole."
    ),
    PlainRefusal.LAST_BEFORE_FIRST: "The last day is before the first.",
    PlainRefusal.REPORT_TOO_LONG: "A report spans at most two years.",
    PlainRefusal.RELAY_REFUSES_ADDRESS: (
        "The mail relay refuses this address: see how it is written."
    ),
    PlainRefusal.RELAY_DID_NOT_TAKE_IT: (
        "The mail relay did not take it. Try again in a few minutes, or export it (e) and "
        "ask who looks after the service's machine for the file."
    ),
    PlainRefusal.FILE_CHANGED_SINCE: (
        "The file was changed since it was tried or proposed: try it again."
    ),
    PlainRefusal.PLAN_CHANGED_SINCE: (
        "Somebody whom the file changes was changed since this was proposed: decline it, try "
        "the file again, and propose it anew."
    ),
    PlainRefusal.STATIONS_CANNOT_ENROL: (
        "Stations cannot enrol here: the settings name no enrol_listen in [authority]."
    ),
    PlainRefusal.STATION_NAME_MISSING: "It needs a name.",
    PlainRefusal.CERTIFICATE_EXPIRED: "This certificate has expired.",
    PlainRefusal.NO_CERTIFICATE: "This is no certificate in PEM.",
    PlainRefusal.CERTIFICATE_OF_UNKNOWN_KIND: "Its kind of key is not supported.",
    PlainRefusal.OWN_ROLE: "Nobody changes their own role. Ask a colleague.",
    PlainRefusal.OWN_REMOVAL: "Nobody removes themselves. Ask a colleague.",
    PlainRefusal.OWN_ONLY_KEY: "This is your only key: you could not log in any more.",
    PlainRefusal.NO_SUCH_MEMBER: "There is no such member of staff.",
    PlainRefusal.TECHNICIAN_HAS_NO_KEY: (
        "A technician does not log in, so they have no key here: their card counts, at a station."
    ),
    PlainRefusal.KEY_NOT_IN_SECURITY_KEY: (
        "Here a key has to be in a security key: ssh-keygen -t ed25519-sk -O verify-required "
        "makes one."
    ),
    PlainRefusal.CARD_OF_STAFF_ALREADY: "This is the card of a member of staff already.",
    PlainRefusal.CARD_NOT_RECORDED: "This card is not recorded: add it to its holder first.",
    PlainRefusal.NAME_OF_ANOTHER_ACTOR: (
        "The audit calls somebody else so. Write the person's own name."
    ),
    PlainRefusal.NAME_IN_TWO_ALPHABETS: "Write all of a name in the letters of one alphabet.",
    PlainRefusal.PRIVATE_KEY: (
        "This is a private key. Never send it to anybody; paste the .pub file."
    ),
    PlainRefusal.NOT_ONE_KEY: "Paste one public key: one line, as in a .pub file.",
    PlainRefusal.KEY_WITHOUT_KIND: "A public key begins with its kind, such as ssh-ed25519.",
    PlainRefusal.KEY_DAMAGED: "The key is damaged: a part of it is missing or changed.",
    PlainRefusal.NO_TWO_MANAGERS_TO_AGREE: (
        "There are no two managers who could agree with each other, each with a key and neither "
        "let in by the other. Everything would wait, this setting too. First "
        f"{ADD_TWO_MANAGERS}."
    ),
    PlainRefusal.QUESTION_NOT_SHOWABLE: "Write it in letters that can be shown.",
    PlainRefusal.NO_SUCH_QUESTION: "There is no such question.",
    PlainRefusal.NO_OTHER_LANGUAGE: "Name another language than English by its tag, such as cy.",
    PlainRefusal.QUESTION_RETIRED_ALREADY: "This question is retired already.",
}


def refusal_words(error: AdministrationError) -> str:
    return error.because if isinstance(error.because, str) else because_words(error.because)


def refusal_lines(error: AdministrationError) -> tuple[str, ...]:
    """Return what a terminal prints: the refusal, and what others did since."""
    said = refusal_words(error)
    if isinstance(error, NotTaken) and error.field:
        return (f"{error.field.replace('_', ' ')}: {said}",)
    return (said, *(f"  {change}" for change in change_lines(error)))


def change_lines(error: Exception) -> tuple[str, ...]:
    """Return what others did since, where the error has any of it."""
    changes = error.changes if isinstance(error, ConcurrentChange) else ()
    return tuple(each if isinstance(each, str) else _change_words(each) for each in changes)


def _change_words(change: Change) -> str:
    match change:
        case why.DoneSince(who=who, what=what, reference=reference):
            if what.kind in STAFF_KINDS:
                did = EVENTS[what.kind].verb_phrase
                return f"{who or 'somebody'} {did} (reference {reference})."
            return f"{event_words(what)} (reference {reference})"
        case why.ProposedBefore(who=who, reference=reference):
            return f"{who} proposed it (reference {reference})."
        case why.AgreedSince(who=who):
            return f"{who} agreed to it."
        case why.DeclinedSince(who=who, taken_back=taken_back):
            return f"{who} {'took it back' if taken_back else 'declined it'}."
        case why.SettingSetSince(who=who, name=name, value=value):
            if value is None:
                return f"{who} set {name} back to the settings file's value."
            return f"{who} set {name} to {value or NO_VALUES}."
        case _:
            assert_never(change)


def because_words(because: Refusal) -> str:  # noqa: C901 - an arm a refusal
    match because:
        case PlainRefusal():
            return PLAIN[because]
        case why.NotForRole(role=role, action=action):
            what = "" if action is None else f": {action.value}"
            return f"This is not for the role {role.value}{what}."
        case why.AlteredRecord(table=table, row=row, reference=reference):
            return (
                f"A record was altered outside of the service: {table} {row} (reference "
                f"{reference}). Nothing is done with it. Tell the service's administrator: "
                "`kiosk doctor` says more."
            )
        case why.StaffRecordsAltered(reference=reference):
            return (
                f"The records of staff are not right (reference {reference}). Please tell the "
                "service's administrator: `kiosk doctor` says what was altered."
            )
        case why.KeyOfNobody(reference=reference):
            return (
                f"This key belongs to no member of staff (reference {reference}). "
                "Ask a manager of the Registration Authority to add it."
            )
        case why.LoginNeedsSecurityKey(reference=reference):
            return (
                f"This key is not in a security key, and no other lets in here (reference "
                f"{reference}). Ask a manager of the Registration Authority to add one that is."
            )
        case why.NothingForRole(role=role, reference=reference):
            return (
                f"There is nothing here for the role {role.value} (reference {reference}): "
                "your card counts, at a station."
            )
        case why.TooManyWaiting(most=most):
            return (
                f"{most} acts that you proposed wait already: nothing was proposed. "
                "Let a colleague decide about them first."
            )
        case why.LetInByProposer(name=name):
            return f"{name} let you in here, so somebody else has to agree to this."
        case why.ProposerLetIn(name=name):
            return f"You let {name} in here, so somebody else has to agree to this."
        case why.UnlockUnderWay(began=began, now=now, zone=zone):
            when = format_moment(began, now, zone)
            return f"An unlock that began at {when} is under way. Erase them in an hour."
        case why.UnlockUndetermined(began=began, now=now, zone=zone):
            when = format_moment(began, now, zone)
            return (
                f"What became of the unlock of {when} is not known. Have the card put into "
                "any station, which settles it, or revoke the card; then erase them."
            )
        case why.NoSuchNumber(number=number):
            return (
                f"Nobody has the holder number {number}: `kiosk people search` finds them by a "
                "name, or by the number of a notice."
            )
        case why.AddressOfOther(name=name, number=number):
            return f"There is already {name}, {number}, with this address."
        case why.DomainNotApproved(approved=approved):
            return f"Only addresses of approved domains are taken: {', '.join(approved)}."
        case why.NumberOfOtherCountry(taken=taken):
            return f"Only mobile numbers of these countries are taken: {', '.join(taken)}."
        case why.FamilyUnknown(driver=driver):
            return f"This release does not know the family of the card, {driver}."
        case why.CardOfOther(number=number):
            return f"This card belongs to another person (number {number})."
        case why.CardOfNoUse(trouble=trouble):
            return f"A code is of no use for this card. {trouble_words(trouble)}"
        case why.CodesGivenAlready(count=count):
            return (
                f"Staff have given {counted(count, 'code')} for this card within an hour. "
                "Wait, or let a colleague look into it."
            )
        case why.CodeForSomethingElse(name=name, registered=registered):
            what = "is registered now" if registered else "is not registered now"
            return (
                f"{name} {what}: the code is for something else. Withdraw it, and give another one."
            )
        case why.ReasonLength(identifies=identifies, least=least, most=most):
            asks = "Say how you made sure who this person is" if identifies else "Say why"
            return f"{asks}, in {least} to {most} characters."
        case why.NoSuchRow(row=row):
            return f"There is no row {row_name(row)} in the audit."
        case why.NoSuchKindOfRow(near=near):
            hint = f"Did you mean {near}?" if near else "`kiosk audit kinds` lists all."
            return f"There is no such kind of row. {hint}"
        case why.NobodyNamedSo(command_line=name):
            return f'No member of staff is named so. A command line is written "{name} root".'
        case why.FilterTooLong(most=most):
            return f"A name has at most {most} characters that can be shown."
        case why.TooManyReportsMailed(most=most):
            return f"At most {most} reports are mailed for you in an hour."
        case why.NothingBefore(year=year):
            return f"There is nothing to report before {year}."
        case why.NothingBeyond(year=year):
            return f"Nobody plans beyond {year}."
        case why.NoSuchFile(name=name):
            return f"There is no file {name} in the imports folder (any more)."
        case why.ExportsDiskFull(folder=folder, megabytes=megabytes):
            return (
                f"The disk of the exports folder {folder} has less than {megabytes} MB left. "
                "Ask who looks after the service's machine to make room; nothing was exported."
            )
        case why.ExportsFolderFails(folder=folder, because=text):
            return (
                f"The exports folder {folder}: {text or _NO_ANSWER}. Ask who looks after the "
                "service's machine to make it for the service's account; nothing was exported."
            )
        case why.NoImportsFolder(folder=folder):
            return (
                f"There is no folder {folder} yet. The administrator of the service's "
                "machine creates it, readable by the RA application's account alone."
            )
        case why.ImportsFolderFails(folder=folder, because=text):
            return f"The imports folder {folder}: {text or _NO_ANSWER}."
        case why.NothingImported(line=line, because=text):
            return f"Nothing was imported. Line {line}: {text}."
        case why.KeyOfOtherStation(station=station):
            return f"Its key is that of {station}."
        case why.NoPauseInForce(station=station):
            return f"No pause that {station} made is in force."
        case why.StationRetiredSince(station=station):
            return f"{station} was retired since this was proposed: decline it, and look again."
        case why.StationNameTooLong(most=most):
            return f"A name has at most {most} characters that can be shown."
        case why.StationRetiredAlready(station=station):
            return f"{station} is retired already."
        case why.StationInServiceAlready(station=station):
            return f"{station} is in service already."
        case why.NoSuchStation(station=station):
            return f"There is no station named {station}; `kiosk stations list` shows all."
        case why.LastManager(name=name):
            return f"{name} is the last manager who can log in. Add another one first."
        case why.HasRoleAlready(name=name, role=role):
            return f"{name} is {with_article(role)} already."
        case why.HasNoSuchCard(name=name):
            return f"{name} has no such card."
        case why.HasNoSuchKey(name=name):
            return f"{name} has no such key."
        case why.MemberChanged(name=name):
            return f"{name} was changed since you looked."
        case why.KeyInUse(name=name):
            whose = name or "somebody else"
            return f"{whose} logs in with this key already. Everybody has their own."
        case why.NoSuchFamily(driver=driver):
            return f"There is no family of cards called {driver}."
        case why.StaffNameUnfit(least=least, most=most):
            return f"A name has {least} to {most} letters that can be seen."
        case why.StaffNameTaken(name=name):
            return f"Somebody is called {name} already. Tell them apart by their names."
        case why.RsaKeyTooShort(fewest_bits=bits):
            return f"An RSA key needs {bits} bits or more; better make an ed25519 key."
        case why.NoSuchSetting(name=name):
            return f"There is no policy setting named {name}."
        case why.SettingChangedSince(name=name):
            return f"{name} was changed since you looked."
        case why.SettingSetAlready(name=name):
            return f"That is what counts already for {name}."
        case why.StopsManyCards(stopped=stopped, cards=cards):
            return f"{would_stop(stopped, cards)} If you mean it, ask for it again."
        case why.ValueUnfit(because=text):
            return text
        case why.ValueDoesNotFit(because=text):
            return f"That does not fit. {text}."
        case why.TooFewQuestions(offered=offered):
            many = numbered(offered, "question is", "questions are")
            return f"Only {many} offered. Add some first."
        case why.QuestionLength(least=least, most=most):
            return f"Write it in {least} to {most} characters; wide ones, as Han, count twice."
        case why.QuestionInList(text=text):
            return f"“{text}” is in the list already."
        case why.TooFewWouldBeLeft(wanted=wanted, left=left):
            return f"Everybody chooses {wanted} questions, and {left} would be left. Add one first."
        case _:
            assert_never(because)
