"""InfluxDB stopped, hanging, overloaded, refusing: what the store makes of it. The servers are real."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Any

import httpx
import pytest

from stores.contract import Points, Source
from stores.influx import InfluxStore
from stores.influx_address import InfluxAddress
from telemetry import StoreError
from telemetry.times import NANOSECONDS
from tests import servers
from tests.stores.faulty_influx import FaultyInflux, answer, faulty_influx

NOON = 1_790_000_000 * NANOSECONDS
ALWAYS = (0, 2**62)
SOURCE = Source("quay", "e")


def points(count: int = 3, start: int = NOON, **fields: Any) -> Points:
    columns = {name: [value] * count for name, value in fields.items()} or {"wind": [1.5] * count}
    return Points("weather", [start + i for i in range(count)], {"device": ["mast"] * count}, columns)


async def ask(address: InfluxAddress, statement: str, **more: str) -> Any:
    """A question of the server itself, past the store."""
    async with httpx.AsyncClient(base_url=address.base, trust_env=False) as client:
        form = {"db": address.database, "epoch": "ns", "q": statement, **more}
        return (await client.post("/query", data=form)).json()["results"][0]


async def put(address: InfluxAddress, lines: str) -> None:
    """Another program's write."""
    async with httpx.AsyncClient(base_url=address.base, trust_env=False) as client:
        response = await client.post("/write", params={"db": address.database}, content=lines)
        assert response.status_code == 204


@pytest.fixture
async def faulty(influx_url: str) -> AsyncGenerator[FaultyInflux]:
    async with faulty_influx(influx_url) as faulty:
        yield faulty


@pytest.fixture
def faulty_address(influx_address: InfluxAddress, faulty: FaultyInflux) -> InfluxAddress:
    return replace(influx_address, base=faulty.url)


async def test_a_server_that_was_stopped_and_is_back_takes_the_same_points(tmp_path: Path) -> None:
    port = servers.free_port()
    address = InfluxAddress(f"http://127.0.0.1:{port}", "port")
    async with InfluxStore(address, patience=0.5) as store:
        with pytest.raises(StoreError, match="check that InfluxDB runs"):
            await store.write([points()], {SOURCE: 1})
        with servers.influxd(tmp_path / "influx", port):
            await store.write([points()], {SOURCE: 1})
        for question in (store.watermarks(), store.count("weather", *ALWAYS), store.write([points(5)])):
            with pytest.raises(StoreError, match="check that InfluxDB runs"):
                await question
        with servers.influxd(tmp_path / "influx", port):
            assert await store.watermarks() == {SOURCE: 1}
            await store.write([points(5)], {SOURCE: 2})
            assert await store.count("weather", *ALWAYS) == 5
            assert await store.watermarks() == {SOURCE: 2}


async def test_a_server_that_accepts_and_never_answers_is_given_up_in_time() -> None:
    released = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = InfluxAddress(f"http://127.0.0.1:{port}", "port")
        async with InfluxStore(address, attempt=0.1, patience=0.4) as store:
            with pytest.raises(StoreError, match=r"within 0\.4 s \(ReadTimeout\)"):
                await store.write([points()])
        released.set()


@pytest.mark.parametrize("body", ["<html>", "{}", '{"results": []}', '{"status": "up"}'])
async def test_a_server_that_is_not_influxdb_is_named(body: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("200 OK", body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = InfluxAddress(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "port")
        async with InfluxStore(address) as store:
            with pytest.raises(StoreError, match="not InfluxDB's"):
                await store.watermarks()


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable", "429 Too Many"])
async def test_an_overloaded_server_is_asked_again(
    faulty: FaultyInflux, faulty_address: InfluxAddress, status: str
) -> None:
    faulty.answers += [answer(status, '{"error": "timeout"}')] * 2
    async with InfluxStore(faulty_address) as store:
        assert await store.write([points()]) == []
        assert faulty.writes == 3
        assert await store.count("weather", *ALWAYS) == 3


async def test_a_connection_cut_in_mid_answer_is_tried_again(
    faulty: FaultyInflux, faulty_address: InfluxAddress
) -> None:
    faulty.answers += [b"", b"HTTP/1.1 204 No", b"\x00\xff\r\n\r\n"]
    async with InfluxStore(faulty_address) as store:
        assert await store.write([points()]) == []
        assert faulty.writes == 4


async def test_a_first_point_between_the_answers_for_fields_and_for_tags_is_no_error(
    faulty: FaultyInflux, faulty_address: InfluxAddress
) -> None:
    tags = '{"series": [{"name": "weather", "columns": ["tagKey"], "values": [["device"]]}]}'
    faulty.columns = answer("200 OK", f'{{"results": [{{"statement_id": 0}}, {tags}]}}')
    async with InfluxStore(faulty_address) as store:
        table = await store.latest("weather", "device", 0)
        assert (table.columns, list(table.rows)) == (("time", "device"), [])


async def test_an_answer_damaged_on_its_way_is_asked_for_again(
    faulty: FaultyInflux, faulty_address: InfluxAddress
) -> None:
    damaged = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    faulty.answers += [damaged]
    async with InfluxStore(faulty_address) as store:
        assert await store.write([points()]) == []
        assert faulty.writes == 2


async def test_a_server_that_stays_overloaded_is_an_error_that_says_so(
    faulty: FaultyInflux, faulty_address: InfluxAddress
) -> None:
    faulty.answers += [answer("503 Service Unavailable", '{"error": "engine is full"}')] * 50
    async with InfluxStore(faulty_address, patience=0.5) as store:
        with pytest.raises(StoreError, match="engine is full"):
            await store.write([points()])
        assert 1 < faulty.writes < 20


@pytest.mark.parametrize(("status", "text"), [("400 Bad Request", "precision"), ("418 Teapot", "tea")])
async def test_a_refusal_that_is_not_about_points_rejects_none_of_them(
    faulty: FaultyInflux, faulty_address: InfluxAddress, status: str, text: str
) -> None:
    faulty.answers += [answer(status, f'{{"error": "{text}"}}')]
    async with InfluxStore(faulty_address) as store:
        with pytest.raises(StoreError, match=text):
            await store.write([points()], {SOURCE: 1})
        assert await store.watermarks() == {}
        assert faulty.writes == 1


async def test_a_type_given_by_another_program_rejects_those_points_alone(
    influx_address: InfluxAddress,
) -> None:
    async with InfluxStore(influx_address) as store:
        await store.write([points()])
        await put(influx_address, f'weather,device=mast gust="strong",hits=1i {NOON + 100}')
        mixed = Points(
            "weather",
            [NOON + 10 + i for i in range(40)],
            {"device": ["mast"] * 40},
            {"wind": [2.0] * 40, "gust": [3.0 if i in (7, 31) else None for i in range(40)]},
        )
        rejected = await store.write([mixed], {SOURCE: 1})
        assert [each.time - NOON for each in rejected] == [17, 41]
        assert rejected[0].fields == {"wind": 2.0, "gust": 3.0}
        assert await store.count("weather", *ALWAYS) == 3 + 38 + 1
        assert await store.watermarks() == {SOURCE: 1}
        (refused,) = await store.write([points(1, wind=1.0, hits=2)])
        assert "integer" in refused.reason


async def test_points_only_the_server_refuses_are_found_among_many(influx_address: InfluxAddress) -> None:
    kept = replace(influx_address, retention=7200.0)
    async with InfluxStore(kept) as store:
        await store.write([points(1, start=time_ns())])
    # This one's clock stands at 1970, so that it takes nothing for too old; the server does.
    async with InfluxStore(kept, now=lambda: 0) as store:
        times = [time_ns() + i - (3 * 3600 * NANOSECONDS if i in (0, 1500, 2999) else 0) for i in range(3000)]
        rejected = await store.write([Points("m", times, {"device": ["a"] * 3000}, {"x": [1.0] * 3000})])
        assert [each.time for each in rejected] == [times[0], times[1500], times[2999]]
        assert all("InfluxDB refuses it" in each.reason and "retention" in each.reason for each in rejected)
        assert await store.count("m", *ALWAYS) == 2997


async def test_points_beyond_the_retention_are_rejected_before_they_are_sent(
    influx_address: InfluxAddress,
) -> None:
    async with InfluxStore(replace(influx_address, retention=7200.0)) as store:
        old = time_ns() - 7300 * NANOSECONDS
        rejected = await store.write([points(1, start=old), points(2, start=time_ns())], {SOURCE: 1})
        assert [(each.time, "older than the retention" in each.reason) for each in rejected] == [(old, True)]
        assert await store.count("weather", *ALWAYS) == 2
        assert await store.watermarks() == {SOURCE: 1}


async def test_a_new_database_gets_the_retention_policy_asked_for(influx_address: InfluxAddress) -> None:
    address = replace(influx_address, policy="ninety days", retention=90 * 86400.0)
    async with InfluxStore(address) as store:
        await store.write([points(1, start=time_ns())], {SOURCE: 3})
        found = await ask(address, f'SHOW RETENTION POLICIES ON "{address.database}"')
        assert [row[:2] + row[-1:] for row in found["series"][0]["values"]] == [
            ["ninety days", "2160h0m0s", True]
        ]
        assert await store.count("weather", *ALWAYS) == 1
    async with InfluxStore(address) as store:
        assert await store.watermarks() == {SOURCE: 3}


async def test_a_policy_of_its_own_beside_an_existing_default(influx_address: InfluxAddress) -> None:
    async with InfluxStore(influx_address) as first:
        await first.write([points()])
    async with InfluxStore(replace(influx_address, policy="long", retention=86400.0 * 365)) as store:
        await store.write([points(2, start=time_ns(), wind=7.0)], {SOURCE: 1})
        assert await store.count("weather", *ALWAYS) == 2
        assert [row[1] for row in (await store.latest("weather", "device", 0)).rows] == ["mast"]
        assert await store.watermarks() == {SOURCE: 1}
    found = await ask(influx_address, f'SHOW RETENTION POLICIES ON "{influx_address.database}"')
    assert [row[0] for row in found["series"][0]["values"]] == ["autogen", "long"]


async def test_an_existing_policy_is_never_changed(influx_address: InfluxAddress) -> None:
    async with InfluxStore(influx_address) as store:
        await store.write([points(start=1)])
    async with InfluxStore(replace(influx_address, retention=3600.0)) as store:
        assert await store.write([points(start=10)]) == []
        assert await store.count("weather", *ALWAYS) == 6


async def test_a_database_dropped_under_the_store_is_made_again(influx_address: InfluxAddress) -> None:
    async with InfluxStore(influx_address) as store:
        await store.write([points()], {SOURCE: 1})
        await ask(influx_address, f'DROP DATABASE "{influx_address.database}"')
        assert await store.write([points(wind=1.0)], {SOURCE: 2}) == []
        await ask(influx_address, f'DROP DATABASE "{influx_address.database}"')
        assert await store.measurements() == []
        assert await store.watermarks() == {}
        await ask(influx_address, f'DROP DATABASE "{influx_address.database}"')
        assert await store.count("weather", *ALWAYS) == 0


async def test_numbers_are_floats_and_names_stand_as_they_are_in_the_server(
    influx_address: InfluxAddress,
) -> None:
    async with InfluxStore(influx_address) as store:
        await store.write([points(1, wind=5, name="Hải Đăng", calm=True)])
    found = await ask(influx_address, "SHOW FIELD KEYS FROM weather")
    assert found["series"][0]["values"] == [["calm", "boolean"], ["name", "string"], ["wind", "float"]]
    found = await ask(influx_address, "SELECT * FROM weather")
    assert found["series"][0]["values"] == [[NOON, True, "mast", "Hải Đăng", 5]]


async def test_watermarks_take_one_point_an_hour_and_source(influx_address: InfluxAddress) -> None:
    async with InfluxStore(influx_address, now=lambda: NOON) as store:
        for seq in range(1, 6):
            await store.write([], {SOURCE: seq, Source("tower", "e"): seq * 2})
    found = await ask(influx_address, "SELECT count(seq) FROM haidang_watermark")
    assert found["series"][0]["values"][0][1] == 2


@pytest.fixture
def guarded_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that asks for a password and takes small bodies only; the administrator is root:secret."""
    monkeypatch.setenv("INFLUXDB_HTTP_AUTH_ENABLED", "true")
    monkeypatch.setenv("INFLUXDB_HTTP_MAX_BODY_SIZE", "20000")
    with servers.influxd(tmp_path / "guarded") as url:
        statement = "CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES"
        assert httpx.post(f"{url}/query", data={"q": statement}, trust_env=False).status_code == 200
        yield url


async def test_a_user_with_too_few_rights_is_told_what_is_missing(guarded_url: str) -> None:
    root = InfluxAddress(guarded_url, "port", "root", "secret")
    with contextlib.closing(
        httpx.Client(base_url=guarded_url, auth=("root", "secret"), trust_env=False)
    ) as admin:
        admin.post("/query", data={"q": "CREATE USER writer WITH PASSWORD 'pa:ss/wörd'"})
        writer = replace(root, user="writer", password="pa:ss/wörd")
        for stranger in (replace(root, user="", password=""), replace(root, password="wrong")):
            async with InfluxStore(stranger) as store:
                with pytest.raises(StoreError, match=r"give .* a user and token") as caught:
                    await store.write([points()])
                assert "wrong" not in str(caught.value)
        async with InfluxStore(writer) as store:
            with pytest.raises(StoreError, match=r"refuses 'writer'.*make the database yourself"):
                await store.write([points()])
            admin.post("/query", data={"q": "CREATE DATABASE port"})
            admin.post("/query", data={"q": "GRANT ALL ON port TO writer"})
            await store.write([points()], {SOURCE: 1})
            assert await store.count("weather", *ALWAYS) == 3
            assert await store.watermarks() == {SOURCE: 1}
        async with InfluxStore(replace(writer, policy="long")) as store:
            with pytest.raises(
                StoreError, match=r"administrator run CREATE RETENTION POLICY .long. ON .port."
            ):
                await store.write([points()])


async def test_a_write_too_large_for_the_server_is_parted(guarded_url: str) -> None:
    async with InfluxStore(InfluxAddress(guarded_url, "port", "root", "secret")) as store:
        text = "".join(chr(33 + i * 7 % 90) for i in range(300))
        many = Points(
            "m",
            [NOON + i for i in range(500)],
            {},
            {"text": [f"{i * 7919 % 1000}{text}" for i in range(500)]},
        )
        assert await store.write([many], {SOURCE: 1}) == []
        assert await store.count("m", *ALWAYS) == 500
