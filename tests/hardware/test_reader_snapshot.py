"""From reader states to events, by example and by property."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardware.monitor import SeenReaders
from hardware.pcsc import STATE_MUTE, STATE_PRESENT, PcscReaderState
from kiosk.contract.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)

EMPTY = 0x10


def state(reader: str, count: int, flags: int = STATE_PRESENT) -> PcscReaderState:
    return PcscReaderState(reader, count << 16 | flags)


def follow(*sights: object) -> list[tuple[ReaderEvent, ...]]:
    """Return the events of each sight."""
    seen, posted = SeenReaders(), []
    for sight in sights:
        if sight == "found":
            events = seen.service_found()
        elif sight == "lost":
            events = seen.service_lost()
        elif isinstance(sight, tuple):
            events = seen.readers_listed(sight)
        else:
            assert isinstance(sight, PcscReaderState)
            events = seen.state_seen(sight)
        posted.append(tuple(events))
    return posted


def test_a_card_that_is_in_at_the_start() -> None:
    assert follow("found", ("a", "b"), state("a", 0)) == [
        (ServiceFound(),),
        (ReadersChanged(("a", "b")),),
        (CardInserted("a", 1),),
    ]


def test_no_reader_at_all_is_posted_once() -> None:
    assert follow("found", (), ())[1:] == [(ReadersChanged(()),), ()]


def test_in_and_out_in_two_readers() -> None:
    events = follow(
        "found",
        ("a", "b"),
        state("a", 1),
        state("b", 1),
        state("a", 2, EMPTY),
        state("a", 3),
        state("b", 1),
    )
    assert events[2:] == [
        (CardInserted("a", 1),),
        (CardInserted("b", 2),),
        (CardRemoved("a", 1),),
        (CardInserted("a", 3),),
        (),
    ]


def test_a_swap_that_nobody_saw() -> None:
    events = follow("found", ("a",), state("a", 1), state("a", 3))
    assert events[-1] == (CardRemoved("a", 1), CardInserted("a", 2))


def test_the_counter_may_begin_again() -> None:
    events = follow("found", ("a",), state("a", 0xFFFF), state("a", 1))
    assert events[-1] == (CardRemoved("a", 1), CardInserted("a", 2))


def test_a_mute_card() -> None:
    mute = STATE_PRESENT | STATE_MUTE
    events = follow("found", ("a",), state("a", 1, mute), state("a", 1, mute), state("a", 2, EMPTY))
    assert events[2:] == [(CardMuteSeen("a", 1),), (), (CardRemoved("a", 1),)]


def test_a_card_that_falls_mute_or_wakes_up_is_still_the_same_card() -> None:
    mute = STATE_PRESENT | STATE_MUTE
    events = follow("found", ("a",), state("a", 1), state("a", 1, mute), state("a", 1))
    assert events[3:] == [(), ()]


def test_a_card_leaves_with_its_reader_and_comes_back_with_it() -> None:
    events = follow("found", ("a", "b"), state("a", 1), ("b",), ("a", "b"), state("a", 0))
    assert events[3:] == [
        (CardRemoved("a", 1), ReadersChanged(("b",))),
        (ReadersChanged(("a", "b")),),
        (CardInserted("a", 2),),
    ]


def test_the_service_goes_and_comes_back() -> None:
    events = follow("found", ("a",), state("a", 1), "lost", "lost", "found", ("a",), state("a", 0))
    assert events[3:] == [
        (CardRemoved("a", 1), ServiceLost()),
        (),
        (ServiceFound(),),
        (ReadersChanged(("a",)),),
        (CardInserted("a", 2),),
    ]


def test_no_service_from_the_start_is_posted_once() -> None:
    assert follow("lost", "lost") == [(ServiceLost(),), ()]


READERS = st.sampled_from(["a", "b", "c"])
SIGHTS = st.lists(
    st.one_of(
        st.sampled_from(["found", "lost"]),
        st.sets(READERS).map(lambda names: tuple(sorted(names))),
        st.builds(
            state,
            READERS,
            st.integers(0, 3),
            st.sampled_from([EMPTY, STATE_PRESENT, STATE_PRESENT | STATE_MUTE]),
        ),
    ),
    max_size=40,
)


@given(SIGHTS)
def test_the_story_is_always_consistent(sights: list[object]) -> None:
    """At most one card a reader; what goes out was in; numbers only grow; loss empties all."""
    inside: dict[str, int] = {}
    highest = 0
    service: bool | None = None
    for event in (event for events in follow(*sights) for event in events):
        match event:
            case CardInserted(reader, insertion) | CardMuteSeen(reader, insertion):
                assert reader not in inside
                assert insertion == highest + 1
                highest = inside[reader] = insertion
            case CardRemoved(reader, insertion):
                assert inside.pop(reader) == insertion
            case ReadersChanged(readers):
                assert set(inside) <= set(readers)
            case ServiceLost():
                assert service is not False
                assert not inside
                service = False
            case ServiceFound():
                assert service is not True
                service = True
