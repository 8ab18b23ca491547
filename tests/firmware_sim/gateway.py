"""The least of a gateway: one device's driver on its link, until it reads something."""

import time

from broker.session import BrokerAddress
from drivers.catalogue import load_catalogue
from gateways.links import open_link, parse_link
from telemetry import Device, Instant, Reading, Value

CATALOGUE = load_catalogue()


def now() -> Instant:
    return Instant(time.time_ns(), time.monotonic())


async def first_values(device: Device, broker: BrokerAddress | None = None) -> dict[str, Value]:
    """The values of the device's first reading; one that is asked is asked at once, not in its time."""
    every = 0.2 if CATALOGUE.profile(device.profile).every is not None else None
    driver = CATALOGUE.open_driver(device.model_copy(update={"every": every}))
    async with open_link(parse_link(device.link), broker) as link:
        driver.connected(now())
        while True:
            due = driver.wake_at is not None and driver.wake_at <= now().monotonic
            events = list(driver.wake(now())) if due else []
            for sent in driver.outgoing():
                link.write(sent.payload, sent.to)
            chunk = await link.read(driver.wake_at)
            events += driver.receive(chunk[0], now(), chunk[1]) if chunk else []
            for event in events:
                if isinstance(event, Reading):
                    return dict(event.values)
