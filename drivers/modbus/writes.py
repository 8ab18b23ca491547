"""A profile's Modbus actions: which requests carry out a command, one after the other, without I/O.

The words of an action's `write:` are those of `ModbusWrite`; docs/modbus.md is their manual.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.modbus.frames import (
    MASK_WRITE,
    MAX_BITS_WRITTEN,
    READ_COILS,
    READ_HOLDING_REGISTERS,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Request,
    pack_bits,
    unpack_bits,
)
from drivers.modbus.plan import ModbusSettings, locate
from drivers.modbus.values import EncodingError, MetricRead, Order, Table, Type
from drivers.words import Words, write_of
from telemetry import Action, Profile, ProfileError, Value
from telemetry.devices import Duration

_AS_READ = (
    "table", "address", "type", "length", "scale", "offset", "binary_point",
    "bit", "mask", "shift", "enum", "word_order", "byte_order",
)  # fmt: skip
"""The words that mean in a write what they mean in a read."""


class ModbusWrite(Words):
    """What an action writes, and how.

    table, address, type … byte_order: as in `MetricRead`; a `bit` or `mask` leaves the register's other
    bits as they are. value: what is written, or the name of the argument that says it.
    count: so many coils get the same value. function: single is 5 or 6, multiple 15 or 16; left out,
    single where it can be. mask_write: bits are set with function 22; false where the device lacks it,
    then the register is read and written back. pulse: after so long `rest` is written.
    read_back: what was written is read, and something else there ends the command as a mismatch.
    retries: further tries without an answer; only where writing twice does no harm.
    """

    table: Literal["coil", "holding"] = "holding"
    address: int = Field(ge=0)
    type: Type = "uint16"
    length: int | None = Field(default=None, ge=1, le=123)
    scale: float = 1.0
    offset: float = Field(default=0.0, ge=-1e12, le=1e12)
    binary_point: int = Field(default=0, ge=0, le=63)
    bit: int | None = Field(default=None, ge=0, le=63)
    mask: int | None = Field(default=None, ge=1)
    shift: int | None = Field(default=None, ge=0, le=63)
    enum: dict[int, str] = Field(default_factory=dict)
    word_order: Order | None = None
    byte_order: Order | None = None
    value: bool | int | float | str
    count: int = Field(default=1, ge=1, le=MAX_BITS_WRITTEN)
    function: Literal["single", "multiple"] | None = None
    mask_write: bool = True
    pulse: Duration | None = None
    rest: bool | int | float = 0
    read_back: bool = False
    retries: int = Field(default=0, ge=0, le=5)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.count > 1 and (self.table != "coil" or self.function == "single"):
            raise ValueError("count is for coils written with the function multiple")
        if "rest" in self.model_fields_set and self.pulse is None:
            raise ValueError("rest is what a pulse ends with: write pulse too, such as pulse: 500ms")
        if self.function == "single" and self.as_read().registers > 1:
            raise ValueError(f"{self.type} takes several registers: leave function out")
        return self

    def as_read(self) -> MetricRead:
        """The same place as a metric's."""
        given = {word: getattr(self, word) for word in _AS_READ if word in self.model_fields_set}
        return MetricRead.model_validate({"table": self.table, **given})


@dataclass(frozen=True, slots=True)
class Send:
    """A request whose answer's data bytes are wanted. insist: it is tried again until the device answers."""

    request: Request
    insist: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds to wait before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; as in telemetry's Reply."""

    reason: str = ""
    detail: str = ""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])


Steps = Generator[Send | Pause, bytes, Outcome]
"""What carries out a command: yields what to do next, is sent the answers' data bytes."""


class PlannedWrite:
    """One action of a profile, compiled: where and how it writes."""

    def __init__(self, profile: Profile, action: Action, settings: ModbusSettings) -> None:
        """Raises ProfileError that names profile, action and what to write instead."""
        self.action = action
        self.words = write_of(profile, action, ModbusWrite)
        self._where = f"profile {profile.id}: action {action.name}: write"
        try:
            read = self.words.as_read()
        except ValueError as error:
            raise ProfileError(f"{self._where}: {error}") from error
        spot = locate(self._where, action.name, read, settings)
        self.table: Table = spot.table
        self.start = spot.start
        self.end = spot.end + self.words.count - 1
        self._codec = spot.codec
        self._check_value()

    def steps(self, arguments: Mapping[str, Value]) -> Steps:
        """Carries out the action with these arguments, which were checked."""
        words = self.words
        value = arguments[str(words.value)] if self._argued else words.value
        try:
            written = yield from self._write(value, insist=False)
            if words.pulse is not None:
                yield Pause(words.pulse)
                written = yield from self._write(words.rest, insist=True)
        except EncodingError as error:
            return Outcome("refused", str(error))
        if not words.read_back:
            return Outcome()
        found = yield Send(self._reading())
        there = self._value_of(found)
        values = {} if there is None else {"value": there}
        if all(one & mask == wanted & mask for one, wanted, mask in zip(found, *written, strict=False)):
            return Outcome(values=values)
        return Outcome("mismatch", f"{found.hex(' ')} stands there after {value!r} was written", values)

    @property
    def needs_answers(self) -> bool:
        """Whether it reads something, which a broadcast cannot."""
        return self.words.read_back or (self._partial and not self._masked)

    @property
    def _argued(self) -> bool:
        return any(argument.name == self.words.value for argument in self.action.arguments)

    @property
    def _partial(self) -> bool:
        words = self.words
        return words.bit is not None or words.mask is not None or "8_" in words.type

    @property
    def _masked(self) -> bool:
        return self.words.mask_write and self.end - self.start == 1

    def _check_value(self) -> None:
        value, names = self.words.value, [argument.name for argument in self.action.arguments]
        if unused := [name for name in names if name != value]:
            raise ProfileError(f"{self._where}: value does not use the argument {', '.join(unused)}")
        if self._argued:
            return
        if isinstance(value, str) and self.words.type != "string" and value not in self.words.enum.values():
            there = ", ".join(names) or "none"
            raise ProfileError(
                f"{self._where}: value: {value!r} is no argument of the action; there are {there}"
            )
        try:
            self._encoded(value)
            self._encoded(self.words.rest if self.words.pulse is not None else value)
        except EncodingError as error:
            raise ProfileError(f"{self._where}: {error}") from error

    def _encoded(self, value: Value) -> tuple[bytes, bytes]:
        """The bytes to write, and which bits of them matter."""
        if self._codec is None:
            count = self.words.count
            return pack_bits([bool(value)] * count), pack_bits([True] * count)
        zeros = self._codec.encode(value, bytes(2 * (self.end - self.start)))
        ones = self._codec.encode(value, b"\xff" * len(zeros))
        return zeros, bytes(~(zero ^ one) & 0xFF for zero, one in zip(zeros, ones, strict=True))

    def _write(self, value: Value, *, insist: bool) -> Generator[Send | Pause, bytes, tuple[bytes, bytes]]:
        payload, mask = self._encoded(value)
        if self._codec is None:
            request = self._coils(bool(value), payload)
        elif not self._partial:
            request = self._registers(payload)
        elif self._masked:
            keep = bytes(~byte & 0xFF for byte in mask)
            request = Request(MASK_WRITE, self.start, 1, keep + payload)
        else:
            before = yield Send(self._reading(), insist)
            request = self._registers(self._codec.encode(value, before))
        yield Send(request, insist)
        return payload, mask

    def _coils(self, on: bool, packed: bytes) -> Request:
        if self.words.count > 1 or self.words.function == "multiple":
            return Request(WRITE_COILS, self.start, self.words.count, packed)
        return Request(WRITE_COIL, self.start, 1, b"\xff\0" if on else b"\0\0")

    def _registers(self, payload: bytes) -> Request:
        if len(payload) == 2 and self.words.function != "multiple":
            return Request(WRITE_REGISTER, self.start, 1, payload)
        return Request(WRITE_REGISTERS, self.start, len(payload) // 2, payload)

    def _reading(self) -> Request:
        function = READ_COILS if self._codec is None else READ_HOLDING_REGISTERS
        return Request(function, self.start, self.end - self.start)

    def _value_of(self, found: bytes) -> Value | None:
        if self._codec is None:
            return all(unpack_bits(found, self.words.count))
        return self._codec.decode(found)
