from __future__ import annotations

from tests.authority.conftest import folder, world
from tests.e2e.conftest import authority, make_world, template

__all__ = ["authority", "folder", "make_world", "template", "world"]
