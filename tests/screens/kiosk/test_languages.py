"""Every page in another language: no sentence is left in English, and none is cut.

The language is a pseudo-language (``tests.support.catalogues``): its letters have accents, and its
sentences are longer by two fifths. Names, addresses, the settings and what a machine reports are
data, and are in no catalogue: here they are written in Cyrillic letters. So two Latin letters in a
row without accents are a sentence that was not looked up. What was typed is data, too: the field
and the keys of the keyboard, of one letter each, do not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, structs
from textual.content import Content
from textual.widget import Widget

from kiosk.contract import language
from kiosk.contract.language import Counted, OwnText, Text
from kiosk.contract.messages import VisitId
from kiosk.contract.sensitive import Sensitive
from kiosk.station.states import Attract, State, StillThere
from screens.kiosk.page import Page
from screens.widgets.fields import Field
from screens.words import frame
from tests.screens import idle_app
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import VISIT_ID, Sample, samples
from tests.screens.pilots import settled, type_keys
from tests.support import catalogues

_VISIT = VisitId("0" * 32)

Seen = Mapping[str, tuple[list[str], list[str]]]
"""For each sample what is left in English, and what is wrong with its layout."""


def _data(value: Any) -> Any:
    """Return a value with all its texts in Cyrillic letters, but names of enumerations."""
    if isinstance(value, Enum):
        return value
    if value == VISIT_ID:
        return _VISIT
    if isinstance(value, str):
        return catalogues.as_data(value)
    if isinstance(value, Sensitive):
        return Sensitive(catalogues.as_data(value.reveal()))
    if isinstance(value, tuple):
        return tuple(map(_data, value))
    if isinstance(value, Struct):
        fields = value.__struct_fields__
        return structs.replace(value, **{name: _data(getattr(value, name)) for name in fields})
    return value


def _texts(page: Widget) -> Iterator[str]:
    for widget in page.walk_children(Widget):
        if widget.children or isinstance(widget, Field) or not widget.display:
            continue
        drawn = widget.render()
        if isinstance(drawn, Content):  # the others draw digits, or nothing
            yield drawn.plain


def _english(page: Widget) -> list[str]:
    return [text for text in _texts(page) if catalogues.is_english(text)]


@pytest.fixture(scope="module", autouse=True)
def pseudo_language(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Speak the pseudo-language, by a catalogue that is read as that of a real one is."""
    with catalogues.installed(tmp_path_factory.mktemp("locale")):
        language.show_in(catalogues.PSEUDO)
        yield
        language.show_in(language.ENGLISH)


_SAMPLES = {name: sample for name, sample in samples().items() if not sample.dark}
_LOOK = structs.replace(
    STILL,
    **{name: _data(getattr(STILL, name)) for name in ("service", "trust", "contact", "hours")},
    language=catalogues.PSEUDO,
)


async def _look_at(size: tuple[int, int], touch: bool) -> Seen:
    seen: dict[str, tuple[list[str], list[str]]] = {}
    chosen = {name: each for name, each in _SAMPLES.items() if each.touch is touch}
    app = app_for(Sample(Attract(), touch=touch), _LOOK)
    async with app.run_test(size=size) as pilot:
        for name, sample in chosen.items():
            await app.show(_data(sample.state))
            await type_keys(pilot, ("f1", *sample.keys) if sample.keys else ())
            await settled(pilot)
            seen[name] = _english(app.screen), layout_faults(app)
            if "f3" in sample.keys:
                await app.show(Attract())
    return seen


_seen: dict[tuple[int, int], Seen] = {}


def _pages(size: tuple[int, int]) -> Seen:
    if size not in _seen:
        _seen[size] = {
            **idle_app.run(_look_at(size, touch=True)),
            **idle_app.run(_look_at(size, touch=False)),
        }
    return _seen[size]


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
@pytest.mark.parametrize("name", _SAMPLES)
def test_no_sentence_of_a_page_stays_english(name: str, size: tuple[int, int]) -> None:
    english, _faults = _pages(size)[name]
    assert not english


_TOO_LONG_YET = {
    "AttractPage: one row": "attract",
    "Under a PIN of many digits: one row": "pin-long pin-long-typed pin-long-wrong pin-longest",
    "Beside which question it is: one row": """
        give-answer give-answer-typed give-answer-hidden give-answer-long give-answer-problem
        give-answer-keys-only ask-question-wrong""",
    "What saved codes are, beside it: one row": """
        ways-saved-codes registered-saved-codes registered-saved-codes-later""",
    "Three buttons in a row: two columns": """
        code code-resumed code-resumed-else code-resumed-register code-resumed-email
        code-too-soon code-resumed-wrong code-missing code-register-wrong code-wrong
        code-long-wait code-mail-away code-ten-digits code-six-digits code-given-wrong
        code-keys-only code-ways code-ways-wrong code-by-text""",
}
"""What lacks room at 80x24, and how much; at 60x20 most pages lack some."""


def test_pages_with_longer_sentences_fit_but_those_that_are_known() -> None:
    known = {name for names in _TOO_LONG_YET.values() for name in names.split()}
    assert {name for name, (_, faults) in _pages((80, 24)).items() if faults} == known


def test_sentence_reads_in_the_language_that_is_shown_when_it_is_shown() -> None:
    stop = Text("Stop")
    assert f"{stop}!" == "[Śťóṕ]!"
    assert stop.in_language(language.ENGLISH) == "Stop"
    counted = Counted("{Number} attempt left", "{Number} attempts left")
    assert counted.in_language(language.ENGLISH, 1) == "One attempt left"
    assert counted.in_language(language.ENGLISH, 12) == "12 attempts left"
    assert "[Óńé" in counted.of(1)


async def test_page_that_was_built_ahead_in_another_language_is_not_shown() -> None:
    menu = samples()["menu-registered"].state
    app = app_for(Sample(Attract()), _LOOK)
    async with app.run_test() as pilot:
        await app.show(menu)
        await settled(pilot)
        page = app.screen
        assert isinstance(page, Page)
        assert page.try_to_show(menu)
        language.show_in(language.ENGLISH)
        try:
            assert not page.try_to_show(menu)
        finally:
            language.show_in(catalogues.PSEUDO)


async def test_visit_is_shown_in_its_language_and_what_comes_after_it_in_the_stations() -> None:
    texts = {catalogues.PSEUDO: "śéŕṽíćé"}
    look = structs.replace(_LOOK, language=language.ENGLISH, service=OwnText("сервис", texts))
    menu, working = (
        _data(_SAMPLES[name].state) for name in ("menu-registered", "working-checking-pin")
    )
    app = app_for(Sample(Attract()), look)
    async with app.run_test() as pilot:

        async def seen(state: State) -> str:
            await app.show(state)
            await settled(pilot)
            return "\n".join(_texts(app.screen))

        spoken = structs.replace(menu.visit, language=catalogues.PSEUDO)
        in_pseudo = structs.replace(menu, visit=spoken)
        assert "High contrast" in await seen(Attract())
        for state in (in_pseudo, StillThere(in_pseudo), structs.replace(working, visit=spoken)):
            said = await seen(state)
            assert not catalogues.is_english(said)
            assert isinstance(state, StillThere) or "śéŕṽíćé" in said
        # What follows has no visit of its own: it is for the same person.
        refused = await seen(_data(_SAMPLES["refused-leaver"].state))
        assert not catalogues.is_english(refused)
        for after in (Attract(), menu):
            said = await seen(after)
            assert "сервис" in said
            assert "[" not in said


_WORDS = sorted(Path(frame.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("file", _WORDS, ids=lambda file: file.stem)
def test_every_literal_of_the_words_is_a_sentence_that_is_extracted(file: Path) -> None:
    """Only what stands between sentences is none: signs, a space, the form of a time."""
    extracted = catalogues.extracted()
    for line, text in catalogues.literals(file):
        is_sign = not any(letter.isalpha() for letter in text)
        assert is_sign or text in extracted, f"{file.name}:{line}: {text!r}"


def test_no_sentence_is_put_together_when_the_words_are_imported() -> None:
    for file in _WORDS:
        for statement in ast.parse(file.read_text()).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                bound = [node for node in ast.walk(statement) if isinstance(node, ast.JoinedStr)]
                assert not bound, f"{file.name}:{statement.lineno}"
