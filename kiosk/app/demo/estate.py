"""A small estate, made in a few seconds: settings, keys, database, people."""

from __future__ import annotations

import base64
import csv
import re
import secrets
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace

from hardware.virtual.link import CardLink
from hardware.virtual.pcscd import Slot
from hardware.virtual.piv import (
    SLOT_CARD_AUTHENTICATION,
    SLOT_PIV_AUTHENTICATION,
    VirtualCard,
    new_card,
)
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.app.composition.opening import open_keys, open_store
from kiosk.app.demo.mailbox import Mailbox, ReceivedMail
from kiosk.app.setup.authority import load_questions, make_keys
from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.mail.compose import WIDTH
from kiosk.config.example import as_toml
from kiosk.config.loading import load_settings
from kiosk.config.settings import MailSettings, Settings
from kiosk.contract.errors import KioskError
from kiosk.contract.messages import (
    Answer,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Code,
    EnterCode,
    Finished,
    PinProof,
    PinState,
    Purpose,
    Refusal,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import SystemClock
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import folded_words
from screens.demo import DemoCard

# The demo's people and cards: fictional, so that nothing here is secret.

DOMAIN = "wexbridge.example"
ANSWERS = {1: "Mrs Vane", 2: "Dumplings", 3: "Hobbs", 4: "Bicycle"}
"""The answers of the registered person, by question id."""

PIN = "739154"
_ASHA = """\
Asha's PIN: blocked at first. Answers:
teacher Mrs Vane, dish Dumplings, sweet shop Hobbs, first bought Bicycle."""
_BEN = f"""\
At first Ben's PIN is {PIN}, and he is not registered.
Any answers will do, so long as they differ."""
_STRANGER = f"""\
At first nobody here knows this card. Its PIN is {PIN}.
For the RA: its unblock secret (PUK) is {{puk}}."""
_OTHERS = (
    "Amara Okafor",
    "Carys Morgan",
    "Daniel Osei",
    "Elif Yilmaz",
    "Farid Rahman",
    "Grace Liu",
    "Hugh Tennant",
    "Ines Duarte",
    "Jonas Weber",
    "Łukasz Żółć",
)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person of the story; ``known``: their card is recorded."""

    number: str
    name: str
    chip: VirtualCard
    puk: str
    shown: DemoCard
    known: bool = True

    @property
    def email(self) -> str:
        return _address(self.name)


def _address(name: str) -> str:
    return f"{'.'.join(folded_words(name))}@{DOMAIN}"


def cast() -> tuple[DemoPerson, DemoPerson, DemoPerson]:
    """Make the three cards of the story: blocked and registered, working and not, unknown."""
    return (
        _actor("900100200301", "Asha Patel", "Asha, blocked", _ASHA, blocked=True),
        _actor("900100200302", "Ben Carter", "Ben, new", _BEN),
        _actor("900100200303", "Unknown Person", "Unknown", _STRANGER, known=False),
    )


def _actor(
    number: str, name: str, label: str, hint: str, *, blocked: bool = False, known: bool = True
) -> DemoPerson:
    puk = _random_puk()
    chip = new_card(holder_name=name, pin=PIN, puk=puk, blocked=blocked)
    return DemoPerson(number, name, chip, puk, DemoCard(label, hint.format(puk=puk)), known)


def _random_puk() -> str:
    return f"{secrets.randbelow(10**8):08}"


def count_people(actors: tuple[DemoPerson, ...]) -> int:
    return sum(actor.known for actor in actors) + len(_OTHERS)


def write_csv(path: Path, actors: tuple[DemoPerson, ...]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        person = ["holder_number", "name", "email", "card_driver", "card_id", "unblock_secret"]
        rows.writerow([*person, "auth_key", "pin_key", "pin_policy"])
        for actor in actors:
            if actor.known:
                guid = actor.chip.state.guid.hex()
                keys = (SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION)
                shown = [base64.b64encode(actor.chip.public_key(key)).decode() for key in keys]
                person = [actor.number, actor.name, actor.email, "piv", guid, actor.puk]
                rows.writerow([*person, *shown, "once"])
        for place, name in enumerate(_OTHERS):
            number, guid = f"9001002004{place:02}", secrets.token_hex(16)
            rows.writerow([number, name, _address(name), "piv", guid, _random_puk(), "", "", ""])


class _Earlier(SystemClock):
    """Last month: a registration a minute ago would delay the next code."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=30)


_CODE = re.compile(r"Your code:\s+(\d{4}) (\d{4})\b")


def make_estate(directory: Path, mail: MailSettings, actors: tuple[DemoPerson, ...]) -> Settings:
    """Make settings, keys and database in ``directory`` and import the people."""
    settings = load_settings(None, {"STATE_DIRECTORY": str(directory)})
    settings = replace(
        settings,
        policy=replace(settings.policy, email_domains=(DOMAIN,)),
        station=replace(settings.station, name="Demo station"),
        mail=replace(mail, sender=f"no-reply@{DOMAIN}"),
    )
    make_keys(Path(settings.keys.file))
    store = open_store(settings, SystemClock(), {})
    store.migrate()
    load_questions(store, SystemClock())
    settings_file(directory).write_text(as_toml(settings))
    people = directory / "people.csv"
    write_csv(people, actors)
    sealer = Sealer(open_keys(settings, {}))
    PeopleImport(store, sealer, settings.people.number_digits).run(people, "demo")
    store.close()
    (directory / "imports").mkdir(mode=0o700)  # where the RA application looks for files
    return settings


def settings_file(directory: Path) -> Path:
    return directory / "kiosk.toml"


def register(
    settings: Settings, environ: Mapping[str, str], actor: DemoPerson, box: Mailbox
) -> None:
    """Register ``actor`` at the authority, with the code from the mailbox, some time ago."""
    with closing(BuiltAuthority(settings, environ, _Earlier())) as built:
        authority = built.authority
        visit = VisitId(uuid.uuid4().hex)
        card = CardId("piv", actor.chip.state.guid.hex())
        pin = PinState(blocked=False, tries_left=3)
        report = CardReport(card, pin, certificate=actor.chip.public_key(SLOT_CARD_AUTHENTICATION))
        challenge = authority.begin(visit, report)
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
        done = authority.submit(visit, "demo-registration", Code(code))
        if not isinstance(done, Finished):
            raise KioskError(f"the demo's registration ended with {type(done).__name__}")
        authority.end(visit, VisitEnd.FINISHED)
        built.outbox.drain_once()


class DemoTable:
    """Implements ``DemoControls``; ``skip`` messages arrived before the story."""

    def __init__(
        self, actors: tuple[DemoPerson, ...], slot: Slot, mailbox: Mailbox, skip: int
    ) -> None:
        self.cards = tuple(actor.shown for actor in actors)
        self._links = tuple(CardLink(actor.chip, slot) for actor in actors)
        self._mailbox = mailbox
        self._skip = self._read = skip

    @property
    def inserted(self) -> int | None:
        return next((i for i, link in enumerate(self._links) if link.inserted), None)

    def insert(self, index: int) -> None:
        if self.inserted != index:
            self.remove()
            self._links[index].insert()

    def remove(self) -> None:
        for link in self._links:
            if link.inserted:
                link.remove()

    @property
    def unread(self) -> int:
        return len(self._mailbox.messages()) - self._read

    def read_mail(self) -> tuple[str, ...]:
        arrived = self._mailbox.messages()
        self._read = len(arrived)
        return tuple(map(_shown, arrived[self._skip :]))


def _shown(mail: ReceivedMail) -> str:
    """Return a mail with each paragraph on one line, which a page of any width wraps."""
    lines = [f"To: {', '.join(mail.to)}", f"Subject: {mail.subject}", "─" * 40]
    for before, line in pairwise(["", *mail.text.split("\n")]):
        first, _, _ = line.partition(" ")
        was_broken = bool(before and first) and len(f"{before} {first}") > WIDTH
        lines.append(f"{lines.pop()} {line}" if was_broken else line)
    return "\n".join(lines)
