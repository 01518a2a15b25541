"""Logins by security keys: where the settings say so, sshd asks that they verified their user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.e2e.admin.ssh_login import Door
from tests.support.security_key import TOUCHED, VERIFIED, SecurityKey

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

IN = "log out"
REFUSED = "Permission denied (publickey)"


@pytest.fixture
def keys(door: Door) -> Iterator[dict[str, SecurityKey]]:
    """Two members of staff with a security key each; one asks for no PIN."""
    with ExitStack() as ends:
        made = {}
        for name, flags in (("verifies", TOUCHED | VERIFIED), ("touched", TOUCHED)):
            made[name] = key = SecurityKey(door.keys, name, flags)
            ends.enter_context(closing(key))
            add = ("staff", "add", name.title(), "--role", "manager", "--key", str(key.public))
            door.kiosk(*add, "--reason", "new")
        yield made


def by(key: SecurityKey) -> tuple[str, ...]:
    return ("-o", f"IdentityAgent={key.socket}")


def test_where_any_key_counts_a_touch_is_enough(door: Door, keys: dict[str, SecurityKey]) -> None:
    for key in keys.values():
        door.log_in(key.public, options=by(key)).see(IN)


def test_where_logins_are_verified_only_a_verified_signature_lets_in(
    door: Door, keys: dict[str, SecurityKey]
) -> None:
    plain = door.staff("Ada Plain", "manager")
    door.log_in(plain).see(IN)
    door.close_sessions()
    text = door.config.read_text()
    assert text.count("[admin]\n") == 1
    door.config.write_text(text.replace("[admin]\n", '[admin]\nlogin_keys = "verified"\n'))
    key = keys["verifies"]
    door.log_in(key.public, options=by(key)).see(IN)
    assert REFUSED in door.try_to(plain).stderr
    key = keys["touched"]
    assert REFUSED in door.try_to(key.public, options=by(key)).stderr
    listed = door.kiosk("staff", "list")
    assert listed.count("lets nobody in") == 1
    assert "user verification" in door.sshd.log
