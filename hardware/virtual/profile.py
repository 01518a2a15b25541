"""The habits in which real PIV cards differ, one switch each."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.dialogue import KeyKind

ATR_T1 = bytes.fromhex("3B858131FE454B696F736BDB")
"""Direct convention, protocol T=1 alone, historical bytes ``Kiosk``; the last is TCK."""

ATR_T0 = bytes.fromhex("3B054B696F736B")
"""The same bytes on a card that speaks T=0 alone (which has no TCK)."""

ATR_CONTACTLESS = bytes.fromhex("3B8580014B696F736B51")
"""The same bytes as a reader passes them on from a card over the air (PC/SC part 3)."""


@dataclass(frozen=True, slots=True)
class CardProfile:
    """How one make of card behaves; the defaults are the standard's shape."""

    pin_tries: int = 3
    puk_tries: int = 3

    blocked_status: int = 0x6983
    """6983 or 63C0: both are found and both mean blocked."""

    tries_status: int = 0x63C0
    """The tries left are told as 63Cx; an old family says 630x: then it is 6300."""

    last_try_status: int = 0x63C0
    """The answer to the wrong value that spends the last try: 63C0 or already 6983."""

    verified_answers_9000: bool = True
    """An empty VERIFY after a right PIN answers 9000; False keeps telling the tries left."""

    wrong_length_status: int = 0x6A80
    """6A80 or 6700 for a body of another length than eight or sixteen bytes."""

    accepts_any_new_pin: bool = False
    """The card enforces no rule: five digits, letters and an empty PIN are all taken."""

    history: int = 0
    """So many former PINs are refused with 6984."""

    complexity_rule: bool = False
    """A new PIN of a single digit, repeated, is refused with 6985."""

    holds_puk_validation: bool = False
    """A right PUK counts until the next reset: RESET RETRY COUNTER then takes any PUK."""

    numeric_puk: bool = False
    """A new PUK must be eight digits; False takes any eight bytes."""

    erases_keys_when_both_blocked: bool = False
    """Private keys go when the PIN and the PUK are both blocked."""

    full_aid: bool = True
    """Answers SELECT by the nine-byte application identifier."""

    short_aid: bool = True
    """Answers SELECT by the five-byte prefix."""

    absent_status: int = 0x6A82
    """The answer to SELECT for what is not there: 6A82, 6D00 and 6999 are found."""

    template_tag: bool = True
    """The application property template has its outer tag 61."""

    metadata: bool = False
    """Answers the vendor command F7 (GET METADATA) for the PIN, the PUK and the keys."""

    vendor_commands: bool = True
    """Answers the vendor commands FD (version) and F8 (serial number)."""

    contactless: bool = False
    """Talks over the air: everything about PIN and PUK is 6982."""

    t0: bool = False
    """Speaks T=0: no Le beside a body, answers are collected with GET RESPONSE."""

    key: KeyKind = KeyKind.P_256
    """What the keys are."""

    piece: int = 256
    """Long answers come in pieces of so many bytes (255 and 256 are found)."""

    @property
    def atr(self) -> bytes:
        """The answer to reset that goes with the way to the card and the protocol."""
        return answer_to_reset(contactless=self.contactless, t0=self.t0)


def answer_to_reset(*, contactless: bool, t0: bool) -> bytes:
    """Return what a card of any family answers to reset on that way and by that protocol."""
    if contactless:
        return ATR_CONTACTLESS
    return ATR_T0 if t0 else ATR_T1
