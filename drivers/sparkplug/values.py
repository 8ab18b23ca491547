"""Sparkplug B data types: what a metric's raw field means, and how a value becomes one.

Source: Eclipse Sparkplug 3.0, section 6.4.16 (data types) and the table of signed numbers carried in
unsigned fields.
"""

import math
import struct
from enum import IntEnum

from drivers.sparkplug.payload import BOOLEAN, DOUBLE, FLOAT, INT, LONG, STRING, Raw, SparkplugMetric
from telemetry import CommandError, Value, format_utc

LONGEST_TEXT = 1024
_EXACT = 2**53


class Datatype(IntEnum):
    """The data types that are one value."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15


_BITS = {
    Datatype.INT8: 8,
    Datatype.INT16: 16,
    Datatype.INT32: 32,
    Datatype.INT64: 64,
    Datatype.UINT8: 8,
    Datatype.UINT16: 16,
    Datatype.UINT32: 32,
    Datatype.UINT64: 64,
}
_SIGNED = {Datatype.INT8, Datatype.INT16, Datatype.INT32, Datatype.INT64}
_TEXTS = {Datatype.STRING, Datatype.TEXT, Datatype.UUID}


def is_single(datatype: int | None) -> bool:
    """Whether metrics of this type are one value; data sets, templates, files and arrays are not."""
    return datatype in Datatype._value2member_map_


def value_of(metric: SparkplugMetric, datatype: int) -> Value | None:
    """The metric's value; None for null. Raises ValueError for what this type cannot be."""
    if metric.null or metric.raw is None:
        return None
    kind, raw = Datatype(datatype), metric.raw
    if kind in _BITS and isinstance(raw, int):
        return _whole(kind, raw)
    if kind in {Datatype.FLOAT, Datatype.DOUBLE} and isinstance(raw, float):
        return _shortest(raw) if metric.field == FLOAT else _finite(raw)
    if kind is Datatype.BOOLEAN and isinstance(raw, int):
        return bool(raw)
    if kind in _TEXTS and isinstance(raw, str) and len(raw) <= LONGEST_TEXT:
        return raw
    if kind is Datatype.DATETIME and isinstance(raw, int) and raw < 2**43:
        return format_utc(raw * 1_000_000)
    raise ValueError(f"its value is not one of type {kind.name}")


def metric_of(
    name: str, datatype: int, value: Value | None, timestamp: int, alias: int | None = None
) -> SparkplugMetric:
    """A metric that carries this value. Raises CommandError for a value the type cannot hold."""
    if value is None:
        return SparkplugMetric(name, alias, timestamp, datatype, null=True)
    kind = Datatype(datatype)
    field, raw = _raw(kind, value, name)
    return SparkplugMetric(name, alias, timestamp, datatype, field=field, raw=raw)


def value_from_text(text: str, datatype: int, name: str) -> Value:
    """A value of this type as people write it. Raises CommandError."""
    kind = Datatype(datatype)
    if kind in _TEXTS:
        return text
    if kind is Datatype.BOOLEAN and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return int(text) if kind in _BITS or kind is Datatype.DATETIME else float(text)
    except ValueError as error:
        raise CommandError(f"{name} is of type {kind.name}, which {text[:40]!r} is not") from error


def _raw(kind: Datatype, value: Value, name: str) -> tuple[int, Raw]:
    if kind in _TEXTS and isinstance(value, str):
        return STRING, value
    if kind is Datatype.BOOLEAN and isinstance(value, bool):
        return BOOLEAN, int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if kind in {Datatype.FLOAT, Datatype.DOUBLE}:
            return (FLOAT, _float32(value, name)) if kind is Datatype.FLOAT else (DOUBLE, float(value))
        if kind is Datatype.DATETIME and value == int(value) and 0 <= value < 2**43:
            return LONG, int(value)
        if kind in _BITS and value == int(value) and _fits(kind, int(value)):
            wide = kind in {Datatype.INT64, Datatype.UINT64}
            return (LONG, int(value) & 2**64 - 1) if wide else (INT, int(value) & 2**32 - 1)
    raise CommandError(f"{name} is of type {kind.name}, which {str(value)[:40]!r} is not")


def _whole(kind: Datatype, raw: int) -> float:
    bits = _BITS[kind]
    whole = raw & (1 << bits) - 1
    if kind in _SIGNED and whole >> (bits - 1):
        whole -= 1 << bits
    return whole if abs(whole) <= _EXACT else float(whole)


def _fits(kind: Datatype, value: int) -> bool:
    bits = _BITS[kind]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind in _SIGNED else (0, (1 << bits) - 1)
    return low <= value <= high


def _float32(value: float, name: str) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError as error:
        raise CommandError(f"{name}: {value} does not fit into a 32-bit float") from error


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return value


def _shortest(value: float) -> float:
    """The shortest decimal that is this 32-bit float: 20.1 and not 20.100000381."""
    for digits in range(6, 10):
        short = float(f"{_finite(value):.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", value):
            return short
    return value
