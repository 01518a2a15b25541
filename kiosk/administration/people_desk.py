"""What staff do about people and their registrations; the holder is told by mail.

Who closes something takes the person's cards, too: nobody decides at a station on what is
being closed, and a code that is on its way there comes to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kiosk.administration import people_fields
from kiosk.administration.entered import entered
from kiosk.administration.erasing import erase
from kiosk.administration.holder_notices import HolderNotice, address_of, tell_holder
from kiosk.administration.kinds import StaffKind
from kiosk.administration.names import staff_names
from kiosk.administration.office import Act, Office
from kiosk.administration.people_listing import count_people, page_of_people
from kiosk.administration.person_page import page_of
from kiosk.administration.proposals import Proposal
from kiosk.administration.proposals_desk import waiting_lines
from kiosk.administration.search import search_people
from kiosk.administration.story import story_of
from kiosk.administration.views.acting import Done, Grounds, Seen
from kiosk.administration.views.people import Found, PeoplePage, Person, StoryLine
from kiosk.authority.address_changes import stop_change
from kiosk.authority.blocking import is_exhausted
from kiosk.authority.misuse import stop_holder
from kiosk.authority.notices import addresses_of
from kiosk.authority.offers import has_left
from kiosk.errors import ChangedMeanwhile, NothingThere, NotTaken
from kiosk.people_groups import PeopleGroup, PeopleOrder, Place
from kiosk.policy import EmailProblem, Policy, email_problem, tidy_email
from kiosk.roles import Action
from kiosk.store.records import Cardholder, Registration, new_id
from kiosk.store.unit_of_work import UnitOfWork


class LocalPeopleDesk:
    """Implements ``kiosk.administration.desk.PeopleDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    # --- reading -----------------------------------------------------------------------

    def search(self, text: str, limit: int = 50) -> Found:
        """Find by the beginnings of name words, number, email, card id, or a reference number."""
        return search_people(self._office, text, limit)

    def listed(
        self,
        group: PeopleGroup,
        order: PeopleOrder = PeopleOrder.NAME,
        *,
        descending: bool = False,
        after: Place | None = None,
        limit: int = 100,
    ) -> PeoplePage:
        """Return a page of a list, from behind the place ``after``."""
        return page_of_people(
            self._office, group, order, descending=descending, after=after, limit=limit
        )

    def counts(self) -> Mapping[PeopleGroup, int]:
        """Count each group, up to ``MOST_COUNTED``."""
        return count_people(self._office)

    def person(self, holder_id: str) -> Person:
        """Return a person's page, with the newest of their story."""
        with self._office.look(Action.SEE_PEOPLE) as uow:
            return self._page(uow, uow.holders.get(holder_id))

    def find_one(self, number: str) -> Person:
        """Return the page of the person with exactly this holder number."""
        wanted = number.strip()
        with self._office.look(Action.SEE_PEOPLE) as uow:
            holder = uow.holders.by_numbers([wanted]).get(wanted)
            if holder is None:
                raise NothingThere(f"Nobody has the number {wanted}.")
            return self._page(uow, holder)

    def story(self, holder_id: str, before: int, limit: int = 100) -> tuple[StoryLine, ...]:
        """Return what happened before row ``before`` of the audit, newest first."""
        with self._office.look(Action.SEE_PEOPLE) as uow:
            holder = _there(uow.holders.get(holder_id))
            return story_of(uow, holder.id, staff_names(uow), before=before, limit=limit)

    def _page(self, uow: UnitOfWork, holder: Cardholder | None) -> Person:
        means, found = self._office.means, _there(holder)
        page = page_of(uow, found, means.policy(), self._office.actor, means.zone)
        return replace(page, proposals=waiting_lines(uow, self._office, found.id))

    # --- who they are ------------------------------------------------------------------

    def add(self, number: str, name: str, email: str, grounds: Grounds) -> Done:
        """Add a person without a card."""
        holder_id = new_id()
        with self._office.act(Action.ADD_PERSON, grounds, about=holder_id) as act:
            holder = Cardholder(
                holder_id,
                self._number(number),
                _name(name),
                _address(email, self._policy) if email.strip() else None,
            )
            if not act.uow.holders.add(holder):
                raise NotTaken("number", "Somebody has this number already.")
            act.uow.search.refresh([holder.id])
            act.tell(StaffKind.PERSON_ADDED)
        return act.done(f"{holder.name} is added.")

    def correct_name(self, seen: Seen, name: str, grounds: Grounds) -> Done:
        """Put another name in place."""
        with self._office.act(Action.CORRECT_NAME, grounds, seen=seen) as act:
            holder = _holder(act, seen)
            right = _name(name)
            if right == holder.name:
                raise NotTaken("name", "This is their name already.")
            act.uow.holders.save(replace(holder, name=right))
            act.uow.search.refresh([holder.id])
            act.tell(StaffKind.NAME_CORRECTED)
        return act.done(f"The name is {right} now.")

    def correct_email(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        """Put another address in place, to be confirmed by the next code that is sent there.

        Both addresses are told.
        """
        proposal = Proposal("people.correct_email", {"email": email})
        with self._office.act(Action.CORRECT_EMAIL, grounds, seen=seen, proposal=proposal) as act:
            holder = _holder(act, seen)
            registration = _close(act, holder)
            address, before = _address(email, self._policy), address_of(holder, registration)
            if address == before:
                raise NotTaken("email", "This is their address already.")
            _readdress(act, holder, registration, address)
            act.tell(StaffKind.EMAIL_CORRECTED, registered=registration is not None)
            tell_holder(act, HolderNotice.EMAIL_CORRECTED_OLD, before, holder, address)
            tell_holder(act, HolderNotice.EMAIL_CORRECTED_NEW, address, holder, address)
        later = "The next code that is sent there confirms it."
        if registration is None:
            later = "It is suggested to them when they register."
        return act.done(f"The address is corrected. {later}")

    # --- their registration ------------------------------------------------------------

    def lift_block(self, seen: Seen, grounds: Grounds) -> Done:
        """Lift the block and clear the failures; the holder is told."""
        proposal = Proposal("people.lift_block")
        with self._office.act(Action.LIFT_BLOCK, grounds, seen=seen, proposal=proposal) as act:
            holder = _holder(act, seen)
            registration = act.uow.registrations.of_holder(holder.id)
            if registration is None or not _unblocked(act, registration, self._policy):
                raise ChangedMeanwhile("There is no block any more.")
            act.tell(StaffKind.BLOCK_LIFTED, failures=registration.failures)
            tell_holder(act, HolderNotice.BLOCK_LIFTED, registration.email, holder)
        return act.done("The block is lifted. They have all their attempts again.")

    def revoke_registration(self, seen: Seen, grounds: Grounds) -> Done:
        """Delete the registration and what it gathered; the holder is told, may register anew.

        The keys that their cards named then are forgotten with it: the wrong card may have.
        """
        proposal = Proposal("people.revoke_registration")
        revoking = self._office.act(
            Action.REVOKE_REGISTRATION, grounds, seen=seen, proposal=proposal
        )
        with revoking as act:
            holder = _holder(act, seen)
            registration = _close(act, holder)
            if registration is None:
                raise ChangedMeanwhile("They are not registered any more.")
            act.uow.registrations.delete(holder.id)
            act.uow.cards.forget_keys(holder.id)
            act.uow.search.refresh([holder.id])
            act.tell(StaffKind.REGISTRATION_REVOKED)
            tell_holder(act, HolderNotice.REGISTRATION_REVOKED, registration.email, holder)
        return act.done("The registration is revoked. They can register again at a station.")

    # --- coming and going --------------------------------------------------------------

    def mark_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        """Close everything for a person who left."""
        with self._office.act(Action.MARK_LEAVER, grounds, seen=seen) as act:
            holder = _holder(act, seen)
            registration = _close(act, holder)
            if has_left(holder, act.uow.now):
                raise ChangedMeanwhile("They are marked as a leaver already.")
            act.uow.holders.save(replace(holder, left_at=act.uow.now))
            act.tell(StaffKind.LEAVER_MARKED)
            to = address_of(holder, registration)
            tell_holder(act, HolderNotice.LEAVER_MARKED, to, holder)
        return act.done(f"{holder.name} is a leaver now; no station serves them.")

    def take_back_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        """Undo that."""
        with self._office.act(Action.MARK_LEAVER, grounds, seen=seen) as act:
            holder = _holder(act, seen)
            if holder.left_at is None:
                raise ChangedMeanwhile("They are no leaver any more.")
            act.uow.holders.save(replace(holder, left_at=None))
            act.tell(StaffKind.LEAVER_TAKEN_BACK)
            to = address_of(holder, act.uow.registrations.of_holder(holder.id))
            tell_holder(act, HolderNotice.LEAVER_TAKEN_BACK, to, holder)
        return act.done(f"{holder.name} is back; stations serve them as before.")

    def report_misuse(self, seen: Seen, grounds: Grounds) -> Done:
        """Stop everything for somebody who says that it was not them; they are told."""
        with self._office.act(Action.REPORT_MISUSE, grounds, seen=seen) as act:
            holder = _holder(act, seen)
            registration = act.uow.registrations.of_holder(holder.id)
            blocked = stop_holder(act.uow, holder.id)
            act.tell(StaffKind.MISUSE_STOPPED, blocked=blocked)
            for address in addresses_of(holder, registration):
                tell_holder(act, HolderNotice.MISUSE_STOPPED, address, holder)
        if registration is None:
            return act.done("Everything that was under way is stopped; they are not registered.")
        return act.done("Everything that was under way is stopped, and self-service is blocked.")

    def stop_change(self, seen: Seen, grounds: Grounds) -> Done:
        """Leave the address as it is where a change of it waits."""
        with self._office.act(Action.REPORT_MISUSE, grounds, seen=seen) as act:
            holder = _holder(act, seen)
            act.uow.cards.lock_of_holder(holder.id)
            if not stop_change(act.uow, holder.id):
                raise ChangedMeanwhile("No change of address waits any more.")
            act.tell(StaffKind.CHANGE_STOPPED)
        return act.done("The address stays as it is.")

    def erase(self, seen: Seen, grounds: Grounds) -> Done:
        """Delete the person and all about them; the audit keeps ids that name nobody."""
        return erase(self._office, seen, grounds)

    # --- what was entered --------------------------------------------------------------

    @property
    def _policy(self) -> Policy:
        return self._office.means.policy()

    def _number(self, text: str) -> str:
        digits = self._office.means.number_digits
        return entered("number", lambda: people_fields.holder_number(text.strip(), digits))


def _name(text: str) -> str:
    return entered("name", lambda: people_fields.name(text))


def _address(text: str, policy: Policy) -> str:
    address = tidy_email(text)
    match email_problem(address, policy.email_domains):
        case None:
            return address
        case EmailProblem.DOMAIN:
            approved = ", ".join(policy.email_domains)
            raise NotTaken("email", f"Only addresses of approved domains are taken: {approved}.")
        case _:
            raise NotTaken("email", "This is not an address that mail can be sent to.")


def _there(holder: Cardholder | None) -> Cardholder:
    if holder is None:
        raise NothingThere("This person is not recorded any more.")
    return holder


def _holder(act: Act, seen: Seen) -> Cardholder:
    """Return whom the act holds."""
    return _there(act.uow.holders.get(seen.holder_id))


def _close(act: Act, holder: Cardholder) -> Registration | None:
    """Let no code and nothing that was gathered at a station count any more."""
    act.uow.cards.lock_of_holder(holder.id)
    act.uow.codes.revoke_of_holder(holder.id)
    act.uow.pending.delete_of_holder(holder.id)
    return act.uow.registrations.of_holder(holder.id)


def _readdress(
    act: Act, holder: Cardholder, registration: Registration | None, address: str
) -> None:
    act.uow.holders.save(replace(holder, email=address))
    if registration is not None:
        now = act.uow.now
        changed = replace(registration, email=address, unconfirmed_since=now, updated_at=now)
        act.uow.registrations.put(changed)
    act.uow.search.refresh([holder.id])


def _unblocked(act: Act, registration: Registration, policy: Policy) -> bool:
    """Lift the block, or the one that the next visit would find; False where there is none."""
    if act.uow.registrations.unblock(registration.holder_id):
        return True
    if not is_exhausted(registration, policy):
        return False
    act.uow.registrations.clear_failures(registration.holder_id)
    return True
