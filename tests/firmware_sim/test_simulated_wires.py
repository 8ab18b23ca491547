"""Every simulated device is read over its wire by a gateway's own links and drivers."""

import asyncio
import time

import pytest

from broker.embedded import embedded_broker
from broker.session import BrokerAddress
from drivers.catalogue import load_catalogue
from firmware_sim.port import SimulatedPort
from firmware_sim.world import RADAR_HEIGHT
from gateways.links import open_link, parse_link
from telemetry import Device, Instant, Reading, Value

NAMED_BY = {
    "ais-dinh-vu": "sentence",
    "weather-mast": "air_pressure",
    "quay-power": "energy_import",
    "level-radar": "water_level",
    "berth-camera": "pan",
    "yard-sensor": "humidity",
}
"""Device → a value that it says sooner or later."""


def now() -> Instant:
    return Instant(time.time_ns(), time.monotonic())


async def read_until(device: Device, broker: BrokerAddress, wanted: str) -> dict[str, Value]:
    """What the device says, until the wanted value is among it.

    Who begins to read a talking line may meet the end of a sentence; any other Fault fails the test.
    """
    driver = load_catalogue().open_driver(device)
    values: dict[str, Value] = {}
    async with open_link(parse_link(device.link), broker) as link:
        driver.connected(now())
        while wanted not in values:
            due = driver.wake_at is not None and driver.wake_at <= now().monotonic
            events = list(driver.wake(now())) if due else []
            for sent in driver.outgoing():
                link.write(sent.payload, sent.to)
            chunk = await link.read(driver.wake_at)
            events += driver.receive(chunk[0], now(), chunk[1]) if chunk else []
            for event in events:
                assert isinstance(event, Reading) or (device.id == "weather-mast" and not values)
                values |= event.values if isinstance(event, Reading) else {}
    return values


@pytest.mark.parametrize("speed", [1.0, 60.0])
async def test_a_gateway_reads_every_device(speed: float) -> None:
    async with embedded_broker() as broker, SimulatedPort(1, broker, speed=speed) as port:
        async with asyncio.timeout(30):
            said = await asyncio.gather(
                *(read_until(device, broker, NAMED_BY[device.id]) for device in port.devices)
            )
        water = port.world.water_level(port.clock.now())
    values = dict(zip([device.id for device in port.devices], said, strict=True))
    assert str(values["ais-dinh-vu"]["sentence"]).startswith("!AIVDM,")
    assert values["level-radar"]["water_level"] == pytest.approx(water, abs=0.3)
    assert values["level-radar"]["installation_height"] == RADAR_HEIGHT
    assert values["quay-power"]["frequency"] == pytest.approx(50, abs=0.1)
    assert values["weather-mast"]["air_pressure"] == pytest.approx(1012, abs=20)
