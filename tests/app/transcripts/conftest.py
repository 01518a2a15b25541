from tests.app.cli.conftest import place, set_up

__all__ = ["place", "set_up"]
