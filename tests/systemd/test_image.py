"""The image's definition, by its files; `make test-image` builds and starts it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk.app.cli.enrol import ESTATES_CA
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.config.loading import CERTIFICATE
from tests.support.fresh_root import CHECKOUT
from tests.systemd.test_units import STATION, run, value, values

IMAGE = CHECKOUT / "image"
USR_LIB = IMAGE / "mkosi.extra" / "usr" / "lib"
UNITS = sorted((USR_LIB / "systemd" / "system").glob("kiosk-*.service"))
ENROL, SETUP = (
    USR_LIB / "systemd" / "system" / f"kiosk-{name}.service" for name in ("enrol", "setup")
)
KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "West Wing 2")])


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_of_the_image_has_no_mistake(unit: Path, tmp_path: Path) -> None:
    text = re.sub(r"/usr/lib/unlock-kiosk-\w+/bin/python", sys.executable, unit.read_text())
    text = re.sub(r"/usr/(bin/kiosk|libexec/kiosk-health)", "/bin/true", text)
    (tmp_path / unit.name).write_text(text)
    said = run("systemd-analyze", "verify", "--man=no", tmp_path / unit.name).stdout
    assert [line for line in said.splitlines() if unit.name in line] == []


def test_the_line_is_asked_for_by_the_stations_account_until_it_is_enrolled() -> None:
    assert value(ENROL, "User") == value(STATION, "User")
    assert value(ENROL, "DeviceAllow") == value(STATION, "DeviceAllow")
    said = run("systemd-analyze", "security", "--offline=true", ENROL).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found
    assert float(found[1]) <= 2.0


def shell_of(unit: Path, setting: str, *replaced: tuple[str, str]) -> str:
    """Return the script that a setting passes to ``/bin/sh``, with other places in it."""
    program, option, script = shlex.split(value(unit, setting))
    assert (program, option) == ("/bin/sh", "-c")
    for old, new in replaced:
        assert old in script
        script = script.replace(old, new)
    return script


@pytest.mark.parametrize(
    ("lives", "asks"), [(None, True), (timedelta(days=1), False), (-timedelta(days=1), True)]
)
def test_the_line_is_asked_for_again_once_the_certificate_has_expired(
    lives: timedelta | None, asks: bool, tmp_path: Path
) -> None:
    certificate = tmp_path / CERTIFICATE
    if lives is not None:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(NAME)
            .issuer_name(NAME)
            .public_key(KEY.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + lives)
            .sign(KEY, hashes.SHA256())
        )
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    place = (f"/var/lib/kiosk-station/{CERTIFICATE}", str(certificate))
    asked = shell_of(ENROL, "ExecCondition", place)
    assert (subprocess.run(["sh", "-c", asked], check=False).returncode == 0) is asks


@pytest.mark.parametrize(
    ("card", "display"), [(None, "console"), ("card0", "compositor"), ("card1", "compositor")]
)
def test_the_compositor_is_taken_where_there_is_a_graphics_card_of_any_number(
    card: str | None, display: str, tmp_path: Path
) -> None:
    if card is not None:
        (tmp_path / card).touch()
    (tmp_path / "renderD128").touch()
    script = shell_of(SETUP, "ExecStart", ("/dev/dri/", f"{tmp_path}/"), ("/usr/bin/kiosk", "echo"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["--display", display]
    # The driver of the card may be loaded after the station's state is mounted.
    assert value(SETUP, "ExecStartPre").lstrip("-").startswith("/usr/bin/udevadm settle")


def test_an_update_has_the_room_that_the_first_version_had() -> None:
    for first, second in (("10-root", "20-root"), ("11-root-verity", "21-root-verity")):
        built = IMAGE / "mkosi.repart" / f"{first}.conf"
        kept, other = (USR_LIB / "repart.d" / f"{name}.conf" for name in (first, second))
        for setting in ("Type", "SizeMinBytes", "SizeMaxBytes"):
            assert value(built, setting) == value(kept, setting) == value(other, setting)


def test_an_update_is_looked_for_under_the_names_that_a_build_has() -> None:
    settings = IMAGE / "mkosi.conf"
    assert value(settings, "Output") == "unlock-kiosk_%v"
    assert value(settings, "UnifiedKernelImageFormat") == "unlock-kiosk_%v"
    for name, transfer in (("10-root", "20-root"), ("11-root-verity", "10-root-verity")):
        built = IMAGE / "mkosi.repart" / f"{name}.conf"
        assert value(built, "SplitName") == "%t.%U"
        label = value(built, "Label").replace("%M", "unlock-kiosk").replace("%A", "@v")
        assert values(USR_LIB / "sysupdate.d" / f"{transfer}.transfer", "MatchPattern")[1] == label


def test_the_display_shows_no_text_of_the_kernel_and_no_unit_offers_a_shell() -> None:
    """Its build and its start take an hour; what is taken away here is noticed at once."""
    words = value(IMAGE / "mkosi.conf", "KernelCommandLine").split()
    silent = {"quiet", "loglevel=3", "systemd.show_status=no", "vt.global_cursor_default=0"}
    sealed = {"systemd.volatile=overlay", "systemd.verity_root_options=panic-on-corruption"}
    assert silent | sealed <= set(words)
    # By mkosi's own presets masks would be undone before.
    last = (IMAGE / "mkosi.finalize.chroot").read_text().replace("\\\n", " ")
    assert "\nkiosk setup station\n" in last
    [masked] = re.findall(r"^systemctl mask (.*)$", last, re.MULTILINE)
    units = ["getty@", "serial-getty@", "console-getty", "container-getty@", "autovt@"]
    assert {f"{name}.service" for name in (*units, "debug-shell")} <= set(masked.split())
    for unit in ("emergency", "rescue"):
        system = USR_LIB / "systemd" / "system"
        instead = values(system / f"{unit}.service.d" / "restart.conf", "ExecStart")
        assert instead == ["", "/usr/bin/systemctl --force reboot"]


STATES = """\
#!/bin/sh
# Of several units systemctl says that they are active where one is.
case $1 in
    show) [ "$2" = --property=NRestarts ] && cat restarts || printf %s "$RUN" ;;
    is-active)
        for unit in "$@"; do
            case $unit in
                kiosk-station.service) [ "$STATION" != active ] || exit 0 ;;
                pcscd.socket) [ "$READER" != active ] || exit 0 ;;
            esac
        done
        exit 3 ;;
esac
"""
TICKS = """\
#!/bin/sh
echo >>ticks
[ "$(wc -l <ticks)" -lt 30 ] || echo 10 >restarts
"""
"""In place of sleeping: after thirty times the station has begun anew ten times."""


@pytest.mark.parametrize(
    ("station", "run", "reader", "kept"),
    [
        ("active", "1f", "active", True),
        ("activating", "1f", "active", False),
        ("inactive", "", "active", False),
        ("active", "1f", "failed", False),
    ],
)
def test_a_version_is_kept_only_where_station_and_reader_are_both_there(
    station: str, run: str, reader: str, kept: bool, tmp_path: Path
) -> None:
    """Before: where one of them was, so for a station that had not begun, or stood still then."""
    for name, script in (("systemctl", STATES), ("sleep", TICKS)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o700)
    (tmp_path / "restarts").write_text("0\n")
    done = subprocess.run(
        ["sh", IMAGE / "mkosi.extra" / "usr" / "libexec" / "kiosk-health"],
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "STATION": station,
            "RUN": run,
            "READER": reader,
        },
    )
    assert (done.returncode == 0) is kept


class Disk:
    """The disk of a station, and a folder that updates are published in.

    systemd-sysupdate takes them by the image's own transfers, by file instead of HTTPS.
    """

    _ROOT, _HASHES = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"
    _TABLE = f"""\
label: gpt
size=8M, type={_ROOT}, name=unlock-kiosk_0.1.0
size=2M, type={_HASHES}, name=unlock-kiosk_0.1.0_verity
size=8M, type={_ROOT}, name=_empty
size=2M, type={_HASHES}, name=_empty
"""
    _MOUNT = (
        'mount --bind "$1" /etc/systemd && mount --bind "$2" /usr/lib/os-release && '
        'shift 2 && exec "$@"'
    )

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "disk"
        self.published, self._kernels = folder / "published", folder / "boot" / "EFI" / "Linux"
        for each in (self.published, self._kernels, folder / "etc", folder / "transfers"):
            each.mkdir(parents=True)
        (folder / "keys").mkdir(mode=0o700)
        self.gpg("--passphrase", "", "--quick-generate-key", "test", "ed25519", "sign", "never")
        self.gpg("--output", str(folder / "etc" / "import-pubring.gpg"), "--export")
        self._file.write_bytes(b"")
        os.truncate(self._file, 32 << 20)
        subprocess.run(
            ["/usr/sbin/sfdisk", "-q", self._file], input=self._TABLE, text=True, check=True
        )
        (self._kernels / "unlock-kiosk_0.1.0.efi").touch()
        for each in (USR_LIB / "sysupdate.d").iterdir():
            text = each.read_text().replace("@UPDATES@", f"file://{self.published}/")
            text = text.replace("\nPath=auto\n", f"\nPath={self._file}\n")
            (folder / "transfers" / each.name).write_text(text)

    def gpg(self, *words: str) -> None:
        home = ("--homedir", str(self._folder / "keys"))
        subprocess.run(["gpg", *home, "--batch", "--quiet", "--yes", *words], check=True)

    def publish(self, version: str) -> str:
        """Publish a version; return the identifier of its root."""
        root, hashes = str(uuid.uuid4()), str(uuid.uuid4())
        named = {
            f"root-x86-64.{root.replace('-', '')}.raw": b"root",
            f"root-x86-64-verity.{hashes.replace('-', '')}.raw": b"hashes",
            "efi": b"kernel",
        }
        for name, held in named.items():
            path = self.published / f"unlock-kiosk_{version}.{name}.gz"
            path.write_bytes(gzip.compress(held + version.encode()))
        sums = [
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in self.published.glob("*.gz")
        ]
        (self.published / "SHA256SUMS").write_text("".join(sums))
        signed = str(self.published / "SHA256SUMS")
        self.gpg("--output", f"{signed}.gpg", "--detach-sign", signed)
        return root

    def update(self, running: str) -> subprocess.CompletedProcess[str]:
        """Look for an update and take it, on a station that runs a version."""
        about = self._folder / "os-release"
        about.write_text(f"ID=debian\nIMAGE_ID=unlock-kiosk\nIMAGE_VERSION={running}\n")
        enter = ("unshare", "--mount", "sh", "-c", self._MOUNT, "sh", self._folder / "etc", about)
        program = "/usr/lib/systemd/systemd-sysupdate"
        boot = str(self._folder / "boot")
        return subprocess.run(
            [*enter, program, f"--definitions={self._folder / 'transfers'}", "update"],
            env={
                **os.environ,
                **dict.fromkeys(("SYSTEMD_ESP_PATH", "SYSTEMD_XBOOTLDR_PATH"), boot),
                "SYSTEMD_RELAX_ESP_CHECKS": "1",
                "SYSTEMD_RELAX_XBOOTLDR_CHECKS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kernels(self) -> set[str]:
        return {path.name.removeprefix("unlock-kiosk_") for path in self._kernels.iterdir()}

    def partitions(self) -> list[tuple[str, str, bytes]]:
        """Return label, identifier and the first bytes of each."""
        table = json.loads(subprocess.check_output(["/usr/sbin/sfdisk", "--json", self._file]))
        held = self._file.read_bytes()
        return [
            (each["name"], each["uuid"].lower(), held[each["start"] * 512 :][:16].rstrip(b"\0"))
            for each in table["partitiontable"]["partitions"]
        ]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    subprocess.run(["gpgconf", "--homedir", tmp_path / "keys", "--kill", "all"], check=True)


def test_an_update_goes_beside_the_version_that_runs_and_is_tried_three_times(disk: Disk) -> None:
    first = disk.partitions()[:2]
    root = disk.publish("0.1.1")
    done = disk.update("0.1.0")
    assert done.returncode == 0, done.stdout
    kept, second = disk.partitions()[:2], disk.partitions()[2:]
    assert kept == first
    assert second[0] == ("unlock-kiosk_0.1.1", root, b"root0.1.1")
    assert (second[1][0], second[1][2]) == ("unlock-kiosk_0.1.1_verity", b"hashes0.1.1")
    assert disk.kernels() == {"0.1.0.efi", "0.1.1+3-0.efi"}

    # The next one goes where the oldest was; that which runs stays.
    root = disk.publish("0.1.2")
    assert disk.update("0.1.1").returncode == 0
    assert disk.partitions()[0] == ("unlock-kiosk_0.1.2", root, b"root0.1.2")
    assert disk.partitions()[2:] == second
    assert disk.kernels() == {"0.1.1+3-0.efi", "0.1.2+3-0.efi"}


def test_an_update_that_a_stranger_signed_or_changed_is_not_taken(disk: Disk) -> None:
    before = disk.partitions()
    disk.publish("0.1.1")
    sums = disk.published / "SHA256SUMS"
    right = sums.read_bytes()
    sums.write_bytes(right + b"\n")
    assert "Signature verification failed" in disk.update("0.1.0").stdout
    sums.write_bytes(right)
    [kernel] = disk.published.glob("*.efi.gz")
    kernel.write_bytes(gzip.compress(b"another"))
    assert "has been tampered with" in disk.update("0.1.0").stdout
    assert disk.kernels() == {"0.1.0.efi"}
    [signature] = disk.published.glob("*.gpg")
    signature.unlink()
    assert disk.update("0.1.0").returncode != 0
    assert disk.kernels() == {"0.1.0.efi"}
    assert disk.partitions()[:2] == before[:2]


MADE = """\
#!/bin/sh
printf '%s\\n' "$@" >words
while [ "$1" != --output-directory ]; do shift; done
touch "$2/unlock-kiosk_0.1.0.root-x86-64.1f.raw" "$2/unlock-kiosk_0.1.0.efi"
"""
"""In place of mkosi: it keeps its words, and leaves what is signed afterwards."""


class Build:
    """A checkout in which images are built, without what takes minutes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in (".ci/build-image", "debian/changelog", "pyproject.toml"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)
        version = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
        (folder / "dist").mkdir()
        (folder / "dist" / f"unlock-kiosk-station_{version}_amd64.deb").touch()
        ukify = folder / "build" / "image" / "tools" / "usr" / "bin" / "ukify"
        ukify.parent.mkdir(parents=True)
        ukify.touch()
        (folder / "bin").mkdir()
        (folder / "bin" / "mkosi").write_text(MADE)
        (folder / "bin" / "mkosi").chmod(0o755)

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "words").unlink(missing_ok=True)
        return subprocess.run(
            [self.folder / ".ci" / "build-image"],
            env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", **variables},
            capture_output=True,
            text=True,
        )

    def words(self) -> list[str]:
        """Return those that mkosi was called with; none where it was not."""
        try:
            return (self.folder / "words").read_text().splitlines()
        except FileNotFoundError:
            return []


@pytest.fixture
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return Build(tmp_path_factory.mktemp("b"))  # short: the socket of gpg's agent is in it


def test_the_variant_with_a_root_shell_has_keys_of_its_own(build: Build) -> None:
    """Before: the real keys signed it, and each machine of the estate would have started it."""
    signed = {}
    for profile in ("", "test", "test,broken"):
        done = build.run(PROFILE=profile)
        assert done.returncode == 0, done.stderr
        words = build.words()
        signed[profile] = words[words.index("--secure-boot-key") + 1]
    keys = build.folder / "build" / "image"
    assert signed[""] == str(keys / "keys" / "boot.key")
    assert signed["test"] == signed["test,broken"] == str(keys / "test-keys" / "boot.key")
    for name in ("boot.key", "boot.cer", "updates.gpg"):
        assert (keys / "keys" / name).read_bytes() != (keys / "test-keys" / name).read_bytes()


def test_keys_sign_either_what_stations_run_or_what_tests_need(build: Build) -> None:
    real, for_tests = (str(build.folder / name) for name in ("real", "for-tests"))
    assert build.run(KEYS=real).returncode == 0
    assert build.run(KEYS=for_tests, PROFILE="test").returncode == 0
    for keys, profile, said in (
        (real, "test", "is for tests, and the keys in"),
        (real, "test,broken", "is for tests, and the keys in"),
        (for_tests, "", "are for tests: name the folder of the estate's"),
    ):
        done = build.run(KEYS=keys, PROFILE=profile)
        assert done.returncode == 2
        assert said in done.stderr
        assert build.words() == []


def test_the_image_is_built_for_the_stations_of_one_authority(build: Build) -> None:
    ca = StationCa(KeyRing.fresh()).pem
    (build.folder / "ca.pem").write_text(ca)
    done = build.run(CA=str(build.folder / "ca.pem"))
    assert f"{build.folder / 'ca.pem'}:{ESTATES_CA}" in build.words()
    assert "without CA=FILE" not in done.stdout
    # Who reads it is the account of the station, whatever rights the file had.
    last = (IMAGE / "mkosi.finalize.chroot").read_text()
    assert f"chmod 0644 {ESTATES_CA}\n" in last

    done = build.run()
    assert not any(str(ESTATES_CA) in word for word in build.words())
    assert "without CA=FILE who stands first at a station can enrol it" in done.stdout

    key = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    for text, said in (("", "holds no certificate"), (ca + key, "holds a private key")):
        (build.folder / "ca.pem").write_text(text)
        done = build.run(CA=str(build.folder / "ca.pem"))
        assert done.returncode == 2
        assert said in done.stderr
        assert build.words() == []
