"""Proofs: what a holder has shown in a visit, and the rules of each factor about them.

``Proof`` is the one record of what was passed. Whatever depends on it (the next step, coming back
to a code, a release, a withdrawal) asks the factor's ``FactorRules``, and lists no factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from kiosk.authority.records import Proof, Registration
from kiosk.authority.store.repositories.visits import is_within_visit
from kiosk.contract.messages import (
    CodeNotSent,
    Factor,
    FactorEntry,
    FactorOver,
    FactorWrong,
    Purpose,
    Reason,
    RouteId,
    Task,
    VisitId,
)

if TYPE_CHECKING:
    from kiosk.authority.addresses import Addresses
    from kiosk.authority.dependencies import Dependencies
    from kiosk.authority.facts import Enrolled
    from kiosk.authority.store.database import UnitOfWork
    from kiosk.authority.visit.context import VisitContext, VisitRefused


class FactorRules(Protocol):
    """All that one factor knows of itself; ``entry`` is what a holder enters for it."""

    @property
    def entry(self) -> type[FactorEntry]: ...

    def submit(
        self, parts: Dependencies, visit_id: VisitId, attempt: str, entry: Any
    ) -> Task | FactorWrong | FactorOver:
        """Check one ``entry``, by ``attempts.evaluate``."""

    def prepare(
        self, parts: Dependencies, visit_id: VisitId, attempt: str, route: RouteId
    ) -> Task | CodeNotSent:
        """Send what the holder needs for it, to a route that is open to the visit now.

        The present task for any other route; ``StepRefused`` where nothing is sent.
        """

    def enrolled(self, registration: Registration) -> bool:
        """Return whether the holder can be asked for it."""

    def lines(
        self, uow: UnitOfWork, registration: Registration, addresses: Addresses
    ) -> tuple[Enrolled, ...]:
        """Return what staff see of it on the holder's page."""

    def barred(
        self, uow: UnitOfWork, context: VisitContext, purpose: Purpose
    ) -> VisitRefused | None:
        """Return why it cannot be asked for now, for a purpose, and until when."""

    def task(self, uow: UnitOfWork, context: VisitContext) -> Task:
        """Return what the holder does next to pass it."""

    def stands(self, context: VisitContext, proof: Proof) -> bool:
        """Return whether a proof still counts: what was shown may have been withdrawn since."""

    def refusal(self, context: VisitContext, proof: Proof) -> Reason:
        """Return why a visit goes no further whose proof does not stand any more."""

    def carries(self, proof: Proof) -> bool:
        """Return whether it counts for a holder who comes back to enter the code sent after it."""

    def spend(self, uow: UnitOfWork, proof: Proof) -> bool:
        """Use up what was shown, for a release; False where it was used up before."""

    def withdraw(self, uow: UnitOfWork, holder_id: str) -> None:
        """Let nothing that a holder has shown, or was given to show, open anything more."""


Factors = Mapping[Factor, FactorRules]


def enrolled_in(registration: Registration | None, factors: Factors) -> frozenset[Factor]:
    """Return the factors that a holder can be asked for."""
    if registration is None:
        return frozenset()
    return frozenset(each for each, rules in factors.items() if rules.enrolled(registration))


def carried(
    uow: UnitOfWork, factors: Factors, earlier: VisitId | str, visit_id: str
) -> tuple[Proof, ...]:
    """Return what counts in a visit of what was passed in an ``earlier`` one.

    Each proof keeps the time at which it was made, so that no chain of visits extends it.
    """
    return tuple(
        replace(proof, visit_id=visit_id, carried_from=earlier)
        for proof in uow.proofs.of_visit(earlier)
        if proof.spent_by is None
        and is_within_visit(proof.at, uow.now)
        and factors[proof.factor].carries(proof)
    )
