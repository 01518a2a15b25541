"""A busy authority is asked again by the station itself, and the holder sees why it takes long."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import Answers, Heartbeat
from kiosk.contract.sensitive import Sensitive
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.executor import Actions
from kiosk.station.step import BUSY_REPEATS, step
from tests.station import samples
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.rig import Rig
from tests.station.samples import ID

BUSY = e.NoReply(ID, busy=True)


def states() -> list[s.Reading | s.Working]:
    return [state for state in samples.STATES if isinstance(state, s.Reading | s.Working)]


@pytest.mark.parametrize("state", states(), ids=lambda state: type(state).__name__)
def test_the_same_command_is_given_again_and_at_last_the_holder_decides(
    state: s.Reading | s.Working,
) -> None:
    following = step(state, BUSY)
    if isinstance(state, s.Working) and state.work.on_pad:
        assert isinstance(following.state, s.NotReached)
        return
    command = (
        c.OpenVisit(state.visit, state.reader) if isinstance(state, s.Reading) else state.command
    )
    for number in range(1, BUSY_REPEATS + 1):
        assert following == (type(following)(replace(state, repeats=number), (command,)))
        following = step(following.state, BUSY)
    assert following.state == step(state, e.NoReply(ID)).state


async def test_no_attempt_is_lost_while_it_is_busy(rig: Rig) -> None:
    await rig.insert()
    rig.loop.submit(e.Confirmed(rig.visit))
    await rig.until(s.AskQuestion)
    rig.authority.busy = 3
    for text in ("Vane", "Grange"):
        rig.loop.submit(e.AnswerEntered(rig.visit, Sensitive(text)))
    await rig.until(s.CodeEntry)
    assert len(rig.authority.attempts) == 4
    assert len(set(rig.authority.attempts)) == 1
    shown = [state.repeats for state in rig.seen if isinstance(state, s.Working)]
    assert shown[-4:] == [0, 1, 2, 3]


def test_a_busy_authority_is_not_an_authority_that_is_away() -> None:
    authority = FakeAuthority(busy=1)
    actions = Actions(authority, FakeCards(), Heartbeat())
    command = c.SubmitEntry(ID, "1", Answers(()))
    assert actions.perform(command) == BUSY
