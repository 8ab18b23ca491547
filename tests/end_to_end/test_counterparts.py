"""Modbus devices that are not ours, on a pty and on TCP, read by the whole platform."""

import asyncio
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests import servers
from tests.end_to_end.platform import platform

PROFILE = """
id: two-floats
title: {en: Two floats, vi: Hai số thực}
driver: modbus
kind: tank
every: 200ms
metrics:
  - name: level
    title: {en: Level, vi: Mức}
    unit: m
    read: {table: holding, address: 10, type: float32}
  - name: counter
    title: {en: Counter, vi: Bộ đếm}
    read: {table: holding, address: 20, type: uint32, word_order: little}
"""
LIBMODBUS_SERVER = r"""
#include <modbus.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  modbus_t *line = modbus_new_rtu(argv[1], 9600, 'N', 8, 1);
  modbus_set_slave(line, 7);
  modbus_mapping_t *map = modbus_mapping_new(0, 0, 64, 0);
  map->tab_registers[10] = 0x4050; map->tab_registers[11] = 0x0000; /* 3.25 */
  map->tab_registers[20] = 0x5678; map->tab_registers[21] = 0x1234;
  if (modbus_connect(line)) return 1;
  uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
  for (;;) {
    int length = modbus_receive(line, query);
    if (length > 0) modbus_reply(line, query, length, map);
  }
}
"""


def configuration(folder: Path, link: str, unit: int) -> str:
    models = folder / "models"
    models.mkdir()
    (models / "two-floats.yaml").write_text(PROFILE)
    return f"""
profiles = ["models"]
[[gateway]]
id = "quay"
[[gateway.device]]
id = "tank"
profile = "two-floats"
link = "{link}"
unit_id = {unit}
"""


@contextmanager
def libmodbus_server(folder: Path, port: Path) -> Generator[None]:
    """A Modbus RTU server in C on libmodbus, unit 7."""
    compiler = servers.need("cc", "gcc")
    if not Path("/usr/include/modbus/modbus.h").exists():
        servers.need("libmodbus headers", "libmodbus-dev")
    source = folder / "server.c"
    source.write_text(LIBMODBUS_SERVER)
    program = folder / "server"
    subprocess.run([compiler, source, "-I/usr/include/modbus", "-lmodbus", "-o", program], check=True)
    with servers.running([str(program), str(port)], folder / "server.log"):
        yield


async def test_an_rtu_device_on_libmodbus_is_read_right_over_a_pty_pair(tmp_path: Path) -> None:
    with servers.pty_pair(tmp_path) as (near, far), libmodbus_server(tmp_path, far):
        async with platform(
            tmp_path, configuration(tmp_path, f"serial://{near}?baudrate=9600", 7)
        ) as running:
            latest = await running.until("/api/v1/devices/tank/latest", lambda answer: answer.get("values"))
    assert latest["values"] == {"level": 3.25, "counter": 0x12345678}


async def test_a_tcp_device_on_pymodbus_is_read_right(tmp_path: Path) -> None:
    registers = [0] * 64
    registers[10:12] = [0x4050, 0x0000]
    registers[20:22] = [0x5678, 0x1234]
    device = SimDevice(1, [SimData(0, values=registers, datatype=DataType.REGISTERS)])
    port = servers.free_port()
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    serving = asyncio.create_task(server.serve_forever())
    try:
        async with platform(tmp_path, configuration(tmp_path, f"tcp://127.0.0.1:{port}", 1)) as running:
            latest = await running.until("/api/v1/devices/tank/latest", lambda answer: answer.get("values"))
        assert latest["values"] == {"level": 3.25, "counter": 0x12345678}
        assert latest["quality"] == "good"
    finally:
        serving.cancel()
        await asyncio.wait([serving])
