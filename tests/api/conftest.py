"""One running API for each file of tests: its parts take a second to start."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.api.running import Running, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Running]:
    """The API for all tests of a file, each of which uses ids of its own."""
    ready: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    finished = asyncio.Event()
    holding = asyncio.create_task(_hold(tmp_path_factory.mktemp("api"), ready, finished))
    either: set[asyncio.Future[Any]] = {holding, ready}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if holding.done():
        holding.result()
    yield ready.result()
    finished.set()
    await holding


async def _hold(folder: Path, ready: "asyncio.Future[Running]", finished: asyncio.Event) -> None:
    """Enters and leaves in one task, as task groups want it; fixtures are set up and torn down in two."""
    async with running(folder) as api:
        ready.set_result(api)
        await finished.wait()
