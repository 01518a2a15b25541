"""A card proves that it is the one that was issued, before its holder is asked for anything.

The authority draws a challenge and stores it with the visit, in the database. A signed token would
need no row, but could not be limited to one use without one. A challenge is bound to one visit and
its card, any process of the estate can judge the answer, a newer challenge replaces it, and the
first answer uses it up, right or wrong, in the transaction that acts on it.

The key that has to be proven is recomputed from the records each time: a station that conceals the
card's key, or skips the proof, gets nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, assert_never

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.audit.sentences import Unproven
from kiosk.authority.crypto.card_keys import (
    Issuers,
    key_from,
    kind_of,
    may_be,
    named_by_key,
    offers_unsupported_key,
    proves,
)
from kiosk.authority.crypto.derivation import framed
from kiosk.authority.crypto.revocation import Revocation
from kiosk.authority.records import Card, Visit
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.errors import StepRefused
from kiosk.contract.families import PROVE_THEMSELVES
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    KeyAnswer,
    KeyNonce,
    Reason,
    Refusal,
    VisitEnd,
)
from kiosk.contract.policy import Genuine, Policy

CHALLENGE_LIFE: Final = timedelta(seconds=60)
"""A card answers within a second; a minute leaves room for a slow one in a slow reader."""

_NONCE_BYTES: Final = 32
_SCOPE: Final = b"unlock-kiosk card proof 1\0"
"""Prefix of what a card signs here, so that the signature has no meaning elsewhere."""


def key_to_prove(policy: Policy, card: Card, offered: bytes | None) -> bytes | None:
    """Return the key that a card has to prove; a recorded one goes before the one it offers."""
    if policy.genuine is Genuine.NEVER:
        return None
    return card.auth_key or offered


def claim(
    policy: Policy,
    issuers: Issuers | None,
    card: Card,
    certificate: bytes | None,
    now: datetime,
    *,
    knows_keys: bool,
) -> bytes | Unproven | None:
    """Judge a card's report: the key that it has to prove, or why none suffices.

    A key of a kind that cannot be checked is no proof, and not the same as no key. Where the
    settings name issuers, the card also has to show a certificate of theirs: a key may have been
    recorded before that setting.

    ``knows_keys``: a key is recorded for this card or another one of its holder. Then a card of a
    family that can prove itself is not served on its name alone.

    A certificate that its issuer revoked is refused, whatever the policy asks for.
    """
    status = Revocation.GOOD if issuers is None else issuers.revocation(certificate, now)
    if status is Revocation.REVOKED:
        return Unproven.REVOKED
    offered = key_from(certificate)
    key = key_to_prove(policy, card, offered)
    if key is None and policy.genuine is not Genuine.NEVER and offers_unsupported_key(certificate):
        return Unproven.UNSUPPORTED_KEY
    if key is None:
        can = card.driver in PROVE_THEMSELVES and knows_keys
        due = policy.genuine is Genuine.ALWAYS or (policy.genuine is Genuine.WHEN_IT_CAN and can)
        return Unproven.NO_KEY if due else None
    if not may_be(card.identity, key):
        return Unproven.UNKNOWN_KEY
    if issuers is None:
        return key
    shown = certificate is not None and offered == key
    vouched = shown and issuers.vouch(certificate or b"", card.identity, now)
    if not vouched:
        return Unproven.NOT_ISSUED
    return Unproven.NO_CURRENT_LIST if status is Revocation.PAST else key


def unlock_barred(
    policy: Policy, issuers: Issuers | None, card: Card, key: bytes | None
) -> Unproven | None:
    """Return why no secret is released though the card has proven ``key``.

    Where every card has to be genuine, a key that is not recorded, certified or named by the card
    shows only that somebody has a key.
    """
    if policy.genuine is not Genuine.ALWAYS:
        return None
    known = card.auth_key is not None or issuers is not None
    named = key is not None and named_by_key(card.identity, key)
    return None if known or named else Unproven.UNKNOWN_KEY


def draw(visit: Visit, key: bytes, now: datetime) -> tuple[Visit, CardChallenge]:
    """Draw a challenge, unless one is valid: a repeated call must not undo what the card signs."""
    waiting, since = visit.challenge, visit.challenged_at
    if visit.auth_key == key and waiting is not None and is_waiting(since, now, CHALLENGE_LIFE):
        return visit, _challenge(visit, key, waiting)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    drawn = replace(visit, auth_key=key, challenge=nonce, challenged_at=now)
    return drawn, _challenge(drawn, key, nonce)


def is_waiting(since: datetime | None, now: datetime, life: timedelta) -> bool:
    """Return whether an earlier challenge can still be answered in time, with half of its life."""
    return since is not None and abs(now - since) < life / 2


def judge(visit: Visit, proof: CardProof | None, now: datetime) -> tuple[Visit, Unproven | None]:
    """Use up the open challenge; return the changed visit, and why the answer is no proof.

    Raises ``StepRefused`` where no challenge is open, or it has expired.
    """
    key, nonce, drawn_at = visit.auth_key, visit.challenge, visit.challenged_at
    if key is None or nonce is None or drawn_at is None:
        raise StepRefused("no proof was asked for")
    if abs(now - drawn_at) >= CHALLENGE_LIFE:
        raise StepRefused("the challenge is too old")
    used = replace(visit, challenge=None, challenged_at=None)
    if proof is None:
        return used, Unproven.NO_ANSWER
    if not proves(key, _challenge(visit, key, nonce), proof):
        return used, Unproven.WRONG_ANSWER
    return replace(used, genuine_at=now), None


def digest_of(call: str, proof: CardProof | KeyNonce | KeyAnswer | None) -> bytes:
    """Return what identifies one proof, judged in one call, so that a repeat is recognised."""
    match proof:
        case CardProof():
            evidence = proof.signature
        case KeyNonce():
            evidence = proof.nonce
        case KeyAnswer():
            evidence = proof.cryptogram
        case None:
            evidence = b""
        case _:
            assert_never(proof)
    return sha256(framed(call, type(proof).__name__) + evidence).digest()


def refused_before(visit: Visit | None, judged: bytes) -> Refusal | None:
    """Return the refusal of the same call, where this is its repeat."""
    if visit is None or visit.closed_at is None or visit.judged != judged:
        return None
    return Refusal(visit.refusal) if visit.refusal else None


def close_unproven(uow: UnitOfWork, visit: Visit, because: Unproven, judged: bytes) -> None:
    """Close the visit of a card that is not genuine; its holder is not shown the reason."""
    record(uow, AuditKind.CARD_UNPROVEN, visit, because=because.value)
    uow.visits.close(visit.id, uow.now, VisitEnd.REFUSED)
    uow.visits.note_refusal(visit.id, Reason.NOT_GENUINE, judged)


def _challenge(visit: Visit, key: bytes, nonce: bytes) -> CardChallenge:
    return CardChallenge(to_sign(_SCOPE, visit, nonce), kind_of(key))


def to_sign(scope: bytes, visit: Visit, nonce: bytes) -> bytes:
    """Return what the card of a visit signs, 32 bytes: a hash of scope, visit, card and nonce.

    A card signs with Ed25519 what it is sent, and some cards answer 9000 and the signature of
    something else for a message of any other length.
    """
    return sha256(scope + f"{visit.id}\0{visit.card_id}\0".encode() + nonce).digest()
