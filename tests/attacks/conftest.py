from __future__ import annotations

from tests.authority.conftest import folder, world
from tests.e2e.conftest import make_world, template

__all__ = ["folder", "make_world", "template", "world"]
