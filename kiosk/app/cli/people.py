"""``kiosk people`` and ``kiosk import``: find people and help them, or take them from a file."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import ask, complain, echo, echo_row, progress_line
from kiosk.app.cli.tools import (
    Parts,
    Tools,
    file_path,
    grounds_of,
    how_many,
    on_desk,
    print_json,
    print_result,
)
from kiosk.authority.administration.views import IMPORT_REASON, Standing
from kiosk.authority.errors import AddressShared, AdministrationError, ImportRefused, NotTaken
from kiosk.authority.people_groups import PeopleGroup, PeopleOrder
from kiosk.authority.roles import Action
from kiosk.authority.wording import last_day, local_time, numbered
from kiosk.contract.families import DEFAULT, FAMILIES, CardFamily
from screens.words.staff.enrolled import enrolled_words
from screens.words.staff.events import story_words
from screens.words.staff.found import found_words
from screens.words.staff.proposals import proposal_words
from screens.words.staff.refusals import refusal_words
from screens.words.staff.standing import headline_words, trouble_words

if TYPE_CHECKING:
    from kiosk.app.cli.tools import Act
    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.import_people import ImportResult
    from kiosk.authority.administration.people import PeopleDesk
    from kiosk.authority.administration.people_file import OpenedFile
    from kiosk.authority.administration.views import Done, Found, Grounds, Person, PersonLine

    ActOnPerson = Callable[[PeopleDesk, Person, argparse.Namespace, Grounds], Done]


DESCRIPTION = """\
Finds people by the beginnings of their names, of their holder number, email address or
card, by the reference number on a station's screen, or by the twelve digits of a notice;
says why somebody cannot unlock, and puts it right. NUMBER is the whole holder number. The
holder gets a mail about what concerns their security.
"""
EXAMPLE = """\
  kiosk people search "smi jo"
  kiosk people list --standing blocked --json
  kiosk people show 900000000001
  kiosk people lift-block 900000000001 --reason "rang up" --identified-by "badge, in person"
  kiosk people stop 900000000001 --reason "read out the number of a notice"
  kiosk people leaver 900000000001 --reason "left on 1 May"
  kiosk people leavers --not-in people.csv --dry-run --reason "not in the personnel file"
"""
_STANDING = (
    "expiring: with a card that ends this month; card-in-doubt: what became of an unlock is not "
    "known, or the card refused every secret that it could have (default: everybody)"
)
_PAGE = 500
_A_MOMENT = timedelta(microseconds=1)
_FEW = 5.0
"""Per cent of all people who may leave at once: a file that was cut off lacks more."""


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "people", "people and registrations", DESCRIPTION, EXAMPLE)
    search = parts.showing(
        "search",
        lambda desk, args: desk.people.search(" ".join(args.text), args.limit),
        _print_found,
        "find people",
        _found_said,
    )
    search.add_argument("text", metavar="TEXT", nargs="+")
    search.add_argument("--limit", type=how_many, default=50, help="how many at most (default: 50)")
    listing = parts.reading("list", _list, "list people by how they stand")
    groups, everybody = [group.value for group in PeopleGroup], PeopleGroup.EVERYBODY.value
    listing.add_argument("--standing", choices=groups, default=everybody, help=_STANDING)
    listing.add_argument("--limit", type=how_many, help="how many at most (default: all)")
    text = "say how somebody stands"
    show = parts.showing(
        "show", lambda desk, args: desk.people.find_one(args.number), _show, text, _person_said
    )
    show.add_argument("number", metavar="NUMBER")
    act = _on_person(lambda desk, one, args, why: desk.lift_block(one.seen, why))
    text = "lift the block after failed attempts"
    parts.acting("lift-block", act, text, "NUMBER", identifies=True)
    act = _on_person(lambda desk, one, args, why: desk.revoke_registration(one.seen, why))
    parts.acting("revoke-registration", act, "let somebody register anew", "NUMBER")
    act = _on_person(lambda desk, one, args, why: desk.correct_name(one.seen, args.name, why))
    parts.acting("correct-name", act, "put another name", "NUMBER", "NAME")
    act = _on_person(lambda desk, one, args, why: desk.correct_email(one.seen, args.address, why))
    parts.acting("correct-email", act, "put another address", "NUMBER", "ADDRESS", identifies=True)
    act = _on_person(lambda desk, one, args, why: desk.add_address(one.seen, args.address, why))
    text = "add an address to which codes can go as well"
    parts.acting("add-address", act, text, "NUMBER", "ADDRESS", identifies=True)
    act = _on_person(
        lambda desk, one, args, why: desk.withdraw_address(one.seen, args.address, why)
    )
    text = "withdraw one of the further addresses"
    parts.acting("withdraw-address", act, text, "NUMBER", "ADDRESS", identifies=True)
    text = "close everything for somebody who left"
    leaver = parts.acting("leaver", _on_person(_leaver), text, "NUMBER")
    add_flag(leaver, "--back", "take them back from the leavers")
    text = "close everything for everybody who is not in a whole people file"
    leavers = parts.add("leavers", _leavers, text)
    leavers.add_argument("--reason", required=True, help="why; it is kept with the audit")
    text = "as `kiosk import` takes it"
    leavers.add_argument("--not-in", type=file_path, required=True, metavar="FILE.csv", help=text)
    text = "mark nobody where more than that of all people would leave (default: %(default)g)"
    leavers.add_argument("--at-most", type=_percent, default=_FEW, metavar="PERCENT", help=text)
    add_flag(leavers, "--dry-run", "name them and mark nobody")
    act = _on_person(lambda desk, one, args, why: desk.report_misuse(one.seen, why))
    text = "stop everything: something was not done by the holder"
    parts.acting("stop", act, text, "NUMBER")
    act = _on_person(lambda desk, one, args, why: desk.stop_change(one.seen, why))
    text = "leave the address as it is where a change waits"
    parts.acting("stop-change", act, text, "NUMBER")
    act = _on_person(lambda desk, one, args, why: desk.withdraw_saved_codes(one.seen, why))
    text = "withdraw the codes that somebody has on paper"
    parts.acting("withdraw-saved-codes", act, text, "NUMBER")
    act = _on_person(_erase)
    erase = parts.acting("erase", act, "delete somebody and all about them", "NUMBER")
    add_flag(erase, "--yes", "do not ask whether it is meant")
    add = parts.acting("add", on_desk(_add), "add a person without a card", "NUMBER", "NAME")
    add.add_argument("--email", default="", metavar="ADDRESS", help="where they read mail")
    add_flag(add, "--same-address", "also where somebody has this address already")
    text = "take people and cards from a CSV file"
    taken = add_command(subparsers, "import", text, _IMPORT, _IMPORT_EXAMPLE, _import_file)
    taken.add_argument("file", metavar="FILE.csv", type=file_path, help="the file to import")
    add_flag(taken, "--dry-run", "check everything and write nothing")
    add_flag(taken, "--remove", "delete the file once all of it is imported")
    text = "why; it is kept with the audit (default: %(default)s)"
    taken.add_argument("--reason", default=IMPORT_REASON, metavar="TEXT", help=text)
    text = "replace recorded secrets whose key is lost"
    add_flag(taken, "--replace-lost", text)


def _on_person(act: ActOnPerson) -> Act:
    """Return what a part does by a call of the desk about the person; raises ``NotFound``."""
    return on_desk(
        lambda desk, args, why: act(desk.people, desk.people.find_one(args.number), args, why)
    )


def _add(desk: AdminDesk, args: argparse.Namespace, why: Grounds) -> Done:
    try:
        return desk.people.add(args.number, args.name, args.email, why, knowingly=args.same_address)
    except AddressShared as shared:
        raise AddressShared(
            shared.field, f"{refusal_words(shared)} To add them all the same, --same-address"
        ) from None


def _leaver(desk: PeopleDesk, person: Person, args: argparse.Namespace, why: Grounds) -> Done:
    act = desk.take_back_leaver if args.back else desk.mark_leaver
    return act(person.seen, why)


def _percent(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (share := float(text)) <= 100:
            return share
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")


def _leavers(args: argparse.Namespace) -> int:
    """Mark everybody as a leaver whom the file lacks; 1 where the file or its gaps are refused.

    Each is an act of its own: killed, the next run goes on.
    """
    from kiosk.authority.administration.people_file import numbers_in

    tools = Tools(args)
    try:
        stay = numbers_in(args.not_in, tools.settings.people.number_digits)
    except ImportRefused as refused:
        complain_of(args.not_in, refused, "nobody was marked")
        return 1
    desk = tools.desk.people
    present = [each for each in _all_of(desk) if each.standing is not Standing.LEFT]
    absent = [each for each in present if each.number not in stay]
    share = 100 * len(absent) / max(len(present), 1)
    if args.dry_run:
        for each in absent:
            echo(f"{each.number}  {each.name}")
    found = f"not in the file: {len(absent):,} of {numbered(len(present), 'person', 'people')}"
    if share > args.at_most:
        complain(
            f"kiosk: nobody was marked; {found}, {share:.1f} %, and --at-most is {args.at_most:g}"
        )
        return 1
    if args.dry_run:
        echo(f"dry run: nobody was marked; {found}")
        return 0
    refusals = 0
    for each in absent:
        try:
            print_result(desk.mark_leaver(desk.find_one(each.number).seen, grounds_of(args)))
        except AdministrationError as error:
            complain(f"kiosk: {each.number}: {refusal_words(error)}")
            refusals += 1
    echo(f"marked as leavers: {len(absent) - refusals:,}; {found}")
    return int(bool(refusals))


def _erase(desk: PeopleDesk, person: Person, args: argparse.Namespace, why: Grounds) -> Done:
    """Erase after a confirmation; raises ``NotTaken``."""
    if not args.yes:
        asked = f"This deletes {person.name} and all about them. It cannot be undone. "
        if ask(f"{asked}Enter their number again to erase them: ") != person.number:
            raise NotTaken("number", "Nobody was erased: that is not their number.")
    return desk.erase(person.seen, why)


def _found_said(found: Found) -> object:
    from kiosk.app.cli.said import found_said

    return found_said(found)


def _print_found(found: Found) -> None:
    if about := found_words(found):
        echo(about)
    for line in found.people:
        cards = numbered(line.cards, "card")
        echo_row(line.number, line.name, line.standing.value, cards, line.email)
    if found.more:
        echo("and others; type more of what you look for")
    if not found.people:
        echo("nobody was found")


def _list(args: argparse.Namespace) -> None:
    group = PeopleGroup(args.standing)
    desk, limit = Tools(args).desk.people, min(args.limit or _PAGE, _PAGE)
    people = _all_of(desk, group, PeopleOrder.NAME, limit)
    found = islice(people, args.limit)
    if args.json:
        print_json(found)
        return
    nobody = True
    for line in found:
        nobody = False
        day = ""
        if line.date is not None:
            ends = group is PeopleGroup.EXPIRING  # days of cards end in UTC
            day = f"{line.date - _A_MOMENT if ends else line.date.astimezone():%Y-%m-%d}"
        echo_row(line.number, line.name, line.standing.value, day, line.email)
    if nobody:
        echo("there is nobody in this list")


def _all_of(
    desk: PeopleDesk,
    group: PeopleGroup = PeopleGroup.EVERYBODY,
    order: PeopleOrder = PeopleOrder.NUMBER,
    limit: int = _PAGE,
) -> Iterator[PersonLine]:
    """Yield a whole list, read ``limit`` people at a time."""
    after = None
    while True:
        page = desk.listed(group, order, after=after, limit=limit)
        yield from page.people
        after = page.more
        if after is None:
            return


def _show(person: Person) -> None:
    echo_row(person.number, person.name, person.email)
    said = headline_words(person.headline, person.clock)
    echo(said.sentence)
    echo(said.advice)
    for waits in person.proposals:
        if waits.action is not Action.ISSUE_CODE:  # that is below, as a code
            until = local_time(waits.expires_at)
            echo(f"waits for a second member of staff, until {until}: {proposal_words(waits.what)}")
    if registration := person.registration:
        echo(f"registered {local_time(registration.registered_at)}")
        for words in map(enrolled_words, registration.enrolled):
            for sentence in filter(None, (words.phrase, words.warning, words.more)):
                echo(f"  {sentence}")
            for question in words.questions:
                echo(f"    {question}")
        echo(f"failed attempts: {registration.failures} of {registration.failures_allowed}")
    if change := person.waiting_change:
        counts = local_time(change.counts_from)
        echo(f"change of address waits: {change.old} to {change.masked}, counts from {counts}")
    for card in person.cards:
        state = trouble_words(card.trouble) if card.trouble is not None else "in order"
        expires = f"; expires {last_day(card.expires_at)}" if card.expires_at else ""
        echo(f"card {card.driver} {card.identifier}: {state}{expires}")
    for code in person.codes:
        how = "by mail" if code.by_mail else f"given by {code.issued_by}"
        second = ", waits for a second member of staff" if code.waits_for_second else ""
        echo(f"code {code.code_id}: {how}, until {local_time(code.expires_at)}{second}")
    for line in person.story:
        where = "  ".join(part for part in (line.station, line.who, line.reference) if part)
        sign = "!" if line.grave else " "
        echo(f"  {local_time(line.at)}  {sign} {story_words(line)}  ({where})")


def _person_said(person: Person) -> object:
    from kiosk.app.cli.said import person_said

    return person_said(person)


# ``kiosk import``.


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


_IMPORT = f"""\
Imports people, their cards and the cards' unblock secrets from a CSV file in UTF-8 ("CSV
UTF-8" in Excel). The first line names the columns, in any order; commas separate them, or
semicolons, or tabs:

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
                  counts as proven where the card signs with it, and pin_policy says that
                  the key needs the PIN
  pin_policy      optional; once or always where the card asks for its PIN, once after each
                  reset or before each use of that key, never where it does not. Ask the
                  maker of the key: what a card says of itself at a station shows nothing.
                  It holds for pin_key, or for the key that an issuer in the settings
                  certified
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
_IMPORT_EXAMPLE = """\
  kiosk import --dry-run people.csv
  kiosk import --remove people.csv
"""
_DELETE_IT = "delete it (rm; overwriting is no use on a solid-state disk)"


def _import_file(args: argparse.Namespace) -> int:
    """Import; 1 where the file was refused."""
    tools = Tools(args)
    digits = tools.settings.people.number_digits  # before imports that take most of a second
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
    try:
        with progress_line("checking" if args.dry_run else "importing") as progress:
            if args.dry_run:
                result = work.rehearse(args.file, progress)
            else:
                result = work.run(args.file, tools.actor(), progress, reason=args.reason)
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
    if result.shared_addresses:
        many = len(result.shared_addresses)
        people = "person has" if many == 1 else "people have"
        echo(f"  shared address   {many:>9}  {people} the address of somebody before them:")
        echo("    each reads the codes of the others")
        _print_lines(result.shared_addresses)
    if result.erased_before:
        echo(f"  erased before    {len(result.erased_before):>9}  people: this brings them back")
        _print_lines(result.erased_before)


def _print_lines(found: Iterable[tuple[int, str]]) -> None:
    for line, words in found:
        echo(f"    line {line}: {words}")
