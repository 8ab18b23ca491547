"""Replaying a log: every line once, to whoever listens, no sooner than asked for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firmware_sim.replay import replay
from telemetry import ConfigurationError, LinkError
from tests.servers import free_port

LINES = [b"!AIVDM,1,1,,A,%05d,0*00" % number for number in range(500)]


async def client_of(port: int) -> bytes:
    """Everything a client of the replay gets until it ends; connects as soon as it listens."""
    reader, writer = await connection_to(port)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def connection_to(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.01)


def as_received(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


async def test_several_clients_get_every_line_once() -> None:
    port = free_port()
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(client_of(port)) for _ in range(3)]
        sent = await replay(LINES, f"tcp-listen://127.0.0.1:{port}", clients=3)
    assert sent == len(LINES)
    assert {client.result() for client in clients} == {as_received(LINES)}


async def test_a_file_is_replayed_without_comments_and_its_progress_told(tmp_path: Path) -> None:
    file, port = tmp_path / "log.nmea", free_port()
    file.write_bytes(b"# recorded\n" + as_received(LINES) + b"\n\n")
    told: list[tuple[int, int]] = []
    async with asyncio.TaskGroup() as group:
        client = group.create_task(client_of(port))
        await replay(file, f"tcp-listen://:{port}", progress=lambda sent, total: told.append((sent, total)))
    assert client.result() == as_received(LINES)
    assert told[0] == (0, 500)
    assert told[-1] == (500, 500)
    assert told == sorted(told)


async def test_a_log_of_nothing_ends_at_once() -> None:
    port = free_port()
    async with asyncio.TaskGroup() as group:
        client = group.create_task(client_of(port))
        assert await replay([], f"tcp-listen://127.0.0.1:{port}") == 0
    assert client.result() == b""


async def test_nothing_is_sent_before_the_first_client() -> None:
    port, told = free_port(), list[int]()
    replaying = asyncio.create_task(
        replay(LINES, f"tcp-listen://127.0.0.1:{port}", progress=lambda sent, _: told.append(sent))
    )
    for _ in range(50):
        await asyncio.sleep(0)
    assert told == []
    assert await client_of(port) == as_received(LINES)
    assert await replaying == len(LINES)


async def test_when_one_client_leaves_the_other_still_gets_all() -> None:
    port = free_port()
    lines = LINES * 40
    async with asyncio.TaskGroup() as group:
        staying = group.create_task(client_of(port))
        replaying = group.create_task(replay(lines, f"tcp-listen://127.0.0.1:{port}", clients=2))
        reader, writer = await connection_to(port)
        await reader.readline()
        writer.transport.abort()
        assert await replaying == len(lines)
    assert staying.result() == as_received(lines)


async def test_without_any_client_left_the_rest_waits_for_the_next() -> None:
    port = free_port()
    lines = LINES * 400
    async with asyncio.TaskGroup() as group:
        replaying = group.create_task(replay(lines, f"tcp-listen://127.0.0.1:{port}"))
        reader, writer = await connection_to(port)
        await reader.readline()
        writer.transport.abort()
        rest = await client_of(port)
        assert await replaying == len(lines)
    assert rest.endswith(as_received(LINES[-1:]))
    assert as_received(lines).endswith(rest)


async def test_a_rate_is_never_exceeded() -> None:
    port, rate = free_port(), 400
    clock = asyncio.get_running_loop().time
    started = clock()
    async with asyncio.TaskGroup() as group:
        client = group.create_task(client_of(port))
        await replay(LINES[:100], f"tcp-listen://127.0.0.1:{port}", rate=rate)
    assert clock() - started >= 99 / rate  # only too early would be wrong; a slow machine is late
    assert client.result() == as_received(LINES[:100])


async def test_the_original_speed_waits_as_the_stamps_say() -> None:
    port = free_port()
    lines = [b"\\c:1700000000%03d*00\\%b" % (step * 100, LINES[step]) for step in range(4)]
    clock = asyncio.get_running_loop().time
    started = clock()
    async with asyncio.TaskGroup() as group:
        client = group.create_task(client_of(port))
        await replay(lines, f"tcp-listen://127.0.0.1:{port}", original_speed=True)
    assert clock() - started >= 0.3
    assert client.result() == as_received(lines)


async def test_a_log_without_times_has_no_original_speed() -> None:
    with pytest.raises(ConfigurationError, match=r"no times.*--rate"):
        await replay(LINES, "tcp-listen://127.0.0.1:10110", original_speed=True)


@asynccontextmanager
async def collecting() -> AsyncGenerator[tuple[int, asyncio.Future[bytes]]]:
    """A server that keeps what its first client sends."""
    everything: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        everything.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], everything


async def test_a_replay_connects_to_a_server() -> None:
    async with collecting() as (port, everything):
        assert await replay(LINES, f"tcp://127.0.0.1:{port}") == len(LINES)
        async with asyncio.timeout(20):
            assert await everything == as_received(LINES)


class Mailbox(asyncio.DatagramProtocol):
    """Keeps datagrams."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.put_nowait(data)


async def test_each_line_is_a_datagram_of_its_own() -> None:
    loop = asyncio.get_running_loop()
    transport, mailbox = await loop.create_datagram_endpoint(Mailbox, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    assert await replay(LINES[:40], f"udp://127.0.0.1:{port}") == 40
    async with asyncio.timeout(20):
        received = [await mailbox.received.get() for _ in range(40)]
    transport.close()
    assert received == [line + b"\r\n" for line in LINES[:40]]


async def test_a_destination_nobody_serves_is_a_link_error() -> None:
    with pytest.raises(LinkError, match="127"):
        await replay(LINES, f"tcp://127.0.0.1:{free_port()}")


async def test_a_port_that_is_taken_is_a_link_error() -> None:
    async with collecting() as (port, _):
        with pytest.raises(LinkError, match=str(port)):
            await replay(LINES, f"tcp-listen://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "url",
    [
        "10110",
        "tcp://:10110",
        "serial:///dev/ttyS0",
        "tcp-listen://127.0.0.1",
        "udp://h:x",
        "tcp://h:1/p",
        "tcp://[::1",
    ],
)
async def test_a_destination_that_is_none_is_refused_with_examples(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"tcp-listen://|cannot be read"):
        await replay(LINES, url)


@pytest.mark.parametrize("url", ["tcp-listen://a..b:10110", "tcp://a..b:10110", "udp://a..b:10110"])
async def test_a_host_that_cannot_be_one_breaks_the_replay_and_nothing_else(url: str) -> None:
    with pytest.raises(LinkError, match=r"a\.\.b"):
        await replay(LINES, url)


@pytest.mark.parametrize("rate", [0, -1, 1e9, float("nan")])
async def test_a_rate_that_cannot_be_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="rate"):
        await replay(LINES, "tcp-listen://127.0.0.1:10110", rate=rate)


async def test_a_rate_and_the_original_speed_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        await replay(LINES, "tcp-listen://127.0.0.1:10110", rate=1, original_speed=True)
