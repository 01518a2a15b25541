"""Finding people while somebody types: one table of words, kept in step with its sources.

A search walks ranges of the table's two indexes and stops as soon as it has enough, so it is about
as quick among a million people as among a thousand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice
from operator import itemgetter
from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, literal, select
from sqlalchemy.orm import aliased

from kiosk.authority.store.gateway import Repository, table_of
from kiosk.authority.store.tables import AddressRow, CardholderRow, CardRow, SearchTermRow, col
from kiosk.contract.text import fold, folded_words

# The words by which a person is found, and the words of a typed text.
#
# Both are folded as answers are: ``O'Brien``, ``o'bri`` and ``OBRIEN`` match, and a card's number
# is found with or without its dashes.

LONGEST: Final = 80
"""Characters that are stored of a term; a card without a GUID has an identifier of 66."""

MOST_WORDS: Final = 8
"""Typed words beyond these are ignored."""

_SPELT_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""How the same names are written on a keyboard without these letters."""

_UNSPACED: Final = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Han, kana and hangul: family and given name stand together, and either can be searched for."""


def terms_of(
    name: str, number: str, emails: Iterable[str | None], identifiers: Iterable[str | None]
) -> frozenset[str]:
    """Return the terms of one person; what is None or empty gives none."""
    found = {fold(number)}
    for word in name.split():
        composed = unicodedata.normalize("NFKC", word.casefold())
        found |= {fold(word), *folded_words(word), fold(composed.translate(_SPELT_OUT))}
        if _UNSPACED.fullmatch(composed):
            found.update(fold(composed[at:]) for at in range(1, len(composed)))
    for email in filter(None, emails):
        found.add(fold(email))
        local = email.partition("@")[0]
        found.update(piece for piece in folded_words(local) if len(piece) > 1)
    found.update(fold(identifier) for identifier in filter(None, identifiers))
    return frozenset(term[:LONGEST] for term in found if term)


def typed_words(text: str) -> tuple[str, ...]:
    """Return the prefixes to search for, one for each word of ``text``; the longest first."""
    words = {fold(word)[:LONGEST] for word in text.split()[:MOST_WORDS]}
    return tuple(sorted(filter(None, words), key=lambda word: (-len(word), word)))


BATCH = 500
COUNTED = (1_000, 20_000)
"""How far the hits of each word are counted to find the rarest; farther if that is not enough.

A word with more people than that is as good as any other.
"""

LAST = "\U0010ffff"
"""Sorts after every letter, on both databases."""

Term = tuple[str, str]
"""A word, and the id of a holder who is found by it."""


class SearchTerms(Repository):
    def refresh(self, holder_ids: Iterable[str]) -> None:
        """Update the words of these holders, in the unit of work that changed their sources.

        Only the difference is written, so two callers who change different things of one person at
        once do not undo each other's change.
        """
        term, holder_id = col(SearchTermRow.term), col(SearchTermRow.holder_id)
        table = table_of(SearchTermRow)
        this = table.c.term == bindparam("gone"), table.c.holder_id == bindparam("whose")
        remove = delete(table).where(*this)
        add = self._gateway.upsert(SearchTermRow).on_conflict_do_nothing()
        remaining = iter(holder_ids)
        while ids := list(islice(remaining, BATCH)):
            wanted = self._wanted(ids)
            recorded = select(term, holder_id).where(holder_id.in_(ids))
            there: set[Term] = {(row[0], row[1]) for row in self._gateway.tuples(recorded)}
            gone = [{"gone": word, "whose": id_} for word, id_ in sorted(there - wanted)]
            new = [{"term": word, "holder_id": id_} for word, id_ in sorted(wanted - there)]
            self._gateway.run(remove, gone)
            self._gateway.run(add, new)

    def find(self, text: str, limit: int) -> tuple[str, ...]:
        """Return up to ``limit`` ids of holders with a word that begins like each word of ``text``.

        Those whose word is nearest to the typed one come first. A number may be typed with spaces.
        """
        found, joined = self._find(typed_words(text), limit), fold(text)[:LONGEST]
        spaced = len(text.split()) > 1 and any(sign.isdigit() for sign in joined)
        if spaced and len(found) < limit:
            found = tuple(dict.fromkeys((*found, *self._find((joined,), limit))))[:limit]
        return found

    def exact(self, text: str, limit: int) -> tuple[str, ...]:
        """Return up to ``limit`` ids of holders with a word that is all of ``text``."""
        whole = fold(text)[:LONGEST]
        if not whole:
            return ()
        row = SearchTermRow
        same = select(col(row.holder_id)).where(col(row.term) == whole)
        hits = same.order_by(col(row.holder_id)).limit(limit)
        return tuple(found[0] for found in self._gateway.tuples(hits))

    def _find(self, typed: tuple[str, ...], limit: int) -> tuple[str, ...]:
        words = self._rarest_first(typed)
        if not words:
            return ()
        one = aliased(SearchTermRow)
        others = [_has_another(one, word) for word in words[1:]]
        hits = select(col(one.holder_id)).where(
            _begins(one, words[0]), *others, _is_first(one, words[0])
        )
        nearest = hits.order_by(one.term, one.holder_id).limit(limit)
        return tuple(row[0] for row in self._gateway.tuples(nearest))

    def _rarest_first(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Put the word with the fewest hits first."""
        if len(words) < 2:
            return words
        for most in COUNTED:
            counts = self._gateway.tuples(select(*(_counted(word, most) for word in words)))[0]
            if min(counts) < most:
                break
        return tuple(word for _, word in sorted(zip(counts, words, strict=True), key=itemgetter(0)))

    def _wanted(self, ids: list[str]) -> set[Term]:
        holder_id = col(CardholderRow.id)
        in_force = col(AddressRow.replaces) == ""
        statement = (
            select(
                holder_id,
                col(CardholderRow.name),
                col(CardholderRow.number),
                col(AddressRow.value),
                col(CardRow.identifier),
            )
            .outerjoin(AddressRow, and_(col(AddressRow.holder_id) == holder_id, in_force))
            .outerjoin(CardRow, col(CardRow.holder_id) == holder_id)
            .where(holder_id.in_(ids))
        )
        rows = self._gateway.tuples(statement)
        return {
            (term, id_)
            for id_, name, number, email, identifier in rows
            for term in terms_of(name, number, (email,), (identifier,))
        }


def _begins(row: type[SearchTermRow], word: str) -> ColumnElement[bool]:
    term = col(row.term)
    return and_(term >= word, term < word + LAST)


def _is_first(row: type[SearchTermRow], word: str) -> ColumnElement[bool]:
    """Keep a holder with several such words only at the first of them."""
    other = aliased(SearchTermRow)
    mine = col(other.holder_id) == col(row.holder_id), col(other.term) >= word
    first = select(func.min(col(other.term))).where(*mine).correlate(row).scalar_subquery()
    # It is never greater; but PostgreSQL estimates "equal" as so rare that it would read and sort
    # all hits, however few are wanted.
    return col(row.term) <= first


def _has_another(row: type[SearchTermRow], word: str) -> ColumnElement[bool]:
    other = aliased(SearchTermRow)
    same = col(other.holder_id) == col(row.holder_id)
    found = select(literal(1)).where(same, _begins(other, word)).limit(1)
    # No EXISTS: PostgreSQL would turn it into a join, which reads every hit of both words before it
    # returns the first.
    return found.correlate(row).scalar_subquery().is_not(None)


def _counted(word: str, most: int) -> ColumnElement[int]:
    one = SearchTermRow
    hits = select(col(one.term)).where(_begins(one, word))
    # Ordered, so that PostgreSQL walks the index, however many hits it estimates.
    some = hits.order_by(one.term, one.holder_id).limit(most).subquery()
    return select(func.count()).select_from(some).scalar_subquery()
