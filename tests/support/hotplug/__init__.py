"""A private pcscd whose reader can be pulled out of the machine and put back.

pcscd learns of readers from udev; here udev is one of ours with a single USB device in
it. pcscd, its hotplug code and the virtual reader's driver are the real ones. It also
looks at its cards every 20 ms instead of every 400. Its reader can have keys for PINs, at
``pad_path`` (see ``tests.support.pad``). Needs a C compiler and the headers of
libpcsclite-dev, as pyscard does.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hardware.virtual.pcscd import DRIVER, PrivatePcscd

HERE = Path(__file__).parent

_BUNDLE = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleName</key><string>VIRTUAL</string>
<key>CFBundleExecutable</key><string>libreader.so</string>
<key>ifdCapabilities</key><string>0x00000000</string>
<key>ifdVendorID</key><array><string>0x1209</string></array>
<key>ifdProductID</key><array><string>0x1209</string></array>
<key>ifdFriendlyName</key><array><string>{name}</string></array>
</dict></plist>
"""


class HotplugPcscd(PrivatePcscd):
    """A ``PrivatePcscd`` with ``unplug`` and ``replug``; the reader is in at the start."""

    def unplug(self) -> None:
        """Pull the reader out of the machine, with the cards that are in it."""
        self._event(b"r")

    def replug(self) -> None:
        """Put the reader back; cards that are still inserted come back with it.

        Does nothing when the reader is in.
        """
        self._event(b"a")

    @property
    def pad_path(self) -> Path:
        """Where the reader's keys are, while somebody listens there."""
        return self.directory / "pad.comm"

    @property
    def _pipe(self) -> Path:
        return self.directory / "hotplug"

    @property
    def _preload(self) -> Path:
        return self.directory / "preload.so"

    def _event(self, event: bytes) -> None:
        pipe = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, event)
        finally:
            os.close(pipe)

    def _write_configuration(self) -> None:
        # No reader in reader.conf.d: this one comes by way of the bundle for its USB ids.
        self._configuration.mkdir(parents=True, exist_ok=True)
        self._pipe.unlink(missing_ok=True)
        os.mkfifo(self._pipe)
        contents = self.directory / "drivers" / "virtual.bundle" / "Contents"
        if contents.exists():
            return
        (contents / "Linux").mkdir(parents=True)
        (contents / "Info.plist").write_text(_BUNDLE.format(name=self._friendly_name))
        self._compile(contents / "Linux" / "libreader.so")

    def _compile(self, driver: Path) -> None:
        # The driver's own name (soname) has no file where the package puts it.
        (self.directory / "libifdvpcd.so.0").symlink_to(DRIVER)
        common = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
        linked = ["-Wl,--no-as-needed", str(DRIVER), f"-Wl,-rpath,{self.directory}"]
        sources = [str(HERE / "reader.c"), str(HERE / "pad.c")]
        reader = [*sources, "-I/usr/include/PCSC", "-o", str(driver), *linked]
        subprocess.run([*common, *reader], check=True)
        preload = [str(HERE / "udev.c"), str(HERE / "impatience.c"), "-o", str(self._preload)]
        subprocess.run([*common, *preload], check=True)

    def _service_environment(self) -> dict[str, str]:
        return {
            **super()._service_environment(),
            "PCSCLITE_HP_DROPDIR": str(self.directory / "drivers"),
            "LD_PRELOAD": str(self._preload),
            "HOTPLUG_PIPE": str(self._pipe),
            "HOTPLUG_DEVICE": f"/dev/null:{self.port}",
            "PAD_SOCKET": str(self.pad_path),
        }
