"""Says how the gateway fares: retained, on every change but at most once a second, and every 10 s."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from broker import topics
from broker.session import Session
from broker.wire import GatewayStatus, encode

SAY_EVERY = 10.0  # seconds
LOOK_EVERY = 1.0  # seconds
LARGEST_STATUS = 900_000  # bytes; brokers take a megabyte

_Gist = tuple[object, ...]


class Reporter:
    """snapshot: the status as it is now."""

    def __init__(self, gateway: str, snapshot: Callable[[], GatewayStatus]) -> None:
        self._topic = topics.status(gateway)
        self._snapshot = snapshot
        self._leaving = asyncio.Event()
        self._gone = asyncio.Event()
        self._sessions = 0

    async def report(self, session: Session) -> None:
        """Reports until the session breaks (LinkError); once it is leaving, says so and rests."""
        self._sessions += 1
        try:
            await self._report(session)
        finally:
            self._sessions -= 1

    async def leave(self) -> None:
        """Says that the gateway goes offline; returns when that is said, at once without a session."""
        self._leaving.set()
        if self._sessions:
            await self._gone.wait()

    async def _report(self, session: Session) -> None:
        said: _Gist = ()
        said_at = 0.0
        while not self._leaving.is_set():
            status = self._snapshot()
            if (gist := _gist(status)) != said or time.monotonic() - said_at >= SAY_EVERY:
                await session.publish(self._topic, fitting(status), retain=True)
                said, said_at = gist, time.monotonic()
            await self._pause()
        farewell = msgspec.structs.replace(self._snapshot(), online=False)
        await session.publish(self._topic, fitting(farewell), retain=True)
        self._gone.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._leaving.wait()
        except TimeoutError:
            return


def _gist(status: GatewayStatus) -> _Gist:
    """What is worth saying at once; counts can wait."""
    states = tuple((device.id, device.state, device.detail) for device in status.devices)
    return (status.configuration, tuple(status.refused), tuple(status.alerts.items()), states)


def fitting(status: GatewayStatus) -> bytes:
    """As JSON; where a thousand devices make it too large, only those that need someone."""
    payload = encode(status)
    if len(payload) > LARGEST_STATUS:
        troubled = [device for device in status.devices if device.state != "ok"]
        payload = encode(msgspec.structs.replace(status, devices=troubled))
    if len(payload) > LARGEST_STATUS:
        payload = encode(msgspec.structs.replace(status, devices=()))
    return payload
