"""WebSocket `/live`: a snapshot, then changes; wishes; clients that are slow or wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.audience import QUEUED_ITEMS
from api.live import LiveView
from broker import session, topics
from telemetry import LinkError
from tests.api.running import Live, Running, meter_status, reading, ship, status
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(api: Running, query: str = "", **options: Any) -> tuple[int, dict[str, Any]]:
    """The status and problem that a WebSocket is refused with."""
    url = f"{api.url.replace('http', 'ws', 1)}/api/v1/live{query}"
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url, **options)
    return refusal.value.response.status_code, json.loads(refusal.value.response.body)


async def test_a_reading_ingest_publishes_reaches_the_socket(api: Running) -> None:
    async with api.live() as live:
        await api.publish_readings(reading("live-1", power=12.5))
        item = await live.item("readings", lambda one: one["device"] == "live-1")
        assert item["values"] == {"power": 12.5}
        assert item["gateway"] == "dinh-vu"
        assert item["quality"] == "good"


async def test_a_new_client_first_gets_everything_as_it_is(api: Running) -> None:
    await api.publish_readings(reading("live-2"))
    await api.publish_ships(ship(574001001))
    await api.report("live-quay", status(meter_status("live-3"), backlog=4))
    await until(lambda: api.parts.live.current.latest("live-2"))
    async with api.live() as live:
        assert (await live.item("readings", lambda one: one["device"] == "live-2"))["kind"] == "power"
        shown = await live.item("vessels", lambda one: one["mmsi"] == 574001001)
        assert shown == await api.get("/api/v1/vessels/574001001")
        gateway = await live.item("gateways", lambda one: one["id"] == "live-quay")
        assert (gateway["online"], gateway["backlog"]) == (True, 4)
        assert [(one["id"], one["state"]) for one in gateway["devices"]] == [("live-3", "ok")]


async def test_a_client_gets_only_the_devices_it_asks_for(api: Running) -> None:
    async with api.live("?devices=wanted-1,wanted-2") as live:
        await api.publish_readings(reading("other"), reading("wanted-2"))
        assert (await live.item("readings"))["device"] == "wanted-2"


async def test_a_client_gets_the_ships_in_its_box_and_those_that_leave_it(api: Running) -> None:
    async with api.live("?vessels=10,50,11,51") as live:
        await api.publish_ships(ship(6001, 40.0, 10.5), ship(6002, 50.5, 10.5))
        assert (await live.item("vessels"))["mmsi"] == 6002
        await api.publish_ships(ship(6002, 52.0, 10.5, sog=1.0))
        assert (await live.item("vessels"))["lat"] == 52.0
        await api.publish_ships(ship(6002, 53.0, 10.5, sog=2.0))
        await api.publish_ships(ship(6003, 50.1, 10.1))
        assert (await live.item("vessels"))["mmsi"] == 6003


async def test_a_client_may_narrow_what_it_gets_while_connected(api: Running) -> None:
    await api.publish_ships(ship(7001))
    async with api.live() as live:
        await live.item("vessels", lambda one: one["mmsi"] == 7001)
        await live.socket.send(json.dumps({"subscribe": ["readings"], "devices": ["narrow-1"]}))
        await live.socket.send(json.dumps({"subscribe": ["tea"]}))
        while (message := json.loads(await live.socket.recv()))["type"] != "problem":
            pass
        await api.publish_ships(ship(7002))
        await api.publish_readings(reading("broad"), reading("narrow-1"))
        message = json.loads(await live.socket.recv())
        assert (message["type"], [one["device"] for one in message["items"]]) == ("readings", ["narrow-1"])


@pytest.mark.parametrize(
    "wish",
    [
        "",
        "{",
        "[]",
        '{"subscribe": 5}',
        '{"devices": ["A B"]}',
        '{"vessels": "1,2"}',
        '{"x": 1}',
        "[" * 60_000,
    ],
)
async def test_a_wish_that_cannot_be_is_answered_and_nothing_breaks(api: Running, wish: str) -> None:
    async with api.live("?devices=still-1") as live:
        await live.socket.send(wish)
        async with asyncio.timeout(10):
            while json.loads(await live.socket.recv())["type"] != "problem":
                pass
        await api.publish_readings(reading("still-1"))
        assert (await live.item("readings"))["device"] == "still-1"


async def test_a_wish_beyond_any_size_closes_the_socket(api: Running) -> None:
    async with api.live() as live:
        await live.socket.send("x" * 100_000)
        async with asyncio.timeout(10):
            await live.socket.wait_closed()
        assert live.socket.close_code == 1009


async def test_a_client_that_asks_for_the_impossible_is_refused_with_a_problem(api: Running) -> None:
    for query in ("?vessels=1,2,3", "?devices=A%20B"):
        code, problem = await refused(api, query)
        assert (code, problem["status"]) == (422, 422)
    code, problem = await refused(api, origin="http://evil.example")
    assert code == 403
    assert "open the API's own page" in problem["detail"]


async def test_more_clients_than_there_are_places_are_refused(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.MOST_LISTENERS", 1)
    await until(lambda: not api.parts.live.listeners)
    async with api.live():
        await until(lambda: api.parts.live.listeners == 1)
        assert (await refused(api))[0] == 503
    await until(lambda: not api.parts.live.listeners)
    async with api.live():
        pass


async def test_a_client_that_does_not_read_costs_bounded_memory_and_gets_the_newest(api: Running) -> None:
    rounds, devices = 40, 300

    async def newest(live: Live) -> AsyncIterator[dict[str, Any]]:
        async for text in live.socket:
            message = json.loads(text)
            for item in message["items"] if message["type"] == "readings" else ():
                yield {**item, "dropped": message["dropped"]}

    async with api.live("?vessels=0,0,1,1") as live:
        await until(lambda: api.parts.live.listeners)
        (seat,) = api.parts.live._seats
        live.socket.transport.pause_reading()
        for number in range(rounds):
            text = "x" * 2_000
            await api.publish_readings(
                *(reading(f"slow-{n}", number, power=float(number), note=text) for n in range(devices))
            )
        done = float(rounds - 1)
        await until(lambda: _power(api, f"slow-{devices - 1}") == done)
        assert len(seat.listener._queue) <= QUEUED_ITEMS
        assert len(seat.listener._overflow) <= devices
        live.socket.transport.resume_reading()
        seen: dict[str, float] = {}
        dropped = 0
        async with asyncio.timeout(20):
            async for item in newest(live):
                if item["device"].startswith("slow-"):
                    seen[item["device"]] = item["values"]["power"]
                dropped = max(dropped, item["dropped"])
                if len(seen) == devices and set(seen.values()) == {done}:
                    break
        assert dropped > 0


def _power(api: Running, device: str) -> Any:
    latest = api.parts.live.current.latest(device)
    return latest.values["power"] if latest else None


async def test_live_messages_that_cannot_be_read_are_passed_over(api: Running) -> None:
    async with api.live("?devices=after-junk") as live:
        for topic in (topics.LIVE_READINGS, topics.LIVE_VESSELS, "haidang/1/gw/dinh-vu/status"):
            for junk in (b"{", b"[1]", b"[" * 100_000, b'"x"', b"\xff"):
                await api.broker.publish(topic, junk)
        await api.broker.publish(topics.LIVE_VESSELS, b'[{"mmsi":1,"last_seen":1%s}]' % (b"0" * 30))
        await api.publish_readings(reading("after-junk"))
        assert (await live.item("readings"))["device"] == "after-junk"


class _BreakingSession(session.Session):
    """A session whose broker dies in the same instant as its user is told to stop."""

    def __init__(self) -> None:
        self.listening = asyncio.Event()

    async def subscribe(self, *filters: str) -> None:
        """Granted."""

    async def messages(self) -> AsyncIterator[session.Message]:
        """None, and an end that is not the cancellation's."""
        self.listening.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise LinkError("the broker went away") from error
        yield session.Message("", b"")


async def test_to_be_stopped_while_the_broker_dies_is_still_to_be_stopped(api: Running) -> None:
    breaking = _BreakingSession()
    view = LiveView(api.parts.broker, api.parts.registry)
    conversing = asyncio.create_task(view._converse(breaking))
    await breaking.listening.wait()
    assert view.connected
    conversing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await conversing
    assert not view.connected
