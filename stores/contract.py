"""What every time-series store does: points in by columns, tables out.

A point has a measurement, a time (UTC nanoseconds), tags (texts that say whose it is) and fields
(its values), at least one. Measurement, tag and field names are 1 to 64 lower-case letters, digits and
_. Numbers are kept as 64-bit floats, so an integer that turns into a float drops nothing; a field keeps
the type (number, text, truth value) of its first value, and a later point with another type there is
rejected alone. Tags are short names: a control character in one is kept as a space, a backslash at its
end is dropped, and an empty one is no tag.

Nobody gives a point (same measurement, tags and time) twice: InfluxDB would keep one, with the fields
of both, the embedded store two. What was written before a crash is known by the watermarks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from telemetry import Value


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one measurement, column by column; every column is as long as `times`.

    tags: name → one text for each point. fields: name → one value for each point, None where absent.
    """

    measurement: str
    times: Sequence[int]
    tags: Mapping[str, Sequence[str]]
    fields: Mapping[str, Sequence[Value | None]]


class Source(NamedTuple):
    """Who numbers its batches: a gateway within one life of its outbox."""

    gateway: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A point the store can never take, with the reason; everything else of the write is stored."""

    measurement: str
    time: int
    tags: Mapping[str, str]
    fields: Mapping[str, Value | None]
    reason: str


class Aggregate(StrEnum):
    """How the values of one time bucket become one value."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """Points of a measurement with these tags, `start` ≤ time < `end` (UTC nanoseconds), oldest first.

    fields: names to return, empty for all. every: bucket width in nanoseconds, with `aggregate`; a
    bucket is stamped with its start, aligned to the epoch, and empty buckets are left out; texts and
    truth values take part in first, last and count only, and a row without any value is left out.
    limit: at most so many rows. Raises ValueError when `every` or `limit` is not positive.
    """

    measurement: str
    start: int
    end: int
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: tuple[str, ...] = ()
    every: int | None = None
    aggregate: Aggregate = Aggregate.MEAN
    limit: int = 10_000

    def __post_init__(self) -> None:
        if self.limit < 1 or (self.every is not None and self.every < 1):
            raise ValueError(f"limit {self.limit} and every {self.every} must be positive")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns. The first column is `time`, in UTC nanoseconds."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Value | None, ...]]


class Store(Protocol):
    """Opened and closed as an async context manager. Every method raises StoreError when the store
    cannot be reached, is full or fails; then nothing is lost, since the gateways still hold it. A write
    that raised it may have been stored all the same: ask for the watermarks before writing again.
    """

    async def write(
        self, points: Sequence[Points], watermarks: Mapping[Source, int] | None = None
    ) -> Sequence[Rejected]:
        """Stores all points durably and, with them, how far each source's batches are stored.

        The embedded store commits both in one transaction; InfluxDB writes the points first, so that
        a crash in between only writes the same points again. Returns what can never be stored.
        """
        ...

    async def watermarks(self) -> Mapping[Source, int]:
        """The highest batch number stored of every source."""
        ...

    async def range(self, query: RangeQuery) -> Table:
        """The points or buckets asked for; columns are `time`, then the fields; an unknown name, no rows."""
        ...

    async def latest(self, measurement: str, by: str, since: int) -> Table:
        """For each value of the tag `by`, the last non-null value of every field since `since`.

        Columns: `time` and tags (of the newest point), fields, each in the order of their names; rows in
        the order of `by`. Points without that tag take no part.
        """
        ...

    async def measurements(self) -> Sequence[str]:
        """The measurements that hold points."""
        ...

    async def count(self, measurement: str, start: int, end: int) -> int:
        """How many points the measurement holds with `start` ≤ time < `end`."""
        ...

    async def delete_before(self, time: int) -> int:
        """Retention: forgets points older than `time`. Returns how many, 0 where the server does not say."""
        ...
