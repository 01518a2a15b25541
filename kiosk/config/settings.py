"""All sections together."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from kiosk.config.admin import AdminSettings
from kiosk.config.base import Section
from kiosk.config.cards import CardSettings
from kiosk.config.mail import MailSettings
from kiosk.config.notices import NoticeSettings
from kiosk.config.pkcs11 import Pkcs11Settings
from kiosk.config.policy import PolicySettings
from kiosk.config.secrets import SecretSettings
from kiosk.config.sections import (
    KeySettings,
    PcscSettings,
    PeopleSettings,
    ServiceSettings,
    StationSettings,
    StoreSettings,
)


@dataclass(frozen=True)
class Settings:
    """Every setting; made by ``load_settings`` alone, which reads and checks them."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    station: StationSettings = field(default_factory=StationSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    people: PeopleSettings = field(default_factory=PeopleSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    keys: KeySettings = field(default_factory=KeySettings)
    secrets: SecretSettings = field(default_factory=SecretSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    pcsc: PcscSettings = field(default_factory=PcscSettings)
    cards: CardSettings = field(default_factory=CardSettings)
    pkcs11: Pkcs11Settings = field(default_factory=Pkcs11Settings)
    admin: AdminSettings = field(default_factory=AdminSettings)


DEFAULTS: Final = Settings()

SECTIONS: Final[dict[str, Section]] = {
    each.name: getattr(DEFAULTS, each.name) for each in fields(Settings)
}
"""The sections by their names, in the order of the file, each with its defaults."""
