"""Unknown Modbus units on a real pty and a real socket are found, named and explored."""

import asyncio
import io
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console

from drivers.catalogue import load_catalogue
from drivers.modbus.probe import Fit, best
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import Framing, ModbusServer
from firmware_sim.wires import on_pty, on_tcp
from haidang.discovery.exploring import Explored, Range, explore, read_range, tell
from haidang.discovery.modbus_scan import lines, scan_lines, scan_modbus
from haidang.discovery.modbus_wire import ModbusAddress, modbus_wire
from telemetry import ConfigurationError, LinkError, Value
from tests.waiting import until

CATALOGUE = load_catalogue()
METER: Mapping[str, Value | None] = {
    "voltage_l1": 229.9, "voltage_l2": 231.2, "voltage_l3": 230.4, "current_l1": 11.5, "current_l2": 12.0,
    "current_l3": 10.25, "power_l1": 2640.0, "power_l2": 2770.0, "power_l3": 2360.0, "power": 7770.0,
    "frequency": 50.0, "energy_import": 1234.5, "energy_export": 0.0, "energy_total": 1234.5,
    "energy_import_l1": 400.0, "energy_import_l2": 420.0, "energy_import_l3": 414.5,
}  # fmt: skip
UPS: Mapping[str, Value | None] = {
    "input_voltage": 228.1, "input_frequency": 50.0, "output_voltage": 230.0, "output_power": 1.2,
    "load": 38.5, "supply": "mains", "temperature": 31.0, "battery_voltage": 54.2, "battery_charge": 100,
}  # fmt: skip
PATIENCE = 2.0
"""For units that answer; a loaded machine may be slow, and silence is asked for where it is wanted."""


def units(framing: Framing) -> ModbusServer:
    meter = ModbusDevice(CATALOGUE.profile("eastron-sdm630"), lambda: METER, 3)
    ups = ModbusDevice(
        CATALOGUE.profile("huawei-ups2000"), lambda: UPS, 7, identity={0: "Huawei", 1: "UPS2000"}
    )
    return ModbusServer(meter, ups, framing=framing)


@asynccontextmanager
async def bus(folder: Path, framing: Framing = "rtu") -> AsyncGenerator[str]:
    async with on_pty(folder / "bus", units(framing)):
        yield f"serial://{folder / 'bus'}?baudrate=9600&framing={framing}"


async def scanned(link: str, numbers: list[int], patience: float) -> tuple[list[str], str]:
    out = Console(file=io.StringIO(), width=200)
    err = Console(file=io.StringIO())
    found = await scan_modbus(ModbusAddress(link, patience), numbers, CATALOGUE, out, err)
    assert isinstance(out.file, io.StringIO)
    return [unit.fits[0].profile if unit.fits else "" for unit in found], out.file.getvalue()


@pytest.mark.parametrize("framing", ["rtu", "ascii"])
async def test_units_on_a_serial_line_are_found_with_the_model_that_fits_each(
    tmp_path: Path, framing: Framing
) -> None:
    async with bus(tmp_path, framing) as link:
        models, told = await scanned(link, [3, 7], PATIENCE)
    assert models == ["eastron-sdm630", "huawei-ups2000"]
    assert "vendor Huawei, product_code UPS2000" in told
    assert f"haidang add NAME --link '{link}' --profile eastron-sdm630 --unit 3" in told


async def test_units_behind_a_tcp_gateway_are_found(tmp_path: Path) -> None:
    async with on_tcp(units("tcp")) as wire:
        models, _ = await scanned(wire.url, [3, 7], PATIENCE)
    assert models == ["eastron-sdm630", "huawei-ups2000"]


async def test_unit_ids_nobody_has_are_counted_as_silent(tmp_path: Path) -> None:
    async with bus(tmp_path) as link:
        models, told = await scanned(link, [1, 2, 4], 0.02)
    assert models == []
    assert "0 of 3 unit ids answer, 3 are silent" in told


async def test_a_unit_no_model_explains_is_pointed_to_the_register_explorer(tmp_path: Path) -> None:
    plc = ModbusDevice(CATALOGUE.profile("huawei-ups2000"), dict, 9, memory={"holding": {5: 40_000, 6: 7}})
    async with on_pty(tmp_path / "bus", ModbusServer(plc, framing="rtu")):
        models, told = await scanned(f"serial://{tmp_path / 'bus'}", [9], PATIENCE)
    assert models == [""]
    assert "no model fits" in told
    assert "haidang registers" in told


async def test_a_wire_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot open"):
        await scanned(f"serial://{tmp_path / 'nothing'}", [1], 0.02)


def test_only_a_serial_link_has_speeds_to_try() -> None:
    assert "serial:///dev/ttyUSB0?baudrate=19200&parity=E" in lines("serial:///dev/ttyUSB0?baudrate=9600")
    with pytest.raises(ConfigurationError):
        lines("tcp://10.0.0.7:502")


async def test_a_range_is_read_around_the_registers_the_unit_refuses(tmp_path: Path) -> None:
    memory = {"holding": {0: 11, 1: 12, 40: 13, 41: 14, 99: 15}}
    plc = ModbusDevice(CATALOGUE.profile("huawei-ups2000"), dict, 1, memory={"holding": memory["holding"]})
    steps: list[int] = []
    async with on_tcp(ModbusServer(plc)) as server, modbus_wire(ModbusAddress(server.url, PATIENCE)) as wire:
        explored = Explored()
        await explore(wire, Range(1, "holding", range(100)), explored, steps.append)
    assert explored.found == memory["holding"]
    assert set(explored.refused) == set(range(100)) - set(memory["holding"])
    assert steps == sorted(steps)
    assert steps[-1] == 100


async def test_a_unit_that_is_silent_ends_the_exploring_with_what_to_check(tmp_path: Path) -> None:
    async with bus(tmp_path) as link, modbus_wire(ModbusAddress(link, 0.02)) as wire:
        with pytest.raises(LinkError, match="unit 44 does not answer: check its address"):
            await explore(wire, Range(44, "holding", range(10)), Explored(), lambda _: None)


def test_a_model_of_many_values_that_fit_comes_before_one_of_few() -> None:
    few, many = Fit("few", 3, 0, 0, 0), Fit("many", 8, 1, 0, 0)
    assert best([few, many]) == [many, few]


@pytest.mark.parametrize("link", ["", "/dev/ttyUSB0", "ttyUSB0"])
async def test_what_is_no_link_is_told_with_how_links_begin(link: str) -> None:
    with pytest.raises(ConfigurationError, match="is no link: begin it with one of tcp:"):
        await scanned(link, [1], 0.02)


async def test_where_nobody_answers_it_is_told_what_to_check(tmp_path: Path) -> None:
    out = Console(file=io.StringIO(), width=200)
    async with bus(tmp_path) as link:
        assert await scan_lines([ModbusAddress(link, 0.02)], [1], CATALOGUE, out, out) == []
    assert isinstance(out.file, io.StringIO)
    assert "A and B, the unit ids, speed and parity (--lines tries them)" in out.file.getvalue()


async def test_a_table_the_unit_does_not_have_is_told_in_words(tmp_path: Path) -> None:
    out = Console(file=io.StringIO(), width=80)
    async with bus(tmp_path) as link:
        wanted = Range(3, "coil", range(10))
        explored = Explored()
        await read_range(ModbusAddress(link, PATIENCE), wanted, explored, out, out)
    tell(wanted, explored, out)
    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue().splitlines() == [
        "unit 3 has none of these coil addresses",
        "refused 0–9: exception 2, illegal data address",
    ]


async def test_what_was_read_stays_when_the_wire_breaks_in_the_middle(tmp_path: Path) -> None:
    plc = ModbusDevice(
        CATALOGUE.profile("huawei-ups2000"), dict, 1, memory={"holding": dict.fromkeys(range(600), 5)}
    )
    explored = Explored()
    async with on_pty(tmp_path / "bus", ModbusServer(plc, framing="rtu")) as port:

        def unplug(done: int) -> None:
            if done == 120:
                port.suffer("unplug", 60)

        async with modbus_wire(ModbusAddress(f"serial://{tmp_path / 'bus'}", PATIENCE)) as wire:
            with pytest.raises(LinkError):
                await explore(wire, Range(1, "holding", range(600)), explored, unplug)
    assert 120 <= len(explored.found) < 600


async def test_units_found_before_the_wire_broke_are_told_with_how_to_see_them(tmp_path: Path) -> None:
    out = Console(file=io.StringIO(), width=200)
    assert isinstance(out.file, io.StringIO)
    told = out.file
    async with on_pty(tmp_path / "bus", units("rtu")) as port:
        address = ModbusAddress(f"serial://{tmp_path / 'bus'}", PATIENCE)
        scan = asyncio.create_task(scan_modbus(address, [3, *range(50, 200)], CATALOGUE, out, out))
        await until(lambda: "unit 3 answers" in told.getvalue())
        port.suffer("unplug", 60)
        with pytest.raises(LinkError):
            await scan
    assert "--profile eastron-sdm630 --unit 3" in told.getvalue()
    assert "are silent" not in told.getvalue()


async def test_a_gateway_that_reaches_no_unit_ends_the_exploring_too(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(12):
            writer.write(request[:4] + bytes((0, 3, request[6], request[7] | 0x80, 11)))
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    link = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    explored = Explored()
    async with server, modbus_wire(ModbusAddress(link, PATIENCE)) as wire:
        with pytest.raises(LinkError, match="unit 9 does not answer"):
            await explore(wire, Range(9, "holding", range(60_000)), explored, lambda _: None)
    assert explored.count == 0
