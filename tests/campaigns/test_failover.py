"""Two rounds of ``make failover``: the server that was killed first is the primary again."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.failover.rounds import failing_over
from campaigns.failover.servers import two_servers

pytestmark = pytest.mark.postgresql


def test_nothing_acknowledged_is_lost_when_primary_and_replica_die(tmp_path: Path) -> None:
    with two_servers() as pair, failing_over(tmp_path, pair, stations=4, seed=1) as estate:
        first = pair.primary
        failed_over = [estate.fail_over(), estate.fail_over()]
        assert pair.primary is first
        assert estate.violations() == []
        assert all(each.in_the_middle > 0 for each in failed_over)
        assert all(known.ended for known in estate.visits)
        assert all(
            kinds["attempt-charged"] and kinds["visit-opened"] for kinds in estate.expected.values()
        )
