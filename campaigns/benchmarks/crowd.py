"""A crowd of invented people, the same at every run: their file, and what is typed for them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = "holder_number,name,email,card_id,unblock_secret"
SYLLABLES = (
    "ba be bo da de di fa fi ga go ha he jo ka ki la le li ma me mi na ne no ra ro sa".split()
)
ENDINGS = ["n", "r", "s", "th", "son", "ley", "wood", "ski", "ez", "", "a", "o", "ford", "well"]
COMMON_FIRST = "Mary John Aisha Peter Sarah Mohammed Anna James Grace Tom Zoë José".split()
COMMON_LAST = "Smith Jones Patel Khan Brown O'Brien Müller Nowak Nguyen Taylor Singh".split()
PLAIN = str.maketrans("ëéü", "eeu", "'")


@dataclass(frozen=True, slots=True)
class Someone:
    """One line of the file."""

    number: str
    first: str
    last: str
    card: str

    @property
    def email(self) -> str:
        """Their address: names repeat, addresses do not."""
        name = f"{self.first}.{self.last}".lower().translate(PLAIN)
        return f"{name}{int(self.number[4:])}@trust.nhs.uk"

    @property
    def line(self) -> str:
        """Their line."""
        secret = self.number[-8:]
        return f"{self.number},{self.first} {self.last},{self.email},{self.card},{secret}"


class Crowd:
    """So many people, each time the same ones; a smaller crowd is the beginning of a larger."""

    def __init__(self, size: int) -> None:
        self._size = size

    def people(self) -> Iterator[Someone]:
        """Yield all; every third has a common name, as people have."""
        draw = random.Random(1948)
        for n in range(self._size):
            first = _word(draw, COMMON_FIRST, 2)
            last = _word(draw, COMMON_LAST, 3)
            yield Someone(
                f"{400_000_000_000 + n * 7}", first, last, f"{draw.getrandbits(128):032x}"
            )

    def write(self, path: Path) -> Path:
        """Write their file."""
        with path.open("w", encoding="utf-8") as file:
            file.write(f"{HEADER}\n")
            file.writelines(f"{someone.line}\n" for someone in self.people())
        return path


def _word(draw: random.Random, common: list[str], syllables: int) -> str:
    if draw.random() < 0.3:
        return common[min(int(draw.expovariate(0.4)), len(common) - 1)]
    word = "".join(draw.choice(SYLLABLES) for _ in range(syllables))
    return (word + draw.choice(ENDINGS)).capitalize()


def searches(crowd: Crowd, count: int) -> list[str]:
    """Return what clerks type, kind after kind: beginnings as they grow, pairs, and misses."""
    draw, people = random.Random(1962), list(crowd.people())
    kinds = (
        lambda one: _begun(draw, one.first, 1),
        lambda one: _begun(draw, one.last, 1),
        lambda one: one.last[:2],
        lambda one: _begun(draw, one.number, 3),
        lambda one: one.number,
        lambda one: _begun(draw, one.email, 2),
        lambda one: _begun(draw, one.card, 2),
        lambda one: f"{_begun(draw, one.first, 1)} {_begun(draw, one.last, 1)}",
        lambda one: f"{one.last} {one.first}",
        lambda one: f"{one.first} {draw.choice(people).last}",
        lambda one: f"{one.last}q",
        lambda one: f"{one.first[:2]} {one.number[:5]}",
    )
    return [kinds[n % len(kinds)](draw.choice(people)) for n in range(count)]


def _begun(draw: random.Random, text: str, least: int) -> str:
    return text[: draw.randint(least, len(text))]
