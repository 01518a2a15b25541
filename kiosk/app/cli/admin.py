"""``kiosk admin``: the RA application, for the member of staff whose SSH key logged in."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import socket
from typing import TYPE_CHECKING

from kiosk.app import process
from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.sessions import hand_over
from kiosk.app.cli.station import take_terminal
from kiosk.app.logs import change_log, log_fault
from kiosk.authority.errors import KeyMissing, NotPermitted, StoreError
from kiosk.contract.errors import ConfigError

if TYPE_CHECKING:
    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.views import Actor
    from kiosk.authority.store.database import Store
    from kiosk.config.settings import Settings
    from screens.admin.app import End

log = logging.getLogger(__name__)

_HELP = """\
Opens the RA application. It is what sshd runs for the account of RA staff, and for nobody
else: it asks sshd which key logged in (ExposeAuthInfo), and opens only for the key of a
member of staff. `kiosk staff add` adds the first one; see systemd/README.md. Settings come
from the file alone: KIOSK_* variables are ignored.
"""

_NO_COMMAND = (
    "Only the RA application runs here. Log in without a command, from a terminal: ssh ra@host"
)
_AWAY = "The service cannot be opened now. Please tell its administrator; its log says why."


def add_parser(commands: Commands) -> None:
    parser = add_command(
        commands, "admin", "the RA application, run by sshd", _HELP, "  kiosk admin\n", run
    )
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")
    parser.add_argument(
        "--sessions",
        metavar="SOCKET",
        help="let the session run in `kiosk sessions SOCKET`, where that runs",
    )


def run(args: argparse.Namespace) -> int:
    """Run one session, here or in `kiosk sessions`; return its exit code."""
    if args.sessions:
        hand_over(args.sessions, os.environ)  # returns only where it has to run here
    return run_session(args.config, args.log)


def run_session(config: str | None, log_path: str | None) -> int:
    """Run one session; 1 where it was not opened or ended by a fault."""
    take_terminal(log_path)
    # The person who logs in may choose a session's environment.
    for name in [name for name in os.environ if name.startswith("KIOSK_")]:
        del os.environ[name]
    try:
        return _session(config)
    except NotPermitted as refused:
        _print(str(refused))
    except (ConfigError, KeyMissing, StoreError) as trouble:
        log.error("the RA application cannot be opened: %s", trouble)  # noqa: TRY400
        _print(_AWAY)
    return 1


def _session(config: str | None) -> int:
    from kiosk.app.composition.opening import open_store
    from kiosk.app.composition.staff import build_desk
    from kiosk.authority.administration.login import record_logout
    from kiosk.config.loading import load_settings, settings_path
    from kiosk.contract.ports import SystemClock

    settings, clock = load_settings(settings_path(config, os.environ), os.environ), SystemClock()
    change_log(os.environ, settings.monitoring.log)
    store = open_store(settings, clock, os.environ, pool_size=1, staff=True)
    try:
        if not store.schema_serves():
            raise ConfigError(
                "the schema of the database does not fit this program: `kiosk doctor` says why"
            )
        actor = _admitted(store, verified=settings.admin.verified_logins)
        place = take_place(actor.staff_id)
        if place is None:
            record_logout(store, actor, "too-many")
            raise NotPermitted(
                f"You are logged in {MOST_SESSIONS} times already. Log out of one of them first."
            )
        end = _run_app(settings, build_desk(settings, os.environ, store, clock, actor))
        record_logout(store, actor, end.value if end else "fault")
    finally:
        store.close()
    return 0 if end else 1


MOST_SESSIONS = 5
"""Sessions of one member of staff on a machine: more would leave no memory to the others."""


def take_place(staff_id: str) -> socket.socket | None:
    """Return what keeps one of a member's places until this process ends; None: all are taken.

    A name in the abstract namespace (unix(7)) needs no folder, and the kernel frees it.
    """
    for number in range(MOST_SESSIONS):
        place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            place.bind(f"\0kiosk-session-{staff_id}-{number}")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                place.close()
                continue
            log.warning("sessions are not counted: %s", error.strerror)
        return place
    return None


def _admitted(store: Store, *, verified: bool) -> Actor:
    """Return the member who logged in; raises ``NotPermitted``, audited, for anything else."""
    from kiosk.authority.administration.login import admit, login_key, refuse_login

    source = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    try:
        key = login_key(os.environ)
        _want_no_command()
    except NotPermitted as refused:
        refuse_login(store, str(refused), source)
        raise
    return admit(store, key, source, verified=verified)


def _want_no_command() -> None:
    """Raise ``NotPermitted`` for a session with a command."""
    if "SSH_ORIGINAL_COMMAND" in os.environ or not all(map(os.isatty, (0, 1, 2))):
        raise NotPermitted(_NO_COMMAND)


def _run_app(settings: Settings, desk: AdminDesk) -> End | None:
    from screens.admin.app import FAREWELLS, AdminApp
    from screens.terminal.colours import has_few_colours, has_sixteen_colours

    accent, idle_s = settings.service.accent, settings.admin.idle_s
    app = AdminApp(
        desk,
        log_fault,
        accent=accent,
        idle_s=idle_s,
        few_colours=has_few_colours(os.environ),
        sixteen_colours=has_sixteen_colours(os.environ),
    )
    process.resume()
    end = app.run()
    _print(FAREWELLS[end])
    return end


def _print(text: str) -> None:
    """Print one line, if the terminal is still there."""
    try:
        os.write(2, f"{text}\n".encode())
    except OSError:
        log.info("the terminal is gone, and this was not read: %s", text)
