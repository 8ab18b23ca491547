r"""One AIS sentence: `!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24`, read and written.

Source: IEC 61162-1 (VDM and VDO, annex C), the tag block in front of it NMEA 0183 4.10,
`\s:station,c:1120959341,g:1-2-1234*hh\`. Any talker is taken: AI, AB, BS and the rest, as recorded.
"""

import re
from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import compress
from operator import eq, xor
from typing import NamedTuple

from telemetry.times import NANOSECONDS
from vessels.rejects import Reason, Reject

MAX_LINE = 512
"""Characters of the longest line that is looked at, tag block and the receiver's notes included."""
MAX_PAYLOAD = 60
"""Characters of payload that keep a sentence within the 82 characters of the standard."""
PLAIN = 28
"""Characters of the commonest payloads by far, the 168 bits of types 1 to 4, 9, 11 and 18."""

_HEADING = re.compile(r"!([0-9A-Z-]{2})VD([MO]),([1-9]),([1-9]),([0-9]?),([0-9A-Z]?)")
_START = re.compile(r"!..VD[MO],")
_LOOSE = re.compile(
    r"(!..VD[MO](?:,[^,*]*){4}),([^,*]*),([0-5],)?([^,*]*\*[0-9A-Fa-f]{2})(?:[^0-9A-Fa-f].*)?"
)
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
_LAST_FOLDS = bytes((pair >> 8) ^ (pair & 0xFF) for pair in range(1 << 16))


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


class Heading(NamedTuple):
    """What stands before the payload: this is part `number` of `total` of one message.

    sequence ties the parts together, 0–9. channel: A, B, another sign or empty. talker: two
    characters. own_ship: VDO, what the receiver itself sends. checksum: of these characters.
    """

    total: int
    number: int
    sequence: int | None
    channel: str
    talker: str
    own_ship: bool
    checksum: int


class Sentence(NamedTuple):
    """One AIS sentence.

    payload: its characters, not yet looked at, none at all in a later part. fill_bits: how many bits
    to drop at the payload's end, 0–5.
    """

    heading: Heading
    payload: bytes
    fill_bits: int
    tag_block: TagBlock | None = None


_MOST_HEADINGS = 4096
_headings: dict[str, Heading] = {}


def checksum(raw: bytes) -> int:
    """XOR of all bytes, at most 512 of them, folded in halves as one integer."""
    bits = int.from_bytes(raw)
    if len(raw) > 64:
        bits ^= bits >> 2048
        bits ^= bits >> 1024
        bits ^= bits >> 512
    bits ^= bits >> 256
    bits ^= bits >> 128
    bits ^= bits >> 64
    bits ^= bits >> 32
    return _LAST_FOLDS[(bits ^ bits >> 16) & 0xFFFF]


def parse(line: str) -> Sentence | Reject:
    """The sentence of a line, checked in every field, or why there is none. Never raises.

    White space around the line and what is behind the checksum (`…*28,s23275,1325394060`, as the U.S.
    Coast Guard's receivers add) are ignored, unless it is another sentence.
    """
    try:
        start, text, end = line.rsplit(",", 2)
        heading, (fill_bits, expected) = _headings[start], _CLOSINGS[end]
        payload = text.encode("ascii")
    except (ValueError, KeyError):
        return _irregular(line.strip()) if len(line) <= MAX_LINE else Reject(Reason.TOO_LONG)
    if len(payload) > 32:
        return _checked(heading, payload, fill_bits, expected)
    bits = int.from_bytes(payload)
    bits ^= bits >> 128
    bits ^= bits >> 64
    bits ^= bits >> 32
    if _LAST_FOLDS[(bits ^ bits >> 16) & 0xFFFF] ^ heading.checksum != expected:
        return Reject(Reason.BAD_CHECKSUM)
    return tuple.__new__(Sentence, (heading, payload, fill_bits, None))


def _checked(heading: Heading, payload: bytes, fill_bits: int, expected: int) -> Sentence | Reject:
    """The sentence, if its checksum is right; the commas around the payload cancel out in it."""
    if len(payload) > MAX_LINE:
        return Reject(Reason.TOO_LONG)
    if checksum(payload) ^ heading.checksum != expected:
        return Reject(Reason.BAD_CHECKSUM)
    return Sentence(heading, payload, fill_bits)


def _heading(text: str) -> Heading | None:
    """The heading of a sentence. Those of a feed are a few dozen, so they are remembered."""
    match = _HEADING.fullmatch(text)
    if match is None or int(match[4]) > int(match[3]):
        return None
    sequence = int(match[5]) if match[5] else None
    total, number, own_ship = int(match[3]), int(match[4]), match[2] == "O"
    heading = Heading(total, number, sequence, match[6], match[1], own_ship, checksum(text[1:].encode()))
    if len(_headings) < _MOST_HEADINGS:
        _headings[text] = heading
    return heading


def _irregular(text: str) -> Sentence | Reject:
    """What is no sentence at first sight: one in a known variation, or the reason.

    The variations: a tag block, white space, whatever behind the checksum, and transponders that write
    the fill bits twice.
    """
    if text.startswith("\\"):
        return _tagged(text)
    starts = len(_START.findall(text))
    if not starts or text.startswith("#"):
        return Reject(Reason.NOT_AIS if text[3:5] != "VD" else Reason.MALFORMED)
    if starts > 1 or "$" in text or not text.startswith("!"):
        return Reject(Reason.GLUED)
    match = _LOOSE.fullmatch(text)
    if match is None:
        return Reject(Reason.BAD_CHECKSUM if _BROKEN_CHECKSUM.fullmatch(text) else Reason.MALFORMED)
    heading, closing = _heading(match[1]), _CLOSINGS.get(match[4])
    if heading is None or closing is None:
        return Reject(Reason.BAD_FIELD)
    expected = closing[1] ^ checksum((match[3] or "").encode())
    return _checked(heading, match[2].encode("utf-8", "replace"), closing[0], expected)


def _tagged(text: str) -> Sentence | Reject:
    """The sentence behind a tag block, and behind nothing else."""
    block, end, rest = text[1:].partition("\\")
    if not end:
        return Reject(Reason.MALFORMED)
    sentence = parse(rest) if not rest.startswith("\\") else Reject(Reason.MALFORMED)
    return sentence if isinstance(sentence, Reject) else sentence._replace(tag_block=_tag_block(block))


class Plain(NamedTuple):
    """Lines that are a whole message of PLAIN characters without fill bits, and sound.

    places: which of the lines. payloads: theirs, one behind the other.
    """

    places: list[int]
    payloads: bytes


def sift(lines: Sequence[str]) -> Plain:
    """The plain ones among many lines, their checksums reckoned together.

    Whatever is not regular, or not sound, is left out: `parse` knows what it is.
    """
    places: list[int] = []
    texts: list[str] = []
    differences = bytearray()
    for place, line in enumerate(lines):
        try:
            start, text, end = line.rsplit(",", 2)
            heading, (fill_bits, expected) = _headings[start], _CLOSINGS[end]
        except (ValueError, KeyError):
            continue
        if len(text) == PLAIN and not fill_bits and heading.total == 1 and text.isascii():
            places.append(place)
            texts.append(text)
            differences.append(expected ^ heading.checksum)
    payloads = "".join(texts).encode()
    sums = checksums(payloads, PLAIN)
    if sums != bytes(differences):
        sound = list(map(eq, sums, differences))
        places, payloads = list(compress(places, sound)), "".join(compress(texts, sound)).encode()
    return Plain(places, payloads)


def checksums(rows: bytes, length: int) -> bytes:
    """The XOR of the bytes of each row, all rows being of this length: column upon column of integers."""
    columns = (int.from_bytes(rows[column::length]) for column in range(length))
    return reduce(xor, columns).to_bytes(len(rows) // length)


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
