"""The embedded store after failures inside DuckDB, and while questions take long."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stores.contract import Points, Source
from stores.embedded import EmbeddedStore
from stores.embedded_sql import Question
from telemetry import StoreError
from telemetry.times import NANOSECONDS
from tests.waiting import until

ENDLESS = Question("SELECT count(*) FROM range(10000000) a, range(10000000) b", (), ("count",))
SOURCE = Source("quay", "e")


def point(time: int) -> Points:
    return Points("m", [time], {"device": ["a"]}, {"x": [1.5]})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    async with EmbeddedStore(tmp_path) as store:
        await store.write([point(1)], {SOURCE: 1})
        yield store


class FailingConnection:
    """A DuckDB connection one of whose methods fails, once it has done its work or before.

    dies: from then on nothing works but closing.
    """

    def __init__(self, connection: Any, method: str, *, after: bool, dies: bool) -> None:
        self._connection, self._method, self._after, self._dies = connection, method, after, dies
        self._dead = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._connection, name)
        if name == "close" or (name != self._method and not self._dead):
            return real

        def fail(*arguments: Any) -> Any:
            if self._after and not self._dead:
                real(*arguments)
            self._method, self._dead = "", self._dies
            raise duckdb.IOException("No space left on device")

        return fail


def break_once(store: EmbeddedStore, method: str, *, after: bool, dies: bool = False) -> None:
    database: Any = store._database
    database._connection = FailingConnection(database._connection, method, after=after, dies=dies)


async def test_a_commit_that_failed_after_it_was_stored_is_not_repeated(store: EmbeddedStore) -> None:
    break_once(store, "commit", after=True)
    assert await store.write([point(2)], {SOURCE: 2}) == []
    assert await store.count("m", 0, 10) == 2
    assert await store.watermarks() == {SOURCE: 2}


@pytest.mark.parametrize("method", ["begin", "register", "execute", "commit"])
async def test_a_write_that_failed_leaves_nothing_and_the_next_one_works(
    store: EmbeddedStore, method: str
) -> None:
    break_once(store, method, after=False)
    with pytest.raises(StoreError, match="free space"):
        await store.write([point(2), Points("new", [2], {}, {"y": [1.0]})], {SOURCE: 2})
    assert await store.measurements() == ["m"]
    assert await store.watermarks() == {SOURCE: 1}
    assert await store.write([point(2), Points("new", [2], {}, {"y": ["text"]})], {SOURCE: 2}) == []
    assert await store.measurements() == ["m", "new"]
    assert await store.count("m", 0, 10) == 2


async def test_a_database_that_duckdb_gave_up_is_opened_again(store: EmbeddedStore) -> None:
    database: Any = store._database
    database._connection.close()
    with pytest.raises(StoreError):
        await store.write([point(2)], {SOURCE: 2})
    assert await store.watermarks() == {SOURCE: 1}
    await store.write([point(2)], {SOURCE: 2})
    assert await store.count("m", 0, 10) == 2


async def test_a_question_on_a_broken_database_has_it_opened_again(store: EmbeddedStore) -> None:
    store._database._broken = True
    assert await store.count("m", 0, 10) == 1
    assert not store._database.needs_mending


async def test_a_write_whose_fate_is_unknown_asks_for_a_look_at_the_watermarks(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    break_once(store, "commit", after=True, dies=True)
    database: Any = store._database
    real_file, database._file = database._file, tmp_path  # a folder cannot be opened: nothing is found out
    with pytest.raises(StoreError):
        await store.write([point(2)], {SOURCE: 2})
    database._file = real_file
    with pytest.raises(StoreError, match="watermarks"):
        await store.write([point(2)], {SOURCE: 2})
    assert await store.watermarks() == {SOURCE: 2}
    await store.write([point(3)], {SOURCE: 3})
    assert await store.count("m", 0, 10) == 3


@pytest.mark.parametrize("after", [False, True])
async def test_a_connection_that_dies_in_a_commit_is_replaced(store: EmbeddedStore, after: bool) -> None:
    break_once(store, "commit", after=after, dies=True)
    if after:
        assert await store.write([point(2)], {SOURCE: 2}) == []
    else:
        with pytest.raises(StoreError):
            await store.write([point(2)], {SOURCE: 2})
        await store.write([point(2)], {SOURCE: 2})
    assert await store.count("m", 0, 10) == 2
    assert await store.watermarks() == {SOURCE: 2}


async def test_slow_questions_do_not_stop_writes(store: EmbeddedStore) -> None:
    slow = [asyncio.create_task(store._ask(lambda: ENDLESS)) for _ in range(2)]
    await until(lambda: len(store._database._asking) == 2)
    for number in range(2, 12):
        await store.write([point(number)], {SOURCE: number})
    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    assert await store.count("m", 0, 100) == 11  # the readers were let go


async def test_a_question_that_takes_too_long_is_a_clear_error(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path, patience=0.2) as store:
        with pytest.raises(StoreError, match="shorter span"):
            await store._ask(lambda: ENDLESS)
        await until(lambda: not store._database._asking)


async def test_closing_ends_questions_under_way(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as store:
        slow = asyncio.create_task(store._ask(lambda: ENDLESS))
        await until(lambda: store._database._asking)
    with pytest.raises(StoreError):
        await slow


async def test_a_cancelled_write_is_stored_whole_or_not_at_all(store: EmbeddedStore) -> None:
    writing = asyncio.create_task(store.write([point(2)], {SOURCE: 2}))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    stored = (await store.watermarks())[SOURCE]
    await store.write([], {})
    stored = (await store.watermarks())[SOURCE]
    assert await store.count("m", 0, 10) == stored


async def test_points_older_than_the_retention_are_rejected_with_the_reason(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path, retention=10.0, now=lambda: 100 * NANOSECONDS) as store:
        edge = 90 * NANOSECONDS
        rejected = await store.write([Points("m", [edge - 1, edge], {}, {"x": [1.0, 2.0]})], {SOURCE: 1})
        assert [(each.time, "retention" in each.reason) for each in rejected] == [(edge - 1, True)]
        assert await store.count("m", 0, 2**62) == 1
        assert await store.watermarks() == {SOURCE: 1}
