"""What an import would do, did, or stumbled over, in words."""

from __future__ import annotations

from textual.content import Content

from kiosk.administration.views.service import ImportResult
from screens.admin.dialogs.listing import named

_OUTSIDE = "Addresses that are not of an approved domain: nobody can register with one."


def plan_lines(result: ImportResult) -> tuple[Content, ...]:
    """Return what would be done, a number a line."""
    counts = (
        ("Lines", result.lines),
        ("People added", result.people_added),
        ("People changed", result.people_changed),
        ("Cards added", result.cards_added),
        ("Cards changed", result.cards_changed),
        ("Unblock secrets", result.secrets_sealed),
    )
    outside = (("Not approved", result.outside_domains),) if result.outside_domains else ()
    lines = tuple(named(name, f"{count:>9,}", 16) for name, count in (*counts, *outside))
    explained = (Content(_OUTSIDE),) if outside else ()
    return (*lines, *explained, *_erased_lines(result))


def _erased_lines(result: ImportResult) -> tuple[Content, ...]:
    number, shown = result.erased_before_in_all, len(result.erased_before)
    if not number:
        return ()
    people = "1 person who was" if number == 1 else f"{number:,} people who were"
    first = (Content(f"These are the first {shown}:"),) if number > shown else ()
    return (
        Content(f"This brings back {people} erased."),
        *first,
        *(_line(line, person) for line, person in result.erased_before),
    )


def done_words(name: str, result: ImportResult) -> str:
    """Say what was done, or that it waits."""
    if result.waits:
        return (
            f"{name} waits until a second member of staff agrees: {result.known:,} of its changes "
            "are to people who are known. Nothing was imported; leave the file where it is."
        )
    people = _many(result.people_added, "person", "people")
    cards = _many(result.cards_added, "card")
    return (
        f"{name} is imported: {people} added, {result.people_changed:,} changed; {cards} added, "
        f"{result.cards_changed:,} changed. {_brought_back(result.erased_before_in_all)}"
        f"Reference {result.reference}. "
        f"{_what_became_of_the_file(result)}"
    )


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def _brought_back(count: int) -> str:
    if not count:
        return ""
    return f"{_many(count, 'person who was', 'people who were')} erased came back. "


def _what_became_of_the_file(result: ImportResult) -> str:
    if result.file_kept:
        return (
            f"The file is still in the folder ({result.file_kept}), with secrets in clear: "
            "have it deleted."
        )
    return "The file was removed."


def problem_lines(name: str, result: ImportResult) -> tuple[str, str, tuple[Content, ...]]:
    """Return title, sentence and one line for each problem that is told."""
    told, number = len(result.problems), max(result.problems_in_all, len(result.problems))
    problems = "1 problem" if number == 1 else f"{number:,} problems"
    first = f" These are the first {told}." if number > told else ""
    return (
        f"{name} has {problems}",
        f"Nothing was written. Put the file right, then try it again.{first}",
        tuple(_line(line, reason) for line, reason in result.problems),
    )


def _line(line: int, reason: str) -> Content:
    return named(f"Line {line}" if line else "The file", reason)
