"""Importing people from files that somebody put into the imports folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kiosk.administration.import_people import ImportSummary, PeopleImport
from kiosk.administration.office import Act, Office, audit_name
from kiosk.administration.progress import Progress
from kiosk.administration.proposals import Proposal
from kiosk.administration.views.acting import Grounds
from kiosk.administration.views.service import ImportFile, ImportResult
from kiosk.errors import ChangedMeanwhile, ImportRefused, KeysAway, NothingThere, NotTaken
from kiosk.roles import Action

FIELD = "imports"
"""The field that ``NotTaken`` names: nothing that was entered is wrong, the folder is."""

PROBLEMS_SHOWN = 200


class LocalImportDesk:
    """Implements ``ImportDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office
        means = office.means
        self._folder = means.imports
        self._people = PeopleImport(
            means.store, means.sealer, means.number_digits, domains=self._approved
        )

    def _approved(self) -> tuple[str, ...]:
        return self._office.means.policy().email_domains

    def files(self) -> tuple[ImportFile, ...]:
        """Return what is there, newest first; no folders, links or hidden files."""
        with self._office.look(Action.IMPORT_PEOPLE):
            return tuple(sorted(self._files(), key=lambda file: file.changed_at, reverse=True))

    def rehearse(self, name: str, progress: Progress) -> ImportResult:
        """Do all but write; progress is told in bytes."""
        with _plainly():
            try:
                with self._office.look(Action.IMPORT_PEOPLE) as uow:
                    return _result(self._people.rehearse_in(uow, self._path(name), progress))
            except ImportRefused as refused:
                return _refused(refused)

    def run(self, name: str, progress: Progress) -> ImportResult:
        """Import all of it, or nothing where it has problems; one who may not holds nobody up.

        A file that was imported is removed, for it holds secrets in clear.
        What touches people who are known already may wait for a second member of staff; the
        file that they agree to is the one that was read now.
        """
        proposal = Proposal("imports.run", {"name": name})
        grounds = Grounds("Import of a file from the imports folder")
        importing = self._office.act(Action.IMPORT_PEOPLE, grounds, proposal=proposal)
        try:
            with _plainly(), importing as act:
                by, path = audit_name(act.actor), self._path(name)
                summary = self._people.run_in(act.uow, path, by, progress)
                act.waits = act.waits and summary.known_touched > 0
                act.amend(digest=summary.digest, known=summary.known_touched)
                _need_same_file(act, summary)
        except ImportRefused as refused:
            return _refused(refused)
        kept = "" if act.waits else _remove(path)
        return _result(summary, waits=act.waits, kept=kept)

    def _files(self) -> list[ImportFile]:
        try:
            with os.scandir(self._folder) as entries:
                return [file for entry in entries for file in _listed(entry)]
        except OSError as error:
            because = error.strerror or "it does not answer"
            raise NotTaken(FIELD, f"The imports folder {self._folder}: {because}.") from None

    def _path(self, name: str) -> Path:
        """Return the path of a file that is listed, by its name alone."""
        if name not in {file.name for file in self._files()}:
            raise NothingThere(f"There is no file {name} in the imports folder (any more).")
        return self._folder / name


@contextmanager
def _plainly() -> Iterator[None]:
    """Say in plain words what staff cannot mend."""
    try:
        yield
    except KeysAway:
        raise NotTaken(
            FIELD,
            "The master keys are away, so that secrets cannot be compared: nothing was "
            "imported. Try again later, or tell the machine's administrator.",
        ) from None


def _listed(entry: os.DirEntry[str]) -> Iterator[ImportFile]:
    """Yield a plain file of this folder; no link out of it, no pipe, no hidden file."""
    name = entry.name
    if name.startswith(".") or not name.isprintable() or not entry.is_file(follow_symlinks=False):
        return
    with suppress(FileNotFoundError):  # it may be taken away at this moment
        found = entry.stat(follow_symlinks=False)
        yield ImportFile(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _need_same_file(act: Act, summary: ImportSummary) -> None:
    """Raise ``ChangedMeanwhile`` where the file is not the one that was proposed."""
    if act.agreement and act.agreement.proposed.text("digest") != summary.digest:
        raise ChangedMeanwhile("The file was changed since it was proposed: propose it anew.")


def _remove(path: Path) -> str:
    """Delete the file; return why it is still there, or nothing.

    It is not overwritten before: on a solid-state disk that reaches other cells than it did.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or "it cannot be removed"
    return ""


def _result(summary: ImportSummary, *, waits: bool = False, kept: str = "") -> ImportResult:
    return ImportResult(
        lines=summary.lines,
        people_added=summary.people_added,
        people_changed=summary.people_changed,
        cards_added=summary.cards_added,
        cards_changed=summary.cards_changed,
        secrets_sealed=summary.secrets_sealed,
        reference=summary.reference,
        waits=waits,
        known=summary.known_touched,
        outside_domains=summary.outside_domains,
        file_kept=kept,
        erased_before=tuple(
            (line, f"{number} {name}")
            for line, number, name in summary.erased_before[:PROBLEMS_SHOWN]
        ),
        erased_before_in_all=len(summary.erased_before),
    )


def _refused(refused: ImportRefused) -> ImportResult:
    problems = refused.problems
    return ImportResult(
        0, 0, 0, 0, 0, 0, "", problems=problems[:PROBLEMS_SHOWN], problems_in_all=len(problems)
    )
