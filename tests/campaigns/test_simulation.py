"""Some seeds of the simulation; ``make sim`` runs as many as there is time for."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from campaigns.sim import people, simulation
from campaigns.sim.invariants import Violation
from campaigns.sim.scheduler import Scheduler, new_loop
from campaigns.sim.simulation import Report, Simulation
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.store.repositories.codes import EmailCodes
from kiosk.authority.visit import card_evidence
from kiosk.contract.policy import Policy
from tests.support.campaigns import often
from tests.support.printed import Printed

SEEDS, VISITS = range(1, 1 + often(3, 8)), 25


def simulate(template: Path, folder: Path, seed: int, visits: int = VISITS) -> Report:
    folder.mkdir()
    shutil.copy(template, folder / "kiosk.db")
    return Simulation(seed, folder, visits).run()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_every_invariant_holds(
    seed: int, sqlite_template: Path, tmp_path: Path, printed: Printed
) -> None:
    report = simulate(sqlite_template, tmp_path / "estate", seed)
    printed(str(report))
    assert report.visits >= VISITS
    assert report.faults


def test_a_seed_lives_the_same_again(sqlite_template: Path, tmp_path: Path) -> None:
    first, again = (simulate(sqlite_template, tmp_path / name, 7, 6) for name in ("a", "b"))
    assert first == again


def test_a_job_that_nobody_awaits_any_more_stops_no_other() -> None:
    scheduler = Scheduler(1)

    async def live() -> str:
        jobs = [asyncio.ensure_future(asyncio.to_thread(scheduler.pause)) for _ in range(2)]
        await asyncio.sleep(0)
        for each in jobs:
            each.cancel()
        await asyncio.wait(jobs)
        return await asyncio.to_thread(lambda: "goes on")

    loop = new_loop(scheduler)
    assert loop.run_until_complete(live()) == "goes on"
    loop.close()


def test_a_code_that_is_not_used_up_is_found(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmailCodes, "consume", lambda _self, _code_id: True)
    with pytest.raises(Violation, match="a release uses its code up"):
        simulate(sqlite_template, tmp_path / "estate", 1)


def test_a_challenge_that_a_repeated_request_spoils_is_found(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_evidence, "is_waiting", lambda *_: False)
    with pytest.raises(Violation, match="no genuine card is called forged"):
        _simulate_all(range(3, 12), sqlite_template, tmp_path)


@pytest.mark.parametrize(
    ("method", "broken"),
    [
        ((CodeMac, "matches"), "an address is of its holder's or staff's making"),
        ((AnswerHasher, "check"), "only the holder's own answers are right"),
    ],
)
def test_what_is_right_though_it_is_wrong_is_found(
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: tuple[type, str],
    broken: str,
) -> None:
    monkeypatch.setattr(*method, lambda *_: True)
    monkeypatch.setattr(people, "WRONG_CODE", 0.5)
    monkeypatch.setattr(simulation, "WAYS", (Policy().verification,))
    with pytest.raises(Violation, match=broken):
        _simulate_all(range(1, 10), sqlite_template, tmp_path)


def _simulate_all(seeds: range, template: Path, folder: Path) -> None:
    for seed in seeds:
        simulate(template, folder / f"estate {seed}", seed)
