"""Staff are told of a list of revoked certificates that cannot be used, or that ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.revocation import RevocationLists
from kiosk.config.settings import NoticeSettings
from tests.authority.card_in_reader import Authorities, revocation_list
from tests.authority.world import STAFF, World

DAY = timedelta(days=1)


class Served:
    """A process that serves cards, and the file of its list."""

    def __init__(self, world: World, file: Path) -> None:
        self.world, self.file, self.issuer = world, file, Authorities()
        self.publish(world.now)
        self.caretaker = self._caretaker(RevocationLists.load([file], [self.issuer.own]))

    def _caretaker(self, lists: RevocationLists | None) -> Caretaker:
        signer = AnchorSigner(self.world.ring)
        return Caretaker(self.world.store, signer, NoticeSettings(), STAFF, lists=lists)

    def publish(self, at: object, by: Authorities | None = None) -> None:
        made = revocation_list(by or self.issuer, (), at)  # type: ignore[arg-type]
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(made.public_bytes(Encoding.DER))
        fresh.replace(self.file)

    def alarms(self) -> Sequence[str]:
        self.caretaker.run()
        return self.standing()

    def standing(self) -> Sequence[str]:
        with self.world.store.read() as uow:
            found = [each for each in uow.alarms.standing() if each.kind == "list-not-current"]
        return [str(each.detail["finding"]) for each in found]

    def mails(self) -> int:
        return [each.template for each in self.world.outbox()].count("list-not-current")

    def run_elsewhere(self) -> None:
        self._caretaker(None).run()


@pytest.fixture
def served(world: World, tmp_path: Path) -> Served:
    return Served(world, tmp_path / "cards.crl")


def test_current_list_is_no_alarm(served: Served) -> None:
    assert served.alarms() == []


def test_list_of_a_stranger_is_an_alarm_until_a_good_one_comes(
    world: World, served: Served
) -> None:
    served.publish(world.now, by=Authorities())
    (finding,) = served.alarms()
    assert finding.startswith("none of the `issuers` in [cards] signed this list")
    assert served.alarms() == [finding]
    assert served.mails() == 1
    served.run_elsewhere()
    assert served.standing() == [finding], "a process without lists knows nothing of it"
    served.publish(world.now)
    assert served.alarms() == []


def test_list_that_ended_is_an_alarm(world: World, served: Served) -> None:
    world.clock.forward(days=8)
    assert served.alarms() == ["past"]
    served.publish(world.now)
    assert served.alarms() == []
