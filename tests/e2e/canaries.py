"""Looking for secrets in what was written, in the usual disguises, and in memory."""

from __future__ import annotations

import base64
import json
import quopri
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from kiosk.contract.text import fold, folded_words
from tests.e2e.world import World

_EMPTY = bytes(1 << 16)
_ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[()][0-9A-B]|[=>78])")
_GROUPS = (1, 2, 4)
_ZEROS = re.compile(rb"\0{64,}")
_BETWEEN = (" ", "-", "", ", ")


def disguises(secret: str) -> set[bytes]:
    """Return a secret as itself, grouped, escaped, in hex, in base64 and in UTF-16."""
    plainly = {secret, fold(secret), " ".join(folded_words(secret))}
    texts = {form for each in plainly for form in _written(each)}
    plain = {text.encode(how) for text in texts for how in ("utf-8", "utf-16-le", "utf-16-be")}
    return {*plain, *(coded for each in plainly for coded in _coded(each))}


def _written(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield quote(text)
    yield quopri.encodestring(text.encode()).decode("ascii")
    if text.isdigit():
        for size in _GROUPS:
            pieces = [text[at : at + size] for at in range(0, len(text), size)]
            yield from (between.join(pieces) for between in _BETWEEN)


def _coded(text: str) -> Iterator[bytes]:
    raw = text.encode()
    for between in ("", " ", ":"):
        yield (raw.hex(between) if between else raw.hex()).encode()
        yield (raw.hex(between) if between else raw.hex()).upper().encode()
    for shift in range(3):
        # The signs at both ends depend on what stands beside the secret.
        whole = base64.b64encode(b"\0" * shift + raw)
        yield whole[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]


def found(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Name each secret and each place that it is in."""
    sought = {name: disguises(secret) for name, secret in secrets.items()}
    # UTF-16 is looked for slowly in the empty parts of a database.
    searched = {place: _ZEROS.sub(bytes(64), written) for place, written in places.items()}
    return [
        f"{name} in {place}"
        for place, written in searched.items()
        for name, forms in sought.items()
        if any(form in written for form in forms)
    ]


def files(world: World) -> dict[str, bytes]:
    """Return every file under the estate's directory, and pcscd's log."""
    under = (path for path in world.folder.rglob("*") if path.is_file())
    log = world.pcscd.directory / "pcscd.log"
    return {str(path.name): path.read_bytes() for path in (*under, log)}


def rows(world: World) -> dict[str, bytes]:
    """Return the database table by table, each value as it is read."""
    with closing(sqlite3.connect(world.database)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {f"table {name}": _values(database, name) for (name,) in names}


def _values(database: sqlite3.Connection, table: str) -> bytes:
    lines = database.execute(f"SELECT * FROM {table}").fetchall()
    values = (value for line in lines for value in line)
    return b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in values)


def spoken(world: World) -> dict[str, bytes]:
    """Return what every command that was run said."""
    return {
        f"{' '.join(done.args[1:3])} ({number})": (done.stdout + done.stderr).encode()
        for number, done in enumerate(world.said)
    }


def display(world: World) -> dict[str, bytes]:
    """Return all that the stations wrote to their terminals, with and without its escapes."""
    written = {f"display {n}": bytes(one.written) for n, one in enumerate(world.stations)}
    return {**written, **{f"{n}, bare": bare(raw) for n, raw in written.items()}}


def bare(written: bytes) -> bytes:
    """Return what was written to a terminal without its control sequences."""
    return _ESCAPES.sub(b"", written)


def mail(world: World) -> dict[str, bytes]:
    """Return the mail that arrived, as it came and as it is read."""
    arrived = enumerate(world.mailbox.messages())
    return {
        f"mail {n}: {m.subject}": m.raw + f"{m.subject}\n{m.text}\n{m.html}".encode()
        for n, m in arrived
    }


def held(texts: Mapping[str, str], pid: int) -> list[str]:
    """Name what a process holds of these texts, as Python and as a terminal keep them."""
    memory = memory_of(pid)
    forms = ("utf-8", "utf-16-le", "utf-32-le")
    return [name for name, text in texts.items() if any(text.encode(f) in memory for f in forms)]


def memory_of(pid: int) -> bytearray:
    """Return all that a process can write to, without pieces that are empty.

    Half of it are stacks that nothing used, and a text of UTF-32 is looked for slowly in zeros.
    """
    maps = Path(f"/proc/{pid}/maps").read_text()
    areas = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps, re.MULTILINE)
    read = bytearray()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        for first, end in ((int(one, 16), int(other, 16)) for one, other in areas):
            file.seek(first)
            while piece := file.read(min(len(_EMPTY), end - file.tell())):
                if piece != _EMPTY[: len(piece)]:
                    read += piece
    return read
