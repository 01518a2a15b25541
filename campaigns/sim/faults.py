"""What goes wrong in a simulation, how often, and what was seen of it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """Each strikes at one kind of point."""

    TORN_BEFORE = "card out before a command"
    TORN_AFTER = "card out after a command"
    ANSWER_LOST = "a card's answer lost"
    CARD_RESET = "card reset by somebody else"
    REQUEST_LOST = "a request lost"
    REPLY_LOST = "a reply lost"
    REPEATED = "a request sent twice"
    COMMIT_LOST = "a commit's answer lost"
    BUSY = "database busy"
    REPLICA_KILLED = "authority killed"
    STATION_KILLED = "station killed"
    MAIL_AWAY = "mail relay away"
    MAIL_SLOW = "mail slow"
    CLOCK_SET = "clock set"


CHANCES = {
    Fault.TORN_BEFORE: 0.002,
    Fault.TORN_AFTER: 0.002,
    Fault.ANSWER_LOST: 0.002,
    Fault.CARD_RESET: 0.002,
    Fault.REQUEST_LOST: 0.01,
    Fault.REPLY_LOST: 0.03,
    Fault.REPEATED: 0.05,
    Fault.COMMIT_LOST: 0.01,
    Fault.BUSY: 0.01,
    Fault.REPLICA_KILLED: 0.002,
    Fault.STATION_KILLED: 0.002,
    Fault.MAIL_AWAY: 0.05,
    Fault.MAIL_SLOW: 0.1,
    Fault.CLOCK_SET: 0.1,
}
"""Of each fault, at each point where it can strike."""


@dataclass
class Faults:
    """Draws them; nothing goes wrong while it is not ``on``."""

    random: random.Random
    on: bool = True
    seen: Counter[Fault] = field(default_factory=Counter)

    def strikes(self, fault: Fault) -> bool:
        """Draw whether it happens here."""
        if not self.on or self.random.random() >= CHANCES[fault]:
            return False
        self.seen[fault] += 1
        return True
