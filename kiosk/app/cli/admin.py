"""``kiosk admin``: the RA application, for the member of staff whose SSH key logged in.

``kiosk sessions`` is the process from which the sessions are forked, so that they share memory.
"""

from __future__ import annotations

import argparse
import errno
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.station import take_terminal
from kiosk.app.logs import log_fault, open_log
from kiosk.app.service_manager import take_service_manager
from kiosk.authority.errors import KeyMissing, NotPermitted, StoreError
from kiosk.contract.errors import ConfigError, describe_fault
from kiosk.system.child import fork
from kiosk.system.memory import resume_collector
from kiosk.system.prctl import forbid_dumps, merge_equal_pages
from kiosk.system.sockets import user_of
from screens.terminal.lockdown import HangUps, scrub_environment
from screens.words.staff.refusals import refusal_words

if TYPE_CHECKING:
    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.views import Actor
    from kiosk.authority.store.database import Store
    from kiosk.config.settings import Settings
    from screens.admin.app import End


log = logging.getLogger(__name__)

_ADMIN = """\
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
        commands, "admin", "the RA application, run by sshd", _ADMIN, "  kiosk admin\n", _run
    )
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")
    text = "let the session run in `kiosk sessions SOCKET`, where that runs"
    parser.add_argument("--sessions", metavar="SOCKET", help=text)
    text = "load the RA application once for all staff"
    parser = add_command(commands, "sessions", text, _SESSIONS, _SESSIONS_EXAMPLE, _serve_sessions)
    text = "where sessions are handed over"
    parser.add_argument("socket", type=Path, metavar="SOCKET", help=text)
    parser.add_argument("--log", metavar="FILE", help="append the log of sessions to FILE")


def _run(args: argparse.Namespace) -> int:
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
        _print(refusal_words(refused))
    except (ConfigError, KeyMissing, StoreError) as trouble:
        log.error("the RA application cannot be opened: %s", trouble)  # noqa: TRY400
        _print(_AWAY)
    return 1


def _session(config: str | None) -> int:
    from kiosk.app.composition.opening import open_desk, open_store
    from kiosk.authority.administration.login import record_logout
    from kiosk.config.loading import load_settings, settings_path
    from kiosk.contract.ports import SystemClock

    hung_up = HangUps()
    settings, clock = load_settings(settings_path(config, os.environ), os.environ), SystemClock()
    opened = open_store(settings, clock, os.environ, pool_size=1, staff=True)
    with closing(opened) as store:
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
        end = _run_app(settings, open_desk(settings, os.environ, store, clock, actor), hung_up)
        record_logout(store, actor, end.value if end else "fault")
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
        refuse_login(store, refusal_words(refused), source)
        raise
    return admit(store, key, source, verified=verified)


def _want_no_command() -> None:
    if "SSH_ORIGINAL_COMMAND" in os.environ or not all(map(os.isatty, (0, 1, 2))):
        raise NotPermitted(_NO_COMMAND)


def _run_app(settings: Settings, desk: AdminDesk, hung_up: HangUps) -> End | None:
    from screens.admin.app import FAREWELLS, AdminApp
    from screens.terminal.colours import has_few_colours, has_sixteen_colours

    app = AdminApp(
        desk,
        log_fault,
        accent=settings.service.accent,
        idle_s=settings.admin.idle_s,
        few_colours=has_few_colours(os.environ),
        sixteen_colours=has_sixteen_colours(os.environ),
        hung_up=hung_up,
    )
    resume_collector()
    end = app.run()
    _print(FAREWELLS[end])
    return end


def _print(text: str) -> None:
    """Print one line, if the terminal is still there."""
    try:
        os.write(2, f"{text}\n".encode())
    except OSError:
        log.info("the terminal is gone, and this was not read: %s", text)


# Sessions that share their memory: forked from one process for each login.
#
# sshd starts a program for each login, which would load the whole application again. Instead that
# program passes its terminal and the file in which sshd names the key (as file descriptors,
# SCM_RIGHTS), and sshd's other information about the login, to a process that has loaded everything
# and holds no data, and waits. That process forks a child, which is the session. It reads settings
# and keys itself, opens the database itself, and is admitted by the key of the login as if sshd had
# started it.
#
# Each end trusts the other's user id (SO_PEERCRED) alone: a process of the service's account can
# start the application in any case.

OF_A_LOGIN: Final = (
    *("COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TERM"),
    *("SSH_CONNECTION", "SSH_ORIGINAL_COMMAND"),
)
"""What a session gets of the login's environment, beside its key; the rest is the service's."""

_KEY_OF_LOGIN: Final = "SSH_USER_AUTH"
"""Names sshd's file, which the waiting process cannot see."""

LONGEST: Final = 64 * 1024
WAIT_S: Final = 10.0
"""How long either end waits for the other's first words."""

TICK_S: Final = 1.0

_WAIT: Final = """
trap 'kill -s WINCH "$1" 2>/dev/null' WINCH
until read -r code <&3; do kill -0 "$1" 2>/dev/null || exit 1; done
exit "$code"
"""
"""Waits for a session's exit code, in a thirtieth of Python's memory.

The kernel signals a terminal's new size to the foreground: it is passed on. A signal ends a read.
"""

_FAULT: Final = 1


# The program that sshd starts.


def hand_over(place: str, environ: Mapping[str, str]) -> None:
    """Let the session run at ``place``, and become a shell that waits for its exit code.

    Returns where nobody answers there: then it has to run in this process.
    """
    login = {name: environ[name] for name in OF_A_LOGIN if name in environ}
    try:
        key = os.open(environ.get(_KEY_OF_LOGIN, ""), os.O_RDONLY)
    except OSError:
        return
    with os.fdopen(key, "rb"), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WAIT_S)
        try:
            connection.connect(place)
            if not _is_our_own(connection):
                return
            socket.send_fds(connection, [json.dumps(login).encode() + b"\n"], [0, 1, 2, key])
            heard = b""  # up to the end of a line, and no further
            while not heard.endswith(b"\n") and (more := connection.recv(1)):
                heard += more
        except OSError:
            return
        session = heard.decode("ascii").rstrip("\n")
        if session.isdigit():
            connection.setblocking(True)
            os.dup2(connection.fileno(), 3)
            os.set_inheritable(3, True)  # where it was 3 before, nothing was duplicated
            os.execv("/bin/sh", ["sh", "-c", _WAIT, "kiosk-session", session])  # noqa: S606


def _is_our_own(connection: socket.socket) -> bool:
    return user_of(connection) == os.geteuid()


# The process that has loaded everything.


class SessionServer:
    """Forks a session for each login that is passed to it; ``live`` runs one in its process."""

    def __init__(self, place: Path, live: Callable[[], int]) -> None:
        self._place = place
        self._live = live
        self._environ = dict(os.environ)
        self._stopping = False
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            place.unlink(missing_ok=True)
            self._listening.bind(str(place))
            self._listening.listen(64)
        except OSError as error:
            raise ConfigError(f"{place}: {error.strerror}") from None
        finally:
            os.umask(before)

    def run(self, is_alive: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; sessions that run go on until they end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
        self._listening.settimeout(TICK_S)
        while not self._stopping:
            is_alive()
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            with connection:
                if _is_our_own(connection):
                    self._fork(connection)
                else:
                    log.warning("a session of another user id was refused")
        self._listening.close()
        self._place.unlink(missing_ok=True)

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _fork(self, connection: socket.socket) -> None:
        """Start a session in a process of its own, which tells the login's program how it ended."""

        def live() -> int:
            os.setsid()
            self._listening.close()
            self._take_terminal(connection)
            threading.Thread(target=_await_client, args=(connection,), daemon=True).start()
            return self._live()

        def note_fault(fault: BaseException) -> int:
            log.error("a session ended by a fault\n%s", describe_fault(fault))
            return _FAULT

        def report(code: int) -> None:
            with suppress(OSError):
                connection.sendall(b"%d\n" % code)
            logging.shutdown()

        handled = signal.SIGTERM, signal.SIGINT, signal.SIGCHLD
        try:
            fork(live, note_fault, as_usual=handled, at_end=report)
        except OSError as error:
            log.error("no session can be started: %s", error.strerror)  # noqa: TRY400

    def _take_terminal(self, connection: socket.socket) -> None:
        """Make the login's terminal and environment those of this process."""
        connection.settimeout(WAIT_S)
        received, given, _, _ = socket.recv_fds(connection, LONGEST, 4)
        while not received.endswith(b"\n") and len(received) < LONGEST:
            if not (more := connection.recv(LONGEST)):
                raise ConfigError("a login ended before it had said all")
            received += more
        if len(given) != 4:
            raise ConfigError("a session was handed over without a terminal")
        login = json.loads(received)
        *terminal, key = given
        for standard, fd in enumerate(terminal):
            os.dup2(fd, standard)
            os.close(fd)
        os.environ.clear()
        os.environ.update(self._environ)
        os.environ.update({name: str(login[name]) for name in OF_A_LOGIN if name in login})
        os.environ[_KEY_OF_LOGIN] = f"/proc/self/fd/{key}"
        connection.sendall(b"%d\n" % os.getpid())
        connection.settimeout(None)


def _await_client(connection: socket.socket) -> None:
    """End this session like a hang-up of its terminal, once the program of the login has ended."""
    with suppress(OSError):
        connection.recv(1)
    os.kill(os.getpid(), signal.SIGHUP)


# ``kiosk sessions``.

_SESSIONS = """\
Loads the RA application once, so that sessions share it: `kiosk admin --sessions SOCKET`, which
sshd runs, hands its terminal over to a child of this process. Without this process each session
loads the application itself, and works as well. It holds no key and no connection to the database.
"""
_SESSIONS_EXAMPLE = (
    "  kiosk sessions /run/kiosk-sessions/sessions.sock --config /etc/kiosk/kiosk.toml\n"
)

LOADED = (
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.ascii",
    "encodings.utf_8_sig",
    "kiosk.app.composition.opening",
    "kiosk.config.loading",
    "kiosk.authority.administration.desk",
    "kiosk.authority.administration.login",
    "kiosk.authority.crypto.macs",
    "kiosk.authority.store.database",
    "screens.admin.app",
    "screens.terminal.colours",
    "textual.drivers.headless_driver",
    "textual.drivers.linux_driver",
    "textual.layouts.factory",
    "textual.layouts.horizontal",
    "textual.layouts.stream",
    "textual.pilot",
)
"""What a session imports; Textual imports the last ones when it uses them."""


def _serve_sessions(args: argparse.Namespace) -> None:
    from concurrent.futures import ThreadPoolExecutor  # not for a login, which loads this module

    manager = take_service_manager(os.environ)
    open_log(sys.stdout, os.environ)
    forbid_dumps()
    merge_equal_pages()
    scrub_environment(os.environ)  # Textual reads it when it is imported
    # The C library gives a thread a heap of its own, and the gaps that loading leaves stay in that.
    # In the heap of the main thread each session filled them, and so copied 3 MiB of shared pages.
    with ThreadPoolExecutor(1) as loading:
        loading.submit(_load).result()

    gc.collect()
    gc.freeze()
    server = SessionServer(args.socket, partial(run_session, args.config, args.log))
    server.run(manager.beat)


def _load() -> None:
    for module in LOADED:
        import_module(module)
    if find_spec("psycopg") is not None:
        import_module("kiosk.authority.store.postgresql")
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
