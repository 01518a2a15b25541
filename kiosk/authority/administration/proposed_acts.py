"""Every act that can wait for a second member of staff: its words, and how it is performed.

To perform it is to call the use case that was called when it was proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kiosk.authority.administration.cards import (
    REPLACED_SINCE,
    card_of,
    is_secret_overtaken,
    secret_of,
)
from kiosk.authority.administration.codes import CodesDesk, codes_waiting, giver_of
from kiosk.authority.administration.fields import CellRefused
from kiosk.authority.administration.login import read_public_key
from kiosk.authority.administration.office import (
    Agreement,
    Desk,
    Office,
    StationChange,
    act_name,
    action_of,
    audit_name,
    decided,
    note_id_of,
    proposer_of,
)
from kiosk.authority.administration.proposals import (
    OVERTAKEN,
    OpenedAct,
    objection,
    open_parameters,
)
from kiosk.authority.administration.staff import read_pasted_key
from kiosk.authority.administration.stations import read_certificate
from kiosk.authority.administration.views import Actor, Done, Grounds, ProposalLine, unseen
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.audit.rows import row_name
from kiosk.authority.crypto.card_keys import fingerprint
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.errors import KeyMissing, NotFound, NotPermitted, NotTaken, SealBroken
from kiosk.authority.notices import addresses_of
from kiosk.authority.records import AuditQuery, Outcome, ProposedAct
from kiosk.authority.roles import Action, Role, may
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.context import ASSISTED_LIFE
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

if TYPE_CHECKING:
    from kiosk.authority.administration.desk import AdminDesk

_UNASKED: Final = Grounds("")
"""The office of an agreement already has the grounds of both members."""

_NOT_AFTER: Final = {
    "people.lift_block": StationChange.BLOCKED,
    "people.revoke_registration": StationChange.BLOCKED,
    "people.correct_email": StationChange.READDRESSED,
}
"""Acts that are not done after a change at a station."""


def _words(uow: UnitOfWork, opened: OpenedAct) -> str:  # noqa: C901 - an arm an act
    """Return what an act would do, without a secret; empty for one of another version."""
    text, new_card = opened.text, f"{opened.text('driver')} {opened.text('identifier')}"
    with_secret = ", with an unblock secret" if secret_of(opened) else ""
    match opened.kept.act:
        case "people.add":
            return f"Add {text('name')} ({text('number')}), with the address {text('email')}."
        case "people.lift_block":
            return "Lift the block."
        case "people.revoke_registration":
            return "Revoke the registration, so that they register anew."
        case "people.correct_email":
            return f"Correct the email address from {_known(uow, opened)} to {text('email')}."
        case "people.take_back_leaver":
            return "Take them back from the leavers."
        case "people.erase":
            return "Erase the person, with everything about them."
        case "cards.add":
            return f"Add the card {new_card}{with_secret}."
        case "cards.replace":
            return f"Replace the card {_card(uow, opened)} by {new_card}{with_secret}."
        case "cards.set_secret":
            full = " The card was just given it." if opened.truth("tries_full") else ""
            return f"Set the unblock secret of the card {_card(uow, opened)}.{full}"
        case "staff.add":
            key = f", with the key {_fingerprint(opened)}" if text("public_key") else ""
            return f"Let in {text('name')} as {text('role')}{key}."
        case "staff.change_role":
            return f"Give {_member(uow, opened)} the role {text('role')}."
        case "staff.add_key":
            return f"Let {_member(uow, opened)} in with the key {_fingerprint(opened)}, too."
        case "staff.add_card":
            whose = f"the card {new_card} of {_member(uow, opened)}"
            key = _fingerprint(opened)
            return f"Let {whose} open stations' maintenance pages, with the key {key}."
        case "stations.enrol":
            return f"Let in the station {_at_site(opened)}: whoever agrees is shown its line."
        case "stations.enrol_certificate":
            key = f"{_certified_key(text('pem'))[:16]}…"
            return f"Let in the station {_at_site(opened)} by the certificate whose key is {key}"
        case "stations.reinstate":
            return f"Put the station {text('name')} back into service."
        case "questions.add":
            return f"Offer the security question “{text('text')}”."
        case "policy.change":
            return f"Set {text('name')} to {text('value') or 'an empty list'}."
        case "audit.redact":
            what = "everything in words" if opened.truth("whole") else "the reason"
            return f"Take {what} out of row {row_name(opened.number('row') or 0)} of the audit."
        case "imports.run":
            known = opened.number("known") or 0
            changes, them = ("one change", "it") if known == 1 else (f"{known} changes", "them")
            return (
                f"Import the file {text('name')} (SHA-256 {text('digest')[:16]}...), with "
                f"{changes} of addresses, cards, keys or secrets of people who are known already "
                f"or were erased. The page Import (F9) shows {them}: try the file there."
            )
        case _:
            return ""


def _known(uow: UnitOfWork, opened: OpenedAct) -> str:
    """Return the addresses that are known now: whoever agrees compares them with the new one."""
    holder = uow.holders.get(opened.kept.holder_id or "")
    if holder is None:
        return "none"
    return " and ".join(addresses_of(holder, uow.registrations.of_holder(holder.id))) or "none"


def _card(uow: UnitOfWork, opened: OpenedAct) -> str:
    card = uow.cards.get(opened.card_id)
    return f"{card.driver} {card.identifier}" if card else "that is not recorded any more"


def _member(uow: UnitOfWork, opened: OpenedAct) -> str:
    member = uow.staff.get(opened.staff_id)
    return member.name if member else "somebody who is not recorded any more"


def _at_site(opened: OpenedAct) -> str:
    name, site = opened.text("name").strip(), opened.text("site").strip()
    return f"{name} ({site})" if site else name


def _certified_key(pem: str) -> str:
    try:
        return read_certificate(pem)[0]
    except NotTaken:
        return "that cannot be read"


def _fingerprint(opened: OpenedAct) -> str:
    """Return that of the key of a login, or of a member's card."""
    try:
        if line := opened.text("public_key"):
            return read_public_key(line).fingerprint
        key = read_pasted_key(opened.text("key"), opened.text("driver"), None)
    except (NotTaken, CellRefused):
        key = None
    return fingerprint(key) if key else "that cannot be read"


def _perform(desk: AdminDesk, opened: OpenedAct) -> Done:  # noqa: C901 - an arm an act
    """Do an act; raises ``NotFound`` for one of another version of the program."""
    text, seen, staff_id, revision = opened.text, opened.seen, opened.staff_id, opened.kept.revision
    match opened.kept.act:
        case "people.add":
            number, name, email = text("number"), text("name"), text("email")
            knowingly = opened.truth("knowingly")
            return desk.people.add(number, name, email, _UNASKED, knowingly=knowingly)
        case "people.lift_block":
            return desk.people.lift_block(seen, _UNASKED)
        case "people.revoke_registration":
            return desk.people.revoke_registration(seen, _UNASKED)
        case "people.correct_email":
            return desk.people.correct_email(seen, text("email"), _UNASKED)
        case "people.take_back_leaver":
            return desk.people.take_back_leaver(seen, _UNASKED)
        case "people.erase":
            return desk.people.erase(seen, _UNASKED)
        case "cards.add":
            return desk.cards.add(seen, card_of(opened), _UNASKED)
        case "cards.replace":
            return desk.cards.replace(seen, opened.card_id, card_of(opened), _UNASKED)
        case "cards.set_secret":
            secret, full = secret_of(opened) or Sensitive(""), opened.truth("tries_full")
            return desk.cards.set_secret(seen, opened.card_id, secret, _UNASKED, tries_full=full)
        case "staff.add":
            return desk.staff.add(text("name"), Role(text("role")), text("public_key"), _UNASKED)
        case "staff.change_role":
            return desk.staff.change_role(staff_id, Role(text("role")), revision, _UNASKED)
        case "staff.add_key":
            return desk.staff.add_key(staff_id, text("public_key"), revision, _UNASKED)
        case "staff.add_card":
            card = CardId(text("driver"), text("identifier"))
            return desk.staff.add_card(staff_id, card, text("key"), revision, _UNASKED)
        case "stations.enrol":
            return desk.stations.enrol(text("name"), text("site"), _UNASKED)
        case "stations.enrol_certificate":
            name, site, pem = text("name"), text("site"), text("pem")
            return desk.stations.enrol_certificate(name, site, pem, _UNASKED)
        case "stations.reinstate":
            return desk.stations.reinstate(text("name"), _UNASKED)
        case "questions.add":
            return desk.questions.add(text("text"), _UNASKED)
        case "policy.change":
            return desk.policy.change(text("name"), text("value"), revision, _UNASKED)
        case "audit.redact":
            row, whole = opened.number("row") or 0, opened.truth("whole")
            return desk.audit.redact(row, _UNASKED, whole=whole)
        case "imports.run":
            name, digest, plan = text("name"), text("digest"), text("plan")
            result = desk.imports.run(name, _UNASKED, unseen, digest=digest, plan=plan)
            if result.problems:
                line, because = result.problems[0]
                raise NotTaken("imports", f"Nothing was imported. Line {line}: {because}.")
            return Done(f"{result.lines} lines were imported.", result.reference)
        case _:
            raise NotFound(OF_ANOTHER_VERSION)


# A code by word of mouth also waits, but is stored as a code from the start: it is read out before
# anybody agrees, and lives for fifteen minutes.

OF_ANOTHER_VERSION = "This version of the program cannot do what was proposed."
UNREADABLE = (
    "This was altered in the database, or its key is gone: decline it, and propose it anew."
)


class ProposalsDesk(Desk):
    """``desk_of`` makes the desk of another office: of one that acts with an agreement."""

    def __init__(self, office: Office, desk_of: Callable[[Office], AdminDesk]) -> None:
        super().__init__(office)
        self._desk_of = desk_of

    def waiting(self) -> tuple[ProposalLine, ...]:
        with self._office.look_as(Action.SEE_TODAY) as (uow, reader):
            return waiting_lines(uow, reader, self._office.means.sealer)

    def would_wait(self, action: Action) -> bool:
        """Return whether such an act waits for a second member, by the policy as it is now."""
        with self._office.look(Action.SEE_TODAY) as uow:
            return self._office.needs_second(uow, action)

    def agree(self, proposal_id: str, grounds: Grounds) -> Done:
        """Agree, and perform it now in its proposer's name.

        Raises ``ConcurrentChange`` where its subject was changed since it was proposed.
        """
        with self._office.look(Action.AGREE_ACT) as uow:
            kept = uow.proposals.get(proposal_id)
            if kept is not None and kept.outcome is not Outcome.WAITING:
                raise decided(uow, kept.id)
        if kept is None:
            return CodesDesk(self._office).agree(proposal_id, grounds)
        try:
            opened = open_parameters(self._office.means.sealer, kept)
        except (SealBroken, KeyMissing):
            raise NotFound(UNREADABLE) from None
        acting = Office(self._office.means, self._office.actor, Agreement(opened, grounds))
        return _perform(self._desk_of(acting), opened)

    def decline(self, proposal_id: str, grounds: Grounds) -> Done:
        """Decline it; a proposer takes an act back in the same way."""
        with self._office.look(Action.DECLINE_ACT) as uow:
            kept = uow.proposals.get(proposal_id)
        if kept is None:
            return CodesDesk(self._office).withdraw(proposal_id, grounds)
        with self._office.act(Action.DECLINE_ACT, grounds, about=kept.holder_id) as act:
            if (action := action_of(kept)) is None:
                raise NotFound(OF_ANOTHER_VERSION)
            if not may(act.actor.role, action):
                raise NotPermitted(f"This is not for the role {act.actor.role.value}.")
            if not act.uow.proposals.decide(kept.id, Outcome.DECLINED, audit_name(act.actor)):
                raise decided(act.uow, kept.id)
            is_mine = kept.proposed_by == audit_name(act.actor)
            act.record(
                StaffKind.ACT_DECLINED,
                card_id=kept.card_id,
                proposal=kept.id,
                act=kept.act,
                proposed_by=kept.proposed_by,
                taken_back=is_mine,
            )
        what = "taken back" if is_mine else "declined"
        return act.done(f"It is {what}: nothing was changed.")


def waiting_lines(
    uow: UnitOfWork, reader: Actor, sealer: Sealer, holder_id: str = ""
) -> tuple[ProposalLine, ...]:
    """Return what waits and concerns the reader's role, or a person.

    What the reader can agree to comes first, then what runs out first: a code has minutes, an act
    days. Auditors see all of it, and decide nothing.
    """
    lines = []
    for first, line in (*_acts(uow, sealer, holder_id), *_codes(uow, holder_id)):
        if may(reader.role, line.action):
            why_not = line.why_not or objection(uow, first, reader)
        elif reader.role is Role.AUDITOR:
            why_not = f"This is not for the role {reader.role.value}."
        else:
            continue
        is_mine = first.staff_id == reader.staff_id
        lines.append(replace(line, is_mine=is_mine, why_not=why_not))
    return tuple(sorted(lines, key=lambda line: (bool(line.why_not), line.expires_at)))


def _acts(uow: UnitOfWork, sealer: Sealer, holder_id: str) -> Iterator[tuple[Actor, ProposalLine]]:
    """Yield who proposed an act, and its line."""
    kept_ones = [
        kept for kept in uow.proposals.waiting() if not holder_id or kept.holder_id == holder_id
    ]
    ids = tuple(kept.note_id for kept in kept_ones)[:500]
    notes = uow.notes.by_ids(ids) if ids else {}
    for kept in kept_ones:
        first = proposer_of(uow, kept)
        if first is None:
            continue
        sentence, why_not = _sentence(uow, sealer, kept)
        holder = uow.holders.get(kept.holder_id) if kept.holder_id else None
        if holder is not None and holder.revision != kept.revision:
            why_not = why_not or OVERTAKEN
        subject = holder or (uow.staff.get(kept.staff_id) if kept.staff_id else None)
        note = notes.get(kept.note_id)
        line = ProposalLine(
            proposal_id=kept.id,
            action=Action(kept.action),
            sentence=sentence,
            holder_id=kept.holder_id or "",
            about=subject.name if subject else "",
            proposed_by=act_name(uow, kept.proposed_by),
            proposed_at=kept.proposed_at,
            expires_at=kept.expires_at,
            reason=note.reason if note else "",
            identified_by=note.identified_by if note else "",
            reference=kept.reference,
            why_not=why_not,
            number=holder.number if holder else "",
        )
        yield first, line


def _codes(uow: UnitOfWork, holder_id: str) -> Iterator[tuple[Actor, ProposalLine]]:
    for code, holder in codes_waiting(uow):
        if holder_id and holder.id != holder_id:
            continue
        query = AuditQuery(holder_id=holder.id, kind=StaffKind.CODE_ISSUED.value)
        events = uow.trail.newest(query, limit=10)
        given = next((one for one in events if one.detail.get("code") == code.id), None)
        note_id = note_id_of(given) if given else ""
        note = uow.notes.by_ids((note_id,)).get(note_id)
        giver = giver_of(uow, code)
        line = ProposalLine(
            proposal_id=code.id,
            action=Action.ISSUE_CODE,
            sentence="Let a code by word of mouth work.",
            holder_id=holder.id,
            about=holder.name,
            proposed_by=giver.name,
            proposed_at=code.drafted_at,
            expires_at=code.expires_at or code.drafted_at + ASSISTED_LIFE,
            reason=note.reason if note else "",
            identified_by=note.identified_by if note else "",
            reference=given.reference if given else "",
            number=holder.number,
        )
        yield giver, line


def _sentence(uow: UnitOfWork, sealer: Sealer, kept: ProposedAct) -> tuple[str, str]:
    """Return what would be done, and why it cannot be: unreadable, or overtaken by a station."""
    try:
        opened = open_parameters(sealer, kept)
        sentence = _words(uow, opened)
    except (SealBroken, KeyMissing):
        sentence = ""
    if not sentence:
        return f"{kept.action}: what was entered cannot be read.", UNREADABLE
    card = uow.cards.get(opened.card_id) if kept.act == "cards.set_secret" else None
    if card is not None and is_secret_overtaken(card, opened):
        return sentence, REPLACED_SINCE
    not_after = _NOT_AFTER.get(kept.act)
    overtaken = not_after is not None and not_after.came_after(uow, opened.seen)
    return sentence, OVERTAKEN if overtaken else ""
