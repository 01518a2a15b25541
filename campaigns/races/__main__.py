"""``python -m campaigns.races``: race two replicas on PostgreSQL from many station processes."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from campaigns.races.estate import POLICY, racing
from campaigns.races.rounds import Rounds
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.contract.ports import SystemClock
from tests.authority.world import World
from tests.support.database import running_postgres


def main() -> int:
    """Print what ran and how many violations there were."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.races", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--stations", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with running_postgres() as server, tempfile.TemporaryDirectory() as place:
        url = server.fresh()
        world = World(Path(place), url=url, time=SystemClock())
        world.policy = POLICY
        with racing(Path(place), url, args.stations) as estate:
            rounds = Rounds(world, estate, args.seed)
            rounds.run(args.rounds)
        intact = verify_audit(world.store, AnchorSigner(world.ring)).intact
        world.store.close()
    ran = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in rounds.counts.items())
    print(f"2 replicas, {args.stations} station processes, {args.rounds} rounds: {ran}")
    for each in rounds.violations:
        print(each)
    print(f"the audit is {'intact' if intact else 'broken'}; violations: {len(rounds.violations)}")
    return bool(rounds.violations) or not intact


if __name__ == "__main__":
    sys.exit(main())
