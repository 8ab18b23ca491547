"""The API as it runs: a real server, broker, registry and store; the test plays ingest and gateways.

Every answer is checked against the OpenAPI document, so what it promises is what is given.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
from websockets.asyncio.client import ClientConnection, connect

from api.app import create_app
from api.live import LiveView
from api.parts import Parts
from api.server import serve
from broker import session, topics
from broker.embedded import embedded_broker
from broker.session import BrokerAddress
from broker.statuses import encode_status
from broker.wire import Configuration, DeviceStatus, GatewayStatus, LiveReading, decode, encode
from drivers.catalogue import Catalogue, load_catalogue
from registry import open_registry
from stores.embedded import EmbeddedStore
from tests.waiting import until
from vessels.picture import Vessel

NOW = time.time_ns()


@dataclass(frozen=True, slots=True)
class Running:
    """The API, its parts, and a session with its broker."""

    url: str
    parts: Parts
    broker: session.Session
    client: httpx.AsyncClient
    document: Mapping[str, Any]

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """An answer, checked against the document."""
        answer = await self.client.request(method, path, **options)
        self.check(method, answer)
        return answer

    async def get(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """The JSON of a GET that answers with this status."""
        answer = await self.ask("GET", path, params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def send(self, method: str, path: str, content: Any = None, status: int = 200) -> Any:
        """The JSON of a POST, PATCH or DELETE that answers with this status."""
        answer = await self.ask(method, path, json=content)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def pages(self, path: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """All pages of a list."""
        pages: list[Sequence[Any]] = []
        cursor: str | None = None
        while True:
            asked = parameters if cursor is None else {**parameters, "cursor": cursor}
            page = await self.get(path, 200, **asked)
            pages.append(page["items"])
            cursor = page["next"]
            if cursor is None:
                return pages

    def check(self, method: str, answer: httpx.Response) -> None:
        """Fails for an answer that is not what the document says."""
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            self._check_schema({"$ref": "#/components/schemas/Problem"}, answer.json())
            assert answer.json()["status"] == answer.status_code
            return
        operation = self._operation(method, answer.url.path)
        content = operation["responses"][str(answer.status_code)].get("content", {})
        media = answer.headers.get("content-type", "").partition(";")[0]
        if answer.content and "json" in media:
            self._check_schema(content[media]["schema"], answer.json())

    def _operation(self, method: str, path: str) -> Mapping[str, Any]:
        for template, operations in self.document["paths"].items():
            if template == path or re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                operation: Mapping[str, Any] = operations[method.lower()]
                return operation
        raise AssertionError(f"{path} is not in the document")

    def _check_schema(self, schema: Mapping[str, Any], content: Any) -> None:
        whole = {**schema, "components": self.document["components"]}
        jsonschema.validate(content, whole, cls=jsonschema.Draft202012Validator)

    async def publish_readings(self, *readings: LiveReading) -> None:
        """As ingest does."""
        await self.broker.publish(topics.LIVE_READINGS, encode(readings))

    async def publish_ships(self, *ships: Vessel) -> None:
        """As ingest does; returns when they are in the API's picture."""
        await self.broker.publish(topics.LIVE_VESSELS, encode(ships))
        await until(lambda: all(ship.mmsi in self.parts.live.current.ships for ship in ships))

    async def report(self, gateway: str, status: GatewayStatus) -> None:
        """As a gateway does; returns when the API has heard it."""
        before = self.parts.live.current.gateways.get(gateway)
        payload = encode_status(status)
        await self.broker.publish(topics.status(gateway), payload, retain=not status.partial)

        def heard() -> bool:
            known = self.parts.live.current.gateways.get(gateway)
            return known is not None and known is not before and known.status.online == status.online

        await until(heard)

    @asynccontextmanager
    async def configurations(self, gateway: str) -> AsyncGenerator["Told"]:
        """The configurations a gateway gets, the retained one first."""
        async with session.connect(self.parts.broker, f"test-{gateway}") as listening:
            await listening.subscribe(topics.configuration(gateway))
            yield Told(listening.messages())

    async def configuration(self, gateway: str, fits: Callable[[Configuration], bool]) -> Configuration:
        """The first configuration that fits, as its gateway would get it."""
        async with self.configurations(gateway) as told:
            return await told.one(fits)

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[None]:
        """The live view has a session with the broker while the block runs."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self.parts.live.run())
            await until(lambda: self.parts.live.connected)
            yield
            running.cancel()

    @asynccontextmanager
    async def live(self, query: str = "") -> AsyncGenerator["Live"]:
        """A client of the live WebSocket."""
        url = f"{self.url.replace('http', 'ws', 1)}/api/v1/live{query}"
        async with connect(url) as socket:
            yield Live(socket)


@dataclass(frozen=True, slots=True)
class Told:
    """What comes on a gateway's configuration topic."""

    messages: AsyncIterator[session.Message]

    async def one(self, fits: Callable[[Configuration], bool]) -> Configuration:
        """The next configuration that fits."""
        async with asyncio.timeout(10):
            while True:
                found = decode((await anext(self.messages)).payload, Configuration)
                if fits(found):
                    return found


@dataclass(frozen=True, slots=True)
class Live:
    """One client of the live WebSocket."""

    socket: ClientConnection

    async def item(self, topic: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first item of a topic that fits, from now on."""
        async with asyncio.timeout(10):
            while True:
                message = json.loads(await self.socket.recv())
                if message["type"] != topic:
                    continue
                for item in message["items"]:
                    if fits(item):
                        return item


@asynccontextmanager
async def running(
    folder: Path, broker: BrokerAddress | None = None, *, connected: bool = True, **changes: Any
) -> AsyncGenerator[Running]:
    """The API on real parts; `changes` replace some of them."""
    async with AsyncExitStack() as stack:
        address = broker if broker is not None else await stack.enter_async_context(embedded_broker())
        registry = await stack.enter_async_context(open_registry(folder / "registry.sqlite"))
        store = await stack.enter_async_context(EmbeddedStore(folder / "store"))
        view = LiveView(address, registry)
        parts = replace(Parts(registry, store, catalogue(), view, address), **changes)
        url = await stack.enter_async_context(serve(create_app(parts), port=0))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=20))
        speaking = await stack.enter_async_context(session.connect(address, "test"))
        document = (await client.get("/openapi.json")).json()
        api = Running(url, parts, speaking, client, document)
        if connected:
            await stack.enter_async_context(api.connected())
        yield api


@cache
def catalogue() -> Catalogue:
    """The shipped device models, read once for all tests."""
    return load_catalogue()


def reading(device: str = "quay-power", at: int = 0, gateway: str = "dinh-vu", **values: Any) -> LiveReading:
    """A reading of a power meter; `at` in nanoseconds from now."""
    return LiveReading(gateway, device, "power", NOW + at, NOW + at, values or {"power": 1500.0})


def ship(mmsi: int, lat: float | None = 20.85, lon: float | None = 106.75, **more: Any) -> Vessel:
    """A ship heard just now."""
    return replace(_SHIP, mmsi=mmsi, lat=lat, lon=lon, **more)


def status(*devices: DeviceStatus, **more: Any) -> GatewayStatus:
    """What a gateway that is well says."""
    settings: Mapping[str, Any] = {"online": True, "version": "1.0", "clock": NOW, **more}
    return GatewayStatus(**settings, devices=devices)


def meter(device: str, gateway: str, **more: Any) -> dict[str, Any]:
    """A power meter to be created."""
    known = {"id": device, "gateway": gateway, "profile": "eastron-sdm630", "link": "tcp://127.0.0.1:502"}
    return {**known, **more}


def meter_status(device: str, **more: Any) -> DeviceStatus:
    """What a gateway says of a power meter in its file."""
    known: dict[str, Any] = {
        "profile": "eastron-sdm630",
        "link": "tcp://127.0.0.1:502",
        "declared": "file",
        "state": "ok",
        **more,
    }
    return DeviceStatus(device, **known)


def ids(items: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Their ids."""
    return [item["id"] for item in items]


_SHIP = Vessel(mmsi=0, last_seen=NOW)
