"""Pelco-D and Pelco-P frames and what they say, for both sides of the wire.

Pelco-D: FF, address, two command bytes, two data bytes, their sum modulo 256. Pelco-P: A0, address
less one, four bytes, AF, exclusive or of all. The motion bits of the first command byte differ, the
second byte and all extended commands are the same. Sources: Pelco "D" Protocol Manual TF-0002 and the
Pelco-D and Pelco-P command lists that camera makers print.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import reduce
from operator import xor
from typing import Literal

Dialect = Literal["d", "p"]
SLOWEST, FASTEST, TURBO = 0x01, 0x3F, 0xFF
"""Speeds as Pelco counts them; turbo is for panning only."""
_RIGHT, _LEFT, _UP, _DOWN, _TELE, _WIDE, _FAR = 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80


@dataclass(frozen=True, slots=True)
class Drive:
    """What is to move from now on; whatever is 0 stops.

    pan: 1 right, -1 left. tilt: 1 up, -1 down. zoom: 1 tele, -1 wide. focus: 1 far, -1 near. iris: 1 open,
    -1 close. Speeds are 0 to 0x3F, and 0xFF turbo.
    """

    pan: int = 0
    tilt: int = 0
    pan_speed: int = 0
    tilt_speed: int = 0
    zoom: int = 0
    focus: int = 0
    iris: int = 0


class PresetAct(IntEnum):
    """What is done with a preset: its opcode."""

    STORE = 0x03
    CLEAR = 0x05
    RECALL = 0x07


@dataclass(frozen=True, slots=True)
class PresetCommand:
    """Does something with the preset of this number, 0 to 255."""

    act: PresetAct
    number: int


@dataclass(frozen=True, slots=True)
class Aux:
    """Switches an auxiliary output."""

    number: int
    on: bool


@dataclass(frozen=True, slots=True)
class Power:
    """The camera on or off; Pelco-D only."""

    on: bool


class What(Enum):
    """What has a position: the opcodes that set it, ask for it, and answer."""

    PAN = (0x4B, 0x51, 0x59)
    TILT = (0x4D, 0x53, 0x5B)
    ZOOM = (0x4F, 0x55, 0x5D)


@dataclass(frozen=True, slots=True)
class SetPosition:
    """Drives to a raw position, 0 to 65535."""

    what: What
    raw: int


@dataclass(frozen=True, slots=True)
class Query:
    """Asks for a position."""

    what: What


@dataclass(frozen=True, slots=True)
class Position:
    """The answer to a query."""

    what: What
    raw: int


PelcoSaying = Drive | PresetCommand | Aux | Power | SetPosition | Query | Position


@dataclass(frozen=True, slots=True)
class PelcoFrame:
    """One frame's content. address: as the device counts itself. words: two command bytes, two data bytes."""

    address: int
    words: bytes

    def encode(self, dialect: Dialect, first: int = 1) -> bytes:
        """Its bytes. first: what the first device calls itself, on the wire of Pelco-P usually 0."""
        if dialect == "d":
            body = bytes((self.address, *self.words))
            return bytes((0xFF, *body, sum(body) & 0xFF))
        body = bytes((0xA0, (self.address - 1 + first) & 0xFF, *self.words, 0xAF))
        return body + bytes((reduce(xor, body),))


@dataclass(frozen=True, slots=True)
class GeneralReply:
    """The four bytes with which some Pelco-D devices acknowledge: which alarms are set."""

    address: int
    alarms: int


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that look like a frame and are none."""

    frame: bytes


class FrameReader:
    """Cuts a stream into frames. Of a stretch of rubbish only the first bytes are told, once."""

    def __init__(self, dialect: Dialect, first: int = 1) -> None:
        self._dialect: Dialect = dialect
        self._first = first
        self._start, self._length = (0xFF, 7) if dialect == "d" else (0xA0, 8)
        self._pending = bytearray()
        self._told = False

    def feed(self, chunk: bytes) -> Iterator[PelcoFrame | GeneralReply | BadFrame]:
        """What these bytes complete, in order."""
        for byte in chunk:
            if self._pending or byte == self._start:
                self._pending.append(byte)
            while len(self._pending) >= self._length:
                found = self._take()
                if found is not None:
                    yield found

    def clear(self) -> None:
        """Forgets half a frame."""
        self._pending.clear()
        self._told = False

    def _take(self) -> PelcoFrame | GeneralReply | BadFrame | None:
        frame = bytes(self._pending[: self._length])
        if self._dialect == "d" and _sums(frame):
            return self._found(PelcoFrame(frame[1], frame[2:6]), self._length)
        if self._dialect == "d" and frame[3] == (frame[1] + frame[2]) & 0xFF and frame[4] == self._start:
            return self._found(GeneralReply(frame[1], frame[2]), 4)
        if self._dialect == "p" and frame[6] == 0xAF and reduce(xor, frame[:7]) == frame[7]:
            address = (frame[1] + 1 - self._first) & 0xFF
            return self._found(PelcoFrame(address, frame[2:6]), self._length)
        self._drop(1)
        if self._told:
            return None
        self._told = True
        return BadFrame(frame)

    def _found(self, found: PelcoFrame | GeneralReply, length: int) -> PelcoFrame | GeneralReply:
        self._told = False
        self._drop(length)
        return found

    def _drop(self, length: int) -> None:
        """Away with so many bytes, and those up to where the next frame could begin."""
        start = self._pending.find(self._start, length)
        del self._pending[: start if start >= 0 else len(self._pending)]


def _sums(frame: bytes) -> bool:
    return sum(frame[1:6]) & 0xFF == frame[6]


def encode_saying(saying: PelcoSaying, dialect: Dialect) -> bytes:
    """The two command bytes and two data bytes that say this."""
    match saying:
        case Drive():
            words = _encode_drive(saying, dialect)
        case PresetCommand(act, number):
            words = bytes((0, act, 0, number))
        case Aux(number, on):
            words = bytes((0, 0x09 if on else 0x0B, 0, number))
        case Power(on):
            words = bytes((0x88 if on else 0x08, 0, 0, 0))
        case Query(what):
            words = bytes((0, what.value[1], 0, 0))
        case SetPosition(what, raw):
            words = bytes((0, what.value[0])) + raw.to_bytes(2)
        case Position(what, raw):
            words = bytes((0, what.value[2])) + raw.to_bytes(2)
    return words


def _encode_drive(drive: Drive, dialect: Dialect) -> bytes:
    near, far = (0x01, 0) if dialect == "d" else (0x02, 0x01)
    opened, closed = (0x02, 0x04) if dialect == "d" else (0x04, 0x08)
    first = _bit(drive.iris, opened, closed) | _bit(drive.focus, far, near)
    second = _bit(drive.pan, _RIGHT, _LEFT) | _bit(drive.tilt, _UP, _DOWN) | _bit(drive.zoom, _TELE, _WIDE)
    if dialect == "d" and drive.focus > 0:
        second |= _FAR
    return bytes((first, second, drive.pan_speed, drive.tilt_speed))


def _bit(way: int, positive: int, negative: int) -> int:
    return positive if way > 0 else negative if way < 0 else 0


def decode_saying(words: bytes, dialect: Dialect) -> PelcoSaying | None:
    """What the four bytes say; None for commands that are not in the list."""
    first, second, high, low = words
    if dialect == "d" and first & 0x08:
        return Power(bool(first & 0x80)) if first in (0x08, 0x88) and not second else None
    if not second & 1:
        return _decode_drive(words, dialect)
    number = high << 8 | low
    for what in What:
        if second in what.value:
            made: Sequence[PelcoSaying] = (SetPosition(what, number), Query(what), Position(what, number))
            return made[what.value.index(second)]
    if second in tuple(PresetAct):
        return PresetCommand(PresetAct(second), low)
    return Aux(low, second == 0x09) if second in (0x09, 0x0B) else None


def _decode_drive(words: bytes, dialect: Dialect) -> Drive:
    first, second, pan_speed, tilt_speed = words
    if dialect == "d":
        focus = _way(second, _FAR, 0) or _way(first, 0, 0x01)
        iris = _way(first, 0x02, 0x04)
    else:
        focus, iris = _way(first, 0x01, 0x02), _way(first, 0x04, 0x08)
    return Drive(
        _way(second, _RIGHT, _LEFT),
        _way(second, _UP, _DOWN),
        pan_speed,
        tilt_speed,
        _way(second, _TELE, _WIDE),
        focus,
        iris,
    )


def _way(bits: int, positive: int, negative: int) -> int:
    return bool(bits & positive) - bool(bits & negative)
