"""The steps of every factor: choose a way, have sent what is needed, and submit an entry."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.visit import tasks
from kiosk.authority.visit.context import deciding, enter
from kiosk.authority.visit.ways import name_of
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CodeNotSent,
    Factor,
    FactorEntry,
    FactorOver,
    FactorWrong,
    RouteId,
    Task,
    VisitId,
    Way,
)


def choose_way(parts: Dependencies, visit_id: VisitId, way: Way) -> Task:
    """Take one of the ways that are open to the holder, also in place of another one.

    What was passed stays passed, and what was charged stays charged.
    """
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        if way not in context.ways or len(context.ways) == 1:
            raise StepRefused("there is no such way to choose")
        if context.way != way:
            visit = replace(context.visit, way=name_of(way))
            uow.visits.save(visit)
            record(uow, AuditKind.WAY_CHOSEN, visit, way=name_of(way))
            context = replace(context, visit=visit)
        task = tasks.next_task(uow, context)
        uow.commit()
        return task


def prepare(
    parts: Dependencies, visit_id: VisitId, attempt: str, factor: Factor, route: RouteId
) -> Task | CodeNotSent:
    """Send what a factor needs, or a fresh one; takes as long as the mailer's deadline."""
    return parts.factors[factor].prepare(parts, visit_id, attempt, route)


def submit(
    parts: Dependencies, visit_id: VisitId, attempt: str, entry: FactorEntry
) -> Task | FactorWrong | FactorOver:
    """Check one entry, once for each attempt; raises ``AuthorityUnavailable``."""
    rules = next(each for each in parts.factors.values() if each.entry is type(entry))
    return rules.submit(parts, visit_id, attempt, entry)
