"""Before: by the documented configuration a stranger had each database server run a command.

``make failover PATRONI=1`` tries it at a real one, which it runs by the same file.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "docs" / "patroni"
CONFIGURATION, OF_ETCD = FOLDER / "patroni.yml", FOLDER / "etcd"


def test_patroni_takes_a_configuration_from_nobody_without_its_password() -> None:
    (rest,) = re.findall(r"^restapi:\n((?:  .*\n)+)", CONFIGURATION.read_text(), re.M)
    assert re.search(r"^  authentication:\n    username: \S+\n    password: \S+$", rest, re.M)
    assert "  verify_client: optional\n" in rest


def test_etcd_takes_a_configuration_from_nobody_without_a_certificate() -> None:
    """It was protected by a firewall alone, and where there was none, by nothing."""
    text = OF_ETCD.read_text()
    assert "ETCD_CLIENT_CERT_AUTH=true\n" in text
    assert "ETCD_PEER_CLIENT_CERT_AUTH=true\n" in text
    assert "http:" not in text
