"""Readers' events become cards in and out; two cards are never a visit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kiosk.contract.messages import ReaderState, VisitId
from kiosk.contract.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from kiosk.station.events import (
    Availability,
    CardIn,
    CardOut,
    CardUnreadable,
    ReaderSide,
    SecondCard,
)
from kiosk.station.loop import AuthorityChecked, Presence, apply_reader_event
from kiosk.station.states import Outage

FRESH = VisitId("a" * 32)


def events_of(*seen: ReaderEvent | AuthorityChecked) -> list[ReaderSide]:
    presence = Presence()
    events: list[ReaderSide] = []
    for event in seen:
        presence, more = apply_reader_event(presence, event, FRESH)
        events += more
    return events


def test_single_card_goes_in_and_out() -> None:
    story = events_of(CardInserted("R", 1), CardRemoved("R", 1))
    assert story == [CardIn(FRESH, "R"), CardOut(), Availability(None)]


def test_a_quick_swap_is_two_visits() -> None:
    story = events_of(CardInserted("R", 1), CardRemoved("R", 1), CardInserted("R", 2))
    assert [type(event) for event in story] == [CardIn, CardOut, Availability, CardIn]


def test_a_second_card_stops_until_both_are_out() -> None:
    both = (CardInserted("R", 1), CardInserted("S", 2))
    assert events_of(*both)[-1] == SecondCard(FRESH)
    assert events_of(*both, CardRemoved("R", 1))[-1] == SecondCard(FRESH)
    assert events_of(*both, CardRemoved("R", 1), CardRemoved("S", 2))[-2] == CardOut()


def test_a_report_that_comes_again_changes_nothing() -> None:
    assert events_of(CardRemoved("R", 1)) == []
    assert events_of(CardInserted("R", 1), CardInserted("R", 1)) == [CardIn(FRESH, "R")]


def test_a_mute_card_has_its_own_event() -> None:
    assert events_of(CardMuteSeen("R", 1)) == [CardUnreadable(FRESH)]


def test_losing_the_service_ends_the_visit_and_names_the_outage() -> None:
    story = events_of(CardInserted("R", 1), CardRemoved("R", 1), ServiceLost(), ServiceFound())
    assert story[1:] == [
        CardOut(),
        Availability(None),
        Availability(Outage.NO_READER_SERVICE),
        Availability(None),
    ]


def test_no_reader_is_an_outage_and_a_reader_ends_it() -> None:
    assert events_of(ReadersChanged(()), ReadersChanged(("R",))) == [
        Availability(Outage.NO_READER),
        Availability(None),
    ]


def test_the_result_of_a_check_is_an_event_when_it_changes() -> None:
    away, retired, well = (
        AuthorityChecked(Outage.AUTHORITY_AWAY),
        AuthorityChecked(Outage.RETIRED),
        AuthorityChecked(None),
    )
    assert events_of(well, away, away, retired, well, well) == [
        Availability(Outage.AUTHORITY_AWAY),
        Availability(Outage.RETIRED),
        Availability(None),
    ]


def test_a_retired_station_stays_so_whatever_its_reader_does() -> None:
    story = events_of(
        AuthorityChecked(Outage.RETIRED), ReadersChanged(()), ServiceLost(), AuthorityChecked(None)
    )
    assert story == [
        *[Availability(Outage.RETIRED)] * 3,
        Availability(Outage.NO_READER_SERVICE),
    ]


def test_what_the_reader_is_doing() -> None:
    events = (
        ReadersChanged(("R",)),
        ServiceLost(),
        ServiceFound(),
        ReadersChanged(()),
        ReadersChanged(("R",)),
    )
    presence, seen = Presence(), [Presence().reader]
    for event in events:
        presence, _ = apply_reader_event(presence, event, FRESH)
        seen.append(presence.reader)
    assert seen == [
        ReaderState.LOOKING,
        ReaderState.READY,
        ReaderState.NO_SERVICE,
        ReaderState.LOOKING,
        ReaderState.NO_READER,
        ReaderState.READY,
    ]


reader_events = st.one_of(
    st.builds(CardInserted, st.just("R"), st.integers(1, 4)),
    st.builds(CardRemoved, st.just("R"), st.integers(1, 4)),
    st.builds(CardMuteSeen, st.just("S"), st.integers(1, 4)),
    st.builds(ReadersChanged, st.sampled_from([(), ("R",)])),
    st.just(ServiceLost()),
    st.just(ServiceFound()),
    st.builds(AuthorityChecked, st.sampled_from([None, Outage.AUTHORITY_AWAY, Outage.RETIRED])),
)


@given(st.lists(reader_events, max_size=30))
def test_a_visit_never_begins_beside_another_card(
    story: list[ReaderEvent | AuthorityChecked],
) -> None:
    presence = Presence()
    for event in story:
        before = presence
        presence, events = apply_reader_event(presence, event, FRESH)
        if any(isinstance(one, CardIn) for one in events):
            assert not before.cards
        if any(isinstance(one, CardOut) for one in events):
            assert not presence.cards
