"""What a walk can do."""

from __future__ import annotations

from kiosk.contract.messages import (
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
)

OUTCOMES: dict[str, UnblockOutcome] = {
    "settle-done": UnblockDone(),
    "settle-wrong-secret": UnblockRefused(2, "63C2"),
    "settle-pin-refused": UnblockRefused(None, "history"),
    "settle-not-sent": UnblockNotSent(),
    "settle-unknown": UnblockUnknown(),
}
CALLS = (
    "insert-blocked insert-working answer-right answer-wrong send enter-right enter-wrong "
    "enter-old assist-give assist-withdraw release pull wait-second wait-minutes "
    "call-unlock call-change-pin "
    "call-change-email call-pin-proven call-pin-changing call-pin-changed call-email"
).split()
# Going on as a station would makes long ways likely; the others try to leave them.
ACTIONS = [*["go-on"] * 10, *["insert-blocked"] * 4, *["assist-give"] * 2, *CALLS, *OUTCOMES]
