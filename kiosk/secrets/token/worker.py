"""The process of the token's module: ``python -I -m kiosk.secrets.token.worker MODULE LABEL``."""

from __future__ import annotations

import sys
from typing import Any

from kiosk.modules import serving


def _keys(module: Any) -> serving.Answering:
    """Imported where the wrapper is known to be there."""
    from kiosk.secrets.token.keys import TokenKeys

    return TokenKeys(module, sys.argv[2])


if __name__ == "__main__":
    serving.run(sys.argv[1], _keys)
