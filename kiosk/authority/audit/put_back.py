"""Rows that say less than the audit: older ones that somebody put back, with their older MACs.

The events that are passed here were verified, and are in order, the oldest first. Where a row was
accepted as it is (`kiosk rows accept`), what the audit says of it before then is over.

A clock that was ahead, or was put back, must bar nobody. So ids, revisions and places in a
chain are compared; times only where events are in different chains, and of what is recent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from kiosk.authority.addresses import named_addresses
from kiosk.authority.audit.events import AuditKind, ServiceKind, StaffKind
from kiosk.authority.audit.rows import chain_of
from kiosk.authority.errors import RowAltered, RowPutBack
from kiosk.authority.records import (
    CLOCKS_DIFFER,
    Address,
    AuditEvent,
    AuditQuery,
    Card,
    Cardholder,
    CardStatus,
    EmailCode,
    PolicySetting,
    Proof,
    Registration,
    Sought,
    StaffCard,
    StaffMember,
    Station,
    UnblockEntry,
    Visit,
)
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.messages import Factor

Events = Sequence[AuditEvent]

_GRANTS: Final = frozenset({AuditKind.SECRET_RELEASED.value, AuditKind.ADMIN_KEY_USED.value})
_END_VISIT: Final = frozenset(
    {
        AuditKind.VISIT_ENDED.value,
        AuditKind.VISIT_SUPERSEDED.value,
        AuditKind.CARD_UNPROVEN.value,
        AuditKind.UNBLOCK_DONE.value,
        AuditKind.UNBLOCK_UNKNOWN.value,
    }
)
"""No secret is released in a visit after these."""

_OPEN_VISIT: Final = frozenset({AuditKind.VISIT_OPENED.value, AuditKind.VISIT_RESUMED.value})
_SEND: Final = frozenset(
    {AuditKind.CODE_SENT.value, StaffKind.CODE_ISSUED.value, StaffKind.CODE_AGREED.value}
)
_CLOSE_ENTRY: Final = frozenset(
    {
        AuditKind.UNBLOCK_DONE.value,
        AuditKind.UNBLOCK_REFUSED.value,
        AuditKind.UNBLOCK_NOT_SENT.value,
        AuditKind.UNBLOCK_SETTLED.value,
    }
)
_WITHDRAW_ONE: Final = frozenset(
    {
        AuditKind.CODE_ABANDONED.value,
        AuditKind.CODE_OVER.value,
        StaffKind.CODE_WITHDRAWN.value,
    }
)
_WITHDRAW_ALL: Final = frozenset(
    {
        AuditKind.MISUSE_REPORTED.value,
        StaffKind.MISUSE_STOPPED.value,
        StaffKind.EMAIL_CORRECTED.value,
        StaffKind.ADDRESS_WITHDRAWN.value,
        StaffKind.REGISTRATION_REVOKED.value,
        StaffKind.LEAVER_MARKED.value,
    }
)
"""They withdraw each unused code of a holder, those that are being mailed as well."""

_BLOCK: Final = frozenset(
    {
        AuditKind.REGISTRATION_BLOCKED.value,
        AuditKind.MISUSE_REPORTED.value,
        StaffKind.MISUSE_STOPPED.value,
    }
)

_SAVED: Final = frozenset({AuditKind.SAVED_CODES_MADE.value, AuditKind.SAVED_CODE_REPLACED.value})
_END_SAVED: Final = frozenset(
    {
        AuditKind.SAVED_CODES_MADE.value,
        StaffKind.SAVED_CODES_WITHDRAWN.value,
        AuditKind.MISUSE_REPORTED.value,
        StaffKind.MISUSE_STOPPED.value,
        StaffKind.REGISTRATION_REVOKED.value,
        StaffKind.LEAVER_MARKED.value,
    }
)
"""They withdraw each saved code that a holder had before."""

_ADDRESS: Final = (
    AuditKind.EMAIL_CHANGED.value,
    AuditKind.EMAIL_CONFIRMED.value,
    StaffKind.EMAIL_CORRECTED.value,
)

_ADD_FURTHER: Final = (StaffKind.ADDRESS_ADDED.value, AuditKind.FURTHER_ADDED.value)
_END_FURTHER: Final = (StaffKind.ADDRESS_WITHDRAWN.value, ServiceKind.ADDRESS_STOPPED.value)
"""After one of them no registration names that address: another one has another id."""

OF_HOLDER: Final = (
    *sorted(_BLOCK),
    *_ADD_FURTHER,
    *_END_FURTHER,
    StaffKind.BLOCK_LIFTED.value,
    StaffKind.REGISTRATION_REVOKED.value,
    AuditKind.REGISTERED.value,
    *sorted(_SAVED),
    AuditKind.SAVED_CODE_USED.value,
    StaffKind.SAVED_CODES_WITHDRAWN.value,
    *_ADDRESS,
    StaffKind.LEAVER_MARKED.value,
    StaffKind.LEAVER_TAKEN_BACK.value,
    StaffKind.PERSON_ERASED.value,
    StaffKind.CARD_REVOKED.value,
    StaffKind.CARD_REPLACED.value,
)
"""The kinds of events that say, however old they are, how a holder's rows are now."""

OF_RECORD: Final = (ServiceKind.PERSON_CHANGED.value, StaffKind.EMAIL_CORRECTED.value)
"""The kinds of events that name the address which a record was given."""

_END_WAITING: Final = (AuditKind.EMAIL_CHANGE_STOPPED.value, AuditKind.EMAIL_CHANGED.value)

OF_STATION: Final = (
    StaffKind.STATION_RETIRED.value,
    StaffKind.STATION_REINSTATED.value,
    StaffKind.STATION_CERTIFIED.value,
    ServiceKind.STATION_ENROLLED.value,
)
ACCEPTED: Final = ServiceKind.ROW_ACCEPTED.value


def need_proofs(
    visit: Visit,
    proofs: Iterable[Proof],
    code: EmailCode | None,
    entries: Iterable[UnblockEntry],
    events: Events,
    now: datetime,
) -> None:
    """Raise ``RowPutBack`` where the proofs of a visit were used up, or are over.

    ``events`` are those of its holder since the visit began, its ``proofs`` were made and its
    ``code`` was sent, ``entries`` the visit's in the journal, and the open one of its card.
    """
    table = "visit"
    answered = (proof.at for proof in proofs if proof.factor is Factor.QUESTIONS)
    given_at = next(answered, None)
    of_visit = _valid(events, table, visit.id)
    began = [one for one in of_visit if one.visit_id == visit.id and one.kind in _OPEN_VISIT]
    for event in of_visit:
        ended = event.visit_id == visit.id and event.kind in _END_VISIT
        replaced = event.kind == AuditKind.QUESTIONS_CHANGED and given_at is not None
        if ended or (replaced and given_at and _is_later(event, given_at, began, now)):
            raise RowPutBack(table, visit.id)
    grants = [one for one in events if one.kind in _GRANTS and one.card_id == visit.card_id]
    _need_journal(visit, entries, grants, events, now)
    if code is not None and code.consumed_at is None and _is_over(code, visit, grants, events, now):
        raise RowPutBack("email_code", code.id)


def _need_journal(
    visit: Visit, entries: Iterable[UnblockEntry], grants: Events, events: Events, now: datetime
) -> None:
    table, known = "unblock_journal", {entry.id: entry for entry in entries}
    for entry in known.values():
        if entry.closed_at is not None:
            continue
        valid = _valid(events, table, entry.id)
        is_closed = any(
            one.kind in _CLOSE_ENTRY and one.detail.get("journal") == entry.id for one in valid
        )
        # A card has one open entry: this one was closed before the next was opened.
        own = [one for one in grants if one.detail.get("journal") == entry.id]
        is_past = any(
            one in grants and one not in own and _is_later(one, entry.opened_at, own, now)
            for one in valid
        )
        if is_closed or is_past:
            raise RowPutBack(table, entry.id)
    for grant in grants:
        granted = grant.detail.get("journal")
        if grant.visit_id == visit.id and isinstance(granted, str) and granted not in known:
            raise RowPutBack(table, granted)


def _is_over(code: EmailCode, visit: Visit, grants: Events, events: Events, now: datetime) -> bool:
    """Return whether an unused code was used, replaced or withdrawn."""
    valid = _valid(events, "email_code", code.id)
    sent = [one for one in valid if one.kind in _SEND and one.detail.get("code") == code.id]
    for event in valid:
        is_later = code.sent_at is not None and _is_later(event, code.sent_at, sent, now)
        is_named = event.detail.get("code") == code.id
        if event in grants:
            # One to another visit was by a code that came before or after, and ended this one.
            over = is_named or (is_later and event.visit_id != visit.id)
        else:
            over = (is_named and event.kind in _WITHDRAW_ONE) or (
                is_later and event.kind in _WITHDRAW_ALL
            )
        if over:
            return True
    return False


def need_last_grant(visit: Visit, last: UnblockEntry, events: Events, now: datetime) -> None:
    """Raise ``RowPutBack`` where the card was granted an unblock in another visit after ``last``.

    The journal says of none.
    """
    grants = [one for one in events if one.kind in _GRANTS and one.card_id == visit.card_id]
    own = [one for one in grants if one.detail.get("journal") == last.id]
    for event in grants:
        if event.visit_id != visit.id and _is_later(event, last.opened_at, own, now):
            raise RowPutBack("unblock_journal", str(event.detail.get("journal")))


def need_holder(
    holder: Cardholder,
    card: Card,
    registration: Registration | None,
    address: Address | None,
    events: Events,
) -> None:
    """Raise ``RowPutBack`` where holder, card or registration were barred or changed since.

    ``address`` is the registered one; ``events`` are all of ``OF_HOLDER``.
    """
    left = _last(
        _valid(events, "cardholder", holder.id),
        StaffKind.LEAVER_MARKED,
        StaffKind.LEAVER_TAKEN_BACK,
        StaffKind.PERSON_ERASED,
    )
    is_back = left is None or left.kind == StaffKind.LEAVER_TAKEN_BACK
    if holder.left_at is None and not is_back:
        raise RowPutBack("cardholder", holder.id)
    for event in _valid(events, "card", card.id):
        revoked = event.kind == StaffKind.CARD_REVOKED and event.card_id == card.id
        replaced = event.kind == StaffKind.CARD_REPLACED and event.detail.get("replaces") == card.id
        if (revoked or replaced) and card.status is not CardStatus.REVOKED:
            raise RowPutBack("card", card.id)
    if registration is not None:
        valid = _valid(events, "registration", holder.id)
        if (
            _is_older(registration, address, valid)
            or _was_blocked(registration, valid)
            or _has_ended_code(registration, valid)
        ):
            raise RowPutBack("registration", holder.id)


def _is_older(registration: Registration, address: Address | None, events: Events) -> bool:
    """Return whether it is from before it was revoked, or before its address was changed.

    A row has the very time of the event that wrote it.
    """
    registered = [one for one in events if one.kind == AuditKind.REGISTERED]
    revoked = _last(events, StaffKind.REGISTRATION_REVOKED)
    if revoked is not None:
        since = (one.at for one in registered if _is_after(one, revoked))
        if registration.registered_at not in since:
            return True
    if _names_former(registration, events):
        return True
    addressed = [
        one
        for one in events
        if (one.kind != StaffKind.EMAIL_CORRECTED or one.detail.get("registered"))
        and not one.detail.get("further")
    ]
    # To register anew may leave every time in the row as it was.
    last = _last(addressed, AuditKind.REGISTERED, *_ADDRESS)
    if last is None or last.kind == AuditKind.REGISTERED:
        return False
    return address is None or last.at not in (address.confirmed_at, address.effective_from)


def _names_former(registration: Registration, events: Events) -> bool:
    """Return whether it names a further address that was withdrawn, or lacks one that was added."""
    revoked = _last(events, StaffKind.REGISTRATION_REVOKED)
    added = {
        one.detail.get("address")
        for one in events
        if one.kind in _ADD_FURTHER and (revoked is None or _is_after(one, revoked))
    }
    ended = {one.detail.get("address") for one in events if one.kind in _END_FURTHER}
    return bool(ended & {*registration.further}) or not added - ended <= {*registration.further}


def _has_ended_code(registration: Registration, events: Events) -> bool:
    """Return whether it has a saved code that was used, or that was withdrawn with its set.

    A code has the very time of the event that made it count.
    """
    left = registration.saved_left
    if not left:
        return False
    used = {one.detail.get("saved_code") for one in events if one.kind == AuditKind.SAVED_CODE_USED}
    ended = _last(events, *_END_SAVED)
    since = {
        one.at
        for one in events
        if one.kind in _SAVED and (ended is None or one is ended or _is_after(one, ended))
    }
    return any(one.id in used or (ended and one.made_at not in since) for one in left)


def _was_blocked(registration: Registration, events: Events) -> bool:
    """Return whether one that is free was blocked, and not lifted since."""
    last = _last(events, *_BLOCK, StaffKind.BLOCK_LIFTED, StaffKind.REGISTRATION_REVOKED)
    if registration.blocked_at is not None or last is None or last.kind not in _BLOCK:
        return False
    # Somebody who was not registered was stopped, and has registered since.
    return not any(
        one.kind == AuditKind.REGISTERED
        and one.at == registration.registered_at
        and _is_after(one, last)
        for one in events
    )


def need_recorded(holder: Cardholder, events: Events) -> None:
    """Raise ``RowPutBack`` where the record names another address than the last that it was given.

    ``events`` are all of ``OF_RECORD``.
    """
    given = [one for one in _valid(events, "cardholder", holder.id) if "address" in one.detail]
    last = _last(given, *OF_RECORD)
    if last is not None and last.detail["address"] != holder.address_id:
        raise RowPutBack("cardholder", holder.id)


def need_owner(
    uow: UnitOfWork,
    holder: Cardholder,
    card: Card,
    registration: Registration | None,
    address: Address | None,
) -> None:
    """Raise ``RowPutBack`` where the address that shows who the owner is may be an older one."""
    events = _about(uow, holder.id)
    need_holder(holder, card, registration, address, events)
    need_recorded(holder, events)


def need_waiting(uow: UnitOfWork, waiting: Address) -> None:
    """Raise ``RowPutBack`` where an address that waits was stopped, or came into force, before.

    Each visit lets one wait at most, and each end of its waiting is under that visit.
    """
    events = _about(uow, waiting.holder_id, *_END_WAITING)
    for event in _valid(events, "address", waiting.id):
        if event.kind in _END_WAITING and event.visit_id == waiting.visit_id:
            raise RowPutBack("address", waiting.id)


def _about(uow: UnitOfWork, holder_id: str, *kinds: str) -> Events:
    """Return the events of a holder that say how their rows are now, and what was accepted."""
    wanted = frozenset(kinds or (*OF_HOLDER, *OF_RECORD))
    theirs = uow.audit.verified(AuditQuery(holder_id=holder_id, kinds=wanted))
    accepted = uow.audit.verified(AuditQuery(kind=ACCEPTED))
    return sorted((*theirs, *accepted), key=lambda event: (event.at, event.seq))


def need_station(station: Station | None, name: str, events: Events) -> None:
    """Raise ``RowPutBack`` where a station in service was retired; ``events``: ``OF_STATION``."""
    last = _last(
        [one for one in _valid(events, "station", name) if one.station == name], *OF_STATION
    )
    is_retired = last is not None and last.kind == StaffKind.STATION_RETIRED
    if is_retired and (station is None or station.retired_at is None):
        raise RowPutBack("station", name)


# The policy, and who works here: read together with what the audit says of them.

_POLICY: Final = frozenset({StaffKind.POLICY_CHANGED.value, ACCEPTED})
_REVISE: Final = tuple(kind.value for kind in StaffKind if kind.spec.revises_member)


def policy_settings(uow: UnitOfWork) -> dict[str, PolicySetting]:
    """Return what staff set; raises ``RowPutBack`` where a change is missing from a setting."""
    stored = uow.policy_changes.every()
    events = uow.audit.verified(AuditQuery(kinds=_POLICY))
    for name in {str(event.detail.get("setting")) for event in events if event.kind != ACCEPTED}:
        of_setting = [
            one
            for one in _valid(events, "policy_setting", name)
            if one.detail.get("setting") == name
        ]
        if _last_revision(of_setting) > (stored[name].revision if name in stored else 0):
            raise RowPutBack("policy_setting", name)
    return stored


def member_by_key(uow: UnitOfWork, fingerprint: str) -> StaffMember | None:
    """Return the present member of staff with a key.

    Raises ``RowPutBack`` where the audit has a later change of the member, or removed the key.
    """
    member = uow.staff.by_key(fingerprint)
    if member is None:
        return None
    events = [
        one
        for one in _valid(_need_member(uow, member), "staff_key", fingerprint)
        if one.detail.get("fingerprint") == fingerprint or one.kind == StaffKind.STAFF_REMOVED
    ]
    last = _last(events, *_REVISE)
    if last is not None and last.kind in (StaffKind.KEY_REMOVED, StaffKind.STAFF_REMOVED):
        raise RowPutBack("staff_key", fingerprint)
    return member


def need_officer(uow: UnitOfWork, member: StaffMember, card: StaffCard) -> None:
    """Raise ``RowPutBack`` where the audit has removed the card, or has changed its member."""
    events = [
        one
        for one in _valid(_need_member(uow, member), "staff_card", card.card_id)
        if one.card_id == card.card_id or one.kind == StaffKind.STAFF_REMOVED
    ]
    last = _last(events, *_REVISE)
    if last is not None and last.kind in (StaffKind.STAFF_CARD_REMOVED, StaffKind.STAFF_REMOVED):
        raise RowPutBack("staff_card", card.card_id)


def _need_member(uow: UnitOfWork, member: StaffMember) -> Events:
    """Return what changed a member; raises ``RowPutBack`` where the row is from before."""
    of_member = tuple(Sought(kind, "staff", member.id) for kind in _REVISE)
    events = uow.audit.verified(AuditQuery(sought=(*of_member, Sought(ACCEPTED))))
    mine = _valid(events, "staff_member", member.id)
    if _last_revision(one for one in mine if one.kind != ACCEPTED) > member.revision:
        raise RowPutBack("staff_member", member.id)
    return events


def _last_revision(events: Iterable[AuditEvent]) -> int:
    revisions = (event.detail.get("revision") for event in events)
    return max((one for one in revisions if isinstance(one, int)), default=0)


# All of them, as far as that is cheap: people for a month, and later when their rows count.

LOOKED_BACK: Final = timedelta(days=31)
_BARRING: Final = frozenset(OF_HOLDER) - {AuditKind.REGISTERED.value}


def find(store: Store) -> tuple[RowPutBack, ...]:
    """Return the rows that say less than the audit: policy, staff, stations, addresses, people.

    People count whom an event of the last month barred or changed. Where a row does not fit its
    MAC, other checks name it, and what needs it is left out.
    """
    try:
        with store.read() as uow:
            keys, officers = uow.staff.keys(), uow.staff.cards()
            members = [each for each in uow.staff.every() if each.removed_at is None]
            stations = uow.stations.every()
            waiting, missing = uow.addresses.every_waiting(), uow.addresses.missing()
            since = uow.now - LOOKED_BACK
            barred = uow.audit.verified(AuditQuery(kinds=_BARRING, since=since))
    except RowAltered:
        return ()
    people = dict.fromkeys(each.holder_id for each in barred if each.holder_id)
    present = {each.id: each for each in members}
    checks: list[Callable[[UnitOfWork], object]] = [policy_settings]
    checks += [partial(_need_member, member=each) for each in members]
    checks += [partial(member_by_key, fingerprint=each.fingerprint) for each in keys]
    checks += [
        partial(need_officer, member=present[each.staff_id], card=each)
        for each in officers
        if each.staff_id in present
    ]
    checks += [partial(_check_station, station=each) for each in stations]
    checks += [partial(need_waiting, waiting=each) for each in waiting]
    checks += [partial(_check_person, holder_id=each) for each in people]
    found = {("address", each): RowPutBack("address", each) for each in missing}
    for check in checks:
        try:
            with store.read() as uow:
                check(uow)
        except RowPutBack as error:
            found[error.table, error.row] = error
        except RowAltered:
            continue
    return tuple(found.values())


def _check_station(uow: UnitOfWork, station: Station) -> None:
    kinds = frozenset({*OF_STATION, ACCEPTED})
    need_station(station, station.name, uow.audit.verified(AuditQuery(kinds=kinds)))


def _check_person(uow: UnitOfWork, holder_id: str) -> None:
    around, events = uow.addresses.around(holder_id), _about(uow, holder_id)
    if around is not None:
        holder, registration, _ = around
        address = named_addresses(*around).registered
        for card in uow.cards.of_holder(holder_id):
            need_holder(holder, card, registration, address, events)
        need_recorded(holder, events)


def _valid(events: Events, table: str, row: str) -> Events:
    """Return the events since the row was last accepted as it is."""
    of_row = [
        one
        for one in events
        if one.kind == ACCEPTED and (one.detail.get("table"), one.detail.get("row")) == (table, row)
    ]
    accepted = _last(of_row, ACCEPTED)
    return [one for one in events if _is_after(one, accepted)] if accepted else events


def _last(events: Events, *kinds: str) -> AuditEvent | None:
    last: AuditEvent | None = None
    for event in events:
        if event.kind in kinds and (last is None or _is_after(event, last)):
            last = event
    return last


def _is_after(event: AuditEvent, other: AuditEvent) -> bool:
    """Return whether an event came after another one about the same subject."""
    if chain_of(event.seq) == chain_of(other.seq):
        return event.seq > other.seq
    mine, theirs = event.detail.get("revision"), other.detail.get("revision")
    if isinstance(mine, int) and isinstance(theirs, int) and mine != theirs:
        return mine > theirs
    return event.at > other.at


def _is_later(event: AuditEvent, than: datetime, marks: Events, now: datetime) -> bool:
    """Return whether an event came after a moment, of which ``marks`` are the own events.

    One that is ahead of now was dated by a wrong clock, and so was one that comes before a mark.
    """
    if not than < event.at <= now + CLOCKS_DIFFER:
        return False
    return not any(
        chain_of(event.seq) == chain_of(mark.seq) and event.seq < mark.seq for mark in marks
    )
