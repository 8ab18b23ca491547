"""Modbus register bytes ↔ values: widths, word and byte orders, scale, bits, BCD, text, null sentinels.

How a profile says it: the words of `MetricRead`, one per metric under `read:`. docs/modbus.md is their
manual.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from drivers.scaling import Line, exact, exact_line
from drivers.words import Words
from telemetry import HaidangError, Title, Value

Table = Literal["coil", "discrete", "holding", "input"]
Order = Literal["big", "little"]
Type = Literal[
    "uint8_high", "uint8_low", "int8_high", "int8_low", "uint16", "int16", "uint32", "int32",
    "uint48", "int48", "uint64", "int64", "float16", "float32", "float64", "bcd", "string",
]  # fmt: skip
BIT_TABLES = ("coil", "discrete")
_LONGEST_BCD = 8
"""Registers; 32 digits, of which a 64-bit float holds the first 15."""
_FORMATS: dict[str, tuple[str, int]] = {
    "uint8_high": ("B", 1), "uint8_low": ("B", 1), "int8_high": ("b", 1), "int8_low": ("b", 1),
    "uint16": ("H", 1), "int16": ("h", 1), "uint32": ("I", 2), "int32": ("i", 2),
    "uint48": ("6s", 3), "int48": ("6s", 3), "uint64": ("Q", 4), "int64": ("q", 4),
    "float16": ("e", 1), "float32": ("f", 2), "float64": ("d", 4),
}  # fmt: skip
"""Type → the struct code of its big-endian bytes, and how many registers hold them."""


class FlagWords(Words):
    """A status bit's name, and its title where the bare name is not enough."""

    name: str
    title: Title


class EncodingError(HaidangError):
    """A value that its metric's registers cannot hold."""


class ScaleFrom(Words):
    """A register that says how to scale another: SunSpec's sunssf, or a plain multiplier.

    table: the metric's own unless said. address: as the profile's `addressing` counts.
    kind: value = raw × 10 to the power of the register, or raw × the register.
    """

    table: Table | None = None
    address: int = Field(ge=0)
    type: Type = "int16"
    kind: Literal["power_of_ten", "multiplier"] = "power_of_ten"
    nulls: tuple[int | float, ...] = ()


class MetricRead(Words):
    """Where a Modbus metric is found and how its registers become a value.

    table, address: as the profile's `addressing` counts. type: of the registers, uint16 unless said;
    bcd and string also need `length`, in registers. value = raw × scale + offset, and with
    `binary_point: n` the raw integer is divided by 2 to the power of n first.
    scale_from: a register that holds the scale. bit: one bit of an integer, as true or false.
    mask: a field of an integer, shifted down to its lowest bit, or by `shift`. nulls: raw values that
    mean "not available". enum: texts of an integer's values; one it lacks is given as its number in text.
    flags: names of an integer's bits; each becomes a metric of its own when the profile is loaded.
    word_order, byte_order: over the profile's; big and big is ABCD, little and big CDAB,
    big and little BADC, little and little DCBA.
    group: which of the settings' groups it is polled with. compute: no register, but an arithmetic of
    other metrics of its group.
    """

    table: Table = "holding"
    address: int | None = Field(default=None, ge=0)
    type: Type = "uint16"
    length: int | None = Field(default=None, ge=1, le=125)
    scale: float = 1.0
    offset: float = Field(default=0.0, ge=-1e12, le=1e12)
    binary_point: int = Field(default=0, ge=0, le=63)
    scale_from: ScaleFrom | None = None
    bit: int | None = Field(default=None, ge=0, le=63)
    mask: int | None = Field(default=None, ge=1)
    shift: int | None = Field(default=None, ge=0, le=63)
    nulls: tuple[int | float, ...] = ()
    enum: dict[int, str] = Field(default_factory=dict)
    flags: dict[int, str | FlagWords] = Field(default_factory=dict)
    word_order: Order | None = None
    byte_order: Order | None = None
    group: str = ""
    compute: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.compute and self.model_fields_set - {"compute", "group"}:
            raise ValueError("a computed metric has no register: write compute and group only")
        if self.address is None and not self.compute:
            raise ValueError("address is missing: write where the value is, or compute it")
        if self.type == "bcd" and (self.length or 0) > _LONGEST_BCD:
            raise ValueError(f"a bcd number has at most {_LONGEST_BCD} registers")
        wanted = self.type in ("bcd", "string")
        if wanted != (self.length is not None):
            raise ValueError(f"length, in registers, is for bcd and string alone; the type is {self.type}")
        if not 1e-12 <= abs(self.scale) <= 1e12:
            raise ValueError(f"scale {self.scale} is outside ±1e-12 to ±1e12")
        if self._picks_bits and "int" not in self.type:
            raise ValueError(f"bit, mask and enum need an integer type, not {self.type}")
        if max(self.bit or 0, (self.mask or 1).bit_length() - 1) >= self._bits:
            raise ValueError(f"bit or mask reaches past the {self._bits} bits of {self.type}")
        if self.table in BIT_TABLES and self.model_fields_set - {"table", "address", "group"}:
            raise ValueError(f"a {self.table} is true or false: write its table and address only")
        self._check_scale()
        return self

    def _check_scale(self) -> None:
        scaled = self.scale != 1 or self.offset or self.binary_point or self.scale_from is not None
        if (self.bit is not None or self.enum or self.type == "string") and scaled:
            raise ValueError("bit, enum and string give no number to scale: leave scale and offset out")
        if self.binary_point and "int" not in self.type:
            raise ValueError(f"binary_point needs an integer type, not {self.type}")

    @property
    def _picks_bits(self) -> bool:
        return self.bit is not None or self.mask is not None or bool(self.enum)

    @property
    def _bits(self) -> int:
        return 8 if "8_" in self.type else 16 * self.registers

    @property
    def registers(self) -> int:
        """Registers the value takes; 1 for a coil or discrete input, which is one bit."""
        return self.length or _FORMATS[self.type][1]


@dataclass(frozen=True, slots=True)
class ValueCodec:
    """One metric's registers ↔ its value.

    picks: which of the registers' bytes, in which order, make the big-endian form;
    code: the struct code that reads it; finish: what turns that raw value into the metric's, None
    where it means "not available".
    """

    read: MetricRead
    picks: tuple[int, ...]
    code: str
    finish: Callable[[Any], Value | None]

    @property
    def plain(self) -> bool:
        """Whether the raw number is the value, as long as it is finite."""
        read = self.read
        bare = not (read.nulls or read.enum or read.bit is not None or read.mask is not None)
        return bare and read.type not in _CONVERSIONS and linear(read) == (1, 0, 1)

    def decode(self, registers: bytes) -> Value | None:
        """The value of register bytes as on the wire; None for "not available"."""
        return self.finish(struct.unpack(">" + self.code, bytes(registers[pick] for pick in self.picks))[0])

    def encode(self, value: Value | None, into: bytes = b"") -> bytes:
        """Register bytes as on the wire that decode to `value`; what the metric does not use is left
        as it is in `into`. None becomes the first null sentinel, NaN for a float.

        Raises EncodingError when no register content means this value.
        """
        registers = bytearray(into or bytes(2 * self.read.registers))
        before = bytes(registers[pick] for pick in self.picks)
        for pick, byte in zip(self.picks, self._packed(value, before), strict=True):
            registers[pick] = byte
        return bytes(registers)

    def _packed(self, value: Value | None, before: bytes) -> bytes:
        try:
            raw = _raw_of(self.read, value)
            if self.read.bit is not None or self.read.mask is not None:
                raw = _merge_bits(self.read, raw, int.from_bytes(before))
                return raw.to_bytes(len(before))
            return struct.pack(">" + self.code, _pack_wide(self.read, raw))
        except (struct.error, OverflowError, ValueError, TypeError) as error:
            raise EncodingError(f"{value!r} does not fit {self.read.type}: {error}") from error


def compile_codec(read: MetricRead, word_order: Order = "big", byte_order: Order = "big") -> ValueCodec:
    """The codec of a register metric; the orders are the profile's, which the metric may override."""
    if read.type == "string":
        code, words = f"{2 * read.registers}s", "big"
    else:
        code = _FORMATS[read.type][0] if read.type != "bcd" else f"{2 * read.registers}s"
        words = read.word_order or word_order
    picks = _byte_picks(read.registers, words == "big", (read.byte_order or byte_order) == "big")
    if "8_" in read.type:
        picks = picks[:1] if read.type.endswith("high") else picks[1:]
    return ValueCodec(read, picks, code, _finisher(read))


def _byte_picks(registers: int, words_big: bool, bytes_big: bool) -> tuple[int, ...]:
    order = range(registers) if words_big else reversed(range(registers))
    return tuple(2 * word + byte for word in order for byte in ((0, 1) if bytes_big else (1, 0)))


def linear(read: MetricRead) -> Line:
    """The line from raw number to value."""
    return exact_line(exact(read.scale) / 2**read.binary_point, exact(read.offset))


def _finisher(read: MetricRead) -> Callable[[Any], Value | None]:
    convert = _CONVERSIONS.get(read.type)
    last = _last_step(read)
    nulls = _raw_nulls(read)
    if convert is None and not nulls:
        return last

    def finish(raw: Any) -> Value | None:
        if convert is not None:
            raw = convert(raw)
        if raw is None or raw in nulls:
            return None
        return last(raw)

    return finish


def _last_step(read: MetricRead) -> Callable[[Any], Value | None]:
    if read.bit is not None:
        bit = read.bit
        return lambda raw: bool(raw >> bit & 1)
    if read.mask is not None:
        return _field_step(read)
    if read.enum:
        texts = read.enum
        return lambda raw: texts.get(raw, str(raw))
    return _number_step(read)


def _field_step(read: MetricRead) -> Callable[[Any], Value | None]:
    mask, shift, texts, number = read.mask or 0, _shift(read), read.enum, _number_step(read)
    if texts:
        return lambda raw: texts.get((raw & mask) >> shift, str((raw & mask) >> shift))
    return lambda raw: number((raw & mask) >> shift)


def _number_step(read: MetricRead) -> Callable[[Any], Value | None]:
    a, b, c = linear(read)
    if read.type.startswith("float"):
        return _finite if (a, b, c) == (1, 0, 1) else lambda raw: _finite((raw * a + b) / c)
    if (a, b, c) == (1, 0, 1):
        return _as_it_is
    if c == 1:
        return lambda raw: raw * a + b
    return lambda raw: (raw * a + b) / c


def _as_it_is(raw: Value) -> Value:
    return raw


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _shift(read: MetricRead) -> int:
    mask = read.mask or 1
    return (mask & -mask).bit_length() - 1 if read.shift is None else read.shift


def _raw_nulls(read: MetricRead) -> frozenset[int | float]:
    """Sentinels as raw values compare: 0xFFFF of an int16 is -1, 99.9 of a float32 its nearest float32."""
    return frozenset(_raw_null(read.type, null) for null in read.nulls)


def _raw_null(kind: str, null: float) -> int | float:
    if kind in ("float16", "float32"):
        code = ">" + _FORMATS[kind][0]
        return float(struct.unpack(code, struct.pack(code, null))[0])
    if kind.startswith("int") and null > 0:
        bits = int(kind[3:].partition("_")[0])
        return int(null) - (1 << bits) if int(null) >> (bits - 1) else null
    return null


def _text(raw: bytes) -> str | None:
    text = raw.decode("utf-8", "replace").strip("\0 ")
    return "".join(letter for letter in text if letter.isprintable()) or None


def _digits(raw: bytes) -> int | None:
    text = raw.hex()
    return int(text) if text.isdecimal() else None


_CONVERSIONS: dict[str, Callable[[bytes], Value | None]] = {
    "string": _text,
    "bcd": _digits,
    "uint48": int.from_bytes,
    "int48": lambda raw: int.from_bytes(raw, signed=True),
}


def _raw_of(read: MetricRead, value: Value | None) -> Any:
    """The raw number or text that a value stands for: the way back of `_last_step`."""
    if value is None:
        return _no_value(read)
    if read.enum:
        return next((raw for raw, text in read.enum.items() if text == value), value)
    if isinstance(value, str) or read.bit is not None:
        return value
    a, b, c = linear(read)
    if read.type.startswith("float"):
        return value if not math.isfinite(value) else float((Fraction(value) * c - b) / a)
    return round((Fraction(str(float(value)) if isinstance(value, float) else value) * c - b) / a)


def _no_value(read: MetricRead) -> Any:
    if read.nulls:
        return next(iter(_raw_nulls(read)))
    if read.type.startswith("float"):
        return math.nan
    if read.type == "string":
        return ""
    raise EncodingError(f"{read.type} at {read.address} has no raw value that means not available")


def _merge_bits(read: MetricRead, raw: Any, before: int) -> int:
    mask, shift = (1 << read.bit, read.bit) if read.bit is not None else (read.mask or 0, _shift(read))
    if int(raw) << shift & ~mask:
        raise ValueError(f"{raw} is wider than its bits")
    return before & ~mask | int(raw) << shift


def _pack_wide(read: MetricRead, raw: Any) -> Any:
    """What struct takes: itself, but bytes for text, BCD and 48 bits."""
    width = 2 * read.registers
    if read.type == "string":
        return str(raw).encode().ljust(width, b"\0")[:width]
    if read.type == "bcd":
        return bytes.fromhex(f"{raw:0{2 * width}d}")
    if "48" in read.type:
        return int(raw).to_bytes(6, signed=read.type == "int48")
    return raw
