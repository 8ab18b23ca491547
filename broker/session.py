"""A session with the broker: connects, stays connected with jittered backoff, publishes, subscribes.

The one module that knows the MQTT library. Everything goes out at QoS 1.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog

from broker.backoff import Backoff
from telemetry import ConfigurationError, LinkError

QOS = 1
KEEPALIVE = 15  # seconds; a half-open connection is noticed after one and a half
ANSWER_TIME = 10.0  # seconds the broker may take for any one answer
LEAVING_TIME = 1.0  # seconds our goodbye may take
QUEUED_MESSAGES, QUEUED_BYTES = 1_000, 64 << 20
"""What is held for a slow reader; what comes beyond is dropped, and whoever sent it sends it again."""

_QUICK: int | None = getattr(socket, "TCP_QUICKACK", None)

AnswerT = TypeVar("AnswerT")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived: its topic, its payload, and whether the broker had kept it."""

    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this client vanishes."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are there. The password never shows in a repr."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str, ca_file: Path | None = None) -> Self:
        """From `mqtt://user:password@host:1883` or `mqtts://…:8883`. Raises ConfigurationError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its text, and so its traceback, may quote a part of the password
            raise ConfigurationError(
                "the broker's URL has a host or a port that cannot be read: write mqtt://host:1883, and in a "
                "password %40 for @, %3A for : and %2F for /"
            ) from None
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ConfigurationError(
                "the broker's URL must look like mqtt://user:password@host:1883 or mqtts://host:8883"
            )
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=port or (8883 if tls else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            ca_file=ca_file,
        )

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS settings: the system's authorities, or only the site's own when it has one."""
        if not self.tls:
            return None
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


class Session:
    """A live connection. Every method raises LinkError when it breaks."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has acknowledged."""
        try:
            await self._client.publish(topic, payload, QOS, retain)
        except (aiomqtt.MqttError, ValueError) as error:
            raise LinkError(f"cannot publish on {topic}: {error}") from error

    async def subscribe(self, *filters: str) -> None:
        """Returns when the broker has granted every filter. Raises LinkError when it refuses one."""
        try:
            granted = await self._client.subscribe([(one, QOS) for one in filters])
        except (aiomqtt.MqttError, ValueError) as error:
            raise LinkError(f"cannot subscribe to {', '.join(filters)}: {error}") from error
        codes = [code if isinstance(code, int) else code.value for code in granted]
        refused = [one for one, code in zip(filters, codes, strict=True) if code >= 128]
        if refused:
            raise LinkError(f"the broker refuses {', '.join(refused)}: check its access list for this user")

    async def messages(self) -> AsyncIterator[Message]:
        """What arrives, in order, until the connection breaks."""
        try:
            async for message in self._client.messages:
                yield Message(message.topic.value, _bytes(message.payload), bool(message.retain))
        except aiomqtt.MqttError as error:
            raise LinkError(f"the broker went away: {error}") from error


def _bytes(payload: object) -> bytes:
    return bytes(payload) if isinstance(payload, bytes | bytearray) else str(payload or "").encode()


class _Queue(asyncio.Queue[aiomqtt.Message]):
    """The library's queue of what waits for its reader, bounded in bytes too."""

    _size = 0

    def full(self) -> bool:
        """Whether the next message is to be dropped."""
        return self._size >= QUEUED_BYTES or super().full()

    def _put(self, item: aiomqtt.Message) -> None:
        self._size += len(_bytes(item.payload))
        super()._put(item)

    def _get(self) -> aiomqtt.Message:
        item = super()._get()
        self._size -= len(_bytes(item.payload))
        return item


class _Client(aiomqtt.Client):
    """The library's client, with an opening and a leaving that leave no socket or task behind.

    Its own lose a cancellation when the broker does not answer the goodbye, or answers at the moment of
    the cancellation (as Python 3.11's wait_for does), and keep the socket of a broker that accepts and
    never answers.
    """

    async def open(self) -> None:
        """Connects. Raises MqttError or OSError."""
        self._client.on_disconnect, self._client.on_publish = self._lost, self._published
        self._client.on_subscribe = self._granted
        connecting = asyncio.get_running_loop().run_in_executor(None, self._client_connect)
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await asyncio.wait({connecting})
            raise
        wire = self._client.socket()
        if isinstance(wire, socket.socket):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._wait_for(self._connected, timeout=None)

    def _published(self, *details: Any) -> None:
        """The acknowledgement of something published is itself acknowledged at once, on Linux.

        A broker that leaves Nagle's algorithm on, as the embedded one does, would hold back the message
        behind it for the 40 ms of a delayed acknowledgement: every reply to a command.
        """
        self._on_publish(*details)
        wire = self._client.socket()
        if _QUICK is not None and isinstance(wire, socket.socket):
            wire.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)

    def _granted(self, client: Any, asked: Any, number: int, *details: Any) -> None:
        """The answer to a subscription. The library logs a traceback where nobody waits for it any more."""
        if number in self._pending_subscribes:
            self._on_subscribe(client, asked, number, *details)

    async def leave(self) -> None:
        """Says goodbye where that is still possible, and closes."""
        if self._is_connected():
            self._client.disconnect()
            await asyncio.wait({self._disconnected}, timeout=LEAVING_TIME)
        if self._disconnected.done():
            self._disconnected.exception()
        self._client.on_socket_close = self._client.on_socket_unregister_write = None
        if (wire := self._client.socket()) is not None:
            self._loop.remove_reader(wire.fileno())
            self._loop.remove_writer(wire.fileno())
            wire.close()
        if self._misc_task is not None:
            self._misc_task.cancel()
            await asyncio.wait({self._misc_task})

    def _lost(self, *details: Any) -> None:
        """Who hangs up before the greeting is told at once, not when its time is over."""
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("it hung up before it greeted"))
        self._on_disconnect(*details)

    async def _wait_for(self, fut: Awaitable[AnswerT], timeout: float | None) -> AnswerT:  # noqa: ASYNC109 - its name there
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError as error:
            raise aiomqtt.MqttError("the broker does not answer") from error

    def _is_connected(self) -> bool:
        connected, lost = self._connected, self._disconnected
        return connected.done() and not (connected.cancelled() or connected.exception() or lost.done())


@asynccontextmanager
async def connect(
    address: BrokerAddress, client_id: str, will: Will | None = None
) -> AsyncGenerator[Session]:
    """A session as long as the block runs. Raises LinkError when it cannot be had."""
    try:
        client = _client(address, client_id, will)
    except OSError as error:
        raise LinkError(
            f"the authorities of {address} cannot be read from {address.ca_file}: {error}"
        ) from error
    try:
        try:
            await client.open()
        except (aiomqtt.MqttError, OSError, ValueError) as error:  # ValueError: no host can be called so
            raise LinkError(f"no session with the broker {address}: {error}") from error
        yield Session(client)
    finally:
        await client.leave()


def _client(address: BrokerAddress, client_id: str, will: Will | None) -> _Client:
    client = _Client(
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        identifier=client_id,
        clean_session=True,
        keepalive=KEEPALIVE,
        timeout=ANSWER_TIME,
        max_inflight_messages=QUEUED_MESSAGES,
        max_queued_incoming_messages=QUEUED_MESSAGES,
        queue_type=_Queue,
        tls_context=address.tls_context(),
        will=aiomqtt.Will(will.topic, will.payload, QOS, retain=True) if will else None,
    )
    client.pending_calls_threshold = QUEUED_MESSAGES
    return client


async def stay_connected(
    address: BrokerAddress,
    client_id: str,
    converse: Callable[[Session], Awaitable[None]],
    will: Will | None = None,
) -> None:
    """Runs `converse` on a session, and again on a new one whenever the connection breaks, for ever."""
    backoff = Backoff()
    while True:
        connected_at = None
        try:
            async with connect(address, client_id, will) as session:
                connected_at = time.monotonic()
                await converse(session)
        except LinkError as error:
            log.warning("broker.disconnected", client=client_id, broker=repr(address), reason=str(error))
        held = 0.0 if connected_at is None else time.monotonic() - connected_at
        await asyncio.sleep(backoff.after(held))


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Parts of one conversation side by side, until one of them breaks it. Raises LinkError then.

    Not a TaskGroup: Python 3.11's leaves its parent marked as being cancelled when a part fails, and
    forgets a real cancellation that comes at the same moment.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        raise next((one for one in failures if not isinstance(one, LinkError)), failures[0])
