"""What a profile says of an instrument that sends binary frames: its words, and the frame they describe."""

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from drivers.checksums import ALGORITHMS, Kind, width
from drivers.scaling import Scaling
from drivers.words import Words, place, read_of
from telemetry import Metric, Profile, ProfileError, Value
from telemetry.devices import Duration

LONGEST_FRAME = 1024
Order = Literal["big", "little"]
Type = Literal[
    "uint8", "int8", "uint16", "int16", "uint24", "uint32", "int32", "uint64", "int64", "float32", "float64"
]
_FLOATS = {"float32": "f", "float64": "d"}
_UNIT = "{unit_id}"


def _check_hex(text: str) -> str:
    try:
        bytes.fromhex(text.replace(_UNIT, "00"))
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not bytes in hexadecimal: write them like '42 4D'") from error
    return text


Hex = Annotated[str, AfterValidator(_check_hex), Field(max_length=600)]


def octets(text: str, unit_id: int) -> bytes:
    """The bytes of hexadecimal text, `{unit_id}` among them."""
    return bytes.fromhex(text.replace(_UNIT, f"{unit_id:02X}"))


class Length(Words):
    """How long a frame is, where its own bytes say so.

    at: the place of the length, counted from 0 at the first start byte. type, order: how it is written.
    add: how many bytes the whole frame has beyond the number that stands there.
    """

    at: int = Field(ge=0, lt=LONGEST_FRAME)
    type: Literal["uint8", "uint16"] = "uint8"
    order: Order = "big"
    add: int = Field(default=0, ge=-LONGEST_FRAME, le=LONGEST_FRAME)


class Checksum(Words):
    """The checksum of a frame.

    kind: how it is computed. first: the place of the first byte that it covers. at: its own place;
    negative ones count from the frame's end, so that -1 is the last byte. It covers all before itself.
    order: of one of two bytes.
    """

    kind: Kind
    first: int = Field(default=0, ge=0, lt=LONGEST_FRAME)
    at: int = Field(default=-1, ge=-8, le=-1)
    order: Order = "big"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.at + width(self.kind) > 0:
            raise ValueError(
                f"{self.kind} has {width(self.kind)} bytes: it is at {-width(self.kind)} or before"
            )
        return self

    def is_right(self, frame: bytes) -> bool:
        """Whether the frame's own checksum is that of its bytes."""
        start = len(frame) + self.at
        told = int.from_bytes(frame[start : start + width(self.kind)], self.order)
        return ALGORITHMS[self.kind](frame[self.first : start]) == told


class Settings(Words):
    """How the instrument's frames look.

    start: the bytes with which each begins, in hexadecimal. length: how many bytes a frame has in all, or
    where it says so itself. end: the bytes with which each ends. checksum: without one and without end, two
    start bytes are the least that tells a frame from chance.
    order: of the bytes of numbers. ask: what to send for one answer, in hexadecimal; `{unit_id}` is the
    device's number as a byte; empty for an instrument that speaks by itself.
    timeout: seconds until a question counts as unanswered.
    """

    start: Hex = Field(min_length=2)
    length: Annotated[int, Field(ge=2, le=LONGEST_FRAME)] | Length
    end: Hex = ""
    checksum: Checksum | None = None
    order: Order = "big"
    ask: Hex = ""
    timeout: Duration = 1.0

    @model_validator(mode="after")
    def _is_told_from_chance(self) -> Self:
        start = len(octets(self.start, 0))
        if self.checksum is None and not self.end and start < 2:
            raise ValueError(
                "one start byte alone is met by chance: write a checksum, an end or more start bytes"
            )
        if isinstance(self.length, int) and self.length < start + len(octets(self.end, 0)):
            raise ValueError(f"length: {self.length} bytes are less than start and end")
        return self

    @property
    def trailer(self) -> int:
        """How many bytes at the end of a frame are its checksum and its end, and no values."""
        return max(len(octets(self.end, 0)), -self.checksum.at if self.checksum else 0)


class Read(Scaling):
    """Where in the frame a metric's number is.

    at: its place, counted from 0 at the first start byte. type: how it is written. order: over the
    profile's.
    """

    at: int = Field(ge=0, lt=LONGEST_FRAME)
    type: Type = "uint16"
    order: Order | None = None

    @property
    def size(self) -> int:
        """Bytes the number takes."""
        return int(re.sub(r"\D", "", self.type)) // 8


@dataclass(frozen=True, slots=True)
class Spot:
    """A metric in the frame: bytes [start, end)."""

    metric: str
    start: int
    end: int
    number: Callable[[bytes], int | float]
    finish: Callable[[int | float], Value | None]

    def read(self, body: bytes) -> Value | None:
        """The metric's value in a frame without its trailer; None for "not available" or not there."""
        return self.finish(self.number(body[self.start : self.end])) if len(body) >= self.end else None


def spots_of(profile: Profile, settings: Settings) -> Sequence[Spot]:
    """Every metric's place. Raises ProfileError for one outside a frame of fixed length."""
    return [_spot(profile, metric, settings) for metric in profile.metrics]


def _spot(profile: Profile, metric: Metric, settings: Settings) -> Spot:
    read = read_of(profile, metric, Read)
    end = read.at + read.size
    if isinstance(settings.length, int) and end > settings.length - settings.trailer:
        raise ProfileError(
            f"{place(profile, metric)}: ends at byte {end}; the frame's values end at "
            f"{settings.length - settings.trailer}"
        )
    if read.textual and read.type in _FLOATS:
        raise ProfileError(f"{place(profile, metric)}: bit and enum need a whole number, not {read.type}")
    return Spot(metric.name, read.at, end, _number(read, settings), read.compiled())


def _number(read: Read, settings: Settings) -> Callable[[bytes], int | float]:
    order = read.order or settings.order
    if read.type in _FLOATS:
        code = struct.Struct((">" if order == "big" else "<") + _FLOATS[read.type])
        return lambda raw: float(code.unpack(raw)[0])
    signed = read.type.startswith("int")
    return lambda raw: int.from_bytes(raw, order, signed=signed)
