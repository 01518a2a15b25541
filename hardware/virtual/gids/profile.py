"""The habits in which GIDS cards differ, one switch each."""

from __future__ import annotations

from dataclasses import dataclass

from hardware.virtual.profile import answer_to_reset


@dataclass(frozen=True, slots=True)
class GidsProfile:
    """How one make of card behaves."""

    pin_tries: int = 3

    key_tries: int | None = 5
    """So many wrong cryptograms in a row block the admin key; None: none is counted."""

    tells_key_tries: bool = True
    """A wrong cryptogram is answered with 63Cx; False, and where none is counted: 6982."""

    blocked_status: int = 0x6983
    """6983 or 63C0: both are found and both mean blocked."""

    last_try_status: int = 0x63C0
    """The answer to the wrong value that spends the last try: 63C0 or already 6983."""

    wrong_length_status: int | None = None
    """The answer to a PIN that is too short or too long, which is not counted; None: 63Cx."""

    tells_tries: bool = True
    """Has the PIN's status object; False: only an empty VERIFY tells the tries."""

    first_edition: bool = False
    """Tells the tries under the tag of the specification's first edition."""

    history: int = 0
    """So many former PINs are refused with 6984."""

    full_aid: bool = True
    """Answers SELECT by the whole application identifier."""

    short_aid: bool = True
    """Answers SELECT by the part that all editions share."""

    absent_status: int = 0x6A82
    """The answer to SELECT for what is not there."""

    contactless: bool = False
    """Talks over the air: everything about PIN and admin key is 6982."""

    t0: bool = False
    """Speaks T=0: no Le beside a body, answers are collected with GET RESPONSE."""

    piece: int = 256
    """Long answers come in pieces of so many bytes."""

    @property
    def atr(self) -> bytes:
        """The answer to reset that goes with the way to the card and the protocol."""
        return answer_to_reset(contactless=self.contactless, t0=self.t0)
