"""Simulated devices on real wires: ptys, TCP both ways, UDP."""

import asyncio
import os
import socket
import termios
import time
import tty
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from firmware_sim.wires import dialling, on_pty, on_tcp, on_udp
from firmware_sim.wires.faults import FaultRule, Spoiler
from telemetry import ConfigurationError, LinkError
from tests.firmware_sim.echoing import Echo, Ticker
from tests.waiting import until


@contextmanager
def opened(path: Path, speed: int = termios.B9600) -> Generator[int]:
    """The far end of a serial line, raw, not blocking."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(port)
        attributes = termios.tcgetattr(port)
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(port, termios.TCSANOW, attributes)
        yield port
    finally:
        os.close(port)


async def read(port: int, count: int) -> bytes:
    """So many bytes of the line."""
    got = b""
    async with asyncio.timeout(20):
        while len(got) < count:
            try:
                got += os.read(port, count - len(got))
            except BlockingIOError:
                await asyncio.sleep(0.002)
    return got


@asynccontextmanager
async def dialled(url: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A TCP connection to a wire."""
    host, _, port = url.removeprefix("tcp://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_on_a_bus_every_unit_hears_and_the_addressed_one_answers(tmp_path: Path) -> None:
    one, two = Echo(b"\x01"), Echo(b"\x02")
    async with on_pty(tmp_path / "bus", one, two) as wire:
        assert wire.url == f"serial://{tmp_path}/bus"
        with opened(tmp_path / "bus") as port:
            os.write(port, b"\x02hello")
            assert await read(port, 6) == b"\x02hello"
    assert one.heard == two.heard == [(b"\x02hello", "")]


async def test_a_paced_line_takes_the_time_of_its_bits_both_ways(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "line", Echo(), baudrate=4800, bits=11, half_duplex=True) as wire:
        assert wire.url == f"serial://{tmp_path}/line?baudrate=4800"
        with opened(tmp_path / "line", termios.B4800) as port:
            began = time.monotonic()
            os.write(port, bytes(100))
            await read(port, 100)
            took = time.monotonic() - began
    assert took >= 200 * 11 / 4800 - 0.005
    assert wire.busy == pytest.approx(200 * 11 / 4800)


async def test_who_speaks_on_a_half_duplex_line_while_a_unit_does_is_not_heard(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "bus", Ticker(30, bytes(200)), baudrate=4800, half_duplex=True) as wire:
        with opened(tmp_path / "bus", termios.B4800) as port:
            await read(port, 1)
            os.write(port, b"now")
            await until(lambda: wire.counts["collisions"])
    assert wire.counts["heard"] == 0


async def test_a_strict_line_is_not_understood_at_another_baud_rate(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "line", Echo(), baudrate=19200, strict=True) as wire:
        with opened(tmp_path / "line", termios.B9600) as port:
            os.write(port, b"at 9600")
            await until(lambda: wire.counts["wrong_baudrate"])
        with opened(tmp_path / "line", termios.B19200) as port:
            os.write(port, b"at 19200")
            assert await read(port, 8) == b"at 19200"


async def test_a_port_is_taken_away_and_comes_back_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "usb0"
    async with on_pty(path, Echo()) as wire:
        with opened(path) as port:
            wire.suffer("unplug", 0.1)
            assert not path.is_symlink()
            with pytest.raises(OSError, match="Input/output error"):
                os.write(port, b"x")
        await until(path.exists)
        with opened(path) as port:
            os.write(port, b"back")
            assert await read(port, 4) == b"back"
    assert not path.is_symlink()


async def test_a_port_whose_folder_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot be called"):
        async with on_pty(tmp_path / "no" / "bus", Echo()):
            pass


async def test_over_tcp_each_client_gets_its_own_answers_and_all_hear_what_a_device_says() -> None:
    echo = Echo()
    async with on_tcp(echo, Ticker(30)) as wire, dialled(wire.url) as one, dialled(wire.url) as two:
        await until(lambda: len(wire.clients) == 2)
        for stream, text in ((one, b"one"), (two, b"two")):
            stream[1].write(text)
        async with asyncio.timeout(20):
            assert await one[0].readexactly(3) == b"one"
            assert await two[0].readexactly(3) == b"two"
    assert len({origin for _, origin in echo.heard}) == 2
    assert wire.counts["clients"] == 2


async def test_each_client_may_have_a_device_of_its_own() -> None:
    made: list[Echo] = []

    def each() -> list[Echo]:
        made.append(Echo())
        return made[-1:]

    async with on_tcp(each=each) as wire, dialled(wire.url) as one, dialled(wire.url) as two:
        for _, writer in (one, two):
            writer.write(b"hello")
        async with asyncio.timeout(20):
            assert await one[0].readexactly(5) == await two[0].readexactly(5) == b"hello"
    assert [len(device.heard) for device in made] == [1, 1]


async def test_a_tcp_port_taken_by_another_is_told() -> None:
    async with on_tcp(Echo()) as wire:
        with pytest.raises(OSError, match="address already in use"):
            async with on_tcp(Echo(), port=int(wire.url.rpartition(":")[2])):
                pass


async def test_an_unplugged_tcp_port_refuses_and_comes_back() -> None:
    async with on_tcp(Echo()) as wire:
        async with dialled(wire.url) as (reader, _):
            await until(lambda: wire.clients)
            wire.suffer("unplug", 0.2)
            async with asyncio.timeout(20):
                with pytest.raises((ConnectionError, EOFError)):
                    await reader.readexactly(1)
        async with asyncio.timeout(20):
            while True:
                try:
                    async with dialled(wire.url) as (reader, writer):
                        writer.write(b"back")
                        assert await reader.readexactly(4) == b"back"
                        break
                except (OSError, EOFError):
                    await asyncio.sleep(0.01)


async def test_a_half_open_port_accepts_and_never_answers_and_a_stalled_one_answers_late() -> None:
    async with on_tcp(Echo()) as wire:
        wire.suffer("half_open", 0.1)
        async with dialled(wire.url) as (reader, writer):
            writer.write(b"lost")
            await until(lambda: wire.counts["heard"])
            wire.suffer("stall", 0.2)
            await until(lambda: not wire.deaf)
            writer.write(b"late")
            async with asyncio.timeout(20):
                assert await reader.readexactly(4) == b"late"


async def test_a_device_dials_a_listening_gateway_again_and_again() -> None:
    came: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with dialling("127.0.0.1", port, Ticker(0.05)) as wire:
        await until(lambda: wire.counts["unheard"])

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await came.put(reader)
            await reader.readline()
            writer.close()

        async with await asyncio.start_server(accept, "127.0.0.1", port), asyncio.timeout(20):
            await came.get()
            await came.get()
    assert wire.counts["clients"] >= 2


async def test_over_udp_the_answer_goes_to_who_asked_and_the_rest_to_who_spoke_last() -> None:
    async with on_udp(Echo()) as wire:
        port = int(wire.url.rpartition(":")[2])
        with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
            for asking, text in ((one, b"one"), (two, b"two")):
                asking.settimeout(20)
                asking.sendto(text, ("127.0.0.1", port))
            assert await asyncio.to_thread(one.recv, 100) == b"one"
            assert await asyncio.to_thread(two.recv, 100) == b"two"


async def test_a_device_sends_datagrams_to_a_listening_gateway() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as gateway:
        gateway.bind(("127.0.0.1", 0))
        gateway.settimeout(20)
        async with on_udp(Ticker(30), to=f"127.0.0.1:{gateway.getsockname()[1]}"):
            assert await asyncio.to_thread(gateway.recv, 100) == b"tick\r\n"


async def test_a_udp_port_taken_by_another_is_told() -> None:
    async with on_udp(Echo()) as wire:
        with pytest.raises(LinkError, match="no UDP port"):
            async with on_udp(Echo(), port=int(wire.url.rpartition(":")[2])):
                pass


async def test_a_fault_nobody_knows_is_refused_before_the_wire_is_up() -> None:
    with pytest.raises(ConfigurationError, match="exception"):
        async with on_tcp(Echo(), spoiler=Spoiler([FaultRule("exception", rate=0.1)])):
            pass


async def test_timed_faults_happen_by_themselves(tmp_path: Path) -> None:
    rules = [FaultRule("unplug", start=0.05, again=0.2, seconds=0.1)]
    async with on_pty(tmp_path / "usb0", Echo(), spoiler=Spoiler(rules)) as wire:
        await until(lambda: wire.faults["unplug"] >= 2)


async def test_many_wires_are_cheap_and_leave_nothing(tmp_path: Path) -> None:
    before = open_files()
    async with asyncio.timeout(30):
        for _ in range(20):
            async with on_pty(tmp_path / "line", Ticker(0.001)), on_tcp(Ticker(0.001)), on_udp(Echo()):
                pass
    await until(lambda: open_files() <= before)
    assert asyncio.all_tasks() == {asyncio.current_task()}
