"""Guesses what speaks on a wire from the bytes it said. No I/O.

A guess rests on checksums wherever its protocol has any, so that a wrong baud rate is not taken for a
device: eight random bits pass for one in 256.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drivers.modbus.frames import crc_holds, reply_length
from drivers.nmea.sentences import Frame, Sentence, frames, take_apart

ENOUGH = 3
"""Whole frames after which there is no doubt left."""
_SHORTEST_TEXT = 4
_LONGEST_FRAME = 260  # bytes of Modbus RTU with its CRC, and some
_VISCA = re.compile(rb"[\x88\x90\xa0\xb0\xc0\xd0\xe0\xf0][\x01-\xfe]{1,14}\xff")
_PELCO = re.compile(rb"\xff[\x00-\xff]{6}")
_DISTANCES = re.compile(rb"(?:\xff[\x00-\xff]{3}){2,}")
_NUMBER = re.compile(rb"[-+]?\d+\.?\d*")
_LINE_ENDS = re.compile(rb"[\r\n]+")
MAKERS = {
    b"\x42\x4d": ("Plantower particle sensor", "plantower-pms5003"),
    b"\xaa\xc0": ("Nova SDS011 particle sensor", "nova-sds011"),
    b"\x59\x59": ("Benewake lidar", "benewake-tf-luna"),
}
"""Frame heads of well-known sensors that talk unasked."""
SENTENCES = {
    "nmea-weather": {"MWV", "MWD", "MDA", "XDR", "VWR", "VWT"},
    "nmea-gnss": {"GGA", "RMC", "GLL", "GNS", "GSA", "GSV"},
    "nmea-depth": {"DBT", "DPT", "DBK", "DBS"},
    "nmea-heading": {"HDG", "HDT", "HDM", "THS", "ROT"},
    "nmea-clock": {"ZDA"},
}
"""Profile → the sentences that speak for it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a wire seems to carry.

    frames: whole ones that were recognised. profiles: device models that could read it, likeliest
    first. evidence: what was seen, in a sentence.
    """

    protocol: str
    frames: int
    profiles: tuple[str, ...]
    evidence: str

    @property
    def certain(self) -> bool:
        """Whether chance can be left out."""
        return self.frames >= ENOUGH


def guess(heard: bytes) -> Guess | None:
    """The likeliest reading of these bytes; None where they say nothing that is known."""
    found = [one for look in _LOOKS if (one := look(heard)) is not None]
    return max(found, key=lambda one: one.frames, default=None)


def describe(heard: bytes) -> str:
    """What can be said of bytes nobody recognises."""
    if not heard:
        return "silence"
    printable = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in heard) / len(heard)
    kind = "text" if printable > 0.9 else "no text and no known frames; perhaps another baud rate or parity"
    return f"{len(heard)} bytes, {kind}: {heard[:24].hex(' ')}"


def _ais(heard: bytes) -> Guess | None:
    messages = [found for found in _sentences(heard) if found.formatter in ("VDM", "VDO")]
    if not messages:
        return None
    return Guess("AIS", len(messages), ("ais-receiver",), f"{len(messages)} AIS sentences")


def _nmea(heard: bytes) -> Guess | None:
    names = Counter(found.formatter for found in _sentences(heard) if found.formatter not in ("VDM", "VDO"))
    if not names:
        return None
    scores = {profile: sum(names[name] for name in known) for profile, known in SENTENCES.items()}
    fitting = tuple(sorted((one for one in scores if scores[one]), key=lambda one: -scores[one]))
    counted = ", ".join(f"{name}×{count}" for name, count in names.most_common(6))
    return Guess("NMEA 0183", names.total(), fitting, f"sentences {counted}")


def _sentences(heard: bytes) -> Sequence[Sentence]:
    found = [frame for line in _LINE_ENDS.split(heard) for frame in frames(line)]
    parts = [take_apart(frame) for frame in found if isinstance(frame, Frame)]
    return [part for part in parts if isinstance(part, Sentence)]


def _modbus(heard: bytes) -> Guess | None:
    """Replies of a bus that somebody else polls, or a device that answers."""
    units: Counter[int] = Counter()
    start = 0
    while start + 5 <= len(heard):
        length = _modbus_frame(heard[start : start + _LONGEST_FRAME])
        if length:
            units[heard[start]] += 1
        start += length or 1
    if not units:
        return None
    named = ", ".join(str(unit) for unit in sorted(units)[:8])
    evidence = f"{units.total()} frames of units {named}: somebody polls this bus already"
    return Guess("Modbus RTU", units.total(), (), evidence)


def _modbus_frame(start: bytes) -> int:
    """Bytes of the request or reply that starts here, 0 where none does."""
    if not 1 <= start[0] <= 247:
        return 0
    for length in (8, reply_length(start)):
        if length and len(start) >= length and start[1] & 0x7F <= 23 and crc_holds(start[:length]):
            return length
    return 0


def _visca(heard: bytes) -> Guess | None:
    count = len(_VISCA.findall(heard))
    return Guess("VISCA", count, ("visca-camera",), f"{count} frames that end in FF") if count > 1 else None


def _pelco(heard: bytes) -> Guess | None:
    found = [frame for frame in _PELCO.findall(heard) if sum(frame[1:6]) % 256 == frame[6]]
    if not found:
        return None
    addresses = ", ".join(str(address) for address in sorted({frame[1] for frame in found})[:8])
    return Guess("Pelco-D", len(found), ("pelco-d",), f"{len(found)} frames for address {addresses}")


def _maker(heard: bytes) -> Guess | None:
    """Sensors that send frames of one length at a steady pace."""
    best: Guess | None = None
    for head, (name, profile) in MAKERS.items():
        starts = [match.start() for match in re.finditer(re.escape(head), heard)]
        steps = Counter(after - before for before, after in pairwise(starts))
        step, count = steps.most_common(1)[0] if steps else (0, 0)
        if count and step > len(head) + 2 and (best is None or count + 1 > best.frames):
            evidence = f"{count + 1} frames of {step} bytes that begin with {head.hex(' ').upper()}"
            best = Guess(name, count + 1, (profile,), evidence)
    return best


def _distance(heard: bytes) -> Guess | None:
    """FF, a distance of two bytes and a sum, one after the other, as ultrasonic level sensors send them."""
    count = 0
    for run in _DISTANCES.findall(heard):
        fours = [run[start : start + 4] for start in range(0, len(run), 4)]
        good = sum(sum(four[:3]) % 256 == four[3] for four in fours)
        count += good if good * 2 > len(fours) else 0
    if count < 2:
        return None
    return Guess("ultrasonic level sensor", count, ("dfrobot-a02yyuw",), f"{count} frames FF, distance, sum")


def _text(heard: bytes) -> Guess | None:
    """Lines of text with numbers in them: an instrument without a protocol of its own."""
    *lines, _ = _LINE_ENDS.split(heard)
    lines = [line for line in lines if len(line) >= _SHORTEST_TEXT and line[:1] not in b"$!"]
    good = [line for line in lines if line.isascii() and line.decode().isprintable() and _NUMBER.search(line)]
    if not good or len(good) * 2 < len(lines):
        return None
    shown = good[-1][:60].decode()
    return Guess("text lines", len(good), (), f"lines such as {shown!r}: see docs/add-a-device-model.md")


_LOOKS: Sequence[Callable[[bytes], Guess | None]] = (
    _ais,
    _nmea,
    _modbus,
    _maker,
    _distance,
    _pelco,
    _visca,
    _text,
)
