"""The fields of one NMEA 0183 sentence as numbers: units, angles, positions and clocks.

A null field, or one that an older issue of the sentence lacks, reads as None; a field that is there and
is not what the standard says raises FieldError. Field numbers count from 0 after the address field.
Source: IEC 61162-1, clause 7.2 (field types).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telemetry import HaidangError
from telemetry import Value as Measured

KNOT = 1852 / 3600
SPEEDS = {"N": KNOT, "K": 1 / 3.6, "M": 1.0, "S": 1609.344 / 3600}
"""Unit letter → metres per second: knots, km/h, m/s, statute miles per hour."""
LENGTHS = {"M": 1.0, "f": 0.3048, "F": 1.8288}
"""Unit letter → metres: metres, feet, fathoms."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})")
_DEGREES = re.compile(r"([0-9]{1,3})([0-9]{2}(?:\.[0-9]{0,12})?)")
_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{2}|[0-9]{4})")
_CLOCK = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2}(?:\.[0-9]{0,9})?)")


class FieldError(HaidangError):
    """A field that is there and is not what the standard says."""


def number(text: str) -> float:
    """A decimal number as NMEA writes it. Raises FieldError for anything else, exponents included."""
    if not _NUMBER.fullmatch(text):
        raise FieldError(f"{text[:24]!r} is not a number")
    return float(text)


@dataclass(frozen=True, slots=True)
class Fields:
    """A sentence's fields and the gateway's time at which it came, UTC nanoseconds."""

    texts: Sequence[str]
    utc: int

    def text(self, index: int) -> str:
        """The field as sent, empty where null or absent."""
        return self.texts[index] if index < len(self.texts) else ""

    def number(self, index: int, factor: float = 1.0) -> float | None:
        """A number without a unit letter, times `factor`."""
        text = self.text(index)
        return number(text) * factor if text else None

    def in_unit(self, index: int, factors: Mapping[str, float]) -> float | None:
        """A number times the factor of the unit letter that follows it."""
        text, letter = self.text(index), self.text(index + 1)
        if not text:
            return None
        if letter not in factors:
            raise FieldError(f"the unit of {text[:24]!r} is {letter[:8]!r}, not one of {', '.join(factors)}")
        return number(text) * factors[letter]

    def either(self, *places: tuple[int, Mapping[str, float]]) -> float | None:
        """The first of several fields that is not null: one quantity said in several units."""
        return next((value for place in places if (value := self.in_unit(*place)) is not None), None)

    def east(self, index: int) -> float | None:
        """Degrees followed by E or W, positive to the east."""
        return self.in_unit(index, {"E": 1.0, "W": -1.0})

    def circle(self, index: int) -> float | None:
        """Degrees from 0 up to 360, which becomes 0."""
        degrees = self.number(index)
        if degrees is None:
            return None
        if not 0 <= degrees <= 360:
            raise FieldError(f"{self.text(index)[:24]!r} is outside 0 to 360 degrees")
        return degrees % 360

    def latitude(self, index: int) -> float | None:
        """Degrees, north positive, from `5251.0094` and `N`."""
        return self._position(index, {"N": 1, "S": -1}, 90)

    def longitude(self, index: int) -> float | None:
        """Degrees, east positive, from `00518.8172` and `E`."""
        return self._position(index, {"E": 1, "W": -1}, 180)

    def clock_offset(self, clock: str, day: str, month: str, year: str) -> float | None:
        """Seconds by which the device's clock is ahead of the gateway's. A year of two digits is 20xx."""
        if not (clock and day and month and year):
            return None
        match = _CLOCK.fullmatch(clock)
        if not match or int(match[1]) > 23 or int(match[2]) > 59 or float(match[3]) >= 61:
            raise FieldError(f"{clock[:24]!r} is not a time of day")
        since = timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=float(match[3]))
        return (_midnight(day, month, year) - _EPOCH + since).total_seconds() - self.utc / 1e9

    def _position(self, index: int, signs: Mapping[str, int], limit: int) -> float | None:
        text, side = self.text(index), self.text(index + 1)
        if not text:
            return None
        match = _DEGREES.fullmatch(text)
        if not match or side not in signs:
            raise FieldError(f"{text[:24]!r} {side[:8]!r} is not degrees, minutes and a side")
        degrees = int(match[1]) + float(match[2]) / 60
        if float(match[2]) >= 60 or degrees > limit:
            raise FieldError(f"{text[:24]!r} is not on Earth")
        return signs[side] * degrees


@dataclass(frozen=True, slots=True)
class Value:
    """One named value of a sentence.

    unit: its UCUM code. read: how it is found; None where the sentence has none. circular: whether it counts
    round a circle. textual: whether it is a text or true and false, and no number.
    """

    unit: str
    read: Callable[[Fields], Measured | None]
    circular: bool = False
    textual: bool = False


def said(read: Callable[[Fields], bool | str | None]) -> Value:
    """A text, or true and false."""
    return Value("1", read, textual=True)


def angle(read: Callable[[Fields], float | None]) -> Value:
    """A direction in degrees."""
    return Value("deg", read, circular=True)


def numbered(index: int, unit: str = "1", factor: float = 1.0) -> Value:
    """A number of one field, times `factor`."""
    return Value(unit, lambda fields: fields.number(index, factor))


def text(index: int) -> Value:
    """A field as it is sent."""
    return said(lambda fields: fields.text(index) or None)


def word(index: int, words: Mapping[str, str]) -> Value:
    """A field's code as a word; one that is not known is given as it is."""
    return said(lambda fields: words.get(fields.text(index), fields.text(index)) or None)


def _midnight(day: str, month: str, year: str) -> datetime:
    text = f"{day}/{month}/{year}"
    match = _DATE.fullmatch(text)
    if match is None:
        raise FieldError(f"{text[:24]!r} is not a date")
    century = 2000 if len(match[3]) == 2 else 0
    try:
        return datetime(century + int(match[3]), int(match[2]), int(match[1]), tzinfo=UTC)
    except ValueError as error:
        raise FieldError(f"{text!r} is not a date") from error
