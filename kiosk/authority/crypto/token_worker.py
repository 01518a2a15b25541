"""The process of the token's module.

``python -I -m kiosk.authority.crypto.token_worker MODULE LABEL``
"""

from __future__ import annotations

import sys
from typing import Any

from kiosk.system import module_process


def _keys(module: Any) -> module_process.Answer:
    """Imported only after the wrapper was found."""
    from kiosk.authority.crypto.token_keys import TokenKeys

    return TokenKeys(module, sys.argv[2]).answer


if __name__ == "__main__":
    module_process.run(sys.argv[1], _keys)
