"""A transcript: the calls on a card's driver, and the APDUs of each, without holder and secret.

A command is written in hexadecimal, with ``..`` for a byte that differs from run to run, or that
the driver derives from a secret. ``values`` are what stands for the secrets, by their names.
"""

from __future__ import annotations

from typing import Final

import msgspec

FORMAT: Final = 1

ANY: Final = ".."
"""Stands for one byte of a command that a replay does not compare."""


class Exchange(msgspec.Struct, frozen=True, array_like=True):
    """One APDU and its answer; ``error`` names why there was none."""

    command: str
    answer: str
    ms: float
    error: str = ""


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call on the card's driver; ``values`` name the secrets that it was given, in order.

    ``message`` is what the card was asked to sign, ``key`` with which kind of key. ``inner`` are
    the calls while the card was held.
    """

    name: str
    result: str
    values: tuple[str, ...] = ()
    message: str = ""
    key: str = ""
    exchanges: tuple[Exchange, ...] = ()
    inner: tuple[Call, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One step of the trial, as its report has it."""

    name: str
    outcome: str
    words: str
    before: str
    after: str
    seconds: float
    calls: tuple[Call, ...] = ()


class Transcript(msgspec.Struct, frozen=True):
    """``atr`` is empty where a module speaks to the card: then there are no APDUs.

    ``identifier`` stands for the card's own.
    """

    format: int
    program: str
    day: str
    card: str
    family: str
    secret_kind: str
    identifier: str
    atr: str
    protocol: str
    contactless: bool
    verdict: str
    limits: tuple[str, ...]
    values: dict[str, str]
    steps: tuple[Step, ...]


def to_json(transcript: Transcript) -> bytes:
    """Return the file's bytes: the same for the same transcript."""
    return msgspec.json.format(msgspec.json.encode(transcript), indent=1) + b"\n"


def from_json(data: bytes) -> Transcript:
    """Raises ``ValueError`` for anything else than a transcript of this format."""
    try:
        read = msgspec.json.decode(data, type=Transcript)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no transcript: {error}") from None
    if read.format != FORMAT:
        raise ValueError(f"this transcript has the format {read.format}, and not {FORMAT}")
    return read
