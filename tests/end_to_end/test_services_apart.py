"""Gateway, ingest, API and alerts as processes of their own, over Mosquitto and InfluxDB as in earnest."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from broker import topics
from broker.session import BrokerAddress, Session, connect
from broker.wire import Receipt, encode
from tests import servers
from tests.alerts.provider import Webhook, webhook
from tests.end_to_end.instrument import LIFE, Instrument, instrument
from tests.end_to_end.platform import Platform, Service, places, run
from tests.waiting import until
from vessels.codec import encode as encode_ais
from vessels.messages import PositionReport, StaticAndVoyage

DATABASE = "services_apart"
SHIP = 574001230
WHILE_DOWN = 2_000  # readings said while something is down
RULES = f"""
rules:
  - id: many
    title: {{en: The counter is high, vi: Bộ đếm cao}}
    when: {{kind: weather, metric: water_temperature, device: gauge, above: {LIFE + 500}}}
    notify: [duty]
"""


@dataclass(frozen=True, slots=True)
class Wires:
    """Where everything is that the services need. users: URLs of the broker by user."""

    users: Mapping[str, str]
    influx: str
    gauge: int
    receiver: Path
    hook: str

    def centre(self) -> str:
        return f"""
rules = "rules.yaml"
[broker]
url = "{self.users["centre"]}"
[store]
url = "influxdb://{self.influx.removeprefix("http://")}/{DATABASE}"
[[contact]]
id = "duty"
channels = ["{self.hook}"]
"""

    def quay(self) -> str:
        return f"""
[site]
name = "Đình Vũ"
[broker]
url = "{self.users["quay"]}"
[[gateway]]
id = "quay"
[[gateway.device]]
id = "gauge"
profile = "nmea-weather"
link = "tcp://127.0.0.1:{self.gauge}"
[[gateway.device]]
id = "receiver"
profile = "ais-receiver"
link = "file://{self.receiver}"
"""


class Services:
    """The four processes, and those of them that were killed."""

    def __init__(self, folder: Path, wires: Wires) -> None:
        self._folder = folder / "centre"
        self._configuration = wires.centre()
        (folder / "quay").mkdir()
        self._folder.mkdir()
        (self._folder / "rules.yaml").write_text(RULES, "utf-8")
        self._quay = places(folder / "quay", wires.quay())
        self._centre = places(self._folder, self._configuration)
        self._begun: list[Service] = []

    async def start(self) -> None:
        await self._begin("gateway", *self._quay)
        self.ingest = await self._begin("ingest", *self._centre)
        await self._begin("alerts", *self._centre)
        self.api = await Platform.start(self._folder, self._configuration, command="api")
        self._begun.insert(0, self.api)

    async def ingest_dies(self, meanwhile: Awaitable[None]) -> None:
        """kill -9, and another one after a while."""
        await self.ingest.kill()
        await meanwhile
        self.ingest = await self._begin("ingest", *self._centre)

    async def stop(self) -> Sequence[int]:
        """SIGTERM to those that run, all at once as at a shutdown; their exit codes."""
        alive = [service for service in self._begun if service.process.returncode is None]
        return await asyncio.gather(*(service.stop(15) for service in alive))

    @property
    def complaints(self) -> Sequence[Mapping[str, Any]]:
        """What any of them complained of."""
        return [complaint for service in self._begun for complaint in service.complaints]

    async def _begin(self, *arguments: str) -> Service:
        service = await Service.begin(*arguments)
        self._begun.append(service)
        return service


async def users_of(folder: Path, port: int, *gateways: str) -> Mapping[str, str]:
    """Has `haidang mosquitto` write a configuration; the URLs it printed, by user."""
    named = [word for gateway in gateways for word in ("--gateway", gateway)]
    code, output = await run("mosquitto", "--to", str(folder), "--port", str(port), *named)
    assert code == 0, output
    lines = [line.partition(": ") for line in output.splitlines()]
    urls = {user: url for user, _, url in lines if url.startswith("mqtt")}
    assert urls.keys() == {"centre", *gateways}
    return urls


@pytest.fixture
def broker_folder() -> Iterator[Path]:
    """Where Mosquitto's own user can go, which it becomes when root starts it."""
    with TemporaryDirectory(prefix="haidang-broker-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "made"


@contextmanager
def mosquitto(folder: Path, port: int) -> "Generator[subprocess.Popen[bytes]]":
    """A real one on what the command wrote."""
    program = servers.need("mosquitto", "mosquitto")
    command = [program, "-c", str(folder / "mosquitto.conf")]
    with servers.running(command, folder / "mosquitto.log", port) as process:
        yield process


@asynccontextmanager
async def services(folder: Path, wires: Wires) -> AsyncGenerator[Services]:
    running = Services(folder, wires)
    try:
        await running.start()
        yield running
    finally:
        codes = await running.stop()
    assert codes == [0, 0, 0, 0]
    assert not running.complaints


def receiver_log(folder: Path) -> Path:
    log = folder / "receiver.log"
    report = PositionReport(1, 0, SHIP, sog=9.5, lon=107.02, lat=20.65, cog=311.0, heading=310)
    identity = StaticAndVoyage(5, 0, SHIP, name="HAI DANG 1", destination="VNHPH")
    log.write_text("".join(f"{s}\r\n" for message in (report, identity) for s in encode_ais(message)))
    return log


async def influxql(influx: str, query: str) -> Sequence[Sequence[Any]]:
    """The rows InfluxDB itself answers with, none where it knows no such series."""
    async with httpx.AsyncClient(base_url=influx, timeout=30) as client:
        answer = (await client.get("/query", params={"db": DATABASE, "q": query})).json()
    result = answer["results"][0]
    assert "error" not in result, result
    return [row for series in result.get("series", ()) for row in series["values"]]


async def counted(influx: str) -> tuple[int, int]:
    """How many readings of the gauge are stored, and how many different ones."""
    what, where = '"water_temperature"', 'FROM "weather" WHERE "device" = \'gauge\''
    points = await influxql(influx, f"SELECT count({what}) {where}")
    different = await influxql(influx, f"SELECT count(distinct({what})) {where}")
    return (points[0][1], different[0][1]) if points else (0, 0)


async def test_ingest_and_broker_may_die_under_load_and_every_reading_is_in_influxdb_once(
    tmp_path: Path, broker_folder: Path, influx_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = servers.free_port()
    users = await users_of(broker_folder, port, "quay")
    with webhook() as hook, ExitStack() as brokers:
        first = brokers.enter_context(mosquitto(broker_folder, port))
        async with instrument() as (device, gauge), instrument() as (_, other):
            wires = Wires(users, influx_url, gauge, receiver_log(tmp_path), hook.url)
            async with services(tmp_path, wires) as running:
                await answers_like_one_platform(running.api)
                await reads_a_device_created_now(running.api, "first", other)
                await the_duty_officer_is_told(hook)
                await running.ingest_dies(says_more(device))
                first.kill()
                await says_more(device)
                brokers.enter_context(mosquitto(broker_folder, port))
                await reads_a_device_created_now(running.api, "second", other)
                device.speaking = False
                stored = await all_stored(influx_url, device.sent[1])
    sent = device.sent[1]
    with capsys.disabled():
        print(f"\nservices apart: {sent} sent, {stored[0]} stored, {sent - stored[1]} missing")
    assert stored == (sent, sent)


async def answers_like_one_platform(api: Platform) -> None:
    latest = await api.until("/api/v1/devices/gauge/latest", lambda answer: answer.get("values"))
    assert latest["gateway"] == "quay"
    assert latest["values"]["water_temperature"] >= LIFE
    readings = await api.until(
        "/api/v1/devices/gauge/readings", lambda page: len(page.get("items", ())) >= 10, limit="10"
    )
    numbers = [item["values"]["water_temperature"] for item in readings["items"]]
    assert numbers == list(range(LIFE, LIFE + 10))
    ships = await api.until("/api/v1/vessels", lambda page: page["items"] and page["items"][0]["name"])
    assert [(ship["mmsi"], ship["name"]) for ship in ships["items"]] == [(SHIP, "HAI DANG 1")]


async def reads_a_device_created_now(api: Platform, name: str, port: int) -> None:
    description = {"gateway": "quay", "profile": "nmea-weather", "link": f"tcp://127.0.0.1:{port}"}
    created = await api.post("/api/v1/devices", {"id": name, **description})
    assert created.status_code == 201, created.text
    latest = await api.until(f"/api/v1/devices/{name}/latest", lambda answer: answer.get("values"))
    assert latest["gateway"] == "quay"
    removed = await api.delete(f"/api/v1/devices/{name}")
    assert removed.status_code == 204, removed.text


async def the_duty_officer_is_told(hook: Webhook) -> None:
    await until(hook.texts)
    assert "Bộ đếm cao" in hook.texts()[0]
    assert "The counter is high" in hook.texts()[0]


async def says_more(device: Instrument) -> None:
    """Returns when the device has said so much more."""
    enough = device.sent[1] + WHILE_DOWN
    await until(lambda: device.sent[1] >= enough)


async def all_stored(influx: str, sent: int) -> tuple[int, int]:
    stored = (0, 0)
    async with asyncio.timeout(40):
        while min(stored) < sent:
            stored = await counted(influx)
            await asyncio.sleep(0.05)
    return stored


async def test_a_gateways_user_neither_speaks_nor_listens_for_another_gateway(broker_folder: Path) -> None:
    port = servers.free_port()
    users = await users_of(broker_folder, port, "quay", "yard")
    addresses = {user: BrokerAddress.parse(url) for user, url in users.items()}
    receipt = encode(Receipt("e", 1))
    with mosquitto(broker_folder, port):
        async with (
            connect(addresses["centre"], "centre") as centre,
            connect(addresses["yard"], "gateway-yard") as yard,
        ):
            await centre.subscribe("haidang/1/gw/#")
            await yard.subscribe("haidang/1/gw/+/receipt", "haidang/1/#")
            for leaf in ("data", "status", "reply", "receipt", "config", "command"):
                await yard.publish(f"haidang/1/gw/quay/{leaf}", b"forged", retain=True)
            await yard.publish(topics.receipts("yard"), b"forged")
            await yard.publish(topics.batches("yard"), b"own")
            assert await first_message(centre) == (topics.batches("yard"), b"own")
            for gateway in ("quay", "yard"):
                await centre.publish(topics.batches(gateway), b"a batch")
                await centre.publish(topics.receipts(gateway), receipt)
            assert await first_message(yard) == (topics.receipts("yard"), receipt)


async def first_message(session: Session) -> tuple[str, bytes]:
    async with asyncio.timeout(20):
        async for message in session.messages():
            return message.topic, message.payload
    raise AssertionError("the broker went away")
