"""The commands of the command line; each module has ``add_parser``."""

from kiosk import HAS_AUTHORITY

_OF_A_STATION = {
    "station": "station",
    "enrol": "enrol",
    "display": "display",
    "doctor": "doctor",
    "setup": "setup",
    "completion": "completion",
}
_OF_AN_AUTHORITY = {
    "demo": "demo",
    "run": "run",
    "authority": "authority",
    "station": "station",
    "enrol": "enrol",
    "display": "display",
    "setup": "setup",
    "import": "import_people",
    "doctor": "doctor",
    "keys": "keys",
    "rows": "rows",
    "store": "store",
    "backup": "backup",
    "restore": "restore",
    "audit": "audit",
    "caretaker": "caretaker",
    "purge": "purge",
    "people": "people",
    "cards": "cards",
    "staff": "staff",
    "stations": "stations",
    "questions": "questions",
    "policy": "policy",
    "proposals": "proposals",
    "report": "report",
    "admin": "admin",
    "sessions": "sessions",
    "completion": "completion",
}

COMMANDS = _OF_AN_AUTHORITY if HAS_AUTHORITY else _OF_A_STATION
"""The command names, with their modules."""

LACKING = frozenset(_OF_AN_AUTHORITY) - frozenset(COMMANDS)
"""Commands of the authority, where it is not installed."""
