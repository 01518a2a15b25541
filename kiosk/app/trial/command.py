"""``kiosk cards try``: asks, has the trial made, and writes what came of it."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hardware import pcsc
from hardware.pcsc import PcscError
from kiosk.app.cli.printing import ask, complain, echo
from kiosk.app.cli.station_checks import settings_here
from kiosk.app.composition.cards import build_cards
from kiosk.app.trial.bench import PersonAtReader, wait_for_card
from kiosk.app.trial.journal import NAME, Journal
from kiosk.app.trial.recording import Names, Recorder
from kiosk.app.trial.report import markdown, transcript_of
from kiosk.app.trial.transcript import to_json
from kiosk.app.trial.trial import (
    FIRST_PIN,
    PUBLIC,
    SECOND_PIN,
    TEMPORARY_SECRET,
    Card,
    Stopped,
    Trial,
)
from kiosk.config.loading import credential_file
from kiosk.config.settings import Settings
from kiosk.contract.errors import KioskError
from kiosk.contract.sensitive import Sensitive

_WORD = "try"
_LOOKS = """\
This reads the card, has it prove itself, and asks you to take it out and put it in again. It sends
no PIN and no secret, changes nothing, and spends no try.
"""
_LIVES = f"""\
Take a test card: one that nobody works with. This does to it what its holder's life does.
It verifies its PIN, blocks it by wrong PINs, unblocks it with the station's own code, changes PIN
and unblock secret, and changes both back. You are asked to take the card out a few times.

- In between the card has the PIN {PUBLIC[FIRST_PIN].reveal()} or {PUBLIC[SECOND_PIN].reveal()}, and the unblock secret
  {PUBLIC[TEMPORARY_SECRET].reveal()}. Where this is cut short, the same command in the same folder puts the card back.
- It may cost: a wrong PIN or secret from you, one try each. A card that remembers its former PINs
  may keep a PIN of this command. A card may be worse than its standard: then it is lost.
- It never spends the last try of the unblock secret, and stops at the first surprise.
- PIN and secret are kept nowhere. What the card may have at each moment is noted in {NAME}.
"""  # noqa: E501


def try_card(
    config: str | None,
    part: str,
    folder: Path,
    *,
    make: str,
    wait_s: float,
    read_only: bool,
    resume: bool,
    sure: bool,
) -> int:
    """Return 0 where nothing surprised, 1 otherwise; the report is written in either case."""
    unended = Journal.found(folder)
    if resume and unended is None:
        raise KioskError(f"there is no {folder / NAME}: no trial was cut short in this folder")
    if unended is not None and read_only:
        raise KioskError(f"a trial was cut short: without --read-only it goes on ({NAME})")
    settings = settings_here(config)
    reader = _reader(part)
    if unended is not None:
        echo(f"A trial was cut short (at: {unended.entry.step}). The card is put back.")
    elif read_only:
        echo(_LOOKS)
    else:
        echo(_LIVES)
        if not sure and ask(f"Write the word {_WORD} to begin: ").strip() != _WORD:
            raise KioskError("nothing was done")
    pin, secret = (None, None) if read_only else (_secret("PIN"), _secret("Unblock secret"))
    complain("Put the card into the reader.")
    if not wait_for_card(reader, present=True, seconds=wait_s):
        raise KioskError("no card was put in")
    recorder, names = Recorder(), Names()
    cards = build_cards(settings, os.environ, recorder)
    trial = Trial(cards, recorder, PersonAtReader(reader, wait_s), Card(reader, pin, secret), names)
    stopped = ""
    try:
        if unended is not None:
            trial.put_back(unended)
        else:
            report = trial.look()
            if not read_only:
                trial.live(Journal.begin(folder, report.card))
    except Stopped as surprise:
        stopped = str(surprise)
    except BaseException:
        _say_how_it_is(trial, folder)
        raise
    transcript = transcript_of(
        trial.steps,
        trial.report,
        recorder.interface,
        names,
        card=make,
        program=version("unlock-kiosk"),
        day=datetime.now(UTC).date(),
        looked_only=read_only,
    )
    path = _free(folder, f"card-trial-{transcript.family or 'unknown'}-{transcript.day}")
    data = to_json(transcript)
    path.with_suffix(".json").write_bytes(data)
    path.with_suffix(".md").write_text(markdown(transcript, trial.how_it_is()), encoding="utf-8")
    signed = _sign(settings, data, path.with_suffix(".sig"))
    for limit in transcript.limits:
        echo(f"  {limit}")
    echo(f"{transcript.verdict}: {path.with_suffix('.md')}, {path.with_suffix('.json')}{signed}")
    _say_how_it_is(trial, folder)
    if stopped:
        complain(f"kiosk: it stopped. {stopped}")
    return 1 if stopped else 0


def _say_how_it_is(trial: Trial, folder: Path) -> None:
    if how := trial.how_it_is():
        complain(f"The card is not as it was. {how}")
        if (folder / NAME).exists():
            complain(f"`kiosk cards try --into {folder}` puts it back.")


def _secret(name: str) -> Sensitive:
    """Ask without echo; else return a line of standard input."""
    if not sys.stdin.isatty():
        return Sensitive(sys.stdin.readline().rstrip("\r\n"))
    return Sensitive(getpass.getpass(f"{name} of the card: "))


def _reader(part: str) -> str:
    """Return the one reader whose name holds ``part``."""
    try:
        context = pcsc.establish()
        try:
            readers = [name for name in pcsc.list_readers(context) if part in name]
        finally:
            pcsc.release(context)
    except PcscError as error:
        raise pcsc.card_error(error) from None
    if len(readers) != 1:
        names = ", ".join(readers) or "none"
        raise KioskError(f"name one reader with --reader; there are: {names}")
    return readers[0]


def _free(folder: Path, name: str) -> Path:
    """Return a path without suffix that no earlier report has."""
    numbered = (folder / (name if not n else f"{name}-{n + 1}") for n in range(1000))
    return next(path for path in numbered if not path.with_suffix(".md").exists())


def _sign(settings: Settings, data: bytes, path: Path) -> str:
    """Sign the transcript with the station's key; return what to say, empty without such a key."""
    named = settings.authority.key or settings.authority.certificate
    if not named:
        return ""
    try:
        key = load_pem_private_key(credential_file(named, os.environ).read_bytes(), None)
    except (OSError, ValueError, TypeError):
        complain("The transcript is not signed: the station's key cannot be read by this account.")
        return ""
    match key:
        case ec.EllipticCurvePrivateKey():
            signature = key.sign(data, ec.ECDSA(SHA256()))
        case rsa.RSAPrivateKey():
            signature = key.sign(data, padding.PKCS1v15(), SHA256())
        case ed25519.Ed25519PrivateKey():
            signature = key.sign(data)
        case _:
            return ""
    path.write_bytes(signature)
    return f", {path}"
