from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kiosk.authority.administration.login import (
    VARIABLE,
    admit,
    login_key,
    record_logout,
    refuse_login,
)
from kiosk.authority.administration.office import Office
from kiosk.authority.errors import NotPermitted
from kiosk.authority.records import AuditQuery
from kiosk.authority.store.database import Store
from screens.words.staff.refusals import refusal_words
from tests.support.refusals import refused


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def told(folder: Path, text: str) -> dict[str, str]:
    path = folder / "auth"
    path.write_text(text)
    return {VARIABLE: str(path)}


def test_login_key_is_the_one_that_logged_in(tmp_path: Path, line: str) -> None:
    assert login_key(told(tmp_path, f"publickey {line}\n")).startswith("SHA256:")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password\n",
        "publickey {line}\npassword\n",
        "publickey {line}\npublickey {line}\n",
        "keyboard-interactive/pam\npublickey {line}\n",
        "publickey ssh-ed25519 ???\n",
        "publickey {line} more\n",
    ],
)
def test_anything_else_opens_nothing(tmp_path: Path, line: str, text: str) -> None:
    with pytest.raises(NotPermitted):
        login_key(told(tmp_path, text.format(line=line)))


def test_without_ssh_nothing_opens(tmp_path: Path) -> None:
    for environ in ({}, {VARIABLE: ""}, {VARIABLE: str(tmp_path / "gone")}):
        with pytest.raises(NotPermitted):
            login_key(environ)


def test_staff_are_let_in_and_seen_off(agent: Office, store: Store) -> None:
    actor = admit(store, agent.actor.key, "192.0.2.7")
    assert actor == agent.actor
    record_logout(store, actor, "idle")
    with store.read() as uow:
        out, in_ = uow.trail.newest(AuditQuery())
    assert (in_.kind, in_.actor) == ("staff-logged-in", actor.staff_id)
    assert in_.detail == {"key": actor.key, "from": "192.0.2.7"}
    assert (out.kind, out.detail["how"]) == ("staff-logged-out", "idle")


def test_a_stranger_is_turned_away_and_audited(store: Store) -> None:
    with refused(NotPermitted, match="no member of staff") as caught:
        admit(store, "SHA256:unknown", "192.0.2.9")
    refuse_login(store, "no key", "192.0.2.9")
    with store.read() as uow:
        second, first = uow.trail.newest(AuditQuery())
    assert first.reference in refusal_words(caught.value)
    assert (first.kind, first.actor) == ("staff-turned-away", None)
    assert first.detail == {"key": "SHA256:unknown", "from": "192.0.2.9"}
    assert second.detail == {"because": "no key", "from": "192.0.2.9"}
