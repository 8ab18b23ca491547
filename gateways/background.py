"""Runs things side by side: beside a block, or together until a session breaks."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from telemetry import LinkError


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """The work runs while the block does; a bug in it surfaces when the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all until one breaks the session. Raises LinkError."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except* LinkError as errors:
        failure = errors
    else:
        return
    raise LinkError(str(failure.exceptions[0])) from failure
