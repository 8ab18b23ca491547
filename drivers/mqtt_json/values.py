"""What a found JSON value means: number, text, truth or time, as the profile says, or a PayloadError."""

import math
import re
from collections.abc import Callable, Mapping

from drivers.mqtt_json.paths import scalar_text, shown
from drivers.mqtt_json.payloads import PayloadError, bytes_in, number_in
from drivers.mqtt_json.words import Read
from drivers.scaling import exact, exact_line, on_line
from telemetry import Instant, Value, parse_utc
from telemetry.times import NANOSECONDS

LONGEST_TEXT = 1024
LONGEST_LIST = 100
_EXACT = 2**53
_YEAR_2000 = 946_684_800 * NANOSECONDS
_DAY = 86_400 * NANOSECONDS
_NUMBER = re.compile(r"[ \t\r\n]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?[ \t\r\n]*")
_ZONED = re.compile(r".*(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})\s*")
_BASIC_OFFSET = re.compile(r"(.*[0-9])([+-][0-9]{2})([0-9]{2})")
_TRUTHS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_EPOCH_UNITS = ((1e11, NANOSECONDS), (1e14, 1_000_000), (1e17, 1_000), (1e20, 1))
"""Numbers below the first are seconds, then milliseconds, microseconds, nanoseconds since 1970."""

Converter = Callable[[object], Value | None]
"""Gives None for what means no value; raises PayloadError."""


def converter(read: Read, channels: Mapping[str, int]) -> Converter:
    """How this metric's values are understood."""
    meant = _meaning(read)
    nulls = {scalar_text(null) for null in read.nulls}
    field = read.bytes

    def convert(found: object) -> Value | None:
        if field is not None:
            found = number_in(bytes_in(found, field.encoding), field, channels)
        if found is None or (nulls and scalar_text(found) in nulls):
            return None
        return meant(found)

    return convert


def number(found: object) -> float:
    """An int stays one while a 64-bit float holds it exactly."""
    if isinstance(found, str) and len(found) <= 64 and _NUMBER.fullmatch(found):
        return finite(float(found))
    if isinstance(found, int) and not isinstance(found, bool):
        if abs(found) <= _EXACT:
            return found
        if found.bit_length() > 1000:
            raise PayloadError("value", "a number too large for a 64-bit float")
        return float(found)
    if isinstance(found, float):
        return finite(found)
    raise PayloadError("value", f"{shown(found)} is not a number")


def finite(number: float) -> float:
    """The number. Raises PayloadError for NaN and infinity."""
    if not math.isfinite(number):
        raise PayloadError("value", f"{number} is not a finite number")
    return number


def text(found: object) -> str:
    """A value as text, of bounded length."""
    if isinstance(found, dict | list):
        raise PayloadError("value", f"{shown(found)} is not a text")
    said = found if isinstance(found, str) else shown(found)
    if len(said) > LONGEST_TEXT:
        raise PayloadError("value", f"a text of {len(said)} characters, at most {LONGEST_TEXT} are kept")
    return said


def truth(found: object) -> bool:
    """true, on, 1 and false, off, 0, in any case."""
    said = shown(found).strip("'").lower() if isinstance(found, int | str) else ""
    if said not in _TRUTHS:
        raise PayloadError("value", f"{shown(found)} is not true or false")
    return _TRUTHS[said]


def instant(told: object, now: Instant, zone: str = "") -> int:
    """The time a device says, in UTC nanoseconds. Raises PayloadError for one that cannot be.

    From the year 2000 to a day after the gateway's own clock, where that is set. zone: the offset of a time
    that names none.
    """
    utc = _told_instant(told, zone)
    latest = now.utc + _DAY if now.utc >= _YEAR_2000 else 2**63
    if not _YEAR_2000 <= utc <= latest:
        raise PayloadError("time", f"the device says {shown(told)}, which cannot be; its clock wants setting")
    return utc


def _told_instant(told: object, zone: str) -> int:
    if isinstance(told, str) and not _NUMBER.fullmatch(told[:64]):
        try:
            return parse_utc(_with_offset(told[:64].strip(), zone))
        except ValueError as error:
            raise PayloadError("time", f"{shown(told)} is not a time") from error
    said = number(told)
    for limit, nanoseconds in _EPOCH_UNITS:
        if abs(said) < limit:
            whole = math.floor(said)
            return whole * nanoseconds + _fraction(said - whole, nanoseconds)
    raise PayloadError("time", f"{shown(told)} is not a time")


def _fraction(of_unit: float, nanoseconds: int) -> int:
    """To the microsecond, which is what a 64-bit float holds of a time of this century."""
    return round(of_unit * nanoseconds / 1000) * 1000


def _with_offset(told: str, zone: str) -> str:
    """RFC 3339 from what devices write: an offset without a colon, or none at all."""
    if basic := _BASIC_OFFSET.fullmatch(told):
        return f"{basic[1]}{basic[2]}:{basic[3]}" if "T" in told or ":" in told else told
    has_clock = ":" in told
    return told + zone if zone and has_clock and not _ZONED.fullmatch(told) else told


def _meaning(read: Read) -> Callable[[object], Value]:
    if read.values:
        return lambda found: _mapped(found, read.values)
    if read.type == "text":
        return lambda found: text(_joined(found, read.join))
    if read.type == "boolean":
        return truth
    scaled = scaling(read.scale, read.offset)
    return lambda found: scaled(number(_bare(found, read.suffix)))


def _mapped(found: object, values: Mapping[str, Value]) -> Value:
    said = scalar_text(found)
    if said is None or said.strip() not in values:
        raise PayloadError("value", f"{shown(found)} is none of {', '.join(values)[:200]}")
    return values[said.strip()]


def scaling(scale: float, offset: float) -> Callable[[float], float]:
    """number × scale + offset, which raises PayloadError where that is past all numbers."""
    line = exact_line(exact(scale), exact(offset))

    def scaled(number: float) -> float:
        value = number if line == (1, 0, 1) else on_line(number, line)
        if value is None:
            raise PayloadError("value", f"{number} × {scale:g} + {offset:g} is past all numbers")
        return value

    return scaled


def _joined(found: object, join: str) -> object:
    if not join or not isinstance(found, list):
        return found
    said = [scalar_text(one) for one in found[:LONGEST_LIST]]
    return join.join(one for one in said if one is not None)


def _bare(found: object, suffix: str) -> object:
    return found.strip().removesuffix(suffix).strip() if suffix and isinstance(found, str) else found
