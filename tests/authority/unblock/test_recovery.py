"""The rules of recovery, against a model of a card and of what is written down about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority import records
from kiosk.authority.unblock.card_secret import (
    ResponseMeaning,
    SecretSlot,
    leaves_enough,
    response_meaning,
    spent,
    to_present,
)
from kiosk.authority.visit.rules import KEPT_SECRET_TRIES


class Fault(Enum):
    """What happens to one command that changes the card."""

    NONE = "none"
    NOT_DONE = "lost before the card did it"
    DONE = "lost after the card did it"


@dataclass
class ModelCard:
    """A PUK and its counter."""

    limit: int
    puk: int = 0
    left: int = 0
    fewest: int = 0

    def __post_init__(self) -> None:
        self.left = self.fewest = self.limit

    def takes(self, puk: int) -> bool:
        """Compare as a card does: charged first, full again after a right one."""
        assert self.left > 0, "a blocked PUK was presented"
        self.left -= 1
        self.fewest = min(self.left, self.fewest)
        if puk == self.puk:
            self.left = self.limit
        return puk == self.puk


@dataclass
class Books:
    """What the database knows; ``numbers``: the card tells how many tries are left."""

    limit: int
    numbers: bool = True
    current: int = 0
    new: int | None = None
    last: SecretSlot = SecretSlot.CURRENT
    left: int = 0
    exposed: int = 0
    former: set[int] = field(default_factory=set)
    drawn: int = 0
    set_aside: bool = False

    def __post_init__(self) -> None:
        self.left = self.limit

    def count(self, card: ModelCard, *, right: bool) -> None:
        """Take the card's number; where it tells none, reckon after a wrong one."""
        if right or self.numbers:
            self.left = card.left
        else:
            self.left -= spent(self.exposed, waits=self.new is not None)
        self.exposed = 0

    def correct(self, card: ModelCard) -> None:
        """Take the card's number when it goes in; which secret it has, that does not say."""
        self.left, self.exposed = card.left, 0

    def keep(self, finding: ResponseMeaning) -> None:
        """Write down which of the two it is; the other one is not thrown away."""
        if finding is ResponseMeaning.NEITHER:
            self.set_aside = True
        elif self.new is not None:
            holds = finding is ResponseMeaning.PENDING_HOLDS
            kept, gone = (self.new, self.current) if holds else (self.current, self.new)
            self.current, self.new = kept, None
            self.former.add(gone)


def unlock(card: ModelCard, books: Books, reset: Fault, change: Fault) -> bool:
    """Let somebody unlock at a station; True when they were, as far as the station knows."""
    while books.left - books.exposed > KEPT_SECRET_TRIES and not books.set_aside:
        waits = books.new is not None
        which = to_present(waits=waits, last=books.last)
        books.last, books.exposed = which, books.exposed + 1
        secret = books.new if which is SecretSlot.PENDING else books.current
        assert secret is not None
        if reset is Fault.NOT_DONE:
            return False
        right = card.takes(secret)
        if reset is Fault.DONE:
            return False
        books.count(card, right=right)
        books.keep(response_meaning(which, right=right, waits=waits))
        if right:
            rotate(card, books, change)
            return True
    return False


def rotate(card: ModelCard, books: Books, fault: Fault) -> None:
    """Change the secret; the station hears nothing where a fault is in the way."""
    books.drawn += 1
    books.new, books.last = books.drawn, SecretSlot.CURRENT
    if fault is not Fault.NOT_DONE:
        assert card.takes(books.current)
        card.puk = books.new
    if fault is Fault.NONE:
        books.keep(ResponseMeaning.PENDING_HOLDS)


faulty = st.tuples(st.sampled_from(Fault), st.sampled_from(Fault))
visits = st.lists(faulty, max_size=12)
told_visits = st.lists(st.tuples(faulty, st.booleans()), max_size=12)
limits = st.integers(3, 10)
numbers = st.booleans()


@given(limit=limits, numbers=numbers, faults=visits)
def test_no_run_of_faults_loses_a_card_or_spends_its_last_try(
    limit: int, faults: list[tuple[Fault, Fault]], *, numbers: bool
) -> None:
    card, books = ModelCard(limit), Books(limit, numbers)
    for reset, change in faults:
        unlock(card, books, reset, change)
        assert card.fewest >= KEPT_SECRET_TRIES
        assert not books.set_aside
        assert card.puk in {books.current, books.new}
        assert books.left - books.exposed <= card.left


@given(limit=limits, numbers=numbers, faults=told_visits)
def test_a_card_that_tells_its_tries_when_it_goes_in_is_lost_as_little(
    limit: int, faults: list[tuple[tuple[Fault, Fault], bool]], *, numbers: bool
) -> None:
    """Some stations read the number and some do not.

    Once it is read, an unlock that nobody cuts spends one try at most; it comes to its end
    where the card has a try for each of two secrets beside the last.
    """
    card, books = ModelCard(limit), Books(limit, numbers)
    for (reset, change), tells in faults:
        if tells:
            books.correct(card)
        unlock(card, books, reset, change)
        assert card.fewest >= KEPT_SECRET_TRIES
        assert not books.set_aside
        assert card.puk in {books.current, books.new}
        assert books.left - books.exposed <= card.left
    books.correct(card)
    before = card.fewest = card.left
    served = unlock(card, books, Fault.NONE, Fault.NONE)
    assert served or before <= KEPT_SECRET_TRIES + 1
    # One lower than what was spent: the counter goes down before the card compares.
    assert card.fewest >= max(before - 2, KEPT_SECRET_TRIES)


@given(limit=limits, numbers=numbers)
def test_however_many_unlocks_never_reach_it_a_card_that_tells_is_served(
    limit: int, *, numbers: bool
) -> None:
    card, books = ModelCard(limit), Books(limit, numbers)
    assert unlock(card, books, Fault.NONE, Fault.NOT_DONE)
    for _ in range(limit):
        assert not unlock(card, books, Fault.NOT_DONE, Fault.NONE)
    assert not unlock(card, books, Fault.NONE, Fault.NONE), "by the account nothing is left"
    books.correct(card)
    assert unlock(card, books, Fault.NONE, Fault.NONE)


@given(limit=limits, numbers=numbers, change=st.sampled_from(Fault), reset=st.sampled_from(Fault))
def test_two_faults_on_end_cost_one_try_at_most_and_the_card_is_unlocked(
    limit: int, change: Fault, reset: Fault, *, numbers: bool
) -> None:
    """The change is torn, and so is the unlock that would have told what became of it."""
    card, books = ModelCard(limit), Books(limit, numbers)
    assert unlock(card, books, Fault.NONE, change)
    unlock(card, books, reset, Fault.NONE)
    assert unlock(card, books, Fault.NONE, Fault.NONE)
    # One lower than what was spent: the counter goes down before the card compares.
    assert card.fewest >= limit - 2
    assert card.puk in {books.current, books.new}


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("change", Fault)
def test_torn_change_costs_one_try_at_most(change: Fault, *, numbers: bool) -> None:
    card, books = ModelCard(3), Books(3, numbers)
    unlock(card, books, Fault.NONE, change)
    card.fewest = card.left
    assert unlock(card, books, Fault.NONE, Fault.NONE)
    assert card.fewest >= 3 - 2
    assert card.left == 3


def test_a_secret_that_is_wrong_and_has_no_other_beside_it_is_neither() -> None:
    assert response_meaning(SecretSlot.CURRENT, right=False, waits=False) is ResponseMeaning.NEITHER


@pytest.mark.parametrize(
    ("presentations", "waits", "tries"),
    [(1, True, 1), (2, True, 1), (3, True, 2), (1, False, 1), (2, False, 2)],
)
def test_of_two_secrets_that_take_turns_only_the_wrong_one_costs_tries(
    presentations: int, tries: int, *, waits: bool
) -> None:
    assert spent(presentations, waits=waits) == tries


@pytest.mark.parametrize(("limit", "may"), [(None, True), (3, True), (2, False)])
def test_which_cards_leave_a_try_for_a_wrong_guess(limit: int | None, *, may: bool) -> None:
    assert leaves_enough(records.Card("", "", "piv", "", secret_limit=limit)) is may
