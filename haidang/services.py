"""The services, together in one process (`up`) or each apart. This is where the rooms meet."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog

from alerts.notifier import Notifier
from api.app import create_app
from api.live import LiveView
from api.parts import Parts
from api.server import serve
from broker.session import BrokerAddress
from firmware_sim.port import SimulatedPort
from gateways.daemon import Gateway
from haidang.configuration import GatewaySection
from haidang.installation import Installation
from haidang.terminal import until_interrupted
from ingest.insisting import insist
from ingest.restoring import restore_picture, restore_readings
from ingest.retention import keep_for
from registry.open import Registry
from stores.contract import Store
from telemetry import ConfigurationError
from vessels.picture import Picture

DEMO_GATEWAY = "demo"
HEAD_START = 5.0  # seconds to wait for what others would otherwise miss at first

log = structlog.get_logger()
Watch = Callable[[LiveView, str], Coroutine[Any, Any, None]]
"""Something that shows the running platform: gets the live view and the API's address."""


async def until_stopped(service: Awaitable[None]) -> None:
    """Runs the service until SIGINT or SIGTERM, then has it stop cleanly."""
    if await until_interrupted(service):
        log.info("stopped")


@dataclass(frozen=True, slots=True)
class Whole:
    """What `up` is to run besides the configuration. host and port None: as configured."""

    demo: bool = False
    host: str | None = None
    port: int | None = None
    watch: Watch | None = None


async def up(installation: Installation, whole: Whole) -> None:
    """The whole platform in this process."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(installation.broker())
        store = await stack.enter_async_context(installation.store())
        registry = await stack.enter_async_context(installation.registry())
        sections = list(installation.configuration.gateway)
        if whole.demo:
            sections.append(await stack.enter_async_context(_demo(broker)))
        centre = await stack.enter_async_context(asyncio.TaskGroup())
        intake = installation.ingest(broker, store, registry)
        centre.create_task(intake.run())
        if installation.configuration.store.url is None:  # InfluxDB has a retention policy of its own
            centre.create_task(keep_for(store, installation.configuration.store.retention))
        centre.create_task(_api(installation, broker, store, registry, whole))
        centre.create_task(Notifier(registry, installation.contacts).run())
        if not sections:
            log.warning("up.no_gateway", remedy="add [[gateway]] to the configuration, or start with --demo")
        await _at_most(HEAD_START, intake.listening.wait())
        # A group of their own, which ends before the centre's: what they still have to send is taken.
        edge = await stack.enter_async_context(asyncio.TaskGroup())
        for section in sections:
            settings = installation.gateway(section, broker)
            edge.create_task(Gateway(settings, installation.catalogue).run())


async def _at_most(seconds: float, wait: Awaitable[object]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wait


async def gateway(installation: Installation, only: str | None) -> None:
    """The gateways of this file, or one of them."""
    sections = [s for s in installation.configuration.gateway if only in {None, s.id}]
    if not sections:
        known = ", ".join(s.id for s in installation.configuration.gateway) or "none"
        wanted = f"gateway {only!r}" if only else "gateway"
        raise ConfigurationError(f"no {wanted} in the configuration; there is {known}: add [[gateway]]")
    broker = installation.broker_address("gateway")
    async with asyncio.TaskGroup() as tasks:
        for section in sections:
            settings = installation.gateway(section, broker)
            tasks.create_task(Gateway(settings, installation.catalogue).run())


async def ingest(installation: Installation) -> None:
    """The centre's end of the MQTT road."""
    broker = installation.broker_address("ingest")
    async with installation.store("ingest") as store, installation.registry() as registry:
        await installation.ingest(broker, store, registry).run()


async def alerts(installation: Installation) -> None:
    """Notifications of what is in the registry."""
    async with installation.registry() as registry:
        await Notifier(registry, installation.contacts).run()


async def api(installation: Installation, whole: Whole) -> None:
    """The API."""
    broker = installation.broker_address("api")
    async with installation.store("api") as store, installation.registry() as registry:
        await _api(installation, broker, store, registry, whole)


async def _api(
    installation: Installation, broker: BrokerAddress, store: Store, registry: Registry, whole: Whole
) -> None:
    live = LiveView(broker, registry)
    parts = Parts(registry, store, installation.catalogue, live, broker, installation.rules)
    section = installation.configuration.api
    host, port = whole.host or section.host, section.port if whole.port is None else whole.port
    async with serve(create_app(parts), host, port) as address, asyncio.TaskGroup() as tasks:
        tasks.create_task(live.run())
        await asyncio.wait({tasks.create_task(_seed(live, store))}, timeout=HEAD_START)
        log.info("api.listening", address=address)
        if whole.watch is not None:
            tasks.create_task(whole.watch(live, address))


async def _seed(live: LiveView, store: Store) -> None:
    """What was known before the start, as soon as the store can tell."""

    async def attempt() -> None:
        now = time.time_ns()
        live.seed(await restore_readings(store, now), await restore_picture(store, Picture(), now))

    await insist(attempt, "api.store_unreachable")


@asynccontextmanager
async def _demo(broker: BrokerAddress) -> AsyncGenerator[GatewaySection]:
    async with SimulatedPort(seed=1, broker=broker) as port:
        yield GatewaySection(id=DEMO_GATEWAY, device=port.devices)
