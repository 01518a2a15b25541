"""``kiosk purge``: delete old rows, also of the audit."""

from __future__ import annotations

import argparse

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import complain, echo
from kiosk.app.cli.tools import Tools
from kiosk.authority.errors import AuditNotIntact
from kiosk.authority.wording import local_time, numbered

DESCRIPTION = """\
Deletes what was kept as long as [retention] in the settings says. The authority does the same
once a day with codes, notices and visits; this command deletes rows of the audit as well.

The audit is cut at a row that was signed long enough ago. All up to it is verified first. The
gap is signed with a key that is not in the database, so `kiosk audit verify` accepts that these
rows are gone, and no others. Rows that `kiosk audit export --format chain` has not written into
a file stay, unless --unexported is given, and so do those that the collector of [siem] has not
been sent, unless --unsent is given. The audit keeps how much was deleted.

After a break of five days, or where the clock was set by as much, nothing is deleted for a
week: a clock that is wrong would make everything old. --clock-is-right ends that at once.

On PostgreSQL only the tables' owner, or the role for it that `kiosk store roles` makes, can
delete rows of the audit: see systemd/kiosk-purge.service.
"""
EXAMPLE = """\
  kiosk purge --dry-run
  kiosk audit export --format chain
  kiosk purge
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "purge", "delete what was kept long enough", DESCRIPTION, EXAMPLE, run
    )
    add_flag(parser, "--dry-run", "only say how much it would be")
    add_flag(parser, "--unexported", "rows of the audit that no export holds, too")
    add_flag(parser, "--unsent", "rows of the audit that the collector has not been sent, too")
    text = "also where the service was off, or its clock was set, not long ago"
    add_flag(parser, "--clock-is-right", text)


def run(args: argparse.Namespace) -> int:
    """Purge; 1 where rows of the audit stay that were not exported or sent, or one is wrong.

    Also 1 where nothing is deleted because the clock may be wrong.
    """
    from kiosk.authority import retention
    from kiosk.authority.administration.audit_archive import exported_rows
    from kiosk.authority.audit.purge import plan_purge, purge_audit
    from kiosk.authority.audit.siem import FEED

    tools = Tools(args)
    store, signer, kept = tools.store, tools.signer(), tools.settings.retention
    now = store.machine_clock.now()
    before = now - retention.months(kept.audit_months)
    with store.read() as uow:
        held = retention.held_until(uow)
        if held is None and abs(now - uow.now) >= retention.BREAK:
            # The clocks of this machine and of the database server disagree.
            held = now + retention.HELD
        exported = None if args.unexported else exported_rows(uow)
        sent = uow.feeds.reached(FEED)
    if held is not None and not (args.clock_is_right or args.dry_run):
        complain(
            f"the service was off, or a clock was set: nothing is deleted before "
            f"{local_time(held)}. See whether the clocks of this machine and of the "
            f"database are right (now {local_time(now)}); --clock-is-right deletes at once"
        )
        return 1
    if sent is None and tools.settings.siem.collector:
        sent = {}  # it is configured and has been sent nothing yet
    try:
        plan = plan_purge(store, signer, before, exported, None if args.unsent else sent)
    except AuditNotIntact as broken:
        complain(f"{broken}; no row of the audit is deleted")
        return 1
    if args.dry_run:
        deleted = retention.count_records(store, kept)
    else:
        deleted = retention.purge_records(store, kept, most_batches=None)
        purge_audit(store, signer, plan, tools.actor())
        store.empty_log()
    echo("would be deleted:" if args.dry_run else "deleted:")
    for kind, many in deleted.items():
        echo(f"{kind.value.replace('_', ' '):<17} {many}")
    echo(f"{'rows of the audit':<17} {plan.rows}")
    if plan.unexported:
        rows = numbered(plan.unexported, "row")
        complain(
            f"{rows} of the audit stay, which no export holds: "
            "`kiosk audit export --format chain` comes first"
        )
    if plan.unsent:
        rows = numbered(plan.unsent, "row")
        complain(
            f"{rows} of the audit stay, which the collector has not been sent: see whether it is "
            "reached ([siem]), or give --unsent where there is none any more"
        )
    return int(bool(plan.unexported or plan.unsent))
