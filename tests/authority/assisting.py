"""Staff beside the authority: they give codes by word of mouth on the same database."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.office import Office, StaffDependencies, seen_of
from kiosk.authority.administration.views import IssuedCode, Seen
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.records import Card, EmailCode
from kiosk.authority.roles import Role
from kiosk.config.settings import PolicySettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import EnterCode, Position, Reason, Refusal
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.station_visit import StationVisit
from tests.authority.world import World
from tests.support.routes import to

GIVEN = EnterCode(
    None,
    to("a•••@trust.nhs.uk"),
    digits=8,
    expires_in_s=900,
    resend_in_s=0,
    tries_left=5,
    position=Position(3, 4),
)
"""What a station shows of a code that was given at this moment."""


def office_beside(world: World, role: Role = Role.AGENT, **more: Any) -> Office:
    """Return the office of a new member of staff, with the world's keys and policy."""
    means = StaffDependencies(
        store=world.store,
        clock=world.clock,
        sealer=world.parts.sealer,
        codes=world.parts.codes,
        signer=AnchorSigner(world.ring),
        policy=world.parts.policy,
        file_policy=PolicySettings(),
        imports=world.folder,
        exports=world.folder,
        number_digits=12,
        service="Smartcard self-service",
        zone=UTC,
        **more,
    )
    return office_of(means, role)


def give(office: Office, card: Card) -> IssuedCode:
    """Give a code for a card, for its holder as they are now."""
    return CodesDesk(office).issue(as_seen(office, card), card.id, GROUNDS)


def agree(office: Office, issued: IssuedCode) -> None:
    """Agree to a colleague's code."""
    CodesDesk(office).agree(issued.code_id, GROUNDS)


def withdraw(office: Office, issued: IssuedCode) -> None:
    """Make it worthless."""
    CodesDesk(office).withdraw(issued.code_id, GROUNDS)


def as_seen(office: Office, card: Card) -> Seen:
    """The card's holder as a screen shows them now."""
    with office.means.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
        assert holder is not None
        return seen_of(uow, holder)


def kept(world: World, issued: IssuedCode) -> EmailCode:
    """The code as the store has it now."""
    with world.store.read() as uow:
        found = uow.codes.get(issued.code_id)
    assert found is not None
    return found


def answered(world: World, card: Card) -> StationVisit:
    """Put the card in, and answer; a code is waited for."""
    station_visit = world.insert(card, blocked=True)
    assert isinstance(station_visit.answer(station_visit.questions()), EnterCode)
    return station_visit


def nothing_opens(station_visit: StationVisit) -> None:
    """Ask for the secret, in vain."""
    with pytest.raises(StepRefused):
        station_visit.grant()


def is_withdrawn(station_visit: StationVisit) -> bool:
    """Ask for the secret after the code was taken away; tell whether the page says so."""
    reply = station_visit.release()
    return isinstance(reply, Refusal) and reply.reason is Reason.CODE_WITHDRAWN
