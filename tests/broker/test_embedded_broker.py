"""The embedded broker: lives as long as its block, on loopback, and says when it cannot."""

import os
import signal
import socket
from pathlib import Path

import pytest

from broker.embedded import LARGEST_PAYLOAD, embedded_broker
from broker.session import connect
from telemetry import LinkError
from tests.servers import free_port
from tests.waiting import until


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


async def test_it_lives_as_long_as_its_block_and_its_port_is_free_again() -> None:
    port = free_port()
    for _ in range(2):
        async with embedded_broker(port) as address:
            assert (address.host, address.port) == ("127.0.0.1", port)
            assert accepts(port)
        assert not accepts(port)


async def test_it_carries_what_is_published_up_to_its_largest_payload() -> None:
    async with embedded_broker() as address, connect(address, "one") as one, connect(address, "two") as two:
        await two.subscribe("a/#")
        sent = [b"x" * size for size in (0, 1, 300_000, LARGEST_PAYLOAD - 1_000)]
        for payload in sent:
            await one.publish("a/b", payload)
        messages = two.messages()
        assert [(await anext(messages)).payload for _ in sent] == sent


async def test_it_keeps_what_is_retained_for_those_who_come_later_and_only_for_matching_filters() -> None:
    async with embedded_broker() as address, connect(address, "one") as one:
        await one.publish("kept/here", b"kept", retain=True)
        await one.publish("kept/elsewhere", b"other", retain=True)
        async with connect(address, "late") as late:
            await late.subscribe("kept/here")
            message = await anext(late.messages())
            assert (message.topic, message.payload, message.retained) == ("kept/here", b"kept", True)


async def test_a_port_that_is_taken_is_a_link_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LinkError, match="the embedded broker does not start"):
            async with embedded_broker(taken.getsockname()[1]):
                pass


def children() -> set[int]:
    """The processes this one has started."""
    return {
        int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()
    }


async def test_a_broker_that_dies_is_started_again_on_its_port() -> None:
    before = children()
    async with embedded_broker() as address:
        (pid,) = children() - before
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pid not in children())
        await until(lambda: accepts(address.port))
        async with connect(address, "one") as one:
            await one.publish("a/b", b"")
    assert not accepts(address.port)
    assert children() == before
