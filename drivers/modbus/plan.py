"""From a Modbus profile to few read requests, and from their replies to values.

The words of a profile's `settings:` are those of `ModbusSettings`; each metric's `read:` is a
`MetricRead` (drivers/modbus/values.py). The same plan fills a simulated device's tables.
docs/modbus.md is their manual.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from drivers.modbus.frames import (
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
from drivers.modbus.steps import Step, computed_of, scale_spot, scales_of, unscaled
from drivers.modbus.values import BIT_TABLES, MetricRead, Order, Table, ValueCodec, compile_codec
from drivers.words import Words, place, read_of, settings_of
from telemetry import Profile, ProfileError, Value
from telemetry.devices import Duration

FUNCTIONS: Mapping[Table, int] = {
    "coil": READ_COILS,
    "discrete": READ_DISCRETE_INPUTS,
    "holding": READ_HOLDING_REGISTERS,
    "input": READ_INPUT_REGISTERS,
}
_REFERENCE: Mapping[Table, int] = {"coil": 1, "discrete": 10001, "holding": 40001, "input": 30001}
"""The first address of each table where a manual numbers them like 40001."""
_REFERENCE_6: Mapping[Table, int] = {"coil": 1, "discrete": 100001, "holding": 400001, "input": 300001}
"""The same in six digits, as manuals write that go past 9,999 of a table."""

Tables = dict[Table, dict[int, int]]
"""A device's memory: per table, 0-based wire address → register (0–65535) or bit (0, 1)."""


def _pause(value: object) -> object:
    """Seconds as Duration takes them, but none is fine too."""
    return _DURATION.validate_python(value) if isinstance(value, str) else value


_DURATION: TypeAdapter[float] = TypeAdapter(Duration)


class ModbusSettings(Words):
    """What holds for every register of a device model.

    addressing: how the profile counts addresses: zero_based as on the wire, one_based, or reference
    (40001 or 400001 is the first holding register, 30001 or 300001 input, 10001 or 100001 discrete, 1 coil).
    max_registers, max_bits: the most one request asks for. max_gap: registers (or bits) nobody
    asked for that a request may read to save another; 0 because some devices refuse a request that
    touches one they do not have. reserved: per table, first and last address never to read.
    timeout: seconds until a request counts as unanswered. retries: further tries of a request while
    the device is known to answer. delay: seconds of rest between two requests to this device.
    gap: seconds of silence on the line between two RTU frames; left out, 3.5 characters at the link's
    baud rate. groups: name → period of metrics that are polled at a period of their own.
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
    delay: Annotated[float, BeforeValidator(_pause)] = Field(default=0.0, ge=0, le=60)
    gap: Annotated[float, BeforeValidator(_pause)] | None = Field(default=None, ge=0, le=1)
    groups: dict[str, Duration] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        for table, ranges in self.reserved.items():
            if any(first > last for first, last in ranges):
                raise ValueError(f"a reserved range of {table} ends before it starts: write [first, last]")
        return self

    def wire_address(self, table: Table, address: int) -> int:
        """An address as the profile counts, as it stands on the wire; below 0 or above 65535 for none."""
        return address - self.first_address(table, address)

    def first_address(self, table: Table, address: int = 0) -> int:
        """What the profile calls the address that is 0 on the wire."""
        if self.addressing == "reference":
            return (_REFERENCE_6 if address >= _REFERENCE_6[table] else _REFERENCE)[table]
        return 0 if self.addressing == "zero_based" else 1


_Part = tuple[tuple[int, ...], str, Callable[[Any], Value | None]]
"""Which bytes of a reply make a value, the struct code of these, and the last step."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A metric on the wire: 0-based [start, end) of its table."""

    metric: str
    table: Table
    start: int
    end: int
    codec: ValueCodec | None
    group: str = ""

    def part(self, origin: int) -> _Part:
        """Bytes of a reply that starts at `origin`, the struct code they make, and the last step."""
        if self.codec is None:
            bit = (self.start - origin) % 8
            return ((self.start - origin) // 8,), "B", lambda raw: bool(raw >> bit & 1)
        first = 2 * (self.start - origin)
        return tuple(first + pick for pick in self.codec.picks), self.codec.code, self.codec.finish


class Span(Protocol):
    """A stretch of a table: 0-based, the end not in it."""

    table: Table
    start: int
    end: int


class PlannedRead:
    """One request and how its reply's data bytes become values, compiled once per profile."""

    __slots__ = ("_finishers", "_layout", "_pick", "_plain", "metrics", "request")

    def __init__(self, request: Request, spots: Sequence[_Spot]) -> None:
        self.request = request
        self.metrics = tuple(spot.metric for spot in spots)
        parts = [spot.part(request.address) for spot in spots]
        self._layout, self._pick = _layout(parts, request.body_length)
        self._finishers = tuple((spot.metric, part[2]) for spot, part in zip(spots, parts, strict=True))
        self._plain = all(spot.codec is not None and spot.codec.plain for spot in spots)

    def decode(self, body: bytes) -> dict[str, Value]:
        """Values of a reply's data bytes (`request.body_length` of them); those not available are absent."""
        raws = self._layout.unpack(body if self._pick is None else bytes(self._pick(body)))
        if self._plain and math.isfinite(sum(raws)):
            return dict(zip(self.metrics, raws, strict=True))
        values: dict[str, Value] = {}
        for (metric, finish), raw in zip(self._finishers, raws, strict=True):
            value = finish(raw)
            if value is not None:
                values[metric] = value
        return values


def _layout(
    parts: Sequence[_Part], length: int
) -> tuple[struct.Struct, Callable[[bytes], Sequence[int]] | None]:
    """How a reply's data bytes are taken apart: at once where values stand in order, else picked first."""
    code, at = ">", 0
    for picks, one, _ in parts:
        if picks[0] < at or picks != tuple(range(picks[0], picks[0] + len(picks))):
            chosen = [pick for part in parts for pick in part[0]]
            layout = struct.Struct(">" + "".join(part[1] for part in parts))
            return layout, (
                itemgetter(*chosen) if len(chosen) > 1 else itemgetter(slice(chosen[0], chosen[0] + 1))
            )
        code += f"{picks[0] - at}x{one}"
        at = picks[-1] + 1
    return struct.Struct(f"{code}{length - at}x"), None


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Metrics that are polled together: one Reading comes of it.

    every: their period in seconds, None for the device's own. steps: what is made of the values when
    all replies are in: scales applied, formulas evaluated.
    """

    name: str
    every: float | None
    reads: tuple[PlannedRead, ...]
    steps: tuple[Step, ...] = ()


class Plan:
    """What to ask a device of one model, in which order."""

    def __init__(self, profile: Profile) -> None:
        """Raises ProfileError naming the profile, the metric and what to write instead."""
        self.settings = settings_of(profile, ModbusSettings)
        words = {metric.name: read_of(profile, metric, MetricRead) for metric in profile.metrics}
        if len(words) < len(profile.metrics) or not (words or profile.actions):
            raise ProfileError(f"profile {profile.id}: needs metrics, each with a name of its own")
        self._spots = _locate_all(profile, words, self.settings)
        computed = computed_of(profile, words)
        self._scales = scales_of(words, self._spots)
        self.groups = tuple(
            PlannedGroup(
                name,
                self.settings.groups.get(name),
                tuple(self._read(block) for block in self._blocks(name)),
                (*(one for one in self._scales if one.group == name), *computed.get(name, ())),
            )
            for name in dict.fromkeys(spot.group for spot in self._spots)
        )
        self.reads = tuple(read for group in self.groups for read in group.reads)

    def fill(self, values: Mapping[str, Value | None], tables: Tables | None = None) -> Tables:
        """A device's memory that says these values; None is "not available".

        Writes into `tables` when given. Raises EncodingError for what a register cannot hold.
        """
        tables = {} if tables is None else tables
        told = unscaled(self._scales, values, self._codecs)
        for spot in self._spots:
            if spot.metric in told:
                _store(spot, told[spot.metric], tables.setdefault(spot.table, {}))
        return tables

    def touched(self, span: Span) -> frozenset[str]:
        """The groups that read something of this span, so that a write there makes them worth a poll."""
        return frozenset(
            spot.group
            for spot in self._spots
            if spot.table == span.table and spot.start < span.end and span.start < spot.end
        )

    @cached_property
    def _codecs(self) -> Mapping[str, ValueCodec]:
        return {spot.metric: spot.codec for spot in self._spots if spot.codec is not None}

    def _blocks(self, name: str) -> Iterable[list[_Spot]]:
        group: list[_Spot] = []
        spots = [spot for spot in self._spots if spot.group == name]
        for spot in sorted(spots, key=lambda p: (p.table, p.start, p.end)):
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


def _locate_all(profile: Profile, words: Mapping[str, MetricRead], settings: ModbusSettings) -> list[_Spot]:
    """Every register metric's place, and once a group that of each register which scales some."""
    spots: dict[str, _Spot] = {}
    for metric in profile.metrics:
        read, where = words[metric.name], place(profile, metric)
        if read.group and read.group not in settings.groups:
            known = ", ".join(settings.groups) or "none"
            raise ProfileError(f"{where}: no group {read.group!r} in settings.groups; there are {known}")
        if not read.compute:
            spots[metric.name] = locate(where, metric.name, read, settings)
        if read.scale_from is not None:
            name, scale = scale_spot(read)
            spots[name] = locate(f"{where}: scale_from", name, scale, settings)
    return list(spots.values())


def locate(where: str, name: str, read: MetricRead, settings: ModbusSettings) -> _Spot:
    """A register's or coil's place on the wire. Raises ProfileError beginning with `where`."""
    address = read.address or 0
    start = settings.wire_address(read.table, address)
    end = start + read.registers
    bits = read.table in BIT_TABLES
    if start < 0 or end > 0x10000:
        raise ProfileError(
            f"{where}: address {address} is none when counted {settings.addressing}; "
            f"the first {read.table} is {settings.first_address(read.table)}"
        )
    if _reserved(settings, read.table, start, end):
        raise ProfileError(f"{where}: lies in a reserved range; correct its address or the range")
    if not bits and read.registers > settings.max_registers:
        raise ProfileError(f"{where}: takes {read.registers} registers, above max_registers; raise that")
    codec = None if bits else compile_codec(read, settings.word_order, settings.byte_order)
    return _Spot(name, read.table, start, end, codec, read.group)


def _reserved(settings: ModbusSettings, table: Table, start: int, end: int) -> bool:
    return any(
        settings.wire_address(table, low) < end and start <= settings.wire_address(table, high)
        for low, high in settings.reserved.get(table, ())
    )


def _store(spot: _Spot, value: Value | None, cells: dict[int, int]) -> None:
    if spot.codec is None:
        cells[spot.start] = int(bool(value))
        return
    span = range(spot.start, spot.end)
    before = struct.pack(f">{len(span)}H", *(cells.get(address, 0) for address in span))
    words = struct.unpack(f">{len(span)}H", spot.codec.encode(value, before))
    cells.update(zip(span, words, strict=True))
