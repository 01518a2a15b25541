"""The packages on a machine: built twice, installed, used, updated, removed and purged.

``make test-deb`` runs it as root; it builds the packages before, and takes minutes and a network.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from hardware.virtual.link import CardLink
from kiosk.app.demo.mailbox import Mailbox
from kiosk.contract.messages import MaintenanceAct, MaintenanceReason, Purpose
from screens.terminal.driver import TokenBucket
from screens.theme import PLAIN
from screens.words import choices, maintenance, pin
from tests.e2e.canaries import found, held
from tests.e2e.files import write_people
from tests.e2e.people import DOMAIN, Person, person
from tests.e2e.visitor import FRESH, Visitor
from tests.e2e.world import World
from tests.support.booted import ENVIRONMENT, OFF, RESTARTS, Booted
from tests.support.flood import flood, resident
from tests.support.fresh_root import CHECKOUT
from tests.support.terminal import Terminal
from tests.support.waiting import PATIENCE_S, wait_for
from tests.systemd.displayed import DisplayedStation
from tests.systemd.test_locks import AUTHORITY, STATION, names

BUILT, AGAIN, BEFORE = (CHECKOUT / name for name in ("dist", "build/again", "build/before"))
BASE = CHECKOUT / "build" / "trixie.tar"
PACKAGES = ("unlock-kiosk-station", "unlock-kiosk-authority")
NEEDED = (
    "pcscd polkitd python3 tzdata openssh-server libpam-systemd libpcsclite1 vsmartcard-vpcd "
    "cage foot seatd fonts-dejavu-mono kbd console-setup-linux grim wlr-randr"
)
"""What the packages depend on and recommend, an SSH server, the virtual reader, and what takes
pictures of a compositor."""

SNAPSHOT = r"""
find / -xdev \( -path /proc -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/log \
    -o -path /var/tmp -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd \
    -o -path /root \) \
    -prune -o -print | sort
"""
ATTRACT = "Put your smartcard into the reader"


def newest(folder: Path, pattern: str) -> list[Path]:
    """Return the files of both packages of the newest build."""
    version = (CHECKOUT / "debian" / "changelog").read_text().partition("(")[2].partition(")")[0]
    wanted = "0.0.9" if folder == BEFORE else version
    return [next(folder.glob(f"{package}_{wanted}{pattern}")) for package in PACKAGES]


def test_two_builds_are_the_same_to_the_byte() -> None:
    for one, other in zip(newest(BUILT, "*.deb"), newest(AGAIN, "*.deb"), strict=True):
        assert filecmp.cmp(one, other, shallow=False), one.name


def test_the_packages_follow_debians_rules() -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error,warning", *newest(BUILT, "*.deb")],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_list_of_components_is_that_of_the_lock() -> None:
    for path, lock in zip(newest(BUILT, ".cdx.json"), (STATION, AUTHORITY), strict=True):
        components = {each["name"].lower() for each in json.loads(path.read_text())["components"]}
        assert {each.replace("_", "-") for each in components} <= names(lock)
        assert {"textual", "pyscard", "msgspec"} <= components


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """A fresh machine with what the packages need from Debian."""
    if not BASE.exists():
        include = "--include=systemd-sysv,dbus,ca-certificates,procps"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", include, "trixie", BASE], check=True
        )
    root = tmp_path_factory.mktemp("machine") / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "--exclude=./dev/*", "-xf", BASE], check=True)
    (root / "etc" / "resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
    (root / "usr" / "sbin" / "policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr" / "sbin" / "policy-rc.d").chmod(0o755)
    line = 'mount --make-rprivate /; mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; '
    line += 'exec chroot "$1" env $3 bash -c "$2"'
    fetch = f"apt-get update -qq && apt-get install -qq --no-install-recommends {NEEDED}"
    enter = ("unshare", "--mount", "bash", "-ec", line, "bash")
    subprocess.run([*enter, root, fetch, ENVIRONMENT], stdout=subprocess.DEVNULL, check=True)
    (root / "usr" / "sbin" / "policy-rc.d").unlink()
    booted = Booted(root)
    try:
        booted.start()
        yield booted
    finally:
        booted.stop()


@pytest.fixture(scope="module")
def ada() -> Person:
    return person("900100200301", "Ada Quill", "73915480", "73918264")


def install(machine: Booted, packages: list[Path]) -> None:
    for package in packages:
        (machine.root / "root" / package.name).write_bytes(package.read_bytes())
    files = " ".join(f"/root/{package.name}" for package in packages)
    machine.do(f"apt-get install --yes --no-install-recommends {files}")


def started(machine: Booted, unit: str) -> str:
    """Say which run of a unit it is."""
    return machine.do(f"systemctl show --property=InvocationID --value {unit}")


def has_changed(machine: Booted, unit: str, was: str) -> bool:
    """Say whether another run of the unit is up."""
    return started(machine, unit) != was and machine.ask(f"systemctl is-active {unit}") == "active"


def import_person(machine: Booted, whose: Person) -> None:
    people = machine.root / "var" / "lib" / "kiosk" / "imports" / "people.csv"
    write_people(people, (whose,))
    machine.do("chown kiosk: /var/lib/kiosk/imports/people.csv")
    machine.do(f"{AS_KIOSK} import --remove /var/lib/kiosk/imports/people.csv")


AS_KIOSK = "runuser -u kiosk -- kiosk"
BY_HAND = "kiosk-sessions.service kiosk-caretaker.timer kiosk-purge.timer"
"""What the guide has an administrator enable."""


def log_in(machine: Booted) -> Terminal:
    """Log in by sshd as the manager whose key root has."""
    options = "-i /root/asha -o BatchMode=yes -o StrictHostKeyChecking=no"
    line = f"TERM=xterm-256color exec ssh -tt {options} -o UserKnownHostsFile=/dev/null"
    command = machine.inside(f"{line} ra@127.0.0.1")
    session = Terminal(command, {"PATH": os.environ["PATH"]}, 100, 30)
    session.wait_for("log out")
    return session


def test_what_the_packages_do_on_a_machine(machine: Booted, ada: Person) -> None:
    before = machine.do(SNAPSHOT)
    accounts = machine.do("getent passwd; getent group")

    install(machine, newest(BEFORE, "*.deb"))
    assert machine.do("kiosk --version") == "kiosk 0.0.9"
    assert machine.do("dpkg --verify unlock-kiosk-station unlock-kiosk-authority") == ""
    said = machine.do(
        f"kiosk setup authority --set policy.email_domains={DOMAIN} --set service.trust=Wexbridge"
    )
    assert "made          unit        kiosk-authority.service" in said
    machine.do("kiosk setup station --display console")
    machine.see(ATTRACT)

    # A card that the authority knows, at a station that asks it.
    import_person(machine, ada)
    card = machine.link(ada.card)
    card.insert()
    machine.see("Ada Quill")
    card.remove()
    machine.see(ATTRACT)

    # It comes back from a crash, and from standing still.
    for number in (signal.SIGKILL, signal.SIGSTOP):
        was = started(machine, "kiosk-station")
        machine.kill("kiosk-station.service", number)
        wait_for(partial(has_changed, machine, "kiosk-station", was), "a new start")
        machine.see(ATTRACT)

    # Staff: one whose session loads the application itself, and one who shares it.
    machine.do("ssh-keygen -q -t ed25519 -N '' -f /root/asha")
    adding = f'{AS_KIOSK} staff add "Asha Okafor" --role manager --key - --reason "first manager"'
    machine.do(f"{adding} < /root/asha.pub")
    sessions = [log_in(machine)]
    machine.do(f"systemctl enable --now {BY_HAND}")
    sessions.append(log_in(machine))
    assert len(machine.processes("kiosk-sessions.service")) == 2

    units = ("kiosk-station", "kiosk-authority", "kiosk-sessions")
    runs = {unit: started(machine, unit) for unit in units}
    install(machine, newest(BUILT, "*.deb"))
    assert machine.do("kiosk --version") != "kiosk 0.0.9"
    for package in PACKAGES:
        machine.do(f"test -s /usr/share/doc/{package}/docs/estate.md")
    for unit, run in runs.items():
        wait_for(partial(has_changed, machine, unit, run), unit)
    machine.see(ATTRACT)
    again = machine.do("kiosk setup authority; kiosk setup station")
    assert not [line for line in again.splitlines() if line.startswith(("made", "changed"))]
    card.insert()
    machine.see("Ada Quill")
    card.remove()
    assert machine.do("systemctl --failed --no-legend") == ""
    for session in sessions:
        session.send("\x1bOQ")
        session.wait_for("Find a person")

    # The authority's package is more than a station's: its program stays where the other goes.
    machine.do("apt-get remove --yes unlock-kiosk-station")
    machine.do("test -e /etc/kiosk-station/station.toml; kiosk --version")
    machine.do("systemctl is-active kiosk-authority.service")
    assert [session.process.poll() for session in sessions] == [None, None]
    machine.do("apt-get remove --yes unlock-kiosk-authority")
    for session in sessions:
        session.process.wait(PATIENCE_S)
    assert machine.ask("getent passwd ra; pgrep -u kiosk") == ""
    left = set(machine.do(SNAPSHOT).splitlines()) - set(before.splitlines())
    state = ("/etc/kiosk", "/var/lib/kiosk", "/etc/ssh/sshd_config.d/50-kiosk-ra.conf")
    assert {each for each in left if not each.startswith(state)} == set()
    assert "/var/lib/kiosk/kiosk.db" in left

    machine.do("apt-get purge --yes unlock-kiosk-station unlock-kiosk-authority")
    assert set(machine.do(SNAPSHOT).splitlines()) - set(before.splitlines()) == set()
    assert machine.do("getent passwd; getent group") == accounts


def choose(machine: Booted, label: str) -> None:
    """Press the number in front of a label, once it is there."""
    machine.see(label)
    found = re.search(rf"(\d)  {label}", machine.screen)
    assert found, machine.screen
    machine.press(found[1])


def have_done(machine: Booted, officer: Person, act: MaintenanceAct) -> int:
    """Have an officer do what ends the machine; return how that ended."""
    machine.see(ATTRACT)
    machine.link(officer.card).insert()
    choose(machine, choices.OFFERS[Purpose.MAINTENANCE][0])
    machine.see(pin.ENTER_TITLE)
    machine.press(f"{officer.pin}\r")
    machine.see(maintenance.REASON_TITLE)
    choose(machine, maintenance.REASONS[MaintenanceReason.CHECK])
    machine.see(maintenance.MENU_TITLE)
    choose(machine, maintenance.ACTS[act])
    machine.see(maintenance.SURE_TITLE)
    machine.press("\t\r")
    return machine.ended()


LOGIND = "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager"


def test_an_officer_restarts_the_machine_and_switches_it_off_and_nobody_else_may(
    machine: Booted, ada: Person
) -> None:
    """By the real polkit and logind, from the closed unit of the station."""
    install(machine, newest(BUILT, "*.deb"))
    machine.do(f"kiosk setup authority --set policy.email_domains={DOMAIN}")
    machine.do("kiosk setup station --display console")
    import_person(machine, ada)
    why = '--reason "maintains the stations"'
    machine.do(f'{AS_KIOSK} staff add "Sam Reed" --role technician {why}')
    guid = ada.card.state.guid.hex()
    machine.do(f'{AS_KIOSK} staff add-card "Sam Reed" {guid} {why}')

    def asks(account: str, words: str) -> str:
        call = "busctl --allow-interactive-authorization=no call"
        return machine.ask(f"runuser -u {account} -- {call} {LOGIND} {words}")

    for word in ("Reboot", "PowerOff"):
        assert asks("kiosk-station", f"Can{word}") == 's "yes"'
        for account in ("kiosk", "kiosk-display", "nobody"):
            assert asks(account, f"Can{word}") != 's "yes"'
            assert "nteractive authentication" in asks(account, f"{word} b false")
    assert "nteractive authentication" in asks("kiosk-station", "Halt b false")
    assert "nteractive authentication" in asks("kiosk-station", "FlushDevices b false")
    refused = "runuser -u kiosk-station -- systemctl --no-ask-password reboot --force"
    assert machine.run(refused).returncode != 0, "not past logind"

    for act, end in (
        (MaintenanceAct.RESTART_MACHINE, RESTARTS),
        (MaintenanceAct.SWITCH_OFF, OFF),
    ):
        assert have_done(machine, ada, act) == end
        machine.start()
    machine.see(ATTRACT)
    audit = machine.do(f"{AS_KIOSK} audit list --limit 30")
    assert "Had the station's machine restarted." in audit
    assert "Had the station switched off." in audit
    # The PIN is in no file: no core, no log, no state, and no journal.
    assert machine.ask(f"grep --recursive --no-messages {ada.pin} /etc /run /tmp /var") == ""
    assert ada.pin not in machine.do("journalctl --no-pager --output=export")
    machine.do("apt-get purge --yes unlock-kiosk-station unlock-kiosk-authority")


def test_an_estates_station_is_let_out_to_the_authority_alone(machine: Booted) -> None:
    install(machine, newest(BUILT, "*.deb")[:1])
    assert "enrol" in machine.do("kiosk --help")
    assert "install the package unlock-kiosk-authority" in machine.ask("kiosk keys list")
    assert machine.ask("find /usr/lib/unlock-kiosk-station -path '*kiosk/authority*'") == ""
    files = " ".join(f"--set authority.{name}=/etc/x" for name in ("certificate", "key", "ca"))
    machine.do(
        f"kiosk setup station --display console --set authority.addresses=127.0.0.1:8443 {files}"
    )
    shown = machine.do("systemctl show -p IPAddressAllow,PrivateNetwork kiosk-station.service")
    assert "IPAddressAllow=127.0.0.1/32" in shown.replace("127.0.0.1/8", "")
    assert "PrivateNetwork=no" in shown
    machine.do("apt-get purge --yes unlock-kiosk-station")


class OnConsole(DisplayedStation):
    """The station on the console of the machine, used by its keyboard."""

    machine: Booted

    def __init__(self, machine: Booted) -> None:
        self.machine = machine
        self._pace = TokenBucket(time.monotonic, rate=29, burst=19)

    def send(self, keys: str | bytes) -> None:
        self.machine.press(keys if isinstance(keys, str) else keys.decode())


class Inside(World):
    """What a visitor's story needs of the world that is in the machine: its reader and its mail."""

    def __init__(self, machine: Booted, mailbox: Mailbox) -> None:
        self.machine = machine
        self.mailbox = mailbox
        self._read = {}
        self._links: dict[str, CardLink] = {}

    def insert(self, whose: Person, slot: int = 0) -> None:  # type: ignore[override]
        self._links[whose.number] = self.machine.link(whose.card)
        self._links[whose.number].insert()

    def remove(self, whose: Person) -> None:
        self._links.pop(whose.number).remove()


WRITTEN = ("dev/shm", "etc", "home", "root", "run", "srv", "tmp", "var")
NOT_OURS = ("var/cache", "var/lib/apt", "var/lib/dpkg")


def written(machine: Booted) -> dict[str, bytes]:
    """Return every file that may have been written since the machine began, and the journal."""
    root = f"/proc/{machine.init}/root"
    files = {}
    for top in WRITTEN:
        for folder, below, inside in os.walk(f"{root}/{top}"):
            below[:] = [one for one in below if f"{folder}/{one}"[len(root) + 1 :] not in NOT_OURS]
            for path in (Path(folder, name) for name in inside if not name.endswith(".deb")):
                with suppress(FileNotFoundError):  # a service has just deleted it
                    if path.is_file():
                        files[str(path)] = path.read_bytes()
    files["journal"] = machine.do("journalctl --no-pager --output=export").encode()
    assert any(path.endswith("/var/lib/kiosk/kiosk.db") for path in files)
    assert any(path.endswith(".journal") for path in files)
    return files


@pytest.fixture
def purged_afterwards(machine: Booted) -> Iterator[None]:
    """Take the packages off again, however the test ends."""
    yield
    machine.do("apt-get purge --yes unlock-kiosk-station unlock-kiosk-authority")


@pytest.mark.usefixtures("purged_afterwards")
def test_nothing_of_a_visit_is_left_on_the_machine(machine: Booted, ada: Person) -> None:
    """Neither in a file, nor in the journal, nor in a core, nor where the next visit begins."""
    install(machine, newest(BUILT, "*.deb"))
    mailbox = Mailbox(machine.root / "etc" / "kiosk" / "relay")
    relay = machine.in_its_network(mailbox.start)
    machine.do("chown -R kiosk: /etc/kiosk/relay")
    settings = {
        "policy.email_domains": DOMAIN,
        "policy.code_gap_s": "0",
        "mail.sender": f"no-reply@{DOMAIN}",
        "mail.host": "127.0.0.1",
        "mail.port": relay.port,
        "mail.security": relay.security,
        "mail.ca_file": "/etc/kiosk/relay/ca.pem",
        "mail.credential": "/etc/kiosk/relay/relay-login",
    }
    words = " ".join(f"--set {name}={value}" for name, value in settings.items())
    machine.do(f"kiosk setup authority {words}")
    machine.do("kiosk setup station --display console --set station.motion=no")
    import_person(machine, ada)
    ada.card.state.pin.left = 0
    grounds = '--reason "mail is down" --identified-by "photo ID at the desk"'
    issue = f"{AS_KIOSK} cards issue-code {ada.number} {ada.card.state.guid.hex()} {grounds}"
    given = machine.do(issue).splitlines()[0]

    world, station = Inside(machine, mailbox), OnConsole(machine)
    visitor = Visitor(world, ada, station, dot=PLAIN.dot)
    machine.see(ATTRACT)
    parent, first, _ = processes(machine)
    visitor.comes().unlocks().awaits_first_code().enters_code(given).sets_pin(NEW_PIN)
    visitor.proves_new_pin(NEW_PIN).awaits_owner_code()
    code = world.read_code(ada.email)
    visitor.enters_code(code).registers_answers()
    answers = {f"answer {n}": answer for n, answer in enumerate(FRESH, 1)}
    assert held(answers, first), "the search itself finds what is there"
    visitor.confirms_email().finishes(Purpose.REGISTER)
    typed = {"PIN": NEW_PIN, "given code": given, "code": code, "PUK": ada.puk, **answers}
    visitor.goes()
    wait_for(lambda: first not in processes(machine), "the end of the visit's process")
    served = processes(machine)
    assert served[0] == parent
    assert [held(typed, pid) for pid in served] == [[], [], []]
    assert found(typed, written(machine)) == []

    # One that crashes leaves no core, and none could write one or be swapped out.
    ada.card.state.pin.left = 0
    visitor.comes().unlocks()
    station.see_any(*ada.answers)
    station.type(FRESH[0])
    wait_for(lambda: held({"answer": FRESH[0]}, served[1]) != [], "the answer in its memory")
    os.kill(served[1], signal.SIGSEGV)
    wait_for(lambda: served[1] not in processes(machine), "the end of the crashed process")
    visitor.goes()
    machine.see(ATTRACT)
    for limits, status, left in of_each_process(machine, typed):
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
        assert "\nVmSwap:\t       0 kB\n" in status
        assert left == []
    assert machine.do("systemctl show --property=MemorySwapMax --value kiosk-station") == "0"
    assert machine.do("find / -xdev -type f -name 'core*' -newer /etc/kiosk/relay/ca.pem") == ""
    assert found(typed, written(machine)) == []
    mailbox.stop()


NEW_PIN = "48059317"


def processes(machine: Booted) -> list[int]:
    """Return the station's parent, the visit's process and the next one's; waits for all three."""
    wait_for(lambda: len(machine.processes("kiosk-station.service")) == 3, "three processes")
    return machine.processes("kiosk-station.service")


def of_each_process(machine: Booted, typed: Mapping[str, str]) -> list[tuple[str, str, list[str]]]:
    """Return limits and status of each, and what its memory holds; anew where one ended."""
    while True:
        with suppress(FileNotFoundError, ProcessLookupError):
            return [
                (
                    Path(f"/proc/{pid}/limits").read_text(),
                    Path(f"/proc/{pid}/status").read_text(),
                    held(typed, pid),
                )
                for pid in processes(machine)
            ]


COMPOSITOR = "XDG_RUNTIME_DIR=/run/kiosk-display/compositor WAYLAND_DISPLAY=wayland-0"
HEADLESS = f"""
mkdir -p /etc/systemd/system/kiosk-display.service.d
cat > /etc/systemd/system/kiosk-display.service.d/headless.conf <<END
[Service]
Environment=WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1
ExecStartPost=+/usr/bin/env {COMPOSITOR} wlr-randr --output HEADLESS-1 --custom-mode 1920x1080
END
"""
"""A display that exists in memory only, as there is no graphics card here."""

ON_COMPOSITOR = ("kiosk-station", "kiosk-display", "seatd")
"""In the order in which they end."""
PICTURE = f"{COMPOSITOR} timeout 10 grim -t ppm - | sha256sum"
UP = "systemctl is-active kiosk-display kiosk-station"
PARTS = (
    "-u kiosk-display -f '^/usr/lib/unlock-kiosk-station/bin/python.* kiosk display'",
    "-u kiosk-display -x cage",
    "-u kiosk-display -x foot",
    "-u kiosk-display -f '^/usr/lib/unlock-kiosk-station/bin/python.*terminal_socket'",
    "-u kiosk-station -o -f 'kiosk station'",
)


@pytest.mark.usefixtures("purged_afterwards")
def test_the_compositor_is_back_on_the_first_page_whatever_part_dies(
    machine: Booted, ada: Person
) -> None:
    install(machine, newest(BEFORE, "*.deb"))
    machine.do("kiosk setup authority --set service.trust=Wexbridge")
    machine.do(HEADLESS)
    machine.do("kiosk setup station --set station.motion=no")
    assert machine.do("systemctl show --property=User --value kiosk-display") == "kiosk-display"
    assert machine.do("stat -c '%U %G %a' /run/seatd.sock") == "root kiosk-display 770"
    assert machine.do("stat -c '%U %a' /run/kiosk-display/compositor") == "kiosk-display 700"

    def picture() -> str:
        return machine.ask(PICTURE)

    first_page = picture()
    wait_for(lambda: picture() == first_page, "the first page, once it is drawn")
    card = machine.link(ada.card)
    card.insert()
    wait_for(lambda: picture() != first_page, "a page for the card")
    card.remove()
    wait_for(lambda: picture() == first_page, "the first page")

    def begin_anew(restart: Callable[[], object]) -> list[int]:
        """Have all parts begin anew while a card is in; return when each had ended, in us."""
        card.insert()
        wait_for(lambda: picture() != first_page, "a page for the card")
        runs = {unit: started(machine, unit) for unit in ON_COMPOSITOR}
        restart()
        for unit, run in runs.items():
            wait_for(partial(has_changed, machine, unit, run), unit)
        card.remove()
        wait_for(lambda: picture() == first_page, "the first page")
        ended = "systemctl show --property=InactiveEnterTimestampMonotonic --value"
        return [int(machine.do(f"{ended} {unit}")) for unit in ON_COMPOSITOR]

    # An update, and whoever restarts seatd alone as an update of Debian does: what depends on it
    # ends before it. Where it dies, they begin anew, too.
    for restart in (
        partial(install, machine, newest(BUILT, "*.deb")),
        partial(machine.do, "systemctl restart seatd"),
    ):
        ended = begin_anew(restart)
        assert ended == sorted(ended)
    begin_anew(partial(machine.kill, "seatd.service", signal.SIGKILL))

    for part in PARTS:
        for number in (signal.SIGKILL, signal.SIGSTOP):
            wait_for(lambda: machine.ask(UP) == "active\nactive", "both units")
            pid = machine.do(f"pgrep {part}")
            machine.do(f"kill -{number.value} {pid}")
            wait_for(lambda pid=pid: machine.ask(f"ps -o pid= -p {pid}") == "", f"end of {part}")  # type: ignore[misc]
            wait_for(lambda: picture() == first_page, f"the first page after {number.name} {part}")
    assert machine.do("systemctl --failed --no-legend") == ""

    # What is masked and linked, as the machine has it.
    for unit in ("getty@tty1.service", "ctrl-alt-del.target", "suspend.target"):
        assert machine.ask(f"systemctl is-enabled {unit}") == "masked"
    assert machine.do("systemctl show --property=CtrlAltDelBurstAction --value") == "none"
    handled = machine.do("systemd-analyze cat-config systemd/logind.conf")
    assert "HandleSuspendKey=ignore" in handled
    # A container cannot change it.
    assert "\nkernel.sysrq = 0\n" in machine.do("systemd-analyze cat-config sysctl.d")

    machine.do("kiosk setup station --display console")
    machine.see(ATTRACT)
    assert machine.ask("systemctl is-active kiosk-display.service") == "inactive"
    assert machine.ask("systemctl is-active kiosk-console.service") == "active"
    assert machine.do("stat -c '%U %G %a' /run/seatd.sock") == "root video 770", "Debian's again"


@pytest.mark.usefixtures("purged_afterwards")
def test_flood_of_silent_connections_leaves_the_authority_its_memory(machine: Booted) -> None:
    """The kernel killed it at the unit's ``MemoryMax``; here it is Debian's Python that frees."""
    ben = person("900100200302", "Ben Carter", "618204", "73918264")
    install(machine, newest(BUILT, "*.deb"))
    ports = 8443, 8444, 9464
    listens = {
        "policy.email_domains": DOMAIN,
        "authority.listen": f"127.0.0.1:{ports[0]}",
        "authority.enrol_listen": f"127.0.0.1:{ports[1]}",
        "authority.addresses": f"localhost:{ports[0]}",
        "monitoring.listen": f"127.0.0.1:{ports[2]}",
    }
    machine.do(f"kiosk setup authority {' '.join(f'--set {n}={v}' for n, v in listens.items())}")
    machine.do("kiosk setup station --display console")
    import_person(machine, ben)
    card = machine.link(ben.card)

    def visit() -> None:
        machine.see(ATTRACT)
        card.insert()
        machine.see(ben.name)
        card.remove()

    visit()
    run = started(machine, "kiosk-authority")
    (pid,) = machine.processes("kiosk-authority.service")
    before = resident(pid)
    shown = machine.do("systemctl show --property=MemoryMax --value kiosk-authority.service")

    def attack() -> int:
        with flood(ports, 1200):
            return resident(pid, "VmHWM")

    most = machine.in_its_network(attack)
    assert most < int(shown) / 2
    visit()
    wait_for(lambda: resident(pid) < (before + most) / 2, "the memory that it gives back")
    assert started(machine, "kiosk-authority") == run
