"""The plain sections: whom people see, the station, the people, the store, keys and reader."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Choice, Number, Text, Truth, Unfit
from kiosk.dialogue import LONGEST_NAME


def _short(longest: int, *, empty: bool = False) -> Text:
    """Return a text that is shown whole: on the smallest glass (60 by 20), or in a table."""
    return Text(f"one line of at most {longest} characters", f".{{1,{longest}}}", empty=empty)


@dataclass(frozen=True)
class ServiceSettings(Section):
    """``[service]``: the names and contacts that holders see; the defaults are fictional."""

    name: str = setting("Smartcard self-service", _short(28), "The name of the service.")
    trust: str = setting("Wexbridge Hospitals Trust", Text(), "The organisation that runs it.")
    ra_contact: str = setting(
        "Registration Authority, Level 1, West Wing, extension 4400",
        _short(80),
        "Where the Registration Authority is and how to reach it, in one line.",
    )
    ra_hours: str = setting(
        "Monday to Friday, 8 am to 6 pm", _short(40), "When the Registration Authority is open."
    )
    ra_email: str = setting(
        "ra@wexbridge.example",
        Text("an email address", r"[^@\s]+@[^@\s]+"),
        "Where notices for Registration Authority staff go.",
    )
    accent: str = setting(
        "#0b5c8a",
        Text("a colour as #rrggbb", r"#[0-9a-fA-F]{6}"),
        "The one accent colour of screens and mail.",
    )


class _TimeZone(Text):
    """The name of a time zone that this machine knows."""

    def read(self, value: object) -> str:
        """Return it."""
        name = super().read(value)
        try:
            return ZoneInfo(name).key if name else ""
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Unfit("is no time zone that this machine knows") from None


@dataclass(frozen=True)
class StationSettings(Section):
    """``[station]``: one walk-up station and how its glass behaves."""

    name: str = setting(
        "Main entrance",
        _short(LONGEST_NAME),
        "The name of this station in the audit and in mail; each station has its own.",
    )
    site: str = setting(
        "",
        _short(LONGEST_NAME, empty=True),
        "The site it stands at, for reports; may be empty.",
    )
    idle_s: float = setting(
        60, Number(10, 600), "Seconds without a key until it asks: are you still there?"
    )
    idle_answer_s: float = setting(
        20, Number(20, 120), "Seconds to answer that before the visit ends."
    )
    time_zone: str = setting(
        "",
        _TimeZone("a name such as Europe/London", empty=True),
        "The time zone of times shown to holders; empty is the machine's.",
    )
    touch: bool = setting(True, Truth(), "Show the on-screen keypad and keyboard.")
    motion: bool = setting(True, Truth(), "Move the picture on the first screen.")
    dark: bool = setting(False, Truth(), "Begin with the dark high-contrast theme.")
    card_timeout_s: float = setting(
        10, Number(1, 60), "Seconds that a card may take to answer one command."
    )


@dataclass(frozen=True)
class PeopleSettings(Section):
    """``[people]``: how holders are numbered."""

    number_digits: int = setting(
        12, Number(0, 20, whole=True), "Digits of a holder number; 0 takes any short text."
    )


class _DatabaseUrl(Text):
    """The address of a database; what is wrong with one is said without repeating it."""

    def read(self, value: object) -> str:
        """Return it."""
        text = super().read(value)
        if text.startswith("postgres://"):
            raise Unfit("begins with postgres://; write postgresql:// instead", quotes=False)
        return text


@dataclass(frozen=True)
class StoreSettings(Section):
    """``[store]``: the database. ``url`` may hold a password and stays out of every message."""

    url: str = setting(
        "",
        _DatabaseUrl(
            "sqlite:////path/to/file or postgresql://user@host/name",
            r"(sqlite|postgres|postgresql(\+[a-z0-9]+)?)://.*",
            empty=True,
        ),
        "The database; empty is the file kiosk.db in the state directory.",
        hidden=True,
    )
    busy_timeout_s: float = setting(5, Number(0.1, 60), "Seconds to wait for another writer.")
    visits_kept_months: int = setting(
        12,
        Number(6, 24, whole=True),
        "Months after which visits and closed entries of the unblock journal are deleted; "
        "the audit is kept.",
    )


@dataclass(frozen=True)
class KeySettings(Section):
    """``[keys]``: where the keys are; they are never in the database."""

    file: str = setting(
        "",
        Text(empty=True),
        "The key file: a path, or a name in $CREDENTIALS_DIRECTORY; "
        "empty is keys.json in the state directory.",
    )


@dataclass(frozen=True)
class PcscSettings(Section):
    """``[pcsc]``: the smartcard readers."""

    reader: str = setting(
        "", Text(empty=True), "Part of the name of the reader to use; empty uses every reader."
    )
    pin_pad: str = setting(
        "used",
        Choice("used", "ignored"),
        "PINs on the reader's own keys, where it has some: used, or typed at the station.",
    )
    trace: bool = setting(
        False, Truth(), "Log the commands sent to cards; secrets are always left out."
    )
