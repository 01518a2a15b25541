"""Why it is done, and how the person was identified: what every action is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from kiosk.administration.views.acting import Grounds
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form

T = TypeVar("T")

LEAST, MOST = 3, 200
"""Characters of a reason."""

WAYS = (
    "Photo ID, in person",
    "Photo ID, on a video call",
    "Called back on the number on record",
    "Their line manager vouched for them",
)
"""The common ways to identify somebody."""


def grounds_entries(*, identifies: bool) -> tuple[Entry, ...]:
    """Return the fields that ask for grounds; they end every form that changes something."""
    reason = Entry("reason", "Reason", hint="Why; it is kept.", least=LEAST, most=MOST)
    if not identifies:
        return (reason,)
    return (
        Entry(
            "identified_by",
            "Identified by",
            hint="Up and Down choose; another way can be typed.",
            least=LEAST,
            most=MOST,
            choices=WAYS,
        ),
        reason,
    )


def grounds_of(values: Mapping[str, str]) -> Grounds:
    """Return what was entered into ``grounds_entries``."""
    return Grounds(values["reason"], values.get("identified_by", ""))


class AskGrounds(Form[T]):
    """A form of nothing but grounds; see ``Form`` for what it does with a refusal.

    ``send`` is the call of the desk: ``lambda grounds: desk.stations.retire(name, grounds)``.
    The dialog closes with what it returned.
    """

    def __init__(
        self,
        title: str,
        sentence: str,
        send: Callable[[Grounds], T],
        *,
        button: str,
        identifies: bool = False,
        danger: bool = False,
    ) -> None:
        super().__init__(
            title,
            sentence,
            grounds_entries(identifies=identifies),
            lambda values: send(grounds_of(values)),
            button=button,
            danger=danger,
        )
