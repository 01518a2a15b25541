"""Names of those who did something, for ids that the audit and the records hold."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.store.unit_of_work import UnitOfWork


def staff_names(uow: UnitOfWork) -> Callable[[str | None], str]:
    """Return what names a member of staff by id, removed ones too.

    Anything else is returned as it is: a command line says who ran it. Nobody has no name.
    """
    known = {member.id: member.name for member in uow.staff.every()}
    return lambda actor: known.get(actor or "", actor or "")
