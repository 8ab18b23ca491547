"""Devices that publish JSON, or plain single values, over MQTT.

The profile's metrics say under which path of the payload a value stands and, where a device spreads its
values over several topics, on which: see `Read` and `Settings` for the words. All values of one message
are one Reading. An empty payload only clears a retained message and passes silently.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, Field

from drivers.contract import Event, Fault, Listener
from drivers.stamps import Stamps
from drivers.words import Words, place, read_of, settings_of
from telemetry import (
    Device,
    HaidangError,
    Instant,
    Profile,
    ProfileError,
    Quality,
    Reading,
    Value,
    parse_utc,
)
from telemetry.times import NANOSECONDS
from telemetry.topics import check_filter, ends_with

LONGEST_PAYLOAD = 256 * 1024
LONGEST_TEXT = 1024
_EVIDENCE = 1024
_EXACT = 2**53
_YEAR_2000 = 946_684_800 * NANOSECONDS
_DAY = 86_400 * NANOSECONDS
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*")
_TRUTHS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_EPOCH_UNITS = ((1e11, NANOSECONDS), (1e14, 1_000_000), (1e17, 1_000), (1e20, 1))
"""Numbers below the first are seconds, then milliseconds, microseconds, nanoseconds since 1970."""

Tail = Annotated[str, AfterValidator(lambda text: check_filter(text) if text else text)]


class PayloadError(HaidangError):
    """Something in a payload that is not what the profile says. reason: the Fault's word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Settings(Words):
    """topic: filter for the last levels of the topic, such as `+/SENSOR`; empty takes every message.

    time: path of the device's own time (RFC 3339, or a number of s, ms, µs or ns since 1970); empty
    takes the gateway's clock.
    """

    topic: Tail = ""
    time: str = ""


class Read(Words):
    """Where one metric stands.

    path: keys and list positions joined by dots (`sensors.0.temp`), or a JSON pointer (RFC 6901) that
    starts with `/`; empty for a payload that is the value itself. topic: as in the settings, for this
    metric. type: a `number` may be sent as text; a `boolean` also as 0, 1, on, off.
    scale, offset: number × scale + offset.
    """

    path: str
    topic: Tail = ""
    type: Literal["number", "text", "boolean"] = "number"
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class _Wanted:
    metric: str
    topic: str
    steps: tuple[str, ...]
    convert: Callable[[object], Value]


class Publisher(Listener):
    """Listens to one device's topics.

    Faults, by reason: `overlong`, `not_json`, `deep`, `value` (one value is wrong, the others are read),
    `no_values` (none of the profile's paths is there), `time` (the reading then carries the gateway's
    time and is uncertain). The first kilobyte of the payload is kept with each.
    """

    def __init__(self, device: Device, profile: Profile, wanted: tuple[_Wanted, ...], time: str) -> None:
        self._device = device.id
        self._kind = profile.kind
        self._wanted = wanted
        self._time = _steps(time)
        self._stamps = Stamps()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """One message: its payload and, as origin, its topic."""
        wanted = [one for one in self._wanted if not one.topic or ends_with(origin, one.topic)]
        if not wanted or not chunk:
            return ()
        try:
            document = _decode(chunk, plain=not any(one.steps for one in wanted))
        except PayloadError as error:
            return (self._fault(error.reason, f"{origin}: {error}", chunk),)
        return list(self._events(wanted, document, chunk, now))

    def _events(
        self, wanted: Sequence[_Wanted], document: object, payload: bytes, now: Instant
    ) -> Iterator[Event]:
        values: dict[str, Value] = {}
        wrong = False
        for one in wanted:
            found = _walk(document, one.steps)
            if found is None:
                continue
            try:
                values[one.metric] = one.convert(found)
            except PayloadError as error:
                wrong = True
                yield self._fault(error.reason, f"{one.metric}: {error}", payload)
        if values:
            yield from self._reading(values, document, payload, now)
        elif not wrong:
            yield self._fault("no_values", "none of the profile's paths is in this payload", payload)

    def _reading(
        self, values: dict[str, Value], document: object, payload: bytes, now: Instant
    ) -> Iterator[Event]:
        utc, quality = now.utc, Quality.GOOD
        told = _walk(document, self._time) if self._time else None
        if told is not None:
            try:
                utc = _instant(told, now)
            except PayloadError as error:
                quality = Quality.UNCERTAIN
                yield self._fault("time", str(error), payload)
        yield Reading(self._device, self._kind, self._stamps.next(utc), values, quality)

    def _fault(self, reason: str, detail: str, payload: bytes) -> Fault:
        return Fault(self._device, reason, detail, payload[:_EVIDENCE])


def open_driver(device: Device, profile: Profile) -> Publisher:
    """A driver for one publishing device. Raises ProfileError naming the metric and the remedy."""
    settings = settings_of(profile, Settings)
    wanted: list[_Wanted] = []
    for metric in profile.metrics:
        read = read_of(profile, metric, Read)
        if read.type != "number" and (metric.unit != "1" or (read.scale, read.offset) != (1.0, 0.0)):
            raise ProfileError(
                f"{place(profile, metric)}: a {read.type} has no unit, scale or offset: leave them out"
            )
        topic = read.topic or settings.topic
        wanted.append(_Wanted(metric.name, topic, _steps(read.path), _converter(read)))
    return Publisher(device, profile, tuple(wanted), settings.time)


def _decode(payload: bytes, *, plain: bool) -> object:
    """The payload as JSON; where only the payload itself is wanted (`plain`), else as text."""
    if len(payload) > LONGEST_PAYLOAD:
        raise PayloadError("overlong", f"{len(payload)} bytes, at most {LONGEST_PAYLOAD} are read")
    try:
        document: object = msgspec.json.decode(payload)
    except RecursionError as error:
        raise PayloadError("deep", "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if plain:
            return _plain_text(payload)
        raise PayloadError("not_json", f"not JSON: {error}") from error
    return document


def _plain_text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError("not_json", f"neither JSON nor text: {error}") from error


def _steps(path: str) -> tuple[str, ...]:
    if not path:
        return ()
    if path.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    return tuple(path.split("."))


def _walk(document: object, steps: Sequence[str]) -> object:
    """What stands at the end of the path; None where nothing does or null."""
    here: Any = document
    for step in steps:
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isascii() and step.isdecimal() and len(step) < 7:
            here = here[int(step)] if int(step) < len(here) else None
        else:
            return None
    return here


def _converter(read: Read) -> Callable[[object], Value]:
    if read.type == "text":
        return _text
    if read.type == "boolean":
        return _truth
    if (read.scale, read.offset) == (1.0, 0.0):
        return _number
    return lambda found: _finite(_number(found) * read.scale + read.offset)


def _number(found: object) -> float:
    """An int stays one while a 64-bit float holds it exactly."""
    if isinstance(found, str) and _NUMBER.fullmatch(found[:64]) and len(found) <= 64:
        return _finite(float(found))
    if isinstance(found, int) and not isinstance(found, bool):
        if abs(found) <= _EXACT:
            return found
        if found.bit_length() > 1000:
            raise PayloadError("value", "a number too large for a 64-bit float")
        return float(found)
    if isinstance(found, float):
        return _finite(found)
    raise PayloadError("value", f"{_shown(found)} is not a number")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise PayloadError("value", f"{number} is not a finite number")
    return number


def _text(found: object) -> str:
    if isinstance(found, dict | list):
        raise PayloadError("value", f"{_shown(found)} is not a text")
    text = found if isinstance(found, str) else _shown(found)
    if len(text) > LONGEST_TEXT:
        raise PayloadError("value", f"a text of {len(text)} characters, at most {LONGEST_TEXT} are kept")
    return text


def _truth(found: object) -> bool:
    text = _shown(found).strip("'").lower() if isinstance(found, int | str) else ""
    if text not in _TRUTHS:
        raise PayloadError("value", f"{_shown(found)} is not true or false")
    return _TRUTHS[text]


def _shown(found: object) -> str:
    """A value for a message, short whatever was sent."""
    if isinstance(found, dict | list):
        return f"a {type(found).__name__}"
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int) and found.bit_length() > 64:
        return "a huge number"
    return repr(found)[:48]


def _instant(told: object, now: Instant) -> int:
    utc = _told_instant(told)
    latest = now.utc + _DAY if now.utc >= _YEAR_2000 else 2**63
    if not _YEAR_2000 <= utc <= latest:
        raise PayloadError(
            "time", f"the device says {_shown(told)}, which cannot be; its clock wants setting"
        )
    return utc


def _told_instant(told: object) -> int:
    if isinstance(told, str) and not _NUMBER.fullmatch(told[:64]):
        try:
            return parse_utc(told[:64])
        except ValueError as error:
            raise PayloadError("time", f"{_shown(told)} is not a time") from error
    number = _number(told)
    for limit, nanoseconds in _EPOCH_UNITS:
        if abs(number) < limit:
            whole = math.floor(number)
            return whole * nanoseconds + round((number - whole) * nanoseconds)
    raise PayloadError("time", f"{_shown(told)} is not a time")
