"""Says how the gateway fares: retained, on every change but at most once a second, and every 10 s."""

import asyncio
import time
from collections.abc import Callable, Container, Mapping
from typing import Protocol

import msgspec

from broker import topics
from broker.session import Session
from broker.statuses import Condition, Key, encode_status
from broker.wire import GatewayStatus
from gateways.status.telling import Telling

LOOK_EVERY = 1.0  # seconds
REST = 50
"""Times as long as a look took, until the next: many devices on a slow machine are looked at less often."""
LARGEST_STATUS = 900_000  # bytes; brokers take a megabyte


class Snapshot(Protocol):
    """Gives the status as it is now, with all devices or only these."""

    def __call__(self, only: Container[Key] | None = None) -> GatewayStatus:
        """Marked as partial when not all are wanted."""
        ...


class Reporter:
    """conditions: how every device fares."""

    def __init__(
        self, gateway: str, snapshot: Snapshot, conditions: Callable[[], Mapping[Key, Condition]]
    ) -> None:
        self._topic = topics.status(gateway)
        self._snapshot = snapshot
        self._conditions = conditions
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
        telling = Telling()
        while not self._leaving.is_set():
            began = time.monotonic()
            news = telling.next(self._snapshot(()), self._conditions(), began)
            payload = b"" if news is None else fitting(self._snapshot(news.devices))
            took = time.monotonic() - began
            if news is not None:
                await session.publish(self._topic, payload, retain=news.devices is None)
            await self._pause(max(LOOK_EVERY, REST * took))
        farewell = msgspec.structs.replace(self._snapshot(), online=False)
        await session.publish(self._topic, fitting(farewell), retain=True)
        self._gone.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            return


def fitting(status: GatewayStatus) -> bytes:
    """As it travels; where tens of thousands of devices make it too large even so, only those that need
    someone, marked as a part: nobody takes the others for gone."""
    payload = encode_status(status)
    if len(payload) > LARGEST_STATUS:
        troubled = [device for device in status.devices if device.state != "ok"]
        payload = encode_status(msgspec.structs.replace(status, devices=troubled, partial=True))
    if len(payload) > LARGEST_STATUS:
        payload = encode_status(msgspec.structs.replace(status, devices=(), partial=True))
    return payload
