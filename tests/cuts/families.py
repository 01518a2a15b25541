"""The families of cards whose unblocks are cut, and how the product is led to each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from hardware.driver import Driver, load_driver
from hardware.drivers.openpgp import Secret
from hardware.pkcs11.cards import Module, Pkcs11Cards, Style
from hardware.virtual.piv import CardProfile
from kiosk.contract.ports import Cards
from tests.authority.admin_key_card import KEY
from tests.authority.world import PUK
from tests.cuts.chips import RemoteChip
from tests.cuts.cutter import Cutter, Fault
from tests.cuts.gids import GidsReaderCard
from tests.cuts.inspected_card import NEW_PIN, ChipReaderCard
from tests.cuts.modules import ModuleLine
from tests.cuts.openpgp import OpenPgpReaderCard
from tests.cuts.piv import PivReaderCard
from tests.cuts.reader import real_cards
from tests.hardware.pkcs11.tokens import SO_PIN, SOFTHSM
from tests.support.gids_card import GidsProfile

SOCKET, TOKEN = "card.socket", "softhsm"
ON_APDUS = (Fault.TORN, Fault.LOST, Fault.RESET, Fault.KILL)
FEW = (Fault.LOST, Fault.KILL)
ON_REQUESTS = (Fault.LOST, Fault.CRASH, Fault.KILL)


@dataclass(frozen=True)
class Family(ABC):
    """One family under a ``name`` of its own, and what its estate stored.

    Where it ``derives``, the stored secret is changed for one that derives from a master key.
    ``keyed``: the station that is cut lets the new PIN be entered on its reader's keys.
    """

    name: str
    driver: str
    secret: str
    limit: int | None = None
    derives: bool = False
    keyed: bool = False

    @property
    def changes(self) -> bool:
        """Whether its unblock secret is changed after each use."""
        return True

    @abstractmethod
    def at_station(self, folder: Path, cutter: Cutter) -> AbstractContextManager[Cards]:
        """Open the way to the card for a station's process."""


class ChipFamily(Family):
    """A family that speaks APDUs over PC/SC, to a card behind a socket."""

    @abstractmethod
    def reader_card(self, folder: Path, expires: datetime, *, blocked: bool) -> ChipReaderCard:
        """Make a card, which may keep what it remembers in ``folder``."""

    @abstractmethod
    def speaks(self) -> Driver:
        """Return the product's driver."""

    @contextmanager
    def at_station(self, folder: Path, cutter: Cutter) -> Iterator[Cards]:
        """Open the product's way over PC/SC."""
        with RemoteChip(folder / SOCKET) as chip, pytest.MonkeyPatch.context() as patch:
            keyed = NEW_PIN if self.keyed else ""
            yield real_cards(chip, self.speaks(), cutter, patch, keyed)


@dataclass(frozen=True)
class Piv(ChipFamily):
    """PIV: the unblock secret is the PUK, and is changed after each use."""

    name: str = "piv"
    driver: str = "piv"
    secret: str = PUK
    limit: int | None = 3
    profile: CardProfile = field(default_factory=CardProfile)
    silent: bool = False

    def reader_card(self, _: Path, expires: datetime, *, blocked: bool) -> PivReaderCard:
        """Make a card with keys."""
        return PivReaderCard(expires, self.profile, silent=self.silent, blocked=blocked)

    def speaks(self) -> Driver:
        """The PIV driver."""
        return load_driver("piv", "puk")


@dataclass(frozen=True)
class OpenPgp(ChipFamily):
    """OpenPGP: ``which`` of its passwords the estate stored, and whether that is changed."""

    driver: str = "openpgp"
    secret: str = PUK
    which: Secret = Secret.RESETTING_CODE

    @property
    def changes(self) -> bool:
        """Only the admin PIN can be changed by whoever knows it."""
        return self.which is Secret.ADMIN_PIN

    def reader_card(self, folder: Path, _: datetime, *, blocked: bool) -> OpenPgpReaderCard:
        """Make a card without keys."""
        return OpenPgpReaderCard(folder, self.which, self.secret, blocked=blocked)

    def speaks(self) -> Driver:
        """The OpenPGP driver."""
        return load_driver("openpgp", self.which)


@dataclass(frozen=True)
class Gids(ChipFamily):
    """GIDS: the unblock secret is the admin key, which no card is sent and nothing changes."""

    name: str = "gids"
    driver: str = "gids"
    secret: str = KEY
    limit: int | None = 3
    profile: GidsProfile = field(default_factory=lambda: GidsProfile(key_tries=3))

    @property
    def changes(self) -> bool:
        """No."""
        return False

    def reader_card(self, _: Path, __: datetime, *, blocked: bool) -> GidsReaderCard:
        """Make a card with an admin key that counts."""
        return GidsReaderCard(self.secret, self.profile, blocked=blocked)

    def speaks(self) -> Driver:
        """The GIDS driver."""
        return load_driver("gids", "admin-key")


@dataclass(frozen=True)
class Pkcs11(Family):
    """PKCS#11 on SoftHSM, style init-pin: the officer's PIN is stored, and changed."""

    name: str = "pkcs11"
    driver: str = "pkcs11"
    secret: str = SO_PIN.reveal()

    @contextmanager
    def at_station(self, folder: Path, cutter: Cutter) -> Iterator[Cards]:
        """Open the product's way through the module."""
        with pytest.MonkeyPatch.context() as patch:
            ModuleLine(cutter, lambda *_: None).install(patch)
            conf = str(folder / TOKEN / "softhsm2.conf")
            yield Pkcs11Cards(Module(str(SOFTHSM)), Style.INIT_PIN, {"SOFTHSM2_CONF": conf})


def families() -> Mapping[str, Family]:
    """Return all of them by name."""
    ten = CardProfile(puk_tries=10, holds_puk_validation=True, blocked_status=0x63C0)
    known: tuple[Family, ...] = (
        Piv(),
        Piv("piv, silent", limit=None, silent=True),
        Piv("piv, ten tries", limit=10, profile=ten),
        Piv("piv, tells tries", limit=None, profile=CardProfile(metadata=True)),
        Piv("piv, derived", derives=True),
        Piv("piv, keyed", keyed=True),
        OpenPgp("openpgp by resetting code"),
        OpenPgp("openpgp by admin PIN", which=Secret.ADMIN_PIN),
        Gids(),
        Pkcs11(),
    )
    return {family.name: family for family in known}
