"""``kiosk audit`` and ``kiosk rows``: read and verify the audit, and find altered records."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_flag
from kiosk.app.cli.printing import as_json, complain, echo, progress_line
from kiosk.app.cli.tools import (
    Parts,
    Tools,
    ending,
    file_path,
    how_many,
    moment,
    on_desk,
    row_number,
)
from kiosk.app.composition.opening import open_store
from kiosk.authority.administration.views import AuditFilter, ExportFormat
from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import AuditNotIntact
from kiosk.authority.records import AuditAnchor, AuditGap, FaultKind, GapKind
from kiosk.authority.wording import local_time, numbered
from kiosk.config.loading import require_own_folder
from kiosk.config.settings import Settings, StoreSettings
from kiosk.contract.errors import ConfigError

if TYPE_CHECKING:
    from kiosk.authority.store.database import Store


DESCRIPTION = """\
The audit is a chain: each row holds the hash of the one before, so a row that is
changed, removed or moved breaks it. Each row also carries a MAC under a key that is not
in the database: who only owns the database cannot write a row that fits. Rows at the
end could still be cut off. So the head is signed within a minute after it moved, with
another key (an anchor), and the anchor goes into the log, which is kept elsewhere. On
PostgreSQL there are as many chains as ever wrote at the same moment: row 4-17 is the
17th of the fourth chain, row 17 that of the first. All are read in one order, by time.
The lines of the log serve as they are:

  journalctl -u kiosk-authority -u kiosk-caretaker | grep 'audit anchor' > anchors

An auditor without the key file checks the hashes and the anchors with the public keys.

`export --format chain` writes the rows as they are, with the anchor of the last one, so
that they can be verified once `kiosk purge` has deleted them here.
"""
EXAMPLE = """\
  kiosk audit anchor --out /mnt/elsewhere/anchors
  kiosk audit verify --anchors /mnt/elsewhere/anchors
  kiosk audit public-keys > /mnt/elsewhere/public-keys
  kiosk audit verify --without-key --public-keys public-keys --anchors anchors
  kiosk audit verify --without-key --public-keys public-keys --store sqlite:////path/copy.db
  kiosk audit list --person 900000000001 --limit 20
  kiosk audit redact 4711 --reason "A PUK was typed as the reason"
  kiosk audit export --since 2026-11-01 --format csv
  kiosk audit export --format chain
  kiosk audit verify --without-key --public-keys public-keys --file audit-chain.jsonl
"""


_INCOMPLETE = (
    "a copy of a database file that was made with cp lacks the newest rows, which are in the file "
    "beside it (-wal): make copies with `kiosk backup`"
)

_OLDER = (
    "a copy that was made before an anchor was signed lacks the rows since: "
    "give the anchors of that time alone, or a newer copy"
)


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "audit", "read, export and verify the audit", DESCRIPTION, EXAMPLE)
    text = "walk every chain and name the first row that is wrong"
    verify = parts.add("verify", _verify, text)
    text = "anchors that were kept elsewhere"
    verify.add_argument("--anchors", type=file_path, metavar="FILE", help=text)
    text = (
        "in place of the database: what `export --format chain` wrote; more than one, the oldest "
        "first"
    )
    verify.add_argument("--file", type=file_path, action="append", metavar="FILE", help=text)
    text = "check the hashes and anchors only, as somebody without the key file can"
    add_flag(verify, "--without-key", text)
    text = (
        "with --without-key: a copy of the database, such as sqlite:////path/copy.db; then no "
        "settings are read"
    )
    verify.add_argument("--store", metavar="URL", help=text)
    text = "with --without-key: what `public-keys` wrote, to check the signatures of anchors"
    verify.add_argument("--public-keys", type=file_path, metavar="FILE", help=text)
    anchor = parts.add("anchor", _anchor, "verify the newest rows and sign the heads")
    text = "add every anchor to FILE that it lacks"
    anchor.add_argument("--out", type=file_path, metavar="FILE", help=text)
    parts.add("public-keys", _public_keys, "show the keys that check anchors")
    listing = parts.reading("list", _list, "show rows, newest first")
    listing.add_argument("--limit", type=how_many, default=50, help="how many (default: 50)")
    parts.reading("kinds", _kinds, "show the kinds of rows there can be")
    export = parts.add("export", _export, "write rows, oldest first, into the exports folder")
    text = (
        "csv or jsonl to be read (default: csv); chain, to be verified later: every row since the "
        "last such export"
    )
    export.add_argument("--format", choices=["csv", "jsonl", "chain"], default="csv", help=text)
    add_flag(export, "--whole", "with chain: from the first row on")
    for part in (listing, export):
        part.add_argument("--person", default="", metavar="NUMBER", help="of one holder")
        part.add_argument("--station", default="", help="at one station")
        part.add_argument("--staff", default="", metavar="NAME", help="by one member of staff")
        part.add_argument("--kind", default="", help="of one kind, as `kinds` names it")
        part.add_argument("--reference", default="", help="under one reference number")
        since = "from this day or moment on"
        part.add_argument("--since", type=moment, metavar="DATE", help=since)
        until = "to the end of this day, or to this moment"
        part.add_argument("--until", type=ending, metavar="DATE", help=until)
    act = on_desk(lambda desk, args, why: desk.audit.redact(args.row, why, whole=args.whole))
    redact = parts.acting("redact", act, "propose to take the text of a row out of the audit")
    redact.add_argument("row", type=row_number, metavar="ROW", help="its number")
    add_flag(redact, "--whole", "its detail too, and not only the reason")
    parts = Parts(subparsers, "rows", "find altered records", _ROWS, _ROWS_EXAMPLE)
    parts.add("check", _check_rows, "name every altered record")
    accept = parts.add("accept", _accept_row, "take an altered record as it is")
    accept.add_argument("table", metavar="TABLE")
    accept.add_argument("row", metavar="ROW")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why it is right")


def _verify(args: argparse.Namespace) -> int:
    """Verify; 1 where a row does not fit."""
    from kiosk.authority.administration import verification

    if args.store and (args.file or not args.without_key):
        raise ConfigError("--store goes with --without-key: the keys are where the settings are")
    if args.public_keys and not args.without_key:
        raise ConfigError("--public-keys goes with --without-key; the key file checks more")
    tools = Tools(args)
    elsewhere = verification.read_anchors(args.anchors) if args.anchors else ()
    public = verification.read_public_keys(args.public_keys) if args.public_keys else {}
    if args.file:
        return _verify_files(args, tools, public)
    with progress_line("verifying") as progress:
        if args.without_key:
            store = _store_at(args.store, tools) if args.store else tools.store
            verdict = verification.verify_without_key(store, public, elsewhere, progress)
        else:
            verdict = verification.verify_audit(tools.store, tools.signer(), elsewhere, progress)
    if fault := verdict.fault:
        complain(f"row {row_name(fault.seq)} ({fault.kind}): {fault.because}")
        complain(f"{numbered(verdict.rows, 'row')} walked; the audit is NOT intact")
        if fault.kind is FaultKind.CUT:
            complain(_INCOMPLETE)
            if elsewhere:
                complain(_OLDER)
        return 1
    echo(f"{numbered(verdict.rows, 'row')} and {numbered(verdict.anchors, 'anchor')} fit")
    for gap in verdict.gaps:
        print_gap(gap, [anchor.seq for anchor in elsewhere])
    if not verdict.keyed:
        echo("the MACs of the rows were not checked: that needs the key file")
    if args.without_key and not public:
        echo("the signatures of the anchors were not checked: give --public-keys")
    elif verdict.anchored < verdict.rows:
        covered = numbered(verdict.anchored, "row") if verdict.anchored else "nothing"
        echo(f"signed anchors cover {covered}; `kiosk audit anchor` signs the rest")
    return 0


def _store_at(url: str, tools: Tools) -> Store:
    """Return the store of a copy, to be read without settings and keys."""
    from kiosk.authority.store.engine import parse_url
    from kiosk.authority.store.sqlite_file import needs_its_folder, shows_more_than_tables

    address, reads = parse_url(url), {}
    if address.get_backend_name() == "sqlite":
        file = Path(str(address.database))
        if not file.is_file():
            raise ConfigError(f"the database {file}: there is no such file")
        reads = {"mode": "ro"}
        if needs_its_folder(file):
            log = file.with_name(file.name + "-wal")
            if log.exists():
                advice = (
                    "copy both to a folder that you may write to, or let `kiosk backup` copy it"
                )
                raise ConfigError(f"{log} holds its newest rows: {advice}")
            reads = {"immutable": "1"}
        if shows_more_than_tables(file, immutable="immutable" in reads):
            advice = "no Kiosk database has any; ask for a copy that `kiosk backup` made"
            raise ConfigError(f"{file} has views or virtual tables: {advice}")
    named = address.update_query_dict(reads).render_as_string(hide_password=False)
    store = open_store(Settings(store=StoreSettings(url=named)), tools.clock, {})
    if not store.schema_serves():
        raise ConfigError(f"what is in this database is not this program's; {_INCOMPLETE}")
    return store


def print_gap(gap: AuditGap, known: Iterable[int]) -> None:
    """Print which rows are absent for a good reason; ``known`` are numbers that rows had."""
    on = local_time(gap.signed_at)
    if gap.kind is GapKind.PURGED:
        echo(f"rows {row_name(gap.first)} to {row_name(gap.last)} were purged on {on}")
        return
    lost = max((row for row in known if gap.first <= row <= gap.last), default=None)
    if lost is None:
        rows = f"rows from {row_name(gap.first)} on were"
    elif lost == gap.first:
        rows = f"row {row_name(lost)}, and perhaps rows after it, were"
    else:
        rows = f"rows {row_name(gap.first)} to {row_name(lost)}, and perhaps rows after them, were"
    echo(f"{rows} lost when a backup was restored on {on}")


def _verify_files(args: argparse.Namespace, tools: Tools, public: dict[str, bytes]) -> int:
    """Verify exported chains, with the key file or, without it, the public keys alone."""
    from kiosk.authority.administration.audit_archive import verify_archives
    from kiosk.authority.audit.anchors import AnchorSigner, AnchorVerifier
    from kiosk.authority.crypto.macs import AuditMacs

    if args.anchors:
        raise ConfigError("--anchors goes with the database; each file holds its own anchors")
    if args.without_key and not public:
        raise ConfigError("without the key file an export is verified with --public-keys FILE")
    if args.without_key:
        verdict, parts = verify_archives(args.file, AnchorVerifier(public), None)
    else:
        ring = tools.ring()
        verdict, parts = verify_archives(args.file, AnchorSigner(ring), AuditMacs(lambda: ring))
    if fault := verdict.fault:
        complain(f"row {row_name(fault.seq)} ({fault.kind}): {fault.because}")
        complain("the export is NOT intact")
        return 1
    echo(f"{numbered(verdict.rows, 'row')} fit: {', '.join(parts) or 'there is none'}")
    if not verdict.keyed:
        echo("the MACs of the rows were not checked: that needs the key file")
    return 0


def _anchor(args: argparse.Namespace) -> int:
    """Sign the heads, and export the anchors where requested; 1 where a row is wrong."""
    from kiosk.authority.administration.verification import anchor_line, read_anchors
    from kiosk.authority.audit.anchors import sign_heads

    tools = Tools(args)
    signer = tools.signer()
    kept: set[AuditAnchor] = set()
    if args.out:
        require_own_folder(args.out.parent)
        _append(args.out, "")  # an anchor that cannot be kept elsewhere is not made
        kept.update(read_anchors(args.out, none_yet=True))
    try:
        signed = sign_heads(tools.store, signer)
    except AuditNotIntact as broken:
        complain(f"{broken}; nothing is signed")
        return 1
    if not signed:
        echo("nothing was recorded since the last anchor")
    for anchor in signed:
        echo(f"signed row {row_name(anchor.seq)}, hash {anchor.hash}, with {anchor.key_id}")
    if args.out:
        # The caretaker signs as well: its anchors are missing, too.
        with tools.store.read() as uow:
            found = [one for one in uow.audit.anchors() if one not in kept and signer.check(one)]
        _append(args.out, "".join(f"{anchor_line(anchor)}\n" for anchor in found))
        echo(f"wrote {numbered(len(found), 'anchor')} to {args.out}")
    return 0


def _public_keys(args: argparse.Namespace) -> None:
    from kiosk.authority.administration.verification import public_key_lines

    for line in public_key_lines(Tools(args).signer()):
        echo(line)


def _append(path: Path, text: str) -> None:
    """Add whole lines or nothing: half a line, of a full disk, would spoil the file."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(handle).st_size
            if text and before and os.pread(handle, 1, before - 1) != b"\n":
                text = f"\n{text}"
            rest = text.encode()
            try:
                while rest:
                    rest = rest[os.write(handle, rest) :]
                if text:
                    os.fsync(handle)
            except OSError:
                os.ftruncate(handle, before)
                raise
        finally:
            os.close(handle)
    except OSError as error:
        raise ConfigError(f"anchors {path}: {error.strerror}") from None


def _list(args: argparse.Namespace) -> None:
    page = Tools(args).desk.audit.page(_filter(args), limit=args.limit)
    if args.json:
        from kiosk.authority.administration.audit_log import columns_of

        echo(as_json([columns_of(line) for line in page.lines]))
        return
    widest = max((len(row_name(line.seq)) for line in page.lines), default=0)
    for line in page.lines:
        where = "  ".join(part for part in (line.person, line.card, line.station, line.who) if part)
        when = local_time(line.at, seconds=True)
        echo(f"{row_name(line.seq):>{widest}}  {when}  {line.reference}  {line.sentence}  {where}")
    if page.older is not None:
        echo("and older ones; --limit shows more")
    if not page.lines:
        echo("no row fits")


def _kinds(args: argparse.Namespace) -> None:
    kinds = Tools(args).desk.audit.kinds()
    if args.json:
        echo(as_json(dict(kinds)))
        return
    for kind, meaning in kinds:
        echo(f"{kind:<24}  {meaning}")


def _export(args: argparse.Namespace) -> None:
    if args.format == "chain":
        _export_chain(args)
        return
    if args.whole:
        raise ConfigError("--whole goes with --format chain")
    desk = Tools(args).desk.audit
    with progress_line("exporting") as progress:
        written = desk.export(_filter(args), ExportFormat(args.format), progress)
    echo(f"{numbered(written.rows, 'row')} in {written.path}")


def _export_chain(args: argparse.Namespace) -> None:
    """Write the chains as stored, to be verified without the database."""
    from kiosk.authority.administration.audit_archive import archive_audit

    if _filter(args) != AuditFilter():
        raise ConfigError("a chain is exported as it is: a filter would leave rows out")
    tools = Tools(args)
    folder, signer, actor = Path(tools.settings.admin.exports), tools.signer(), tools.actor()
    with progress_line("exporting") as progress:
        path, written = archive_audit(
            tools.store, signer, folder, actor, progress, whole=args.whole
        )
    echo(f"{numbered(written.rows, 'row')} in {path}, SHA-256 {written.sha256}")
    echo(f"exported until row {written.until or 0}")


def _filter(args: argparse.Namespace) -> AuditFilter:
    names = "person", "station", "staff", "kind", "reference", "since", "until"
    return AuditFilter(**{name: getattr(args, name) for name in names})


# ``kiosk rows``.

_ROWS = """\
Each record that grants access (people, cards, registrations, codes, visits, staff and their
keys, policy, stations) carries a code made with a key that is not in the database. One that
was changed by anything but this program does not fit it: nobody is served by it, and staff
get an alarm. `check` names every one of them.

Find out first who wrote to the database. Then put the record right from a backup, or by the
statement that undoes the change: it fits again as soon as it is as it was. Where that cannot
be done, and you have made sure that what it says is true, `accept` takes it as it is; the
audit keeps who did that, and why. A record that nobody can vouch for is better deleted.
"""
_ROWS_EXAMPLE = """\
  kiosk rows check
  kiosk rows accept registration 4f0c... --reason "restored by hand from the paper form"
"""


def _accept_row(args: argparse.Namespace) -> None:
    from kiosk.authority.administration.verification import accept

    tools = Tools(args)
    accept(tools.staff_store, args.table, args.row, tools.actor(), args.reason)
    echo(f"{args.table} {args.row} is taken as it is")


def _check_rows(args: argparse.Namespace) -> int:
    """List them; 1 where a record is altered."""
    from kiosk.authority.administration.verification import sweep

    found = sweep(Tools(args).staff_store)
    for table, row in found.altered:
        echo(f"{table} {row}")
    if found.unknown:
        for text, advice in found.findings():
            complain(f"{text}; {advice}")
    else:
        many = len(found.altered)
        echo(f"{many} of {numbered(found.rows, 'record')} altered outside of the service")
    return int(bool(found.altered))
