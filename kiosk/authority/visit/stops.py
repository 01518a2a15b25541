"""Which cards the policy stops (``stop_cards``): pure, and recomputed for every call."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kiosk.authority.crypto.card_keys import is_roca, key_from, names_of
from kiosk.authority.records import Card, CardKeys, Visit
from kiosk.contract.policy import Policy
from kiosk.contract.stops import ISSUED, ISSUER, ROCA, StopWord, stop_words

MANY: Final = 0.05
"""A setting that stops a larger part of the recorded cards is asked for twice."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a certificate says that a card shows; ``is_its_own``: of the key that it has to prove.

    One of another key frees no card: every word about certificates holds for it.
    """

    issuer: str
    first_day: str
    is_its_own: bool = True


_ANY: Final = Shown("", "", is_its_own=False)


def shown(certificate: bytes | None, key: bytes | None) -> Shown | None:
    """Return what words are held against, where a card shows a certificate at all."""
    found = None if certificate is None else names_of(certificate)
    if found is None:
        return None
    issuer, first_day = found
    is_its_own = key is None or key_from(certificate) == key
    return Shown(issuer.casefold(), f"{first_day:%Y-%m-%d}", is_its_own)


def is_stopped(
    policy: Policy, card: Card, visit: Visit | None = None, certificate: Shown | None = None
) -> bool:
    """Return whether a rule stops a card by its record, the keys of its visit or what it shows."""
    if not policy.stop_cards:
        return False
    keys = {card.auth_key, card.pin_key}
    if visit is not None:
        keys |= {visit.auth_key, visit.pin_key}
    return any(_holds(_read(rule), card, keys, certificate) for rule in policy.stop_cards)


def may_be_stopped(rules: Collection[str], card: Card | CardKeys) -> bool:
    """Return whether a rule could stop a card, whatever certificate it shows: none is recorded."""
    keys = {card.auth_key, card.pin_key}
    return any(_holds(_read(rule), card, keys, _ANY) for rule in rules)


_read = lru_cache(maxsize=256)(stop_words)


def _holds(
    words: tuple[StopWord, ...],
    card: Card | CardKeys,
    keys: Collection[bytes | None],
    certificate: Shown | None,
) -> bool:
    def holds(word: StopWord) -> bool:
        if word.kind == ROCA:
            return any(key is not None and is_roca(key) for key in keys)
        if word.kind in (ISSUER, ISSUED):
            if certificate is None or not certificate.is_its_own:
                return certificate is not None
            if word.kind == ISSUER:
                return word.value in certificate.issuer
            return word.value <= certificate.first_day <= word.last
        is_prefix, named = word.value.endswith("*"), word.value.removesuffix("*")
        fits = card.identifier.startswith(named) if is_prefix else card.identifier == named
        return card.driver == word.kind and fits

    return all(map(holds, words))
