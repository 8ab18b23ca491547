"""Modbus ASCII framing, both sides of the wire: a colon, hexadecimal digits, an LRC, CR and LF.

Source: Modbus over Serial Line V1.02 §2.5.2 (frame, LRC) and §6.2.1 (how the LRC is made).
"""

import string
from dataclasses import dataclass, field

from drivers.modbus.frames import MAX_PDU, Frame

LONGEST = 2 * (MAX_PDU + 2) + 3
"""Characters of the longest frame: colon, unit, PDU and LRC in two digits each, CR, LF."""
_DIGITS = frozenset(string.hexdigits.encode())


def lrc(raw: bytes) -> int:
    """The two's complement of the sum of the bytes, modulo 256."""
    return -sum(raw) & 0xFF


def wrap_ascii(unit: int, pdu: bytes) -> bytes:
    """Colon, unit, PDU, LRC, CR LF."""
    body = bytes((unit,)) + pdu
    return b":" + (body + bytes((lrc(body),))).hex().upper().encode() + b"\r\n"


def unwrap_ascii(frame: bytes) -> bytes | None:
    """Unit and PDU of a whole frame, colon to LF; None where it is none or its LRC does not hold."""
    digits = frame[1:-2]
    if not (frame.startswith(b":") and frame.endswith(b"\r\n")) or not _DIGITS.issuperset(digits):
        return None
    if len(digits) % 2 or not 6 <= len(digits) <= LONGEST - 3:
        return None
    raw = bytes.fromhex(digits.decode())
    return raw[:-1] if not sum(raw) & 0xFF else None


@dataclass(slots=True)
class AsciiFrames:
    """Either side's ear on an ASCII line: any chunking in, whole frames with a right LRC out.

    A colon begins a frame anew wherever it stands, as the standard says; the rest is skipped.
    """

    _rest: bytes = field(default=b"", repr=False)

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames completed by `chunk`, in order."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        frames: list[Frame] = []
        for line in lines:
            raw = unwrap_ascii(line[line.rfind(b":") :] + b"\n")
            if raw is not None:
                frames.append(Frame(raw[0], raw[1:]))
        colon = rest.rfind(b":")
        self._rest = rest[colon:] if colon >= 0 and len(rest) - colon < LONGEST else b""
        return frames
