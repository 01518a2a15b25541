"""What is said of each way to unlock a card: in the RA application, by a command, in documents."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.policy import ways_of
from kiosk.contract.messages import Factor
from screens.words.staff.ways import STEPS, WEAKEST, way_words, ways_in_short, ways_lines
from tests.screens.admin.ways_page import COMBINATIONS, combinations, thieves
from tests.support.fresh_root import CHECKOUT


def test_every_factor_has_a_row() -> None:
    assert set(STEPS) == set(Factor)


def test_document_has_the_tables_that_are_printed() -> None:
    """Where it differs, ``python -m tests.screens.admin.ways_page`` prints them."""
    document = (CHECKOUT / "docs" / "security.md").read_text().splitlines()
    assert [row for row in (*combinations(), *thieves()) if row not in document] == []


def test_every_combination_of_the_policy_is_in_the_document() -> None:
    assert set(map(frozenset, COMBINATIONS)) == {
        frozenset(way) for way in map(tuple, _subsets()) if _may_be_a_way(way)
    }


def _subsets() -> list[list[Factor]]:
    found: list[list[Factor]] = [[]]
    for factor in Factor:
        found += [[*each, factor] for each in found]
    return found


def _may_be_a_way(way: tuple[Factor, ...]) -> bool:
    from kiosk.contract.policy import Policy

    try:
        # Every policy has a way without saved codes: this one, or one beside it.
        beside = () if way == (Factor.EMAIL_CODE,) else ((Factor.EMAIL_CODE,),)
        Policy(verification=(way, *beside), saved_codes=5)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("way", COMBINATIONS, ids=lambda way: "+".join(way))
def test_way_meets_recovery_by_two_methods_alone(way: tuple[Factor, ...]) -> None:
    """SP 800-63B-4, 4.2.2.2; questions and two codes of one method do not add up to it."""
    assert way_words(way).aal2 == ({Factor.SAVED_CODE, Factor.EMAIL_CODE} <= set(way))


def test_several_ways_are_as_strong_as_the_weakest() -> None:
    ways = ways_of("saved-code, email-code or questions, email-code")
    assert ways_lines(ways)[-1] == WEAKEST
    assert ways_in_short(ways).endswith("not met. Too weak: questions, email-code.")
    assert ways_in_short(ways[:1]).endswith("recovery addresses (4.2.1.2).")


def test_text_that_names_no_ways_is_not_explained() -> None:
    assert ways_of("passport") == ways_of("") == ()
