"""Links over MQTT: each chunk is one message, its origin the topic; what is sent names its topic."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from broker.session import BrokerAddress, Session, connect, together
from drivers.contract import RETAINED
from gateways.background import background
from gateways.links.contract import Home, Receiver
from gateways.links.gate import Gate
from gateways.links.urls import shown
from telemetry import ConfigurationError, LinkError
from telemetry.topics import check_filter

MOST_UNSENT = 256
"""Messages that may wait for the broker; then it takes nothing, and the link is opened anew."""


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """`mqtt:topic/filter` on the platform's broker, `mqtt://user:password@host:port/filter` on another."""

    topic_filter: str
    broker: BrokerAddress | None = None
    exclusive = ""

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """A session of its own. Messages the broker had kept are marked, for the drivers that hear them."""
        broker = self.broker or home.broker
        if broker is None:
            raise LinkError("this link names no broker, and the platform's is not known here")
        client = f"{home.owner}-link-{zlib.crc32(self.topic_filter.encode()):08x}"
        async with connect(broker, client) as session:
            await session.subscribe(self.topic_filter)
            link = _Publisher()
            receiver.opened(link)
            async with background(_converse(session, receiver, link)):
                yield


def parse_mqtt(url: str) -> MqttAddress:
    """Raises ConfigurationError, in whose text no password stands."""
    scheme, _, rest = url.partition(":")
    if not rest.startswith("//"):
        if scheme == "mqtts":
            raise ConfigurationError(f"{shown(url)!r}: the platform's broker is mqtt:, with or without TLS")
        return MqttAddress(_topic_filter(url, rest))
    host, _, topic_filter = rest[2:].partition("/")
    broker = BrokerAddress.parse(f"{scheme}://{host}")
    return MqttAddress(_topic_filter(url, topic_filter), broker)


def _topic_filter(url: str, text: str) -> str:
    try:
        return check_filter(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{shown(url)!r}: {error}; write it like mqtt:sensors/+/state, or on another broker "
            "mqtt://user:password@host:1883/sensors/#"
        ) from error


class _Publisher(Gate):
    """Publishes in order, at QoS 1, without making the writer wait."""

    def __init__(self) -> None:
        super().__init__()
        self._unsent: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MOST_UNSENT)

    def write(self, payload: bytes, to: str = "") -> None:
        """To this topic."""
        if not to:
            raise LinkError("an MQTT link sends to topics only: this device's driver needs another link")
        try:
            self._unsent.put_nowait((to, payload))
        except asyncio.QueueFull as error:
            raise LinkError(f"the broker takes nothing: {MOST_UNSENT} messages wait for it") from error

    async def publish(self, session: Session) -> None:
        """Until the session breaks (LinkError)."""
        while True:
            topic, payload = await self._unsent.get()
            await session.publish(topic, payload)


async def _converse(session: Session, receiver: Receiver, link: _Publisher) -> None:
    try:
        await together(_feed(session, receiver, link), link.publish(session))
    except LinkError as error:
        receiver.broke(error)


async def _feed(session: Session, receiver: Receiver, gate: Gate) -> None:
    async for message in session.messages():
        await gate.passed()
        if message.payload:
            receiver.receive(message.payload, RETAINED * message.retained + message.topic)
    raise LinkError("the MQTT session ended")
