"""Modules of the product import each other in no circle; circles of types alone are known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

from tests.support.fresh_root import CHECKOUT

OF_TYPES = (
    # What a factor does takes the parts of the authority, and these hold the factors.
    {"authority.dependencies", "authority.visit.context", "authority.visit.proofs"},
    # The chain is walked over rows, whose column of details is written as the chain hashes it.
    {"authority.store.audit_chain", "authority.store.tables"},
)
"""Circles of which an import is for the type checker alone, and why; without ``kiosk.``."""


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module of the product by its name."""
    found = {}
    for folder in ("kiosk", "screens", "hardware"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            parts = path.relative_to(CHECKOUT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_bytes())
    return found


def imports(tree: ast.AST, *, types: bool) -> Iterator[tuple[str, str]]:
    """Yield the module and the name that are imported, with ``types`` also for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not types:
            for other in node.orelse:
                yield from imports(other, types=types)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)
        else:
            yield from imports(node, types=types)


def imported(*, types: bool) -> dict[str, set[str]]:
    """Return the modules of the product that each imports, in functions, too."""
    known, found = modules(), {}
    for name, tree in known.items():
        named = {
            full if (full := f"{module}.{member}") in known else module
            for module, member in imports(tree, types=types)
        }
        found[name] = (named & known.keys()) - {name}
    return found


def test_imports_that_run_make_no_circle() -> None:
    try:
        TopologicalSorter(imported(types=False)).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None


def _reaches_itself(graph: dict[str, set[str]], name: str) -> bool:
    found: set[str] = set()
    left = [name]
    while left:
        new = graph[left.pop()] - found
        found |= new
        left.extend(new)
    return name in found


def test_circle_of_types_is_one_that_is_known() -> None:
    graph = imported(types=True)
    for circle in OF_TYPES:
        known = {f"kiosk.{each}" for each in circle}
        assert known <= graph.keys(), "a module that is no longer there"
        for name in known:
            assert _reaches_itself(graph, name), f"{name} is in no circle any more"
        for name in known:
            graph[name] -= known
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None
