"""`haidang scan serial` on real ptys: what speaks is named, and what cannot be opened says what to do."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from drivers.catalogue import load_catalogue
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.wires import on_pty
from haidang.cli import cli
from haidang.discovery.modbus_wire import ModbusAddress, modbus_wire
from haidang.discovery.waiting import progress
from telemetry import LinkError

runner = CliRunner()


def test_a_port_that_is_not_there_is_told_with_what_to_do_and_ends_with_1(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["scan", "serial", str(tmp_path / "ttyUSB7"), "--seconds", "0.1"])
    assert result.exit_code == 1
    assert "there is no such port; plug the adapter in" in result.output


def test_a_file_that_is_no_port_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("nothing")
    result = runner.invoke(cli, ["scan", "serial", str(tmp_path / "log"), "--seconds", "0.1"])
    assert result.exit_code == 1
    assert "this is no serial port" in result.output


def test_a_port_may_be_written_as_a_link(tmp_path: Path) -> None:
    link = f"serial://{tmp_path / 'ttyUSB7'}?baudrate=9600"
    result = runner.invoke(cli, ["scan", "serial", link, "--seconds", "0.1"])
    assert f"{tmp_path / 'ttyUSB7'}: cannot open" in result.output


@pytest.mark.parametrize("bauds", ["", "fast", "9600,", "0", "99999999"])
def test_a_baud_rate_that_is_none_is_told(bauds: str) -> None:
    result = runner.invoke(cli, ["scan", "serial", "/dev/null", "--bauds", bauds])
    assert result.exit_code == 1
    assert "is no baud rate: write such as 9600,19200" in result.output


async def test_a_port_that_another_process_uses_is_told(tmp_path: Path) -> None:
    meter = ModbusDevice(load_catalogue().profile("eastron-sdm630"), dict, 1)
    async with on_pty(tmp_path / "bus", ModbusServer(meter, framing="rtu")):
        address = ModbusAddress(f"serial://{tmp_path / 'bus'}", 0.1)
        async with modbus_wire(address):
            with pytest.raises(LinkError, match="another process uses it; stop the gateway"):
                async with modbus_wire(address):
                    pass


def test_bar_and_results_on_one_terminal_are_drawn_by_one_console() -> None:
    terminal, other = Console(force_terminal=True), Console(force_terminal=True, stderr=True)
    pipe = Console(force_terminal=False)
    assert progress(terminal, other).console is terminal
    assert progress(pipe, other).console is other
    assert progress(pipe, pipe).disable
