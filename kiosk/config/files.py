"""Where the settings, the state and the credentials are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kiosk.errors import ConfigError
from kiosk.sensitive import Sensitive

SETTINGS_VARIABLE = "KIOSK_SETTINGS"
"""Names the settings file, where the command line does not."""

_SYSTEM_SETTINGS = Path("/etc/kiosk/kiosk.toml")
_SYSTEM_STATE = Path("/var/lib/kiosk")
_CREDENTIAL_MAX = 64 * 1024


def settings_path(given: str | None, environ: Mapping[str, str]) -> Path:
    """Return the settings file: as given, from ``$KIOSK_SETTINGS``, or the system's."""
    return Path(given or environ.get(SETTINGS_VARIABLE) or _SYSTEM_SETTINGS)


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return ``$STATE_DIRECTORY`` (systemd sets it), or ``/var/lib/kiosk``."""
    first = environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(first) if first else _SYSTEM_STATE


def credential_file(named: str, environ: Mapping[str, str]) -> Path:
    """Return the file of a credential: a path as it is, a bare name in the credentials directory.

    Raises ``ConfigError`` where a bare name is given and ``$CREDENTIALS_DIRECTORY`` is not set.
    """
    if "/" in named:
        return Path(named)
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    if not directory:
        raise ConfigError(f"{named}: a bare name needs $CREDENTIALS_DIRECTORY; or give a path")
    return Path(directory) / named


def credential_text(named: str, environ: Mapping[str, str]) -> Sensitive:
    """Read a credential without its last line break; raises ``ConfigError`` naming the file."""
    path = credential_file(named, environ)
    try:
        with path.open("rb") as file:
            raw = file.read(_CREDENTIAL_MAX)
        return Sensitive(raw.decode().rstrip("\r\n"))
    except OSError as error:
        raise ConfigError(f"credential {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"credential {path}: is not UTF-8 text") from None
