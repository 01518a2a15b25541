from __future__ import annotations

from tests.authority.conftest import folder, world

__all__ = ["folder", "world"]
