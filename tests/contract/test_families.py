"""The table of card families agrees with the drivers, the settings and the documents."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

import hardware.drivers
from hardware.driver import Driver, load_driver
from hardware.drivers.openpgp import Secret
from hardware.pkcs11.cards import NAME, Style
from kiosk.authority.administration.fields import (
    CellRefused,
    read_card,
    read_unblock_secret,
)
from kiosk.authority.crypto.derivation import FollowingSecrets, unblock_secret
from kiosk.authority.crypto.keys import KeyRing
from kiosk.contract.families import FAMILIES, ON_PCSC, AdminKey, CardFamily, secret_kind_names
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.cuts.families import families
from tests.e2e.test_families import FAMILIES as LIVED
from tests.hardware.test_fuzz import FAMILIES as FUZZED

ROWS = FAMILIES.values()
IDS = tuple(FAMILIES)
HEXADECIMAL = "0123456789abcdef" * 4


def identifier_of(family: CardFamily) -> str:
    """Return the longest identifier of hexadecimal digits that the family has."""
    forms = (HEXADECIMAL[:length] for length in range(len(HEXADECIMAL), 0, -1))
    return next(form for form in forms if re.fullmatch(family.identifier.pattern, form))


@pytest.mark.parametrize("name", ON_PCSC)
def test_family_on_pcsc_has_its_driver(name: str) -> None:
    for secret in secret_kind_names(name):
        driver: Driver = load_driver(name, secret)
        assert driver.name == name
        assert driver.secret_kind == secret


def test_driver_has_its_row() -> None:
    files = {module.name for module in pkgutil.iter_modules(hardware.drivers.__path__)}
    assert files == set(ON_PCSC)
    assert [row.name for row in ROWS if row.by_module] == [NAME]


@pytest.mark.parametrize("name", ON_PCSC)
def test_driver_has_its_tests(name: str) -> None:
    assert name in {driver.name for driver, _, _ in FUZZED.values()}, (
        "see tests/hardware/test_fuzz.py"
    )
    assert Path(f"tests/hardware/drivers/test_{name}.py").is_file()


def test_family_is_cut_at_every_step_and_lived_through_by_a_person() -> None:
    """A family without them would be tried by nobody between its driver and a station."""
    assert {family.driver for family in families().values()} == set(IDS), "tests/cuts/families.py"
    assert {family.driver for family in LIVED.values()} == set(IDS), "tests/e2e"


def test_the_kinds_of_secrets_are_those_that_the_drivers_know() -> None:
    assert secret_kind_names("openpgp") == tuple(Secret)
    assert secret_kind_names("pkcs11") == tuple(Style)


@pytest.mark.parametrize("family", ROWS, ids=IDS)
def test_a_family_with_several_kinds_of_secrets_has_a_setting(family: CardFamily) -> None:
    assert (family.secret_setting is not None) == (len(family.secret_kinds) > 1)


@pytest.mark.parametrize("family", ROWS, ids=IDS)
def test_what_is_made_for_a_card_is_what_may_be_entered_for_it(family: CardFamily) -> None:
    card = read_card(family, identifier_of(family))
    assert card == CardId(family.name, identifier_of(family))
    derived = unblock_secret(lambda message: message[:16].ljust(16, b"1"), card, 7)
    assert isinstance(family.secret, AdminKey) or len(derived.reveal()) == 8
    drawn = FollowingSecrets(KeyRing.fresh()).make(card, lambda: Sensitive("12345678"), 1)
    if any(kind.rotates for kind in family.secret_kinds):
        assert read_unblock_secret(drawn.reveal(), family) == drawn


@pytest.mark.parametrize("family", ROWS, ids=IDS)
def test_identifiers_that_no_card_has_are_refused(family: CardFamily) -> None:
    assert not any(re.fullmatch(no, identifier_of(family)) for no, _ in family.identifier.refused)
    with pytest.raises(CellRefused, match="is all zeros"):
        read_card(family, "0" * len(identifier_of(family)))


@pytest.mark.parametrize("family", ROWS, ids=IDS)
def test_only_an_admin_key_is_proven_by_both_sides_and_it_never_rotates(family: CardFamily) -> None:
    assert family.mutual_authentication == isinstance(family.secret, AdminKey)
    if family.mutual_authentication:
        assert not any(kind.rotates for kind in family.secret_kinds)


@pytest.mark.parametrize("family", ROWS, ids=IDS)
def test_family_is_named_to_readers(family: CardFamily) -> None:
    assert family.title in Path("README.md").read_text()
    headings = Path("docs/card-support.md").read_text().splitlines()
    assert any(re.match(rf"## {re.escape(family.title)}\b", line) for line in headings)


DOCUMENTED = ("card-support", "unblock-journal")
_BY_FAMILY = "| family |", "| card | stored |"


def tables_by_family(page: str) -> dict[int, list[str]]:
    """Return the first cells of each table whose first column names the family, by its line."""
    tables: dict[int, list[str]] = {}
    table: list[str] | None = None
    for number, line in enumerate(Path(f"docs/{page}.md").read_text().splitlines(), 1):
        if line.startswith(_BY_FAMILY):
            table = tables[number] = []
        elif not line.startswith("|"):
            table = None
        elif table is not None:
            table.append(line.split("|")[1])
    return tables


@pytest.mark.parametrize("page", DOCUMENTED)
def test_table_by_families_has_every_family(page: str) -> None:
    tables = tables_by_family(page)
    assert tables
    missing = [
        f"docs/{page}.md:{number} has no row for {family.title}"
        for number, cells in tables.items()
        for family in ROWS
        if not any(family.title in cell or f"`{family.name}`" in cell for cell in cells)
    ]
    assert not missing, "\n".join(missing)


def test_the_table_by_kinds_of_keys_has_a_column_for_every_family() -> None:
    rows = Path("docs/card-support.md").read_text().splitlines()
    head = next(line for line in rows if line.startswith("| kind of key |"))
    assert [family.title for family in ROWS if family.title not in head] == []


def test_no_other_document_has_a_table_by_families() -> None:
    pages = [path.stem for path in Path("docs").glob("*.md") if tables_by_family(path.stem)]
    assert sorted(pages) == sorted(DOCUMENTED)


def test_the_first_table_has_the_names_that_are_stored() -> None:
    rows = Path("docs/card-support.md").read_text().splitlines()
    assert [name for name in FAMILIES if not any(f"`{name}`" in row for row in rows)] == []
