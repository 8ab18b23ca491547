"""A simulated AIS receiver: a TCP server on loopback that sends what it hears to every client."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from firmware_sim.clock import WorldClock
from firmware_sim.transponders import Transponders
from firmware_sim.wires.connections import LOOPBACK, Connection, alongside, listening
from firmware_sim.world import World


class AisReceiver:
    """Speaks while anyone listens."""

    def __init__(self, world: World, clock: WorldClock) -> None:
        self._transponders = Transponders(world)
        self._clock = clock
        self._listener = asyncio.Event()

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[str]:
        """Up while the block runs, on a free port unless one is named; gives the link."""
        async with listening(self._connect, port) as (bound, clients), alongside(self._speak(clients)):
            yield f"tcp://{LOOPBACK}:{bound}"

    def begin(self) -> None:
        """Somebody began to listen: everything is said anew, soon."""
        self._transponders.restart(self._clock.now())
        self._listener.set()

    def _connect(self, clients: set[Connection]) -> Connection:
        return _Listener(clients, self.begin)

    async def _speak(self, clients: set[Connection]) -> None:
        while True:
            await self._listener.wait()
            sentences = self._transponders.due(self._clock.now())
            payload = "".join(f"{sentence}\r\n" for sentence in sentences).encode()
            for client in tuple(clients):
                client.send(payload)
            if not clients:
                self._listener.clear()
                continue
            await self._clock.until(self._transponders.next_at)


class _Listener(Connection):
    """A client of the receiver."""

    def __init__(self, clients: set[Connection], begin: Callable[[], None]) -> None:
        super().__init__(clients)
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, and is told everything."""
        super().connection_made(transport)
        self._begin()
