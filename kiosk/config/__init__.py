"""The settings: one TOML file, overridden by the environment, read once and passed down.

Every section is a frozen dataclass whose fields carry their own help and bounds; the example
file, the error messages and the documentation are all drawn from those fields.
"""

from kiosk.config.admin import AdminSettings
from kiosk.config.cards import CardSettings
from kiosk.config.files import credential_file, credential_text, settings_path, state_directory
from kiosk.config.loading import ENV_PREFIX, load_settings
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
from kiosk.config.settings import Settings

__all__ = [
    "ENV_PREFIX",
    "AdminSettings",
    "CardSettings",
    "KeySettings",
    "MailSettings",
    "NoticeSettings",
    "PcscSettings",
    "PeopleSettings",
    "Pkcs11Settings",
    "PolicySettings",
    "SecretSettings",
    "ServiceSettings",
    "Settings",
    "StationSettings",
    "StoreSettings",
    "credential_file",
    "credential_text",
    "load_settings",
    "settings_path",
    "state_directory",
]
