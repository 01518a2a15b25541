"""Numbers that notices give: whoever reads one out has everything of its holder stopped.

Only keyed digests are kept. A number is looked for by its digest, so there is no salt, and no
two that are kept are the same.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select

from kiosk.authority.store.gateway import Gateway
from kiosk.authority.store.prepared import Prepared
from kiosk.authority.store.records import Charge, StopNumber, Verdict, new_id
from kiosk.authority.store.repositories import Repository
from kiosk.authority.store.repositories.attempts import Attempts
from kiosk.authority.store.tables import AttemptRow, StopNumberRow, col, values
from kiosk.contract.errors import StoreError

STOP_NUMBER_DIGITS: Final = 8
STOP_NUMBER_LIFE: Final = timedelta(days=30)
"""How long a number counts."""
STOP_NUMBER_KEPT: Final = timedelta(days=180)
"""After so long housekeeping deletes a number: until then one that is too old is recognised."""

DAY: Final = timedelta(days=1)

_USE: Final = "stop-number"
_DRAWS: Final = 20


_KEPT = Prepared(select(StopNumberRow).where(col(StopNumberRow.digest) == bindparam("digest")))


class StopNumbers(Repository):
    """The numbers of all holders, and the entries of them at stations."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        super().__init__(gateway, now)
        self._attempts = Attempts(gateway, now)

    def draw(self, holder_id: str, visit_id: str) -> str:
        """Draw a number for what happened in a visit, and keep its digest; return the digits."""
        for _ in range(_DRAWS):
            digits = f"{secrets.randbelow(10**STOP_NUMBER_DIGITS):0{STOP_NUMBER_DIGITS}d}"
            digest, *of_older_keys = self._gateway.number_digests(_USE, digits)
            if any(self._kept(each) for each in of_older_keys):
                continue
            number = StopNumber(new_id(), holder_id, visit_id, digest, self._now)
            if self._gateway.add_new(StopNumberRow, values(number)):
                return digits
        raise StoreError("no free stop number was found", "stop-number")

    def find(self, digits: str) -> StopNumber | None:
        """Return the one with these digits, also one that was used up or is too old."""
        digests = self._gateway.number_digests(_USE, digits)
        return next((kept for kept in map(self._kept, digests) if kept), None)

    def _kept(self, digest: str) -> StopNumber | None:
        row = self._gateway.one(_KEPT, StopNumberRow, {"digest": digest})
        return row.record(StopNumber) if row else None

    def is_too_old(self, number: StopNumber) -> bool:
        """Tell whether a number counts no more for its age."""
        return number.made_at + STOP_NUMBER_LIFE <= self._now

    def use_all(self, holder_id: str) -> None:
        """Note that a holder's numbers have done what they are for: none counts again."""
        theirs = col(StopNumberRow.holder_id) == holder_id, col(StopNumberRow.used_at).is_(None)
        self._gateway.change(StopNumberRow, *theirs, used_at=self._now)

    # --- entering ---

    def left(self, entries: str, visit_id: str, *, a_visit: int, a_day: int) -> int:
        """Return how many entries are left for a visit; hold the holder's cards to charge one.

        ``entries`` is the account that they are charged to, see ``entries_subject``.
        """
        subject, at = col(AttemptRow.subject), col(AttemptRow.charged_at)
        wrong = (
            subject == entries,
            at > self._now - DAY,
            col(AttemptRow.verdict).is_distinct_from(Verdict.RIGHT),
        )
        here = col(AttemptRow.attempt_id).startswith(f"{visit_id}/", autoescape=True)
        of_day: int = self._gateway.scalar(select(func.count()).where(*wrong)) or 0
        of_visit: int = self._gateway.scalar(select(func.count()).where(*wrong, here)) or 0
        return max(0, min(a_day - of_day, a_visit - of_visit))

    def charge(
        self, entries: str, visit_id: str, attempt: str, digits: str, left: int
    ) -> Charge | None:
        """Charge one entry before it is looked at, once for each attempt; commit this alone.

        ``left`` is what ``left`` returned under the same hold. None where nothing is left, or
        where the attempt was charged for other digits.
        """
        given = self._gateway.number_digests(_USE, digits)[0].encode()
        charge = self._attempts.charge(
            entries,
            f"{visit_id}/{attempt}",
            given,
            take=lambda: left - 1 if left > 0 else None,
            undo=lambda: None,
        )
        if charge is None or charge.verdict is not None or charge.given == given:
            return charge
        return None

    def conclude(self, entries: str, charge: Charge, verdict: Verdict) -> bool:
        """Give a charged entry its verdict; False when it has one."""
        return self._attempts.conclude(entries, charge.attempt_id, verdict)


def entries_subject(holder_id: str, *, proven: bool) -> str:
    """Return the account that entries of stop numbers are charged to.

    Cards that are known by name only have one apart: a copy must not use up what the holder
    can enter with a card that has proven itself.
    """
    return f"stop:{holder_id}" if proven else f"stop-unproven:{holder_id}"


def read_stop_number(text: str) -> str | None:
    """Return the digits of what somebody typed, with or without spaces; None for anything else."""
    digits = "".join(text.split())
    is_one = len(digits) == STOP_NUMBER_DIGITS and digits.isascii() and digits.isdigit()
    return digits if is_one else None
