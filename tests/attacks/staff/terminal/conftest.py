"""The estate and the staff's door of the end-to-end tests, for attacks through a terminal."""

from tests.e2e.admin.conftest import door
from tests.e2e.conftest import make_world, template, world

__all__ = ["door", "make_world", "template", "world"]
