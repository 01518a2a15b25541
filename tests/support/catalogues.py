"""The sentences that translators get, and a language made of them that nobody speaks.

``python -m tests.support.catalogues`` prints the sentences as a template of gettext (``.pot``).

In the pseudo-language each letter has an accent, and each sentence is in brackets and longer by two
fifths. What is shown in it without an accent was never extracted, or never looked up.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po

import kiosk
from kiosk.contract import language

PSEUDO = "qps"
"""Of the tags that are kept for private use."""

LONGER_BY = 0.4

Said = str | tuple[str, ...]
"""A sentence, or its forms."""

ROOT = Path(kiosk.__file__).parent.parent
SOURCES = (
    "kiosk/contract/language.py",
    "kiosk/contract/messages.py",
    "kiosk/authority/mail",
    "screens/words",
)
_KEYWORDS = {"Text": None, "Counted": (1, 2)}
_COMMENTS = ("Translators:",)
_BLOCK_LETTERS = "drawn in block letters"
_AT_MOST = "at most"

_ACCENTS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "ÀBĆĎÉḞĜĤÍĴĶĹḾŃÓṔǪŔŚŤÚṼŴẊÝŹàbćďéḟĝĥíĵķĺḿńóṕǫŕśťúṽŵẋýź".replace("B", "Ḃ").replace("b", "ḃ"),
)
_PLACEHOLDER = re.compile(r"(\{[^}]*\})")


def template() -> Catalog:
    """Extract every sentence, in the order of files and lines."""
    found = Catalog(project="Unlock Kiosk", charset="utf-8")
    for source in SOURCES:
        for name, line, message, comments in _extracted(ROOT / source):
            found.add(message, locations=[(name, line)], auto_comments=comments)
    return found


def _extracted(source: Path) -> Iterator[tuple[str, int, str | tuple[str, ...], list[str]]]:
    files = sorted(source.rglob("*.py")) if source.is_dir() else [source]
    for file in files:
        rows = extract_from_dir(
            file.parent,
            [(file.name, "python")],
            keywords=_KEYWORDS,
            comment_tags=_COMMENTS,
            strip_comment_tags=True,
        )
        for _, line, message, comments, _context in rows:
            yield str(file.relative_to(ROOT)), line, message, comments


def pseudo(english: str) -> str:
    """Return a sentence of the pseudo-language, with the same placeholders."""
    parts = _PLACEHOLDER.split(english)
    marked = "".join(part if at % 2 else part.translate(_ACCENTS) for at, part in enumerate(parts))
    # Words of four letters, so that it wraps as a language does; the brackets count, too.
    more = max(0, ceil(LONGER_BY * len(english)) - 2)
    return f"[{marked}{(' ííííí' * more)[:more].rstrip()}]"


def install(folder: Path) -> None:
    """Write the catalogue of the pseudo-language, as one of a real language is, into ``folder``."""
    said: dict[Said, Said] = {}
    for each in template():
        if each.id:
            said[each.id if isinstance(each.id, str) else tuple(each.id)] = _spoken(each)
    _write(folder, said)


def _write(folder: Path, said: Mapping[Said, Said], tag: str = PSEUDO) -> None:
    spoken = Catalog(locale=None, charset="utf-8")
    spoken.mime_headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Plural-Forms", "nplurals=2; plural=(n != 1);"),
    ]
    for english, each in said.items():
        spoken.add(english, each)
    file = folder / tag / "LC_MESSAGES" / "kiosk.mo"
    file.parent.mkdir(parents=True)
    with file.open("wb") as out:
        write_mo(out, spoken)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Have the pseudo-language, by a catalogue that is read as that of a real language is."""
    install(folder)
    with _read_from(folder):
        yield


@contextmanager
def translated(folder: Path, said: Mapping[Said, Said], tag: str = PSEUDO) -> Iterator[None]:
    """Have a language with these sentences alone, each by its English."""
    _write(folder, said, tag)
    with _read_from(folder):
        yield


@contextmanager
def _read_from(folder: Path) -> Iterator[None]:
    before, language.CATALOGUES = language.CATALOGUES, folder
    language.catalogue_of.cache_clear()
    try:
        yield
    finally:
        language.CATALOGUES = before
        language.catalogue_of.cache_clear()


_LATIN, _CYRILLIC = "abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопярстувщхуз"
_WRITTEN = str.maketrans(_LATIN + _LATIN.upper(), _CYRILLIC + _CYRILLIC.upper())
_ENGLISH = re.compile("[A-Za-z]{2,}")


def as_data(text: str) -> str:
    """Return what stands for data in a test: it has no Latin letter, and is in no catalogue."""
    return text.translate(_WRITTEN)


def is_english(text: str) -> bool:
    """Return whether there is something in ``text`` that is neither data nor was looked up."""
    return _ENGLISH.search(text) is not None


def extracted() -> set[str]:
    """Return every sentence that translators get, in each of its English forms."""
    ids = (message.id for message in template())
    return {part for each in ids for part in ((each,) if isinstance(each, str) else each)}


def literals(file: Path) -> Iterator[tuple[int, str]]:
    """Yield every text in a module, with its line: no docstring, nor how a value is written."""
    tree = ast.parse(file.read_text())
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            notes |= {id(part) for part in ast.walk(node.format_spec)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.lineno, node.value


def _spoken(message: Message) -> str | tuple[str, ...]:
    if any(_BLOCK_LETTERS in comment for comment in message.auto_comments):
        return "TRESNI DRAC"
    if any(comment.startswith(_AT_MOST) for comment in message.auto_comments):
        return str(message.id).translate(_ACCENTS)
    if isinstance(message.id, str):
        return pseudo(message.id)
    return tuple(map(pseudo, message.id))


if __name__ == "__main__":
    write_po(sys.stdout.buffer, template(), width=100, omit_header=False)
