"""Readers' events become cards in and out; two cards are never a visit."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from kiosk.station import commands as c
from kiosk.station import states as s
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
from kiosk.station.step import step

FRESH, OTHER = VisitId("a" * 32), VisitId("b" * 32)


def events_of(*seen: ReaderEvent | AuthorityChecked) -> list[ReaderSide]:
    presence = Presence()
    events: list[ReaderSide] = []
    for event in seen:
        presence, more = apply_reader_event(presence, event, FRESH)
        events += more
    return events


def test_single_card_goes_in_and_out() -> None:
    story = events_of(CardInserted("R", 1), CardRemoved("R", 1))
    assert story == [CardIn(FRESH, "R", 1), CardOut(FRESH, "R", 1), Availability(None)]


def test_a_quick_swap_is_two_visits() -> None:
    story = events_of(CardInserted("R", 1), CardRemoved("R", 1), CardInserted("R", 2))
    assert [type(event) for event in story] == [CardIn, CardOut, Availability, CardIn]


BOTH = (CardInserted("R", 1), CardInserted("S", 2))


def test_second_card_is_named_with_its_reader_and_the_visit_that_it_stops() -> None:
    presence, (began,) = apply_reader_event(Presence(), BOTH[0], FRESH)
    presence, second = apply_reader_event(presence, BOTH[1], OTHER)
    assert began == CardIn(FRESH, "R", 1)
    assert second == (SecondCard(FRESH, "S", 2),)
    assert presence.cards == {1: "R", 2: "S"}


def test_card_of_the_visit_ends_it_while_a_second_card_stays_in() -> None:
    out = CardOut(FRESH, "R", 1, others_in=True)
    assert events_of(*BOTH, CardRemoved("R", 1))[2:] == [out]
    assert events_of(*BOTH, CardRemoved("R", 1), CardRemoved("S", 2))[2:] == [
        out,
        CardOut(FRESH, "S", 2),
        Availability(None),
    ]


def test_second_card_that_leaves_first_ends_nothing() -> None:
    assert events_of(*BOTH, CardRemoved("S", 2))[2:] == []
    after = events_of(*BOTH, CardRemoved("S", 2), CardRemoved("R", 1))[2:]
    assert after == [CardOut(FRESH, "R", 1), Availability(None)]


def test_second_card_is_served_once_it_is_put_in_again() -> None:
    left = (*BOTH, CardRemoved("R", 1))
    assert events_of(*left, CardInserted("R", 3))[-1] == SecondCard(FRESH, "R", 3)
    again = events_of(*left, CardRemoved("S", 2), CardInserted("S", 3))
    assert again[-1] == CardIn(FRESH, "S", 3)


def test_losing_the_service_takes_out_both_cards() -> None:
    lost = (CardRemoved("R", 1), CardRemoved("S", 2), ServiceLost())
    assert events_of(*BOTH, *lost)[2:] == [
        CardOut(FRESH, "R", 1, others_in=True),
        CardOut(FRESH, "S", 2),
        Availability(None),
        Availability(Outage.NO_READER_SERVICE),
    ]


def test_a_report_that_comes_again_changes_nothing() -> None:
    assert events_of(CardRemoved("R", 1)) == []
    assert events_of(CardInserted("R", 1), CardInserted("R", 1)) == [CardIn(FRESH, "R", 1)]


def test_a_mute_card_has_its_own_event() -> None:
    assert events_of(CardMuteSeen("R", 1)) == [CardUnreadable(FRESH, "R", 1)]


def test_losing_the_service_ends_the_visit_and_names_the_outage() -> None:
    story = events_of(CardInserted("R", 1), CardRemoved("R", 1), ServiceLost(), ServiceFound())
    assert story[1:] == [
        CardOut(FRESH, "R", 1),
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
        for one in events:
            if isinstance(one, CardOut):
                assert one.others_in is bool(presence.cards)


# A simple model of the rule, beside the rule and the flow together.

READERS = ("R", "S", "T")


@dataclass
class Readers:
    """Three readers with a station: the real rule, the real flow, and what should come of both."""

    inside: dict[str, int] = field(default_factory=dict)
    """The insertion in each reader that has a card."""
    visit: tuple[int, VisitId] | None = None
    """The insertion that went into the empty station, while it is in, and its visit."""
    insertions: int = 0
    is_read: bool = False
    """Whether the visit's card answers, and no other went in beside it."""
    presence: Presence = field(default_factory=Presence)
    state: s.State = field(default_factory=s.Attract)
    opened: list[tuple[VisitId, str]] = field(default_factory=list)
    ended: list[VisitId] = field(default_factory=list)

    def turn(self, reader: str, *, mute: bool) -> None:
        """Take out the card of ``reader``, or put one in where it is empty."""
        if reader in self.inside:
            insertion = self.inside.pop(reader)
            event: ReaderEvent = CardRemoved(reader, insertion)
            if self.visit is not None and self.visit[0] == insertion:
                self.visit, self.is_read = None, False
        else:
            self.insertions += 1
            event = (CardMuteSeen if mute else CardInserted)(reader, self.insertions)
            self.is_read = not self.inside and not mute
            if not self.inside:
                self.visit = (self.insertions, self.new_visit)
            self.inside[reader] = self.insertions
        self._post(event)

    @property
    def new_visit(self) -> VisitId:
        return VisitId(f"{self.insertions:032}")

    def _post(self, event: ReaderEvent) -> None:
        self.presence, events = apply_reader_event(self.presence, event, self.new_visit)
        for one in events:
            following = step(self.state, one)
            self.state = following.state
            for command in following.commands:
                if isinstance(command, c.OpenVisit):
                    self.opened.append((command.visit, command.reader))
                elif isinstance(command, c.EndVisit):
                    self.ended.append(command.visit)


@given(st.lists(st.tuples(st.sampled_from(READERS), st.booleans()), max_size=40))
def test_visit_is_bound_to_the_card_that_went_into_the_empty_station(
    turns: list[tuple[str, bool]],
) -> None:
    readers = Readers()
    should_open: list[tuple[VisitId, str]] = []
    for reader, mute in turns:
        was_empty = not readers.inside
        readers.turn(reader, mute=mute)
        if was_empty and not mute:
            should_open.append((readers.new_visit, reader))
        assert readers.presence.cards == {number: at for at, number in readers.inside.items()}
        assert readers.opened == should_open
        if readers.visit is not None:
            assert s.visit_of(readers.state) == readers.visit[1]
            assert isinstance(readers.state, s.Reading if readers.is_read else s.Refused)
        elif readers.inside:
            assert isinstance(readers.state, s.RemoveCard)
            assert readers.state.reason is s.RemovalReason.OTHER_CARD
        else:
            assert readers.state == s.Attract()
        under_way = [readers.new_visit] if readers.is_read else []
        assert [*readers.ended, *under_way] == [visit for visit, _ in should_open]
