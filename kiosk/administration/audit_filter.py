"""What staff write into the filter of the audit, as the audit itself holds it."""

from __future__ import annotations

import re
from datetime import datetime

from kiosk.administration.free_text import LONGEST_NAME
from kiosk.administration.views.audit import AuditFilter
from kiosk.errors import NotTaken
from kiosk.reference import read_reference
from kiosk.store.audit_records import AuditQuery
from kiosk.store.unit_of_work import UnitOfWork

COMMAND_LINE = "command line:"
"""How the audit names an actor who is no member of staff."""

_ID = re.compile(r"[0-9a-f]{32}")


def query_of(uow: UnitOfWork, only: AuditFilter) -> AuditQuery:
    """Look up who is meant; raises ``NotTaken`` for a person or member that there is not."""
    _check_times(only)
    for name in ("station", "staff", "kind"):
        _check_name(name, getattr(only, name))
    return AuditQuery(
        holder_id=_holder(uow, only.person.strip()),
        station=only.station.strip() or None,
        actors=_actors(uow, only.staff.strip()),
        kind=only.kind.strip() or None,
        reference=_reference(only.reference.strip()),
        since=only.since,
        until=only.until,
    )


def _check_name(field: str, text: str) -> None:
    """Raise ``NotTaken`` for what is no name: an export writes the filter into the audit."""
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise NotTaken(field, f"A name has at most {LONGEST_NAME} characters that can be shown.")


def _holder(uow: UnitOfWork, text: str) -> str | None:
    """Return a holder's id; one who was erased is still found by the id that the audit keeps."""
    if not text:
        return None
    number = "".join(text.split())
    known = uow.holders.by_numbers((text, number))
    if found := known.get(text) or known.get(number):
        return found.id
    if _ID.fullmatch(text.lower()):
        return text.lower()
    raise NotTaken("person", "Nobody has this number. Enter a whole holder number, or an id.")


def _actors(uow: UnitOfWork, text: str) -> tuple[str, ...] | None:
    """Return the ids of all whose name has a word that begins like this."""
    if not text:
        return None
    if text.lower().startswith(COMMAND_LINE):
        return (text,)
    sought = text.casefold()
    found = tuple(
        member.id
        for member in uow.staff.every()
        if member.id == text or _is_named(member.name, sought)
    )
    if not found:
        because = (
            f'No member of staff is named so. A command line is written "{COMMAND_LINE} root".'
        )
        raise NotTaken("staff", because)
    return found


def _is_named(name: str, sought: str) -> bool:
    return f" {sought}" in f" {name.casefold()}"


def _reference(text: str) -> str | None:
    if not text:
        return None
    reference = read_reference(text)
    if reference is None:
        raise NotTaken("reference", "A reference number has eight letters and digits: XXXX-XXXX.")
    return reference


def _check_times(only: AuditFilter) -> None:
    for name, at in (("since", only.since), ("until", only.until)):
        if isinstance(at, datetime) and at.utcoffset() is None:
            raise NotTaken(name, "Say the time zone, too.")
    if only.since is not None and only.until is not None and only.since >= only.until:
        raise NotTaken("until", "This is before the beginning.")
