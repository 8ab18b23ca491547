"""The gateway as a whole: devices in, batches out, from start to clean stop."""

import asyncio
from collections.abc import Container, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from broker import topics
from broker.session import Session, Will, stay_connected, together
from broker.statuses import Key
from broker.wire import GatewayStatus, encode
from drivers.catalogue import Catalogue
from gateways import clock
from gateways.commands.intake import Commands
from gateways.delivery.outbox import Outbox, open_outbox
from gateways.delivery.uplink import Uplink
from gateways.downlink import Downlink
from gateways.fleet import Fleet
from gateways.metrics import exposed
from gateways.settings import GatewaySettings
from gateways.status.reporter import Reporter

__all__ = ["Gateway", "GatewaySettings"]

DRAIN_TIME = 2.0  # seconds a stopping gateway goes on sending
FAREWELL_TIME = 1.0  # seconds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Parts:
    outbox: Outbox
    fleet: Fleet
    uplink: Uplink
    downlink: Downlink
    commands: Commands
    reporter: Reporter


class Gateway:
    """Reads its devices, keeps what they say until the centre has it, and takes new devices while it runs."""

    def __init__(self, settings: GatewaySettings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self._parts: _Parts | None = None

    async def run(self) -> None:
        """Runs until cancelled; then stops reading, commits the outbox, sends what it can and says goodbye.

        Raises ConfigurationError when another process uses the same folder, OutboxUnwritableError when
        the disk refuses from the start.
        """
        folder, limit = self.settings.folder, self.settings.outbox_limit
        async with open_outbox(folder / "outbox.db", limit) as outbox, asyncio.TaskGroup() as services:
            services.create_task(outbox.commit_regularly())
            try:
                async with asyncio.TaskGroup() as pumps:
                    await self._start(outbox, pumps, services)
            finally:
                await self._say_goodbye()

    def status(self, only: Container[Key] | None = None) -> GatewayStatus:
        """How the gateway and its devices fare now. only: just these devices, as a partial status."""
        settings = self.settings
        moment = clock.now().utc
        if self._parts is None:
            return GatewayStatus(online=False, version=settings.version, site=settings.site, clock=moment)
        outbox = self._parts.outbox
        backlog, backlog_bytes = outbox.backlog
        alerts = dict(outbox.alerts)
        if moment < clock.EARLIEST:
            alerts["clock"] = "this gateway's clock was never set: its readings are uncertain"
        return GatewayStatus(
            online=True,
            version=settings.version,
            site=settings.site,
            configuration=self._parts.downlink.version,
            backlog=backlog,
            backlog_bytes=backlog_bytes,
            accepted=outbox.accepted,
            refused=dict(outbox.refused),
            clock=moment,
            devices=self._parts.fleet.status(only),
            alerts=alerts,
            partial=only is not None,
        )

    async def _start(self, outbox: Outbox, pumps: asyncio.TaskGroup, services: asyncio.TaskGroup) -> None:
        """Starts everything and waits for the end."""
        settings = self.settings
        fleet = Fleet(settings, self.catalogue, outbox.append, pumps)
        uplink = Uplink(settings.id, settings.site, outbox)
        downlink = Downlink(outbox, fleet.apply)
        commands = Commands(settings.id, fleet.command)
        reporter = Reporter(settings.id, self.status, fleet.conditions)
        self._parts = parts = _Parts(outbox, fleet, uplink, downlink, commands, reporter)
        await downlink.restore()
        will = Will(topics.status(settings.id), encode(GatewayStatus(online=False, site=settings.site)))

        async def converse(session: Session) -> None:
            await self._converse(session, parts)

        services.create_task(stay_connected(settings.broker, f"gateway-{settings.id}", converse, will))
        with exposed(settings.id, lambda: (self.status(), uplink.resent)):
            await asyncio.get_running_loop().create_future()

    async def _converse(self, session: Session, parts: _Parts) -> None:
        receipts, commands = topics.receipts(self.settings.id), topics.commands(self.settings.id)
        await session.subscribe(receipts, commands, topics.configuration(self.settings.id))

        async def listen() -> None:
            async for message in session.messages():
                if message.topic == receipts:
                    parts.uplink.receive(message.payload)
                elif message.topic == commands:
                    if not message.retained:  # else it may have been carried out before a restart
                        parts.commands.receive(message.payload)
                else:
                    await parts.downlink.receive(message.payload)

        await together(
            listen(), parts.uplink.send(session), parts.commands.say(session), parts.reporter.report(session)
        )

    async def _say_goodbye(self) -> None:
        if self._parts is None:
            return
        parts = self._parts
        parts.fleet.close()
        await parts.outbox.flush()
        if parts.uplink.connected:
            await _at_most(DRAIN_TIME, parts.uplink.caught_up())
            await parts.outbox.flush()
        await _at_most(FAREWELL_TIME, parts.reporter.leave())
        self._parts = None


async def _at_most(seconds: float, work: Coroutine[Any, Any, None]) -> None:
    """Lets it work so long, also in a task that is being cancelled."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
        await asyncio.wait({task})
