"""Reads a QR code from a picture as a scanner does: by ZXing, which did not write it."""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_qr(png: bytes) -> str:
    """Return the text of the one QR code in a PNG."""
    # Late: what a module of tests still holds at the end, its binding reports as a leak.
    from zxingcpp import BarcodeFormat, read_barcodes

    [found] = read_barcodes(_pixels(png))
    assert found.format == BarcodeFormat.QRCode
    return str(found.text)


def _pixels(png: bytes) -> memoryview:
    """Return the rows of a PNG in black and white as one byte a pixel (ISO/IEC 15948)."""
    parts = _parts(png)
    width, height, *kind = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert kind == [1, 0, 0, 0, 0], "one bit of grey, not interlaced"
    rows, length = zlib.decompress(parts[b"IDAT"]), 1 + -(-width // 8)
    assert len(rows) == height * length
    grey, above = bytearray(), bytes(length - 1)
    for at in range(0, len(rows), length):
        row = rows[at + 1 : at + length]
        assert rows[at] in (0, 2), "no filter, or the difference to the row above"
        if rows[at]:
            row = bytes((one + other) % 256 for one, other in zip(row, above, strict=True))
        bits = "".join(f"{byte:08b}" for byte in row)
        grey += bytes(255 * int(bit) for bit in bits[:width])
        above = row
    return memoryview(grey).cast("B", (height, width))


def _parts(png: bytes) -> dict[bytes, bytes]:
    """Return the chunks of a PNG, each of which is there once."""
    assert png.startswith(_SIGNATURE)
    at, parts = len(_SIGNATURE), dict[bytes, bytes]()
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (
            zlib.crc32(name + data),
        )
        assert name not in parts
        parts[name] = data
        at += 12 + length
    return parts
