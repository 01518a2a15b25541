"""Codes by word of mouth: how they are given, and what spoils it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.decisions import ProposalsDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import IssuedCode, ProposalLine
from kiosk.authority.records import AuditEvent, AuditQuery, EmailCode
from kiosk.config.settings import PolicySettings
from kiosk.contract.policy import Policy
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import seen
from tests.authority.store import samples
from tests.support.stored import live_code

ALONE = Policy()
TWO = Policy(four_eyes=True)


def desk(office: Office, policy: Policy = ALONE) -> CodesDesk:
    file = PolicySettings(four_eyes=policy.four_eyes)
    means = replace(office.means, policy=lambda: policy, file_policy=file)
    return CodesDesk(Office(means, office.actor))


def give(office: Office, person: samples.Person, policy: Policy = ALONE) -> IssuedCode:
    return desk(office, policy).issue(seen(office.means, person), person.card.id, GROUNDS)


def waiting(office: Office) -> tuple[ProposalLine, ...]:
    return ProposalsDesk(office).waiting()


def kept(means: StaffDependencies, code_id: str) -> EmailCode:
    with means.store.read() as uow:
        found = uow.codes.get(code_id)
    assert found is not None
    return found


def live(means: StaffDependencies, person: samples.Person) -> EmailCode | None:
    with means.store.read() as uow:
        return live_code(uow, person.card.id)


def events(means: StaffDependencies, person: samples.Person) -> list[AuditEvent]:
    with means.store.read() as uow:
        return list(uow.trail.newest(AuditQuery(holder_id=person.holder.id)))


def mailed(means: StaffDependencies, person: samples.Person) -> str:
    code = samples.code(person, drafted_at=means.clock.now())
    with means.store.begin() as uow:
        uow.codes.draft(code)
        uow.codes.activate(code.id, uow.now, uow.now + timedelta(minutes=15))
        uow.commit()
    return code.id


Spoil = Callable[[StaffDependencies, samples.Person], None]


def _holder_left(means: StaffDependencies, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.holders.save(replace(person.holder, left_at=samples.NOW))
        uow.commit()


def _blocked(means: StaffDependencies, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.registrations.block(person.holder.id)
        uow.commit()


def _exhausted(means: StaffDependencies, person: samples.Person) -> None:
    with means.store.begin() as uow:
        for attempt in "abc":
            uow.registrations.attempts(person.holder.id, 3).charge(attempt)
        uow.commit()


def _revoked(means: StaffDependencies, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.cards.revoke(person.card.id)
        uow.commit()


def _card(**changes: object) -> Spoil:
    def spoil(means: StaffDependencies, person: samples.Person) -> None:
        with means.store.begin() as uow:
            uow.cards.put([replace(person.card, **changes)])  # type: ignore[arg-type]
            uow.commit()

    return spoil


def _tries(means: StaffDependencies, person: samples.Person) -> None:
    with means.store.begin() as uow:
        uow.cards.know_secret_tries(person.card.id, 1)
        uow.commit()


def _seal(means: StaffDependencies, person: samples.Person) -> None:
    sealed = person.card.sealed_secret
    assert sealed is not None
    turned = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
    _card(sealed_secret=replace(sealed, ciphertext=turned))(means, person)


UNABLE: dict[str, tuple[Spoil, str]] = {
    "left": (_holder_left, "leaver"),
    "blocked": (_blocked, "Lift the block first"),
    "exhausted": (_exhausted, "Lift the block first"),
    "revoked": (_revoked, "It was revoked"),
    "expired": (_card(expires_at=samples.NOW), "It expired on"),
    "no-secret": (_card(sealed_secret=None), "No unblock secret is recorded"),
    "last-try": (_tries, "may have one try of its unblock secret left"),
    "broken-seal": (_seal, "cannot be opened any more"),
}
