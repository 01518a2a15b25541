"""Importing people, their cards and unblock secrets: all of a file or nothing of it.

The file is read once, in batches, inside one transaction that is only committed when no
line had a problem. On SQLite that keeps other writers out while it lasts (about two
seconds for ten thousand lines), so a large file is best imported when the stations are quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from kiosk.administration.free_text import cleaned
from kiosk.administration.import_plan import Batch, Planner
from kiosk.administration.kinds import PERSON_IMPORTED
from kiosk.administration.people_file import PeopleFile
from kiosk.administration.people_line import PersonLine
from kiosk.administration.progress import Progress, unseen
from kiosk.administration.repetitions import Repetitions
from kiosk.dialogue import VisitId
from kiosk.errors import ImportRefused
from kiosk.policy.email import email_problem
from kiosk.reference import reference_of
from kiosk.secrets.kept import make_way
from kiosk.secrets.sealing import Sealer
from kiosk.store.database import Store
from kiosk.store.records import Card, new_id
from kiosk.store.unit_of_work import UnitOfWork

BATCH = 500


@dataclass(slots=True)
class ImportSummary:
    """What an import did, or would do; ``reference`` finds it in the audit.

    ``digest`` is the file's; ``known_touched`` as in ``Batch``; ``outside_domains`` counts the
    lines whose address is of no approved domain. ``erased_before`` are the line, number and name
    of each person who was erased and comes back.
    """

    lines: int = 0
    people_added: int = 0
    people_changed: int = 0
    cards_added: int = 0
    cards_changed: int = 0
    secrets_sealed: int = 0
    known_touched: int = 0
    outside_domains: int = 0
    reference: str = ""
    digest: str = ""
    erased_before: list[tuple[int, str, str]] = field(default_factory=list, repr=False)

    def add(self, batch: Batch) -> None:
        """Count one batch more."""
        self.people_added += len(batch.people_added)
        self.people_changed += len(batch.people_changed)
        self.cards_added += len(batch.cards_added)
        self.cards_changed += len(batch.cards_changed)
        self.secrets_sealed += batch.secrets
        self.known_touched += batch.known_touched
        self.erased_before += [(one.line, one.number, one.name) for one in batch.erased_before]


class PeopleImport:
    """Imports files whose holder numbers have ``number_digits`` digits (0: any short text).

    ``replace_lost``: a secret of a file takes the place of one whose key is not there, which
    is refused otherwise: the key may be elsewhere, and the card have another secret by now.
    ``domains`` gives the approved ones, for the summary: an address of another is taken.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        number_digits: int,
        *,
        replace_lost: bool = False,
        domains: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._number_digits = number_digits
        self._replace_lost = replace_lost
        self._domains = domains

    def rehearse(self, path: Path, progress: Progress = unseen) -> ImportSummary:
        """Do all but write; raises ``ImportRefused`` with every line that has a problem."""
        with self._store.read() as uow:
            return self.rehearse_in(uow, path, progress)

    def rehearse_in(
        self, uow: UnitOfWork, path: Path, progress: Progress = unseen
    ) -> ImportSummary:
        """Do as ``rehearse`` does, in a unit of work that the caller has."""
        return self._read(uow, PeopleFile(path, self._number_digits), progress, None)

    def run(self, path: Path, actor: str, progress: Progress = unseen) -> ImportSummary:
        """Import; raises ``ImportRefused`` having changed nothing. ``actor`` is who did it.

        Progress is told in bytes of the file. Raises ``StoreBusy`` and ``StoreError``.
        """
        with self._store.begin() as uow:
            summary = self.run_in(uow, path, actor, progress)
            uow.commit()
        return summary

    def run_in(
        self, uow: UnitOfWork, path: Path, actor: str, progress: Progress = unseen
    ) -> ImportSummary:
        """Do as ``run`` does, in a unit of work that the caller has, and commits."""
        file = PeopleFile(path, self._number_digits)
        told = _Audit(uow, reference_of(VisitId(new_id())), actor)
        summary = self._read(uow, file, progress, told)
        told.of_file(cleaned(path.name), file.digest, summary)
        summary.digest = file.digest
        return summary

    def _read(
        self, uow: UnitOfWork, file: PeopleFile, progress: Progress, told: _Audit | None
    ) -> ImportSummary:
        summary, repeated = ImportSummary(), Repetitions()
        planner = Planner(uow, self._sealer, repeated.is_first, replace_lost=self._replace_lost)
        domains = self._domains()
        for lines in _batches(file.people()):
            summary.outside_domains += sum(_is_outside(line, domains) for line in lines)
            batch = planner.plan([line for line in lines if repeated.takes(line, file.problems)])
            file.problems.extend(batch.problems)
            summary.add(batch)
            if told and not file.problems:
                _write(uow, self._sealer, batch)
                told.of_changes(batch)
            progress(file.position, file.size)
        if file.problems:
            raise ImportRefused(tuple(sorted(file.problems)))
        summary.lines, summary.reference = file.lines, told.reference if told else ""
        return summary


class _Audit:
    """Tells the audit of what changed; new people and cards are told of in sum."""

    def __init__(self, uow: UnitOfWork, reference: str, actor: str) -> None:
        self.reference = reference
        self._uow = uow
        self._actor = actor

    def of_changes(self, batch: Batch) -> None:
        for holder in batch.people_changed:
            self._uow.audit.append(
                kind=PERSON_IMPORTED,
                reference=self.reference,
                holder_id=holder.id,
                actor=self._actor,
                detail={"by": "import", "revision": holder.revision + 1},
            )
        for card in batch.cards_changed:
            self._uow.audit.append(
                kind="card-changed",
                reference=self.reference,
                holder_id=card.holder_id,
                card_id=card.id,
                actor=self._actor,
                detail={"by": "import"},
            )

    def of_file(self, name: str, digest: str, summary: ImportSummary) -> None:
        self._uow.audit.append(
            kind="people-imported",
            reference=self.reference,
            actor=self._actor,
            detail={
                "file": name,
                "sha256": digest,
                "lines": summary.lines,
                "people_added": summary.people_added,
                "people_changed": summary.people_changed,
                "cards_added": summary.cards_added,
                "cards_changed": summary.cards_changed,
                "secrets_sealed": summary.secrets_sealed,
                "erased_before": len(summary.erased_before),
            },
        )


def _write(uow: UnitOfWork, sealer: Sealer, batch: Batch) -> None:
    people = batch.people_added + batch.people_changed
    replaced = {card.id: _make_way(uow, sealer, card) for card in batch.secrets_replaced}
    cards = [replaced.get(card.id, card) for card in batch.cards_added + batch.cards_changed]
    uow.holders.put(people)
    uow.cards.put(cards)
    uow.search.refresh({holder.id for holder in people} | {card.holder_id for card in cards})


def _make_way(uow: UnitOfWork, sealer: Sealer, planned: Card) -> Card:
    """Keep what the new secret of a card takes the place of.

    A card that was unlocked since the line was looked at has another secret by now; that
    counts, and the file's does not.
    """
    now, new = uow.cards.lock(planned.id), planned.sealed_secret
    if now is None or new is None:
        return planned
    before = now.sealed_secret.revision if now.sealed_secret else 0
    if before >= new.revision:
        return replace(
            planned, sealed_secret=now.sealed_secret, secret_generation=now.secret_generation
        )
    make_way(uow, sealer, now)
    return planned


def _is_outside(line: PersonLine, domains: tuple[str, ...]) -> bool:
    return line.email is not None and email_problem(line.email, domains) is not None


def _batches(people: Iterator[PersonLine]) -> Iterator[list[PersonLine]]:
    while lines := list(islice(people, BATCH)):
        yield lines
