"""Prints ``docs/flow.md``: what ``step`` does with each sample of a state and of an event."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, get_args

from kiosk.station.events import Event, Replied
from kiosk.station.states import (
    Attract,
    ConfirmOwner,
    HolderState,
    LastPage,
    Menu,
    OutOfService,
    Reading,
    State,
    StillThere,
    Working,
)
from kiosk.station.step import step
from tests.station.samples import EVENTS, STATES

EVERY_STATE: Final = (
    *STATES,
    *(StillThere(page) for page in STATES if isinstance(page, HolderState | LastPage)),
)

Moves = Mapping[str, Mapping[str, frozenset[str]]]
"""By the name of an event or reply: the states that it leads to, by the state that it meets."""

INTRODUCTION: Final = """\
# The flow of a station

Printed by `make flow`, which runs `step` (`kiosk/station/step.py`) over samples of every
state with samples of every event. Anything that is not drawn changes nothing.

Where one event leads from a state to several others, what the event or the state carries decides:
which offer was chosen, whether it was the last answer, how a reply goes on. `step` has the
conditions, each in the `case` of that state and event.
"""


def names(union: object) -> tuple[str, ...]:
    """Return the names of the classes in a union; a base class stands for those under it."""
    kinds = (under for kind in get_args(union) for under in kind.__subclasses__() or (kind,))
    return tuple(kind.__name__ for kind in kinds)


GROUPS: Final = {
    "AnyState": names(State),
    "AnyStateButAttract": tuple(name for name in names(State) if name != "Attract"),
    "AnyStateButWorking": tuple(name for name in names(State) if name != "Working"),
    "AnyVisitUnderWay": names(Reading | Working | HolderState | StillThere),
    "AnyPageOfTheHolder": names(HolderState),
    "Or".join(names(LastPage)): names(LastPage),
}
"""Drawn as one node where an event does the same in all of these states; the largest first."""


def legend() -> str:
    """Say which states the groups stand for whose names do not say it."""
    pages = GROUPS["AnyPageOfTheHolder"]
    others = (name for name in GROUPS["AnyVisitUnderWay"] if name not in pages)
    return (
        f"`AnyPageOfTheHolder` is each page on which the holder acts: {_quoted(pages)}.\n\n"
        f"`AnyVisitUnderWay` is each of them, and {_quoted(others)}.\n"
    )


def _quoted(states: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in states)


def trigger(event: Event) -> str:
    return type(event.reply if isinstance(event, Replied) else event).__name__


def moves() -> Moves:
    """Run ``step`` over all pairs; a move changes the state or asks for something to be done."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for event in EVENTS:
        for state in EVERY_STATE:
            following = step(state, event)
            if following.state != state or following.commands:
                found[trigger(event)][type(state).__name__].add(type(following.state).__name__)
    return {
        name: {source: frozenset(targets) for source, targets in by_source.items()}
        for name, by_source in found.items()
    }


def grouped(states: Iterable[str]) -> tuple[str, ...]:
    """Put groups in the place of states that are all there; the rest stays in its order."""
    left, found = set(states), []
    for group, inside in GROUPS.items():
        if left.issuperset(inside):
            found.append(group)
            left.difference_update(inside)
    return (*found, *(name for name in names(State) if name in left))


def arrows(by_source: Mapping[str, frozenset[str]], named: str) -> Iterator[tuple[str, str]]:
    """Yield each source with the line that is drawn from it."""
    by_targets: dict[frozenset[str], list[str]] = defaultdict(list)
    for source, targets in by_source.items():
        by_targets[targets].append(source)
    for targets, sources in by_targets.items():
        for source in grouped(sources):
            for target in grouped(targets):
                yield source, f"    {source} --> {target}: {named}"


def section(source: str, sources: set[str]) -> str:
    """Return the title under which a line stands; ``sources`` are all that its event has."""
    if sources & GROUPS.keys():
        return "What fits many states"
    if source in names(Attract | OutOfService):
        return "Nobody is here"
    if source in names(Reading | Menu | ConfirmOwner):
        return "Opening a visit"
    if source == Working.__name__:
        return "What the card and the authority answer"
    return "What the holder does"


def page() -> str:
    """Return the whole of ``docs/flow.md``."""
    lines: dict[str, list[tuple[str, str]]] = {
        "What fits many states": [],
        "Nobody is here": [],
        "Opening a visit": [],
        "What the holder does": [],
        "What the card and the authority answer": [],
    }
    for named, by_source in moves().items():
        drawn = list(arrows(by_source, named))
        sources = {source for source, _ in drawn}
        for source, line in drawn:
            lines[section(source, sources)].append((source, line))
    return "\n".join(
        [INTRODUCTION, legend(), *(diagram(title, drawn) for title, drawn in lines.items())]
    )


def diagram(title: str, drawn: list[tuple[str, str]]) -> str:
    """Return one Mermaid state diagram, by the states from which the lines are drawn."""
    order = (*GROUPS, *names(State))
    lines = [line for _, line in sorted(drawn, key=lambda one: order.index(one[0]))]
    return "\n".join([f"## {title}", "", "```mermaid", "stateDiagram-v2", *lines, "```", ""])


def main() -> None:
    """Print the page, or say which sample is missing: it would draw nothing of that."""
    seen = {type(sample).__name__ for sample in (*STATES, *EVENTS)}
    missing = [kind for kind in names(State | Event) if kind not in seen]
    if missing:
        sys.exit(f"tests/station/samples.py has no sample of {', '.join(missing)}: add it there")
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
