"""Whom a station would turn away does not read as able to unlock at the desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from kiosk.authority.administration.standing import standing_of
from kiosk.authority.administration.views import Standing
from kiosk.authority.records import CardStatus
from kiosk.authority.visit.rules import HolderBarred, OutOfUse, card_barred
from kiosk.contract.messages import Reason
from kiosk.contract.policy import Policy
from tests.authority.store import samples
from tests.authority.store.samples import NOW

BEFORE = NOW - timedelta(days=1)
OF_HOLDER: dict[Reason | None, dict[str, Any]] = {Reason.LEAVER: {"left_at": BEFORE}}
OF_CARD: dict[Reason | None, dict[str, Any]] = {
    Reason.CARD_REVOKED: {"status": CardStatus.REVOKED},
    Reason.CARD_EXPIRED: {"expires_at": BEFORE},
    Reason.CARD_STOPPED: {},
}
POLICIES: dict[Reason | None, Policy] = {Reason.CARD_STOPPED: Policy(stop_cards=("piv:*",))}


def standing(reason: Reason | None) -> tuple[Reason | None, Standing]:
    """Return why a registered holder is barred, and their standing, where ``reason`` applies."""
    holder = replace(samples.holder(), **OF_HOLDER.get(reason, {}))
    card = replace(samples.card(holder.id), **OF_CARD.get(reason, {}))
    registration = samples.registration(holder.id)
    policy = POLICIES.get(reason, Policy())
    found = standing_of(holder, [card], registration, policy, NOW, frozenset())
    return card_barred(card, holder, NOW, policy), found


def test_registered_holder_of_a_good_card_can_unlock() -> None:
    assert standing(None) == (None, Standing.READY)


def test_every_bar_has_its_case_here() -> None:
    assert OF_HOLDER.keys() == set(get_args(HolderBarred))
    assert OF_CARD.keys() == set(get_args(OutOfUse))


@pytest.mark.parametrize("reason", [*OF_HOLDER, *OF_CARD])
def test_barred_holder_or_card_does_not_read_as_ready(reason: Reason | None) -> None:
    barred, found = standing(reason)
    assert barred is reason
    assert found is not Standing.READY
