"""A language is a tag; a sentence without a text in it is English."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.contract import language
from kiosk.contract.language import (
    Counted,
    OwnText,
    Text,
    catalogue_of,
    is_language,
    spoken,
    text_in,
)
from tests.support import catalogues
from tests.support.catalogues import PSEUDO

STOP = Text("Stop")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Have the pseudo-language; return the folder that holds the one of the catalogues."""
    with catalogues.installed(tmp_path / "locale"):
        yield tmp_path


@pytest.mark.parametrize("tag", ["en", "cy", "qps", "pt-BR", "zh-Hant-TW"])
def test_tag_is_a_language(tag: str) -> None:
    assert is_language(tag)


@pytest.mark.parametrize("tag", ["", "e", "Welsh", "../cy", "cy/..", "cy\n", "en_GB", "cy-" * 5])
def test_what_is_no_tag_is_no_language(tag: str) -> None:
    assert not is_language(tag)


def test_tag_from_the_database_never_leads_to_a_catalogue_elsewhere(folder: Path) -> None:
    catalogues.install(folder / "elsewhere")
    for tag in (f"../elsewhere/{PSEUDO}", str(folder / "elsewhere" / PSEUDO)):
        assert STOP.in_language(tag) == "Stop"
        assert spoken(tag) == "en"


@pytest.mark.usefixtures("folder")
def test_language_with_a_region_is_read_in_the_language_without_it() -> None:
    assert STOP.in_language(f"{PSEUDO}-XX") == STOP.in_language(PSEUDO) != "Stop"
    assert spoken(f"{PSEUDO}-XX") == f"{PSEUDO}-XX"
    assert text_in({"pt": "Sair", "pt-BR": "Fechar"}, "pt-PT") == "Sair"
    assert text_in({"pt": "Sair"}, "en") is None


def test_any_number_of_tags_keeps_few_catalogues() -> None:
    """Tags come from the database."""
    for first in "abcdefghijklmnopqrstuvwxyz":
        for second in "abcdefghij":
            catalogue_of(first + second)
    assert catalogue_of.cache_info().currsize <= 100


def test_own_text_reads_as_the_setting_where_a_language_has_none() -> None:
    own = OwnText("Monday {to} Friday", {"cy": "Llun i Gwener"})
    assert own.in_language("cy-GB") == "Llun i Gwener"
    assert own.in_language("de") == "Monday {to} Friday"
    language.show_in("cy")
    try:
        assert f"{own}!" == "Llun i Gwener!"
    finally:
        language.show_in(language.ENGLISH)


# A translation whose placeholders are not those of the English.

GREETING = Text("Hello {name},")
LEFT = Counted("{Number} try left for {name}", "{Number} tries left for {name}")
WRONG = (
    "Helo {nam},",
    "Helo,",
    "Helo {},",
    "Helo {0},",
    "Helo {name",
    "Helo {name},}",
    "Helo {name.__class__},",
    "Helo {name[0]},",
    "Helo {name!r},",
    "Helo {name:>9999999},",
    "Helo {name} {secret},",
)


@pytest.mark.parametrize("wrong", WRONG)
def test_translation_with_other_placeholders_is_not_used(tmp_path: Path, wrong: str) -> None:
    with catalogues.translated(tmp_path, {str.__str__(GREETING): wrong}):
        assert GREETING.in_language(PSEUDO, name="Jo") == "Hello Jo,"
        language.show_in(PSEUDO)
        try:
            assert GREETING.format(name="Jo") == "Hello Jo,"
            assert str(GREETING) == "Hello {name},"
        finally:
            language.show_in(language.ENGLISH)


@pytest.mark.parametrize("wrong", WRONG)
def test_form_with_other_placeholders_is_not_used(tmp_path: Path, wrong: str) -> None:
    forms = (wrong, "{n} o leoedd i {name}")
    with catalogues.translated(tmp_path, {(LEFT.one, LEFT.many): forms}):
        assert LEFT.in_language(PSEUDO, 1, name="Jo") == "One try left for Jo"
        assert LEFT.in_language(PSEUDO, 2, name="Jo") == "2 o leoedd i Jo"


def test_translation_may_repeat_and_order_placeholders_and_say_the_number_otherwise(
    tmp_path: Path,
) -> None:
    said: dict[catalogues.Said, catalogues.Said] = {
        "{first} and {second}": "{second}, {first}, {second}",
        (LEFT.one, LEFT.many): ("i {name}: un", "i {name}: {n}"),
    }
    with catalogues.translated(tmp_path, said):
        both = Text("{first} and {second}")
        assert both.in_language(PSEUDO, first="a", second="b") == "b, a, b"
        assert LEFT.in_language(PSEUDO, 1, name="Jo") == "i Jo: un"
        assert LEFT.in_language(PSEUDO, 7, name="Jo") == "i Jo: 7"
