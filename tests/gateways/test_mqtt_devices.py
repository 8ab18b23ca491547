"""Devices on MQTT through a whole gateway and a real Mosquitto: readings, commands, births and deaths."""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from broker import topics
from broker.commands import ReplyMessage, decode_reply, encode_command
from broker.session import BrokerAddress, Will, connect
from drivers.catalogue import load_catalogue
from drivers.sparkplug.values import Datatype
from firmware_sim.mqtt_devices import (
    ChirpStackGateway,
    FrigateCamera,
    Reporter,
    ShellySwitch,
    TasmotaPlug,
    Zigbee2MqttSensor,
)
from firmware_sim.sparkplug_node import Cell, SparkplugNode
from firmware_sim.wires import MqttWire, on_mqtt
from gateways import clock
from gateways.daemon import Gateway, GatewaySettings
from telemetry import Command, Device, Quality, Value
from tests.gateways.centre import Centre, centre_at
from tests.servers import mosquitto, need
from tests.waiting import until

CATALOGUE = load_catalogue()


@pytest.fixture
def port(tmp_path: Path) -> Any:
    with mosquitto(tmp_path / "mosquitto") as port:
        yield port


@asynccontextmanager
async def gateway_at(port: int, folder: Path, *devices: Device) -> AsyncGenerator[Centre]:
    """A gateway with these devices, and the centre it reports to."""
    broker = BrokerAddress("127.0.0.1", port)
    gateway = Gateway(GatewaySettings("quay", "Dinh Vu", devices, folder, broker), CATALOGUE)
    async with centre_at(broker) as centre:
        running = asyncio.create_task(gateway.run())
        try:
            await until(lambda: running.done() or gateway.status().devices)
            yield centre
        finally:
            running.cancel()
            await asyncio.wait({running})


def device(profile: str, port: int, topic_filter: str, **settings: Any) -> Device:
    link = f"mqtt://127.0.0.1:{port}/{topic_filter}"
    return Device(id="dut", profile=profile, link=link, settings=settings)


def got(centre: Centre, values: Mapping[str, Value], quality: Quality = Quality.GOOD) -> bool:
    """Whether the centre has a reading that says at least this."""
    return any(
        values.items() <= dict(one.values).items() and one.quality is quality for one in centre.readings
    )


@dataclass(frozen=True)
class Devices:
    """Runs a device beside a gateway until the gateway has heard it."""

    port: int
    folder: Path

    @asynccontextmanager
    async def running(self, family: "Family", one: Reporter) -> AsyncGenerator[None]:
        """While the block runs."""
        ours = device(family.profile, self.port, family.topic_filter, **family.settings)
        wired = on_mqtt(one, broker=BrokerAddress("127.0.0.1", self.port), client_id="dut", topics=one.topics)
        async with gateway_at(self.port, self.folder, ours) as centre, wired:
            await until(lambda: got(centre, family.values))
            yield


@pytest.fixture
def devices(port: int, tmp_path: Path) -> Devices:
    return Devices(port, tmp_path / "g")


async def ask(port: int, action: str, **arguments: Value) -> ReplyMessage:
    """Has a command carried out as the centre does, and gives the reply."""
    async with connect(BrokerAddress("127.0.0.1", port), "asking") as session, asyncio.timeout(20):
        await session.subscribe(topics.ALL_REPLIES)
        now = clock.now().utc
        command = Command("c1", "dut", action, arguments, now + 30 * 10**9)
        await session.publish(topics.commands("quay"), encode_command(command, now))
        return decode_reply((await anext(session.messages())).payload)


def pub(port: int, topic: str, payload: str, *options: str) -> None:
    """A message by Mosquitto's own client."""
    program = need("mosquitto_pub", "mosquitto-clients")
    command = [program, "-p", str(port), "-q", "1", "-t", topic, "-m", payload, *options]
    subprocess.run(command, check=True, timeout=20)


@dataclass(frozen=True)
class Family:
    """A device as sold: its profile, its settings, its simulation, and what it then reports."""

    profile: str
    topic_filter: str
    settings: dict[str, str]
    simulated: Callable[[], Reporter]
    values: dict[str, Value]


TASMOTA = Family(
    "tasmota-plug",
    "+/plug-7/#",
    {"name": "plug-7"},
    lambda: TasmotaPlug("plug-7", 0.3),
    {"active_power": 367.0},
)
SHELLY = Family(
    "shelly-gen2-switch", "s-1/#", {"name": "s-1"}, lambda: ShellySwitch("s-1", 0.3), {"active_power": 61.5}
)
ZIGBEE = Family(
    "zigbee2mqtt-climate",
    "zigbee2mqtt/#",
    {"name": "store/1"},
    lambda: Zigbee2MqttSensor("store/1", 0.3),
    {"temperature": 4.2},
)
LORAWAN = Family(
    "dragino-lht65",
    "application/+/device/+/event/up",
    {"dev_eui": "a840"},
    lambda: ChirpStackGateway("a840", bytes.fromhex("cbd40a8c0376010add7fff"), 2, 0.3),
    {"temperature": 27.0, "probe_temperature": 27.81},
)
FRIGATE = Family(
    "frigate-camera",
    "frigate/#",
    {"camera": "dock-1"},
    lambda: FrigateCamera("dock-1", 0.3),
    {"label": "person", "zones": "quay"},
)


def profile_of(family: Family) -> str:
    return family.profile


@pytest.mark.parametrize("family", [TASMOTA, SHELLY, ZIGBEE, LORAWAN, FRIGATE], ids=profile_of)
async def test_a_device_as_sold_reports_through_a_gateway(port: int, tmp_path: Path, family: Family) -> None:
    one, broker = family.simulated(), BrokerAddress("127.0.0.1", port)
    ours = device(family.profile, port, family.topic_filter, **family.settings)
    async with (
        gateway_at(port, tmp_path / "g", ours) as centre,
        on_mqtt(one, broker=broker, client_id="dut", topics=one.topics),
    ):
        await until(lambda: got(centre, family.values))
    assert {reading.device for reading in centre.readings} == {"dut"}


@pytest.mark.parametrize(
    ("family", "action", "argument", "answer"),
    [
        (TASMOTA, "power", {"state": "off"}, {"power": "OFF"}),
        (SHELLY, "power", {"state": False}, {"was_on": True}),
        (FRIGATE, "detect", {"on": False}, {}),
    ],
    ids=["tasmota", "shelly", "frigate"],
)
async def test_a_command_is_published_carried_out_and_answered(
    devices: "Devices", family: Family, action: str, argument: dict[str, Value], answer: dict[str, Value]
) -> None:
    one = family.simulated()
    async with devices.running(family, one):
        reply = await ask(devices.port, action, **argument)
    assert (reply.reason, dict(reply.values)) == ("", answer)
    assert getattr(one, "detecting" if isinstance(one, FrigateCamera) else "on") is False


async def test_what_a_device_refuses_comes_back_in_its_own_words(devices: "Devices") -> None:
    shelly = ShellySwitch("s-1", 0.3)
    shelly.refuses = "Device is overheated"
    async with devices.running(SHELLY, shelly):
        refused = await ask(devices.port, "power", state=True)
    assert (refused.reason, refused.detail) == ("refused", "Device is overheated")


async def test_an_announced_device_is_known_though_it_announced_itself_before_the_gateway_came(
    port: int, tmp_path: Path
) -> None:
    config = {"stat_t": "lab/s", "val_tpl": "{{ value_json.l }}", "dev_cla": "distance", "unit_of_meas": "cm",
              "dev": {"ids": "sonde"}}  # fmt: skip
    pub(port, "homeassistant/sensor/sonde/level/config", json.dumps(config), "-r")
    pub(port, "lab/s", '{"l": 999}', "-r")
    async with gateway_at(
        port, tmp_path / "g", device("home-assistant-discovery", port, "#", node="sonde")
    ) as centre:
        await until(lambda: got(centre, {"entities": 1}))
        pub(port, "lab/s", '{"l": 250}')
        await until(lambda: got(centre, {"level": 2.5}))
    assert not got(centre, {"level": 9.99})


async def test_a_state_the_broker_had_kept_is_uncertain_and_a_measurement_it_had_kept_is_none(
    port: int, tmp_path: Path
) -> None:
    pub(port, "zigbee2mqtt/gate", '{"contact": false, "battery": 50}', "-r")
    async with gateway_at(
        port, tmp_path / "g", device("zigbee2mqtt-contact", port, "zigbee2mqtt/#", name="gate")
    ) as centre:
        await until(lambda: got(centre, {"open": True}, Quality.UNCERTAIN))
        pub(port, "zigbee2mqtt/gate", '{"contact": true, "battery": 49}')
        await until(lambda: got(centre, {"open": False, "battery": 49}))
    assert not any(reading.values.get("battery") == 50 for reading in centre.readings)


@asynccontextmanager
async def node_at(node: SparkplugNode, port: int) -> AsyncGenerator[MqttWire]:
    """A simulated edge node, with its will."""
    will = Will(node.will.to, node.will.payload)
    broker = BrokerAddress("127.0.0.1", port)
    async with on_mqtt(node, broker=broker, client_id="node", topics=node.topics, will=will) as wire:
        await wire.connected.wait()
        yield wire


async def test_an_edge_node_that_was_there_first_is_asked_for_its_births_and_a_gap_asks_again(
    port: int, tmp_path: Path
) -> None:
    cells = [Cell("Level", Datatype.INT32, 420), Cell("Run", Datatype.BOOLEAN, True, "pump")]
    node = SparkplugNode("port", "node-1", cells, every=0.2)
    config = {"node": "node-1", "rebirth": "500ms", "reorder": "200ms"}
    link = device("sparkplug-node", port, "spBv1.0/port/+/node-1/#", **config)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(node_at(node, port))
        centre = await stack.enter_async_context(gateway_at(port, tmp_path / "g", link))
        await until(lambda: got(centre, {"level": 420}))
        assert node.rebirths >= 1
        before, node.skip = node.rebirths, 3
        await until(lambda: node.rebirths > before)
        cells[0].value = -7
        await until(lambda: got(centre, {"level": -7}))
        reply = await ask(port, "write_metric", metric="Level", value="99")
        assert reply.reason == ""
        await until(lambda: got(centre, {"level": 99}))
