"""Before: who answers for the gateway listed messages as failed that it was never given.

So numbers seemed to fail, and staff replaced them, or holders went elsewhere.
"""

from __future__ import annotations

from kiosk.authority.records import Card
from kiosk.authority.texts.senders import NotifySender
from tests.authority.texts.test_receipts import (
    at,  # noqa: F401 - a fixture
    failed,
    notify,  # noqa: F401 - a fixture
    number_of,
    receipts,
    sent_notice,
)
from tests.authority.world import World
from tests.support.gateway import Gateway


def test_failure_without_a_right_reference_marks_no_number(
    world: World,
    card: Card,
    at: Gateway,  # noqa: F811
    notify: NotifySender,  # noqa: F811
) -> None:
    reference = sent_notice(world, card, at, notify)
    forged = reference[:-1] + ("0" if reference[-1] != "0" else "1")
    for wrong in (forged, reference[:26], ""):
        failed(at, wrong)
    assert receipts(world, notify).take_in() == 0
    assert not number_of(world, card).is_failing
