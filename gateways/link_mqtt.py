"""Links over MQTT: what devices publish, each chunk one message, its origin the topic."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from broker.session import BrokerAddress, Session, connect
from gateways.background import background
from gateways.inbox import Inbox, Link
from telemetry import LinkError


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """`mqtt:topic/filter` on the platform's broker, `mqtt://user:password@host:port/filter` on another."""

    topic_filter: str
    broker: BrokerAddress | None = None
    exclusive = ""


@asynccontextmanager
async def open_mqtt(
    address: MqttAddress, platform: BrokerAddress | None, client: str
) -> AsyncGenerator[Link]:
    """A session of its own. Retained messages are left out: nobody knows when they were said."""
    broker = address.broker or platform
    if broker is None:
        raise LinkError("this link names no broker, and the platform's is not known here")
    room = asyncio.Event()
    inbox = Inbox(room.set)
    async with connect(broker, client) as session:
        await session.subscribe(address.topic_filter)
        async with background(_feed(session, inbox, room)):
            yield Link(inbox, _refuse)


async def _feed(session: Session, inbox: Inbox, room: asyncio.Event) -> None:
    try:
        async for message in session.messages():
            if message.payload and not message.retained:
                inbox.put(message.payload, message.topic, piece=len(message.payload))
            while inbox.must_wait():
                room.clear()
                await room.wait()
    except LinkError as error:
        inbox.fail(error)
    finally:
        inbox.fail(LinkError("the MQTT session ended"))


def _refuse(_: bytes) -> None:
    raise LinkError("an MQTT link only listens: this device's driver needs a serial or TCP link")
