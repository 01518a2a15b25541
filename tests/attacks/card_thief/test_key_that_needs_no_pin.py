"""Before: a stolen, blocked PIV card whose key 9A has the PIN policy "never" was opened without its
PIN and without its holder's mailbox. The shim around it answers VERIFY, and refuses the signature
that is asked for before VERIFY: so the key looked as if it needed the PIN."""

from __future__ import annotations

import pytest

from kiosk.authority.records import PinEvidence
from kiosk.contract.messages import CardId, Purpose, SendCode
from tests.attacks.stolen import ONE_TRY, behind, changes_nothing
from tests.authority.card_in_reader import ReaderCard
from tests.authority.world import World
from tests.e2e import records
from tests.e2e.conftest import MakeWorld
from tests.e2e.files import write_people
from tests.e2e.people import person
from tests.e2e.world import HASTY
from tests.support.hostile.shims import PIV_AUTHENTICATION, PolicyShim


@pytest.mark.parametrize("imported", [True, False], ids=["imported", "recorded in a visit"])
def test_a_signature_by_a_known_key_of_which_nothing_says_that_it_needs_the_pin(
    world: World, imported: bool
) -> None:
    """What arrives at the authority from such a shim: the signature is that of the known key."""
    stolen = ReaderCard()
    keys = {"auth_key": stolen.public, "pin_key": stolen.pin_public, "pin_key_imported": imported}
    card = world.registered_card(**keys, pin_policy=None)
    for purpose in Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL:
        visit = world.insert(card, reader_card=stolen)
        visit.authority.choose(visit.visit, purpose)
        task = visit.verify_pin()
        assert isinstance(task, SendCode)
        assert task.proves_owner
        assert world.visit(visit).pin_evidence is PinEvidence.CLAIMED
        visit.pull()


@pytest.mark.hardware
@pytest.mark.terminal
def test_a_stolen_card_whose_key_needs_no_pin(make_world: MakeWorld) -> None:
    world = make_world(policy={"genuine": "always", **ONE_TRY})
    cleo = person("900100200399", "Cleo Marsh", "51739482", "84027315")
    cleo.card.state.pin_never.add(PIV_AUTHENTICATION)
    more = world.folder / "more.csv"
    write_people(more, (cleo,), pin_policy="")
    world.kiosk("import", str(more), check=True)
    world.register(cleo)
    world.block(cleo)
    station = world.station(program=HASTY)
    shim = PolicyShim(cleo.card)
    changes_nothing(world, station, behind(cleo, shim), CardId("piv", cleo.card.state.guid.hex()))
    assert shim.verified == 2
    rows = records.events(world, "pin-verified")
    assert {row.detail["because"] for row in rows} == {"nothing shows that the key needs the PIN"}
    assert cleo.card.state.pin.left == 0
