"""The simulated AIS receiver: many clients, each told everything at once; who does not read is dropped."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from firmware_sim.ais_receiver import AisReceiver
from firmware_sim.clock import WorldClock
from firmware_sim.wires.connections import Connection
from firmware_sim.world import World
from tests.firmware_sim.worlds import NOON, decoded

SPEED = 60.0


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    """Where a receiver of a fast world listens."""
    receiver = AisReceiver(World(1), WorldClock(NOON, SPEED))
    async with receiver.running() as url:
        host, _, port = url.removeprefix("tcp://").rpartition(":")
        yield host, int(port)


async def heard_until_all_are_named(address: tuple[str, int], names: set[str]) -> list[str]:
    """The lines of one client until it knows every name."""
    reader, writer = await asyncio.open_connection(*address)
    lines: list[str] = []
    known: set[str] = set()
    async with asyncio.timeout(20):
        while not names <= known:
            lines.append((await reader.readline()).decode().rstrip("\r\n"))
            total, number = lines[-1].split(",")[1:3]
            if total == number:
                message = next(decoded(lines[-int(total) :]))
                known.add(message.get("shipname", ""))
    writer.close()
    await writer.wait_closed()
    return lines


async def test_every_client_learns_every_name(address: tuple[str, int]) -> None:
    names = {s.ship.model.name for s in World(1).sightings(NOON + 10)}
    both = await asyncio.gather(*(heard_until_all_are_named(address, names) for _ in range(2)))
    assert all(line.startswith("!AIVDM,") for lines in both for line in lines)
    later = await heard_until_all_are_named(address, names - {"TRUONG SON STAR"})
    assert later


async def test_a_client_that_does_not_read_is_dropped_and_the_others_hear_on(
    address: tuple[str, int],
) -> None:
    dropped: set[Connection] = set()
    stuck = Connection(dropped)
    server = await asyncio.get_running_loop().create_server(lambda: stuck, "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        async with asyncio.timeout(20):
            while not dropped:
                await asyncio.sleep(0)
            while dropped:
                stuck.send(b"x" * 65536)
                await asyncio.sleep(0)
        writer.close()
    names = {s.ship.model.name for s in World(1).sightings(NOON + 10)}
    assert await heard_until_all_are_named(address, names - {"TRUONG SON STAR"})


async def test_after_its_block_nothing_listens_any_more() -> None:
    receiver = AisReceiver(World(1), WorldClock(NOON, SPEED))
    async with receiver.running() as url:
        host, _, port = url.removeprefix("tcp://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readline()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1 << 20)
    writer.close()
    with pytest.raises(OSError):  # noqa: PT011 - which refusal it is differs between systems
        await asyncio.open_connection(host, int(port))
