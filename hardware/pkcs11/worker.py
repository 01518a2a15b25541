"""The process of a card's module: ``python -I -m hardware.pkcs11.worker MODULE [LABEL]``."""

from __future__ import annotations

import sys
from typing import Any

from kiosk.system import module_process


def _tokens(module: Any) -> module_process.Answer:
    """Imported only after the wrapper was found."""
    from hardware.pkcs11.tokens import Tokens

    return Tokens(module, sys.argv[2] if len(sys.argv) > 2 else "").answer


if __name__ == "__main__":
    module_process.run(sys.argv[1], _tokens)
