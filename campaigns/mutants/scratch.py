"""A copy of the checkout with a virtual environment of its own, in which one file is changed."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campaigns.mutants.catalogue import Mutant

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis"
)


class Scratch:
    """A copy of a checkout: its Python finds the copy's packages first, as do its programs."""

    def __init__(self, root: Path, place: Path) -> None:
        """Copy the checkout ``root`` to ``place``."""
        self.place = place
        shutil.copytree(root, place, ignore=_LEFT_OUT, symlinks=True)
        self.python = self._make_environment(place / ".venv")

    def _make_environment(self, folder: Path) -> Path:
        """Make it of this one's packages, without the checkout that is installed in this one."""
        theirs = Path(sys.prefix)
        packages = Path(sysconfig.get_path("purelib"))
        ours = folder / packages.relative_to(theirs)
        ours.mkdir(parents=True)
        (ours / "scratch.pth").write_text(f"{self.place}\n{packages}\n")
        shutil.copy(theirs / "pyvenv.cfg", folder)
        (folder / "bin").mkdir()
        for link in (theirs / "bin").glob("python*"):
            (folder / "bin" / link.name).symlink_to(link.readlink())
        program = folder / "bin" / "kiosk"
        program.write_text((theirs / "bin" / "kiosk").read_text().replace(str(theirs), str(folder)))
        program.chmod(0o755)
        return folder / "bin" / "python"

    @contextmanager
    def without(self, mutant: Mutant | None) -> Iterator[None]:
        """Change the files of ``mutant``, and put them back afterwards."""
        texts = {} if mutant is None else mutant.texts(self.place)
        before = {file: (self.place / file).read_bytes() for file in texts}
        try:
            for file, text in texts.items():
                self._write(self.place / file, text.encode())
            yield
        finally:
            for file, was in before.items():
                self._write(self.place / file, was)

    def _write(self, file: Path, text: bytes) -> None:
        """Write it, and forget what was compiled of it: its time may be the same second."""
        file.write_bytes(text)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()
