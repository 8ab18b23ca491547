"""Ingest on real brokers, with the real embedded store and registry."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from broker import topics
from broker.embedded import embedded_broker
from broker.session import BrokerAddress, Session, connect
from broker.wire import (
    DeviceStatus,
    GatewayStatus,
    LiveReading,
    Receipt,
    decode,
    encode,
    encode_pack,
    seal,
)
from ingest.dead_letters import DeadLetters
from ingest.service import Ingest
from ingest.stream import Stream
from registry.incidents import Incident, IncidentRepository
from registry.open import Registry, open_registry
from rules.evaluator import Evaluator
from rules.loading import parse_rules
from stores.contract import Points, RangeQuery, Rejected, Source, Store
from stores.open import open_store
from telemetry import Change, Clearing, Firing, Instant, Reading, RegistryError, Severity, StoreError, Title
from tests import servers
from tests.waiting import until
from vessels.picture import Picture, Vessel

NOW = time.time_ns()
RULES = """
rules:
  - id: high-wind
    title: {en: Strong wind, vi: Gió mạnh}
    severity: warning
    when: {kind: weather, metric: wind_speed, above: 17.2, clear_below: 15}
    notify: [duty]
"""


@pytest.fixture(params=["embedded", "mosquitto"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[BrokerAddress]:
    if request.param == "embedded":
        async with embedded_broker() as address:
            yield address
    else:
        with servers.mosquitto(tmp_path / "mosquitto") as port:
            yield BrokerAddress("127.0.0.1", port)


@dataclass
class Centre:
    """A running ingest, and a gateway's ear and mouth."""

    store: Store
    registry: Registry
    gateway: Session
    folder: Path
    heard: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])

    async def send(self, seq: int, pack: bytes, *, after: int = 0, epoch: str = "e1") -> None:
        payload = seal(epoch, seq, after, pack, "Dinh Vu")
        await self.gateway.publish(topics.batches("gw"), payload)

    async def receipt(self, seq: int, epoch: str = "e1") -> None:
        """Returns when the centre has said that everything up to seq is stored."""
        await until(lambda: Receipt(epoch, seq) in self.receipts)

    @property
    def receipts(self) -> Sequence[Receipt]:
        return [decode(payload, Receipt) for payload in self.heard.get(topics.receipts("gw"), [])]

    async def values(self, measurement: str = "weather") -> list[object]:
        """The first field of every point stored."""
        table = await self.store.range(RangeQuery(measurement, 0, NOW * 2))
        return [row[1] for row in table.rows]


@asynccontextmanager
async def centre(
    broker: BrokerAddress, folder: Path, wrap: Callable[[Store], Store] | None = None, rules: str = RULES
) -> AsyncGenerator[Centre]:
    async with (
        open_registry(folder / "registry.sqlite3") as registry,
        open_store(None, folder) as opened,
        connect(broker, "gw") as session,
        asyncio.TaskGroup() as tasks,
    ):
        stream = Stream(Picture(), Evaluator(parse_rules(rules), Instant(NOW, time.monotonic()), grace=0))
        store = wrap(opened) if wrap else opened
        ingest = Ingest(broker, store, registry.incidents, stream, DeadLetters(folder))
        running = Centre(opened, registry, session, folder)
        live = (topics.LIVE_READINGS, topics.LIVE_VESSELS, topics.LIVE_INCIDENTS)
        await session.subscribe(topics.receipts("gw"), *live)
        listening = tasks.create_task(listen(running))
        working = tasks.create_task(ingest.run())
        if wrap is None:
            await subscribed(running)
        yield running
        listening.cancel()
        working.cancel()


async def listen(running: Centre) -> None:
    async for message in running.gateway.messages():
        running.heard.setdefault(message.topic, []).append(message.payload)


async def subscribed(running: Centre) -> None:
    """Sends an empty epoch's first batch until ingest answers: then it is there."""
    async with asyncio.timeout(20):
        while not running.receipts:
            await running.send(1, encode_pack([]), epoch="hello")
            await asyncio.sleep(0.05)


def weather(*speeds: float, start: int = 0) -> bytes:
    return encode_pack(
        [Reading("mast", "weather", NOW + start + i, {"wind_speed": speed}) for i, speed in enumerate(speeds)]
    )


async def test_a_batch_is_stored_with_its_origin_and_receipted(broker: BrokerAddress, tmp_path: Path) -> None:
    async with centre(broker, tmp_path) as running:
        await running.send(1, weather(3.0, 4.0))
        await running.receipt(1)
        table = await running.store.latest("weather", "device", 0)
        (row,) = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        assert row["wind_speed"] == 4.0
        assert (row["device"], row["gateway"], row["site"]) == ("mast", "gw", "Dinh Vu")


async def test_batches_sent_twice_or_ahead_of_their_turn_are_stored_once_and_in_order(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        for seq in (1, 3, 1, 2, 2, 3):
            await running.send(seq, weather(float(seq), start=seq * 10))
        await running.receipt(3)
        await running.send(1, weather(1.0, start=10))
        assert await running.values() == [1.0, 2.0, 3.0]


async def test_after_a_restart_a_batch_already_stored_is_receipted_and_not_stored_again(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        await running.send(1, weather(1.0))
        await running.receipt(1)
    async with centre(broker, tmp_path) as running:
        await running.send(1, weather(1.0))
        await running.receipt(1)
        await running.send(2, weather(2.0, start=5))
        await running.receipt(2)
        assert await running.values() == [1.0, 2.0]


async def test_ingest_says_how_far_it_is_when_it_comes_back_and_when_something_is_missing(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        await running.send(1, weather(1.0))
        await running.receipt(1)
    async with centre(broker, tmp_path) as running:
        await running.receipt(1)
        running.heard.clear()
        await running.send(3, weather(3.0, start=9))
        await running.receipt(1)
        assert await running.values() == [1.0]


async def test_a_poison_record_goes_alone_to_the_dead_letters_with_its_reason(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    poisoned = weather(3.0, 4.0).replace(b'"v":3.0', b'"v":[]')
    async with centre(broker, tmp_path) as running:
        await running.send(1, poisoned)
        await running.receipt(1)
        assert await running.values() == [4.0]
    (letter,) = [json.loads(line) for line in (tmp_path / "dead-letters.jsonl").read_text().splitlines()]
    assert (letter["gateway"], letter["epoch"], letter["seq"]) == ("gw", "e1", 1)
    assert '"v":[]' in letter["content"]
    assert letter["reason"]


async def test_what_is_no_batch_at_all_is_a_dead_letter_and_ingest_goes_on(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        await running.gateway.publish(topics.batches("gw"), b"\xff\x00 not a batch")
        await running.gateway.publish("haidang/1/gw/gw/status", b"[[[")
        await running.send(1, weather(5.0))
        await running.receipt(1)
        assert await running.values() == [5.0]
    (line,) = (tmp_path / "dead-letters.jsonl").read_text().splitlines()
    assert "\\xff" in json.loads(line)["content"]


async def test_a_value_the_store_can_never_take_is_a_dead_letter_and_the_rest_is_stored(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        await running.send(1, weather(3.0))
        await running.send(2, weather(4.0, start=5).replace(b'"v":4.0', b'"vs":"calm"'))
        await running.send(3, weather(5.0, start=9))
        await running.receipt(3)
        assert await running.values() == [3.0, 5.0]
    (line,) = (tmp_path / "dead-letters.jsonl").read_text().splitlines()
    assert "calm" in line


class Unwilling:
    """A real store that refuses writes until told otherwise; `late` has it commit before it fails."""

    def __init__(self, store: Store, *, late: bool) -> None:
        self._store = store
        self._late = late
        self.refusals = 0
        self.willing = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def write(self, points: Sequence[Points], watermarks: Mapping[Source, int]) -> Sequence[Rejected]:
        if self.willing:
            return await self._store.write(points, watermarks)
        self.refusals += 1
        if self._late and self.refusals == 1:
            await self._store.write(points, watermarks)
        raise StoreError("the disk is full")


@pytest.mark.parametrize("late", [False, True])
async def test_a_store_that_fails_is_asked_again_and_nothing_is_lost_or_doubled(
    tmp_path: Path, late: bool
) -> None:
    unwilling: list[Unwilling] = []

    def wrap(store: Store) -> Store:
        unwilling.append(Unwilling(store, late=late))
        return cast("Store", unwilling[0])

    async with embedded_broker() as broker, centre(broker, tmp_path, wrap) as running:
        while not unwilling[0].refusals:
            await running.send(1, weather(1.0))
            await asyncio.sleep(0.05)
        assert late or running.receipts == []
        unwilling[0].willing = True
        await running.send(2, weather(2.0, start=5))
        await running.receipt(2)
        assert await running.values() == [1.0, 2.0]


async def test_while_the_store_refuses_no_device_is_called_silent(tmp_path: Path) -> None:
    unwilling: list[Unwilling] = []

    def wrap(store: Store) -> Store:
        unwilling.append(Unwilling(store, late=False))
        unwilling[0].willing = True
        return cast("Store", unwilling[0])

    silence = "{en: Silent, vi: Im lặng}, when: {stale: {device: mast, after: 4s}}"
    rules = f"rules: [{{id: silent, title: {silence}}}]"
    async with embedded_broker() as broker, centre(broker, tmp_path, wrap, rules) as running:
        await subscribed(running)
        unwilling[0].willing = False
        await running.send(1, weather(1.0))
        await until(lambda: unwilling[0].refusals >= 6)  # six seconds of ever longer waits
        unwilling[0].willing = True
        await running.receipt(1)
        await running.send(2, weather(2.0, start=5))
        await running.receipt(2)
        assert await running.registry.incidents.list() == []


async def test_ships_are_stored_shown_and_found_again_after_a_restart(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    sentence = "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
    pack = encode_pack([Reading("ais-1", "ais", NOW, {"sentence": sentence})])
    async with centre(broker, tmp_path) as running:
        await running.send(1, pack)
        await running.receipt(1)
        table = await running.store.range(RangeQuery("vessel", 0, NOW * 2, {"mmsi": "371798000"}))
        (row,) = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        assert row["lat"] == pytest.approx(48.38163333)
        await until(lambda: topics.LIVE_VESSELS in running.heard)
        (shown,) = decode(running.heard[topics.LIVE_VESSELS][0], list[Vessel])
        assert (shown.mmsi, shown.stations) == (371798000, ("ais-1",))


async def test_the_newest_values_of_every_kind_of_sentence_are_published(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    readings = [
        Reading("mast", "weather", NOW, {"wind_speed": 3.0}),
        Reading("mast", "weather", NOW + 1, {"pressure": 1013.0}),
        Reading("mast", "weather", NOW + 2, {"wind_speed": 4.0}),
    ]
    async with centre(broker, tmp_path) as running:
        await running.send(1, encode_pack(readings))
        await until(lambda: topics.LIVE_READINGS in running.heard)
        shown = decode(running.heard[topics.LIVE_READINGS][0], list[LiveReading])
    values = [dict(one.values) for one in shown]
    assert sorted(values, key=str) == [{"pressure": 1013.0}, {"wind_speed": 4.0}]


async def test_a_firing_is_an_incident_in_the_registry_before_the_receipt(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        await running.send(1, weather(20.0))
        await running.receipt(1)
        (incident,) = await running.registry.incidents.list()
        assert (incident.rule_id, incident.device, incident.value) == ("high-wind", "mast", 20.0)
        await running.send(2, weather(12.0, start=5))
        await running.receipt(2)
        (incident,) = await running.registry.incidents.list()
        assert incident.state == "cleared"


async def test_a_gateway_whose_status_is_removed_leaves_no_silence_behind(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with centre(broker, tmp_path) as running:
        mast = DeviceStatus("mast", "nmea-weather", "tcp://h:1", "file")
        told = encode(GatewayStatus(online=True, devices=[mast]))
        await running.gateway.publish(topics.status("gw"), told, retain=True)
        await running.send(1, weather(20.0))
        await running.receipt(1)
        await running.gateway.publish(topics.status("gw"), b"", retain=True)
        async with asyncio.timeout(20):
            while (await running.registry.incidents.list())[0].state != "cleared":
                await asyncio.sleep(0.05)


class Away:
    """A registry that is away for its first answer, and then keeps what it is told in order."""

    def __init__(self) -> None:
        self.told: list[Change] = []
        self.asked = 0

    async def record(self, changes: Sequence[Change]) -> Sequence[Incident]:
        self.asked += 1
        if self.asked == 1:
            raise RegistryError("the disk is full")
        self.told += changes
        return []


async def test_a_clearing_never_overtakes_its_firing_while_the_registry_is_away(tmp_path: Path) -> None:
    away = Away()
    stream = Stream(Picture(), Evaluator((), Instant(NOW, 0.0)))
    incidents, store = cast("IncidentRepository", away), cast("Store", None)
    ingest = Ingest(BrokerAddress("127.0.0.1", 1), store, incidents, stream, DeadLetters(tmp_path))
    title = Title(en="silent", vi="im lặng")
    firing = Firing("r", "mast", NOW, 60.0, Severity.WARNING, title, title)
    clearing = Clearing("r", "mast", NOW + 1, 0.0)
    await asyncio.gather(ingest._record([firing]), ingest._record([clearing]))
    assert away.told == [firing, clearing]
