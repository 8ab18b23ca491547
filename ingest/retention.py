"""Forgets what is older than the site wants to keep."""

import asyncio
import time

import structlog

from stores.contract import Store
from telemetry import StoreError
from telemetry.times import NANOSECONDS

EVERY = 3600.0  # seconds

log = structlog.get_logger()


async def keep_for(store: Store, retention: float) -> None:
    """Deletes points older than `retention` seconds, now and every hour, until cancelled."""
    while True:
        try:
            forgotten = await store.delete_before(time.time_ns() - int(retention * NANOSECONDS))
            log.info("store.retention", forgotten=forgotten)
        except StoreError as error:
            log.warning("store.retention_failed", reason=str(error))
        await asyncio.sleep(EVERY)
