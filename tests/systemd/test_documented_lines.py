"""The lines of systemd/README.md, run one after the other in a fresh root."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.fresh_root import (
    CHECKOUT,
    CREDENTIAL_SERVICE,
    commands,
    run_in_fresh_root,
    shell_blocks,
)
from tests.support.sshd import make_key, privilege_separation_folder

GUIDE = CHECKOUT / "systemd" / "README.md"
PEOPLE = "holder_number,name,email,card_id,unblock_secret\n900000000001,Jo Smith,jo@nhs.net,,\n"
NOT_HERE = ("kiosk doctor", " enrol ", " --enrol ")
"""Lines that miss something here: a reader and a relay, or an authority in the network."""
AFTERWARDS = """\
sshd -T -C user=ra,host=h,addr=127.0.0.1 | grep -i forcecommand
runuser -u ra -- kiosk staff list
stat -c '%A %U %n' /etc/kiosk /var/lib/kiosk
"""

AS_KIOSK = "runuser -u kiosk -- kiosk"
CLOSED_HOME = [
    "install -d -m 0700 /home/closed; cp /lines/people.csv /lines/asha.pub /home/closed",
    f"{AS_KIOSK} import /home/closed/people.csv 2>&1 || true",
    f"{AS_KIOSK} staff add A --role agent --key /home/closed/asha.pub --reason 'new' 2>&1 || :",
]


def documented() -> list[str]:
    """Return the guide's lines."""
    lines = [line for block in shell_blocks(GUIDE) for line in commands(block)]
    misses = [any(part in line for part in NOT_HERE) for line in lines]
    return [f"{line} || true" if it else line for line, it in zip(lines, misses, strict=True)]


SOMEBODY_ELSE = [
    "doctor",
    "keys list",
    "keys rotate",
    "import people.csv",
    "setup authority",
    "people search jo",
    "proposals list",
    "cards unknown",
    "staff list",
    "audit list",
    "audit verify",
    "audit anchor --out /root/anchors",
    "caretaker",
    "report",
    "run </dev/null",
    "setup authority --config /etc/kiosk/deeper/kiosk.toml",
    "setup authority --config /root/kiosk.toml",
]


def test_command_run_as_another_user_is_refused_in_one_line(tmp_path: Path) -> None:
    """Each was a traceback; `doctor` shows its one finding on standard output."""
    as_nobody = "runuser -u nobody -- kiosk"
    installed, *_ = shell_blocks(GUIDE)
    trials = [f"echo; echo trial; {as_nobody} {words} 2>&1 || true" for words in SOMEBODY_ELSE]
    copied = f"cd {CHECKOUT}"
    done = run_in_fresh_root(tmp_path, [copied, *commands(installed), *trials], forks=True)
    assert done.returncode == 0, done.stdout[-3000:]
    _, *said = done.stdout.split("\ntrial\n")
    for words, text in zip(SOMEBODY_ELSE, said, strict=True):
        answer = [line for line in text.splitlines() if line and not line.startswith("$ echo")]
        assert len(answer) == 1, (words, text)
        assert "Permission denied" in answer[0] or words.startswith("run"), (words, text)


def test_every_line_works_on_a_fresh_machine(tmp_path: Path) -> None:
    key = make_key(tmp_path / "asha").with_suffix(".pub").read_text()
    lines = ['cp /lines/people.csv /lines/asha.pub /root; cd /root; ln -s "$OLDPWD/systemd"']
    lines += ["mkdir -p /sys/kernel/mm/ksm; echo 0 >/sys/kernel/mm/ksm/run"]
    done = run_in_fresh_root(
        tmp_path,
        [CREDENTIAL_SERVICE, *lines, *documented(), *AFTERWARDS.splitlines(), *CLOSED_HOME],
        {"people.csv": PEOPLE, "asha.pub": key},
        forks=True,
    )
    said = done.stdout
    assert done.returncode == 0, said[-3000:]
    assert "exec /usr/lib/unlock-kiosk-authority/bin/python -I -m kiosk admin" in said
    assert "Asha Okafor  manager" in said
    assert "people added             1" in said
    assert "/home/closed/people.csv: kiosk may not read it; put it where it can" in said
    assert "key file /home/closed/asha.pub: kiosk may not read it; let your shell open it" in said
    for part in ("settings", "database", "questions", "keys"):
        assert f"✓ ok    {part}" in said
    assert "drwx------ kiosk /var/lib/kiosk" in said


def test_sshd_takes_the_line_for_colleagues_behind_one_address(tmp_path: Path) -> None:
    """Four wrong log-ins of one of them kept all of them out."""
    [line] = [
        line for line in GUIDE.read_text().splitlines() if line.startswith("PerSourcePenaltyExempt")
    ]
    privilege_separation_folder()
    key = make_key(tmp_path / "host")
    (tmp_path / "sshd_config").write_text(f"HostKey {key}\n{line}\n")
    asked = ["/usr/sbin/sshd", "-T", "-f", str(tmp_path / "sshd_config")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = dict(each.partition(" ")[::2] for each in done.stdout.splitlines())
    assert "authfail" in shown["persourcepenalties"]
    assert shown["persourcepenaltyexemptlist"] == line.partition(" ")[2]
