"""The simulated Modbus devices: read by pymodbus over TCP and by libmodbus over RTU."""

import asyncio
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient

from drivers.catalogue import load_catalogue
from drivers.modbus.frames import Frame, Request, decode_reply, encode_request
from drivers.modbus.plan import Plan
from firmware_sim import meters
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.wires import on_pty, on_tcp
from firmware_sim.world import RADAR_HEIGHT, World
from telemetry import Profile
from tests.firmware_sim.libmodbus import Client, rtu_client
from tests.firmware_sim.worlds import NOON

WORLD = World(1)
CATALOGUE = load_catalogue()
MODBUS = [profile for profile in CATALOGUE.profiles.values() if profile.driver == "modbus"]


def meter(unit_id: int = 1) -> ModbusDevice:
    """The quay's power meter, its time standing still."""
    profile = CATALOGUE.profile("eastron-sdm630")
    return ModbusDevice(profile, lambda: meters.power_meter(WORLD, NOON), unit_id)


def radar(unit_id: int = 1) -> ModbusDevice:
    """The level radar, its time standing still."""
    profile = CATALOGUE.profile("dfrobot-sen0676")
    return ModbusDevice(profile, lambda: meters.level_radar(WORLD, NOON), unit_id)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def floats(registers: Sequence[int]) -> tuple[float, ...]:
    return struct.unpack(f">{len(registers) // 2}f", struct.pack(f">{len(registers)}H", *registers))


async def test_pymodbus_reads_the_quays_feed_over_tcp() -> None:
    feed = WORLD.power(NOON)
    async with on_tcp(ModbusServer(meter())) as wire:
        client = AsyncModbusTcpClient("127.0.0.1", port=port_of(wire.url))
        assert await client.connect()
        first = floats((await client.read_input_registers(0x0000, count=18, device_id=1)).registers)
        energy = floats((await client.read_input_registers(0x0046, count=6, device_id=1)).registers)
        client.close()
    assert first[:3] == pytest.approx([phase.voltage for phase in feed.phases], rel=1e-6)
    assert first[3:6] == pytest.approx([phase.current for phase in feed.phases], rel=1e-6)
    assert first[6:9] == pytest.approx([phase.power for phase in feed.phases], rel=1e-6)
    assert energy == pytest.approx([feed.frequency, feed.imported, feed.exported], rel=1e-6)


async def test_pymodbus_is_refused_what_the_meter_does_not_have() -> None:
    async with on_tcp(ModbusServer(meter())) as wire:
        client = AsyncModbusTcpClient("127.0.0.1", port=port_of(wire.url))
        assert await client.connect()
        missing = await client.read_input_registers(0x0200, count=2, device_id=1)
        writing = await client.write_register(0, 1, device_id=1)
        client.close()
    assert missing.isError()
    assert missing.exception_code == 2
    assert writing.isError()
    assert writing.exception_code == 1


async def test_libmodbus_reads_the_water_over_rtu(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "radar", ModbusServer(radar(), framing="rtu"), baudrate=115_200) as wire:
        assert wire.url == f"serial://{tmp_path}/radar?baudrate=115200"
        registers = await asyncio.to_thread(_read_radar, wire.path)
    distance, level, height = registers
    assert level == round(WORLD.water_level(NOON) * 1000)
    assert distance == round((RADAR_HEIGHT - WORLD.water_level(NOON)) * 1000)
    assert height == round(RADAR_HEIGHT * 100)


def _read_radar(path: Path) -> list[int]:
    with rtu_client(path, 115_200) as client:
        return [client.read(unit=1, address=address, count=1)[0] for address in (1, 3, 5)]


async def test_two_devices_share_a_line_and_a_third_unit_stays_silent(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "bus", ModbusServer(radar(7), meter(9), framing="rtu")) as wire:
        await asyncio.to_thread(_talk_to_three_units, wire.path)


def _talk_to_three_units(path: Path) -> None:
    with rtu_client(path, 9600) as client:
        assert client.read(unit=7, address=5, count=1) == [round(RADAR_HEIGHT * 100)]
        voltages = floats(client.read(unit=9, address=0, count=6, table="input"))
        assert voltages[0] == pytest.approx(WORLD.power(NOON).phases[0].voltage, rel=1e-6)
        _silent(client)
        assert client.read(unit=7, address=5, count=1) == [round(RADAR_HEIGHT * 100)]


def _silent(client: Client) -> None:
    with pytest.raises(TimeoutError):
        client.read(unit=8, address=5, count=1)


async def test_a_request_byte_by_byte_is_answered_once() -> None:
    async with on_tcp(ModbusServer(radar())) as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(wire.url))
        for byte in bytes.fromhex("0007 0000 0006 01 03 0005 0001 0008 0000 0006 01 03 0005 0001"):
            writer.write(bytes((byte,)))
            await writer.drain()
        async with asyncio.timeout(20):
            both = await reader.readexactly(22)
        writer.close()
        await writer.wait_closed()
    assert [both[:2], both[11:13]] == [b"\x00\x07", b"\x00\x08"]
    assert both[2:11] == both[13:] == bytes.fromhex("0000 0005 01 03 02 028a")


@pytest.mark.parametrize("profile", MODBUS, ids=lambda profile: profile.id)
def test_any_modbus_profile_can_be_simulated_and_is_read_whole_by_its_plan(profile: Profile) -> None:
    numbers = {metric.name: 0 for metric in profile.metrics if not metric.read.get("enum")}
    device = ModbusDevice(profile, lambda: numbers)
    for planned in Plan(profile).reads:
        reply = device.reply(Frame(1, encode_request(planned.request)))
        assert reply is not None
        assert planned.decode(decode_reply(planned.request, reply)).keys() <= set(planned.metrics)


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=253))
def test_any_request_is_answered_or_refused_in_its_own_function(pdu: bytes) -> None:
    reply = meter().reply(Frame(1, pdu))
    assert reply is not None
    assert reply[0] & 0x7F == pdu[0] & 0x7F


def test_a_frame_of_nothing_and_another_units_are_left_unanswered() -> None:
    assert meter().reply(Frame(1, b"")) is None
    assert meter().reply(Frame(2, encode_request(Request(4, 0, 2)))) is None
