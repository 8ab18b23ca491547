"""The simulated Modbus units answer clients that are not ours: libmodbus in C, mbpoll, pymodbus."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from firmware_sim.modbus_server import Framing, ModbusServer
from firmware_sim.wires import on_pty, on_tcp
from tests.firmware_sim.boards import board
from tests.firmware_sim.libmodbus import Client, rtu_client, tcp_client
from tests.servers import free_port, need, running

FRAMERS = {"rtu": FramerType.RTU, "tcp": FramerType.SOCKET, "ascii": FramerType.ASCII}


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def converse(client: Client) -> None:
    """Everything libmodbus can ask and write."""
    assert client.read(unit=3, address=0, count=1, table="input") == [215]
    assert client.read(unit=3, address=0, count=1, table="discrete") == [1]
    assert client.read(unit=3, address=0, count=2, table="coil") == [0, 1]
    client.write(unit=3, address=0, contents=[1], table="coil")
    client.write(unit=3, address=0, contents=[1, 0], table="coil")
    assert client.read(unit=3, address=0, count=2, table="coil") == [1, 0]
    client.write(unit=3, address=100, contents=[7])
    client.write(unit=3, address=101, contents=[8, 9])
    assert client.read(unit=3, address=100, count=3) == [7, 8, 9]
    client.mask(unit=3, address=100, keep=0x0002, add=0x0010)
    assert client.read(unit=3, address=100, count=1) == [0x12]
    assert client.write_and_read(unit=3, write_at=101, contents=[5, 6], read_at=102) == 6
    with pytest.raises(OSError, match=r"112345680|Unknown error"):
        client.read(unit=3, address=103, count=1)


async def test_libmodbus_reads_writes_and_masks_over_tcp_and_rtu(tmp_path: Path) -> None:
    async with on_tcp(ModbusServer(board(3))) as wire:
        await asyncio.to_thread(_with_tcp, port_of(wire.url))
    server = ModbusServer(board(3), framing="rtu")
    async with on_pty(tmp_path / "bus", server, baudrate=115_200, half_duplex=True, strict=True) as line:
        await asyncio.to_thread(_with_rtu, line.path)
        assert line.counts["collisions"] == line.counts["wrong_baudrate"] == 0


def _with_tcp(port: int) -> None:
    with tcp_client(port) as client:
        converse(client)


def _with_rtu(path: Path) -> None:
    with rtu_client(path, 115_200) as client:
        converse(client)


async def mbpoll(*words: str) -> str:
    """What mbpoll prints; fails when it fails."""
    command = [need("mbpoll", "mbpoll"), "-1", "-0", "-q", "-a", "3", *words]
    ended = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return "".join(ended.stdout.split())


async def test_mbpoll_reads_and_writes_over_tcp_and_rtu(tmp_path: Path) -> None:
    async with (
        on_tcp(ModbusServer(board(3))) as tcp,
        on_pty(tmp_path / "bus", ModbusServer(board(3), framing="rtu"), baudrate=19_200) as rtu,
    ):
        serial = ("-m", "rtu", "-b", "19200", "-P", "none", str(rtu.path))
        for where in (("-m", "tcp", "-p", str(port_of(tcp.url)), "127.0.0.1"), serial):
            assert "[0]:215" in await mbpoll("-t", "3", "-r", "0", *where)
            await mbpoll("-t", "4", "-r", "100", *where, "77", "78")
            assert "[100]:77[101]:78" in await mbpoll("-t", "4", "-r", "100", "-c", "2", *where)
            await mbpoll("-t", "0", "-r", "0", *where, "1")
            assert "[0]:1[1]:1" in await mbpoll("-t", "0", "-r", "0", "-c", "2", *where)


@asynccontextmanager
async def reached(way: str, framing: Framing, folder: Path) -> AsyncGenerator[AsyncModbusTcpClient]:
    """pymodbus's client, connected to unit 3: over TCP, or through socat, as a converter, over a pty."""
    server = ModbusServer(board(3), framing=framing)
    if way == "tcp":
        async with on_tcp(server) as wire, connected(port_of(wire.url), framing) as client:
            yield client
        return
    async with on_pty(folder / "bus", server, baudrate=38_400) as line:
        port, program = free_port(), need("socat", "socat")
        there = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork"
        with running([program, there, f"FILE:{line.path},raw,echo=0"], folder / "socat.log"):
            async with connected(port, framing) as client:
                yield client


@asynccontextmanager
async def connected(port: int, framing: Framing) -> AsyncGenerator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=FRAMERS[framing])
    async with asyncio.timeout(20):
        while not await client.connect():
            await asyncio.sleep(0.02)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("way", "framing"),
    [("tcp", "tcp"), ("tcp", "rtu"), ("tcp", "ascii"), ("pty", "rtu"), ("pty", "ascii")],
)
async def test_pymodbus_reads_writes_and_masks(way: str, framing: Framing, tmp_path: Path) -> None:
    async with reached(way, framing, tmp_path) as client, asyncio.timeout(30):
        assert (await client.read_input_registers(0, count=1, device_id=3)).registers == [215]
        assert (await client.read_coils(0, count=2, device_id=3)).bits[:2] == [False, True]
        assert not (await client.write_coils(0, [True, False], device_id=3)).isError()
        assert (await client.read_coils(0, count=2, device_id=3)).bits[:2] == [True, False]
        assert not (await client.write_registers(100, [7, 8], device_id=3)).isError()
        masked = await client.mask_write_register(address=101, and_mask=0, or_mask=3, device_id=3)
        assert not masked.isError()
        assert (await client.read_holding_registers(100, count=2, device_id=3)).registers == [7, 3]
        refused = await client.read_holding_registers(103, count=1, device_id=3)
        assert refused.exception_code == 2
