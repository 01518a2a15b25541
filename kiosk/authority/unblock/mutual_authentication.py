"""A card with an admin key: the key stays here, and only its cryptogram over two nonces is sent.

Our nonce is stored with the visit, until the cryptogram is made; the digest of the only right
answer is stored with the journal's entry. Both are in the database, so that any process of the
estate can go on, and each is valid once, for a minute, for that visit.

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
from kiosk.authority.records import UnblockEntry, UnblockState, Visit
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.card_evidence import (
    CHALLENGE_LIFE,
    close_unproven,
    digest_of,
    is_waiting,
    refused_before,
)
from kiosk.authority.visit.context import VisitRefused, deciding, find_grant
from kiosk.authority.visit.rules import has_admin_key, is_key_proven
from kiosk.contract.errors import StepRefused
from kiosk.contract.families import tidy_admin_key
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


def draw_nonce(uow: UnitOfWork, visit: Visit) -> KeyChallenge:
    """Draw our nonce, unless one is valid; ``StepRefused`` while an earlier unblock is open."""
    if visit.card_id is None or uow.journal.open_for(visit.card_id) is not None:
        raise StepRefused("an earlier unblock of this card is not settled")
    # A cryptogram that one visit makes over a nonce of the card's choice could be the answer that
    # another one expects.
    for other in uow.visits.open_of_card(visit.card_id):
        if other.id != visit.id and other.nonce is not None:
            uow.visits.save(replace(other, nonce=None, nonce_drawn_at=None))
    waiting = visit.nonce
    if waiting is not None and is_waiting(visit.nonce_drawn_at, uow.now, CHALLENGE_LIFE):
        return KeyChallenge(waiting)
    nonce = card_keys.draw_nonce()
    uow.visits.save(replace(visit, nonce=nonce, nonce_drawn_at=uow.now))
    return KeyChallenge(nonce)


def judge_nonce(visit: Visit, given: CardProof | KeyNonce | None, now: datetime) -> Unproven | None:
    """Return why the card's nonce is no good; ``StepRefused`` where it or ours is missing."""
    ours, cards = _ours(visit, now), _nonce(given)
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
    ours, cards = _ours(visit, uow.now), _nonce(given)
    uow.visits.save(replace(visit, nonce=None, nonce_drawn_at=None))
    made = card_keys.cryptogram(key, ours, cards)
    uow.journal.keep_cryptogram(entry.id, made, card_keys.awaited(key, ours, cards))
    return KeyGrant(JournalId(entry.id), made)


def made_before(entry: UnblockEntry, given: CardProof | KeyNonce | None, now: datetime) -> KeyGrant:
    """Return the same cryptogram again, for the same nonce of the card, while it is valid."""
    _awaited(entry, now)
    if entry.cryptogram is None or entry.proof != digest_of("release", given):
        raise StepRefused("the cryptogram was made for another nonce")
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
        if case.entry.closed_at is not None or case.visit.closed_at is not None:
            raise StepRefused("the unblock is over")
        if not has_admin_key(case.card):
            raise StepRefused("the card has no admin key")
        if not card_keys.is_right(answer.cryptogram, _awaited(case.entry, uow.now)):
            # The try was spent on a card that is not the one that was issued. The exchange stays
            # counted, as the forged card has its cryptogram.
            if not is_key_proven(case.card):
                uow.cards.give_back_secret_try(case.card.id)
            uow.journal.close(case.entry.id, UnblockState.REFUSED, "not genuine", uow.now)
            close_unproven(uow, case.visit, Unproven.NO_ADMIN_KEY, judged)
            raise VisitRefused(Reason.NOT_GENUINE, keep=case.visit)
        # The card has accepted the key and has it: all its tries are there again.
        uow.cards.know_secret_tries(case.card.id, None)
        uow.cards.key_proven(case.card.id)
        uow.journal.admit(case.entry.id, uow.now)
        uow.visits.save(replace(case.visit, judged=judged))
        record(uow, AuditKind.CARD_PROVEN_BY_KEY, case.visit, journal=case.entry.id)
        uow.commit()
        return None


def _nonce(given: CardProof | KeyNonce | None) -> bytes:
    if not isinstance(given, KeyNonce) or len(given.nonce) != card_keys.NONCE_BYTES:
        raise StepRefused("the card's nonce is missing")
    return given.nonce


def _ours(visit: Visit, now: datetime) -> bytes:
    nonce, drawn_at = visit.nonce, visit.nonce_drawn_at
    if nonce is None or drawn_at is None:
        raise StepRefused("no nonce was drawn for this")
    _need_young(drawn_at, now)
    return nonce


def _awaited(entry: UnblockEntry, now: datetime) -> bytes:
    """Return the digest of the card's answer, while it may come."""
    if entry.awaited is None:
        raise StepRefused("no such answer was asked for")
    _need_young(entry.opened_at, now)
    return entry.awaited


def _need_young(since: datetime, now: datetime) -> None:
    if abs(now - since) >= CHALLENGE_LIFE:
        raise StepRefused("the challenge is too old")
