"""A station behind HAProxy, which passes mutual TLS on to two authorities; all are installed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.contract.messages import Purpose
from kiosk.system.sockets import free_ports
from tests.e2e.conftest import MakeWorld
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.test_estate import enrol
from tests.e2e.visitor import Visitor
from tests.e2e.world import World
from tests.support.balancer import Balancer, Behind

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"


@pytest.fixture
def behind() -> list[Behind]:
    return [Behind(*free_ports(3)), Behind(*free_ports(3))]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    listen, enrol_listen = free_ports(2)
    return make_world(
        authority={
            "socket": "",
            "listen": f"127.0.0.1:{listen}",
            "enrol_listen": f"127.0.0.1:{enrol_listen}",
            "addresses": [f"localhost:{listen}"],
        }
    )


@pytest.fixture
def authorities(world: World, behind: list[Behind]) -> Iterator[list[Authority]]:
    """Two of them, which listen elsewhere than their stations connect to."""
    made = []
    for number, ports in enumerate(behind, 1):
        listens = {
            "KIOSK_AUTHORITY__LISTEN": f"127.0.0.1:{ports.stations}",
            "KIOSK_AUTHORITY__ENROL_LISTEN": f"127.0.0.1:{ports.enrolment}",
            "KIOSK_MONITORING__LISTEN": f"127.0.0.1:{ports.monitoring}",
        }
        made.append(Authority(world, name=f"authority{number}", environ=listens, forked=True))
    yield made
    for each in made:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


@pytest.fixture
def balancer(
    world: World, behind: list[Behind], authorities: list[Authority], tmp_path: Path
) -> Iterator[Balancer]:
    named = world.settings.authority
    listen, enrol_listen = (
        int(each.rpartition(":")[2]) for each in (named.listen, named.enrol_listen)
    )
    made = Balancer(tmp_path, listen, enrol_listen, behind)
    made.wait_for_up({each.name for each in authorities})
    yield made
    made.close()


def test_a_visit_goes_on_when_an_authority_dies_and_when_the_other_hangs(
    world: World, authorities: list[Authority], balancer: Balancer
) -> None:
    machine = StationAlone(world)
    enrol(machine)
    ada = world.ada
    world.register(ada)
    world.block(ada)
    visitor = Visitor(world, ada, machine.start(hasty=True))
    visitor.comes().unlocks()
    used, other = sorted(authorities, key=lambda each: "choose: " not in each.written)
    assert "choose: " not in other.written
    used.end(signal.SIGKILL)
    visitor.answers()
    visitor.awaits_code(Purpose.UNLOCK)
    assert "prepare: EnterCode" in other.written
    balancer.wait_for_up({other.name})
    used.start()
    balancer.wait_for_up({used.name, other.name})
    other.process.send_signal(signal.SIGSTOP)
    visitor.enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    balancer.wait_for_up({used.name})
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    assert used.end() == 0
