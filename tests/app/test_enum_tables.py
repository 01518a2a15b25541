"""Tables over an enumeration have a row for each member, or say here which they lack.

A member that is added later therefore names each table that has to decide about it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from enum import Enum
from types import ModuleType

import pytest

import hardware
import kiosk
import screens

OURS = ("kiosk.", "screens.", "hardware.")

_CODES = "change-pin change-questions first-unlock maintenance report-misuse saved-codes"
_RSA, _EC = "rsa-2048 rsa-3072 rsa-4096", "p-256 p-384"

LACKS: Mapping[str, str] = {
    # Nothing of their own is lost with one of these keys.
    "kiosk.authority.administration.key_copies._LOST": "station-ca",
    # The others are read off the records, or are not about this card.
    "screens.words.staff.standing.SEEN_AT_STATIONS": """
        answers-limited attempts-paused authority-away card-busy card-not-served
        changed-meanwhile code-moved code-withdrawn email-refused fault
        given-code-over global-pin leaver maintenance-refused no-email not-registered
        reader-gone record-altered registration-blocked saved-code-over
        secret-kind-differs secret-missing station-limited station-retired stop-number-old
        stop-number-used stop-number-wrong too-many-codes two-cards unknown-card unlisted""",
    # No code is mailed for the others.
    "kiosk.authority.mail.words.CODE_SUBJECTS": _CODES,
    "kiosk.authority.mail.words.CODE_INTROS": _CODES,
    # The code to the known address after a claimed PIN.
    "kiosk.authority.mail.words.OWNER_INTROS": """
        change-pin first-unlock maintenance report-misuse unlock""",
    # The officer writes it.
    "kiosk.authority.visit.maintenance.REASONS": "other",
    # The others prove somebody alone.
    "kiosk.contract.policy._NEVER_ALONE": "email-code",
    # Their last page says what matters, and nothing of the card or the records was changed.
    "kiosk.station.step._DONE": "maintenance report-misuse",
    # What counts at once.
    "screens.words.choices._SUCCESS_LATER": """
        change-pin change-questions maintenance report-misuse saved-codes unlock""",
    # Work in which no reader's keys are used.
    "screens.words.pad.ASKING": """
        checking-answers checking-code checking-number checking-pin keeping-codes maintaining
        making-codes preparing sending-code setting-pin""",
    # The field has a sentence of its own for it, with both numbers.
    "screens.words.pin._RULES": "length",
    # They list people with no such date.
    "screens.admin.people_lists._DATES": "everybody no-card not-registered",
    "hardware.drivers.gids._MECHANISMS": f"{_EC} ed25519",
    "hardware.drivers.piv._RSA_BYTES": f"{_EC} ed25519",
    "hardware.pkcs11.signer._MECHANISMS": "ed25519",
    "hardware.public_keys._CURVES": f"{_RSA} ed25519",
    "hardware.public_keys._PRIMES": f"{_RSA} ed25519",
    "hardware.public_keys._B": f"{_RSA} ed25519",
    "hardware.public_keys._COORDINATE": f"{_RSA} ed25519",
}


def modules() -> Iterator[ModuleType]:
    for root in (kiosk, screens, hardware):
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            if ".migrations" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def tables() -> dict[str, Mapping[Enum, object]]:
    """Return each table of a module whose keys are members of one of our enumerations."""
    found: dict[int, tuple[str, Mapping[Enum, object]]] = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, Mapping) and value and _is_over_one_enum(value):
                found.setdefault(id(value), (f"{module.__name__}.{name}", value))
    return dict(found.values())


def _is_over_one_enum(table: Mapping[object, object]) -> bool:
    kinds = {type(key) for key in table}
    kind = kinds.pop()
    return not kinds and issubclass(kind, Enum) and kind.__module__.startswith(OURS)


TABLES = tables()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_table_over_an_enum_is_total_or_says_what_it_lacks(name: str) -> None:
    table = TABLES[name]
    kind = type(next(iter(table)))
    lacking = {str(member.value) for member in kind if member not in table}
    assert lacking == set(LACKS.get(name, "").split())


def test_every_table_that_is_said_to_lack_members_exists() -> None:
    assert LACKS.keys() <= TABLES.keys()
