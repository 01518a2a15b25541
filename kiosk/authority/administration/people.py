"""People as staff find, list, change and erase them; the holder gets a mail of a change.

An act that closes something also locks the person's cards: no station then decides on what is being
closed, and a code that is being mailed is worthless.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import tzinfo

from kiosk.authority.addresses import Addresses, read_addresses, shown_addresses
from kiosk.authority.administration import fields
from kiosk.authority.administration.acts import (
    AddAddress,
    AddPerson,
    CorrectEmail,
    ErasePerson,
    LiftBlock,
    RevokeRegistration,
    TakeBackLeaver,
    WithdrawAddress,
)
from kiosk.authority.administration.cards import unknown_card_of
from kiosk.authority.administration.checks import broken_seals
from kiosk.authority.administration.codes import codes_waiting
from kiosk.authority.administration.deeds import (
    AddressCorrected,
    BlockLifted,
    LeaverMarked,
    LeaverTakenBack,
    NameCorrected,
    PersonAdded,
    PlainDeed,
    RegistrationRevoked,
)
from kiosk.authority.administration.fields import entered
from kiosk.authority.administration.office import (
    Act,
    Desk,
    StationChange,
    recorded_holder,
    staff_names,
)
from kiosk.authority.administration.pauses import end_pause
from kiosk.authority.administration.person_page import (
    events_of_mail,
    facts_of,
    newest_act,
    page_of,
    story_of,
)
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.standing import happened, headline_of, is_blocked, standing_of
from kiosk.authority.administration.views import (
    MOST_COUNTED,
    About,
    Done,
    Found,
    Grounds,
    ListedPeople,
    Person,
    PersonLine,
    Seen,
    StoryLine,
    UnknownCard,
)
from kiosk.authority.audit.events import NOT_IN_STORY, StaffKind
from kiosk.authority.errors import AddressShared, ConcurrentChange, NotFound, NotTaken
from kiosk.authority.facts import OfMail, ReadAt, ShownAt
from kiosk.authority.notices import Notice, notify, notify_holder
from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.records import (
    MOST_FURTHER,
    Address,
    AddressKind,
    AddressSource,
    AuditEvent,
    AuditQuery,
    Card,
    Cardholder,
    CardStatus,
    Registration,
    new_id,
)
from kiosk.authority.refusals import (
    AddressOfOther,
    DomainNotApproved,
    NoSuchNumber,
    NumberOfOtherCountry,
    PlainRefusal,
    UnlockUnderWay,
    UnlockUndetermined,
)
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.codes import read_stop_number
from kiosk.authority.store.repositories.visits import is_within_visit
from kiosk.authority.texts.numbers import NotANumber, NumberAbroad, read_number
from kiosk.authority.visit.blocking import is_exhausted
from kiosk.authority.visit.context import is_assisted
from kiosk.authority.visit.factors import FACTORS
from kiosk.authority.visit.misuse import stop_holder
from kiosk.authority.visit.registration import stop_change, stop_further
from kiosk.authority.visit.rules import has_left
from kiosk.authority.visit.withdrawing import withdraw_everything
from kiosk.contract.messages import Factor, VisitId, read_reference, reference_of
from kiosk.contract.policy import EmailProblem, Policy, email_problem, is_number, tidy_email
from kiosk.contract.text import sort_name

# Erasing a person: every row about them is deleted. The audit keeps ids that name nobody, and the
# grounds, whose words may not name them either. A keyed digest of their number stays, so that an
# import can report that it brings them back.


def _refuse_unsettled(
    uow: UnitOfWork, holder: Cardholder, cards: tuple[Card, ...], zone: tzinfo
) -> None:
    """A card may be changed at this moment, or have an unblock without a known outcome."""
    revoked = {card.id for card in cards if card.status is CardStatus.REVOKED}
    for entry in uow.journal.open_of_holder(holder.id):
        if is_within_visit(entry.opened_at, uow.now):
            raise NotTaken("person", UnlockUnderWay(entry.opened_at, uow.now, zone))
        if entry.card_id not in revoked:
            raise NotTaken("person", UnlockUndetermined(entry.opened_at, uow.now, zone))


def _refuse_to_name(
    uow: UnitOfWork, holder: Cardholder, cards: tuple[Card, ...], grounds: Grounds
) -> None:
    addresses = read_addresses(uow, holder.id).for_notices
    identifiers = (card.identifier for card in cards)
    # The words that together name somebody.
    names = [_words(name) for name in (holder.name, holder.number, *addresses, *identifiers)]
    for field, text in (("reason", grounds.reason), ("identified_by", grounds.identified_by)):
        if any(name and name <= _words(text) for name in names):
            raise NotTaken(field, PlainRefusal.REASON_NAMES_THEM)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


# Finding people while somebody types: by beginnings of words, or by a reference number.

_SHARING = 5
"""Of the people whom a search finds by an address, how many are looked at."""

MOST_FOUND = 100
"""People that a search returns, whatever limit is given."""

MOST_LISTED = 500
"""The most people of a page of a list, whatever limit is given."""


def _shown(
    uow: UnitOfWork, events: Sequence[AuditEvent], people: Sequence[PersonLine]
) -> tuple[ShownAt | None, UnknownCard | None]:
    """Return when and where a reference number was shown, or who gave it, and how it ended.

    With it the card of its visit, where no station could serve that.
    """
    last = newest_act(events)
    if last is None:
        return None, None
    known = {line.holder_id for line in people}
    shown = ShownAt(
        reference=last.reference,
        station=last.station or "",
        who=staff_names(uow)(last.actor),
        at=last.at,
        what=happened(last),
        erased=last.holder_id not in {None, *known},
    )
    visit = uow.visits.by_reference(last.reference)
    if visit is None or not (visit.unknown_card or visit.unread):
        return shown, None
    return shown, unknown_card_of(uow, visit)


def lines_of(uow: UnitOfWork, ids: Sequence[str], policy: Policy) -> dict[str, PersonLine]:
    """Return a line for each of ``ids`` that exists, by id."""
    holders, registrations = uow.holders.by_ids(ids), uow.registrations.of_holders(ids)
    addresses, broken = uow.addresses.of_holders(ids), broken_seals(uow, ids)
    cards: dict[str, list[Card]] = defaultdict(list)
    for card in uow.cards.of_holders(ids):
        cards[card.holder_id].append(card)
    lines = {}
    for holder in holders.values():
        registration, held = registrations.get(holder.id), cards[holder.id]
        lines[holder.id] = PersonLine(
            holder_id=holder.id,
            number=holder.number,
            name=holder.name,
            email=shown_addresses(holder, registration, addresses).shown,
            standing=standing_of(holder, held, registration, policy, uow.now, broken),
            cards=len(held),
        )
    return lines


class PeopleDesk(Desk):
    # --- reading -----------------------------------------------------------------------

    def search(self, text: str, limit: int = 50) -> Found:
        """Find by the beginnings of name words, number, email, card id, or a reference number.

        Those of a reference number come first, then exact hits. The number of statements does not
        depend on how many are found. A card may be typed as ``kiosk cards read`` prints it.
        """
        text = fields.without_family(text)
        means, most = self._office.means, min(limit, MOST_FOUND)
        with self._office.look(Action.SEE_PEOPLE) as uow:
            digits = read_stop_number(text)
            stop = uow.stop_numbers.find(digits) if digits else None
            events: tuple[AuditEvent, ...] = ()
            if stop is not None:
                events = events_of_mail(uow, reference_of(VisitId(stop.visit_id)))
            elif (reference := read_reference(text)) is not None:
                query = AuditQuery(reference=reference, without=NOT_IN_STORY)
                # An import has many, and the last of them is about nobody.
                events = uow.trail.newest(query, limit=most + 2)
            about = [event.holder_id for event in events if event.holder_id]
            about += [stop.holder_id] if stop else []
            exact = uow.search.exact(text, most + 1)
            ids = list(dict.fromkeys((*about, *exact, *uow.search.find(text, most + 1))))
            lines = lines_of(uow, ids[:most], means.policy()).values()
            rank = dict.fromkeys(exact, 1) | dict.fromkeys(about, 0)
            in_order = sorted(
                lines,
                key=lambda line: (rank.get(line.holder_id, 2), sort_name(line.name), line.number),
            )
            shown, card = _shown(uow, events, in_order)
            mail = OfMail(stop.used_at, uow.stop_numbers.is_too_old(stop)) if stop else None
            found = About(shown, mail, ReadAt(uow.now, means.zone)) if shown or mail else None
            return Found(tuple(in_order), len(ids) > most, found, card)

    def listed(
        self,
        group: PeopleGroup,
        order: PeopleOrder = PeopleOrder.NAME,
        *,
        descending: bool = False,
        after: PagePosition | None = None,
        limit: int = 100,
    ) -> ListedPeople:
        """Return a page of a list; the number of statements does not depend on its length."""
        most = min(limit, MOST_LISTED)
        with self._office.look(Action.SEE_PEOPLE) as uow:
            rows = uow.lists.page(group, order, descending=descending, after=after, limit=most + 1)
            shown = rows[:most]
            lines = lines_of(uow, [row.holder_id for row in shown], self._office.means.policy())
            people = tuple(replace(lines[row.holder_id], date=row.date) for row in shown)
            return ListedPeople(people, shown[-1].place if len(rows) > most else None)

    def counts(self) -> Mapping[PeopleGroup, int]:
        """Count each group, up to ``MOST_COUNTED``."""
        with self._office.look(Action.SEE_PEOPLE) as uow:
            return {group: uow.lists.count(group, MOST_COUNTED) for group in PeopleGroup}

    def person(self, holder_id: str) -> Person:
        with self._office.look_as(Action.SEE_PEOPLE) as (uow, reader):
            return page_of(uow, recorded_holder(uow, holder_id), self._office.means, reader)

    def find_one(self, number: str) -> Person:
        """Return the page of the person with exactly this holder number."""
        wanted = number.strip()
        with self._office.look_as(Action.SEE_PEOPLE) as (uow, reader):
            holder = uow.holders.by_numbers([wanted]).get(wanted)
            if holder is None:
                raise NotFound(NoSuchNumber(wanted))
            return page_of(uow, holder, self._office.means, reader)

    def story(self, holder_id: str, before: int) -> tuple[StoryLine, ...]:
        """Return the 100 newest lines from before row ``before`` of the audit, newest first."""
        with self._office.look(Action.SEE_PEOPLE) as uow:
            holder = recorded_holder(uow, holder_id)
            return story_of(uow, holder.id, staff_names(uow), before=before, limit=100)

    # --- who they are ------------------------------------------------------------------

    def add(
        self, number: str, name: str, email: str, grounds: Grounds, *, knowingly: bool = False
    ) -> Done:
        """Add a person without a card; ``knowingly`` also with the address of somebody else.

        With an address it waits, as a correction of one does. Raises ``AddressShared``.
        """
        proposal = Proposal(AddPerson(number, name, email, knowingly=knowingly))
        with self._office.act(Action.ADD_PERSON, grounds, proposal=proposal) as act:
            digits = self._office.means.number_digits
            # In a file a space inside a number is a mistake; when typed, it groups the digits.
            typed = "".join(number.split()) if digits else number.strip()
            holder = Cardholder(
                new_id(),
                entered("number", lambda: fields.read_holder_number(typed, digits)),
                entered("name", lambda: fields.read_name(name)),
            )
            address = _address(email, self._policy) if email.strip() else ""
            if address and not knowingly:
                sharing = act.uow.search.exact(address, _SHARING)
                for other in act.uow.holders.by_ids(sharing).values():
                    raise AddressShared("email", AddressOfOther(other.name, other.number))
            recorded = _recorded(act, holder, address) if address else None
            if not act.uow.holders.add(holder, recorded):
                raise NotTaken("number", PlainRefusal.NUMBER_TAKEN)
            act.uow.search.refresh([holder.id])
            act.uow.notes.attach(act.note_ids, holder.id)  # they are erased with the person
            act.waits = act.waits and recorded is not None
            act.record(StaffKind.PERSON_ADDED, holder_id=holder.id)
        return act.done(PersonAdded(holder.name))

    def correct_name(self, seen: Seen, name: str, grounds: Grounds) -> Done:
        """Replace the name; nobody can agree any more to what waits about them."""
        with self._on_person(seen, Action.CORRECT_NAME, grounds) as (act, holder):
            right = entered("name", lambda: fields.read_name(name))
            if right == holder.name:
                raise NotTaken("name", PlainRefusal.NAME_AS_BEFORE)
            act.uow.holders.save(replace(holder, name=right))
            act.uow.search.refresh([holder.id])
            act.record(StaffKind.NAME_CORRECTED)
            awaited = {kept.holder_id for kept in act.uow.proposals.waiting()}
            awaited |= {code.holder_id for code, _ in codes_waiting(act.uow)}
        return act.done(NameCorrected(right, holder.id in awaited))

    def correct_email(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        """Replace the address, to be confirmed by the next code; all addresses get a mail."""
        proposal = Proposal(CorrectEmail(email))
        with self._on_person(seen, Action.CORRECT_EMAIL, grounds, proposal) as (act, holder):
            given = any(is_assisted(code) for code in act.uow.codes.open_of_holder(holder.id))
            act.uow.cards.lock_of_holder(holder.id)
            FACTORS[Factor.EMAIL_CODE].withdraw(act.uow, holder.id)
            act.uow.pending.delete_of_holder(holder.id)
            registration = act.uow.registrations.of_holder(holder.id)
            act.refuse_after(StationChange.READDRESSED)
            address, before = _address(email, self._policy), read_addresses(act.uow, holder.id)
            if address == before.shown:
                raise NotTaken("email", PlainRefusal.ADDRESS_AS_BEFORE)
            stopped = stop_change(act.uow, holder.id)
            # First the registration, as an address that falls due locks them in this order.
            recorded = _recorded(act, holder, address)
            if registration is not None:
                registered = replace(recorded, id=new_id(), source=AddressSource.HOLDER)
                act.uow.registrations.correct_address(holder.id, registered.id)
                act.uow.addresses.add(registered)
                act.uow.addresses.drop_registered(holder.id, but=registered.id)
            act.uow.holders.save(holder, recorded)
            act.uow.search.refresh([holder.id])
            is_registered = registration is not None
            act.record(StaffKind.EMAIL_CORRECTED, registered=is_registered, address=recorded.id)
            notify_holder(
                act.uow,
                Notice.EMAIL_CORRECTED_OLD,
                act.reference,
                holder,
                before,
                new_email=address,
                leave_out=address,
            )
            new = Notice.EMAIL_CORRECTED_NEW
            notify(
                act.uow,
                new,
                address,
                act.reference,
                holder,
                new_email=address,
                language=before.language,
            )
        deed = AddressCorrected(
            registered=registration is not None,
            code_ended=given,
            change_stopped=stopped is not None,
        )
        return act.done(deed)

    def add_address(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        """Add one to which codes can go as well, once its cooling-off is over; all get a notice.

        A number gets text messages. The first code that went there and is entered confirms it.
        """
        proposal = Proposal(AddAddress(email))
        with self._on_person(seen, Action.CORRECT_EMAIL, grounds, proposal) as (act, holder):
            act.uow.cards.lock_of_holder(holder.id)
            act.refuse_after(StationChange.READDRESSED)
            address, before = self._further(email), read_addresses(act.uow, holder.id)
            registration = _registered(act, holder)
            if before.knows_for_codes(address):
                raise NotTaken("email", PlainRefusal.ADDRESS_AS_BEFORE)
            if len(before.further) >= MOST_FURTHER:
                raise NotTaken("email", PlainRefusal.TOO_MANY_ADDRESSES)
            counts_from = act.uow.now + self._policy.address_cooling_off
            added = Address(
                new_id(),
                holder.id,
                AddressSource.FURTHER,
                address,
                effective_from=counts_from,
                kind=AddressKind.NUMBER if is_number(address) else AddressKind.EMAIL,
            )
            act.uow.addresses.add(added)
            _name_further(act, registration, (*registration.further, added.id))
            act.record(StaffKind.ADDRESS_ADDED, address=added.id)
            now, notice = replace(before, further=(*before.further, added)), Notice.ADDRESS_ADDED
            notify_holder(act.uow, notice, act.reference, holder, now, new_email=address)
        return act.done(PlainDeed.ADDRESS_ADDED)

    def withdraw_address(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        """Withdraw a further one with every code that is unused; all addresses get a mail."""
        proposal = Proposal(WithdrawAddress(email))
        with self._on_person(seen, Action.CORRECT_EMAIL, grounds, proposal) as (act, holder):
            act.uow.cards.lock_of_holder(holder.id)
            FACTORS[Factor.EMAIL_CODE].withdraw(act.uow, holder.id)
            act.refuse_after(StationChange.READDRESSED)
            before, wanted = read_addresses(act.uow, holder.id), self._known(email)
            registration = _registered(act, holder)
            gone = next((one for one in before.further if one.value.lower() == wanted), None)
            if gone is None:
                raise NotTaken("email", PlainRefusal.NO_FURTHER_ADDRESS)
            left = tuple(each for each in registration.further if each != gone.id)
            _name_further(act, registration, left)
            act.uow.addresses.delete(gone.id)
            act.record(StaffKind.ADDRESS_WITHDRAWN, address=gone.id)
            notice = Notice.ADDRESS_WITHDRAWN
            notify_holder(act.uow, notice, act.reference, holder, before, new_email=gone.value)
        return act.done(PlainDeed.ADDRESS_WITHDRAWN)

    # --- their registration ------------------------------------------------------------

    def lift_block(self, seen: Seen, grounds: Grounds) -> Done:
        """Lift the block; a change of address that waited through it is stopped.

        Where there is only a pause, that is ended: no second member is needed for it.
        """
        proposal = Proposal(LiftBlock())
        with self._on_person(seen, Action.LIFT_BLOCK, grounds, proposal) as (act, holder):
            act.uow.cards.lock_of_holder(holder.id)
            act.refuse_after(StationChange.BLOCKED)
            registration = act.uow.registrations.of_holder(holder.id)
            # First the change, as one that falls due locks them in this order.
            blocked = is_blocked(registration, self._policy)
            if not blocked and end_pause(act, holder):
                act.waits = False
                return act.done(PlainDeed.PAUSE_ENDED)
            stopped = stop_change(act.uow, holder.id) if blocked else None
            if blocked:
                stop_further(act.uow, holder.id)
            lifted = act.uow.registrations.unblock(holder.id)
            # Where the next visit would block, its failures are cleared before.
            if registration is None or not (lifted or is_exhausted(registration, self._policy)):
                raise ConcurrentChange(PlainRefusal.NOT_BLOCKED)
            if not lifted:
                act.uow.registrations.clear_failures(holder.id)
            act.record(StaffKind.BLOCK_LIFTED, failures=registration.failures)
            addresses = act.notify(Notice.BLOCK_LIFTED, holder)
            if stopped is not None:
                _notify_stopped(act, holder, addresses, stopped)
        return act.done(BlockLifted(stopped is not None))

    def revoke_registration(self, seen: Seen, grounds: Grounds) -> Done:
        """Delete the registration and what it gathered; the holder gets a mail, may register again.

        The keys that their cards reported then are deleted with it: they may be of the wrong card.
        """
        proposal = Proposal(RevokeRegistration())
        with self._on_person(seen, Action.REVOKE_REGISTRATION, grounds, proposal) as (act, holder):
            withdraw_everything(act.uow, holder.id)
            registration = act.uow.registrations.of_holder(holder.id)
            if registration is None:
                raise ConcurrentChange(PlainRefusal.NOT_REGISTERED)
            act.refuse_after(StationChange.BLOCKED)
            addresses = read_addresses(act.uow, holder.id)
            act.uow.registrations.delete(holder.id)
            act.uow.cards.forget_keys(holder.id)
            act.uow.search.refresh([holder.id])
            act.record(StaffKind.REGISTRATION_REVOKED)
            notice = Notice.REGISTRATION_REVOKED
            notify_holder(act.uow, notice, act.reference, holder, addresses)
            facts = facts_of(act.uow, holder, self._office.means)
        clock = ReadAt(facts.now, self._office.means.zone)
        return act.done(RegistrationRevoked(headline_of(facts).advice, clock))

    # --- coming and going --------------------------------------------------------------

    def mark_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        """Close everything for a person who left; a waiting change of address is stopped."""
        with self._on_person(seen, Action.MARK_LEAVER, grounds) as (act, holder):
            withdraw_everything(act.uow, holder.id)
            if has_left(holder, act.uow.now):
                raise ConcurrentChange(PlainRefusal.LEAVER_ALREADY)
            act.uow.holders.save(replace(holder, left_at=act.uow.now))
            act.record(StaffKind.LEAVER_MARKED)
            act.notify(Notice.LEAVER_MARKED, holder)
        return act.done(LeaverMarked(holder.name))

    def take_back_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        proposal = Proposal(TakeBackLeaver())
        with self._on_person(seen, Action.TAKE_BACK_LEAVER, grounds, proposal) as (act, holder):
            if holder.left_at is None:
                raise ConcurrentChange(PlainRefusal.NO_LEAVER)
            act.uow.holders.save(replace(holder, left_at=None))
            act.record(StaffKind.LEAVER_TAKEN_BACK)
            act.notify(Notice.LEAVER_TAKEN_BACK, holder)
        return act.done(LeaverTakenBack(holder.name))

    def report_misuse(self, seen: Seen, grounds: Grounds) -> Done:
        """Stop everything for somebody who reports that it was not them; they get a mail."""
        with self._on_person(seen, Action.REPORT_MISUSE, grounds) as (act, holder):
            registration = act.uow.registrations.of_holder(holder.id)
            blocked = stop_holder(act.uow, holder.id)
            act.record(StaffKind.MISUSE_STOPPED, blocked=blocked)
            act.notify(Notice.MISUSE_STOPPED, holder)
        if registration is None:
            return act.done(PlainDeed.MISUSE_STOPPED_UNREGISTERED)
        return act.done(PlainDeed.MISUSE_STOPPED)

    def stop_change(self, seen: Seen, grounds: Grounds) -> Done:
        """Keep the old address; a mail goes to it and to the one that waited."""
        with self._on_person(seen, Action.REPORT_MISUSE, grounds) as (act, holder):
            act.uow.cards.lock_of_holder(holder.id)
            stopped = stop_change(act.uow, holder.id)
            if stopped is None:
                raise ConcurrentChange(PlainRefusal.NO_CHANGE_OF_ADDRESS)
            act.record(StaffKind.CHANGE_STOPPED)
            _notify_stopped(act, holder, read_addresses(act.uow, holder.id), stopped)
        return act.done(PlainDeed.CHANGE_STOPPED)

    def withdraw_saved_codes(self, seen: Seen, grounds: Grounds) -> Done:
        """Let none of the codes count that the holder wrote down; they get a mail.

        It never waits for a second member: it opens nothing, and a lost paper must not be good
        until a colleague has time.
        """
        with self._on_person(seen, Action.WITHDRAW_CODE, grounds) as (act, holder):
            act.uow.cards.lock_of_holder(holder.id)
            registration = act.uow.registrations.of_holder(holder.id)
            if registration is None or not registration.saved_left:
                raise ConcurrentChange(PlainRefusal.NO_SAVED_CODES)
            count = act.uow.registrations.drop_saved_codes(holder.id)
            act.record(StaffKind.SAVED_CODES_WITHDRAWN, count=count)
            act.notify(Notice.SAVED_CODES_WITHDRAWN, holder)
        return act.done(PlainDeed.SAVED_CODES_WITHDRAWN)

    def erase(self, seen: Seen, grounds: Grounds) -> Done:
        """Delete a person; raises ``NotTaken`` while a station may be using one of their cards."""
        means = self._office.means
        proposal = Proposal(ErasePerson())
        with self._on_person(seen, Action.ERASE_PERSON, grounds, proposal) as (act, holder):
            uow = act.uow
            cards = uow.cards.lock_of_holder(holder.id)
            _refuse_unsettled(uow, holder, cards, means.zone)
            _refuse_to_name(uow, holder, cards, act.agreement.grounds if act.agreement else grounds)
            for note_id in act.note_ids:
                uow.notes.detach(note_id)
            uow.holders.erase(holder.id)
            act.record(StaffKind.PERSON_ERASED, cards=len(cards))
        if not act.waits:
            means.store.empty_log()
        return act.done(PlainDeed.PERSON_ERASED)

    def _further(self, text: str) -> str:
        """Return a typed address, or a number as in ITU-T E.164; raises ``NotTaken``."""
        if not _looks_like_number(text):
            return _address(text, self._policy)
        regions = self._office.means.text_regions
        if not regions:
            raise NotTaken("email", PlainRefusal.NO_TEXT_MESSAGES)
        try:
            return read_number(text, regions)
        except NumberAbroad:
            raise NotTaken("email", NumberOfOtherCountry(regions)) from None
        except NotANumber:
            raise NotTaken("email", PlainRefusal.NO_MOBILE_NUMBER) from None

    def _known(self, text: str) -> str:
        """Return what names one that was added, also where its number would not be taken now."""
        regions = self._office.means.text_regions
        if _looks_like_number(text) and regions:
            with suppress(NotANumber, NumberAbroad):
                return read_number(text, regions)
        return tidy_email(text).lower()

    @property
    def _policy(self) -> Policy:
        return self._office.means.policy()


def _looks_like_number(text: str) -> bool:
    return is_number(text) and any(sign.isdigit() for sign in text)


def _address(text: str, policy: Policy) -> str:
    address = tidy_email(text)
    match email_problem(address, policy.email_domains):
        case None:
            return address
        case EmailProblem.DOMAIN:
            raise NotTaken("email", DomainNotApproved(tuple(policy.email_domains)))
        case _:
            raise NotTaken("email", PlainRefusal.NO_ADDRESS)


def _recorded(act: Act, holder: Cardholder, address: str) -> Address:
    return Address(new_id(), holder.id, AddressSource.RECORD, address, act.uow.now)


def _registered(act: Act, holder: Cardholder) -> Registration:
    registration = act.uow.registrations.of_holder(holder.id)
    if registration is None:
        raise ConcurrentChange(PlainRefusal.NOT_REGISTERED)
    return registration


def _name_further(act: Act, registration: Registration, further: tuple[str, ...]) -> None:
    """Name the further addresses; raises ``ConcurrentChange`` where a station did meanwhile."""
    if not act.uow.registrations.set_further(registration, further):
        raise ConcurrentChange(PlainRefusal.PERSON_CHANGED)
    act.uow.search.refresh([registration.holder_id])


def _notify_stopped(act: Act, holder: Cardholder, addresses: Addresses, stopped: Address) -> None:
    """Mail the holder's addresses, and the one that waited, that it does not count."""
    told = (*addresses.for_notices, stopped.value)
    for address in {one.lower(): one for one in told}.values():
        notify(
            act.uow,
            Notice.CHANGE_STOPPED,
            address,
            act.reference,
            holder,
            language=addresses.language,
        )
