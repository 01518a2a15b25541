"""``[secrets]``: where unblock secrets come from, and where their master keys are."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.config.base import Section, setting
from kiosk.config.kinds import Choice, Number, Text


@dataclass(frozen=True)
class SecretSettings(Section):
    """``[secrets]``: what is kept already stays as it is, until its card takes another secret."""

    source: str = setting(
        "random",
        Choice("random", "derived"),
        "New unblock secrets: drawn and sealed, or derived from a master key and never stored.",
    )
    module: str = setting(
        "",
        Text("an absolute path", "/.+", empty=True),
        "The PKCS#11 module of the token that keeps the master keys; empty is the key file.",
    )
    token: str = setting(
        "",
        Text("a token's label of at most 32 characters", ".{1,32}", empty=True),
        "The label of that token.",
    )
    pin_file: str = setting(
        "",
        Text("a path, or a name in $CREDENTIALS_DIRECTORY", empty=True),
        "The file with the PIN of the token's user.",
    )
    timeout_s: float = setting(
        3, Number(1, 30), "Seconds that the token may take for one answer before it is ended."
    )

    def check(self) -> None:
        """Raise ``ValueError`` where a module lacks its token or PIN, or these their module.

        Master keys would be looked for in the key file otherwise, and new ones made there.
        """
        if self.module and not self.token:
            raise ValueError("token: has to be given where module is")
        if self.module and not self.pin_file:
            raise ValueError("pin_file: has to be given where module is")
        if not self.module and (self.token or self.pin_file):
            raise ValueError("module: has to be given where token or pin_file is")
