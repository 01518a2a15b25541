"""Before: by the documented configuration a stranger had each database server run a command.

``make failover PATRONI=1`` tries it at a real one, which it runs by the same file.
"""

from __future__ import annotations

import re
from pathlib import Path

CONFIGURATION = Path(__file__).parents[2] / "docs" / "patroni" / "patroni.yml"


def test_patroni_takes_a_configuration_from_nobody_without_its_password() -> None:
    (rest,) = re.findall(r"^restapi:\n((?:  .*\n)+)", CONFIGURATION.read_text(), re.M)
    assert re.search(r"^  authentication:\n    username: \S+\n    password: \S+$", rest, re.M)
