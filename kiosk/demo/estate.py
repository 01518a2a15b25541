"""A small estate, made from nothing in a few seconds: settings, keys, database, people.

The registered person registers as anybody would: through the authority, with a code that
is read from the mailbox.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hardware.virtual.piv import SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION
from kiosk.administration.import_people import PeopleImport
from kiosk.administration.setup import load_questions, make_keys, prepare_database
from kiosk.clock import SystemClock
from kiosk.composition.authority import build_authority
from kiosk.composition.opening import open_keys, open_store
from kiosk.config import Settings, load_settings
from kiosk.config.example import as_toml
from kiosk.config.mail import MailSettings
from kiosk.demo.mailbox import Mailbox
from kiosk.demo.people import ANSWERS, DOMAIN, Actor, write_csv
from kiosk.dialogue import (
    Answer,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    EnterCode,
    Finished,
    PinProof,
    PinState,
    Purpose,
    Refusal,
    VisitEnd,
    VisitId,
)
from kiosk.errors import KioskError
from kiosk.ports import Authority
from kiosk.secrets.sealing import Sealer
from kiosk.sensitive import Sensitive


class _Earlier(SystemClock):
    """Last month: a registration of a minute ago would hold the next code back."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=30)


_CODE = re.compile(r"Your code:\s+(\d{4}) (\d{4})\b")


def make_estate(directory: Path, mail: MailSettings, actors: tuple[Actor, ...]) -> Settings:
    """Make settings, keys and database in ``directory`` and import the people."""
    settings = _settings(directory, mail)
    make_keys(Path(settings.keys.file))
    store = open_store(settings, SystemClock(), {})
    prepare_database(store, "the demo's")
    load_questions(store, SystemClock())
    settings_file(directory).write_text(as_toml(settings))
    people = directory / "people.csv"
    write_csv(people, actors)
    sealer = Sealer(open_keys(settings, {}))
    PeopleImport(store, sealer, settings.people.number_digits).run(people, "demo")
    store.close()
    return settings


def settings_file(directory: Path) -> Path:
    """Return where the settings of the estate are, for commands that are run on it."""
    return directory / "kiosk.toml"


def register(settings: Settings, environ: Mapping[str, str], actor: Actor, box: Mailbox) -> None:
    """Register ``actor`` at the authority, with the code from the mailbox, some time ago."""
    house = build_authority(settings, environ, _Earlier())
    try:
        _walk_through(house.authority, actor, box)
        house.outbox.drain_once()
    finally:
        house.close()


def _walk_through(authority: Authority, actor: Actor, box: Mailbox) -> None:
    visit = VisitId(uuid.uuid4().hex)
    card = CardId("piv", actor.chip.state.guid.hex())
    pin = PinState(blocked=False, tries_left=3)
    report = CardReport(card, pin, certificate=actor.chip.public_key(SLOT_CARD_AUTHENTICATION))
    challenge = authority.begin(visit, "demo", report)
    if isinstance(challenge, CardChallenge):
        signed = actor.chip.sign(SLOT_CARD_AUTHENTICATION, challenge.message)
        authority.prove(visit, CardProof(signed))
    authority.choose(visit, Purpose.REGISTER)
    to_sign = authority.pin_challenge(visit)
    if isinstance(to_sign, Refusal):
        raise KioskError("the demo's registration was refused")
    signature = actor.chip.sign(SLOT_PIV_AUTHENTICATION, to_sign.message)
    proof = PinProof(signature, actor.chip.public_key(SLOT_PIV_AUTHENTICATION))
    authority.pin_verified(visit, proof)
    answers = tuple(Answer(number, Sensitive(text)) for number, text in ANSWERS.items())
    authority.save_questions(visit, answers)
    waiting = authority.give_email(visit, actor.email, "demo-address")
    if not isinstance(waiting, EnterCode):
        raise KioskError(f"the demo's registration stopped at {type(waiting).__name__}")
    found = _CODE.search(box.wait_for(1)[0].text)
    code = Sensitive("".join(found.groups()) if found else "")
    done = authority.enter_code(visit, "demo-registration", code)
    if not isinstance(done, Finished):
        raise KioskError(f"the demo's registration ended with {type(done).__name__}")
    authority.end(visit, VisitEnd.FINISHED)


def _settings(directory: Path, mail: MailSettings) -> Settings:
    settings = load_settings(None, {"STATE_DIRECTORY": str(directory)})
    return replace(
        settings,
        policy=replace(settings.policy, email_domains=(DOMAIN,)),
        station=replace(settings.station, name="Demo station"),
        mail=replace(mail, sender=f"no-reply@{DOMAIN}"),
    )
