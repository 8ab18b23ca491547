"""Tries again and again until the store or the registry is there and takes it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from broker.backoff import Backoff
from telemetry import RegistryError, StoreError

ResultT = TypeVar("ResultT")
log = structlog.get_logger()


async def insist(attempt: Callable[[], Awaitable[ResultT]], event: str) -> ResultT:
    """The attempt's result, however long it takes; each failure is logged as `event` with its reason."""
    backoff = Backoff()
    while True:
        try:
            return await attempt()
        except (StoreError, RegistryError) as error:
            wait = backoff.after(0)
            log.error(event, reason=str(error), retry_in=round(wait, 1))
        await asyncio.sleep(wait)
