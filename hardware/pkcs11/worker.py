"""The process of a card's module: ``python -I -m hardware.pkcs11.worker MODULE [LABEL]``."""

from __future__ import annotations

import sys
from typing import Any

from kiosk.modules import serving


def _tokens(module: Any) -> serving.Answering:
    """Imported where the wrapper is known to be there."""
    from hardware.pkcs11.tokens import Tokens

    return Tokens(module, sys.argv[2] if len(sys.argv) > 2 else "")


if __name__ == "__main__":
    serving.run(sys.argv[1], _tokens)
