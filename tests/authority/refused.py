"""Why somebody was refused, and how a card that is not genuine is."""

from __future__ import annotations

from kiosk.contract.messages import Reason, Refusal
from tests.authority.world import World


def is_turned_away(world: World, reply: object, because: str) -> bool:
    """Tell whether that is the one page, and the audit knows more."""
    assert isinstance(reply, Refusal), reply
    unproven, refused = world.events()[-2:]
    assert (unproven.kind, refused.kind) == ("card-unproven", "refused")
    assert refused.detail == {"reason": "not-genuine"}
    assert unproven.reference == refused.reference
    assert unproven.detail == {"because": because}
    return reply.reason is Reason.NOT_GENUINE


def reason_of(reply: object) -> Reason:
    """Return why that was a refusal."""
    assert isinstance(reply, Refusal), reply
    return reply.reason
