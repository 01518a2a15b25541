"""``python -m campaigns.failover``: fail over again and again, in the middle of visits."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from campaigns.failover.patroni import servers_under_patroni
from campaigns.failover.rounds import failing_over
from campaigns.failover.servers import two_servers


def main() -> int:
    """Print how long nobody was answered in each round, and what was lost."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.failover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--stations", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patroni", type=Path, help="under Patroni, unpacked in this folder")
    args = parser.parse_args()
    servers = servers_under_patroni(args.patroni) if args.patroni else two_servers()
    with (
        tempfile.TemporaryDirectory() as place,
        servers as pair,
        failing_over(Path(place), pair, args.stations, args.seed) as estate,
    ):
        for number in range(1, args.rounds + 1):
            over = estate.fail_over()
            print(
                f"fail-over {number}: nobody was answered for {over.seconds_out:.1f} s; "
                f"{over.in_the_middle} visits that were under way went on"
            )
        violations = estate.violations()
        acknowledged = estate.acknowledged()
    for each in violations:
        print(each)
    counted = ", ".join(f"{many} {what}" for what, many in acknowledged.items())
    print(f"acknowledged: {counted}; violations: {len(violations)}")
    return bool(violations)


if __name__ == "__main__":
    sys.exit(main())
