"""VISCA commands and inquiries as values, for both sides of the wire.

Positions are signed 16- or 20-bit steps, sent a nibble a byte. Sources: Sony EVI-D70 technical manual
and PTZOptics VISCA over IP command list.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum


class Inquiry(Enum):
    """What a camera can be asked: the body of the question."""

    POWER = b"\x09\x04\x00"
    ZOOM = b"\x09\x04\x47"
    FOCUS = b"\x09\x04\x48"
    FOCUS_MODE = b"\x09\x04\x38"
    PAN_TILT = b"\x09\x06\x12"
    VERSION = b"\x09\x00\x02"

    def fits(self, payload: bytes) -> bool:
        """Whether a payload has the shape of this inquiry's answer."""
        return len(payload) in _ANSWER_LENGTHS[self]


_ANSWER_LENGTHS: dict[Inquiry, tuple[int, ...]] = {
    Inquiry.POWER: (1,),
    Inquiry.ZOOM: (4,),
    Inquiry.FOCUS: (4,),
    Inquiry.FOCUS_MODE: (1,),
    Inquiry.PAN_TILT: (8, 9, 10),
    Inquiry.VERSION: (7,),
}


class Preset(IntEnum):
    """What is done with a preset."""

    CLEAR = 0
    STORE = 1
    RECALL = 2


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Gives the first camera of the chain this address, the next one more, and so on."""

    first: int = 1


@dataclass(frozen=True, slots=True)
class Clear:
    """IF_Clear: forgets every command that waits or runs."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends the command that runs in this socket."""

    socket: int


@dataclass(frozen=True, slots=True)
class Power:
    """On, or standby."""

    on: bool


@dataclass(frozen=True, slots=True)
class Zoom:
    """Drives the zoom. direction: 1 tele, -1 wide, 0 stop. speed: 0 to 7, None for the model's standard."""

    direction: int
    speed: int | None = None


@dataclass(frozen=True, slots=True)
class ZoomTo:
    """Drives the zoom to this position, in steps."""

    position: int


@dataclass(frozen=True, slots=True)
class Focus:
    """Drives the focus. direction: 1 far, -1 near, 0 stop. speed: as of Zoom."""

    direction: int
    speed: int | None = None


@dataclass(frozen=True, slots=True)
class FocusMode:
    """Autofocus on or off."""

    auto: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """Does something with the preset of this number."""

    what: Preset
    number: int


@dataclass(frozen=True, slots=True)
class PanTilt:
    """Drives the head, at speeds as the model counts them. pan: 1 right, -1 left; tilt: 1 up, -1 down."""

    pan_speed: int
    tilt_speed: int
    pan: int
    tilt: int


@dataclass(frozen=True, slots=True)
class PanTiltTo:
    """Drives the head to a position in steps. digits: nibbles of the pan position, 4 or 5."""

    pan_speed: int
    tilt_speed: int
    pan: int
    tilt: int
    digits: int = 4


@dataclass(frozen=True, slots=True)
class Home:
    """Drives the head to its zero."""


ViscaCommand = (
    AddressSet
    | Clear
    | Cancel
    | Power
    | Zoom
    | ZoomTo
    | Focus
    | FocusMode
    | Memory
    | PanTilt
    | PanTiltTo
    | Home
)


def nibbles(number: int, digits: int) -> bytes:
    """A position's low bits, one nibble a byte, the highest first."""
    return bytes(number >> 4 * place & 0x0F for place in reversed(range(digits)))


def unsigned(digits: bytes) -> int:
    """The position in these nibbles; their upper halves are ignored."""
    number = 0
    for digit in digits:
        number = number << 4 | digit & 0x0F
    return number


def signed(digits: bytes) -> int:
    """The same in two's complement."""
    number = unsigned(digits)
    return number - (1 << 4 * len(digits)) if digits and digits[0] & 0x08 else number


def pan_tilt_of(payload: bytes) -> tuple[int, int]:
    """Pan and tilt in steps from the answer to PAN_TILT; 9 and 10 bytes have five nibbles of pan."""
    split = 4 if len(payload) == 8 else 5
    return signed(payload[:split]), signed(payload[split:])


_PAN = {0: 3, -1: 1, 1: 2}
_TILT = {0: 3, 1: 1, -1: 2}


def encode_command(command: ViscaCommand | Inquiry) -> bytes:  # noqa: C901, PLR0911, PLR0912 - the protocol's list
    """The body of the packet that says this."""
    match command:
        case Inquiry():
            return command.value
        case AddressSet(first):
            return bytes((0x30, first))
        case Clear():
            return b"\x01\x00\x01"
        case Cancel(socket):
            return bytes((0x20 | socket,))
        case Power(on):
            return bytes((1, 4, 0, 2 if on else 3))
        case Zoom(direction, speed):
            return bytes((1, 4, 7, _drive(direction, speed)))
        case Focus(direction, speed):
            return bytes((1, 4, 8, _drive(direction, speed)))
        case ZoomTo(position):
            return b"\x01\x04\x47" + nibbles(position, 4)
        case FocusMode(auto):
            return bytes((1, 4, 0x38, 2 if auto else 3))
        case Memory(what, number):
            return bytes((1, 4, 0x3F, what, number))
        case PanTilt(pan_speed, tilt_speed, pan, tilt):
            return bytes((1, 6, 1, pan_speed, tilt_speed, _PAN[pan], _TILT[tilt]))
        case PanTiltTo(pan_speed, tilt_speed, pan, tilt, digits):
            return bytes((1, 6, 2, pan_speed, tilt_speed)) + nibbles(pan, digits) + nibbles(tilt, 4)
        case Home():
            return b"\x01\x06\x04"


def _drive(direction: int, speed: int | None) -> int:
    if direction == 0:
        return 0
    if speed is None:
        return 2 if direction > 0 else 3
    return (0x20 if direction > 0 else 0x30) | speed & 7


def decode_command(body: bytes) -> ViscaCommand | Inquiry | None:
    """What a camera is told by this body; None for what is not in the list or has the wrong length."""
    for inquiry in Inquiry:
        if body == inquiry.value:
            return inquiry
    for head, length, read in _SHAPES:
        if body.startswith(head) and len(body) == len(head) + length:
            return read(body[len(head) :])
    if len(body) == 1 and body[0] & 0xF0 == 0x20:
        return Cancel(body[0] & 0x0F)
    return None


def _read_switch(make: Callable[[bool], ViscaCommand]) -> Callable[[bytes], ViscaCommand | None]:
    return lambda rest: make(rest[0] == 2) if rest[0] in (2, 3) else None


def _read_drive(make: Callable[[int, int | None], ViscaCommand]) -> Callable[[bytes], ViscaCommand | None]:
    plain = {0: 0, 2: 1, 3: -1}

    def read(rest: bytes) -> ViscaCommand | None:
        if rest[0] in plain:
            return make(plain[rest[0]], None)
        direction = {0x20: 1, 0x30: -1}.get(rest[0] & 0xF0)
        return None if direction is None else make(direction, rest[0] & 7)

    return read


def _read_memory(rest: bytes) -> ViscaCommand | None:
    return Memory(Preset(rest[0]), rest[1]) if rest[0] in tuple(Preset) else None


def _read_pan_tilt(rest: bytes) -> ViscaCommand | None:
    pans, tilts = {code: way for way, code in _PAN.items()}, {code: way for way, code in _TILT.items()}
    if rest[2] not in pans or rest[3] not in tilts:
        return None
    return PanTilt(rest[0], rest[1], pans[rest[2]], tilts[rest[3]])


def _read_pan_tilt_to(digits: int) -> Callable[[bytes], ViscaCommand]:
    split = 2 + digits
    return lambda rest: PanTiltTo(rest[0], rest[1], signed(rest[2:split]), signed(rest[split:]), digits)


_SHAPES: tuple[tuple[bytes, int, Callable[[bytes], ViscaCommand | None]], ...] = (
    (b"\x30", 1, lambda rest: AddressSet(rest[0])),
    (b"\x01\x00\x01", 0, lambda _: Clear()),
    (b"\x01\x04\x00", 1, _read_switch(Power)),
    (b"\x01\x04\x07", 1, _read_drive(Zoom)),
    (b"\x01\x04\x08", 1, _read_drive(Focus)),
    (b"\x01\x04\x47", 4, lambda rest: ZoomTo(unsigned(rest))),
    (b"\x01\x04\x38", 1, _read_switch(FocusMode)),
    (b"\x01\x04\x3f", 2, _read_memory),
    (b"\x01\x06\x01", 4, _read_pan_tilt),
    (b"\x01\x06\x02", 10, _read_pan_tilt_to(4)),
    (b"\x01\x06\x02", 11, _read_pan_tilt_to(5)),
    (b"\x01\x06\x04", 0, lambda _: Home()),
)
"""The bytes each command begins with, how many follow, and what they say."""
