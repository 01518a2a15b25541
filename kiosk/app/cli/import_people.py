"""``kiosk import``: people, their cards and unblock secrets from a file."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import complain, echo, progress_line
from kiosk.app.cli.tools import Tools
from kiosk.authority.administration.views import IMPORT_REASON
from kiosk.authority.errors import ImportRefused
from kiosk.contract.families import DEFAULT, FAMILIES, CardFamily

if TYPE_CHECKING:
    from kiosk.authority.administration.import_people import ImportResult
    from kiosk.authority.administration.people_file import OpenedFile


def _by_family(words: Callable[[CardFamily], str]) -> str:
    """Return a paragraph for each family, in the order of the table."""
    column = " " * 18
    return "\n".join(
        textwrap.fill(
            f"{family.name}: {words(family)}",
            width=88,
            initial_indent=column,
            subsequent_indent=column + "  ",
        )
        for family in FAMILIES.values()
    )


DESCRIPTION = f"""\
Imports people, their cards and the cards' unblock secrets from a CSV file in UTF-8. The
first line names the columns, in any order:

  holder_number   12 digits, or as the setting number_digits in [people] has it
  name            as people are addressed
  email           may be empty; shown to the holder at registration
  card_id         what the card says of itself; may be empty for a person without a card
{_by_family(lambda family: family.identifier.words)}
  unblock_secret  what resets a blocked PIN of the card; may be empty
{_by_family(lambda family: family.secret.words)}
  card_driver     optional; one of these families, {DEFAULT} where it is left out
  expires         optional; the last day, as 2027-12-31. Where the card's own certificate
                  ends earlier, that day counts: an import lengthens no certificate
  secret_limit    optional; how many wrong unblock secrets the card takes in a row
  auth_key        optional; the key of the card's card-authentication certificate, or that
                  certificate, as DER in base64: the card has to prove itself with it
  pin_key         optional; the key that the card uses only after its PIN (PIV slot 9A, the
                  authentication key of an OpenPGP card, the first RSA key of a GIDS card,
                  the first one that signs of a PKCS#11 token), in the same form: a PIN
                  counts as proven where the card signs with it
  master_key      optional, in place of unblock_secret; the id of the master key that the
                  card's secret derives from, as `kiosk keys list` shows it

People who were erased come back with a file that has them: they are named, with --dry-run
too.
People and cards that are known already are brought up to date: a filled cell counts, an
empty one takes nothing away. Somebody who gets another recorded address is mailed at the
old one, and the holder of a card that gets another key or secret is mailed, too. Somebody
who is registered is also mailed of a new card, and of an expired one that is in use again.
A person with two cards has two lines. All of the file is taken, or nothing: each line
with a problem is named with its column and the reason. No message repeats a cell: where
two columns are mixed up, that is an unblock secret. While a large file is written to an
SQLite database, stations have to wait; --dry-run does all but write and disturbs nobody.

Unblock secrets are sealed at once, and the file holds them in clear: --remove deletes it
once all of it is imported. On a solid-state disk no program can overwrite what a file held:
make such files on an encrypted disk, or in memory (/run). The RA application removes the
files that it imports from its folder.
"""
EXAMPLE = """\
  kiosk import --dry-run people.csv
  kiosk import --remove people.csv
"""
_DELETE_IT = "delete it (rm; overwriting is no use on a solid-state disk)"


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "import", "take people and cards from a CSV file", DESCRIPTION, EXAMPLE, run
    )
    parser.add_argument("file", metavar="FILE.csv", type=Path, help="the file to import")
    add_flag(parser, "--dry-run", "check everything and write nothing")
    add_flag(parser, "--remove", "delete the file once all of it is imported")
    parser.add_argument(
        "--reason",
        default=IMPORT_REASON,
        metavar="TEXT",
        help="why; it is kept with the audit (default: %(default)s)",
    )
    add_flag(
        parser,
        "--replace-lost",
        "take secrets in place of recorded ones whose key is lost for good",
    )


def run(args: argparse.Namespace) -> int:
    """Import; 1 where the file was refused."""
    try:
        result = _import(args)
    except ImportRefused as refused:
        complain_of(args.file, refused, "nothing was imported")
        return 1
    # Before anything is printed: the output may be closed.
    stays = _remove(args.file, result.opened) if args.remove and not args.dry_run else ""
    _print_result(result, dry=args.dry_run)
    if stays:
        complain(f"kiosk: {stays}")
    elif not (args.remove or args.dry_run):
        echo(f"{args.file} holds unblock secrets in clear; {_DELETE_IT}, or let --remove do it")
    return int(bool(stays))


def complain_of(path: Path, refused: ImportRefused, result: str) -> None:
    """Name each problem of a people file, and what its ``result`` is."""
    for line, reason in refused.problems:
        complain(f"{path}: {f'line {line}: ' if line else ''}{reason}")
    many = len(refused.problems)
    complain(f"{result}: {many} {'problem' if many == 1 else 'problems'}")


def _remove(path: Path, opened: OpenedFile) -> str:
    """Remove the file that was imported; return why it stays, empty where it is gone."""
    try:
        if opened.remove(path):
            return ""
    except OSError as error:
        return f"{path} is still there: {error.strerror}; {_DELETE_IT}"
    return f"{path} is another file than the one that was read: import it, too"


def _import(args: argparse.Namespace) -> ImportResult:
    tools = Tools(args)
    digits = tools.settings.people.number_digits
    from kiosk.authority.administration.import_people import PeopleImport
    from kiosk.authority.policy import LivePolicy

    policy = LivePolicy(tools.staff_store, tools.settings.policy, tools.clock)
    work = PeopleImport(
        tools.staff_store,
        tools.sealer(),
        digits,
        replace_lost=args.replace_lost,
        domains=lambda: policy().email_domains,
    )
    with progress_line("checking" if args.dry_run else "importing") as progress:
        if args.dry_run:
            return work.rehearse(args.file, progress)
        return work.run(args.file, tools.actor(), progress, reason=args.reason)


def _print_result(result: ImportResult, *, dry: bool) -> None:
    echo("dry run: nothing was written" if dry else f"imported, reference {result.reference}")
    echo(f"  lines            {result.lines:>9}")
    echo(f"  people added     {result.people_added:>9}")
    echo(f"  people changed   {result.people_changed:>9}")
    _print_lines(result.changes if dry else ())
    if result.people_mailed:
        echo(f"  people mailed    {result.people_mailed:>9}  at an old address, of the new one")
    echo(f"  cards added      {result.cards_added:>9}")
    echo(f"  cards changed    {result.cards_changed:>9}")
    _print_lines(result.card_changes if dry else ())
    if result.cards_mailed:
        what = "new, in use again, or with another key or secret"
        echo(f"  cards mailed     {result.cards_mailed:>9}  {what}")
    echo(f"  secrets sealed   {result.secrets_sealed:>9}")
    if result.outside_domains:
        many = len(result.outside_domains)
        addresses = "address" if many == 1 else "addresses"
        echo(f"  not approved     {many:>9}  {addresses} of no domain in `email_domains`:")
        echo("    nobody can register with one")
        _print_lines(result.outside_domains)
    if result.erased_before:
        echo(f"  erased before    {len(result.erased_before):>9}  people: this brings them back")
        _print_lines(result.erased_before)


def _print_lines(found: Iterable[tuple[int, str]]) -> None:
    for line, words in found:
        echo(f"    line {line}: {words}")
