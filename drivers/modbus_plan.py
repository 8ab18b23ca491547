"""From a Modbus profile to few read requests, and from their replies to values.

The words of a profile's `settings:` are those of `ModbusSettings`; each metric's `read:` is a
`MetricRead` (drivers/modbus_values.py). The same plan fills a simulated device's tables.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from drivers.modbus_frames import (
    ILLEGAL_ADDRESS,
    MAX_BITS,
    MAX_REGISTERS,
    READ_COILS,
    READ_DISCRETE_INPUTS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    RefusalError,
    Request,
    pack_bits,
)
from drivers.modbus_values import BIT_TABLES, MetricRead, Order, Table, ValueCodec, compile_codec
from drivers.words import Words, place, read_of, settings_of
from telemetry import Metric, Profile, ProfileError, Value
from telemetry.devices import Duration

FUNCTIONS: Mapping[Table, int] = {
    "coil": READ_COILS,
    "discrete": READ_DISCRETE_INPUTS,
    "holding": READ_HOLDING_REGISTERS,
    "input": READ_INPUT_REGISTERS,
}
_REFERENCE: Mapping[Table, int] = {"coil": 1, "discrete": 10001, "holding": 40001, "input": 30001}
"""The first address of each table where a manual numbers them like 40001."""

Tables = dict[Table, dict[int, int]]
"""A device's memory: per table, 0-based wire address → register (0–65535) or bit (0, 1)."""


class ModbusSettings(Words):
    """What holds for every register of a device model.

    addressing: how the profile counts addresses: zero_based as on the wire, one_based, or reference
    (40001 is the first holding register, 30001 input, 10001 discrete, 1 coil).
    max_registers, max_bits: the most one request asks for. max_gap: registers (or bits) nobody
    asked for that a request may read to save another; 0 because some devices refuse a request that
    touches one they do not have. reserved: per table, first and last address never to read.
    timeout: seconds until a request counts as unanswered. retries: further tries of a request while
    the device is known to answer. delay: seconds of rest between two requests.
    """

    word_order: Order = "big"
    byte_order: Order = "big"
    addressing: Literal["zero_based", "one_based", "reference"] = "zero_based"
    max_registers: int = Field(default=MAX_REGISTERS, ge=1, le=MAX_REGISTERS)
    max_bits: int = Field(default=MAX_BITS, ge=1, le=MAX_BITS)
    max_gap: int = Field(default=0, ge=0, le=MAX_BITS)
    reserved: dict[Table, tuple[tuple[int, int], ...]] = Field(default_factory=dict)
    timeout: Duration = 1.0
    retries: int = Field(default=1, ge=0, le=10)
    delay: float = Field(default=0.0, ge=0, le=60)

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for table, ranges in self.reserved.items():
            if any(first > last for first, last in ranges):
                raise ValueError(f"a reserved range of {table} ends before it starts: write [first, last]")
        return self

    def first_address(self, table: Table) -> int:
        """What the profile calls the address that is 0 on the wire."""
        return {"zero_based": 0, "one_based": 1, "reference": _REFERENCE[table]}[self.addressing]


@dataclass(frozen=True, slots=True)
class _Spot:
    """A metric on the wire: 0-based [start, end) of its table."""

    metric: str
    table: Table
    start: int
    end: int
    codec: ValueCodec | None

    def part(self, origin: int) -> tuple[tuple[int, ...], str, Callable[[Any], Value | None]]:
        """Bytes of a reply that starts at `origin`, the struct code they make, and the last step."""
        if self.codec is None:
            bit = (self.start - origin) % 8
            return ((self.start - origin) // 8,), "B", lambda raw: bool(raw >> bit & 1)
        first = 2 * (self.start - origin)
        return tuple(first + pick for pick in self.codec.picks), self.codec.code, self.codec.finish


class PlannedRead:
    """One request and how its reply's data bytes become values, compiled once per profile."""

    __slots__ = ("_finishers", "_layout", "_picks", "metrics", "request")

    def __init__(self, request: Request, spots: Sequence[_Spot]) -> None:
        self.request = request
        self.metrics = tuple(spot.metric for spot in spots)
        parts = [spot.part(request.address) for spot in spots]
        picks = tuple(pick for part in parts for pick in part[0])
        self._picks = None if picks == tuple(range(request.body_length)) else picks
        self._layout = struct.Struct(">" + "".join(part[1] for part in parts))
        self._finishers = tuple((spot.metric, part[2]) for spot, part in zip(spots, parts, strict=True))

    def decode(self, body: bytes) -> dict[str, Value]:
        """Values of a reply's data bytes (`request.body_length` of them); those not available are absent."""
        if self._picks is not None:
            body = bytes([body[pick] for pick in self._picks])
        values: dict[str, Value] = {}
        for (metric, finish), raw in zip(self._finishers, self._layout.unpack(body), strict=True):
            value = finish(raw)
            if value is not None:
                values[metric] = value
        return values


class Plan:
    """What to ask a device of one model, in which order."""

    def __init__(self, profile: Profile) -> None:
        """Raises ProfileError naming the profile, the metric and what to write instead."""
        self.settings = settings_of(profile, ModbusSettings)
        self._spots = [_locate(profile, metric, self.settings) for metric in profile.metrics]
        names = [spot.metric for spot in self._spots]
        if len(set(names)) < len(names) or not names:
            raise ProfileError(f"profile {profile.id}: needs metrics, each with a name of its own")
        self.reads = tuple(self._read(group) for group in self._groups())

    def fill(self, values: Mapping[str, Value | None], tables: Tables | None = None) -> Tables:
        """A device's memory that says these values; None is "not available".

        Writes into `tables` when given. Raises EncodingError for what a register cannot hold.
        """
        tables = {} if tables is None else tables
        for spot in self._spots:
            if spot.metric in values:
                _store(spot, values[spot.metric], tables.setdefault(spot.table, {}))
        return tables

    def _groups(self) -> Iterable[list[_Spot]]:
        group: list[_Spot] = []
        for spot in sorted(self._spots, key=lambda p: (p.table, p.start, p.end)):
            if group and not self._fits(group, spot):
                yield group
                group = []
            group.append(spot)
        yield group

    def _fits(self, group: Sequence[_Spot], spot: _Spot) -> bool:
        end = max(member.end for member in group)
        whole = max(end, spot.end) - group[0].start
        limit = self.settings.max_bits if spot.table in BIT_TABLES else self.settings.max_registers
        return (
            spot.table == group[0].table
            and spot.start - end <= self.settings.max_gap
            and whole <= limit
            and not _reserved(self.settings, spot.table, end, spot.start)
        )

    def _read(self, group: Sequence[_Spot]) -> PlannedRead:
        start, end = group[0].start, max(member.end for member in group)
        return PlannedRead(Request(FUNCTIONS[group[0].table], start, end - start), group)


def body_of(request: Request, tables: Tables) -> bytes:
    """A read's data bytes out of a device's memory, as a server answers them.

    Raises RefusalError (illegal data address) for what the device does not have.
    """
    table: Table = next(table for table, function in FUNCTIONS.items() if function == request.function)
    cells = tables.get(table, {})
    try:
        found = [cells[request.address + index] for index in range(request.count)]
    except KeyError as error:
        raise RefusalError(ILLEGAL_ADDRESS, f"there is no {table} {error}") from error
    if table in BIT_TABLES:
        return pack_bits(map(bool, found))
    return struct.pack(f">{len(found)}H", *found)


def _locate(profile: Profile, metric: Metric, settings: ModbusSettings) -> _Spot:
    where = place(profile, metric)
    read = read_of(profile, metric, MetricRead)
    start = read.address - settings.first_address(read.table)
    end = start + read.registers
    bits = read.table in BIT_TABLES
    if start < 0 or end > 0x10000:
        raise ProfileError(
            f"{where}: address {read.address} is none when counted {settings.addressing}; "
            f"the first {read.table} is {settings.first_address(read.table)}"
        )
    if _reserved(settings, read.table, start, end):
        raise ProfileError(f"{where}: lies in a reserved range; correct its address or the range")
    if not bits and read.registers > settings.max_registers:
        raise ProfileError(f"{where}: takes {read.registers} registers, above max_registers; raise that")
    codec = None if bits else compile_codec(read, settings.word_order, settings.byte_order)
    return _Spot(metric.name, read.table, start, end, codec)


def _reserved(settings: ModbusSettings, table: Table, start: int, end: int) -> bool:
    first = settings.first_address(table)
    ranges = settings.reserved.get(table, ())
    return any(low - first < end and start <= high - first for low, high in ranges)


def _store(spot: _Spot, value: Value | None, cells: dict[int, int]) -> None:
    if spot.codec is None:
        cells[spot.start] = int(bool(value))
        return
    span = range(spot.start, spot.end)
    before = struct.pack(f">{len(span)}H", *(cells.get(address, 0) for address in span))
    words = struct.unpack(f">{len(span)}H", spot.codec.encode(value, before))
    cells.update(zip(span, words, strict=True))
