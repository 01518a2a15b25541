"""What staff can do in the RA application, a command does as well."""

from __future__ import annotations

import ast
from functools import cache

from kiosk.authority.roles import Action
from tests.support.fresh_root import CHECKOUT

DESKS = CHECKOUT / "kiosk" / "authority" / "administration"
COMMANDS = CHECKOUT / "kiosk" / "app" / "cli"
LOOKS = {action for action in Action if action.value.startswith("see-")}
NO_CALL_OF_A_DESK = {
    Action.AGREE_CODE,  # `kiosk proposals agree` takes the id of a code, too
    Action.IMPORT_PEOPLE,  # `kiosk import` does so without the desk's list of files
    Action.VERIFY_AUDIT,  # `kiosk audit verify` needs no member of staff: an auditor may run it
    Action.MAINTAIN_STATION,  # done at a station
}


@cache
def classes() -> tuple[ast.ClassDef, ...]:
    trees = [ast.parse(path.read_text()) for path in DESKS.glob("*.py")]
    return tuple(node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))


@cache
def rooms() -> dict[str, str]:
    """Return the class of each desk by its name in ``AdminDesk``: people, cards, codes."""
    (desk,) = (each for each in classes() if each.name == "AdminDesk")
    return {
        node.targets[0].attr: node.value.func.id
        for node in ast.walk(desk)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    }


def calls_of(action: Action) -> set[tuple[str, str]]:
    """Return desk and call of each public method that asks for the action."""
    return {
        (kind.name, method.name)
        for kind in classes()
        if kind.name in rooms().values()
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == f"Action.{action.name}"
    }


def calls_of_commands() -> set[tuple[str, str]]:
    """Return desk and call of each that a command makes; of any desk where one is named so."""
    found = set[tuple[str, str]]()
    for path in COMMANDS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                if isinstance(node.value, ast.Attribute) and node.value.attr in rooms():
                    found.add((rooms()[node.value.attr], node.attr))
                elif isinstance(node.value, ast.Name) and node.value.id == "desk":
                    found |= {(kind, node.attr) for kind in rooms().values()}
    return found


def test_act_of_staff_has_its_command() -> None:
    by_command = calls_of_commands()
    lacking = {
        action.value
        for action in Action
        if action not in LOOKS | NO_CALL_OF_A_DESK and not calls_of(action) & by_command
    }
    assert lacking == set(), "an act without a command in kiosk/app/cli"
