"""``kiosk cards``: a person's cards, their unblock secrets, and codes by word of mouth."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_flag
from kiosk.app.cli.printing import echo, echo_row
from kiosk.app.cli.tools import Parts, Tools, add_card, card_of, grounds_of, seconds
from kiosk.authority.administration.views import Done, IssuedFrom, NewCard, Person, UnknownCard
from kiosk.authority.errors import NotFound, NotTaken
from kiosk.authority.wording import local_time
from kiosk.contract.sensitive import Sensitive
from screens.words.staff.found import fault_words, near_lines

if TYPE_CHECKING:
    from kiosk.authority.administration.desk import AdminDesk


DESCRIPTION = """\
Adds, replaces and revokes cards, sets their unblock secrets, and gives unlock codes by
word of mouth. NUMBER is a holder number, CARD the identifier of one of the holder's cards,
its beginning or its end, IDENTIFIER what a new card says of itself, as `read` prints it. An
unblock secret is never an argument: it is asked for without echo, or is the one line of
standard input. `read` works on a clerk's own machine too: it needs no database, and reads
a card as the stations do whose `families` and [pkcs11] are in its settings file or
environment. So does `try`, which tries a test card out and writes a report of it:
docs/card-support.md says what it does to the card.
"""
EXAMPLE = """\
  kiosk cards read
  kiosk cards add 900000000001 $(kiosk cards read) --with-secret --reason "new card"
  kiosk cards revoke 900000000001 0a1b --reason "lost on a train"
  kiosk cards issue-code 900000000001 0a1b --reason "mail is down" --identified-by "badge"
"""
WAIT_S, TRIAL_WAIT_S = 30.0, 60.0
_CARD = "NUMBER", "CARD"
_FIRST = (
    "They are not registered. They put the card into a station, enter the code and set a new PIN."
)
_THEN_REGISTER = " They register there, in the same visit."


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "cards", "cards, secrets and codes", DESCRIPTION, EXAMPLE)
    _new_card(parts.acting("add", _add, "give somebody another card", "NUMBER"))
    text = "give a card in place of one, which is revoked"
    _new_card(parts.acting("replace", _replace, text, *_CARD))
    parts.acting("revoke", _revoke, "bar a card at every station", *_CARD)
    text = "seal the unblock secret of a card; asks for it"
    set_secret = parts.acting("set-secret", _set_secret, text, *_CARD)
    _derived_from(set_secret)
    text = "the card itself was just given this secret, so all its tries are there again"
    add_flag(set_secret, "--tries-full", text)
    text = "give a code by word of mouth; prints it once"
    parts.acting("issue-code", _issue, text, *_CARD, identifies=True)
    parts.acting("withdraw-code", _withdraw_code, "make that code worthless", *_CARD)
    text = "show cards that stations could not serve: not recorded, or not read"
    parts.showing(
        "unknown", lambda desk, _: desk.cards.unknown(), _print_unknown, text, _unknown_said
    )
    read = parts.add("read", _read, "print driver and identifier of a card")
    read.add_argument("--reader", default="", metavar="PART", help="part of the reader's name")
    text = "for a card (default: 30 seconds)"
    read.add_argument("--wait", type=seconds, default=WAIT_S, metavar="S", help=text)
    tried = parts.add("try", _try, "try a test card out, and write a report that can be given away")
    tried.add_argument("--reader", default="", metavar="PART", help="part of the reader's name")
    add_flag(tried, "--read-only", "do only what changes nothing and spends no try")
    text = "go on after a trial that did not end: put the card back"
    add_flag(tried, "--resume", text)
    text = "maker and model of the card, for the report"
    tried.add_argument("--make", default="", metavar="TEXT", help=text)
    text = "where report, transcript and journal are written (default: here)"
    tried.add_argument("--into", type=Path, default=Path(), metavar="FOLDER", help=text)
    add_flag(tried, "--sure", "do not ask whether to begin: PIN and secret are two lines of input")
    text = "for a card, and for each time that it is taken out (default: 60 seconds)"
    tried.add_argument("--wait", type=seconds, default=TRIAL_WAIT_S, metavar="S", help=text)


def _new_card(part: argparse.ArgumentParser) -> None:
    add_card(part)
    part.add_argument("--expires", default="", metavar="DATE", help="the last day it works")
    secret = part.add_mutually_exclusive_group()
    add_flag(secret, "--with-secret", "ask for its unblock secret")
    _derived_from(secret)
    part.add_argument("--secret-limit", type=int, metavar="N", help="wrong secrets that it takes")


def _derived_from(part: argparse._ActionsContainer) -> None:
    text = "it was issued with its secret from this master key; see `kiosk keys list`"
    part.add_argument("--derived-from", default="", metavar="KEY", help=text)


def _read(args: argparse.Namespace) -> int:
    from kiosk.app.cli.station_checks import read_card

    return read_card(args.config, args.reader, args.wait)


def _try(args: argparse.Namespace) -> int:
    from kiosk.app.trial.command import try_card

    return try_card(
        args.config,
        args.reader,
        args.into,
        make=args.make,
        wait_s=args.wait,
        read_only=args.read_only,
        resume=args.resume,
        sure=args.sure,
    )


def _add(args: argparse.Namespace) -> Done:
    desk = Tools(args).desk
    person = desk.people.find_one(args.number)
    return desk.cards.add(person.seen, _wanted(args), grounds_of(args))


def _replace(args: argparse.Namespace) -> Done:
    desk, person, card_id = _chosen(args)
    return desk.cards.replace(person.seen, card_id, _wanted(args), grounds_of(args))


def _revoke(args: argparse.Namespace) -> Done:
    desk, person, card_id = _chosen(args)
    return desk.cards.revoke(person.seen, card_id, grounds_of(args))


def _set_secret(args: argparse.Namespace) -> Done:
    desk, person, card_id = _chosen(args)
    secret = IssuedFrom(args.derived_from) if args.derived_from else _ask_secret()
    return desk.cards.set_secret(
        person.seen, card_id, secret, grounds_of(args), tries_full=args.tries_full
    )


def _chosen(args: argparse.Namespace) -> tuple[AdminDesk, Person, str]:
    """Return the desk, the person and the id of their card; raises ``NotFound``."""
    desk = Tools(args).desk
    person = desk.people.find_one(args.number)
    part = "".join(sign for sign in args.card.lower() if sign.isalnum())
    ids = [(card.identifier, card.card_id) for card in person.cards if part]
    found = [id_ for named, id_ in ids if named.startswith(part) or named.endswith(part)]
    if len(found) != 1:
        many = f"{len(found)} cards of theirs begin or end"
        many = many if found else "no card of theirs begins or ends"
        raise NotFound(f"{many} with {args.card!r}; `kiosk people show {person.number}` shows all")
    return desk, person, found[0]


def _wanted(args: argparse.Namespace) -> NewCard:
    from kiosk.authority.administration.fields import entered, read_expires

    card = card_of(args)
    issued = IssuedFrom(args.derived_from) if args.derived_from else None
    return NewCard(
        identifier=card.identifier,
        driver=card.driver,
        expires_at=entered("expires", lambda: read_expires(args.expires)),
        secret=_ask_secret() if args.with_secret else issued,
        secret_limit=args.secret_limit,
    )


def _ask_secret() -> Sensitive:
    """Return what is entered twice at a terminal without echo, else a line of standard input."""
    if not sys.stdin.isatty():
        return Sensitive(sys.stdin.readline().rstrip("\r\n"))
    given = Sensitive(getpass.getpass("Unblock secret: "))
    if given != Sensitive(getpass.getpass("Unblock secret, once more: ")):
        raise NotTaken("secret", "Nothing was changed: the two were not the same.")
    return given


def _issue(args: argparse.Namespace) -> None:
    desk, person, card_id = _chosen(args)
    issued = desk.codes.issue(person.seen, card_id, grounds_of(args))
    echo(issued.code.reveal())
    until = f"{issued.expires_at.astimezone():%H:%M}"
    works = f"at every station until {until}"
    if issued.waits_for_second:
        works = f"once another member of staff agrees, before {until}: code {issued.code_id}"
    echo(f"It works {works} (reference {issued.reference})")
    if issued.for_first_unlock:
        echo(f"{_FIRST}{_THEN_REGISTER if person.email else ''}")


def _withdraw_code(args: argparse.Namespace) -> Done:
    desk, person, card_id = _chosen(args)
    for code in person.codes:
        if code.card_id == card_id and not code.by_mail:
            return desk.codes.withdraw(code.code_id, grounds_of(args))
    raise NotFound(
        f"staff gave no code for this card; `kiosk people show {person.number}` shows all"
    )


def _unknown_said(cards: Sequence[UnknownCard]) -> object:
    from kiosk.app.cli.said import cards_said

    return cards_said(cards)


def _print_unknown(cards: Sequence[UnknownCard]) -> None:
    for card in cards:
        named = " ".join(part for part in (card.family, card.identifier) if part)
        echo_row(local_time(card.at), card.reference, card.station, named)
        said = fault_words(card)
        reported = ", by the station's report" if card.fault else ""
        echo(f"    {said.cause}{reported}.")
        for line in near_lines(card):
            echo(f"    {line}")
        echo(f"    {said.advice}")
    if not cards:
        echo("no station met a card that it could not serve")
