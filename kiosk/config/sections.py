"""The plain sections: whom people see, the station, the people, the store, keys and reader."""

from __future__ import annotations

from pydantic import Field

from kiosk.config.base import Line, Section, ShownLine, allowed


class ServiceSettings(Section):
    """``[service]``: the names and contacts that holders see; the defaults are fictional."""

    name: ShownLine = Field("Smartcard self-service", description="The name of the service.")
    trust: ShownLine = Field(
        "Wexbridge Hospitals Trust", description="The organisation that runs it."
    )
    ra_contact: ShownLine = Field(
        "Registration Authority, Level 1, West Wing, extension 4400",
        description="Where the Registration Authority is and how to reach it, in one line.",
    )
    ra_hours: ShownLine = Field(
        "Monday to Friday, 8 am to 6 pm", description="When the Registration Authority is open."
    )
    ra_email: ShownLine = Field(
        "ra@wexbridge.example",
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="Where notices for Registration Authority staff go.",
        json_schema_extra=allowed("an email address"),
    )
    accent: str = Field(
        "#0b5c8a",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="The one accent colour of screens and mail.",
        json_schema_extra=allowed("a colour as #rrggbb"),
    )


class StationSettings(Section):
    """``[station]``: one walk-up station and how its glass behaves."""

    name: ShownLine = Field(
        "Main entrance", description="The name of this station in the audit and in mail."
    )
    idle_s: float = Field(
        60, ge=10, le=600, description="Seconds without a key until it asks: are you still there?"
    )
    idle_answer_s: float = Field(
        20, ge=20, le=120, description="Seconds to answer that before the visit ends."
    )
    touch: bool = Field(True, description="Show the on-screen keypad and keyboard.")
    motion: bool = Field(True, description="Move the picture on the first screen.")
    dark: bool = Field(False, description="Begin with the dark high-contrast theme.")
    card_timeout_s: float = Field(
        10, ge=1, le=60, description="Seconds that a card may take to answer one command."
    )


class PeopleSettings(Section):
    """``[people]``: how holders are numbered."""

    number_digits: int = Field(
        12, ge=0, le=20, description="Digits of a holder number; 0 takes any short text."
    )


class StoreSettings(Section):
    """``[store]``: the database. ``url`` may hold a password and stays out of every message."""

    url: Line = Field(
        "",
        repr=False,
        description="The database; empty is the file kiosk.db in the state directory.",
        json_schema_extra=allowed("sqlite:////path/to/file or postgresql://user@host/name"),
    )
    busy_timeout_s: float = Field(
        5, ge=0.1, le=60, description="Seconds to wait for another writer."
    )


class KeySettings(Section):
    """``[keys]``: where the keys are; they are never in the database."""

    file: Line = Field(
        "",
        description=(
            "The key file: a path, or a name in $CREDENTIALS_DIRECTORY; "
            "empty is keys.json in the state directory."
        ),
    )


class PcscSettings(Section):
    """``[pcsc]``: the smartcard readers."""

    reader: Line = Field(
        "", description="Part of the name of the reader to use; empty uses every reader."
    )
    trace: bool = Field(
        False, description="Log the commands sent to cards; secrets are always left out."
    )
