"""What the Debian packages hold, by their lists; `make test-deb` builds and installs them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.support.fresh_root import CHECKOUT, shipped
from tests.systemd.test_units import FILES, UNITS, commands_of

DEBIAN = CHECKOUT / "debian"
SOURCES = ("authority", "package")
"""The locks of what is fetched, in their order."""
PACKAGES = ("unlock-kiosk-station", "unlock-kiosk-authority")


def test_the_version_is_the_programs() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    first = (DEBIAN / "changelog").read_text().splitlines()[0]
    assert first.startswith(f"{project['name']} ({project['version']}) ")


def test_file_for_the_machine_is_in_one_package_and_is_there() -> None:
    listed = [source for package in PACKAGES for source, _ in shipped(package)]
    files = [path for path in FILES.rglob("*") if path.is_file() and path.suffix != ".md"]
    assert sorted(listed) == sorted(str(path.relative_to(CHECKOUT)) for path in files)


def test_unit_is_where_systemd_looks_and_runs_the_program_of_its_package() -> None:
    for package in PACKAGES:
        for source, folder in shipped(package):
            if (CHECKOUT / source) in UNITS:
                assert folder == "usr/lib/systemd/system"
                if source.endswith(".service"):
                    programs = {words[0] for words in commands_of(CHECKOUT / source)}
                    assert programs == {f"/usr/lib/{package}/bin/python"}
    places = {folder for package in PACKAGES for _, folder in shipped(package)}
    assert {
        "usr/lib/sysusers.d",
        "usr/lib/tmpfiles.d",
        "usr/share/polkit-1/rules.d",
        "etc/ssh/sshd_config.d",
    } <= places


def test_no_package_brings_a_server_that_the_network_reaches() -> None:
    """apt installs what is recommended unasked, and would remove it with the package again."""
    fields = re.split(r"^(?=\S)", (DEBIAN / "control").read_text(), flags=re.MULTILINE)
    suggested = "".join(each for each in fields if each.startswith("Suggests:"))
    brought = "".join(each for each in fields if each.startswith(("Depends:", "Recommends:")))
    for server in ("openssh-server", "postgresql"):
        assert server in suggested
        assert server not in brought


def test_what_may_be_plugged_in_is_what_usbguard_reads() -> None:
    """Its daemon drops all rules where one is not in the order in which it writes them."""
    rules = FILES / "machine" / "usbguard.conf"
    said = subprocess.run(
        ["usbguard-rule-parser", "--file", rules], check=True, capture_output=True, text=True
    ).stdout
    read = re.findall(r"^INPUT: (.*)\nOUTPUT: (.*)$", said, re.MULTILINE)
    lines = rules.read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert [(line, line) for line in wanted] == [each for each in read if each[1]]
    assert wanted[-1] == "block"
    rule = re.compile(r"allow with-interface match-all { (.*) }")
    allowed = [set(found[1].split()) for found in map(rule.fullmatch, wanted) if found]
    keyboard, reader, storage = "03:*:*", "0b:00:00", "08:06:50"
    for interfaces in ({"09:*:*"}, {keyboard}, {reader}, {keyboard, reader}):
        assert any(interfaces <= each for each in allowed), interfaces
        assert not any(interfaces | {storage} <= each for each in allowed)
    assert len(allowed) == len(wanted[:-1]) == 3


def test_the_scripts_of_the_packages_have_no_mistake() -> None:
    scripts = [
        path for path in DEBIAN.iterdir() if path.suffix in (".postinst", ".prerm", ".postrm")
    ]
    assert len(scripts) == 6
    scripts.append(CHECKOUT / ".ci" / "build-deb")
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), False),
        (("kiosk/purge.env",), True),
        (("kiosk/purge.env", "default/kiosk-purge"), False),
    ],
)
def test_an_upgrade_says_that_the_account_of_the_purge_is_read_elsewhere(
    files: tuple[str, ...], said: bool, tmp_path: Path
) -> None:
    """Before: it said nothing, and the next purge had no right to delete."""
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    script = (DEBIAN / "unlock-kiosk-authority.postinst").read_text()
    here = re.sub(r"(\[ !? ?-[ed]) /(?:etc|run)", rf"\1 {tmp_path}", script)
    done = subprocess.run(
        ["sh", "-c", here, "postinst", "configure", "1.0"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ("/etc/default/kiosk-purge" in done.stderr) is said


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    ("words", "said"),
    [(("configure", ""), True), (("configure", "0.0.9"), False), (("abort-upgrade", "1"), False)],
)
def test_the_first_installation_says_what_comes_next(
    package: str, words: tuple[str, ...], said: bool
) -> None:
    """Before: apt ended, and nothing ran, and nothing said so."""
    script = (DEBIAN / f"{package}.postinst").read_text().replace("/run/systemd/system", "/absent")
    done = subprocess.run(
        ["sh", "-c", script, "postinst", *words], check=True, capture_output=True, text=True
    )
    command = f"kiosk setup {package.rpartition('-')[2]}"
    assert (f"As root, `{command}`" in done.stdout) is said
    assert bool(done.stdout) is said
    for line in done.stdout.splitlines():
        for command in re.findall("`kiosk (setup [a-z]+)", line):
            with pytest.raises(SystemExit):
                main([*command.split(), "--help"])


def test_the_authority_comes_first_where_both_are_installed() -> None:
    """Its ``kiosk`` has the commands of a station as well."""
    fields = [(DEBIAN / f"{package}.alternatives").read_text() for package in PACKAGES]
    station, authority = (re.findall(r"^Priority: (\d+)$", text, re.MULTILINE) for text in fields)
    assert int(station[0]) < int(authority[0])
    for package, text in zip(PACKAGES, fields, strict=True):
        assert f"Alternative: /usr/lib/{package}/bin/kiosk\n" in text


def documents_of(package: str, folder: Path) -> None:
    """Put the documents of a package into a folder by the lines of debian/rules that do."""
    said = subprocess.run(
        ["make", "--dry-run", "-f", "debian/rules", package],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    target = f"debian/unlock-kiosk-{package}/usr/share/doc/unlock-kiosk-{package}"
    lines = [
        shlex.split(each)
        for each in said.splitlines()
        if each.startswith(("cp -r --parents ", "/usr/bin/python3 debian/unlink "))
    ]
    assert lines
    for *words, last in lines:
        assert last == target
        subprocess.run([*words, folder], cwd=CHECKOUT, check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each package's documents, which are only read."""
    folders = {package: tmp_path_factory.mktemp(package) for package in ("authority", "station")}
    for package, folder in folders.items():
        documents_of(package, folder)
    return folders


def test_document_that_the_program_names_is_on_the_machine(installed: dict[str, Path]) -> None:
    place = installed["authority"]
    for path in (CHECKOUT / "kiosk").rglob("*.py"):
        for name in re.findall(r"(?:docs|systemd)/[\w-]+\.md", path.read_text()):
            assert (place / name).is_file(), f"{path}: {name}"
        for name in re.findall(r"_page\('(\w+)'\)", path.read_text()):
            assert (place / "docs" / f"{name}.md").is_file(), f"{path}: {name}"
    for name in ("README.md", "systemd/README.md", "docs/alerts.yml", "docs/patroni/patroni.yml"):
        assert (place / name).is_file(), name
    for document in place.rglob("*.md"):
        for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", document.read_text()):
            assert (document.parent / name).is_file(), f"{document}: {name}"


@pytest.mark.parametrize("package", ["authority", "station"])
def test_link_of_an_installed_document_leads_somewhere(
    package: str, installed: dict[str, Path]
) -> None:
    place = installed[package]
    links = [
        (document, name)
        for document in place.rglob("*.md")
        for name in re.findall(r"\]\((?!https:|#)([^)#\s]+)", document.read_text())
    ]
    assert len(links) > 20
    astray = [
        (f"{document.relative_to(place)}", name)
        for document, name in links
        if not (document.parent / name).resolve().is_relative_to(place.resolve())
        or not (document.parent / name).exists()
    ]
    assert astray == []


def test_a_station_has_its_guide_and_what_that_leads_to(installed: dict[str, Path]) -> None:
    guide = installed["station"] / "docs" / "station-guide.md"
    for name in re.findall(r"\]\((?!https?:)([^)#\s]+)", guide.read_text()):
        assert (guide.parent / name).resolve().is_file(), name


def test_no_document_is_compressed_where_others_name_it() -> None:
    (line,) = re.findall(r"^\tdh_compress (.*)$", (DEBIAN / "rules").read_text(), re.MULTILINE)
    kept = [word.removeprefix("-X") for word in line.split()]
    named = [*CHECKOUT.glob("docs/**/*"), FILES / "README.md", CHECKOUT / "README.md"]
    for path in named:
        if path.is_file() and path.suffix != ".svg":
            assert any(each in f"{path}" for each in kept), path


def test_what_the_packages_are_made_of_is_found_without_git(tmp_path: Path) -> None:
    """As in an unpacked archive; what would build them notes only what it was given."""
    named = ["kiosk", "screens", "hardware", "systemd", "debian", "requirements", "docs"]
    tree, programs = tmp_path / "archive", tmp_path / "bin"
    for name in (*named, ".ci"):
        # What others compile there in this moment comes and goes.
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "SECURITY.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, tree)
    (tree / "kiosk" / "__pycache__").mkdir()
    (tree / "kiosk" / "__pycache__" / "main.pyc").touch()
    locks = b"".join((tree / "requirements" / f"{n}.lock").read_bytes() for n in SOURCES)
    (tree / "build" / f"sources-{sha256(locks).hexdigest()[:16]}").mkdir(parents=True)
    programs.mkdir()
    for name in (
        "bash",
        "cat",
        "cp",
        "cut",
        "dirname",
        "find",
        "mkdir",
        "rm",
        "sed",
        "sha256sum",
        "tail",
        "tee",
        "xargs",
    ):
        program = shutil.which(name)
        assert program is not None
        (programs / name).symlink_to(program)
    (programs / "dpkg-buildpackage").write_text(
        "#!/bin/bash\necho '[deb] step'; echo builds; exit 3\n"
    )
    (programs / "dpkg-buildpackage").chmod(0o700)

    built = subprocess.run(
        [tree / ".ci" / "build-deb", "1.2.3"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (1, "")
    assert built.stdout.splitlines()[-3:] == ["[deb] step", "[deb] step", "builds"]  # the log
    (made,) = (tree / "build" / "deb").glob("*/")
    given = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    expected = {path.relative_to(tree) for name in named for path in (tree / name).rglob("*.py")}
    documents = [*(tree / "docs").rglob("*"), tree / "README.md", tree / "SECURITY.md"]
    expected |= {path.relative_to(tree) for path in documents if path.is_file()}
    assert expected <= given
    assert [path for path in given if "__pycache__" in path.parts] == []
    assert (made / "debian" / "changelog").read_text().startswith("unlock-kiosk (1.2.3) ")
