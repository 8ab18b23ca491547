"""A device of somebody else's make is told something from a terminal, and does it."""

import asyncio
import getpass
from pathlib import Path

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests import servers
from tests.end_to_end.platform import Platform, run

PROFILE = """
id: pump-drive
title: {en: Pump drive, vi: Biến tần bơm}
driver: modbus
kind: pump
every: 200ms
metrics:
  - name: frequency
    title: {en: Frequency, vi: Tần số}
    unit: Hz
    read: {table: holding, address: 10, type: uint16, scale: 0.1}
actions:
  - name: set_frequency
    title: {en: Set the frequency, vi: Đặt tần số}
    arguments:
      - {name: frequency, title: {en: Frequency, vi: Tần số}, unit: Hz, minimum: 0, maximum: 50}
    write: {address: 10, type: uint16, scale: 0.1, value: frequency, read_back: true}
"""
CONFIGURATION = """
profiles = ["models"]
[[gateway]]
id = "quay"
[[gateway.device]]
id = "pump"
profile = "pump-drive"
link = "tcp://127.0.0.1:{port}"
settings = {{timeout = "2s"}}
"""


async def test_a_drive_is_set_from_a_terminal_and_the_ledger_outlives_a_kill(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "drive.yaml").write_text(PROFILE)
    port = servers.free_port()
    registers = SimData(0, values=[0] * 64, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, simdata=[registers]), address=("127.0.0.1", port))
    serving = asyncio.create_task(server.serve_forever())
    configuration = CONFIGURATION.format(port=port)
    try:
        first = await Platform.start(tmp_path, configuration)
        await drives(first)
        await first.kill()
        second = await Platform.start(tmp_path, configuration)
        (entry,) = await second.all("/api/v1/devices/pump/commands")
        assert (entry["state"], entry["by"]) == ("done", getpass.getuser())
        assert await second.stop() == 0
        assert not second.complaints
    finally:
        serving.cancel()
        await asyncio.wait({serving})
    code, output = await run("send", "pump", "set_frequency", "frequency=1", "--api", first.address)
    assert code == 1
    assert "no API answers at" in output


async def drives(platform: Platform) -> None:
    await platform.until("/api/v1/devices/pump", lambda answer: answer.get("state") == "ok")
    where = ("--api", platform.address, "--timeout", "20s")
    code, output = await run("send", "pump", *where)
    assert (code, "haidang send pump set_frequency frequency=1" in output) == (0, True), output
    code, output = await run("send", "pump", "set_frequency", "frequency=32.5", *where)
    assert (code, output.splitlines()[0]) == (0, "pump set_frequency: done")
    latest = await platform.until(
        "/api/v1/devices/pump/latest", lambda answer: answer.get("values", {}).get("frequency")
    )
    assert latest["values"]["frequency"] == 32.5
    for wrong, told in (
        ("frequency=51", "frequency is a number from 0 up to 50, not '51'"),
        ("frequency=fast", "frequency is a number from 0 up to 50, not 'fast'"),
        ("speed=1", "set_frequency knows no speed; it takes frequency"),
    ):
        code, output = await run("send", "pump", "set_frequency", wrong, *where)
        assert (code, told in output.replace("\n", " ")) == (1, True), output
