r"""One AIS sentence: `!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24`, read and written.

Source: IEC 61162-1 (VDM and VDO, annex C), the tag block in front of it NMEA 0183 4.10,
`\s:station,c:1120959341,g:1-2-1234*hh\`. Any talker is taken: AI, AB, BS and the rest, as recorded.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from telemetry.times import NANOSECONDS
from vessels.rejects import Reason, Reject
from vessels.sixbit import ARMOUR

MAX_LINE = 512
"""Characters of the longest line that is looked at, tag block and the receiver's notes included."""
MAX_PAYLOAD = 60
"""Characters of payload that keep a sentence within the 82 characters of the standard."""

_LEADING = re.compile(r"!([0-9A-Z-]{2})VD([MO]),([1-9]),([1-9]),([0-9]?),([0-9A-Z]?)")
_START = re.compile(r"!..VD[MO],")
_LOOSE = re.compile(r"(!..VD[MO](?:,[^,*]*){4}),([^,*]*),([0-5],)?([^,*]*\*[0-9A-Fa-f]{2})(?:,.*)?")
_BROKEN_CHECKSUM = re.compile(r"[^*]*\*(?![0-9A-Fa-f]{2}).*")
_GROUP = re.compile(r"([1-9]\d?)-([1-9]\d?)-(\d{1,9})")
_HEX = "0123456789abcdefABCDEF"
_CLOSINGS = {
    f"{fill}*{high}{low}": (fill, int(high + low, 16) ^ ord(str(fill)))
    for fill in range(6)
    for high in _HEX
    for low in _HEX
}
"""How a sentence ends → fill bits, and what all before the fill bits must XOR to."""


class Group(NamedTuple):
    """Lines that belong together: this is line `number` of `total` of the group `id`."""

    number: int
    total: int
    id: int


class TagBlock(NamedTuple):
    """What a receiver put in front of its sentence.

    station: who heard it. time: UTC nanoseconds, the receiver's claim. intact: False when the block's
    checksum or a part of it is wrong; what could not be trusted is None then.
    """

    station: str | None = None
    time: int | None = None
    group: Group | None = None
    intact: bool = True


class Sentence(NamedTuple):
    """Part `number` of `total` of one message.

    sequence ties the parts together, 0–9. channel: A, B, another sign or empty. own_ship: VDO, what
    the receiver itself sends. payload: six-bit characters. fill_bits: how many bits to drop at its end.
    """

    total: int
    number: int
    sequence: int | None
    channel: str
    talker: str
    own_ship: bool
    payload: bytes
    fill_bits: int
    tag_block: TagBlock | None = None


class _Leading(NamedTuple):
    fields: tuple[int, int, int | None, str, str, bool]
    checksum: int


def checksum(raw: bytes) -> int:
    """XOR of all bytes, at most 512 of them, folded in halves as one integer."""
    bits = int.from_bytes(raw, "big")
    if len(raw) > 32:
        bits ^= bits >> 2048
        bits ^= bits >> 1024
        bits ^= bits >> 512
        bits ^= bits >> 256
    bits ^= bits >> 128
    bits ^= bits >> 64
    bits ^= bits >> 32
    bits ^= bits >> 16
    return (bits ^ bits >> 8) & 0xFF


def parse(line: str) -> Sentence | Reject:
    """The sentence of a line, checked in every field, or why there is none. Never raises.

    White space around the line and notes behind the checksum (`…*28,s23275,1325394060`, as the U.S.
    Coast Guard's receivers add) are ignored.
    """
    if len(line) > MAX_LINE:
        return Reject(Reason.TOO_LONG)
    text, tag_block = line.strip(), None
    if text.startswith("\\"):
        block, end, text = text[1:].partition("\\")
        if not end:
            return Reject(Reason.MALFORMED)
        tag_block = _tag_block(block)
    fields = text.rsplit(",", 2)
    if len(fields) == 3:
        leading, closing = _leading(fields[0]), _CLOSINGS.get(fields[2])
        if leading is not None and closing is not None:
            return _checked(leading, fields[1], closing, tag_block)
    return _irregular(text, tag_block)


def _checked(
    leading: _Leading, text: str, closing: tuple[int, int], tag_block: TagBlock | None
) -> Sentence | Reject:
    """The sentence, if its checksum is right and its payload is one. The two commas cancel out."""
    if not text.isascii():
        return Reject(Reason.BAD_PAYLOAD)
    payload = text.encode()
    fill_bits, expected = closing
    if checksum(payload) ^ leading.checksum != expected:
        return Reject(Reason.BAD_CHECKSUM)
    if payload.translate(None, ARMOUR) or (not payload and leading.fields[1] == 1):
        return Reject(Reason.BAD_PAYLOAD)
    return Sentence(*leading.fields, payload, fill_bits, tag_block)


@lru_cache(maxsize=1024)
def _leading(text: str) -> _Leading | None:
    """The fields before the payload; a receiver has a few dozen beginnings, so they are remembered."""
    match = _LEADING.fullmatch(text)
    if match is None or int(match[4]) > int(match[3]):
        return None
    sequence = int(match[5]) if match[5] else None
    fields = (int(match[3]), int(match[4]), sequence, match[6], match[1], match[2] == "O")
    return _Leading(fields, checksum(text[1:].encode()))


def _irregular(text: str, tag_block: TagBlock | None) -> Sentence | Reject:
    """What is no sentence at first sight: one in a known variation, or the reason.

    The variations: notes behind the checksum, and transponders that write the fill bits twice.
    """
    starts = len(_START.findall(text))
    if not starts:
        return Reject(Reason.NOT_AIS if text[3:5] != "VD" else Reason.MALFORMED)
    match = _LOOSE.fullmatch(text)
    if starts > 1 or "\\" in text or "$" in text or not text.startswith("!"):
        return Reject(Reason.GLUED)
    if match is None:
        return Reject(Reason.BAD_CHECKSUM if _BROKEN_CHECKSUM.fullmatch(text) else Reason.MALFORMED)
    leading, closing = _leading(match[1]), _CLOSINGS.get(match[4])
    if leading is None or closing is None:
        return Reject(Reason.BAD_FIELD)
    surplus = checksum((match[3] or "").encode())
    return _checked(leading._replace(checksum=leading.checksum ^ surplus), match[2], closing, tag_block)


@lru_cache(maxsize=1024)
def _tag_block(text: str) -> TagBlock:
    """The block between the backslashes; a station's next line often has the same."""
    body, _, given = text.rpartition("*")
    if not (len(given) == 2 and text.isascii() and f"0*{given}" in _CLOSINGS):
        return TagBlock(intact=False)
    if checksum(body.encode()) != int(given, 16):
        return TagBlock(intact=False)
    parts = dict(part.split(":", 1) for part in body.split(",") if ":" in part)
    group = _GROUP.fullmatch(parts.get("g", ""))
    return TagBlock(
        station=parts.get("s") or None,
        time=_time(parts.get("c", "")),
        group=Group(int(group[1]), int(group[2]), int(group[3])) if group else None,
        intact=group is not None or "g" not in parts,
    )


def _time(text: str) -> int | None:
    """Nanoseconds of a `c:` part, which is seconds or, with more than eleven digits, milliseconds."""
    if not (text.isascii() and text.isdigit() and len(text) <= 14):
        return None
    return int(text) * (1_000_000 if len(text) > 11 else NANOSECONDS)


def format_sentences(
    payload: str, fill_bits: int, *, talker: str, channel: str, sequence: int, own_ship: bool
) -> list[str]:
    """The sentences that carry a payload, each within 82 characters, without their line ends.

    talker: two characters. channel: A or B. sequence: 0–9, used when there are several parts.
    """
    parts = [payload[start : start + MAX_PAYLOAD] for start in range(0, len(payload), MAX_PAYLOAD)]
    total = len(parts)
    tie = str(sequence % 10) if total > 1 else ""
    formatter = "VDO" if own_ship else "VDM"
    lines: list[str] = []
    for number, part in enumerate(parts, start=1):
        fill = fill_bits if number == total else 0
        body = f"{talker}{formatter},{total},{number},{tie},{channel},{part},{fill}"
        lines.append(f"!{body}*{checksum(body.encode()):02X}")
    return lines
