"""Time as the platform keeps it: UTC nanoseconds for facts, monotonic seconds for waiting."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from telemetry.errors import ConfigurationError

NANOSECONDS = 1_000_000_000
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_DURATION = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(ns|us|ms|s|m|h|d|w)\s*")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.([0-9]+))?)?)([Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Times are shown in it. UTC+7 without summer time since 1975, so no time zone database is needed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Instant:
    """Now, handed to code that does no I/O.

    utc: nanoseconds since 1970-01-01T00:00:00Z, may jump when the clock is set.
    monotonic: seconds from an arbitrary start, never jumps; all waiting is measured in it.
    """

    utc: int
    monotonic: float


def parse_duration(text: str) -> float:
    """Seconds from `"500ms"`, `"1s"`, `"15m"`, `"24h"`, `"30d"`.

    Raises ConfigurationError for anything else, zero included.
    """
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if seconds <= 0:
        raise ConfigurationError(
            f"{text!r} is not a duration: write a number and a unit, such as 500ms, 1s, 15m, 24h, 30d"
        )
    return seconds


def format_utc(nanoseconds: int) -> str:
    """RFC 3339 in UTC with as many decimals of a second as are needed: `2026-11-22T01:02:03.5Z`.

    Any 64-bit number of nanoseconds has such a text: years 1677 to 2262.
    """
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"


def parse_utc(text: str) -> int:
    """Nanoseconds since the epoch from an RFC 3339 time; one without an offset counts as UTC.

    A date alone is its midnight, seconds may be left out, decimals beyond the ninth are dropped.
    Raises ValueError for anything else.
    """
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:48]!r} is not a time: write it as 2026-11-22T01:02:03Z")
    date, clock, decimals, offset = match.groups()
    clock = (clock or "00:00").partition(".")[0]
    since = datetime.fromisoformat(f"{date}T{clock}{(offset or 'Z').upper()}") - _EPOCH
    whole = since.days * 86_400 + since.seconds
    return whole * NANOSECONDS + int((decimals or "")[:9].ljust(9, "0"))
