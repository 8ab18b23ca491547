"""The broker for one process and for demonstrations: rumqttd in a child process, on loopback only.

It has no topic permissions, so it never listens beyond loopback; production has Mosquitto. When the
child dies it is started again on the same port; what it knew is gone, and all its clients say it again.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import iotcore
import structlog

from broker.session import BrokerAddress
from telemetry import LinkError

LOOPBACK = "127.0.0.1"
LARGEST_PAYLOAD = 1 << 20  # bytes
IN_FLIGHT = 1_000
START_TIME = 15.0  # seconds
LOOK_EVERY = 0.5  # seconds between two looks whether it lives

log = structlog.get_logger()


def free_port() -> int:
    """A loopback port nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def embedded_broker(port: int | None = None) -> AsyncGenerator[BrokerAddress]:
    """A broker as long as the block runs; on a free port unless one is named. Raises LinkError."""
    address = BrokerAddress(LOOPBACK, port or free_port())
    broker = iotcore.Broker(
        port=address.port,
        listen=LOOPBACK,
        max_payload_size=LARGEST_PAYLOAD,
        max_inflight_count=IN_FLIGHT,
    )
    try:
        await asyncio.to_thread(_start, broker)
    except (OSError, RuntimeError) as error:
        raise LinkError(f"the embedded broker does not start on {address}: {error}") from error
    leaving = asyncio.Event()
    keeping = asyncio.create_task(_keep_alive(broker, address, leaving))
    try:
        yield address
    finally:
        leaving.set()
        await asyncio.wait({keeping})
        await asyncio.to_thread(broker.stop)


async def _keep_alive(broker: iotcore.Broker, address: BrokerAddress, leaving: asyncio.Event) -> None:
    """Not ended by a cancellation: a start under way in its thread would leave a child behind."""
    while not leaving.is_set():
        if not broker.is_running:
            log.error("broker.died", broker=repr(address))
            try:
                await asyncio.to_thread(_start_again, broker)
            except (OSError, RuntimeError) as error:
                log.error("broker.not_started", broker=repr(address), reason=str(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await leaving.wait()


def _start_again(broker: iotcore.Broker) -> None:
    broker.stop()
    _start(broker)


def _start(broker: iotcore.Broker) -> None:
    """Ctrl-C reaches every process of a terminal; the broker must outlive those who say goodbye on it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        broker.start(START_TIME)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
