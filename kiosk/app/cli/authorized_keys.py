"""``kiosk staff authorized-keys``: what sshd asks (AuthorizedKeysCommand, sshd_config(5)).

It has a way of its own past the other commands: it runs for each key that is offered to sshd.
"""

from __future__ import annotations

import argparse
import os

from kiosk.app.cli.printing import echo


def run(args: argparse.Namespace) -> int:
    """Print the key where it is staff's; `restrict` closes once more what sshd's file closes."""
    from kiosk.app.config.loading import load_settings, settings_path
    from kiosk.authority.store.key_lookup import key_of_staff

    path = settings_path(getattr(args, "config", None), os.environ)
    store = load_settings(path, os.environ).store
    key = key_of_staff(store.staff_url or store.url, args.fingerprint, store.busy_timeout_s)
    if key:
        echo(f"restrict,pty {key}")
    return 0
