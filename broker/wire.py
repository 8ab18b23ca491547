"""What travels on the data topic: sealed batches of readings as SenML packs (RFC 8428, JSON).

A pack is an array of SenML records. A record with a base time (`bt`) begins a reading: its base name
(`bn`) is `device/`, and two labels of ours, which RFC 8428 §4.4 lets others ignore, give the kind
(`k`) and a quality that is not good (`q`). Every record has a name and one value: `v`, `vs` or `vb`.
`bt` carries nanoseconds as decimals of a second, which readers with 64-bit floats round to a
fraction of a microsecond; here it is read exactly.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec

from telemetry import Quality, Reading, Value, WireError
from telemetry.devices import check_identifier
from telemetry.words import check_name

_LATEST_TIME = 2**63 - 1
_LARGEST = 10**300
"""Integers beyond it are poison: a 64-bit float, as rules and stores keep numbers, cannot hold them."""
_MOST_POISON = 1_000
_EPOCH = re.compile(r"[0-9a-z]{1,32}")


Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A count, version or time of a message: whoever computes with it or shows it need not fear its size."""


class _Record(msgspec.Struct, omit_defaults=True, gc=False):
    bn: str = ""
    bt: Decimal | None = None
    k: str = ""
    q: Quality = Quality.GOOD
    n: str = ""
    v: int | float | None = None
    vs: str | None = None
    vb: bool | None = None


class _Envelope(msgspec.Struct):
    epoch: str
    seq: int
    after: int
    pack: list[_Record]
    site: str = ""


class _LooseEnvelope(msgspec.Struct):
    epoch: str
    seq: int
    after: int
    pack: msgspec.Raw
    site: str = ""


@dataclass(frozen=True, slots=True)
class Poison:
    """A part of a batch that cannot be read, with the reason; the rest of the batch is good."""

    reason: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings sealed together. `seq` counts from 1 within the epoch, one life of an outbox.

    after: everything up to this number has been receipted and left the outbox. site: the gateway's.
    """

    epoch: str
    seq: int
    after: int
    readings: Sequence[Reading]
    poison: Sequence[Poison] = ()
    site: str = ""


_encode_pack = msgspec.json.Encoder(decimal_format="number").encode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_loose_envelope = msgspec.json.Decoder(_LooseEnvelope).decode
_decode_raw_records = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_record = msgspec.json.Decoder(_Record).decode


def encode_pack(readings: Sequence[Reading]) -> bytes:
    """The readings as one SenML pack. Raises WireError for a value JSON cannot carry."""
    try:
        return _encode_pack([record for reading in readings for record in _records(reading)])
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"a reading cannot be written as SenML: {error}") from error


def seal(epoch: str, seq: int, after: int, pack: bytes, site: str = "") -> bytes:
    """The payload of a batch around a pack made earlier."""
    head = b'{"epoch":"%b","seq":%d,"after":%d,"site":%b,"pack":' % (epoch.encode(), seq, after, encode(site))
    return head + pack + b"}"


def decode_batch(payload: bytes) -> Batch:
    """The batch in a payload; what of it cannot be read is in `poison`.

    Raises WireError only when not even the envelope can be read.
    """
    try:
        envelope = _decode_envelope(payload)
        readings = list(_readings(envelope.pack))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return _salvage(payload)
    return Batch(_epoch(envelope), envelope.seq, envelope.after, readings, site=envelope.site)


def _records(reading: Reading) -> Iterator[_Record]:
    records = (_record(name, value) for name, value in reading.values.items())
    head = next(records, None)
    if head is None:
        raise ValueError(f"the reading of {reading.device} has no value")
    head.bn, head.bt = f"{reading.device}/", Decimal(reading.observed_at).scaleb(-9)
    head.k, head.q = reading.kind, reading.quality
    yield head
    yield from records


def _record(name: str, value: Value) -> _Record:
    if isinstance(value, str):
        return _Record(n=name, vs=value)
    if isinstance(value, bool):
        return _Record(n=name, vb=value)
    if value - value != 0:
        raise ValueError(f"{name} is {value}, and only finite numbers can be sent")
    return _Record(n=name, v=value)


def _readings(records: Sequence[_Record]) -> Iterator[Reading]:
    """Groups records into readings. Raises ValueError at the first thing that cannot be."""
    values: dict[str, Value] = {}
    for record in records:
        if record.bt is not None:
            values = {}  # filled below, before whoever takes the reading looks at the next record
            yield Reading(_device(record.bn), _name(record.k), _time(record.bt), values, record.q)
        elif not values:
            raise ValueError("a pack must begin with a record that has bn, bt and k")
        values[_name(record.n)] = _value(record)


def _value(record: _Record) -> Value:
    number = record.v
    if number is not None:
        if isinstance(number, int) and not -_LARGEST <= number <= _LARGEST:
            raise ValueError(f"{record.n!r} is an integer too large for a 64-bit float")
        return number
    if record.vs is not None:
        return record.vs
    if record.vb is not None:
        return record.vb
    raise ValueError(f"{record.n!r} has no value")


def _time(seconds: Decimal) -> int:
    nanoseconds = int(seconds.scaleb(9)) if seconds.is_finite() and seconds.adjusted() < 11 else -1
    if not 0 <= nanoseconds <= _LATEST_TIME:
        raise ValueError(f"time {seconds} is outside 1970 to 2262")
    return nanoseconds


@lru_cache(65_536)
def _device(base_name: str) -> str:
    if not base_name.endswith("/"):
        raise ValueError(f"base name {base_name!r} is not a device's id and a slash")
    return check_identifier(base_name[:-1])


@lru_cache(65_536)
def _name(text: str) -> str:
    return check_name(text)


def _epoch(envelope: _Envelope | _LooseEnvelope) -> str:
    if not _EPOCH.fullmatch(envelope.epoch) or not 0 <= envelope.after < envelope.seq <= _LATEST_TIME:
        raise WireError("not a batch: epoch, seq and after do not fit together")
    return envelope.epoch


def _salvage(payload: bytes) -> Batch:
    """The slow way through a batch that is partly poison: record by record."""
    try:
        envelope = _decode_loose_envelope(payload)
        epoch = _epoch(envelope)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError(f"not a batch: {error}") from error
    readings: list[Reading] = []
    poison: list[Poison] = []
    for group in _groups(bytes(envelope.pack), poison):
        _salvage_reading(group, readings, poison)
    if len(poison) > _MOST_POISON:
        pieces = len(poison) - _MOST_POISON
        rest = b",".join(one.content for one in poison[_MOST_POISON:])
        poison[_MOST_POISON:] = [Poison(f"{pieces} more of this pack cannot be read", rest)]
    return Batch(epoch, envelope.seq, envelope.after, readings, poison, envelope.site)


def _groups(pack: bytes, poison: list[Poison]) -> Iterator[list[tuple[bytes, _Record]]]:
    """The records of each reading, as sent and as read; unreadable ones go to `poison`."""
    try:
        raw_records = _decode_raw_records(pack)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        poison.append(Poison(f"not a pack: {error}", pack))
        return
    group: list[tuple[bytes, _Record]] = []
    for raw in raw_records:
        content = bytes(raw)
        try:
            record = _decode_record(content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            poison.append(Poison(f"not a record: {error}", content))
            if b'"bt"' in content:
                yield group
                group = []
            continue
        if record.bt is not None:
            yield group
            group = []
        group.append((content, record))
    yield group


def _salvage_reading(
    group: Sequence[tuple[bytes, _Record]], readings: list[Reading], poison: list[Poison]
) -> None:
    good: list[_Record] = []
    for content, record in group:
        try:
            list(_readings([*good[:1], record]))
        except (ValueError, OverflowError) as error:
            poison.append(Poison(str(error), content))
        else:
            good.append(record)
    readings.extend(_readings(good))


class Receipt(msgspec.Struct, frozen=True):
    """The centre's word: everything of this epoch up to `seq` is stored."""

    epoch: str
    seq: Whole


class DeviceStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one device of a gateway fares. Counts are since the gateway started; times UTC nanoseconds.

    declared: `file` for a device in the gateway's own configuration, `api` for one pushed to it.
    state: `connecting`, `ok`, `silent`, `faulty` or `refused`, with `detail` for people.
    settings: those of the device itself, without secrets.
    """

    id: str
    profile: str
    link: str
    declared: str
    name: str = ""
    every: float | None = None
    unit_id: Whole = 1
    state: str = "connecting"
    detail: str = ""
    readings: Whole = 0
    faults: Mapping[str, Whole] = {}
    last_reading_at: Whole | None = None
    last_fault: str = ""
    settings: Mapping[str, Any] = {}


class GatewayStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gateway says of itself, retained; the broker sends the will (online false) when it vanishes.

    configuration: version applied. backlog: batches that wait for a receipt, in rows and bytes.
    refused: readings not accepted, by reason. clock: the gateway's time when it said so, UTC nanoseconds.
    alerts: what is wrong with the gateway itself, a sentence by a fixed word such as `disk-full`.
    partial: only these devices changed; the others are as they were.
    """

    online: bool
    version: str = ""
    site: str = ""
    configuration: Whole = 0
    backlog: Whole = 0
    backlog_bytes: Whole = 0
    accepted: Whole = 0
    refused: Mapping[str, Whole] = {}
    clock: Whole = 0
    devices: Sequence[DeviceStatus] = ()
    alerts: Mapping[str, str] = {}
    partial: bool = False


class PushedDevice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A device as the centre pushes it; the same words as in haidang.toml, `every` in seconds."""

    id: str
    profile: str
    link: str
    name: str = ""
    every: float | None = None
    unit_id: Whole = 1
    settings: Mapping[str, Any] = {}


class Configuration(msgspec.Struct, frozen=True):
    """The devices the centre wants a gateway to read beside those of its own file."""

    version: Whole
    devices: Sequence[PushedDevice]


class LiveReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest reading of a device, as consoles see it. Times are UTC nanoseconds."""

    gateway: str
    device: str
    kind: str
    observed_at: Whole
    received_at: Whole
    values: Mapping[str, Value]
    quality: Quality = Quality.GOOD


encode = msgspec.json.Encoder().encode
"""Any of the messages above as JSON."""


MessageT = TypeVar("MessageT")


def decode(payload: bytes, kind: type[MessageT]) -> MessageT:
    """A message of this kind, or a list of such, from JSON. Raises WireError."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError(f"not a {kind.__name__}: {error}") from error
