"""`make release` with small packages: what is uploaded, and what apt takes of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fresh_root import CHECKOUT

VERSION = "0.1.0"
CHANGES = f"""\
# Changelog

## {VERSION}, 2026-12-02

The first release.

### At the station
- Unlocks cards.

## 0.0.9, 2026-11-01

Older.
"""
BUILD = """\
#!/bin/bash
set -euo pipefail
cd "$(dirname "$0")/.."
echo built >>../built
for name in unlock-kiosk-station unlock-kiosk-authority; do
    mkdir -p build/$name/DEBIAN build/$name/usr/share/$name
    echo text >build/$name/usr/share/$name/text
    printf '%s\\n' "Package: $name" "Version: $VERSION" "Architecture: all" "Maintainer: nobody" \\
        "Description: small" >build/$name/DEBIAN/control
    mkdir -p dist
    dpkg-deb --root-owner-group --build build/$name dist/${name}_${VERSION}_all.deb >/dev/null
    echo '{}' >dist/${name}_$VERSION.cdx.json
done
"""
"""In place of the build of the packages, which takes minutes."""


class Checkout:
    """A commit with a version, and a key of gpg that signs it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._home = folder / "c", folder / "g"
        self._home.mkdir(mode=0o700)
        self.environ = {
            "PATH": os.environ["PATH"],
            "GNUPGHOME": str(self._home),
            "HOME": str(folder),
            "VERSION": VERSION,
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        for name in (".ci/release", ".ci/apt-repository"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, self.folder / name)
        self.write(".ci/bootstrap", "#!/bin/sh\n")
        self.write(".ci/build-deb", BUILD)
        self.write(".gitignore", "build/\ndist/\n")
        self.write("pyproject.toml", f'[project]\nversion = "{VERSION}"\n')
        self.write("debian/changelog", f"unlock-kiosk ({VERSION}) trixie; urgency=medium\n")
        self.write("CHANGELOG.md", CHANGES)
        made = (
            "--passphrase",
            "",
            "--quick-generate-key",
            "Maintainer",
            "ed25519",
            "sign",
            "never",
        )
        self.do("gpg", "--batch", "--quiet", *made)
        listed = self.do("gpg", "--list-keys", "--with-colons")
        self.key = next(line.split(":")[9] for line in listed.splitlines() if line[:3] == "fpr")
        self.do("git", "init", "-q")
        self.commit()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def commit(self) -> None:
        self.do("git", "add", "--all")
        who = ("-c", "user.name=Maintainer", "-c", "user.email=maintainer@example.org")
        self.do("git", *who, "commit", "-q", "--message", "A version")

    def do(self, *words: str) -> str:
        return subprocess.run(
            words, cwd=self.folder, env=self.environ, check=True, capture_output=True, text=True
        ).stdout

    def release(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [".ci/release"],
            cwd=self.folder,
            env={**self.environ, "KEY": self.key, **variables},
            capture_output=True,
            text=True,
        )

    def was_built(self) -> bool:
        return (self.folder.parent / "built").exists()

    def close(self) -> None:
        self.do("gpgconf", "--kill", "all")


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    made = Checkout(tmp_path_factory.mktemp("r"))  # short: the socket of gpg's agent is in it
    yield made
    made.close()


class Apt:
    """The machine's own apt-get on a root of its own, with the repository as its only source."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self._folder = folder
        root = folder / "root"
        for name in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d"):
            (root / name).mkdir(parents=True)
        for name in ("var/lib/dpkg", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
            (root / name).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        # As a machine takes it, but for the place of the key.
        trusted = folder / "unlock-kiosk.asc"
        shutil.copy(repository / "unlock-kiosk.asc", trusted)
        source = (repository / "unlock-kiosk.sources").read_text()
        assert "Signed-By: /etc/apt/keyrings/unlock-kiosk.asc\n" in source
        source = source.replace("/etc/apt/keyrings/unlock-kiosk.asc", str(trusted))
        (root / "etc/apt/sources.list.d/unlock-kiosk.sources").write_text(source)
        (folder / "apt.conf").write_text(
            f'Dir "{root}";\nAPT::Sandbox::User "root";\nAcquire::Languages "none";\n'
        )

    def get(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["apt-get", "-q", *words],
            cwd=self._folder,
            env={
                "PATH": os.environ["PATH"],
                "APT_CONFIG": str(self._folder / "apt.conf"),
                "LC_ALL": "C",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def update(self) -> subprocess.CompletedProcess[str]:
        return self.get("update", "-o", "APT::Update::Error-Mode=any")


def test_what_is_uploaded_is_signed_and_has_the_notes_of_its_version(checkout: Checkout) -> None:
    done = checkout.release()
    assert done.returncode == 0, done.stderr
    made = checkout.folder / "dist" / f"release-{VERSION}"
    packages = [f"unlock-kiosk-{part}_{VERSION}" for part in ("authority", "station")]
    assert sorted(path.name for path in made.iterdir()) == sorted(
        [
            *(f"{name}_all.deb" for name in packages),
            *(f"{name}.cdx.json" for name in packages),
            *("NOTES.md", "SHA256SUMS", "SHA256SUMS.asc", "unlock-kiosk.asc"),
        ]
    )
    assert (made / "NOTES.md").read_text() == (
        "The first release.\n\n### At the station\n- Unlocks cards.\n\n"
    )
    checkout.do("gpg", "--verify", str(made / "SHA256SUMS.asc"), str(made / "SHA256SUMS"))
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=made, check=True)
    summed = {line.split()[1] for line in (made / "SHA256SUMS").read_text().splitlines()}
    unsummed = {"SHA256SUMS", "SHA256SUMS.asc", "unlock-kiosk.asc"}
    assert summed == {path.name for path in made.iterdir()} - unsummed


def test_a_release_is_of_one_commit_and_of_one_version_with_a_key(checkout: Checkout) -> None:
    refused = [checkout.release(KEY=""), checkout.release(KEY="0" * 40)]
    (checkout.folder / "more.py").touch()
    refused.append(checkout.release())
    assert "more.py" in refused[-1].stderr
    (checkout.folder / "more.py").unlink()
    for name, text in (
        ("CHANGELOG.md", CHANGES.replace(f"## {VERSION}, 2026-12-02", f"## Unreleased: {VERSION}")),
        ("CHANGELOG.md", CHANGES.replace(f"## {VERSION}", "## 0.1.01")),
        ("CHANGELOG.md", "# Changelog\n"),
        ("debian/changelog", "unlock-kiosk (0.0.9) trixie; urgency=medium\n"),
    ):
        right = (checkout.folder / name).read_text()
        checkout.write(name, text)
        checkout.commit()
        refused.append(checkout.release())
        assert name in refused[-1].stderr
        checkout.write(name, right)
        checkout.commit()
    assert [each.returncode for each in refused] == [2] * 7
    assert not checkout.was_built()
    assert not (checkout.folder / "dist").exists()
    assert checkout.release().returncode == 0


def test_apt_installs_from_the_folder_and_takes_no_changed_byte(
    checkout: Checkout, tmp_path: Path
) -> None:
    assert checkout.release().returncode == 0
    repository = checkout.folder / "dist" / "apt"
    apt = Apt(tmp_path, repository)
    assert apt.update().returncode == 0
    said = apt.get("install", "--simulate", "unlock-kiosk-station", "unlock-kiosk-authority").stdout
    assert f"Inst unlock-kiosk-station ({VERSION} " in said
    assert apt.get("download", "unlock-kiosk-station").returncode == 0
    assert (tmp_path / f"unlock-kiosk-station_{VERSION}_all.deb").exists()

    def changed(path: Path) -> bytes:
        """Change a byte in the middle; return what was there."""
        right = path.read_bytes()
        at = len(right) // 2
        path.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
        return right

    for name, said in (
        ("InRelease", "is not signed"),
        ("Packages.gz", "Hash Sum mismatch"),
    ):
        right = changed(repository / name)
        refused = Apt(tmp_path / name, repository).update()
        assert refused.returncode != 0, refused.stdout
        assert said in refused.stdout
        (repository / name).write_bytes(right)
    package = repository / f"unlock-kiosk-authority_{VERSION}_all.deb"
    changed(package)
    refused = apt.get("download", "unlock-kiosk-authority")
    assert refused.returncode != 0
    assert "Hash Sum mismatch" in refused.stdout


def test_a_repository_signed_by_another_key_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.release().returncode == 0
    repository = checkout.folder / "dist" / "apt"
    apt = Apt(tmp_path, repository)
    made = ("--passphrase", "", "--quick-generate-key", "Another", "ed25519", "sign", "never")
    checkout.do("gpg", "--batch", "--quiet", *made)
    subprocess.run(
        [checkout.folder / ".ci" / "apt-repository", repository],
        env={**checkout.environ, "KEY": "Another"},
        check=True,
    )
    refused = apt.update()
    assert refused.returncode != 0
    assert "is not signed" in refused.stdout


def test_the_repository_keeps_releases_and_is_of_the_web_server_that_was_named(
    checkout: Checkout, tmp_path: Path
) -> None:
    url = "https://packages.example/unlock-kiosk"
    assert checkout.release(URL=url).returncode == 0
    for name in ("pyproject.toml", "debian/changelog", "CHANGELOG.md"):
        text = (checkout.folder / name).read_text()
        checkout.write(name, text.replace(VERSION, "0.2.0"))
    checkout.commit()
    assert checkout.release(URL=url, VERSION="0.2.0").returncode == 0
    repository = checkout.folder / "dist" / "apt"
    source = (repository / "unlock-kiosk.sources").read_text()
    assert f"\nURIs: {url}\n" in source
    (repository / "unlock-kiosk.sources").write_text(source.replace(url, f"file:{repository}"))
    apt = Apt(tmp_path, repository)
    assert apt.update().returncode == 0
    for version in (VERSION, "0.2.0"):
        assert apt.get("download", f"unlock-kiosk-station={version}").returncode == 0
