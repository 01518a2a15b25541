"""The commands of the command line; each module has ``add_parser``."""

COMMANDS = {
    "demo": "demo",
    "run": "run",
    "authority": "authority",
    "station": "station",
    "setup": "setup",
    "import": "import_people",
    "doctor": "doctor",
    "keys": "keys",
    "rows": "rows",
    "store": "store",
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
    "completion": "completion",
}
"""What is typed, and the module that does it."""
