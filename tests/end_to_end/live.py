"""The live WebSocket as a console sees it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.waiting import until

Told = list[Mapping[str, Any]]


@asynccontextmanager
async def live(address: str) -> AsyncGenerator[Told]:
    """Listens as long as the block runs or the platform lets it; gives what it has been told so far."""
    told: Told = []
    async with connect(f"{address.replace('http', 'ws', 1)}/api/v1/live") as socket:
        listening = asyncio.create_task(_listen(socket, told))
        try:
            await until(lambda: told or listening.done())
            yield told
        finally:
            listening.cancel()
            await asyncio.wait({listening})


async def _listen(socket: ClientConnection, told: Told) -> None:
    with suppress(websockets.ConnectionClosed):
        async for message in socket:
            told.append(json.loads(message))
