"""A card with an admin key: the key stays here, and only its cryptogram over two nonces is sent.

Our nonce is stored with the visit, as any challenge is; once the cryptogram was sent, the digest of
the only right answer replaces it. Both are in the database, so that any process of the estate can
go on, and each is valid once, for a minute, for that visit.

One cryptogram is made for each of our nonces, and each is charged: otherwise a station or a card
could collect cryptograms over nonces of its choice. The charge is a use of the key, of which a few
a day are allowed without a right answer. Until the card has proven the recorded key, a try of the
card is charged, too: a wrong key costs one. A wrong answer gives that back, as it did not come from
the card.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.audit.sentences import Unproven
from kiosk.authority.crypto import card_keys
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import SealBroken
from kiosk.authority.store.records import Card, LockedGrant, UnblockEntry, UnblockState, Visit
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.authority.visit.card_evidence import (
    CHALLENGE_LIFE,
    close_unproven,
    digest_of,
    is_waiting,
    refused_before,
)
from kiosk.authority.visit.context import VisitRefused, deciding, find_grant
from kiosk.authority.visit.eligibility import is_key_proven
from kiosk.contract.errors import StepRefused
from kiosk.contract.families import MUTUALLY_AUTHENTICATED, tidy_admin_key
from kiosk.contract.messages import (
    CardProof,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    Reason,
    Refusal,
    VisitId,
)
from kiosk.contract.sensitive import Sensitive


def has_admin_key(card: Card) -> bool:
    """Return whether the card's unblock secret is a key, which is never sent."""
    return card.driver in MUTUALLY_AUTHENTICATED


def draw_number(uow: UnitOfWork, visit: Visit) -> KeyChallenge:
    """Draw our nonce, unless there is one that is still valid.

    Raises ``StepRefused`` while the card may still answer.
    """
    if visit.card_id is None or uow.journal.open_for(visit.card_id) is not None:
        raise StepRefused("an earlier unblock of this card is not settled")
    _forget_other_numbers(uow, visit)
    # Either our nonce or, once its cryptogram was sent, the digest of an answer is stored.
    waiting = visit.challenge
    is_number = waiting is not None and len(waiting) == card_keys.NUMBER_BYTES
    if waiting and is_number and is_waiting(visit.challenged_at, uow.now, CHALLENGE_LIFE):
        return KeyChallenge(waiting)
    number = card_keys.draw_number()
    uow.visits.save(replace(visit, challenge=number, challenged_at=uow.now))
    return KeyChallenge(number)


def _forget_other_numbers(uow: UnitOfWork, visit: Visit) -> None:
    """Drop the open exchanges of the card's other visits.

    A cryptogram that one visit makes over a nonce of the card's choice could be the answer that
    another one expects.
    """
    for other in uow.visits.open_of_card(visit.card_id or ""):
        if other.id != visit.id and other.challenge is not None:
            uow.visits.save(replace(other, challenge=None, challenged_at=None))


def judge_number(
    visit: Visit, given: CardProof | KeyNonce | None, now: datetime
) -> Unproven | None:
    """Return whether the card's nonce can be used.

    Raises ``StepRefused`` where there is none, or ours was not drawn for it.
    """
    ours, cards = _waiting(visit, card_keys.NUMBER_BYTES, now), _number(given)
    return Unproven.MIRRORED if card_keys.mirrors(ours, cards) else None


def need_key(secret: Sensitive) -> None:
    """Raise ``SealBroken`` where the sealed secret is no admin key."""
    try:
        tidy_admin_key(secret.reveal())
    except ValueError:
        raise SealBroken("the sealed secret is no admin key") from None


def use_key(
    uow: UnitOfWork,
    visit: Visit,
    entry: UnblockEntry,
    key: Sensitive,
    given: CardProof | KeyNonce | None,
) -> KeyGrant:
    """Make the cryptogram for the card, and store the digest of its answer."""
    ours, cards = _waiting(visit, card_keys.NUMBER_BYTES, uow.now), _number(given)
    digest = card_keys.awaited(key, ours, cards)
    uow.visits.save(replace(visit, challenge=digest, challenged_at=uow.now))
    made = card_keys.cryptogram(key, ours, cards)
    uow.journal.keep_cryptogram(entry.id, made)
    return KeyGrant(JournalId(entry.id), made)


def made_before(
    visit: Visit, entry: UnblockEntry, given: CardProof | KeyNonce | None, now: datetime
) -> KeyGrant:
    """Return the same cryptogram again, for the same nonce of the card, while it is valid."""
    _waiting(visit, card_keys.DIGEST_BYTES, now)
    if entry.cryptogram is None or entry.proof != digest_of("release", given):
        raise StepRefused("the cryptogram was made for another number")
    return KeyGrant(JournalId(entry.id), entry.cryptogram)


def admit(
    parts: Dependencies, visit_id: VisitId, journal: JournalId, answer: KeyAnswer
) -> Refusal | None:
    """Judge the card's answer, once; None: it has the key, and may be given its PIN.

    Raises ``StepRefused`` where no answer is expected in this visit (any more).
    """
    judged = digest_of(f"admit {journal}", answer)
    with deciding(parts) as uow:
        case = find_grant(uow, parts, visit_id, journal)
        refused = refused_before(case.visit, judged)
        if refused is not None:
            return refused
        if case.visit.judged == judged and case.entry.closed_at is None:
            return None
        digest = _awaited(case, uow.now)
        if not card_keys.is_right(answer.cryptogram, digest):
            _end_exchange(uow, case)
            close_unproven(uow, case.visit, Unproven.NO_ADMIN_KEY, judged)
            raise VisitRefused(Reason.NOT_GENUINE, keep=case.visit)
        _take_in(uow, case, judged)
        uow.commit()
        return None


def owes_answer(card: Card, entry: UnblockEntry) -> bool:
    """Return whether a card has yet to prove its admin key in an unblock; no PIN is set before."""
    return has_admin_key(card) and entry.admitted_at is None


def need_admitted(case: LockedGrant) -> None:
    """Raise ``StepRefused`` while the card owes its answer."""
    if owes_answer(case.card, case.entry):
        raise StepRefused("the card has not shown that it has its admin key")


def _number(given: CardProof | KeyNonce | None) -> bytes:
    if not isinstance(given, KeyNonce) or len(given.nonce) != card_keys.NUMBER_BYTES:
        raise StepRefused("the card's number is missing")
    return given.nonce


def _awaited(case: LockedGrant, now: datetime) -> bytes:
    if case.entry.closed_at is not None or case.visit.closed_at is not None:
        raise StepRefused("the unblock is over")
    if not has_admin_key(case.card):
        raise StepRefused("the card has no admin key")
    return _waiting(case.visit, card_keys.DIGEST_BYTES, now)


def _waiting(visit: Visit, length: int, now: datetime) -> bytes:
    """Return the open challenge of ``length`` bytes; one of another length is something else."""
    waits, since = visit.challenge, visit.challenged_at
    if waits is None or since is None or len(waits) != length:
        raise StepRefused("no such answer was asked for")
    if abs(now - since) >= CHALLENGE_LIFE:
        raise StepRefused("the challenge is too old")
    return waits


def _take_in(uow: UnitOfWork, case: LockedGrant, judged: bytes) -> None:
    """The card has accepted the key and has it: all its tries are there again."""
    uow.cards.know_secret_tries(case.card.id, None)
    uow.cards.key_proven(case.card.id)
    uow.journal.admit(case.entry.id, uow.now)
    uow.visits.save(replace(case.visit, challenge=None, challenged_at=None, judged=judged))
    record(uow, AuditKind.CARD_PROVEN_BY_KEY, case.visit, journal=case.entry.id)


def _end_exchange(uow: UnitOfWork, case: LockedGrant) -> None:
    """Give the try back: it was spent on a card that is not the one that was issued.

    The exchange stays counted (``kiosk.authority.visit.eligibility.key_barred``), as the forged
    card has its cryptogram.
    """
    if not is_key_proven(case.card):
        uow.cards.unexpose_secret(case.card.id)
    uow.journal.close(case.entry.id, UnblockState.REFUSED, "not genuine", uow.now)
