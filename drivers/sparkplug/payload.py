"""Sparkplug B payloads: the protobuf message Payload on the wire, both ways.

Source: Eclipse Sparkplug 3.0, section 6.4 and appendix A (sparkplug_b.proto); Protocol Buffers, Encoding.
Data sets, templates and property sets are passed over; of a metric's properties only `Quality` is kept.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telemetry import HaidangError

LONGEST_PAYLOAD = 1024 * 1024
MOST_METRICS = 20_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Raw = int | float | str | bytes

INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING, BYTES, DATASET, TEMPLATE = range(10, 19)
"""Numbers of the fields of Metric that hold its value."""


class SparkplugError(HaidangError):
    """Bytes that are no Sparkplug payload. reason: the Fault's word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SparkplugMetric:
    """One metric of a payload.

    name or alias names it. timestamp: ms since 1970. datatype: a number of `values.Datatype`, None
    where the birth certificate told it. field: which of the value's fields raw comes from, 0 for none.
    quality: what the property `Quality` says, None without it.
    """

    name: str = ""
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    historical: bool = False
    null: bool = False
    field: int = 0
    raw: Raw | None = None
    quality: int | None = None


@dataclass(frozen=True, slots=True)
class SparkplugPayload:
    """What one message carries. timestamp: ms since 1970; seq: 0–255, None in commands and deaths."""

    metrics: Sequence[SparkplugMetric] = ()
    timestamp: int | None = None
    seq: int | None = None


def decode_payload(payload: bytes) -> SparkplugPayload:
    """Raises SparkplugError: `overlong`, `not_sparkplug`."""
    if len(payload) > LONGEST_PAYLOAD:
        raise SparkplugError("overlong", f"{len(payload)} bytes, at most {LONGEST_PAYLOAD} are read")
    metrics: list[SparkplugMetric] = []
    timestamp = seq = None
    for number, value in _fields(payload):
        if number == 1 and isinstance(value, int):
            timestamp = value
        elif number == 2 and isinstance(value, bytes):
            metrics.append(_decode_metric(value))
        elif number == 3 and isinstance(value, int):
            seq = value
        if len(metrics) > MOST_METRICS:
            raise SparkplugError("overlong", f"more than {MOST_METRICS} metrics")
    return SparkplugPayload(metrics, timestamp, seq)


def encode_payload(payload: SparkplugPayload) -> bytes:
    """The bytes of a payload."""
    parts = [] if payload.timestamp is None else [_varint_field(1, payload.timestamp)]
    parts += [_bytes_field(2, _encode_metric(metric)) for metric in payload.metrics]
    if payload.seq is not None:
        parts.append(_varint_field(3, payload.seq))
    return b"".join(parts)


def _decode_metric(body: bytes) -> SparkplugMetric:
    found: dict[int, Raw] = dict(_fields(body))
    field = max((number for number in found if INT <= number <= TEMPLATE), default=0)
    raw = found.get(field)
    if field == STRING:
        raw = _text(raw)
    return SparkplugMetric(
        name=_text(found[1]) if 1 in found else "",
        alias=_whole(found.get(2)),
        timestamp=_whole(found.get(3)),
        datatype=_whole(found.get(4)),
        historical=bool(found.get(5)),
        null=bool(found.get(7)),
        field=field,
        raw=raw,
        quality=_quality(found.get(9)),
    )


def _encode_metric(metric: SparkplugMetric) -> bytes:
    parts = [_bytes_field(1, metric.name.encode())] if metric.name else []
    wholes = ((2, metric.alias), (3, metric.timestamp), (4, metric.datatype))
    parts += [_varint_field(number, value) for number, value in wholes if value is not None]
    flags = ((5, metric.historical), (7, metric.null))
    parts += [_varint_field(number, 1) for number, value in flags if value]
    if metric.quality is not None:
        parts.append(_bytes_field(9, _encode_quality(metric.quality)))
    if metric.field:
        parts.append(_encode_value(metric.field, metric.raw))
    return b"".join(parts)


def _encode_value(field: int, raw: Raw | None) -> bytes:
    if isinstance(raw, str | bytes):
        return _bytes_field(field, raw.encode() if isinstance(raw, str) else raw)
    if field in {FLOAT, DOUBLE}:
        wire, form = (_FIXED32, "<f") if field == FLOAT else (_FIXED64, "<d")
        return _varint(field << 3 | wire) + struct.pack(form, raw or 0)
    return _varint_field(field, int(raw or 0))


def _quality(body: Raw | None) -> int | None:
    """The value of the property `Quality` (section 6.4.7)."""
    if not isinstance(body, bytes):
        return None
    fields = list(_fields(body))
    keys = [_text(value) for number, value in fields if number == 1]
    values = [value for number, value in fields if number == 2]
    for key, value in zip(keys, values, strict=False):
        if key == "Quality" and isinstance(value, bytes):
            return _whole(dict(_fields(value)).get(3))
    return None


def _encode_quality(quality: int) -> bytes:
    value = _varint_field(1, 3) + _varint_field(3, quality)
    return _bytes_field(1, b"Quality") + _bytes_field(2, value)


def _fields(body: bytes) -> Iterator[tuple[int, Raw]]:
    """Field numbers and values of one message; the forms a proto2 message of this kind may have."""
    place = 0
    while place < len(body):
        key, place = _read_varint(body, place)
        number, wire = key >> 3, key & 7
        value: Raw
        if wire == _VARINT:
            value, place = _read_varint(body, place)
        elif wire == _BYTES:
            size, place = _read_varint(body, place)
            value, place = _slice(body, place, size), place + size
        elif wire == _FIXED32:
            value, place = struct.unpack("<f", _slice(body, place, 4))[0], place + 4
        elif wire == _FIXED64:
            value, place = struct.unpack("<d", _slice(body, place, 8))[0], place + 8
        else:
            raise SparkplugError("not_sparkplug", f"wire type {wire} at byte {place}")
        yield number, value


def _read_varint(body: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(body):
            break
        byte = body[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
    raise SparkplugError("not_sparkplug", f"a number at byte {place} has no end")


def _slice(body: bytes, place: int, size: int) -> bytes:
    if place + size > len(body):
        raise SparkplugError("not_sparkplug", f"{size} bytes are announced, {len(body) - place} are there")
    return body[place : place + size]


def _text(value: Raw | None) -> str:
    if not isinstance(value, bytes):
        raise SparkplugError("not_sparkplug", "a text has the wrong form")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SparkplugError("not_sparkplug", f"a text is not UTF-8: {error}") from error


def _whole(value: Raw | None) -> int | None:
    return value if isinstance(value, int) else None


def _varint(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value
