"""Every act that can wait for a second member of staff: what it says, and how it is done then.

Doing it is the call of the very use case that was called when it was proposed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kiosk.administration.desk import AdminDesk
from kiosk.administration.new_card import card_of, secret_of
from kiosk.administration.progress import unseen
from kiosk.administration.proposals import OpenedAct
from kiosk.administration.public_keys import read_public_key
from kiosk.administration.views.acting import Done, Grounds
from kiosk.errors import NothingThere, NotTaken
from kiosk.roles import Action, Role
from kiosk.sensitive import Sensitive
from kiosk.store.unit_of_work import UnitOfWork

_UNASKED: Final = Grounds("")
"""The office of an agreement has the grounds already, of both members."""

Words = Callable[[UnitOfWork, OpenedAct], str]
Perform = Callable[[AdminDesk, OpenedAct], Done]


@dataclass(frozen=True, slots=True)
class ActKind:
    """One act: the action that it asks of a role, what it would do, and how it is done.

    The words may hold what was entered, and never a secret.
    """

    action: Action
    words: Words
    perform: Perform


# --- words -----------------------------------------------------------------------------


def _new_card(uow: UnitOfWork, opened: OpenedAct) -> str:
    with_secret = ", with an unblock secret" if secret_of(opened) else ""
    return f"Add the card {opened.text('driver')} {opened.text('identifier')}{with_secret}."


def _replacing(uow: UnitOfWork, opened: OpenedAct) -> str:
    with_secret = ", with an unblock secret" if secret_of(opened) else ""
    new = f"{opened.text('driver')} {opened.text('identifier')}{with_secret}"
    return f"Replace the card {_card(uow, opened)} by {new}."


def _secret(uow: UnitOfWork, opened: OpenedAct) -> str:
    full = " The card was just given it." if opened.truth("tries_full") else ""
    return f"Set another unblock secret for the card {_card(uow, opened)}.{full}"


def _add_staff(uow: UnitOfWork, opened: OpenedAct) -> str:
    key = _fingerprint(opened)
    return f"Let in {opened.text('name')} as {opened.text('role')}, with the key {key}."


def _role(uow: UnitOfWork, opened: OpenedAct) -> str:
    return f"Give {_member(uow, opened)} the role {opened.text('role')}."


def _add_key(uow: UnitOfWork, opened: OpenedAct) -> str:
    return f"Let {_member(uow, opened)} in with the key {_fingerprint(opened)}, too."


def _policy(uow: UnitOfWork, opened: OpenedAct) -> str:
    return f"Set {opened.text('name')} to {opened.text('value') or 'an empty list'}."


def _import(uow: UnitOfWork, opened: OpenedAct) -> str:
    known = opened.number("known") or 0
    changes = "one change" if known == 1 else f"{known} changes"
    digest = opened.text("digest")[:16]
    return (
        f"Import the file {opened.text('name')} (SHA-256 {digest}...), with {changes} of "
        "addresses, cards, keys or secrets of people who are known already."
    )


def _redact(uow: UnitOfWork, opened: OpenedAct) -> str:
    what = "everything in words" if opened.truth("whole") else "the reason"
    return f"Take {what} out of row {opened.number('row')} of the audit."


def _card(uow: UnitOfWork, opened: OpenedAct) -> str:
    card = uow.cards.get(opened.card_id)
    return f"{card.driver} {card.identifier}" if card else "that is not recorded any more"


def _member(uow: UnitOfWork, opened: OpenedAct) -> str:
    member = uow.staff.get(opened.staff_id)
    return member.name if member else "somebody who is not recorded any more"


def _fingerprint(opened: OpenedAct) -> str:
    try:
        return read_public_key(opened.text("public_key")).fingerprint
    except NotTaken:
        return "that cannot be read"


# --- doing it --------------------------------------------------------------------------


def _set_secret(desk: AdminDesk, opened: OpenedAct) -> Done:
    secret = secret_of(opened) or Sensitive("")
    return desk.cards.set_secret(
        opened.seen, opened.card_id, secret, _UNASKED, tries_full=opened.truth("tries_full")
    )


def _run_import(desk: AdminDesk, opened: OpenedAct) -> Done:
    result = desk.imports.run(opened.text("name"), unseen)
    if result.problems:
        line, because = result.problems[0]
        raise NotTaken("imports", f"Nothing was imported. Line {line}: {because}.")
    return Done(f"{result.lines} lines were imported.", result.reference)


ACTS: Final[dict[str, ActKind]] = {
    "people.lift_block": ActKind(
        Action.LIFT_BLOCK,
        lambda uow, opened: "Lift the block.",
        lambda desk, opened: desk.people.lift_block(opened.seen, _UNASKED),
    ),
    "people.revoke_registration": ActKind(
        Action.REVOKE_REGISTRATION,
        lambda uow, opened: "Revoke the registration, so that they register anew.",
        lambda desk, opened: desk.people.revoke_registration(opened.seen, _UNASKED),
    ),
    "people.correct_email": ActKind(
        Action.CORRECT_EMAIL,
        lambda uow, opened: f"Correct the email address to {opened.text('email')}.",
        lambda desk, opened: desk.people.correct_email(opened.seen, opened.text("email"), _UNASKED),
    ),
    "cards.add": ActKind(
        Action.ADD_CARD,
        _new_card,
        lambda desk, opened: desk.cards.add(opened.seen, card_of(opened), _UNASKED),
    ),
    "cards.replace": ActKind(
        Action.REPLACE_CARD,
        _replacing,
        lambda desk, opened: desk.cards.replace(
            opened.seen, opened.card_id, card_of(opened), _UNASKED
        ),
    ),
    "cards.set_secret": ActKind(Action.SET_SECRET, _secret, _set_secret),
    "staff.add": ActKind(
        Action.ADD_STAFF,
        _add_staff,
        lambda desk, opened: desk.staff.add(
            opened.text("name"), Role(opened.text("role")), opened.text("public_key"), _UNASKED
        ),
    ),
    "staff.change_role": ActKind(
        Action.CHANGE_ROLE,
        _role,
        lambda desk, opened: desk.staff.change_role(
            opened.staff_id, Role(opened.text("role")), opened.kept.revision, _UNASKED
        ),
    ),
    "staff.add_key": ActKind(
        Action.ADD_STAFF_KEY,
        _add_key,
        lambda desk, opened: desk.staff.add_key(
            opened.staff_id, opened.text("public_key"), opened.kept.revision, _UNASKED
        ),
    ),
    "policy.change": ActKind(
        Action.CHANGE_POLICY,
        _policy,
        lambda desk, opened: desk.policy.change(
            opened.text("name"), opened.text("value"), opened.kept.revision, _UNASKED
        ),
    ),
    "policy.reset": ActKind(
        Action.CHANGE_POLICY,
        lambda uow, opened: f"Let the settings file's value of {opened.text('name')} count again.",
        lambda desk, opened: desk.policy.reset(opened.text("name"), opened.kept.revision, _UNASKED),
    ),
    "audit.redact": ActKind(
        Action.REDACT_AUDIT,
        _redact,
        lambda desk, opened: desk.audit.redact(
            opened.number("row") or 0, _UNASKED, whole=opened.truth("whole")
        ),
    ),
    "imports.run": ActKind(Action.IMPORT_PEOPLE, _import, _run_import),
}
"""By the name of the use case, as a ``Proposal`` has it."""


def kind_of(act: str) -> ActKind:
    """Return an act by name; another version of the program may know others."""
    kind = ACTS.get(act)
    if kind is None:
        raise NothingThere("This version of the program cannot do what was proposed.")
    return kind
