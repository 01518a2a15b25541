"""The commands of the command line; each module has ``add_parser``."""

from kiosk import HAS_AUTHORITY

_OF_A_STATION = ("setup", "doctor", "enrol", "station", "display", "completion")
_OF_AN_AUTHORITY = (
    "setup", "doctor", "enrol", "import", "authority", "station", "run", "display", "admin",
    "sessions", "people", "cards", "staff", "stations", "questions", "policy", "proposals",
    "report", "mail", "caretaker", "keys", "rows", "audit", "backup", "restore", "purge", "store",
    "completion", "demo",
)  # fmt: skip
_OFFERED = _OF_AN_AUTHORITY if HAS_AUTHORITY else _OF_A_STATION

_MODULES = {
    "backup": "store", "caretaker": "authority", "completion": "main", "import": "people",
    "proposals": "staff", "questions": "policy", "restore": "store", "rows": "audit",
    "run": "station", "sessions": "admin",
}  # fmt: skip
"""Those that are not called as their command."""

COMMANDS = {name: _MODULES.get(name, name) for name in _OFFERED}
"""The command names, with their modules."""

LACKING = frozenset(_OF_AN_AUTHORITY) - frozenset(COMMANDS)
"""Commands of the authority, where it is not installed."""
