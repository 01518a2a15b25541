"""``kiosk audit``: verify the audit, and sign its head."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from kiosk.commands.tools import Tools, add_command, add_config, complain, say
from kiosk.errors import ConfigError

DESCRIPTION = """\
The audit is a chain: each event holds the hash of the one before. Whoever changes,
removes or moves a row breaks it. Whoever owns the database could write a whole new chain;
so its head is signed now and then with a key that is not in the database (an anchor), and
anchors are kept elsewhere too.
"""
EXAMPLE = """\
  kiosk audit anchor --out /mnt/elsewhere/anchors
  kiosk audit verify --anchors /mnt/elsewhere/anchors
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its two parts."""
    parser = add_command(
        subparsers, "audit", "verify the audit, or sign its head", DESCRIPTION, EXAMPLE
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="verify|anchor")
    verify = parts.add_parser("verify", help="walk the chain and name the first row that is wrong")
    verify.add_argument(
        "--anchors", type=Path, metavar="FILE", help="anchors that were kept elsewhere"
    )
    anchor = parts.add_parser("anchor", help="sign the head of the chain")
    anchor.add_argument("--out", type=Path, metavar="FILE", help="add the anchor to this file too")
    for part in (verify, anchor):
        add_config(part)


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    return {"verify": _verify, "anchor": _anchor}[args.part](args)


def _verify(args: argparse.Namespace) -> int:
    """Verify; 1 where a row does not fit."""
    from kiosk.administration.audit_chain import read_anchors, verify_audit
    from kiosk.commands.progress import ProgressLine
    from kiosk.secrets.anchors import AnchorSigner

    tools = Tools(args)
    elsewhere = read_anchors(args.anchors) if args.anchors else ()
    with ProgressLine("verifying") as progress:
        verdict = verify_audit(tools.store, AnchorSigner(tools.ring()), elsewhere, progress)
    if verdict.fault:
        complain(f"row {verdict.fault.seq} ({verdict.fault.kind}): {verdict.fault.because}")
        complain(f"{verdict.rows} rows were walked; the audit is NOT intact")
        return 1
    say(f"{verdict.rows} rows and {verdict.anchors} anchors fit")
    if verdict.anchored_to < verdict.rows:
        covered = f"up to row {verdict.anchored_to}" if verdict.anchored_to else "nothing"
        say(f"signed anchors cover {covered}; `kiosk audit anchor` signs the rest")
    return 0


def _anchor(args: argparse.Namespace) -> int:
    """Sign the head, and write the anchor out where it is asked for."""
    from kiosk.administration.audit_chain import anchor_line
    from kiosk.authority.anchors import anchor_head
    from kiosk.secrets.anchors import AnchorSigner

    tools = Tools(args)
    anchor = anchor_head(tools.store, AnchorSigner(tools.ring()))
    if anchor is None:
        say("nothing was recorded since the last anchor")
        return 0
    if args.out:
        _append(args.out, anchor_line(anchor) + "\n")
    say(f"signed row {anchor.seq}, hash {anchor.hash}, with {anchor.key_id}")
    return 0


def _append(path: Path, line: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write(line)
    except OSError as error:
        raise ConfigError(f"anchors {path}: {error.strerror}") from None
