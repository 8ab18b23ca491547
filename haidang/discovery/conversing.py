"""Reads one device from the terminal, with the gateway's own pump and drivers, and stores nothing."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from broker.session import BrokerAddress
from broker.wire import DeviceStatus, PushedDevice
from drivers.catalogue import Catalogue
from gateways.fleet import Fleet
from gateways.links import parse_link
from gateways.settings import GatewaySettings
from telemetry import ConfigurationError, Device, Profile, Reading, Value
from telemetry.documents import named, wrong_keys

NAME = "device"  # what the one device is called
SETTLED = 3.0  # seconds after the first value in which the others are waited for
_NOBODY = BrokerAddress("", 0)

Sink = Callable[[Sequence[Reading]], None]


@dataclass(slots=True)
class Heard:
    """What a device said. values: the newest of each metric. status: how it fared at the end."""

    values: dict[str, Value] = field(default_factory=dict[str, Value])
    observed_at: int = 0
    status: DeviceStatus | None = None


def describe(
    link: str, profile: Profile, unit: int, settings: Mapping[str, Any], every: float | None = None
) -> Device:
    """The device an administrator means. every: seconds between polls, None for the model's own.

    Raises ConfigurationError for words that make no device.
    """
    parse_link(link)
    try:
        return Device(
            id=NAME, profile=profile.id, link=link, unit_id=unit, every=every, settings=dict(settings)
        )
    except ValidationError as error:
        raise ConfigurationError("; ".join(named(*mistake) for mistake in wrong_keys(error))) from error


async def read_once(device: Device, catalogue: Catalogue, broker: BrokerAddress | None, wait: float) -> Heard:
    """Listens until every metric of the model was said, a while after the first one, or `wait` seconds."""
    wanted = {metric.name for metric in catalogue.profile(device.profile).metrics}
    heard, news = Heard(), asyncio.Event()

    def sink(readings: Sequence[Reading]) -> None:
        for reading in readings:
            heard.values |= reading.values
            heard.observed_at = reading.observed_at
        news.set()

    async with conversation(device, catalogue, broker, sink) as status:
        end = time.monotonic() + wait
        while not (wanted and wanted <= heard.values.keys()) and await _before(end, news):
            end = min(end, time.monotonic() + SETTLED)
            news.clear()
        heard.status = status()
    return heard


@asynccontextmanager
async def conversation(
    device: Device, catalogue: Catalogue, broker: BrokerAddress | None, sink: Sink
) -> AsyncGenerator[Callable[[], DeviceStatus]]:
    """The device is read as long as the block runs; what is given tells how it fares.

    Raises ConfigurationError when it cannot be read at all.
    """
    if broker is None and device.link.startswith("mqtt:") and not device.link.startswith("mqtt://"):
        raise ConfigurationError(
            f"{device.link} is on the platform's broker, and none is configured: give --config with its "
            "[broker] url, or write the broker into the link, mqtt://user:password@host:1883/topic"
        )
    async with asyncio.TaskGroup() as pumps:
        fleet = Fleet(GatewaySettings("terminal", "", (), Path(), broker or _NOBODY), catalogue, sink, pumps)
        await fleet.apply((PushedDevice(**device.model_dump()),))
        status = fleet.status()[0]
        if status.state == "refused":
            raise ConfigurationError(status.detail.removeprefix(f"device {NAME}: "))
        try:
            yield lambda: fleet.status()[0]
        finally:
            await fleet.apply(())


async def _before(end: float, news: asyncio.Event) -> bool:
    """Whether there was news before this monotonic second."""
    try:
        async with asyncio.timeout(max(0.0, end - time.monotonic())):
            await news.wait()
    except TimeoutError:
        return False
    return True
