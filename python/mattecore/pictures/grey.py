"""The grey of sRGB as an ICC profile; Pillow makes that of its colours alone."""

import struct


def srgb_grey() -> bytes:
    """Returns a profile of ICC 4.2: the white of print, and sRGB's curve as the standard's parametric one."""
    white = struct.pack(">3i", *_fixed(0.9642, 1.0, 0.8249))
    curve = struct.pack(">4s4xH2x5i", b"para", 3, *_fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    body = struct.pack(">4s4x", b"XYZ ") + white + curve
    start = 128 + 4 + 2 * 12
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", start, 20, b"kTRC", start + 20, len(curve))
    kind = struct.pack(">4s4s4s12x4s28x", b"mntr", b"GRAY", b"XYZ ", b"acsp")
    head = struct.pack(">I4xI", start + len(body), 0x04200000) + kind + white + bytes(48)
    return head + tags + body


def _fixed(*values: float) -> list[int]:
    return [round(value * 65536) for value in values]
