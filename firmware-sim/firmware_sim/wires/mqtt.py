"""Simulated devices on an MQTT broker: one client that publishes what they say and hears what it asks for."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from broker.session import BrokerAddress, Session, Will, stay_connected, together
from drivers.contract import Outgoing
from firmware_sim.simulated import SimulatedDevice
from firmware_sim.wires.connections import alongside
from firmware_sim.wires.faults import Spoiler
from firmware_sim.wires.wire import Conversation, Wire, living
from telemetry import LinkError
from telemetry.topics import matches

WAITING = 1_000
"""Messages that wait for the broker; what comes beyond is lost and counted as `unheard`."""


class MqttWire(Wire):
    """A client of a broker. Its url is empty: which topics a gateway is to read, only the devices know."""

    def __init__(
        self, devices: Sequence[SimulatedDevice], spoiler: Spoiler | None, retain: Sequence[str]
    ) -> None:
        super().__init__("", spoiler)
        self.connected = asyncio.Event()
        self._retain = tuple(retain)
        self._out: asyncio.Queue[Outgoing] = asyncio.Queue(WAITING)
        self._broken = asyncio.Event()
        self._plugged = asyncio.Event()
        self._plugged.set()
        self._conversation = Conversation(self, devices, self._put)

    def close(self) -> None:
        """Wakes nobody any more."""
        super().close()
        self._conversation.close()

    async def converse(self, session: Session, topics: Sequence[str]) -> None:
        """One session with the broker, until it breaks."""
        await self._plugged.wait()
        self._broken.clear()
        if topics:
            await session.subscribe(*topics)
        self.counts["clients"] += 1
        self.connected.set()
        try:
            await together(self._hear(session), self._tell(session), self._break())
        finally:
            self.connected.clear()

    def _put(self, payload: bytes, to: str) -> None:
        try:
            self._out.put_nowait(Outgoing(payload, to))
        except asyncio.QueueFull:
            self.counts["unheard"] += 1

    async def _hear(self, session: Session) -> None:
        async for message in session.messages():
            self.heard(self._conversation, message.payload, message.topic)

    async def _tell(self, session: Session) -> None:
        while True:
            said = await self._out.get()
            retain = any(matches(one, said.to) for one in self._retain)
            await session.publish(said.to, said.payload, retain=retain)

    async def _break(self) -> None:
        await self._broken.wait()
        raise LinkError("the simulated device was disconnected")

    def _drop_clients(self) -> None:
        self._broken.set()

    def _unplug(self) -> None:
        self._plugged.clear()
        self._broken.set()

    def _plug(self) -> None:
        self._plugged.set()


@asynccontextmanager
async def on_mqtt(
    *devices: SimulatedDevice,
    broker: BrokerAddress,
    client_id: str,
    topics: Sequence[str] = (),
    retain: Sequence[str] = (),
    will: Will | None = None,
    spoiler: Spoiler | None = None,
) -> AsyncGenerator[MqttWire]:
    """Devices on a broker while the block runs, through its restarts.

    An Outgoing goes to the topic in its `to`; a message's topic is the origin that devices are given.
    topics: filters to subscribe to. retain: filters of the topics whose messages the broker is to keep.
    """
    if spoiler is not None:
        spoiler.check(devices)
    wire = MqttWire(devices, spoiler, retain)
    staying = stay_connected(broker, client_id, lambda session: wire.converse(session, topics), will)
    async with living(wire), alongside(staying):
        yield wire
