"""All sections together."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

from kiosk.config.mail import MailSettings
from kiosk.config.policy import PolicySettings
from kiosk.config.sections import (
    KeySettings,
    PcscSettings,
    PeopleSettings,
    ServiceSettings,
    StationSettings,
    StoreSettings,
)


class Settings(BaseSettings):
    """Every setting; made by ``load_settings`` alone, which gives it its sources."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    service: ServiceSettings = ServiceSettings()
    station: StationSettings = StationSettings()
    policy: PolicySettings = PolicySettings()
    people: PeopleSettings = PeopleSettings()
    store: StoreSettings = StoreSettings()
    keys: KeySettings = KeySettings()
    mail: MailSettings = MailSettings()
    pcsc: PcscSettings = PcscSettings()
