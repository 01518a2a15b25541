"""Words about addresses and codes."""

from __future__ import annotations

from functools import reduce
from typing import Final

from kiosk.contract.language import Counted, Text
from kiosk.contract.messages import NOT_ME, Purpose, Route
from kiosk.contract.policy import STOP_NUMBER_DIGITS
from kiosk.station.states import CodeLack, CodeNotice, EmailFault
from screens.words.frame import clock

EMAIL_TITLE = Text("Check your email address")
NEW_EMAIL_TITLE = Text("Enter your new email address")
EMAIL_TEXT = Text(
    "We send codes to it, also when your smartcard is locked. "
    "Use one of yours that you can read without the card."
)
NEW_EMAIL_TEXT = Text(
    "We will send a code to it, and tell your old address. Clear empties the line."
)
FURTHER_TITLE = Text("Enter a further email address")
FURTHER_TEXT = Text(
    "We will send a code to it, and tell your other address. "
    "Use one that you can read without the card."
)
SEND = Text("Send code")

LOOK_IN_JUNK = Text("Look in Junk too.")
GIVEN = Text("Enter the code that the Registration Authority gave you.")
WALK_AWAY_TEXT = Text("You may take your smartcard out, read the text message and come back.")
WALK_AWAY = Text("You may take your smartcard out, read your email and come back.")
OVER = Text("That code is no longer good. Ask for a new one.")
NEW_CODE = Text("New code")
SOMETHING_ELSE = Text("Do something else")
CORRECT_ADDRESS = Text("Correct the email address")
BY_EMAIL = Text("By email")
_SLOW = Counted(
    "Email is slow today: codes take about {n} minute.",
    "Email is slow today: codes take about {n} minutes.",
)
_OTHER_ROUTE = Text("One can go to {masked}, too.")
MAY_FAIL = Text("Email there may be late, or not arrive.")
MAY_FAIL_BY_TEXT = Text("Text messages there may not arrive.")
_YOUR_NUMBER = Text("your number {masked}")
ASK = Text("If no code comes, ask the Registration Authority.")
# Translators: at most 20 signs, beside an address.
MAY_FAIL_BESIDE = Text("may be late, or fail")
THEN_NEW_PIN = Text("Then you choose a new PIN.")
STILL_COUNTS = Text("It is the same code as before. Setting a new PIN uses it up.")
_OTHER_ADDRESS = Text('To correct the address, choose "{something_else}".')
_NO_CODE = Text('Is that a number of {digits} digits? Choose "{not_me}".')
IN_ITS_PLACE = Text("A code by email takes the place of this one.")


_SENT = Text("We sent it to {masked}.")
_SENT_BY_TEXT = Text("We sent a text message to your number {masked}.")
_SENT_TO_KNOWN = Text("We sent a code to {masked}, the address that we know.")
_NEWEST = Text("Only the newest code works.")
_MOST_LIFE = Text("Good for another {time}")
_LIFE = Counted("Good for {time}, {number} try left", "Good for {time}, {number} tries left")
_WRONG = Counted(
    "That code is not right. {Number} try left.", "That code is not right. {Number} tries left."
)


OTHER_CODE = Text("That is of another card or an older email: not counted.")
NOT_A_CODE = Text("That is no code from our email: not counted.")


def asked_for(purpose: Purpose | None) -> tuple[Text, Text]:
    """Return title and text of the page that asks for an address."""
    match purpose:
        case Purpose.CHANGE_EMAIL:
            return NEW_EMAIL_TITLE, NEW_EMAIL_TEXT
        case Purpose.ADD_ADDRESS:
            return FURTHER_TITLE, FURTHER_TEXT
        case _:
            return EMAIL_TITLE, EMAIL_TEXT


def no_code() -> str:
    """Say what may have been typed in place of a code."""
    return _NO_CODE.format(digits=STOP_NUMBER_DIGITS, not_me=NOT_ME)


def domains(approved: tuple[str, ...]) -> str:
    """Name one of several, such as "nhs.net, nhs.uk or gov.uk"."""
    if not approved:
        return str(Text("an approved domain"))
    first, *others = approved
    if not others:
        return first
    *middle, last = others
    most = reduce(
        lambda said, one: Text("{most}, {next}").format(most=said, next=one), middle, first
    )
    return Text("{most} or {last}").format(most=most, last=last)


def email_fault(what: EmailFault, approved: tuple[str, ...]) -> str:
    match what:
        case EmailFault.MALFORMED:
            return Text("That does not look like an email address. Clear empties the line.")
        case EmailFault.DOMAIN:
            return Text("Use an address that ends in {domains}.").format(domains=domains(approved))
        case EmailFault.REFUSED:
            return Text("Email to that address was refused. Check it.")


def code_title(purpose: Purpose | None, *, proves_owner: bool) -> str:
    if proves_owner:
        return Text("Show that it is you")
    match purpose:
        case Purpose.UNLOCK | Purpose.FIRST_UNLOCK:
            return Text("Enter your unlock code")
        case Purpose.REGISTER:
            return Text("Enter your registration code")
        case _:
            return Text("Enter your code")


def sent_to(
    masked: str, *, proves_owner: bool, may_fail: bool = False, by_text: bool = False
) -> str:
    """Say where the code went; one that staff gave by word of mouth went nowhere."""
    look = MAY_FAIL if may_fail else LOOK_IN_JUNK
    if proves_owner:
        return f"{_SENT_TO_KNOWN.format(masked=masked)} {look}"
    if not masked:
        return str(GIVEN)
    if by_text:
        sent = _SENT_BY_TEXT.format(masked=masked)
        return f"{sent} {MAY_FAIL_BY_TEXT}" if may_fail else sent
    return f"{_SENT.format(masked=masked)} {look}"


def meanwhile(
    purpose: Purpose | None, masked: str, *, resumed: bool, elsewhere: bool, by_text: bool = False
) -> str:
    """Say what may be done instead of entering the code now, or what comes after it.

    ``elsewhere``: the code went to an address that can be corrected in the menu alone. ``by_text``:
    it went by text message.
    """
    if resumed and purpose is Purpose.UNLOCK:
        return STILL_COUNTS
    if elsewhere:
        return _OTHER_ADDRESS.format(something_else=SOMETHING_ELSE)
    if purpose is Purpose.FIRST_UNLOCK:
        return THEN_NEW_PIN
    if by_text:
        return WALK_AWAY_TEXT
    return WALK_AWAY if masked else IN_ITS_PLACE


def named(route: Route) -> str:
    """Name where a code can go, within a sentence."""
    return _YOUR_NUMBER.format(masked=route.masked) if route.by_text else route.masked


def slow(seconds: float, *others: str) -> str:
    """Say about how long a code takes; ``others``: where another one can go, masked."""
    said = _SLOW.of(max(1, round(seconds / 60)))
    # Which of several, the next page asks.
    return f"{said} {_OTHER_ROUTE.format(masked=others[0])}" if others else said


def where_else(*others: str) -> str:
    """Say what to do where the mail may not arrive."""
    return _OTHER_ROUTE.format(masked=others[0]) if others else str(ASK)


def life(left: float, tries_left: int | None = None) -> str:
    if tries_left is None:
        return _MOST_LIFE.format(time=clock(left))
    return _LIFE.of(tries_left, time=clock(left))


def code_wrong(tries_left: int, masked: str) -> str:
    """``masked``: of a code by email."""
    wrong = _WRONG.of(tries_left)
    # An earlier one may come after a new one was asked for.
    return f"{wrong} {_NEWEST}" if masked else wrong


CODE_NOTICES: Final[dict[CodeNotice, str]] = {
    CodeNotice.TOO_SOON: Text("Please wait a little before you ask for another."),
    CodeNotice.MAIL_AWAY: Text("No new code could be sent. The last one is still good."),
}
"""What became of a request for another code."""


def resend(left: float, what: str = NEW_CODE) -> str:
    """Name the button that asks for another code, once it may be asked for."""
    if left <= 0:
        return str(what)
    return Text("{button} in {time}").format(button=what, time=clock(left))


LACKS: Final[dict[CodeLack, tuple[str, str]]] = {
    CodeLack.EXPIRED: (
        Text("Your code is no longer good"),
        Text("It was good for a short time only."),
    ),
    CodeLack.SPENT: (
        Text("Your code is no longer good"),
        Text("It was entered wrongly too often."),
    ),
    CodeLack.WITHDRAWN: (
        Text("Your code is no longer good"),
        Text("The Registration Authority has withdrawn it."),
    ),
    CodeLack.MAIL_AWAY: (
        Text("The email could not be sent"),
        Text("That is our fault, and nothing was counted against you."),
    ),
    CodeLack.TOO_SOON: (
        Text("Please wait for your next code"),
        Text("We sent one a short time ago."),
    ),
    CodeLack.REFUSED: (
        Text("No code can be sent there"),
        Text(
            "What we send there is refused. Choose another one, and tell the Registration "
            "Authority: it may be out of date."
        ),
    ),
    CodeLack.MOVED: (
        Text("Your email address has changed"),
        Text(
            "An older code is no longer good. If you do not know the address below, stop and tell "
            "the Registration Authority."
        ),
    ),
}


_NOT_SENT = Text("The code could not be sent")


def lack(what: CodeLack, *, by_text: bool) -> tuple[str, str]:
    """Return title and text of the page; ``by_text``: it may have gone by text message."""
    title, text = LACKS[what]
    return (_NOT_SENT if by_text and what is CodeLack.MAIL_AWAY else title), text


def next_to(masked: str, *others: str) -> str:
    """Say where a code goes; ``others``: it is asked then to which of them all."""
    if others:
        return str(Text("Once you ask for it, you choose where a new code goes."))
    return Text("Once you ask for it, a new code goes to {masked}.").format(masked=masked)
