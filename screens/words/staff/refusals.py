"""Why an act of staff was not done, as its member of staff reads it."""

from __future__ import annotations

from typing import Final, assert_never

from kiosk.authority import refusals as why
from kiosk.authority.administration.proposals import ADD_TWO_MANAGERS
from kiosk.authority.errors import AdministrationError, ConcurrentChange, NotTaken
from kiosk.authority.refusals import PlainRefusal, Refusal
from kiosk.authority.wording import numbered
from screens.words.staff.deeds import with_article

PLAIN: Final[dict[PlainRefusal, str]] = {
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
    PlainRefusal.QUESTION_RETIRED_ALREADY: "This question is retired already.",
}


def refusal_words(error: AdministrationError) -> str:
    return error.because if isinstance(error.because, str) else _words(error.because)


def refusal_lines(error: AdministrationError) -> tuple[str, ...]:
    """Return what a terminal prints: the refusal, and what others did since."""
    said = refusal_words(error)
    if isinstance(error, NotTaken) and error.field:
        return (f"{error.field.replace('_', ' ')}: {said}",)
    changes = error.changes if isinstance(error, ConcurrentChange) else ()
    return (said, *(f"  {change}" for change in changes))


def _words(because: Refusal) -> str:  # noqa: C901 - an arm a refusal
    match because:
        case PlainRefusal():
            return PLAIN[because]
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
