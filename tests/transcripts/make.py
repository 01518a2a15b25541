"""Makes the transcripts of the cards in software anew: ``python -m tests.transcripts.make``."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from hardware import pcsc
from hardware.virtual.link import CardLink, Chip
from hardware.virtual.piv import CardProfile, new_card
from kiosk.app.trial.journal import Journal
from kiosk.app.trial.report import transcript_of
from kiosk.app.trial.transcript import to_json
from kiosk.app.trial.trial import Stopped
from kiosk.contract.messages import KeyKind
from tests.app.trial.cards import prepare
from tests.hardware.drivers.openpgp_cards import ForeignCard, resetting_code
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Seat, start_empty

PIN, PUK = "482915", "73918265"
OWN = "the product's virtual card"
PROFILES = {
    "P-256": CardProfile(),
    "RSA-2048 over T=0": CardProfile(key=KeyKind.RSA_2048, t0=True),
    "Ed25519 of 32 bytes alone": CardProfile(key=KeyKind.ED25519, ed25519_bytes=32, metadata=True),
    "former PINs refused": CardProfile(history=3, pin_tries=5, puk_tries=10),
}


def cards(folder: Path) -> Iterator[tuple[str, Chip, str, str, str, str]]:
    """Yield what it is, the card, family, kind of secret, PIN and secret."""
    for name, profile in PROFILES.items():
        card = new_card(holder_name="Jo Example", pin=PIN, puk=PUK, profile=profile)
        yield f"{OWN}, {name}", card, "piv", "puk", PIN, PUK
    yield OWN, new_gids_card(pin=PIN), "gids", "admin-key", PIN, ADMIN_KEY.hex()
    for kind, secret in (("admin-pin", "12345678"), ("resetting-code", "24681357")):
        (folder / kind).mkdir()
        openpgp = ForeignCard(folder / kind)
        openpgp.generate_authentication_key()
        if kind == "resetting-code":
            resetting_code(openpgp, secret)
        yield "jcecard 0.1.0", openpgp, "openpgp", kind, "123456", secret
    (folder / "piv").mkdir()
    piv = ForeignCard(folder / "piv")
    piv.personalise_piv()
    yield "jcecard 0.1.0", piv, "piv", "puk", "123456", "12345678"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        service = HotplugPcscd(folder / "pcscd")
        os.environ.update({**service.env, pcsc.NO_BLOCKING: "1"})
        try:
            for number, (name, chip, family, kind, pin, secret) in enumerate(cards(folder)):
                start_empty(service)
                seat = Seat(service.reader_names[0], CardLink(chip, service.slots[0]))
                seat.insert()
                tried, _ = prepare(seat, family, kind, pin, secret)
                with suppress(Stopped):
                    report = tried.trial.look()
                    (folder / str(number)).mkdir()
                    tried.trial.live(Journal.begin(folder / str(number), report.card))
                seat.link.remove()
                made = transcript_of(
                    tried.trial.steps,
                    tried.trial.report,
                    tried.recorder.interface,
                    tried.names,
                    card=name,
                    program=version("unlock-kiosk"),
                    day=datetime.now(UTC).date(),
                    looked_only=False,
                )
                words = re.sub("[^a-z0-9]+", "-", name.removeprefix("the product's ").lower())
                file = f"{family}-{kind}-{words}.json"
                Path(__file__).with_name(file).write_bytes(to_json(made))
                print(f"{file}: {made.verdict}")  # noqa: T201
        finally:
            service.stop()


if __name__ == "__main__":
    main()
