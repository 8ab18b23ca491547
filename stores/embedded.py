"""The embedded store: time series in one DuckDB file, with no server.

Each measurement is a table in the schema `main`: `time` (nanoseconds since 1970, UTC), a VARCHAR for each
tag, a DOUBLE, VARCHAR or BOOLEAN for each field. What the store knows of itself is in the schema `haidang`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import duckdb
import pyarrow as pa

from stores import embedded_sql as sql
from stores.contract import Points, RangeQuery, Rejected, Source, Table
from stores.duck import Asking, Database, Row, insert_arrow
from stores.questions import answering_fields
from stores.screening import EARLIEST, Kind, Screened, screen
from telemetry import StoreError, Value
from telemetry.times import NANOSECONDS

FILE = "series.duckdb"
FORGOTTEN_AT_ONCE = 100_000

_ARROW = {Kind.TAG: pa.string(), Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.TRUTH: pa.bool_()}
_Result = TypeVar("_Result")


class EmbeddedStore:
    """The Store of one process, in `folder`, which becomes readable by its owner only.

    retention: seconds; older points are rejected (deleting is up to who calls `delete_before`).
    memory: DuckDB's limit. patience: seconds a question may take.
    Opening raises StoreError: another process has the file, it is damaged, or the disk is full.
    """

    def __init__(
        self,
        folder: Path,
        *,
        retention: float | None = None,
        memory: str = "512MB",
        patience: float = 30.0,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._database = Database(folder / FILE, memory, threads=2)
        self._retention = retention
        self._patience = patience
        self._now = now
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(2, "store-reader")

    async def __aenter__(self) -> Self:
        await self._in_turn(self._database.open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._in_turn(self._database.close)
        self._writer.shutdown()
        self._readers.shutdown()

    async def write(
        self, points: Sequence[Points], watermarks: Mapping[Source, int] | None = None
    ) -> Sequence[Rejected]:
        """Stores points and watermarks in one transaction, on the disk when it returns.

        A cancelled write may have been stored nevertheless; the watermarks say so.
        """
        return await self._in_turn(lambda: self._store(points, watermarks or {}))

    async def watermarks(self) -> Mapping[Source, int]:
        """The highest batch number stored of every source."""
        question = sql.Question(
            "SELECT gateway, epoch, seq FROM haidang.watermarks WHERE gateway <> ''", (), ()
        )
        rows = await self._ask(lambda: question)
        return {Source(str(gateway), str(epoch)): int(str(seq)) for gateway, epoch, seq in rows}

    async def range(self, query: RangeQuery) -> Table:
        """The points or buckets asked for."""
        kinds = await self._kinds(query.measurement)
        columns = ("time", *answering_fields(query, kinds))
        question = sql.in_range(query, kinds)
        return Table(columns, await self._ask(lambda: question) if question else ())

    async def latest(self, measurement: str, by: str, since: int) -> Table:
        """For each value of the tag `by`, the last value of every field since then, in order of `by`."""
        kinds = await self._kinds(measurement)
        question = sql.newest(measurement, by, since, kinds)
        if kinds.get(by) is not Kind.TAG:
            return Table(question.columns, ())
        return Table(question.columns, await self._ask(lambda: question))

    async def measurements(self) -> Sequence[str]:
        """The measurements that hold points, in order."""
        await self._mended()
        names = sorted(self._database.kinds)
        if not names:
            return []
        return [str(name) for (name,) in await self._ask(lambda: sql.Question(sql.filled(names), (), ()))]

    async def count(self, measurement: str, start: int, end: int) -> int:
        """How many points lie in the span."""
        if not await self._kinds(measurement):
            return 0
        ((number,),) = await self._ask(lambda: sql.count(measurement, start, end))
        return int(str(number))

    async def delete_before(self, time: int) -> int:
        """Forgets older points, some at a time so that writes come in between; their space is used again."""
        total = 0
        await self._mended()
        for measurement in sorted(self._database.kinds):
            forgotten = FORGOTTEN_AT_ONCE
            while forgotten == FORGOTTEN_AT_ONCE:
                forgotten = await self._in_turn(partial(self._forget, measurement, time))
                total += forgotten
        if total:
            await self._in_turn(self._database.checkpoint)
        return total

    async def _in_turn(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def _mended(self) -> None:
        if self._database.needs_mending:
            await self._in_turn(self._database.mend)

    async def _kinds(self, measurement: str) -> Mapping[str, Kind]:
        await self._mended()
        return self._database.kinds.get(measurement, {})

    async def _ask(self, question: Callable[[], sql.Question]) -> list[Row]:
        await self._mended()
        asking = Asking()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience):
                return await loop.run_in_executor(self._readers, self._database.read, asking, question())
        except TimeoutError as error:
            raise StoreError(
                f"the store took longer than {self._patience} s to answer: ask for a shorter span"
            ) from error
        finally:
            asking.stop()

    def _store(self, points: Sequence[Points], watermarks: Mapping[Source, int]) -> Sequence[Rejected]:
        if not points and not watermarks:
            return []
        self._database.mend()
        oldest = EARLIEST if self._retention is None else self._now() - int(self._retention * NANOSECONDS)
        before = self._database.kinds
        kinds = dict(before)
        screened: list[Screened] = []
        for some in points:
            one = screen(some, kinds.get(some.measurement, {}), oldest)
            screened.append(one)
            if one.times:
                kinds[some.measurement] = one.kinds
        self._database.commit(lambda connection: _insert(connection, screened, before, kinds), watermarks)
        self._database.kinds = kinds
        return [rejected for one in screened for rejected in one.rejected]

    def _forget(self, measurement: str, before: int) -> int:
        def delete(connection: duckdb.DuckDBPyConnection) -> int:
            statement = sql.forget(measurement)
            ((number,),) = connection.execute(statement, [before, FORGOTTEN_AT_ONCE]).fetchall()
            return int(number)

        return self._database.commit(delete, {})


def _insert(
    connection: duckdb.DuckDBPyConnection,
    screened: Sequence[Screened],
    before: Mapping[str, Mapping[str, Kind]],
    after: Mapping[str, Mapping[str, Kind]],
) -> int:
    parts: dict[str, list[object]] = {}
    for one in screened:
        if one.times:
            parts.setdefault(one.measurement, []).append(_arrow(one))
    for measurement in parts:
        for statement, parameters in sql.growth(measurement, before.get(measurement), after[measurement]):
            connection.execute(statement, parameters)
    for measurement, tables in parts.items():
        whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
        insert_arrow(connection, sql.insert(measurement), whole)
    return sum(len(one.times) for one in screened)


def _arrow(points: Screened) -> object:
    columns = {"time": pa.array(points.times, pa.int64())}
    for name, texts in points.tags.items():
        present: Sequence[Value | None] = [text or None for text in texts] if "" in texts else texts
        columns[name] = pa.array(present, pa.string())
    for name, values in points.fields.items():
        columns[name] = pa.array(values, _ARROW[points.kinds[name]])
    return pa.table(columns)
