"""The QR code of a mail has the tag that the station gets, and no other code has the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from io import BytesIO

import segno

from kiosk.authority.mail.compose import PICTURE, compose_code
from kiosk.authority.records import Card
from kiosk.authority.service import LocalAuthority
from kiosk.config.settings import ServiceSettings
from kiosk.contract.scans import read_scan, scan_of
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit, resumed_by
from tests.authority.world import World


def scanned(world: World) -> Sensitive:
    return Sensitive(world.relay.sent[-1].picture.decode())


def test_scan_of_the_mail_has_its_code_and_the_tag_of_the_task(
    world: World, station_visit: StationVisit
) -> None:
    task = station_visit.to_code()
    found = read_scan(scanned(world), task.digits)
    assert found is not None
    assert (found.code, found.tag) == (world.relay.code, task.tag)


def test_tag_of_a_code_is_its_own(world: World, station_visit: StationVisit) -> None:
    first = station_visit.to_code()
    world.clock.forward(seconds=61)
    second = station_visit.send()
    assert second.tag != first.tag  # type: ignore[attr-defined]
    assert second.tag == read_scan(scanned(world), 8).tag  # type: ignore[attr-defined, union-attr]


def test_tag_stays_while_a_code_waits(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    tag = station_visit.to_code().tag
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    resumed = resumed_by(back)
    assert resumed is not None
    assert resumed[1].tag == tag


def test_mail_shows_the_scan_as_a_picture_and_names_it_without_the_code(
    world: World, station_visit: StationVisit
) -> None:
    compose = partial(compose_code, service=ServiceSettings())
    world.parts = replace(world.parts, compose=compose)
    world.authority = LocalAuthority(world.parts)
    task = station_visit.to_code()
    mail = world.relay.sent[-1]
    code = "".join(mail.text.partition("Your code:")[2].split()[:2])
    drawn = BytesIO()
    scan = scan_of(Sensitive(code), task.tag).reveal()
    segno.make(scan, error="m", micro=False, boost_error=False).save(
        drawn, kind="png", scale=6, border=4
    )
    assert mail.picture == drawn.getvalue()
    assert f'src="cid:{PICTURE}"' in mail.html
    assert 'alt="The code as a picture"' in mail.html
    assert scan not in mail.html + mail.text
    assert (mail.html.replace("&nbsp;", "") + "").count(code) == 1
    assert code not in repr(mail)
