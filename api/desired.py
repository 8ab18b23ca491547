"""Tells gateways which devices the API wants them to read: a retained configuration for each.

The registry is the truth. What could not be published waits, and every new session with the broker
publishes all again, so that a broker that forgot (it need not be durable) is healed. A gateway that has
applied a newer version than the registry ever gave (a registry restored or begun anew) would take ours
for a stale copy; version 0, which gateways always apply, goes before it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import structlog

from broker import topics
from broker.wire import Configuration, PushedDevice, encode
from registry import DeviceRecord, GatewayRecord, NotFound, Registry
from telemetry import RegistryError

RETRY_AFTER = 2.0  # seconds
_AT_ONCE = 500
Publish = Callable[[str, bytes], Awaitable[None]]

log = structlog.get_logger()


class Desired:
    """Which gateways wait for their configuration, and the loop that publishes it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._due: set[str] = set()
        self._published: dict[str, int] = {}
        self._applied: dict[str, int] = {}
        self._changed = asyncio.Event()

    def changed(self, gateway: str) -> None:
        """The gateway's devices changed: publish them as soon as there is a session."""
        self._due.add(gateway)
        self._changed.set()

    def applied(self, gateway: str, version: int) -> None:
        """The version a gateway says it has applied."""
        if version > self._published.get(gateway, version):
            self._applied[gateway] = version
            self.changed(gateway)

    async def run(self, publish: Publish) -> None:
        """Publishes all, then what changes, one after the other, until `publish` raises LinkError."""
        await self._patiently(self._all_due)
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._due:
                gateway = min(self._due)
                await self._patiently(partial(self._publish, gateway, publish))

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except RegistryError as error:
                log.warning("api.configuration_waits", reason=str(error), retry_in=RETRY_AFTER)
            await asyncio.sleep(RETRY_AFTER)

    async def _all_due(self) -> None:
        async for gateway in every_gateway(self._registry):
            if gateway.config_version:
                self.changed(gateway.id)

    async def _publish(self, gateway_id: str, publish: Publish) -> None:
        """A change while this reads or publishes makes the gateway due again."""
        self._due.discard(gateway_id)
        wanted = await self._configuration(gateway_id)
        if wanted is None:
            return
        topic = topics.configuration(gateway_id)
        if self._applied.pop(gateway_id, 0) > wanted.version:
            await publish(topic, encode(Configuration(0, wanted.devices)))
        await publish(topic, encode(wanted))
        self._published[gateway_id] = wanted.version

    async def _configuration(self, gateway_id: str) -> Configuration | None:
        """Read version first: a change in between gives newer devices an older number, and is published
        again with its own."""
        try:
            gateway = await self._registry.gateways.get(gateway_id)
        except NotFound:
            return None
        devices = [_pushed(record) async for record in every_device(self._registry, gateway_id)]
        return Configuration(gateway.config_version, devices)


async def every_gateway(registry: Registry, after: str = "") -> AsyncIterator[GatewayRecord]:
    """The registry's gateways by id, those behind `after`, read some at a time."""
    while page := await registry.gateways.list(limit=_AT_ONCE, after=after):
        for record in page:
            yield record
        after = page[-1].id


async def every_device(
    registry: Registry, gateway: str | None = None, after: str = ""
) -> AsyncIterator[DeviceRecord]:
    """The registry's devices by id, of one gateway or all, those behind `after`, read some at a time."""
    while page := await registry.devices.list(gateway=gateway, limit=_AT_ONCE, after=after):
        for record in page:
            yield record
        after = page[-1].device.id


def _pushed(record: DeviceRecord) -> PushedDevice:
    device = record.device
    return PushedDevice(
        id=device.id,
        profile=device.profile,
        link=device.link,
        name=device.name,
        every=device.every,
        unit_id=device.unit_id,
        settings=device.settings,
    )
