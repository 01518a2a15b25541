"""Importing people, their cards and unblock secrets: all of a file or nothing of it.

The file is read once, in batches, inside one transaction that is committed only when no line had a
problem. On SQLite that locks out other writers (about two seconds for ten thousand lines), so a
large file is best imported when the stations are quiet.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from kiosk.authority.addresses import Addresses, read_addresses, shown_addresses
from kiosk.authority.administration.acts import ImportPeopleFile
from kiosk.authority.administration.fields import cleaned, read_reason
from kiosk.authority.administration.office import Desk, Office, audit_name
from kiosk.authority.administration.people_file import (
    NOT_OPENED,
    OpenedFile,
    PeopleFile,
    PersonRecord,
    Problem,
    Repetitions,
)
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.standing import CARD_TAIL
from kiosk.authority.administration.views import (
    IMPORT_REASON,
    Grounds,
    ImportFile,
    Progress,
    unseen,
)
from kiosk.authority.audit.events import ServiceKind, new_reference
from kiosk.authority.crypto.derivation import ISSUED, Derivation
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.errors import ConcurrentChange, ImportRefused, KeyMissing, NotFound, NotTaken
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.records import (
    ActionNote,
    Address,
    AddressSource,
    Card,
    Cardholder,
    PinPolicy,
    Scalar,
    new_id,
)
from kiosk.authority.refusals import ImportsFolderFails, NoImportsFolder, NoSuchFile, PlainRefusal
from kiosk.authority.roles import Action
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.unblock.stored_secrets import archive_secrets, has_or_had, label_of
from kiosk.authority.visit.lifecycle import end_visits
from kiosk.authority.visit.rules import card_withdrawn, secret_limit_of
from kiosk.authority.wording import last_day
from kiosk.contract.messages import CardId
from kiosk.contract.policy import email_problem
from kiosk.contract.sensitive import Sensitive

# Deciding what a batch of lines changes, against what the store holds.
#
# An empty cell removes nothing, a leaver stays one, and a file never moves a card from another
# person.


@dataclass(frozen=True, slots=True)
class ChangedPerson:
    """A known person whose name or recorded address a line changes."""

    was: Cardholder
    now: Cardholder
    known: Addresses
    """The addresses until now."""
    address: Address | None
    """The new one of the record; None where it stays."""

    @property
    def loses_an_address(self) -> bool:
        """Whether an address that was known before is another than the new one."""
        new = self.address.value.lower() if self.address else ""
        return bool(new) and any(one.lower() != new for one in self.known.for_notices)


@dataclass(frozen=True, slots=True)
class ChangedCard:
    was: Card
    now: Card

    @property
    def words(self) -> str:
        """What is changed, by the columns of the file, without any secret or key."""
        was, now, words = self.was, self.now, []
        if was.expires_at != now.expires_at:
            before, after = (
                last_day(end) if end else "none" for end in (was.expires_at, now.expires_at)
            )
            words.append(f"expires {before} → {after}")
        if was.secret_limit != now.secret_limit:
            words.append(f"secret_limit {was.secret_limit or 'none'} → {now.secret_limit}")
        for key in ("auth_key", "pin_key"):
            if getattr(was, key) != getattr(now, key):
                words.append(f"{key} {'replaced' if getattr(was, key) else 'added'}")
            elif getattr(was, f"{key}_imported") != getattr(now, f"{key}_imported"):
                words.append(f"{key} confirmed")
        if was.pin_policy != now.pin_policy:
            words.append(f"pin_policy {was.pin_policy or 'none'} → {now.pin_policy or 'none'}")
        if self.has_other_secret:
            words.append(f"unblock_secret {'replaced' if was.sealed_secret else 'added'}")
        elif was.secret_generation != now.secret_generation:
            words.append("master_key noted")
        return "; ".join(words)

    @property
    def has_other_secret(self) -> bool:
        return self.was.sealed_secret is not self.now.sealed_secret

    @property
    def replaces(self) -> bool:
        """Whether a key or a secret was recorded in place of which there is another."""
        was, now = self.was, self.now
        pairs = (was.auth_key, now.auth_key), (was.pin_key, now.pin_key)
        keys = any(before and before != after for before, after in pairs)
        return keys or bool(was.sealed_secret and self.has_other_secret)


OnLine = tuple[int, str]
"""The number of a line, and whom it is about, by holder number, with what is worth saying."""


@dataclass(slots=True)
class Batch:
    """The changes of a batch of lines.

    ``known_touched`` counts what could help to open the card of a person who was recorded before:
    another address, another card, another key or secret, a PIN policy by which it proves its PIN,
    more tries of the secret, or that a card that was let run out, or who was erased, comes back.
    ``erased_before`` are the first lines of people who are added and were erased once.
    ``changes`` lists ``people_changed`` by line and number, and ``card_changes`` lists
    ``cards_changed``. ``secrets_replaced`` are cards as they were, ``card_news`` the mails to known
    holders about cards of theirs. ``codes_elsewhere`` counts those who get another recorded
    address, while codes still go to the one that they registered.
    """

    people_added: list[Cardholder] = field(default_factory=list)
    people_changed: list[ChangedPerson] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    changes: list[OnLine] = field(default_factory=list)
    erased_before: list[PersonRecord] = field(default_factory=list)
    cards_added: list[Card] = field(default_factory=list)
    cards_changed: list[ChangedCard] = field(default_factory=list)
    card_changes: list[OnLine] = field(default_factory=list)
    secrets: int = 0
    secrets_replaced: list[Card] = field(default_factory=list)
    card_news: list[tuple[Notice, Cardholder, Addresses]] = field(default_factory=list)
    known_touched: int = 0
    codes_elsewhere: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass
class Planner:
    """Compares batches of lines with the store; ``is_first``: the line is its person's first."""

    uow: UnitOfWork
    sealer: Sealer
    is_first: Callable[[PersonRecord], bool]
    replace_lost: bool
    new_people: set[str] = field(default_factory=set)

    def plan(self, lines: Sequence[PersonRecord], *, hold: bool = False) -> Batch:
        """Compare ``lines``; nothing is written.

        ``hold``: the rows that they change are locked, and are as they were compared. The others
        are not: a file of everybody would otherwise keep every station waiting.
        """
        while True:
            batch = self._compared(lines)
            people = {person.was.id: person.was for person in batch.people_changed}
            cards = {card.was.id: card.was for card in batch.cards_changed}
            # Cards go first, as a visit locks its card before its holder.
            if not hold or (
                self.uow.cards.lock_each(cards) == cards
                and self.uow.holders.lock_each(people) == people
            ):
                return batch
            # Somebody else changed one of them first.

    def _compared(self, lines: Sequence[PersonRecord]) -> Batch:
        batch = Batch()
        holders = self.uow.holders.by_numbers({line.number for line in lines})
        ids = [one.id for one in holders.values()]
        registrations = self.uow.registrations.of_holders(ids)
        # What a line is compared with is checked; where codes go is only said.
        recorded = self.uow.addresses.recorded(ids)
        rows = self.uow.addresses.of_holders(ids) | recorded
        addresses = {
            # Without the row of its address a record was changed since it was read, or altered.
            one.id: shown_addresses(one, registrations.get(one.id), rows)
            if one.address_id is None or one.address_id in recorded
            else read_addresses(self.uow, one.id)
            for one in holders.values()
        }
        cards = self.uow.cards.by_card_ids({line.card for line in lines if line.card})
        for line in lines:
            was = holders.get(line.number)
            before = addresses.get(was.id, Addresses()) if was else Addresses()
            holder, now = self._person(batch, line, was, before)
            holders[line.number], addresses[holder.id] = holder, now
            if line.card:
                known = cards.get(line.card)
                notified = was or holder, before
                is_registered = holder.id in registrations
                self._card(
                    batch, line, line.card, holder, known, notified, registered=is_registered
                )
        added = {holder.number for holder in batch.people_added}
        erased = self.uow.holders.erased_among(added)
        first = {line.number: line for line in reversed(lines) if line.number in erased}
        batch.erased_before = sorted(first.values(), key=lambda line: line.line)
        batch.known_touched += len(batch.erased_before)
        return batch

    def _person(
        self, batch: Batch, line: PersonRecord, known: Cardholder | None, before: Addresses
    ) -> tuple[Cardholder, Addresses]:
        """Return who and where a person is by a line."""
        holder = Cardholder(new_id(), line.number, line.name) if known is None else known
        recorded, address = before.recorded, None
        if line.email and (recorded is None or line.email != recorded.value):
            address = Address(new_id(), holder.id, AddressSource.RECORD, line.email, self.uow.now)
        now = replace(before, recorded=address or recorded)
        id_ = address.id if address else holder.address_id
        holder = replace(holder, name=line.name, address_id=id_)
        if known is None:
            self.new_people.add(holder.id)
            if self.is_first(line):  # in a rehearsal, earlier batches were not written
                batch.people_added.append(holder)
                batch.addresses += [address] if address else []
        elif holder != known:
            batch.people_changed.append(ChangedPerson(known, holder, before, address))
            batch.addresses += [address] if address else []
            emails = (recorded.value if recorded else None, line.email) if address else ("", "")
            changes = ("name", known.name, holder.name), ("email", *emails)
            words = [f"{what} {was or 'none'} → {now}" for what, was, now in changes if was != now]
            sentence = "; ".join(words)
            if address is not None:
                batch.known_touched += 1
                if now.registered is not None and now.recorded_apart:
                    batch.codes_elsewhere += 1
                    sentence += f" (codes still go to {now.registered.value})"
            batch.changes.append((line.line, f"{line.number} {sentence}"))
        return holder, now

    def _card(
        self,
        batch: Batch,
        line: PersonRecord,
        named: CardId,
        holder: Cardholder,
        known: Card | None,
        notified: tuple[Cardholder, Addresses],
        *,
        registered: bool,
    ) -> None:
        if known is not None and known.holder_id != holder.id:
            other = self.uow.holders.get(known.holder_id)
            number = other.number if other else "nobody"
            batch.problems.append((line.line, f"card_id: this card belongs to {number}"))
            return
        was = known or Card(new_id(), holder.id, named.driver, named.identifier)
        try:
            card = self._planned(batch, line, was)
        except KeyMissing as missing:
            # The card may have got another secret, which the file's would replace.
            reason = (
                f"unblock_secret: what is recorded for this card cannot be compared ({missing}): "
                "restore that key, or see --replace-lost"
            )
            batch.problems.append((line.line, reason))
            return
        changed = ChangedCard(was, card)
        batch.secrets += changed.has_other_secret
        # More tries of the secret alone, or a declared PIN policy, need no mail.
        now, notice = self.uow.now, None
        if known is None:
            batch.cards_added.append(card)
            notice = Notice.CARD_ADDED
        elif changed.has_other_secret:
            batch.secrets_replaced.append(known)
            notice = Notice.SECRET_SET
        elif (was.auth_key, was.pin_key) != (card.auth_key, card.pin_key):
            notice = Notice.CARD_KEY_SET
        elif card_withdrawn(was, now) and card_withdrawn(card, now) is None:
            notice = Notice.CARD_IN_USE_AGAIN
        takes_more_tries = secret_limit_of(card) > secret_limit_of(was)
        proves_more = card.pin_policy not in (None, PinPolicy.NEVER, was.pin_policy)
        if holder.id not in self.new_people and (notice or takes_more_tries or proves_more):
            batch.known_touched += 1
            # Nobody else gets a mail: the first file of everybody's cards would mail everybody.
            is_notified = registered or changed.replaces
            if notice and is_notified and notified[1].for_notices:
                batch.card_news.append((notice, *notified))
        if known is not None and card != known:
            batch.cards_changed.append(changed)
            card_is = f"card ending in {was.identifier[-CARD_TAIL:]}"
            batch.card_changes.append((line.line, f"{line.number} {card_is}: {changed.words}"))

    def _planned(self, batch: Batch, line: PersonRecord, was: Card) -> Card:
        """Return the card that a line makes; raises ``KeyMissing``.

        A repeated import of a file brings back no secret that was changed since. That a card was
        issued with one of a master key is recorded once, also where it has long had another.
        """
        # Another key needs its own declaration.
        declared = was.pin_policy if line.pin_key in (None, was.pin_key) else None
        card = replace(
            was,
            expires_at=line.expires_at or was.expires_at,
            secret_limit=line.secret_limit or was.secret_limit,
            auth_key=line.auth_key or was.auth_key,
            auth_key_imported=line.auth_key is not None or was.auth_key_imported,
            pin_key=line.pin_key or was.pin_key,
            pin_key_imported=line.pin_key is not None or was.pin_key_imported,
            pin_policy=line.pin_policy or declared,
        )
        current = was.sealed_secret
        label = label_of(was, SealKind.UNBLOCK, current.revision + 1 if current else 1)
        if line.secret is not None:
            if self._has_or_had(was, line.secret):
                return card
            return replace(card, sealed_secret=self.sealer.seal(line.secret, label))
        if not line.master or was.secret_generation is not None:
            return card
        if line.master not in self._masters:
            reason = "master_key: there is none of this id; see `kiosk keys list`"
            batch.problems.append((line.line, reason))
            return card
        how = Derivation(line.master)
        issued = replace(card, secret_generation=ISSUED)
        if current and self._has_or_had(was, self.sealer.masters.derive(how, label.card)):
            return issued
        return replace(issued, sealed_secret=self.sealer.seal(how, label))

    @cached_property
    def _masters(self) -> tuple[str, ...]:
        return self.sealer.masters.ids()

    def _has_or_had(self, card: Card, given: Sensitive) -> bool:
        """Raise ``KeyMissing`` where that matters and cannot be decided."""
        try:
            return has_or_had(self.uow, self.sealer, card, given)
        except KeyMissing:
            if self.replace_lost:
                return False
            raise


BATCH = 500


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or would do; ``reference`` finds it in the audit.

    With ``problems`` nothing was done; line 0 is the whole file. ``digest`` is the SHA-256 of the
    file ``opened``. Where it ``waits`` for a second member of staff, nothing was done yet.
    ``known_touched`` and ``codes_elsewhere`` as in ``Batch``; ``people_mailed`` counts those who
    get a mail at an old address about their new one, ``cards_mailed`` the cards whose holders get
    one. Each of ``outside_domains`` is an address outside the approved domains, of
    ``shared_addresses`` a person whose address another person of the file has, of
    ``erased_before`` an erased person who comes back, of ``changes`` a person with what is changed,
    of ``card_changes`` a card, with the number of the holder. ``file_kept`` says why a file that
    was imported could not be removed; ``file_replaced``: another one has its name.
    """

    lines: int = 0
    people_added: int = 0
    people_changed: int = 0
    cards_added: int = 0
    cards_changed: int = 0
    secrets_sealed: int = 0
    known_touched: int = 0
    codes_elsewhere: int = 0
    people_mailed: int = 0
    cards_mailed: int = 0
    reference: str = ""
    digest: str = ""
    opened: OpenedFile = NOT_OPENED
    outside_domains: tuple[OnLine, ...] = field(default=(), repr=False)
    shared_addresses: tuple[OnLine, ...] = field(default=(), repr=False)
    erased_before: tuple[OnLine, ...] = field(default=(), repr=False)
    changes: tuple[OnLine, ...] = field(default=(), repr=False)
    card_changes: tuple[OnLine, ...] = field(default=(), repr=False)
    problems: tuple[Problem, ...] = ()
    waits: bool = False
    file_kept: str = ""
    file_replaced: bool = False

    @property
    def plan(self) -> str:
        """The SHA-256 of what it changes of recorded or erased people, in words."""
        parts = (self.changes, self.card_changes, self.erased_before)
        return hashlib.sha256(json.dumps((self.known_touched, parts)).encode()).hexdigest()

    def plus(self, batch: Batch) -> ImportResult:
        mailed = sum(one.loses_an_address for one in batch.people_changed)
        return replace(
            self,
            people_added=self.people_added + len(batch.people_added),
            people_changed=self.people_changed + len(batch.people_changed),
            cards_added=self.cards_added + len(batch.cards_added),
            cards_changed=self.cards_changed + len(batch.cards_changed),
            secrets_sealed=self.secrets_sealed + batch.secrets,
            known_touched=self.known_touched + batch.known_touched,
            codes_elsewhere=self.codes_elsewhere + batch.codes_elsewhere,
            people_mailed=self.people_mailed + mailed,
            cards_mailed=self.cards_mailed + len(batch.card_news),
        )


@dataclass(frozen=True, slots=True)
class PeopleImport:
    """Imports files whose holder numbers have ``number_digits`` digits (0: any short text).

    ``replace_lost``: a secret of a file replaces one whose key is missing. Otherwise that is
    refused, as the key may be elsewhere and the card may have another secret now. ``domains``
    returns the approved ones, for the result: an address outside them is accepted.
    """

    store: Store
    sealer: Sealer
    number_digits: int
    _: KW_ONLY
    replace_lost: bool = False
    domains: Callable[[], tuple[str, ...]] = tuple

    def rehearse(self, path: Path, progress: Progress = unseen) -> ImportResult:
        """Do everything except writing; raises ``ImportRefused``."""
        with self.store.read() as uow:
            return self.read_in(uow, path, progress)

    def run(
        self, path: Path, actor: str, progress: Progress = unseen, *, reason: str = IMPORT_REASON
    ) -> ImportResult:
        """Import; raises ``ImportRefused`` having changed nothing, and ``NotTaken`` for the reason.

        Progress is in bytes of the file.
        """
        reason = read_reason("reason", reason)
        with self.store.begin() as uow:
            note = ActionNote(new_id(), None, uow.now, reason)
            uow.notes.add(note)
            result = self.run_in(uow, path, actor, note.named(), progress)
            uow.commit()
        return result

    def run_in(
        self,
        uow: UnitOfWork,
        path: Path,
        actor: str,
        grounds: Mapping[str, Scalar],
        progress: Progress = unseen,
    ) -> ImportResult:
        """Do as ``run``; the caller commits. The audit's row has ``grounds`` in its detail."""
        reference = new_reference()
        write = partial(_write, uow, self.sealer, reference, actor, self.domains())
        result = replace(self.read_in(uow, path, progress, write), reference=reference)
        uow.audit.append(
            kind=ServiceKind.PEOPLE_IMPORTED.value,
            reference=reference,
            actor=actor,
            detail={
                **grounds,
                "file": cleaned(path.name),
                "sha256": result.digest,
                "lines": result.lines,
                "people_added": result.people_added,
                "people_changed": result.people_changed,
                "cards_added": result.cards_added,
                "cards_changed": result.cards_changed,
                "secrets_sealed": result.secrets_sealed,
                "erased_before": len(result.erased_before),
            },
        )
        return result

    def read_in(
        self,
        uow: UnitOfWork,
        path: Path,
        progress: Progress,
        write: Callable[[Batch], None] | None = None,
    ) -> ImportResult:
        """Read the file; ``write`` gets each batch, until a line has a problem.

        Raises ``ImportRefused`` with every line with a problem.
        """
        result, repeated = ImportResult(), Repetitions()
        file = PeopleFile(path, self.number_digits)
        planner = Planner(uow, self.sealer, repeated.is_first, self.replace_lost)
        domains = self.domains()
        people = file.people()
        outside, shared, back, changes, card_changes = (list[OnLine]() for _ in range(5))
        while lines := list(islice(people, BATCH)):
            outside += [
                (one.line, f"{one.number} {one.email}")
                for one in lines
                if one.email is not None and email_problem(one.email, domains) is not None
            ]
            taken = [line for line in lines if repeated.takes(line, file.problems)]
            shared += [
                (one.line, f"{one.number} {one.email}, which {other} has, too")
                for one in taken
                if repeated.is_first(one) and (other := repeated.shares_with(one))
            ]
            batch = planner.plan(taken, hold=write is not None and not file.problems)
            file.problems.extend(batch.problems)
            result = result.plus(batch)
            back += [(one.line, f"{one.number} {one.name}") for one in batch.erased_before]
            changes += batch.changes
            card_changes += batch.card_changes
            if write is not None and not file.problems:
                write(batch)
            progress(file.position, file.size)
        if file.problems:
            raise ImportRefused(tuple(sorted(file.problems)))
        return replace(
            result,
            lines=file.lines,
            digest=file.digest,
            opened=file.opened,
            outside_domains=tuple(outside),
            shared_addresses=tuple(shared),
            erased_before=tuple(back),
            changes=tuple(changes),
            card_changes=tuple(card_changes),
        )


def _write(
    uow: UnitOfWork,
    sealer: Sealer,
    reference: str,
    actor: str,
    domains: tuple[str, ...],
    batch: Batch,
) -> None:
    """Write a batch, audit its changes, and queue its mails; new people are only counted."""
    for replaced in batch.secrets_replaced:
        archive_secrets(uow, sealer, replaced)
    people = batch.people_added + [person.now for person in batch.people_changed]
    cards = batch.cards_added + [card.now for card in batch.cards_changed]
    uow.holders.put(people, batch.addresses)
    uow.cards.put(cards)
    for replaced in batch.secrets_replaced:
        end_visits(uow, replaced.id, granted=True)
    uow.search.refresh({holder.id for holder in people} | {card.holder_id for card in cards})
    for person in batch.people_changed:
        detail: dict[str, Scalar] = {
            "by": "import",
            "revision": person.was.revision + 1,
            "name": person.now.name != person.was.name,
            "email": person.address is not None,
        }
        if person.address is not None:
            detail["approved"] = email_problem(person.address.value, domains) is None
            detail["address"] = person.address.id
        uow.audit.append(
            kind=ServiceKind.PERSON_CHANGED.value,
            reference=reference,
            holder_id=person.now.id,
            actor=actor,
            detail=detail,
        )
    for card in batch.cards_changed:
        uow.audit.append(
            kind=ServiceKind.CARD_CHANGED.value,
            reference=reference,
            holder_id=card.now.holder_id,
            card_id=card.now.id,
            actor=actor,
            detail={"by": "import", "changed": card.words},
        )
    for notice, holder, addresses in batch.card_news:
        notify_holder(uow, notice, reference, holder, addresses)
    for person in batch.people_changed:
        if person.address is not None and person.loses_an_address:
            new = person.address.value
            notify_holder(
                uow,
                Notice.RECORDED_EMAIL_CHANGED,
                reference,
                person.was,
                person.known,
                new_email=new,
                leave_out=new,
            )


# Importing people from files in the imports folder of this machine.

FIELD = "imports"
"""The field in ``NotTaken``: the folder is wrong, and no entered value."""


class ImportDesk(Desk):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        means = office.means
        self._folder = means.imports
        self._people = PeopleImport(
            means.store,
            means.sealer,
            means.number_digits,
            domains=lambda: means.policy().email_domains,
        )

    def files(self) -> tuple[ImportFile, ...]:
        """Return the files, newest first; no folders, links or hidden files."""
        with self._office.look(Action.IMPORT_PEOPLE):
            return tuple(sorted(self._files(), key=lambda file: file.changed_at, reverse=True))

    def rehearse(self, name: str, progress: Progress) -> ImportResult:
        """Do everything except writing; progress is in bytes."""
        try:
            with self._office.look(Action.IMPORT_PEOPLE) as uow:
                result = self._people.read_in(uow, self._path(name), progress)
                needs_second = self._office.needs_second(uow, Action.IMPORT_PEOPLE)
                return replace(result, waits=needs_second and result.known_touched > 0)
        except ImportRefused as refused:
            return ImportResult(problems=refused.problems)

    def run(
        self,
        name: str,
        grounds: Grounds,
        progress: Progress,
        *,
        digest: str = "",
        plan: str = "",
    ) -> ImportResult:
        """Import all of it, or nothing where it has problems; a refused actor delays nobody.

        An imported file is removed, as it holds secrets in clear. Changes of recorded people may
        wait for a second member of staff. Raises ``ConcurrentChange`` where the file is not the one
        with ``digest``, which was tried or proposed, or would do something else than ``plan``.
        """
        proposal = Proposal(ImportPeopleFile(name))
        importing = self._office.act(Action.IMPORT_PEOPLE, grounds, proposal=proposal)
        try:
            with importing as act:
                by, path = audit_name(act.actor), self._path(name)
                result = self._people.run_in(act.uow, path, by, act.signature(), progress)
                act.waits = waits = act.waits and result.known_touched > 0
                act.amend(digest=result.digest, known=result.known_touched, plan=result.plan)
                if digest and digest != result.digest:
                    raise ConcurrentChange(PlainRefusal.FILE_CHANGED_SINCE)
                if plan and plan != result.plan:
                    raise ConcurrentChange(PlainRefusal.PLAN_CHANGED_SINCE)
        except ImportRefused as refused:
            return ImportResult(problems=refused.problems)
        if waits:
            return replace(result, waits=True)
        try:
            return replace(result, file_replaced=not result.opened.remove(path))
        except OSError as error:
            return replace(result, file_kept=error.strerror or "it cannot be removed")

    def _files(self) -> list[ImportFile]:
        """Return the plain files of the folder; no links out of it, no pipes, no hidden files."""
        files = []
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    name = entry.name
                    is_hidden = name.startswith(".") or not name.isprintable()
                    if is_hidden or not entry.is_file(follow_symlinks=False):
                        continue
                    with suppress(FileNotFoundError):  # it may be removed at this moment
                        found = entry.stat(follow_symlinks=False)
                        changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
                        files.append(ImportFile(name, found.st_size, changed_at))
        except FileNotFoundError:
            raise NotTaken(FIELD, NoImportsFolder(str(self._folder))) from None
        except OSError as error:
            fails = ImportsFolderFails(str(self._folder), error.strerror or "")
            raise NotTaken(FIELD, fails) from None
        return files

    def _path(self, name: str) -> Path:
        if name not in {file.name for file in self._files()}:
            raise NotFound(NoSuchFile(name))
        return self._folder / name
