"""Reading a file of people: CSV (RFC 4180) in UTF-8, with a header, one record at a time.

Semicolons or tabs may separate the columns as well, as spreadsheets of many countries write them.
"""

from __future__ import annotations

import base64
import csv
import difflib
import hashlib
import os
import pwd
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, ParamSpec, TypeVar

from kiosk.authority.administration import fields
from kiosk.authority.administration.fields import CellRefused
from kiosk.authority.crypto.card_keys import key_from, may_be
from kiosk.authority.errors import ImportRefused
from kiosk.authority.records import PinPolicy
from kiosk.contract import families
from kiosk.contract.families import PROVE_THEMSELVES
from kiosk.contract.messages import CardId, KeyKind
from kiosk.contract.sensitive import Sensitive

# The key of a card: apart from the cells that staff may also type, as only it needs cryptography.


def read_auth_key(
    text: str, family: families.CardFamily | None, card: CardId | None
) -> bytes | None:
    """Return the key with which a card proves itself; an empty cell is None."""
    key = _key("auth_key", text, family)
    if key is None or family is None:
        return None
    if family.name not in PROVE_THEMSELVES:
        raise CellRefused("auth_key", f"{family.name} cards are not asked to prove themselves")
    if card is not None and not may_be(card, key):
        raise CellRefused("auth_key", "is not the key that card_id was made from")
    return key


def read_pin_key(text: str, family: families.CardFamily | None, auth: bytes | None) -> bytes | None:
    """Return the key that a card uses only after its PIN, unlike ``auth``; None for no text."""
    key = _key("pin_key", text, family)
    if key is None or family is None:
        return None
    if not family.proves_pin:
        raise CellRefused(
            "pin_key", f"{family.title} cards sign nothing that would prove their PIN"
        )
    if key == auth:
        raise CellRefused("pin_key", "is the same as auth_key, which needs no PIN")
    return key


_ARMOUR = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")


def read_pasted_key(text: str, driver: str, auth: bytes | None) -> bytes | None:
    """Do as ``read_pin_key`` with PEM, as it is pasted into a form."""
    return read_pin_key(_ARMOUR.sub("", text).strip(), families.FAMILIES.get(driver), auth)


def _key(cell: str, text: str, family: families.CardFamily | None) -> bytes | None:
    """Read base64: a SubjectPublicKeyInfo in DER, or a certificate that holds one."""
    if not text:
        return None
    if family is None:
        raise CellRefused(cell, "there is no card_id that it could belong to")
    try:
        key = key_from(base64.b64decode("".join(text.split()), validate=True))
    except ValueError:
        raise CellRefused(cell, "must be DER in base64, without the lines around it") from None
    if key is None:
        kinds = ", ".join(KeyKind)
        raise CellRefused(cell, f"must be a certificate or public key: {kinds}")
    return key


def read_pin_policy(text: str, family: families.CardFamily | None) -> PinPolicy | None:
    """Return when the card asks for its PIN before it uses ``pin_key``; an empty cell is None."""
    if not text:
        return None
    if family is None:
        raise CellRefused("pin_policy", "there is no card_id that it could belong to")
    try:
        return PinPolicy(text.lower())
    except ValueError:
        raise CellRefused("pin_policy", f"allowed: {', '.join(PinPolicy)}") from None


_ID = re.compile(r"derive-[A-Za-z0-9._-]{1,64}")


def read_master_key(text: str, family: families.CardFamily | None, *, has_secret: bool) -> str:
    """Return the id of the master key; an empty cell stays empty."""
    if not text:
        return ""
    if family is None:
        raise CellRefused("master_key", "there is no card_id that it could belong to")
    if has_secret:
        raise CellRefused("master_key", "there is an unblock_secret as well; leave one of them out")
    if not _ID.fullmatch(text):
        raise CellRefused("master_key", "must be the id of one, as `kiosk keys list` shows it")
    return text


P = ParamSpec("P")
Value = TypeVar("Value")

Problem = tuple[int, str]
"""A line number, counted from 1 (0 is the file itself), and what is wrong there."""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A good line; None where a cell was empty. ``master`` is the id of a master key."""

    line: int
    number: str
    name: str
    email: str | None
    card: CardId | None
    secret: Sensitive | None = field(repr=False)
    expires_at: datetime | None
    secret_limit: int | None
    auth_key: bytes | None = field(default=None, repr=False)
    pin_key: bytes | None = field(default=None, repr=False)
    pin_policy: PinPolicy | None = None
    master: str = ""


def read_person(
    line: int,
    record: list[str],
    columns: tuple[str, ...],
    number_digits: int,
    problems: list[Problem],
) -> PersonRecord | None:
    """Read every cell; where one is refused, say why in ``problems``."""
    if len(record) != len(columns):
        problems.append((line, f"has {len(record)} cells, and the header {len(columns)}"))
        return None
    cells = dict(zip(columns, map(str.strip, record), strict=True))
    before = len(problems)

    def take(otherwise: Value, read: Callable[P, Value], *of: P.args, **how: P.kwargs) -> Value:
        try:
            return read(*of, **how)
        except CellRefused as refused:
            problems.append((line, str(refused)))
            return otherwise

    given = cells["card_id"]
    number = take("", fields.read_holder_number, cells["holder_number"], number_digits)
    name = take("", fields.read_name, cells["name"])
    email = take(None, fields.read_email, cells["email"])
    named_family = take(None, fields.read_family, cells.get("card_driver", ""))
    card = take(None, fields.read_card, named_family, given) if named_family else None
    family = named_family if given else None
    secret, key, pin_key, pin_policy, master = None, None, None, None, ""
    if family or not given:  # a card of an unknown family has no known form
        secret = take(None, fields.read_unblock_secret, cells["unblock_secret"], family)
        key = take(None, read_auth_key, cells.get("auth_key", ""), family, card)
        pin_key = take(None, read_pin_key, cells.get("pin_key", ""), family, key)
        pin_policy = take(None, read_pin_policy, cells.get("pin_policy", ""), family)
        named, has_secret = cells.get("master_key", ""), bool(cells["unblock_secret"])
        master = take("", read_master_key, named, family, has_secret=has_secret)
    expires_at = take(None, fields.read_expires, cells.get("expires", ""))
    limit = take(None, fields.read_secret_limit, cells.get("secret_limit", ""))
    if len(problems) > before:
        return None
    return PersonRecord(
        line, number, name, email, card, secret, expires_at, limit, key, pin_key, pin_policy, master
    )


NEEDED = ("holder_number", "name", "email", "card_id", "unblock_secret")
OPTIONAL = (
    "card_driver",
    "expires",
    "secret_limit",
    "auth_key",
    "pin_key",
    "pin_policy",
    "master_key",
)
_ALL = (*NEEDED, *OPTIONAL)


def read_header(record: list[str]) -> tuple[str, ...]:
    """Return the columns, in order; raises ``ImportRefused`` naming each that is wrong."""
    columns = tuple(cell.strip().lower() for cell in record)
    if not columns:
        reasons = [f"the file is empty; its first line must be {','.join(NEEDED)}"]
    else:
        missing = [name for name in NEEDED if name not in columns]
        if len(missing) == len(NEEDED):
            reasons = [f"this is not the header; the first line must be {','.join(NEEDED)}"]
        else:
            reasons = [f"the column {name} is missing" for name in missing]
        unknown = [name for name in columns if name not in _ALL]
        # Where all are unknown, the header has been refused already.
        for name in unknown if len(unknown) < len(columns) else ():
            near = difflib.get_close_matches(name, _ALL, n=1)
            hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(_ALL)}"
            reasons.append(f"there is no column {name!r:.40}; {hint}")
        reasons += [f"the column {name} is there twice" for name in _ALL if columns.count(name) > 1]
    if reasons:
        raise ImportRefused(tuple((1, reason) for reason in reasons))
    return columns


def separator_of(header: str) -> str:
    """Return what separates the columns: the sign that stands most often in the first line."""
    return max(",;\t", key=header.count)


_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class OpenedFile(NamedTuple):
    """Which file was read, and when it was last changed before that; ``mtime`` in nanoseconds."""

    device: int
    inode: int
    mtime: int

    def remove(self, path: Path) -> bool:
        """Delete it; return False where ``path`` is another file by now. Raises ``OSError``.

        It is not overwritten: on a solid-state disk that reaches other cells than the file's.
        """
        try:
            now = path.stat()
        except FileNotFoundError:
            return True
        if self != (now.st_dev, now.st_ino, now.st_mtime_ns):
            return False
        path.unlink(missing_ok=True)
        return True


NOT_OPENED: Final = OpenedFile(0, 0, 0)


class PeopleFile:
    """Reads ``path`` once; ``problems``, ``lines`` and ``position`` grow during that.

    ``lines`` counts the records, the header aside; ``position`` is in bytes of ``size``.
    """

    def __init__(self, path: Path, number_digits: int) -> None:
        self.problems: list[Problem] = []
        self.lines = 0
        self.position = 0
        self.size = 0
        self.opened = NOT_OPENED
        self._not_utf8: list[int] = []
        self._path = path
        self._number_digits = number_digits
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of what has been read."""
        return self._hash.hexdigest()

    def people(self) -> Iterator[PersonRecord]:
        """Yield the good lines; raises ``ImportRefused`` where it cannot be read at all."""
        begins, digits = 1, self._number_digits
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                self.size = found.st_size
                self.opened = OpenedFile(found.st_dev, found.st_ino, found.st_mtime_ns)
                texts = self._texts(file)
                header = next(texts, "")
                separator = separator_of(header)
                reader = csv.reader(chain([header], texts), delimiter=separator, strict=True)
                columns = read_header(next(reader, []))
                begins = reader.line_num + 1
                for record in reader:
                    if any(cell.strip() for cell in record):
                        self.lines += 1
                        if person := read_person(begins, record, columns, digits, self.problems):
                            yield person
                    begins = reader.line_num + 1
        except csv.Error:
            reason = "from here on it is no CSV: see quotation marks and line ends"
            self.problems.append((begins, reason))
        except PermissionError:
            user = pwd.getpwuid(os.geteuid()).pw_name
            where = f"put it where it can, such as the imports folder, as a file of {user}"
            reason = f"{user} may not read it; {where}"
            raise ImportRefused(((0, reason),)) from None
        except OSError as error:
            raise ImportRefused(((0, error.strerror or "cannot be read"),)) from None
        self._complain_of_encoding()

    def _texts(self, file: BinaryIO) -> Iterator[str]:
        for number, raw in enumerate(file, start=1):
            self.position += len(raw)
            self._hash.update(raw)
            if number == 1 and raw.startswith(_UTF16):
                raise ImportRefused(((1, "this is UTF-16; save the file as CSV in UTF-8"),))
            line = raw.removeprefix(_BOM) if number == 1 else raw
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self._not_utf8.append(number)
                text = line.decode(errors="replace")
            yield text

    def _complain_of_encoding(self) -> None:
        """Say it once of the whole file: an encoding is wrong in each line with such a letter."""
        if not self._not_utf8:
            return
        first, *others = self._not_utf8
        many = f", and so are {len(others)} others" if len(others) > 1 else ", and so is another"
        reason = f"is not UTF-8{many if others else ''}; save the file as “CSV UTF-8”"
        self.problems.append((first, reason))


def numbers_in(path: Path, number_digits: int) -> frozenset[str]:
    """Return the holder numbers of a file; raises ``ImportRefused`` where a line has a problem."""
    file = PeopleFile(path, number_digits)
    numbers = frozenset(person.number for person in file.people())
    if file.problems:
        raise ImportRefused(tuple(sorted(file.problems)))
    return numbers


class Repetitions:
    """A person with two cards has two lines; any other repetition is a mistake.

    Only what a later line could contradict is remembered.
    """

    def __init__(self) -> None:
        self._people: dict[str, tuple[int, int]] = {}
        self._cards: dict[CardId, int] = {}
        self._addresses: dict[str, str] = {}

    def takes(self, line: PersonRecord, problems: list[Problem]) -> bool:
        """Return whether ``line`` says something new; if not, say in ``problems`` why."""
        before = len(problems)
        about = hash((line.name, line.email))
        first, known_as = self._people.setdefault(line.number, (line.line, about))
        if first != line.line and known_as != about:
            reason = f"holder_number: line {first} has another name or email for it"
            problems.append((line.line, reason))
        elif first != line.line and line.card is None:
            problems.append((line.line, f"holder_number: is on line {first} already"))
        if line.card and (known := self._cards.setdefault(line.card, line.line)) != line.line:
            problems.append((line.line, f"card_id: is on line {known} already"))
        return len(problems) == before

    def shares_with(self, line: PersonRecord) -> str | None:
        """Return the number of the first person with the address of a line that was taken."""
        if line.email is None:
            return None
        first = self._addresses.setdefault(line.email.lower(), line.number)
        return first if first != line.number else None

    def is_first(self, line: PersonRecord) -> bool:
        """Return whether a line that was taken is the first of its person."""
        return self._people[line.number][0] == line.line
