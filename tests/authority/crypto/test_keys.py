"""The key ring and its file."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from kiosk.authority.crypto import keys
from kiosk.authority.crypto.keys import NEEDED, Key, KeyFileMissing, KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing
from kiosk.config import loading
from kiosk.contract.errors import ConfigError
from tests.support.prepared import prepared_program


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_what_was_created_is_loaded_again(path: Path) -> None:
    made = KeyRing.create(path)
    loaded = KeyRing.load(path)
    for purpose in NEEDED:
        assert loaded.current(purpose) == made.current(purpose)
        assert loaded.ids(purpose) == (made.current(purpose).id,)


def test_the_file_is_its_owners_alone_and_nothing_lies_beside_it(path: Path) -> None:
    KeyRing.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    KeyRing.rotate(path, KeyPurpose.SEAL)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


def test_keys_are_never_overwritten(path: Path) -> None:
    KeyRing.create(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="one already"):
        KeyRing.create(path)
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    KeyRing.create(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=r"others may read it.*chmod 0600"):
        KeyRing.load(path)


def test_a_credential_may_show_the_groups_right_to_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KeyRing.create(path)
    path.chmod(0o440)
    with pytest.raises(ConfigError):
        KeyRing.load(path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(path.parent))
    assert KeyRing.load(path).ids(KeyPurpose.SEAL)
    path.chmod(0o444)
    with pytest.raises(ConfigError):
        KeyRing.load(path)


def test_a_file_of_somebody_else_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner can read the keys, and put others there."""
    KeyRing.create(path)
    if os.geteuid() == 0:  # a file of root is good for everybody
        os.chown(path, 12345, 12345)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid)
    assert KeyRing.load(path).ids(KeyPurpose.SEAL)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ConfigError, match="somebody else"):
        KeyRing.load(path)


def test_a_rotated_file_keeps_its_owner(path: Path) -> None:
    KeyRing.create(path)
    # Only root can give a file away; others can give it to another group of theirs.
    owner = (12345, 12345) if os.geteuid() == 0 else (os.geteuid(), os.getgroups()[-1])
    os.chown(path, *owner)
    KeyRing.rotate(path, KeyPurpose.PEPPER)
    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_a_missing_file_names_itself(path: Path) -> None:
    with pytest.raises(KeyFileMissing, match=r"keys\.json: there is no such file"):
        KeyRing.load(path)


def test_a_file_that_may_not_be_read_says_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KeyRing.create(path)

    def refused(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    monkeypatch.setattr(loading, "_own_account", lambda: "kiosk")
    with pytest.raises(ConfigError) as denied:
        KeyRing.load(path)
    assert str(denied.value) == (
        f"key file {path}: Permission denied; it has to belong to this account; as root: "
        f"chown -h kiosk: {path}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json c4n4ry",
        "[]",
        "{}",
        '{"version": 2, "keys": []}',
        '{"version": 1, "keys": []}',
        '{"version": 1, "keys": [{"purpose": "seal", "id": "a", "key": "c4n4ry!"}]}',
        '{"version": 1, "keys": [{"purpose": "seal", "id": "a", "key": 7}]}',
        '{"version": 1, "keys": [{"purpose": "other", "id": "a", "key": ""}]}',
    ],
)
def test_a_damaged_file_is_refused_without_being_quoted(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        KeyRing.load(path)
    assert caught.value.__cause__ is None
    assert "c4n4ry" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "; put your newest copy of it there"),
        ('{"version": 2, "keys": []}', "it is of another version of this program: install that"),
    ],
)
def test_a_file_that_is_not_read_is_refused_with_what_to_do(
    path: Path, text: str, what: str
) -> None:
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"{what}$"):
        KeyRing.load(path)


def _document(path: Path) -> dict[str, list[dict[str, str]]]:
    document: dict[str, list[dict[str, str]]] = json.loads(path.read_text())
    return document


@pytest.mark.parametrize("key", ["AAAA", "A" * 43 + "="])
def test_a_short_or_null_key_is_refused(path: Path, key: str) -> None:
    KeyRing.create(path)
    document = _document(path)
    document["keys"][0]["key"] = key
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="random bytes"):
        KeyRing.load(path)


def test_an_id_that_is_there_twice_is_refused(path: Path) -> None:
    KeyRing.create(path)
    document = _document(path)
    document["keys"].append(document["keys"][0])
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="twice"):
        KeyRing.load(path)


def test_a_purpose_without_a_key_is_refused(path: Path) -> None:
    KeyRing.create(path)
    document = _document(path)
    document["keys"] = [key for key in document["keys"] if key["purpose"] != "pepper"]
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="pepper"):
        KeyRing.load(path)


def test_a_rotation_adds_a_current_key_and_keeps_the_older(path: Path) -> None:
    old = KeyRing.create(path).current(KeyPurpose.SEAL)
    KeyRing.rotate(path, KeyPurpose.SEAL)
    ring = KeyRing.load(path)
    assert ring.current(KeyPurpose.SEAL) != old
    assert ring.key(KeyPurpose.SEAL, old.id) == old
    assert len(ring.ids(KeyPurpose.PEPPER)) == 1


def test_rotations_at_the_same_time_lose_no_key(path: Path) -> None:
    KeyRing.create(path)
    threads = [
        threading.Thread(target=KeyRing.rotate, args=(path, KeyPurpose.SEAL)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(KeyRing.load(path).ids(KeyPurpose.SEAL)) == 9


def test_an_unknown_id_is_missing() -> None:
    ring = KeyRing.fresh()
    with pytest.raises(KeyMissing, match="seal-0"):
        ring.key(KeyPurpose.SEAL, "seal-0")
    with pytest.raises(KeyMissing):
        ring.key(KeyPurpose.PEPPER, ring.current(KeyPurpose.SEAL).id)


def test_made_up_ids_have_the_file_read_once_a_minute(path: Path) -> None:
    """Whoever writes to the database makes up as many ids as they like."""
    seconds, reads = [1000.0], list[float]()

    def load() -> KeyRing:
        reads.append(seconds[0])
        return KeyRing.load(path)

    ring = KeyRing.create(path).rereading(load, lambda: seconds[0])
    for number in range(20):
        with pytest.raises(KeyMissing, match="holds no key 'made-up-"):
            ring.key(KeyPurpose.SEAL, f"made-up-{number}")
        seconds[0] += 10
    assert reads == [1000, 1060, 1120, 1180]
    added = KeyRing.rotate(path, KeyPurpose.SEAL).current(KeyPurpose.SEAL)
    with pytest.raises(KeyMissing):
        ring.key(KeyPurpose.SEAL, added.id)
    seconds[0] = 1240
    assert ring.key(KeyPurpose.SEAL, added.id) == added
    assert ring.key(KeyPurpose.SEAL, added.id) == added
    assert reads == [1000, 1060, 1120, 1180, 1240]


def test_several_that_ask_for_a_new_key_at_once_all_get_it(path: Path) -> None:
    KeyRing.create(path)
    ring = KeyRing.load(path).rereading(lambda: KeyRing.load(path), lambda: 0.0)
    added = KeyRing.rotate(path, KeyPurpose.SEAL).current(KeyPurpose.SEAL)
    together = threading.Barrier(8)

    def ask() -> Key:
        together.wait()
        return ring.key(KeyPurpose.SEAL, added.id)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        assert [each.result() for each in asked] == [added] * 8


def test_subkeys_differ_by_use_and_key() -> None:
    key, other = Key("a", b"a" * 32), Key("b", b"b" * 32)
    made = {key.subkey("one"), key.subkey("two"), other.subkey("one"), key.material}
    assert len(made) == 4
    assert key.subkey("one") == Key("renamed", b"a" * 32).subkey("one")


def test_repr_shows_ids_only() -> None:
    ring = KeyRing.fresh()
    key = ring.current(KeyPurpose.SEAL)
    for shown in (repr(ring), str(ring), repr(key), f"{key}"):
        assert key.id in shown
        assert repr(key.material) not in shown
        assert key.material.hex() not in shown


def test_a_master_key_is_added_when_it_is_wanted(path: Path) -> None:
    ring = KeyRing.create(path)
    assert ring.ids(KeyPurpose.DERIVE) == ()
    with pytest.raises(KeyMissing, match="derive"):
        ring.current(KeyPurpose.DERIVE)
    added = [KeyRing.rotate(path, KeyPurpose.DERIVE).current(KeyPurpose.DERIVE).id for _ in "12"]
    assert KeyRing.load(path).ids(KeyPurpose.DERIVE) == tuple(added)


# --- a program that is killed ----------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing

def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

where, what, path = sys.argv[1:]
setattr({"os": os, "Path": Path}[where], what, die)
KeyRing.rotate(Path(path), KeyPurpose.SEAL)
"""


def rotate_killed(path: Path, where: str, what: str) -> None:
    words = ("-c", KILLED, where, what, str(path))
    with prepared_program().start_python(words, os.environ) as process:
        assert process.ended()[0] == -signal.SIGKILL


@pytest.mark.parametrize(("where", "what"), [("os", "fsync"), ("os", "link")])
def test_a_rotation_that_is_killed_leaves_no_copy_of_the_keys(
    path: Path, where: str, what: str
) -> None:
    KeyRing.create(path)
    rotate_killed(path, where, what)
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]
    assert len(KeyRing.load(path).ids(KeyPurpose.SEAL)) == 1


def test_what_one_left_is_named_and_deleted_by_the_next(path: Path) -> None:
    KeyRing.create(path)
    rotate_killed(path, "Path", "replace")
    (left,) = keys.leftovers(path)
    assert left.stat().st_mode & 0o777 == 0o600
    KeyRing.rotate(path, KeyPurpose.SEAL)
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]
    assert len(KeyRing.load(path).ids(KeyPurpose.SEAL)) == 2


def test_a_file_system_without_unnamed_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without(name: Path, flags: int, *mode: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return real(name, flags, *mode)

    monkeypatch.setattr(os, "open", without)
    KeyRing.create(path)
    KeyRing.rotate(path, KeyPurpose.SEAL)
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]
    assert len(KeyRing.load(path).ids(KeyPurpose.SEAL)) == 2
