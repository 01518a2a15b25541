from __future__ import annotations

import pytest

from kiosk.authority.store.repositories.search import LONGEST, terms_of, typed_words


def found(name: str, typed: str) -> bool:
    """Tell whether what was typed finds somebody of this name."""
    terms = terms_of(name, "1", (), ())
    return all(any(term.startswith(word) for term in terms) for word in typed_words(typed))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Asha Okafor", "asha okafor"),
        ("Asha Okafor", "OKAFOR, Ash"),
        ("Séan O’Brien", "o'brien"),
        ("Séan O’Brien", "obri"),
        ("Siân O'Brien", "obrien"),
        ("Siân Oʼbrien", "obrien"),
        ("Mary-Jane", "maryjane"),
        ("Ħamrun Łódź", "lodz hamrun"),
        ("李小龍", "小龍"),
        ("Séan O’Brien", "brien sean"),
        ("Séan O’Brien", "SÉAN"),
        ("Anne-Marie Smith-Jones", "anne-marie smith-j"),
        ("Anne-Marie Smith-Jones", "marie jones"),
        ("Anne-Marie Smith-Jones", "smithjones"),
        ("Jürgen Müller", "muller"),
        ("Jürgen Müller", "mueller"),
        ("Jürgen Müller", "müll"),
        ("Jürgen Mu\u0308ller", "müller"),
        ("Søren Ødegård", "oedegaard"),
        ("Søren Ødegård", "soren odegard"),
        ("Łukasz Strauß", "lukasz strauss"),
        ("Ðorđe İnan", "dorde inan"),
        ("Ελένη Παπά", "ελενη ΠΑΠΑ"),
        ("Йосиф Ёлкин", "йосиф елкин"),
        ("김철수", "김철"),
        ("नमिता", "नमि"),
        ("de la Cruz", "cruz de"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, typed: str) -> None:
    assert found(name, typed)


@pytest.mark.parametrize(
    ("name", "typed"), [("Asha Okafor", "kafor"), ("Asha Okafor", "asha smith"), ("Jo Ng", "jon")]
)
def test_what_does_not_begin_so_is_not_found(name: str, typed: str) -> None:
    assert not found(name, typed)


def test_an_address_is_found_whole_and_by_the_words_before_its_at() -> None:
    terms = terms_of("A", "1", ("Asha.Okafor+work@Trust.nhs.uk", None), ())
    assert {"ashaokaforworktrustnhsuk", "asha", "okafor", "work"} <= terms
    assert "nhs" not in terms
    assert typed_words("asha.okafor+work@tru") == ("ashaokaforworktru",)


def test_numbers_and_cards_are_found_with_and_without_dashes() -> None:
    terms = terms_of("A", "AB/12-3", (), ("00f0" * 8, None))
    assert {"ab123", "00f0" * 8} <= terms
    assert typed_words("ab-12") == ("ab12",)
    assert typed_words("00F0:00-f0") == ("00f000f0",)


def test_the_longest_word_is_first_and_signs_alone_are_no_word() -> None:
    assert typed_words(" jo  smith - jo ") == ("smith", "jo")
    assert typed_words(" -- , ") == ()
    assert typed_words("") == ()


def test_no_term_is_longer_than_is_kept_and_long_words_still_meet_theirs() -> None:
    name = "x" * 120
    terms = terms_of(name, "1", ("y" * 200 + "@nhs.net",), ())
    assert max(map(len, terms)) == LONGEST
    assert found(name, name)


def test_a_name_without_spaces_is_found_by_its_given_name_too() -> None:
    assert {"李小龍", "小龍", "龍"} <= terms_of("李小龍", "1", (), ())
    assert {"山田太郎", "太郎"} <= terms_of("山田太郎", "1", (), ())
    given = typed_words("민수")[0]
    assert any(term == given for term in terms_of("김민수", "1", (), ()))
    assert "rien" not in terms_of("O'Brien", "1", (), ())
