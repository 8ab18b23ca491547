"""Times in a query string: RFC 3339, or relative to now such as `-1h`."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from api.parts import PartsOf
from api.problems import wrong
from telemetry import ConfigurationError, parse_duration, parse_utc
from telemetry.times import NANOSECONDS

_LATEST_TIME = 2**63 - 1
_LONGEST_TEXT = 64
_SHORTEST_BUCKET, _LONGEST_BUCKET = 0.001, 366 * 86400.0  # seconds
_LOST_PLUS = re.compile(r"(.+[Tt].+) (\d\d:?\d\d)")
"""`+07:00` that was not percent-encoded arrives as a space."""

_TIME = (
    "RFC 3339 (`2026-11-22T08:00:00+07:00`; without an offset it is UTC), or relative to now (`-1h`, `now`)."
)


@dataclass(frozen=True, slots=True)
class Span:
    """start ≤ time < end, in UTC nanoseconds."""

    start: int
    end: int


def parse_time(text: str, now: int) -> int:
    """UTC nanoseconds. Raises ValueError that says how to write it."""
    try:
        time = _parse_time(text.strip(), now)
    except (ValueError, OverflowError, ConfigurationError) as error:
        raise ValueError(
            f"{text[:_LONGEST_TEXT]!r} is not a time: write 2026-11-22T08:00:00Z, -1h or now"
        ) from error
    if not 0 <= time <= _LATEST_TIME:
        raise ValueError(f"{text[:_LONGEST_TEXT]!r} is outside 1970 to 2262")
    return time


def _parse_time(text: str, now: int) -> int:
    if not text.isascii() or len(text) > _LONGEST_TEXT:
        raise ValueError("not the characters of a time")
    if text == "now":
        return now
    if text.startswith("-"):
        return now - round(parse_duration(text[1:]) * NANOSECONDS)
    return parse_utc(_LOST_PLUS.sub(r"\1+\2", text))


def parse_bucket(text: str) -> int:
    """The width of a time bucket in nanoseconds. Raises ValueError that says how to write it."""
    try:
        seconds = parse_duration(text)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    if not _SHORTEST_BUCKET <= seconds <= _LONGEST_BUCKET:
        raise ValueError("a bucket is 1ms to 366d wide")
    return round(seconds * NANOSECONDS)


def _span(
    parts: PartsOf,
    start: Annotated[str, Query(description=f"From this time on. {_TIME}", examples=["-1h"])] = "-1h",
    end: Annotated[str, Query(description=f"Before this time. {_TIME}", examples=["now"])] = "now",
) -> Span:
    now = parts.clock()
    span = Span(_checked("query/start", start, now), _checked("query/end", end, now))
    if span.start >= span.end:
        raise wrong("query/start", "must be earlier than end")
    return span


def _checked(where: str, text: str, now: int) -> int:
    try:
        return parse_time(text, now)
    except ValueError as error:
        raise wrong(where, str(error)) from error


def _bucket(
    every: Annotated[
        str | None,
        Query(description="Width of the time buckets, such as `1m`; left out: every point as it was read."),
    ] = None,
) -> int | None:
    try:
        return parse_bucket(every) if every else None
    except ValueError as error:
        raise wrong("query/every", str(error)) from error


SpanOf = Annotated[Span, Depends(_span)]
BucketOf = Annotated[int | None, Depends(_bucket)]
