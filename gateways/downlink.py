"""Takes the configuration the centre keeps for this gateway, and keeps it here too.

An older version than the one applied is ignored: it is a broker's stale copy. Version 0 is always
applied, so that a centre set up anew can begin again. The backlog is no part of it and stays.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from broker.wire import Configuration, PushedDevice, decode
from gateways.delivery.outbox import Outbox
from gateways.errors import OutboxUnwritableError
from telemetry import WireError

_FACT = "configuration"

log = structlog.get_logger()


class Downlink:
    """version: of the configuration applied, 0 before any."""

    def __init__(self, outbox: Outbox, apply: Callable[[Sequence[PushedDevice]], Awaitable[None]]) -> None:
        self.version = 0
        self._outbox = outbox
        self._apply = apply
        self._applied: Configuration | None = None

    async def restore(self) -> None:
        """Applies what was kept from the last time, so that a gateway starts without the broker."""
        try:
            payload = await self._outbox.kept(_FACT)
        except OutboxUnwritableError as error:
            log.error("configuration.not_restored", reason=str(error))
            payload = None
        configuration = None if payload is None else self._read(payload)
        await self._take(configuration or Configuration(0, ()))

    async def receive(self, payload: bytes) -> None:
        """What stands on the configuration topic."""
        configuration = self._read(payload)
        if configuration is None or configuration == self._applied:
            return
        if 0 < configuration.version < self.version:
            log.warning("configuration.stale", version=configuration.version, applied=self.version)
            return
        try:
            await self._outbox.keep(_FACT, payload)
        except OutboxUnwritableError as error:
            log.error("configuration.not_kept", version=configuration.version, reason=str(error))
        await self._take(configuration)
        log.info("configuration.applied", version=self.version, devices=len(configuration.devices))

    async def _take(self, configuration: Configuration) -> None:
        await self._apply(configuration.devices)
        self._applied, self.version = configuration, configuration.version

    def _read(self, payload: bytes) -> Configuration | None:
        try:
            return decode(payload, Configuration)
        except WireError as error:
            log.error("configuration.unreadable", reason=str(error))
            return None
