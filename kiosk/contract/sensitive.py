"""A value that must not be seen: a PIN, a PUK, an answer, a code.

Python cannot wipe memory. The promise is smaller: code that formats, compares, pickles or logs a
value by accident does not show it. Only ``reveal`` does.
"""

from __future__ import annotations

from typing import NoReturn, final

MASK = "•••"


@final
class Sensitive:
    """One secret text; ``repr``, ``str`` and ``format`` show a mask of constant length."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself; call it where it is used and keep it nowhere."""
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sensitive):
            return NotImplemented
        import hmac  # with what it needs, it is one hundredth of the time to the first page

        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> NoReturn:
        raise TypeError("a secret is not a key")

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
