"""Time series in an InfluxDB server, by line protocol and InfluxQL.

Both are what 1.x, 2.x (with a DBRP mapping) and 3 share; it is proven against 1.6.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from stores import influxql, line_protocol
from stores.contract import Points, RangeQuery, Rejected, Source, Table
from stores.influx_address import InfluxAddress
from stores.influx_http import InfluxHttp, NoDatabaseError, RefusedPointsError
from stores.screening import EARLIEST, Kind, Kinds, Screened, screen
from telemetry import StoreError
from telemetry.times import NANOSECONDS

LINES_AT_ONCE = 10_000
HOUR = 3600 * NANOSECONDS

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Screened points and their lines, in the same order."""

    screened: Sequence[Screened]
    lines: Sequence[str]
    starts: Sequence[int]

    def rejected(self, refused: Mapping[int, str]) -> list[Rejected]:
        found = [each for one in self.screened for each in one.rejected]
        return found + [self._point(line, reason) for line, reason in sorted(refused.items())]

    def _point(self, line: int, reason: str) -> Rejected:
        part = bisect_right(self.starts, line) - 1
        points, row = self.screened[part], line - self.starts[part]
        tags = {name: column[row] for name, column in points.tags.items() if column[row]}
        fields = {name: column[row] for name, column in points.fields.items() if column[row] is not None}
        return Rejected(points.measurement, points.times[row], tags, fields, reason)


class InfluxStore:
    """The Store on a server. Entering it asks nothing of the server: the first call makes the database
    and its retention policy when they are missing, so that a service may start before its InfluxDB.

    attempt: seconds for one request. patience: seconds in which it is repeated. answer: seconds for a
    question that may look at many points.
    """

    def __init__(
        self,
        address: InfluxAddress,
        *,
        attempt: float = 10.0,
        patience: float = 20.0,
        answer: float = 60.0,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._address = address
        self._http = InfluxHttp(address, attempt=attempt, patience=patience)
        self._answer = answer
        self._now = now
        self._preparing = asyncio.Lock()
        self._prepared = False
        self._retention: float | None = None
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._marks: dict[Source, int] = {}

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def write(
        self, points: Sequence[Points], watermarks: Mapping[Source, int] | None = None
    ) -> Sequence[Rejected]:
        """Stores the points, then the watermarks; a point written again is the same point."""
        await self._ready()
        rejected = await self._write_points(points)
        if watermarks:
            await self._advance(watermarks)
        return rejected

    async def watermarks(self) -> Mapping[Source, int]:
        """The highest batch number stored of every source."""
        return influxql.watermarks((await self._query(influxql.WATERMARKS))[0])

    async def range(self, query: RangeQuery) -> Table:
        """The points or buckets asked for."""
        kinds = await self._columns(query.measurement)
        statement = influxql.in_range(query, kinds)
        result = (await self._query(statement))[0] if statement else None
        return influxql.range_table(query, kinds, result)

    async def latest(self, measurement: str, by: str, since: int) -> Table:
        """For each value of the tag `by`, the last value of every field since then, in order of `by`."""
        kinds = await self._columns(measurement)
        if kinds.get(by) is not Kind.TAG:
            return influxql.newest_table(by, kinds, None)
        # Tags without a field: the first point came between the two answers that told the columns.
        statements = influxql.newest(measurement, by, since, kinds)
        return influxql.newest_table(by, kinds, await self._query(statements) if statements else None)

    async def measurements(self) -> Sequence[str]:
        """The measurements that hold points, in order."""
        return influxql.measurements((await self._query(influxql.SHOW_MEASUREMENTS))[0])

    async def count(self, measurement: str, start: int, end: int) -> int:
        """How many points lie in the span. Where points differ in their fields each one is looked at."""
        (result,) = await self._query(influxql.count_fields(measurement, start, end))
        counts = [int(str(cell or 0)) for series in result.series for cell in series.values[0][1:]]
        if sum(counts) == max(counts, default=0):
            return sum(counts)
        total = 0

        def take(result: influxql.Result) -> None:
            nonlocal total
            total += sum(len(series.values) for series in result.series)

        await self._http.query_in_chunks(influxql.every_point(measurement, start, end), take)
        return total

    async def delete_before(self, time: int) -> int:
        """Forgets older points. InfluxDB does not say how many; its retention policy does the same."""
        for measurement in await self.measurements():
            await self._query(influxql.forget(measurement, time))
        return 0

    async def _advance(self, watermarks: Mapping[Source, int]) -> None:
        # A point an hour and source: it needs no space and outlives its points under any retention policy.
        hour = self._now() // HOUR * HOUR
        highest = {source: max(seq, self._marks.get(source, seq)) for source, seq in watermarks.items()}
        await self._send([line_protocol.watermark(*source, seq, hour) for source, seq in highest.items()])
        self._marks |= highest

    async def _write_points(self, points: Sequence[Points]) -> Sequence[Rejected]:
        batch = await asyncio.to_thread(self._screened, points)
        refused: Mapping[int, str] = {}
        try:
            for start in range(0, len(batch.lines), LINES_AT_ONCE):
                await self._send(batch.lines[start : start + LINES_AT_ONCE])
        except RefusedPointsError:
            # Never sent again as it is. Another program may have given a field a type this one did not know.
            await self._learn()
            batch = await asyncio.to_thread(self._screened, points)
            refused = await self._find_refused(batch.lines)
        for one in batch.screened:
            if one.times:
                self._kinds.setdefault(one.measurement, {}).update(one.kinds)
        return batch.rejected(refused)

    async def _find_refused(self, lines: Sequence[str]) -> Mapping[int, str]:
        """Halves what is refused until single points are left; those that pass are stored by this."""
        spans = [
            (start, min(start + LINES_AT_ONCE, len(lines))) for start in range(0, len(lines), LINES_AT_ONCE)
        ]
        refused: dict[int, str] = {}
        while spans:
            start, end = spans.pop()
            try:
                await self._send(lines[start:end])
            except RefusedPointsError as error:
                middle = (start + end) // 2
                if middle == start:
                    refused[start] = f"InfluxDB refuses it: {error}"
                else:
                    spans += [(start, middle), (middle, end)]
        return refused

    def _screened(self, points: Sequence[Points]) -> _Batch:
        oldest = EARLIEST if self._retention is None else self._now() - int(self._retention * NANOSECONDS)
        kinds: dict[str, Kinds] = dict(self._kinds)
        screened: list[Screened] = []
        lines: list[str] = []
        starts: list[int] = []
        for some in points:
            one = screen(some, kinds.get(some.measurement, {}), oldest)
            if one.times:
                kinds[some.measurement] = one.kinds
            screened.append(one)
            starts.append(len(lines))
            lines += line_protocol.encode(one)
        return _Batch(screened, lines, starts)

    async def _send(self, lines: Sequence[str]) -> None:
        try:
            await self._http.write(lines)
        except NoDatabaseError:
            self._prepared = False
            await self._ready()
            await self._http.write(lines)

    async def _query(self, statements: str) -> Sequence[influxql.Result]:
        await self._ready()
        try:
            return await self._http.query(statements, seconds=self._answer)
        except NoDatabaseError:
            self._prepared = False
            await self._ready()
            return await self._http.query(statements, seconds=self._answer)

    async def _columns(self, measurement: str) -> Kinds:
        fields, tags = await self._query(influxql.show_columns(measurement))
        return influxql.columns(fields, tags).get(measurement, {})

    async def _ready(self) -> None:
        async with self._preparing:
            if not self._prepared:
                await self._prepare()
                await self._learn()
                (marks,) = await self._http.query(influxql.WATERMARKS)
                self._marks = influxql.watermarks(marks)
                self._prepared = True

    async def _learn(self) -> None:
        fields, tags = await self._http.query(influxql.show_columns())
        self._kinds = influxql.columns(fields, tags)

    async def _prepare(self) -> None:
        """Makes the database and the policy when missing; finds out how long points are kept."""
        address = self._address
        try:
            found = await self._policies()
        except NoDatabaseError:
            await self._make(influxql.create_database(address.database, address.policy, address.retention))
            found = await self._policies()
        if address.policy and address.policy not in found:
            await self._make(influxql.create_policy(address.database, address.policy, address.retention))
            found = await self._policies()
        policy = address.policy or next((name for name, (_, default) in found.items() if default), "")
        self._retention, _ = found.get(policy, (None, False))
        if address.retention not in (None, self._retention):
            log.warning("store.retention_differs", kept=self._retention, configured=address.retention)

    async def _policies(self) -> Mapping[str, tuple[float | None, bool]]:
        return influxql.policies((await self._http.query(influxql.show_policies(self._address.database)))[0])

    async def _make(self, statement: str) -> None:
        try:
            await self._http.query(statement)
        except StoreError as error:
            raise StoreError(
                f"{error}. The database or its retention policy is missing and cannot be made by this user: "
                f"let an administrator run {statement} (InfluxDB 2: make a bucket and a DBRP mapping for it)"
            ) from error
