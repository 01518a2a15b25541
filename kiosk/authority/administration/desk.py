"""The port of the administration: what the screens and the command line ask of the service.

Calls block and may come from several threads. Each asks the table of ``kiosk.authority.roles``
first, for the actor's role as the store has it at that moment. They raise

- ``NotPermitted`` (audited) where the role may not, or the member was removed meanwhile,
- ``NotTaken``, naming the field, for what was entered wrongly; nothing is changed,
- ``ConcurrentChange`` where somebody else was first; it says what they did,
- ``NotFound`` for what does not exist (any more),
- ``StoreError`` where the database does not answer.

What changes anything is audited in the same transaction, with its grounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from kiosk.authority.administration.views import (
    Actor,
    AuditFilter,
    AuditPage,
    ChainVerdict,
    CodeLine,
    Done,
    ExportFormat,
    Found,
    Grounds,
    ImportFile,
    ImportResult,
    IssuedCode,
    IssuedFrom,
    NewCard,
    PeoplePage,
    Person,
    PolicyLine,
    Progress,
    ProposalLine,
    QuestionLine,
    Report,
    Seen,
    Span,
    StaffLine,
    StationLetIn,
    StationLine,
    StoryLine,
    Today,
    UnknownCard,
    Written,
)
from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.roles import Role
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

# What is about the service itself.


class StationsDesk(Protocol):
    """The stations of the estate."""

    def every(self) -> tuple[StationLine, ...]:
        """Return all, by name; the retired ones last."""

    def enrol(self, name: str, site: str, grounds: Grounds) -> StationLetIn:
        """Make a line with which a station enrols, in place of one that had that name."""

    def enrol_certificate(self, name: str, site: str, pem: str, grounds: Grounds) -> Done:
        """Let a station in by a certificate of the estate's own CA."""

    def retire(self, name: str, grounds: Grounds) -> Done:
        """Let a station serve nobody any more."""

    def reinstate(self, name: str, grounds: Grounds) -> Done:
        """Undo that."""


class AuditDesk(Protocol):
    def page(self, only: AuditFilter, before: int | None = None, limit: int = 100) -> AuditPage:
        """Return rows, newest first, from before row ``before`` (None: the newest)."""

    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Return the kinds of rows there can be, each with what it means in plain words."""

    def verify(self, progress: Progress) -> ChainVerdict:
        """Walk the whole chain; progress is told in rows."""

    def export(self, only: AuditFilter, how: ExportFormat, progress: Progress) -> Written:
        """Write what the filter shows, oldest first, into the exports folder."""

    def redact(self, row: int, grounds: Grounds, *, whole: bool = False) -> Done:
        """Take the reason of a row out of the audit, and with ``whole`` its detail as well."""


class QuestionsDesk(Protocol):
    """The list of security questions; answers cannot be shown by anybody."""

    def every(self) -> tuple[QuestionLine, ...]:
        """Return all, the retired ones last."""

    def add(self, text: str, grounds: Grounds) -> Done:
        """Offer another one."""

    def retire(self, question_id: int, grounds: Grounds) -> Done:
        """Offer one to nobody new; people who use it keep it."""

    def revive(self, question_id: int, grounds: Grounds) -> Done:
        """Offer it again."""


class PolicyDesk(Protocol):
    """The policy, as stations take it up within a minute."""

    def every(self) -> tuple[PolicyLine, ...]:
        """Return all settings, in the order of the settings file."""

    def change(self, name: str, value: str, revision: int, grounds: Grounds) -> Done:
        """Let another value count."""

    def reset(self, name: str, revision: int, grounds: Grounds) -> Done:
        """Let the settings file's value count again."""


class StaffDesk(Protocol):
    """The members of staff, their keys and their cards."""

    def every(self) -> tuple[StaffLine, ...]:
        """Return all by name, the removed ones last."""

    def add(self, name: str, role: Role, public_key: str, grounds: Grounds) -> Done:
        """Add a member with a first key, as a line of an OpenSSH ``.pub`` file.

        A technician, who only works at stations, has none: it is empty.
        """

    def change_role(self, staff_id: str, role: Role, revision: int, grounds: Grounds) -> Done:
        """Give another role; nobody changes their own, and one manager has to stay."""

    def remove(self, staff_id: str, revision: int, grounds: Grounds) -> Done:
        """Let a member in no more; nobody removes themselves, and one manager has to stay."""

    def add_key(self, staff_id: str, public_key: str, revision: int, grounds: Grounds) -> Done:
        """Let another key in."""

    def remove_key(self, staff_id: str, fingerprint: str, revision: int, grounds: Grounds) -> Done:
        """Let a key in no more; the last manager's last key stays."""

    def add_card(
        self, staff_id: str, card: CardId, key: str, revision: int, grounds: Grounds
    ) -> Done:
        """Let a recorded card open the maintenance page of stations, once it proved its PIN.

        ``key`` is the key that it uses only after its PIN, or a certificate of it, in PEM; empty:
        the one that is recorded for the card.
        """

    def remove_card(self, staff_id: str, card: CardId, revision: int, grounds: Grounds) -> Done:
        """Let a card open it no more; as a holder's card it stays what it was."""


class ImportDesk(Protocol):
    """Importing people from files in the imports folder of the service's machine."""

    def files(self) -> tuple[ImportFile, ...]:
        """Return what is there, newest first."""

    def rehearse(self, name: str, progress: Progress) -> ImportResult:
        """Do all but write; progress is told in bytes."""

    def run(self, name: str, progress: Progress) -> ImportResult:
        """Import all of it, or nothing where it has problems."""


class ReportsDesk(Protocol):
    """Counts over time."""

    def make(self, span: Span, first: date, last: date) -> Report:
        """Count what was done from ``first`` to ``last``, both counted."""

    def export(self, span: Span, first: date, last: date) -> Written:
        """Write that as CSV into the exports folder."""


class TodayDesk(Protocol):
    """The first page."""

    def look(self) -> Today:
        """Return how the service stands now."""


class PeopleDesk(Protocol):
    """People and their registrations."""

    def search(self, text: str, limit: int = 50) -> Found:
        """Find by the beginnings of name words, number, email, card id, or a reference number."""

    def listed(
        self,
        group: PeopleGroup,
        order: PeopleOrder = PeopleOrder.NAME,
        *,
        descending: bool = False,
        after: PagePosition | None = None,
        limit: int = 100,
    ) -> PeoplePage:
        """Return a page of a list, from behind the place ``after``."""

    def counts(self) -> Mapping[PeopleGroup, int]:
        """Count each group, up to ``MOST_COUNTED``."""

    def person(self, holder_id: str) -> Person:
        """Return a person's page, with the newest of their story."""

    def find_one(self, number: str) -> Person:
        """Return the page of the person with exactly this holder number."""

    def story(self, holder_id: str, before: int, limit: int = 100) -> tuple[StoryLine, ...]:
        """Return what happened before row ``before`` of the audit, newest first."""

    def add(self, number: str, name: str, email: str, grounds: Grounds) -> Done:
        """Add a person without a card."""

    def lift_block(self, seen: Seen, grounds: Grounds) -> Done:
        """Lift the block and clear the failures; the holder is told."""

    def revoke_registration(self, seen: Seen, grounds: Grounds) -> Done:
        """Delete the registration and what it gathered; the holder is told, may register anew."""

    def correct_name(self, seen: Seen, name: str, grounds: Grounds) -> Done:
        """Put another name in place."""

    def correct_email(self, seen: Seen, email: str, grounds: Grounds) -> Done:
        """Put another address in place, to be confirmed by the next code that is sent there.

        Both addresses are told.
        """

    def mark_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        """Close everything for a person who left."""

    def take_back_leaver(self, seen: Seen, grounds: Grounds) -> Done:
        """Undo that."""

    def report_misuse(self, seen: Seen, grounds: Grounds) -> Done:
        """Stop everything for somebody who says that it was not them; they are told.

        It ends their open visits, withdraws codes and what was gathered, stops a change of
        address that waits, and blocks a registration.
        """

    def stop_change(self, seen: Seen, grounds: Grounds) -> Done:
        """Leave the address as it is where a change of it waits."""

    def erase(self, seen: Seen, grounds: Grounds) -> Done:
        """Delete the person and all about them; the audit keeps ids that name nobody."""


class CardsDesk(Protocol):
    """A person's cards and their unblock secrets."""

    def unknown(self) -> tuple[UnknownCard, ...]:
        """Return the cards that stations met and nobody recorded, the newest first."""

    def add(self, seen: Seen, card: NewCard, grounds: Grounds) -> Done:
        """Give the person another card."""

    def replace(self, seen: Seen, card_id: str, card: NewCard, grounds: Grounds) -> Done:
        """Give a card in place of ``card_id``, which is revoked in the same moment."""

    def revoke(self, seen: Seen, card_id: str, grounds: Grounds) -> Done:
        """Bar a card at every station."""

    def set_secret(
        self,
        seen: Seen,
        card_id: str,
        secret: Sensitive | IssuedFrom,
        grounds: Grounds,
        *,
        tries_full: bool = False,
    ) -> Done:
        """Seal another unblock secret; it is never shown.

        ``tries_full``: the card itself was just given it by whoever manages cards, so that
        all its tries are there again. A card counts wrong secrets whatever is recorded, so
        otherwise the account of its tries stays as it is.
        """


class CodesDesk(Protocol):
    """Assisted unlock: a code given by word of mouth to somebody who cannot read their mail."""

    def issue(self, seen: Seen, card_id: str, grounds: Grounds) -> IssuedCode:
        """Make a code for one card of an identified person; the holder is told."""

    def waiting(self) -> tuple[CodeLine, ...]:
        """Return the codes that wait for a second member of staff, oldest first."""

    def agree(self, code_id: str, grounds: Grounds) -> Done:
        """Let a code work that another member of staff issued."""

    def withdraw(self, code_id: str, grounds: Grounds) -> Done:
        """Make a code that staff issued worthless."""


class ProposalsDesk(Protocol):
    """What waits for a second member of staff, where the policy says ``four_eyes``."""

    def waiting(self, holder_id: str = "") -> tuple[ProposalLine, ...]:
        """Return what waits, oldest first; with ``holder_id`` only what concerns that person."""

    def agree(self, proposal_id: str, grounds: Grounds) -> Done:
        """Agree, and have it done now.

        Raises ``ConcurrentChange`` where the person, the member of staff or the setting was
        changed since it was proposed, and ``NotPermitted`` for whoever proposed it, for a
        role that may not do it, and where one of the two let the other in.
        """

    def decline(self, proposal_id: str, grounds: Grounds) -> Done:
        """Let it never be done; who proposed something takes it back like this."""


class AdminDesk(Protocol):
    """Everything, for one actor."""

    @property
    def me(self) -> Actor:
        """Who asks."""

    @property
    def service(self) -> str:
        """The service's name, as its settings have it."""

    @property
    def today(self) -> TodayDesk:
        """The first page."""

    @property
    def people(self) -> PeopleDesk:
        """People and registrations."""

    @property
    def cards(self) -> CardsDesk:
        """Cards and unblock secrets."""

    @property
    def codes(self) -> CodesDesk:
        """Assisted unlock."""

    @property
    def proposals(self) -> ProposalsDesk:
        """What waits for a second member of staff."""

    @property
    def stations(self) -> StationsDesk:
        """Stations."""

    @property
    def audit(self) -> AuditDesk:
        """The audit."""

    @property
    def questions(self) -> QuestionsDesk:
        """Security questions."""

    @property
    def policy(self) -> PolicyDesk:
        """The policy."""

    @property
    def staff(self) -> StaffDesk:
        """Members of staff."""

    @property
    def imports(self) -> ImportDesk:
        """Imports."""

    @property
    def reports(self) -> ReportsDesk:
        """Reports."""
